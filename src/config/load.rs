//! From a file and the command line to a `BrokerConfig`: read, understand the keys of old, check against the table,
//! put into types; with one line about everything that is not simply obeyed.

use super::broker::BrokerConfig;
use super::legacy::{self, Fate};
use super::listeners::Endpoint;
use super::properties;
use super::settings::{ConfigError, ConfigErrors, Level, Notice, Place, Setting, Settings};
use super::table;
use std::sync::Arc;

/// A properties file that has been read.
#[derive(Clone, Copy, Debug)]
pub struct PropertiesFile<'a> {
    /// Its name as it was given, for messages.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// A configuration, and what there is to say about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: BrokerConfig,
    /// What became of keys that are not simply obeyed, in the order of the file.
    pub notices: Vec<Notice>,
}

/// Reads a file, if any, and `key=value` pairs that win over it. With neither it is the default: node 1 on every
/// interface's port 9092, data below `data`. Errors: all wrong values at once, each with its place and bounds.
pub fn load(file: Option<PropertiesFile<'_>>, overrides: &[String]) -> Result<Loaded, ConfigErrors> {
    let mut loader = Loader::default();
    if let Some(file) = file {
        loader.read_file(file)?;
    }
    for pair in overrides {
        loader.read_override(pair)?;
    }
    let names: Vec<String> = loader.written().into_iter().map(|(name, _)| name).collect();
    loader.old_listeners()?;
    for name in &names {
        loader.understand(name);
    }
    loader.raise_segment_bytes();
    loader.check();
    if !loader.errors.is_empty() {
        return Err(ConfigErrors(loader.errors));
    }
    loader.twin_node_id();
    let config = BrokerConfig::from_settings(loader.settings)?;
    let mut notices = loader.notices;
    notices.extend(about_the_cluster(&config));
    Ok(Loaded { config, notices })
}

impl BrokerConfig {
    /// A configuration of these pairs alone: for tests and embedders. Errors: as `load`.
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Result<Self, ConfigErrors> {
        let overrides: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        load(None, &overrides).map(|loaded| loaded.config)
    }
}

#[derive(Default)]
struct Loader {
    settings: Settings,
    notices: Vec<Notice>,
    errors: Vec<ConfigError>,
}

impl Loader {
    fn notice(&mut self, level: Level, place: &Place, text: String) {
        self.notices.push(Notice { level, text: format!("{place}: {text}") });
    }

    fn read_file(&mut self, file: PropertiesFile<'_>) -> Result<(), ConfigError> {
        let name: Arc<str> = file.name.into();
        let place = |line| Place::File { name: name.clone(), line };
        let entries = properties::parse(file.bytes).map_err(|error| ConfigError {
            place: Some(place(error.line)),
            key: String::new(),
            problem: "malformed \\u escape: four hexadecimal digits must follow".into(),
        })?;
        for entry in entries {
            if let Some(earlier) = self.settings.write(&entry.key, entry.value, place(entry.line)) {
                let text = format!("{} was already there at {}; this one counts", entry.key, earlier.place);
                self.notice(Level::Warning, &place(entry.line), text);
            }
        }
        Ok(())
    }

    fn read_override(&mut self, pair: &str) -> Result<(), ConfigError> {
        let (key, value) = pair.split_once('=').ok_or_else(|| ConfigError {
            place: Some(Place::CommandLine),
            key: String::new(),
            problem: format!("'{pair}' is not of the form key=value"),
        })?;
        self.settings.write(key.trim(), value.to_string(), Place::CommandLine);
        Ok(())
    }

    /// What is written, line by line.
    fn written(&self) -> Vec<(String, Setting)> {
        let mut written: Vec<(String, Setting)> =
            self.settings.iter().map(|(name, setting)| (name.to_string(), setting.clone())).collect();
        written.sort_by_key(|(_, setting)| match setting.place {
            Place::File { line, .. } => line,
            Place::CommandLine => usize::MAX,
        });
        written
    }

