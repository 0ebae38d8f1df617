//! `server.properties` and topic configs: key, documentation, default, bounds and Kafka's name, all in one table.
//!
//! `load` reads a file and overrides into a `BrokerConfig` and a list of notices; `TopicConfig` is what one topic has.
//! The rows are in `keys`, one file per area; `legacy` holds the keys that Kafka has dropped.

pub mod broker;
pub mod describe;
pub mod key;
pub mod keys;
pub mod legacy;
pub mod listeners;
pub mod load;
pub mod properties;
pub mod settings;
pub mod table;
pub mod topic;

pub use broker::{BrokerConfig, IoMode};
pub use describe::{ConfigEntry, ConfigSource, ConfigSynonym, DynamicConfigs};
pub use listeners::Listener;
pub use load::{Loaded, PropertiesFile, load};
pub use settings::{ConfigError, ConfigErrors, Level, Notice};
pub use topic::{CompressionType, TimestampType, TopicConfig, TopicConfigError, TopicOverrides};
