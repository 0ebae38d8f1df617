//! The settings of one topic: what was written for it, else what the broker says.

use super::key::{Key, Refusal, list};
use super::keys::topic::{TopicKey, Unit};
use super::settings::Settings;
use super::table;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The written settings of one topic, by Kafka's names.
pub type TopicOverrides = BTreeMap<String, String>;

/// Which time a record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The client's.
    CreateTime,
    /// The broker's, when it was appended.
    LogAppendTime,
}

/// The codec that batches are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionType {
    /// As they come.
    Producer,
    /// Without any.
    Uncompressed,
    /// gzip.
    Gzip,
    /// snappy.
    Snappy,
    /// lz4.
    Lz4,
    /// zstd.
    Zstd,
}

/// The settings in force for one topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    /// `cleanup.policy` has `delete`.
    pub delete: bool,
    /// `cleanup.policy` has `compact`.
    pub compact: bool,
    /// `compression.type`.
    pub compression_type: CompressionType,
    /// `compression.gzip.level`; `None`: the library's default.
    pub gzip_level: Option<u32>,
    /// `compression.lz4.level`.
    pub lz4_level: u32,
    /// `compression.zstd.level`.
    pub zstd_level: i32,
    /// `delete.retention.ms`: milliseconds that a tombstone stays after its first cleaning.
    pub delete_retention_ms: i64,
    /// `file.delete.delay.ms`: milliseconds until a deleted file is removed.
    pub file_delete_delay_ms: i64,
    /// `flush.messages`: records until a sync; 1: before each answer; `i64::MAX`: never for their number.
    pub flush_messages: i64,
    /// `flush.ms`: milliseconds until a sync; `i64::MAX`: never for their age.
    pub flush_ms: i64,
    /// `index.interval.bytes`: bytes of the log between two index entries.
    pub index_interval_bytes: u32,
    /// `max.compaction.lag.ms`, in milliseconds.
    pub max_compaction_lag_ms: i64,
    /// `max.message.bytes`: the largest batch, in bytes.
    pub max_message_bytes: u32,
    /// `message.timestamp.type`.
    pub message_timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`, in milliseconds.
    pub message_timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`, in milliseconds.
    pub message_timestamp_after_max_ms: i64,
    /// `min.cleanable.dirty.ratio`, 0 to 1.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`, in milliseconds.
    pub min_compaction_lag_ms: i64,
    /// `min.insync.replicas`.
    pub min_insync_replicas: u32,
    /// `retention.bytes` of one partition; `None`: no limit.
    pub retention_bytes: Option<u64>,
    /// `retention.ms`, in milliseconds; `None`: for ever.
    pub retention_ms: Option<i64>,
    /// `segment.bytes`, or `internal.segment.bytes` where a test sets it.
    pub segment_bytes: u32,
    /// `segment.index.bytes`: the largest index file, in bytes.
    pub segment_index_bytes: u32,
    /// `segment.jitter.ms`, in milliseconds.
    pub segment_jitter_ms: i64,
    /// `segment.ms`, in milliseconds.
    pub segment_ms: i64,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election: bool,
}

/// Why a topic setting is refused, in Kafka's words: INVALID_CONFIG (40).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TopicConfigError {
    /// No such setting.
    #[error("Unknown topic config name: {0}")]
    Unknown(String),
    /// A wrong value.
    #[error("Invalid value {value} for configuration {name}: {refusal}")]
    Value {
        /// The setting.
        name: String,
        /// What was written.
        value: String,
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// Two settings contradict each other.
    #[error("conflict topic config setting {less} ({less_value}) > {more} ({more_value})")]
    Order {
        /// The setting that must be the smaller.
        less: &'static str,
        /// Its value.
        less_value: i64,
        /// The setting that must be the larger.
        more: &'static str,
        /// Its value.
        more_value: i64,
    },
    /// Tiered storage, which there is none of.
    #[error("Invalid value true for configuration remote.storage.enable: this broker has no tiered storage")]
    Remote,
}