    /// `host.name`, `port` and their advertised twins become `listeners` and `advertised.listeners`, which win over them.
    fn old_listeners(&mut self) -> Result<(), ConfigError> {
        let old: Vec<(&str, Setting)> = legacy::LISTENER_KEYS
            .iter()
            .filter_map(|name| Some((*name, self.settings.remove(name)?)))
            .collect();
        let value =
            |name: &str| old.iter().find(|(key, _)| *key == name).map(|(_, setting)| setting.value.trim());
        let port = |name: &str| match value(name) {
            None | Some("") => Ok(None),
            Some(text) => text.parse::<u16>().map(Some).map_err(|_| {
                let place =
                    old.iter().find(|(key, _)| *key == name).map(|(_, setting)| setting.place.clone());
                ConfigError { place, key: name.into(), problem: "must be a number from 0 to 65535".into() }
            }),
        };
        let host = |name: &str| value(name).filter(|host| !host.is_empty()).map(ToString::to_string);
        let (bind_host, bind_port) = (host("host.name"), port("port")?.unwrap_or(9092));
        let (told_host, told_port) = (host("advertised.host.name"), port("advertised.port")?);
        for (key, setting) in &old {
            let now = if key.starts_with("advertised") { "advertised.listeners" } else { "listeners" };
            let (level, text) = if self.settings.is_written(now) {
                (Level::Warning, format!("{key} has no effect: {now} is written too and wins"))
            } else {
                (Level::Info, format!("{key} is now part of {now}"))
            };
            self.notice(level, &setting.place, text);
        }
        let place_of = |keys: &[&str]| {
            old.iter().find(|(key, _)| keys.contains(key)).map(|(_, setting)| setting.place.clone())
        };
        let name = self.first_listener_name();
        if let Some(place) =
            place_of(&["host.name", "port"]).filter(|_| !self.settings.is_written("listeners"))
        {
            let bind = Endpoint { name: name.clone(), host: bind_host.clone(), port: bind_port };
            self.settings.write("listeners", bind.to_string(), place);
        }
        let told = place_of(&["advertised.host.name", "advertised.port"]);
        if let Some(place) = told.filter(|_| !self.settings.is_written("advertised.listeners")) {
            let host = told_host.or(bind_host).unwrap_or_else(|| "localhost".into());
            let told = Endpoint { name, host: Some(host), port: told_port.unwrap_or(bind_port) };
            self.settings.write("advertised.listeners", told.to_string(), place);
        }
        Ok(())
    }

    fn first_listener_name(&self) -> String {
        let first = self.settings.items("listeners").first().and_then(|text| Endpoint::parse(text).ok());
        first.map_or_else(|| "PLAINTEXT".to_string(), |endpoint| endpoint.name)
    }

    /// What a written key means today, with a line about it if that is not what its writer would think.
    fn understand(&mut self, name: &str) {
        let Some(setting) = self.settings.written(name).cloned() else { return };
        match legacy::fate(name) {
            Some(fate) => self.meet_fate(name, setting, fate),
            None => match table::broker_key(name) {
                Some(key) if !key.acts() => {
                    let text = format!("{name} is accepted; it has no effect");
                    self.notice(Level::Debug, &setting.place, text);
                }
                Some(_) => {}
                None => {
                    let nearest = table::nearest_broker_key(name);
                    let meant = nearest.map_or(String::new(), |near| format!("; did you mean {near}?"));
                    self.notice(Level::Warning, &setting.place, format!("unknown key {name}{meant}"));
                    self.settings.remove(name);
                }
            },
        }
    }

    fn meet_fate(&mut self, name: &str, setting: Setting, fate: Fate) {
        let text = match fate {
            Fate::Gone(why) | Fate::Unenforced(why) => format!("{name} {why}"),
            Fate::Now(keys) => {
                self.settings.remove(name);
                keys.iter().for_each(|key| self.write_unless_written(key, &setting.value, &setting.place));
                format!("{name} is now {}", keys.join(" and "))
            }
            Fate::NowMillis(key, millis) => {
                self.settings.remove(name);
                let number = setting.value.trim().parse::<i64>().map(|number| number.saturating_mul(millis));
                let value = number.map_or(setting.value, |number| number.to_string());
                self.write_unless_written(key, &value, &setting.place);
                format!("{name} is now {key}={value}")
            }
        };
        self.notice(fate.level(), &setting.place, text);
    }

