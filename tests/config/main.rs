//! The configuration beside the real thing: what Java makes of odd properties files, what Kafka 4.3 answers to
//! DescribeConfigs, and the server.properties of every Kafka since 0.8. `cargo test --test config`.

use ringwood::config::describe::{describe_broker, describe_topic};
use ringwood::config::{
    BrokerConfig, ConfigEntry, DynamicConfigs, Loaded, PropertiesFile, TopicOverrides, load,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Loads a stock file; the error is what the command line would print.
fn stock(name: &str) -> Result<Loaded, String> {
    let text = text(&format!("stock/{name}"));
    load(Some(PropertiesFile { name, bytes: text.as_bytes() }), &[]).map_err(|errors| errors.to_string())
}

/// Each line of the file: a text, and what java.util.Properties (JDK 17) read in it, both as JSON.
#[test]
fn odd_files_mean_what_java_reads_in_them() {
    for line in text("properties.golden").lines() {
        let (text, java) = line.split_once('\t').unwrap();
        let text: String = serde_json::from_str(text).unwrap();
        let ours = ringwood::config::properties::parse(text.as_bytes());
        if java == "\"malformed\"" {
            assert!(ours.is_err(), "{text:?}");
            continue;
        }
        let mut java: BTreeMap<String, String> = serde_json::from_str(java).unwrap();
        let lone_backslash = text == "\\\n" || text.lines().last() == Some("\\") && !text.ends_with("\\\n\\");
        if lone_backslash {
            java.remove("");
        }
        let entries = ours.unwrap().into_iter().map(|entry| (entry.key, entry.value));
        assert_eq!(entries.collect::<BTreeMap<_, _>>(), java, "{text:?}");
    }
}

/// Kafka has no default for these, or another: they differ on purpose.
const OTHER_DEFAULTS: &[&str] = &["log.dir", "node.id", "process.roles", "controller.listener.names"];

fn row(letter: &str, entry: &ConfigEntry) -> String {
    let null = || "\\N".to_string();
    let synonym = |name: &str, value: &Option<String>, source| {
        format!("{name}={}:{source};", value.clone().unwrap_or_else(|| "null".into()))
    };
    let source = |source: ringwood::config::ConfigSource| match source.wire_code() {
        1 => "DYNAMIC_TOPIC_CONFIG",
        2 => "DYNAMIC_BROKER_CONFIG",
        3 => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        4 => "STATIC_BROKER_CONFIG",
        _ => "DEFAULT_CONFIG",
    };
    let synonyms: String =
        entry.synonyms.iter().map(|s| synonym(s.name, &s.value, source(s.source))).collect();
    [
        letter,
        entry.name,
        &entry.value.clone().unwrap_or_else(null),
        entry.kind.name(),
        source(entry.source),
        if entry.read_only { "ro" } else { "rw" },
        if entry.sensitive { "sensitive" } else { "-" },
        &synonyms,
    ]
    .join("\t")
}

/// The file holds what Kafka 4.3.1, started with describe-4.3.properties, answered about a topic and about itself.
#[test]
fn describe_configs_answers_as_kafka_does() {
    let properties = text("describe-4.3.properties");
    let file = PropertiesFile { name: "describe-4.3.properties", bytes: properties.as_bytes() };
    let config = load(Some(file), &[]).unwrap().config;
    let own = [
        ("retention.ms", "12345"),
        ("compression.type", "zstd"),
        ("follower.replication.throttled.replicas", "*"),
    ];
    let own: TopicOverrides = own.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    // `kafka-storage format` wrote this into the metadata.
    let cluster = BTreeMap::from([("min.insync.replicas".to_string(), "1".to_string())]);
    let dynamic = DynamicConfigs { cluster, ..DynamicConfigs::default() };
    let mut ours: BTreeMap<String, String> = BTreeMap::new();
    for entry in describe_topic(&config.settings, &dynamic, &own) {
        ours.insert(format!("T {}", entry.name), row("T", &entry));
    }
    for entry in describe_broker(&config.settings, &dynamic) {
        ours.insert(format!("B {}", entry.name), row("B", &entry));
    }
    let mut differences = Vec::new();
    for kafka in text("describe-4.3.tsv").lines() {
        let mut columns = kafka.split('\t');
        let (letter, name) = (columns.next().unwrap_or(""), columns.next().unwrap_or(""));
        let our = ours.remove(&format!("{letter} {name}")).unwrap_or_default();
        if our != kafka && !(letter == "B" && OTHER_DEFAULTS.contains(&name)) {
            differences.push(format!("kafka    {kafka}\nringwood {our}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    ours.retain(|name, _| !name.starts_with("B ringwood."));
    assert!(ours.is_empty(), "Kafka does not answer {:?}", ours.keys());
}

/// Each line: settings of a topic, and what Kafka 4.3.1 answered to their creation.
#[test]
fn topics_are_refused_in_kafkas_words() {
    for line in text("topic-refusals-4.3.tsv").lines() {
        let (settings, kafka) = line.split_once('\t').unwrap();
        let pairs = settings.trim_matches(['{', '}']).split(", ").map(|pair| pair.split_once('=').unwrap());
        let own: TopicOverrides = pairs.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let ours = BrokerConfig::from_pairs(&[]).unwrap().topic_config(&own);
        let ours = ours.map_or_else(|error| error.to_string(), |_| "ok".to_string());
        // Kafka could have tiered storage and says that it is switched off; Ringwood has none.
        if !own.contains_key("remote.storage.enable") {
            assert_eq!(ours, kafka, "{settings}");
        }
    }
}

/// Beside each stock file lies what is said about it. With UPDATE_GOLDEN=1 it is written anew, to be looked at.
#[test]
fn the_files_of_every_kafka_start_a_broker() {
    let mut names: Vec<String> = std::fs::read_dir(path("stock"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.starts_with("kafka-") && name.ends_with(".properties"))
        .collect();
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        let loaded = stock(&name).unwrap_or_else(|error| panic!("{error}"));
        let said: String =
            loaded.notices.iter().map(|notice| format!("{:?} {notice}\n", notice.level)).collect();
        let golden = format!("stock/{}", name.replace(".properties", ".notices"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path(&golden), &said).unwrap();
        }
        assert_eq!(said, text(&golden), "{name}");
        assert!(!said.contains("unknown key"), "{said}");
    }
}

fn stock_config(name: &str) -> BrokerConfig {
    stock(name).unwrap_or_else(|error| panic!("{error}")).config
}

#[test]
fn a_tuned_file_of_0_8_is_obeyed() {
    let config = stock_config("kafka-0.8.1-tuned.properties");
    assert_eq!(config.node_id.get(), 3);
    let listener = &config.listeners.clients[0];
    assert_eq!((listener.bind_host.as_deref(), listener.bind_port), (Some("kafka3.example.org"), 9192));
    assert_eq!((listener.advertised_host.as_str(), listener.advertised_port), ("203.0.113.7", 19192));
    assert_eq!(config.log_dirs, ["/data/1/kafka", "/data/2/kafka"].map(PathBuf::from));
    assert_eq!(config.upkeep.retention_check_interval_ms, 30 * 60_000);
    let topic = &config.topic_defaults;
    assert_eq!((topic.retention_ms, topic.segment_ms), (Some(2_880 * 60_000), 24 * 3_600_000));
    assert_eq!((topic.flush_messages, topic.flush_ms, topic.file_delete_delay_ms), (20_000, 10_000, 30_000));
    assert_eq!(config.offsets.metadata_bytes_max, 1024);
    assert!(config.topics.auto_create);
    assert_eq!(config.network.connections_per_ip_overrides, [("10.0.0.1".to_string(), 100)]);
}

#[test]
fn a_kraft_file_keeps_the_controllers_listener_closed() {
    let config = stock_config("kafka-3.9-kraft.properties");
    let names: Vec<&str> = config.listeners.clients.iter().map(|listener| listener.name.as_str()).collect();
    assert_eq!(names, ["PLAINTEXT"]);
    assert_eq!(config.listeners.controllers.len(), 1);
    assert_eq!(config.offsets.replication_factor, 1);
}

#[test]
fn mistakes_are_told_with_file_line_key_and_bounds() {
    let said = stock("mistakes.properties").unwrap_err();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "mistakes.properties:3: num.partitions: '0': Value must be at least 1 (allowed: int, at least 1; default 1)",
            "mistakes.properties:6: offsets.topic.num.partitions: 'many': Not a number of type INT (allowed: int, at least 1; \
             default 50)",
            "mistakes.properties:8: compression.type: 'lzma': String must be one of: uncompressed, zstd, lz4, snappy, gzip, \
             producer (allowed: string, one of uncompressed, zstd, lz4, snappy, gzip, producer; default producer)",
        ]
    );
    let text = text("stock/mistakes.properties");
    let fixed = text.replace("=0\n", "=1\n").replace("many", "1").replace("lzma", "lz4");
    let name = "mistakes.properties";
    let error = load(Some(PropertiesFile { name, bytes: fixed.as_bytes() }), &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "mistakes.properties:11: broker.id: is 3, but node.id is 2: write one of them"
    );
    let overrides = ["broker.id=2".to_string()];
    let loaded = load(Some(PropertiesFile { name, bytes: fixed.as_bytes() }), &overrides).unwrap();
    let notices: Vec<String> = loaded.notices.iter().map(ToString::to_string).collect();
    for wanted in [
        "mistakes.properties:2: unknown key num.partitons; did you mean num.partitions?",
        "mistakes.properties:4: unknown key log_dirs; did you mean log.dirs?",
        "mistakes.properties:12: unknown key no.such.thing.at.all",
        "mistakes.properties:10: node.id was already there at mistakes.properties:9; this one counts",
        "mistakes.properties:5: log.segment.bytes=512 is now 1048576, the least since Kafka 4",
    ] {
        assert!(notices.iter().any(|notice| notice == wanted), "{wanted} is not in {notices:#?}");
    }
}

#[test]
fn without_a_file_there_is_a_broker() {
    let loaded = load(None, &[]).unwrap();
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
    let config = loaded.config;
    assert_eq!((config.node_id.get(), config.log_dirs), (1, vec![PathBuf::from("data")]));
    let listener = &config.listeners.clients[0];
    assert_eq!((listener.bind_host.as_deref(), listener.bind_port), (None, 9092));
    assert_eq!((listener.advertised_host.as_str(), listener.advertised_port), ("localhost", 9092));
}