impl Default for TopicConfig {
    /// Kafka's defaults, as the table has them (a test compares).
    fn default() -> Self {
        Self {
            delete: true,
            compact: false,
            compression_type: CompressionType::Producer,
            gzip_level: None,
            lz4_level: 9,
            zstd_level: 3,
            delete_retention_ms: 86_400_000,
            file_delete_delay_ms: 60_000,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            index_interval_bytes: 4096,
            max_compaction_lag_ms: i64::MAX,
            max_message_bytes: 1_048_588,
            message_timestamp_type: TimestampType::CreateTime,
            message_timestamp_before_max_ms: i64::MAX,
            message_timestamp_after_max_ms: 3_600_000,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            min_insync_replicas: 1,
            retention_bytes: None,
            retention_ms: Some(604_800_000),
            segment_bytes: 1_073_741_824,
            segment_index_bytes: 10_485_760,
            segment_jitter_ms: 0,
            segment_ms: 604_800_000,
            unclean_leader_election: false,
        }
    }
}

/// Checks one setting and gives its value in Kafka's plain form. Errors: unknown name, wrong value.
pub fn validate(name: &str, value: &str) -> Result<String, TopicConfigError> {
    let topic = table::topic_key(name).ok_or_else(|| TopicConfigError::Unknown(name.to_string()))?;
    topic.key.check(value).map_err(|refusal| wrong(&topic.key, value, refusal))
}

fn wrong(key: &Key, value: &str, refusal: Refusal) -> TopicConfigError {
    // Kafka complains about this one after it has split the value.
    let split = matches!(refusal, Refusal::NotReplicas(_));
    let value = if split { format!("[{}]", list(value).join(", ")) } else { value.to_string() };
    TopicConfigError::Value { name: key.name.to_string(), value, refusal }
}

/// The default that a broker's settings give a topic key: the strongest written synonym, else the table's default.
pub fn broker_default(topic: &TopicKey, broker: &Settings) -> Option<String> {
    let written = topic.synonyms.iter().find_map(|(name, unit)| Some((broker.written(name)?, unit)));
    match written {
        Some((setting, unit)) => Some(convert(&setting.value, *unit)),
        None => topic.key.default.map(ToString::to_string),
    }
}

/// The value of a broker key in the unit of its topic key.
pub fn convert(value: &str, unit: Unit) -> String {
    let factor = match unit {
        Unit::Same => return value.to_string(),
        Unit::Hours => 3_600_000,
        Unit::Minutes => 60_000,
    };
    value
        .parse::<i64>()
        .map_or_else(|_| value.to_string(), |number| number.saturating_mul(factor).to_string())
}

impl TopicConfig {
    /// The settings of a topic: its own, else those that the broker's settings give.
    /// Errors: unknown name, wrong value, settings that contradict each other.
    pub fn resolve(broker: &Settings, overrides: &TopicOverrides) -> Result<Self, TopicConfigError> {
        for (name, value) in overrides {
            validate(name, value)?;
        }
        let values = Values { broker, overrides };
        if values.boolean("remote.storage.enable") {
            return Err(TopicConfigError::Remote);
        }
        let config = values.config()?;
        if config.min_compaction_lag_ms > config.max_compaction_lag_ms {
            return Err(TopicConfigError::Order {
                less: "min.compaction.lag.ms",
                less_value: config.min_compaction_lag_ms,
                more: "max.compaction.lag.ms",
                more_value: config.max_compaction_lag_ms,
            });
        }
        Ok(config)
    }
}

struct Values<'a> {
    broker: &'a Settings,
    overrides: &'a TopicOverrides,
}

