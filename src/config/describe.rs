//! What DescribeConfigs answers: every key with its value, where that comes from, and the other places that say something
//! about it, the strongest first. `tests/config` compares it with what Kafka 4.3 answers, entry by entry.

use super::key::{Key, Kind};
use super::keys::topic::TopicKey;
use super::settings::{Place, Settings};
use super::table;
use super::topic::{TopicOverrides, broker_default};
use std::collections::BTreeMap;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// Written for the topic.
    DynamicTopic,
    /// Written for this broker while it ran.
    DynamicBroker,
    /// Written for all brokers while they ran.
    DynamicDefaultBroker,
    /// Written in server.properties or on the command line.
    StaticBroker,
    /// Written nowhere.
    Default,
}

impl ConfigSource {
    /// The code in a DescribeConfigs answer.
    pub const fn wire_code(self) -> i8 {
        match self {
            ConfigSource::DynamicTopic => 1,
            ConfigSource::DynamicBroker => 2,
            ConfigSource::DynamicDefaultBroker => 3,
            ConfigSource::StaticBroker => 4,
            ConfigSource::Default => 5,
        }
    }
}

/// One place that says something about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSynonym {
    /// The key as that place calls it.
    pub name: &'static str,
    /// What it says; `None` where it must not be shown.
    pub value: Option<String>,
    /// The place.
    pub source: ConfigSource,
}

/// One key with everything that DescribeConfigs can tell about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Kafka's name.
    pub name: &'static str,
    /// The value in force; `None`: null, or one that must not be shown.
    pub value: Option<String>,
    /// Whether only a restart changes it.
    pub read_only: bool,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether the value must not be shown.
    pub sensitive: bool,
    /// All places that say something about the key, the strongest first.
    pub synonyms: Vec<ConfigSynonym>,
    /// The type.
    pub kind: Kind,
    /// What the key does.
    pub documentation: &'static str,
}

/// Broker settings that were written while brokers ran; empty as long as nobody did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DynamicConfigs {
    /// Those of this broker.
    pub broker: BTreeMap<String, String>,
    /// Those of all brokers.
    pub cluster: BTreeMap<String, String>,
}

/// Broker keys that say the same in other units; the strongest first.
const GROUPS: &[&[&str]] = &[
    &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
    &["log.roll.ms", "log.roll.hours"],
    &["log.roll.jitter.ms", "log.roll.jitter.hours"],
    &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
];

/// All entries of a topic that has these settings of its own, by name.
pub fn describe_topic(
    settings: &Settings,
    dynamic: &DynamicConfigs,
    own: &TopicOverrides,
) -> Vec<ConfigEntry> {
    let effective = overlay(settings, dynamic);
    let shown = |topic: &&TopicKey| !topic.key.internal || own.contains_key(topic.key.name);
    let topics = super::keys::topic::KEYS.iter().filter(shown);
    topics.map(|topic| topic_entry(topic, settings, dynamic, own, &effective)).collect()
}

fn topic_entry(
    topic: &TopicKey,
    settings: &Settings,
    dynamic: &DynamicConfigs,
    own: &TopicOverrides,
    effective: &Settings,
) -> ConfigEntry {
    let key = &topic.key;
    let mut synonyms = Vec::new();
    let written = own.get(key.name);
    if let Some(value) = written {
        let value = Some(value.clone());
        synonyms.push(ConfigSynonym { name: key.name, value, source: ConfigSource::DynamicTopic });
    }
    if let Some((strongest, _)) = topic.synonyms.first() {
        synonyms.extend(broker_synonyms(strongest, settings, dynamic));
    }
    let own_value = written.map(|value| key.check(value).unwrap_or_else(|_| value.clone()));
    entry(key, own_value.or_else(|| broker_default(topic, effective)), false, synonyms)
}

/// All entries of a broker, by name.
pub fn describe_broker(settings: &Settings, dynamic: &DynamicConfigs) -> Vec<ConfigEntry> {
    let effective = overlay(settings, dynamic);
    let mut keys: Vec<&'static Key> =
        table::broker_keys().filter(|key| !key.internal || effective.is_written(key.name)).collect();
    keys.sort_by_key(|key| key.name);
    let entry_of = |key: &&'static Key| {
        let value = effective.value(key.name).map(ToString::to_string);
        let read_only = key.update == super::key::Update::ReadOnly;
        entry(key, value, read_only, broker_synonyms(key.name, settings, dynamic))
    };
    keys.iter().map(entry_of).collect()
}

