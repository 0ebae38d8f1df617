//! The broker's settings in their types, in the units that their names say. What is not written has the table's default.

use super::listeners::{ListenerSettings, Listeners};
use super::settings::{ConfigError, ConfigErrors, Settings};
use super::topic::{TopicConfig, TopicConfigError, TopicOverrides};
use crate::base::ids::BrokerId;
use std::path::PathBuf;

/// Everything that a broker is told before it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerConfig {
    /// `node.id`, or `broker.id` of old.
    pub node_id: BrokerId,
    /// Whether the configuration says so; otherwise a data directory that has an id of its own may decide.
    pub node_id_is_written: bool,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// The listeners for clients, at least one, and those of the controller, which are not opened.
    pub listeners: Listeners,
    /// `log.dirs`, or `log.dir`: at least one.
    pub log_dirs: Vec<PathBuf>,
    /// `metadata.log.dir`; `None`: the first of `log_dirs`.
    pub metadata_log_dir: Option<PathBuf>,
    /// `metadata.log.segment.bytes`.
    pub metadata_segment_bytes: u32,
    /// How topics come and go.
    pub topics: TopicRules,
    /// What topics have unless they say otherwise.
    pub topic_defaults: TopicConfig,
    /// The upkeep of logs.
    pub upkeep: UpkeepConfig,
    /// Connections, requests, fetches.
    pub network: NetworkConfig,
    /// Consumer groups.
    pub groups: GroupConfig,
    /// Committed offsets.
    pub offsets: OffsetsConfig,
    /// Transactions.
    pub transactions: TransactionConfig,
    /// What only Ringwood has.
    pub ringwood: RingwoodConfig,
    /// All that was written, for DescribeConfigs.
    pub settings: Settings,
}

/// How topics come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRules {
    /// `auto.create.topics.enable`.
    pub auto_create: bool,
    /// `delete.topic.enable`.
    pub delete_enable: bool,
    /// `num.partitions`, at least 1.
    pub num_partitions: i32,
    /// `default.replication.factor`.
    pub default_replication_factor: i16,
}

/// The upkeep of logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpkeepConfig {
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval_ms: i64,
    /// `log.flush.offset.checkpoint.interval.ms`: between two writes of the recovery points.
    pub recovery_point_interval_ms: i64,
    /// `log.flush.start.offset.checkpoint.interval.ms`: between two writes of the log start offsets.
    pub log_start_interval_ms: i64,
    /// `replica.high.watermark.checkpoint.interval.ms`.
    pub high_watermark_interval_ms: i64,
    /// `log.cleaner.enable`.
    pub cleaner_enable: bool,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: i64,
    /// `producer.id.expiration.check.interval.ms`.
    pub producer_id_expiration_check_interval_ms: i64,
}

/// Connections, requests, fetches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// `socket.request.max.bytes`.
    pub request_bytes_max: u32,
    /// `socket.send.buffer.bytes`; `None`: the kernel decides.
    pub send_buffer_bytes: Option<u32>,
    /// `socket.receive.buffer.bytes`; `None`: the kernel decides.
    pub receive_buffer_bytes: Option<u32>,
    /// `socket.listen.backlog.size`.
    pub listen_backlog: u32,
    /// `connections.max.idle.ms`; `None`: connections may idle for ever.
    pub idle_ms: Option<u64>,
    /// `max.connections`, over all shards.
    pub connections_max: u32,
    /// `max.connections.per.ip`.
    pub connections_per_ip_max: u32,
    /// `max.connections.per.ip.overrides`: host or address, and its own number.
    pub connections_per_ip_overrides: Vec<(String, u32)>,
    /// `queued.max.request.bytes`, else `ringwood.request.memory.bytes`: request bytes in memory over all shards.
    pub request_memory_bytes: u64,
    /// `fetch.max.bytes`.
    pub fetch_bytes_max: u32,
    /// `max.incremental.fetch.session.cache.slots`, over all shards.
    pub fetch_sessions_max: u32,
    /// `max.request.partition.size.limit`: partitions in one DescribeTopicPartitions answer.
    pub describe_partitions_max: u32,
    /// `request.timeout.ms`.
    pub request_timeout_ms: i64,
}