impl Values<'_> {
    fn value(&self, name: &str) -> Option<String> {
        let own = self.overrides.get(name).cloned();
        own.or_else(|| broker_default(table::topic_key(name)?, self.broker))
            .map(|value| value.trim().to_string())
    }

    fn text(&self, name: &str) -> String {
        self.value(name).unwrap_or_default()
    }

    fn boolean(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }

    fn number<N: FromStr>(&self, name: &str) -> Result<N, TopicConfigError> {
        let value = self.text(name);
        let kind = table::topic_key(name).map_or(super::key::Kind::Long, |topic| topic.key.kind);
        value.parse().map_err(|_| TopicConfigError::Value {
            name: name.to_string(),
            value,
            refusal: Refusal::NotNumber(kind),
        })
    }

    fn limit<N: FromStr>(&self, name: &str) -> Result<Option<N>, TopicConfigError> {
        if self.text(name).starts_with('-') { Ok(None) } else { self.number(name).map(Some) }
    }

    fn segment_bytes(&self) -> Result<u32, TopicConfigError> {
        let internal = self.value("internal.segment.bytes").is_some();
        self.number(if internal { "internal.segment.bytes" } else { "segment.bytes" })
    }

    fn config(&self) -> Result<TopicConfig, TopicConfigError> {
        let policy = self.text("cleanup.policy");
        Ok(TopicConfig {
            delete: list(&policy).contains(&"delete"),
            compact: list(&policy).contains(&"compact"),
            compression_type: match self.text("compression.type").as_str() {
                "uncompressed" => CompressionType::Uncompressed,
                "gzip" => CompressionType::Gzip,
                "snappy" => CompressionType::Snappy,
                "lz4" => CompressionType::Lz4,
                "zstd" => CompressionType::Zstd,
                _ => CompressionType::Producer,
            },
            gzip_level: self.limit("compression.gzip.level")?,
            lz4_level: self.number("compression.lz4.level")?,
            zstd_level: self.number("compression.zstd.level")?,
            delete_retention_ms: self.number("delete.retention.ms")?,
            file_delete_delay_ms: self.number("file.delete.delay.ms")?,
            flush_messages: self.number("flush.messages")?,
            flush_ms: self.number("flush.ms")?,
            index_interval_bytes: self.number("index.interval.bytes")?,
            max_compaction_lag_ms: self.number("max.compaction.lag.ms")?,
            max_message_bytes: self.number("max.message.bytes")?,
            message_timestamp_type: match self.text("message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            message_timestamp_before_max_ms: self.number("message.timestamp.before.max.ms")?,
            message_timestamp_after_max_ms: self.number("message.timestamp.after.max.ms")?,
            min_cleanable_dirty_ratio: self.number("min.cleanable.dirty.ratio")?,
            min_compaction_lag_ms: self.number("min.compaction.lag.ms")?,
            min_insync_replicas: self.number("min.insync.replicas")?,
            retention_bytes: self.limit("retention.bytes")?,
            retention_ms: self.limit("retention.ms")?,
            segment_bytes: self.segment_bytes()?,
            segment_index_bytes: self.number("segment.index.bytes")?,
            segment_jitter_ms: self.number("segment.jitter.ms")?,
            segment_ms: self.number("segment.ms")?,
            unclean_leader_election: self.boolean("unclean.leader.election.enable"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Place;

    fn overrides(pairs: &[(&str, &str)]) -> TopicOverrides {
        pairs.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect()
    }

    fn broker(pairs: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in pairs {
            settings.write(name, (*value).to_string(), Place::CommandLine);
        }
        settings
    }

    #[test]
    fn the_default_is_the_tables() {
        let resolved = TopicConfig::resolve(&Settings::default(), &TopicOverrides::new());
        assert_eq!(resolved, Ok(TopicConfig::default()));
    }

    #[test]
    fn own_settings_win_over_the_brokers_and_the_strongest_synonym_over_the_others() {
        let broker =
            broker(&[("log.retention.hours", "2"), ("log.retention.minutes", "3"), ("log.roll.hours", "1")]);
        let config = TopicConfig::resolve(&broker, &overrides(&[("segment.ms", "5")])).unwrap();
        assert_eq!((config.retention_ms, config.segment_ms), (Some(180_000), 5));
        let config = TopicConfig::resolve(&broker, &overrides(&[("retention.ms", " -1 ")])).unwrap();
        assert_eq!((config.retention_ms, config.segment_ms), (None, 3_600_000));
        let small = overrides(&[("internal.segment.bytes", "1000"), ("cleanup.policy", "compact, delete")]);
        let config = TopicConfig::resolve(&broker, &small).unwrap();
        assert_eq!((config.segment_bytes, config.compact, config.delete), (1000, true, true));
    }

    #[test]
    fn refusals_in_kafkas_words() {
        let refused = |pairs: &[(&str, &str)]| {
            TopicConfig::resolve(&Settings::default(), &overrides(pairs)).unwrap_err().to_string()
        };
        assert_eq!(refused(&[("no.such.thing", "1")]), "Unknown topic config name: no.such.thing");
        assert_eq!(
            refused(&[("retention.ms", "-2")]),
            "Invalid value -2 for configuration retention.ms: Value must be at least -1"
        );
        assert_eq!(
            refused(&[("segment.bytes", "x")]),
            "Invalid value x for configuration segment.bytes: Not a number of type INT"
        );
        assert!(refused(&[("cleanup.policy", "shred")]).contains("must be one of: compact, delete"));
        assert!(refused(&[("min.compaction.lag.ms", "5"), ("max.compaction.lag.ms", "4")]).contains("(5) >"));
        assert!(refused(&[("remote.storage.enable", "TRUE")]).contains("tiered"));
    }
}