fn entry(key: &Key, value: Option<String>, read_only: bool, synonyms: Vec<ConfigSynonym>) -> ConfigEntry {
    ConfigEntry {
        name: key.name,
        value: value.filter(|_| !key.sensitive()),
        read_only,
        source: synonyms.first().map_or(ConfigSource::Default, |strongest| strongest.source),
        sensitive: key.sensitive(),
        synonyms,
        kind: key.kind,
        documentation: key.documentation(),
    }
}

/// What the places say about a broker key, place by place. Keys that say the same in other units come along, but only
/// behind the first mention of the key itself: so Kafka does it, which is why a topic's `retention.ms` does not mention
/// `log.retention.hours` unless `log.retention.ms` is written somewhere.
fn broker_synonyms(name: &str, settings: &Settings, dynamic: &DynamicConfigs) -> Vec<ConfigSynonym> {
    let alone = [name];
    let names = GROUPS.iter().find(|group| group.contains(&name)).map_or(alone.as_slice(), |group| group);
    let keys: Vec<&'static Key> = names.iter().filter_map(|name| table::broker_key(name)).collect();
    let at = |source: ConfigSource| {
        keys.iter().filter_map(move |key| {
            let value = match source {
                ConfigSource::DynamicBroker => dynamic.broker.get(key.name).cloned(),
                ConfigSource::DynamicDefaultBroker => dynamic.cluster.get(key.name).cloned(),
                ConfigSource::StaticBroker => settings.written(key.name).map(|setting| setting.raw.clone()),
                ConfigSource::Default => key.default.map(ToString::to_string),
                ConfigSource::DynamicTopic => None,
            }?;
            let value = (!key.sensitive()).then_some(value);
            Some(ConfigSynonym { name: key.name, value, source })
        })
    };
    [
        ConfigSource::DynamicBroker,
        ConfigSource::DynamicDefaultBroker,
        ConfigSource::StaticBroker,
        ConfigSource::Default,
    ]
    .into_iter()
    .flat_map(at)
    .skip_while(|synonym| synonym.name != name)
    .collect()
}

/// The settings with what was written while brokers ran.
fn overlay(settings: &Settings, dynamic: &DynamicConfigs) -> Settings {
    let mut effective = settings.clone();
    for (name, value) in dynamic.cluster.iter().chain(&dynamic.broker) {
        effective.write(name, value.clone(), Place::CommandLine);
    }
    effective
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BrokerConfig;

    fn find<'a>(entries: &'a [ConfigEntry], name: &str) -> &'a ConfigEntry {
        entries.iter().find(|entry| entry.name == name).unwrap()
    }

    #[test]
    fn the_strongest_place_wins() {
        let config =
            BrokerConfig::from_pairs(&[("message.max.bytes", "5"), ("log.retention.hours", "1")]).unwrap();
        let mut dynamic = DynamicConfigs::default();
        let mut own = TopicOverrides::new();
        let source = |dynamic: &DynamicConfigs, own: &TopicOverrides| {
            let entries = describe_topic(&config.settings, dynamic, own);
            let entry = find(&entries, "max.message.bytes");
            (entry.value.clone().unwrap(), entry.source, entry.synonyms.len())
        };
        assert_eq!(source(&dynamic, &own), ("5".into(), ConfigSource::StaticBroker, 2));
        dynamic.cluster.insert("message.max.bytes".into(), "6".into());
        assert_eq!(source(&dynamic, &own), ("6".into(), ConfigSource::DynamicDefaultBroker, 3));
        dynamic.broker.insert("message.max.bytes".into(), "7".into());
        assert_eq!(source(&dynamic, &own), ("7".into(), ConfigSource::DynamicBroker, 4));
        own.insert("max.message.bytes".into(), "8".into());
        assert_eq!(source(&dynamic, &own), ("8".into(), ConfigSource::DynamicTopic, 5));
        let entries = describe_topic(&config.settings, &dynamic, &own);
        assert_eq!(find(&entries, "retention.ms").value.as_deref(), Some("3600000"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let config = BrokerConfig::from_pairs(&[("ssl.key.password", "secret")]).unwrap();
        let entries = describe_broker(&config.settings, &DynamicConfigs::default());
        let entry = find(&entries, "ssl.key.password");
        assert!(entry.sensitive && entry.value.is_none());
        assert_eq!(entry.synonyms.first().map(|synonym| &synonym.value), Some(&None));
    }

    #[test]
    fn internal_keys_show_only_when_written() {
        let config = BrokerConfig::from_pairs(&[]).unwrap();
        let mut own = TopicOverrides::new();
        let shows = |own: &TopicOverrides| {
            let entries = describe_topic(&config.settings, &DynamicConfigs::default(), own);
            entries.iter().any(|entry| entry.name == "internal.segment.bytes")
        };
        assert!(!shows(&own));
        own.insert("internal.segment.bytes".into(), "1000".into());
        assert!(shows(&own));
    }
}