    fn write_unless_written(&mut self, key: &str, value: &str, place: &Place) {
        if !self.settings.is_written(key) {
            self.settings.write(key, value.to_string(), place.clone());
        }
    }

    /// Until Kafka 4 a segment could be as small as 14 bytes; such a file must still start a broker.
    fn raise_segment_bytes(&mut self) {
        const KEY: &str = "log.segment.bytes";
        const LEAST: i32 = 1 << 20;
        let Some(setting) = self.settings.written(KEY).cloned() else { return };
        if setting.value.trim().parse::<i32>().is_ok_and(|bytes| (14..LEAST).contains(&bytes)) {
            let text = format!("{KEY}={} is now {LEAST}, the least since Kafka 4", setting.value.trim());
            self.notice(Level::Warning, &setting.place, text);
            self.settings.write(KEY, LEAST.to_string(), setting.place);
        }
    }

    /// Kafka answers for `broker.id` what `node.id` says.
    fn twin_node_id(&mut self) {
        if let Some(node) = self.settings.written("node.id").cloned() {
            self.write_unless_written("broker.id", &node.value, &node.place);
        }
    }

    /// Every value against its row; values in their plain form replace what was written.
    fn check(&mut self) {
        for (name, setting) in self.written() {
            let Some(key) = table::broker_key(&name) else { continue };
            match key.check(&setting.value) {
                Ok(plain) => self.settings.set_plain(&name, plain),
                // Who has a stale value in a key that does nothing shall not be kept from starting.
                Err(refusal) if !key.acts() => {
                    let text = format!("{name} is passed over: {refusal}");
                    self.notice(Level::Warning, &setting.place, text);
                    self.settings.remove(&name);
                }
                Err(refusal) => {
                    let shown = if key.sensitive() { "the value" } else { setting.value.trim() };
                    let default = key.default.filter(|text| !text.is_empty());
                    let default = default.map_or(String::new(), |text| format!("; default {text}"));
                    let problem = format!("'{shown}': {refusal} (allowed: {}{default})", allowed(key));
                    self.errors.push(ConfigError { place: Some(setting.place), key: name, problem });
                }
            }
        }
    }
}

fn allowed(key: &super::key::Key) -> String {
    let kind = key.kind.name().to_ascii_lowercase();
    match key.bounds {
        super::key::Bounds::Any => kind,
        bounds => format!("{kind}, {bounds}"),
    }
}