/// Consumer groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay_ms: i64,
    /// `group.min.session.timeout.ms`.
    pub session_timeout_min_ms: i64,
    /// `group.max.session.timeout.ms`, at least the former.
    pub session_timeout_max_ms: i64,
    /// `group.max.size`: members of one group.
    pub members_max: u32,
}

/// Committed offsets and their topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetsConfig {
    /// `offsets.topic.num.partitions`, at least 1.
    pub num_partitions: i32,
    /// `offsets.topic.replication.factor`; a topic never has more replicas than there are brokers.
    pub replication_factor: i16,
    /// `offsets.topic.segment.bytes`.
    pub segment_bytes: u32,
    /// `offsets.retention.minutes`, in milliseconds.
    pub retention_ms: i64,
    /// `offsets.retention.check.interval.ms`.
    pub retention_check_interval_ms: i64,
    /// `offset.metadata.max.bytes`.
    pub metadata_bytes_max: u32,
    /// `offsets.commit.timeout.ms`.
    pub commit_timeout_ms: i64,
    /// `offsets.load.buffer.size`, in bytes.
    pub load_buffer_bytes: u32,
}

/// Transactions and their topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionConfig {
    /// `transaction.state.log.num.partitions`, at least 1.
    pub num_partitions: i32,
    /// `transaction.state.log.replication.factor`; a topic never has more replicas than there are brokers.
    pub replication_factor: i16,
    /// `transaction.state.log.min.isr`; never more than there are brokers.
    pub min_insync_replicas: u32,
    /// `transaction.state.log.segment.bytes`.
    pub segment_bytes: u32,
    /// `transaction.max.timeout.ms`.
    pub timeout_max_ms: i64,
    /// `transactional.id.expiration.ms`.
    pub id_expiration_ms: i64,
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
    pub abort_check_interval_ms: i64,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`.
    pub expiration_check_interval_ms: i64,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoMode {
    /// O_DIRECT where the file system allows it.
    Auto,
    /// O_DIRECT, or an error.
    Direct,
    /// Through the page cache.
    PageCache,
}

/// What only Ringwood has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingwoodConfig {
    /// `ringwood.shards`; `None`: one for each core that the process may use.
    pub shards: Option<u16>,
    /// `ringwood.io.mode`.
    pub io_mode: IoMode,
    /// `ringwood.tail.cache.bytes`, over all shards.
    pub tail_cache_bytes: u64,
    /// `ringwood.flush.background.ms`.
    pub flush_background_ms: i64,
    /// `ringwood.flush.background.bytes`, of one partition.
    pub flush_background_bytes: u64,
}

impl BrokerConfig {
    /// The settings in their types. Errors: values that do not go together.
    pub fn from_settings(settings: Settings) -> Result<Self, ConfigErrors> {
        let s = &settings;
        let topic_defaults = TopicConfig::resolve(s, &TopicOverrides::new());
        let config = Self {
            node_id: node_id(s)?,
            node_id_is_written: s.is_written("node.id") || s.limit::<i32>("broker.id")?.is_some(),
            rack: s.value("broker.rack").map(ToString::to_string),
            listeners: listeners(s)?,
            log_dirs: log_dirs(s)?,
            metadata_log_dir: s.value("metadata.log.dir").map(PathBuf::from),
            metadata_segment_bytes: s.number("metadata.log.segment.bytes")?,
            topics: TopicRules {
                auto_create: s.boolean("auto.create.topics.enable"),
                delete_enable: s.boolean("delete.topic.enable"),
                num_partitions: s.number("num.partitions")?,
                default_replication_factor: s.number("default.replication.factor")?,
            },
            topic_defaults: topic_defaults.map_err(|error| s.error("", error.to_string()))?,
            upkeep: UpkeepConfig::new(s)?,
            network: NetworkConfig::new(s)?,
            groups: GroupConfig::new(s)?,
            offsets: OffsetsConfig::new(s)?,
            transactions: TransactionConfig::new(s)?,
            ringwood: RingwoodConfig::new(s)?,
            settings: Settings::default(),
        };
        config.check(s)?;
        Ok(Self { settings, ..config })
    }

    /// The settings of a topic with these of its own. Errors: unknown name, wrong value, contradictions.
    pub fn topic_config(&self, overrides: &TopicOverrides) -> Result<TopicConfig, TopicConfigError> {
        TopicConfig::resolve(&self.settings, overrides)
    }

    fn check(&self, s: &Settings) -> Result<(), ConfigErrors> {
        let mut errors = Vec::new();
        if self.groups.session_timeout_min_ms > self.groups.session_timeout_max_ms {
            errors.push(
                s.error("group.max.session.timeout.ms", "must be at least group.min.session.timeout.ms"),
            );
        }
        for (name, least) in [("log.roll.ms", 1), ("log.roll.jitter.ms", 0)] {
            if s.value(name).is_some() && s.number::<i64>(name)? < least {
                errors.push(s.error(name, format!("Value must be at least {least}")));
            }
        }
        for name in ["log.retention.ms", "log.retention.minutes", "log.retention.hours"] {
            if s.value(name) == Some("0") {
                errors.push(s.error(name, "Value must be at least 1, or -1 for no limit"));
            }
        }
        let roles = s.items("process.roles");
        if !roles.contains(&"broker") {
            errors.push(
                s.error("process.roles", "Ringwood is a broker with its controller inside: add broker"),
            );
        }
        if errors.is_empty() { Ok(()) } else { Err(ConfigErrors(errors)) }
    }
}

fn node_id(s: &Settings) -> Result<BrokerId, ConfigError> {
    let node: i32 = s.number("node.id")?;
    match s.limit::<i32>("broker.id")? {
        Some(broker) if s.is_written("node.id") && broker != node => {
            Err(s.error("broker.id", format!("is {broker}, but node.id is {node}: write one of them")))
        }
        Some(broker) => Ok(BrokerId::new(broker)),
        None => Ok(BrokerId::new(node)),
    }
}

fn listeners(s: &Settings) -> Result<Listeners, ConfigError> {
    // Kafka reads a listener called CONTROLLER as PLAINTEXT when nobody has written a map; so do all its stock files.
    let mut protocols = s.text("listener.security.protocol.map").to_string();
    if !s.is_written("listener.security.protocol.map") {
        for name in s.items("controller.listener.names") {
            protocols.push_str(&format!(",{name}:PLAINTEXT"));
        }
    }
    let resolved = ListenerSettings {
        listeners: s.text("listeners"),
        advertised: s.value("advertised.listeners"),
        protocols: &protocols,
        controller_names: s.text("controller.listener.names"),
    }
    .resolve();
    let listeners = resolved.map_err(|(key, error)| s.error(key, error.to_string()))?;
    if let Some(name) = s.value("inter.broker.listener.name")
        && !listeners.clients.iter().any(|listener| listener.name.eq_ignore_ascii_case(name))
    {
        return Err(s.error("inter.broker.listener.name", format!("{name} is not among the listeners")));
    }
    Ok(listeners)
}

fn log_dirs(s: &Settings) -> Result<Vec<PathBuf>, ConfigError> {
    let key = if s.is_written("log.dirs") { "log.dirs" } else { "log.dir" };
    let dirs: Vec<PathBuf> =
        s.items(key).into_iter().filter(|dir| !dir.is_empty()).map(PathBuf::from).collect();
    if dirs.is_empty() {
        return Err(s.error(key, "at least one data directory is needed"));
    }
    Ok(dirs)
}

impl UpkeepConfig {
    fn new(s: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            retention_check_interval_ms: s.number("log.retention.check.interval.ms")?,
            recovery_point_interval_ms: s.number("log.flush.offset.checkpoint.interval.ms")?,
            log_start_interval_ms: s.number("log.flush.start.offset.checkpoint.interval.ms")?,
            high_watermark_interval_ms: s.number("replica.high.watermark.checkpoint.interval.ms")?,
            cleaner_enable: s.boolean("log.cleaner.enable"),
            producer_id_expiration_ms: s.number("producer.id.expiration.ms")?,
            producer_id_expiration_check_interval_ms: s.number("producer.id.expiration.check.interval.ms")?,
        })
    }
}

impl NetworkConfig {
    fn new(s: &Settings) -> Result<Self, ConfigError> {
        let queued = s.limit("queued.max.request.bytes")?;
        Ok(Self {
            request_bytes_max: s.number("socket.request.max.bytes")?,
            send_buffer_bytes: s.limit("socket.send.buffer.bytes")?,
            receive_buffer_bytes: s.limit("socket.receive.buffer.bytes")?,
            listen_backlog: s.number("socket.listen.backlog.size")?,
            idle_ms: s.limit("connections.max.idle.ms")?,
            connections_max: s.number("max.connections")?,
            connections_per_ip_max: s.number("max.connections.per.ip")?,
            connections_per_ip_overrides: per_ip_overrides(s)?,
            request_memory_bytes: queued.map_or_else(|| s.number("ringwood.request.memory.bytes"), Ok)?,
            fetch_bytes_max: s.number("fetch.max.bytes")?,
            fetch_sessions_max: s.number("max.incremental.fetch.session.cache.slots")?,
            describe_partitions_max: s.number("max.request.partition.size.limit")?,
            request_timeout_ms: s.number("request.timeout.ms")?,
        })
    }
}

fn per_ip_overrides(s: &Settings) -> Result<Vec<(String, u32)>, ConfigError> {
    const KEY: &str = "max.connections.per.ip.overrides";
    let one = |item: &str| {
        let (host, number) = item.rsplit_once(':')?;
        Some((host.trim().to_string(), number.trim().parse().ok()?))
    };
    let error = |item: &str| s.error(KEY, format!("'{item}' is not of the form host:number"));
    s.items(KEY)
        .into_iter()
        .filter(|item| !item.is_empty())
        .map(|item| one(item).ok_or_else(|| error(item)))
        .collect()
}

impl GroupConfig {
    fn new(s: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            initial_rebalance_delay_ms: s.number("group.initial.rebalance.delay.ms")?,
            session_timeout_min_ms: s.number("group.min.session.timeout.ms")?,
            session_timeout_max_ms: s.number("group.max.session.timeout.ms")?,
            members_max: s.number("group.max.size")?,
        })
    }
}

impl OffsetsConfig {
    fn new(s: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            num_partitions: s.number("offsets.topic.num.partitions")?,
            replication_factor: s.number("offsets.topic.replication.factor")?,
            segment_bytes: s.number("offsets.topic.segment.bytes")?,
            retention_ms: s.number::<i64>("offsets.retention.minutes")?.saturating_mul(60_000),
            retention_check_interval_ms: s.number("offsets.retention.check.interval.ms")?,
            metadata_bytes_max: s.number("offset.metadata.max.bytes")?,
            commit_timeout_ms: s.number("offsets.commit.timeout.ms")?,
            load_buffer_bytes: s.number("offsets.load.buffer.size")?,
        })
    }
}

impl TransactionConfig {
    fn new(s: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            num_partitions: s.number("transaction.state.log.num.partitions")?,
            replication_factor: s.number("transaction.state.log.replication.factor")?,
            min_insync_replicas: s.number("transaction.state.log.min.isr")?,
            segment_bytes: s.number("transaction.state.log.segment.bytes")?,
            timeout_max_ms: s.number("transaction.max.timeout.ms")?,
            id_expiration_ms: s.number("transactional.id.expiration.ms")?,
            abort_check_interval_ms: s
                .number("transaction.abort.timed.out.transaction.cleanup.interval.ms")?,
            expiration_check_interval_ms: s
                .number("transaction.remove.expired.transaction.cleanup.interval.ms")?,
        })
    }
}

impl RingwoodConfig {
    fn new(s: &Settings) -> Result<Self, ConfigError> {
        let shards: u16 = s.number("ringwood.shards")?;
        Ok(Self {
            shards: (shards > 0).then_some(shards),
            io_mode: match s.text("ringwood.io.mode") {
                "direct" => IoMode::Direct,
                "page-cache" => IoMode::PageCache,
                _ => IoMode::Auto,
            },
            tail_cache_bytes: s.number("ringwood.tail.cache.bytes")?,
            flush_background_ms: s.number("ringwood.flush.background.ms")?,
            flush_background_bytes: s.number("ringwood.flush.background.bytes")?,
        })
    }
}