/// A file that speaks of other nodes must not look as if they had been joined.
fn about_the_cluster(config: &BrokerConfig) -> Vec<Notice> {
    let s = &config.settings;
    let mut notices = Vec::new();
    let mut say = |key: &str, level: Level, text: String| {
        let place = s.written(key).map_or(String::new(), |setting| format!("{}: ", setting.place));
        notices.push(Notice { level, text: format!("{place}{key}: {text}") });
    };
    for endpoint in &config.listeners.controllers {
        say(
            "controller.listener.names",
            Level::Info,
            format!("{endpoint} is not opened: the controller is inside"),
        );
    }
    let others: Vec<&str> = ["controller.quorum.voters", "controller.quorum.bootstrap.servers"]
        .into_iter()
        .filter(|key| s.items(key).len() > 1)
        .collect();
    for key in others {
        say(key, Level::Warning, "this node does not join others yet: it runs on its own".into());
    }
    if !s.items("process.roles").contains(&"controller") {
        say(
            "process.roles",
            Level::Warning,
            "this node has its own controller inside and runs on its own".into(),
        );
    }
    notices
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn from(text: &str, overrides: &[&str]) -> Result<Loaded, ConfigErrors> {
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        load(Some(PropertiesFile { name: "f", bytes: text.as_bytes() }), &overrides)
    }

    fn listener(text: &str) -> (String, String) {
        let listeners = from(text, &[]).unwrap().config.listeners;
        let first = listeners.clients.first().unwrap();
        let told = format!("{}:{}", first.advertised_host, first.advertised_port);
        (format!("{}:{}", first.bind_host.clone().unwrap_or_default(), first.bind_port), told)
    }

    #[test]
    fn listeners_of_old() {
        for (text, bind, told) in [
            ("port=1", ":1", "localhost:1"),
            ("host.name=h", "h:9092", "h:9092"),
            ("host.name=\nport=", ":9092", "localhost:9092"),
            ("host.name=::1\nport=2", "::1:2", "::1:2"),
            ("advertised.host.name=a", ":9092", "a:9092"),
            ("port=1\nadvertised.port=2", ":1", "localhost:2"),
            ("listeners=PLAINTEXT://h:3\nport=1", "h:3", "h:3"),
            ("listeners=PLAINTEXT://:3\nadvertised.host.name=a\nadvertised.port=4", ":3", "a:4"),
            ("advertised.listeners=PLAINTEXT://b:5\nadvertised.host.name=a", ":9092", "b:5"),
        ] {
            assert_eq!(listener(text), (bind.into(), told.into()), "{text}");
        }
        assert_eq!(
            from("\nport=x", &[]).unwrap_err().to_string(),
            "f:2: port: must be a number from 0 to 65535"
        );
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_today_over_yesterday() {
        let config = from("num.partitions=2", &["num.partitions=3"]).unwrap().config;
        assert_eq!(config.topics.num_partitions, 3);
        let text = "log.delete.delay.ms=1\nlog.segment.delete.delay.ms=2";
        assert_eq!(from(text, &[]).unwrap().config.topic_defaults.file_delete_delay_ms, 2);
        let config = from("broker.id=5", &[]).unwrap().config;
        assert!(config.node_id.get() == 5 && config.node_id_is_written);
        let config = from("broker.id=-1", &[]).unwrap().config;
        assert!(config.node_id.get() == 1 && !config.node_id_is_written);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (text, key) in [
            ("process.roles=controller", "process.roles"),
            ("log.retention.hours=0", "log.retention.hours"),
            ("log.roll.ms=0", "log.roll.ms"),
            (
                "group.min.session.timeout.ms=9\ngroup.max.session.timeout.ms=8",
                "group.max.session.timeout.ms",
            ),
            ("log.dirs=,", "log.dirs"),
            ("inter.broker.listener.name=OTHER", "inter.broker.listener.name"),
            ("listeners=SSL://:9093", "listeners"),
            ("socket.request.max.bytes=0", "socket.request.max.bytes"),
            ("ringwood.io.mode=mmap", "ringwood.io.mode"),
        ] {
            let error = from(text, &[]).unwrap_err();
            assert_eq!(error.0.first().map(|error| error.key.as_str()), Some(key), "{error}");
        }
        let error = from("a=\\u12", &[]).unwrap_err().to_string();
        assert_eq!(error, "f:1: malformed \\u escape: four hexadecimal digits must follow");
    }

    #[test]
    fn a_stale_value_of_a_key_without_effect_keeps_nobody_from_starting() {
        let loaded = from("ssl.client.auth=perhaps", &[]).unwrap();
        let notices: Vec<String> = loaded.notices.iter().map(ToString::to_string).collect();
        assert!(
            notices.iter().any(|notice| notice.starts_with("f:1: ssl.client.auth is passed over")),
            "{notices:?}"
        );
    }

    #[test]
    fn other_nodes_are_not_passed_over_in_silence() {
        let loaded = from("controller.quorum.voters=1@a:1,2@b:1\nprocess.roles=broker", &[]).unwrap();
        assert_eq!(loaded.notices.iter().filter(|notice| notice.level == Level::Warning).count(), 2);
    }

    proptest! {
        #[test]
        fn whatever_is_written_nothing_panics(
            pairs in prop::collection::vec(("(port|listeners|log.dirs|broker.id|log.retention.ms|[a-z.]{0,9})", ".{0,12}"), 0..6)
        ) {
            let text: String = pairs.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
            let _ = from(&text, &[]);
        }
    }
}
