//! Keys that Kafka once had, and today's keys that mean nothing to a broker with one thread per core: what becomes of
//! each, in one line. A file of any Kafka from 0.8 on is understood through this.

use super::settings::Level;
use Fate::{Gone, Now, NowMillis, Unenforced};

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// These keys have its value now.
    Now(&'static [&'static str]),
    /// This key has its value now, in milliseconds; the number tells how many each unit has.
    NowMillis(&'static str, i64),
    /// It has no effect; the text says why.
    Gone(&'static str),
    /// It has no effect, which its writer must know; the text says what that means.
    Unenforced(&'static str),
}

impl Fate {
    /// How loudly to say what became of the key.
    pub const fn level(&self) -> Level {
        match self {
            Unenforced(_) => Level::Warning,
            Now(_) | NowMillis(..) | Gone(_) => Level::Info,
        }
    }
}

const THREADS: &str = "has no effect: each shard is one thread for everything (ringwood.shards)";
const ZOOKEEPER: &str =
    "has no effect: there is no ZooKeeper; the cluster's metadata lies in the data directory";
const ALONE: &str = "has no effect on a single node";
const PER_TOPIC: &str = "has no effect: settings of single topics are kept with the topic";
const FORMAT: &str =
    "has no effect: logs are always written in the newest format and converted for old clients";
const CSV: &str = "has no effect: there is no CSV reporter";
const SECRETS: &str = "has no effect: no passwords are stored in ZooKeeper";

/// The listener keys of Kafka 0.8, which `load` turns into `listeners` and `advertised.listeners`.
pub const LISTENER_KEYS: &[&str] = &["host.name", "port", "advertised.host.name", "advertised.port"];

const KEYS: &[(&str, Fate)] = &[
    ("authorizer.class.name", Unenforced("is not enforced yet: every client may do everything")),
    ("auto.include.jmx.reporter", Gone("has no effect: there is no JMX")),
    ("auto.leader.rebalance.enable", Gone(ALONE)),
    ("background.threads", Gone(THREADS)),
    ("broker.id.generation.enable", Gone("has no effect: without node.id or broker.id the node is number 1")),
    ("controlled.shutdown.enable", Gone("has no effect: a stop is always an orderly one")),
    ("controlled.shutdown.max.retries", Gone("has no effect: a stop is always an orderly one")),
    ("controlled.shutdown.retry.backoff.ms", Gone("has no effect: a stop is always an orderly one")),
    ("control.plane.listener.name", Gone("has no effect: the controller is inside the broker")),
    ("controller.message.queue.size", Gone("has no effect: the controller is inside the broker")),
    ("controller.socket.timeout.ms", Gone("has no effect: the controller is inside the broker")),
    ("delegation.token.master.key", Unenforced("has no effect: there are no delegation tokens yet")),
    ("delegation.token.secret.key", Unenforced("has no effect: there are no delegation tokens yet")),
    ("eligible.leader.replicas.enable", Gone(ALONE)),
    ("enable.zookeeper", Gone(ZOOKEEPER)),
    ("group.coordinator.new.enable", Gone("has no effect: there is one group coordinator")),
    ("group.coordinator.threads", Gone(THREADS)),
    ("inter.broker.protocol.version", Gone("has no effect: the version of the metadata decides")),
    ("kafka.csv.metrics.dir", Gone(CSV)),
    ("kafka.csv.metrics.reporter.enabled", Gone(CSV)),
    ("kafka.metrics.polling.interval.secs", Gone(CSV)),
    ("kafka.metrics.reporters", Gone(CSV)),
    ("leader.imbalance.per.broker.percentage", Gone(ALONE)),
    ("log.cleanup.interval.mins", NowMillis("log.retention.check.interval.ms", 60_000)),
    ("log.delete.delay.ms", Now(&["log.segment.delete.delay.ms"])),
    ("log.flush.interval.ms.per.topic", Gone(PER_TOPIC)),
    ("log.message.downconversion.enable", Gone("has no effect: what old clients fetch is always converted")),
    ("log.message.format.version", Gone(FORMAT)),
    (
        "log.message.timestamp.difference.max.ms",
        Now(&["log.message.timestamp.before.max.ms", "log.message.timestamp.after.max.ms"]),
    ),
    ("log.retention.bytes.per.topic", Gone(PER_TOPIC)),
    ("log.retention.hours.per.topic", Gone(PER_TOPIC)),
    ("log.roll.hours.per.topic", Gone(PER_TOPIC)),
    ("log.segment.bytes.per.topic", Gone(PER_TOPIC)),
    ("max.message.bytes", Now(&["message.max.bytes"])),
    ("num.io.threads", Gone(THREADS)),
    ("num.network.threads", Gone(THREADS)),
    ("num.recovery.threads.per.data.dir", Gone(THREADS)),
    ("num.replica.alter.log.dirs.threads", Gone(THREADS)),
    ("num.replica.fetchers", Gone(ALONE)),
    ("offsets.commit.required.acks", Gone("has no effect: a commit is answered when it has been written")),
    ("offsets.topic.retention.minutes", Now(&["offsets.retention.minutes"])),
    ("password.encoder.cipher.algorithm", Gone(SECRETS)),
    ("password.encoder.iterations", Gone(SECRETS)),
    ("password.encoder.key.length", Gone(SECRETS)),
    ("password.encoder.keyfactory.algorithm", Gone(SECRETS)),
    ("password.encoder.old.secret", Gone(SECRETS)),
    ("password.encoder.secret", Gone(SECRETS)),
    ("queued.max.requests", Gone("has no effect: ringwood.request.memory.bytes bounds what waits")),
    (
        "quota.consumer.default",
        Unenforced("is not enforced: default quotas are kept in the cluster's metadata"),
    ),
    (
        "quota.producer.default",
        Unenforced("is not enforced: default quotas are kept in the cluster's metadata"),
    ),
    (
        "replica.lag.max.messages",
        Gone("has no effect: only the time a replica lags counts (replica.lag.time.max.ms)"),
    ),
    ("reserved.broker.max.id", Gone("has no effect: without node.id or broker.id the node is number 1")),
    ("super.users", Unenforced("is not enforced yet: every client may do everything")),
    ("allow.everyone.if.no.acl.found", Unenforced("is not enforced yet: every client may do everything")),
    ("zookeeper.metadata.migration.enable", Gone(ZOOKEEPER)),
];

/// Names that begin like this are accepted: they belong to parts that are plugged in, or to a listener of its own.
const PREFIXES: &[(&str, Fate)] = &[
    ("zookeeper.", Gone(ZOOKEEPER)),
    ("listener.name.", Gone("has no effect: listeners have no settings of their own yet")),
    ("config.providers.", Gone("has no effect: values are read as they are")),
    ("confluent.", Gone("has no effect: it belongs to another distribution")),
    ("metrics.jmx.", Gone("has no effect: there is no JMX")),
    ("rlmm.config.", Gone("has no effect: there is no tiered storage")),
    ("rsm.config.", Gone("has no effect: there is no tiered storage")),
];

/// What becomes of `name`, if it is among these keys.
pub fn fate(name: &str) -> Option<Fate> {
    let exactly = KEYS.iter().find(|(key, _)| *key == name);
    let by_prefix = || PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix));
    exactly.or_else(by_prefix).map(|(_, fate)| *fate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table;

    #[test]
    fn what_is_now_something_else_names_keys_of_today() {
        for (name, fate) in KEYS {
            match fate {
                Now(keys) => keys.iter().for_each(|key| assert!(table::broker_key(key).is_some(), "{name}")),
                NowMillis(key, _) => assert!(table::broker_key(key).is_some(), "{name}"),
                Gone(_) | Unenforced(_) => {
                    assert!(table::broker_key(name).is_none_or(|key| !key.acts()), "{name} does act");
                }
            }
        }
    }

    #[test]
    fn zookeeper_in_every_form() {
        for name in ["zookeeper.connect", "zookeeper.ssl.client.enable", "zookeeper.sync.time.ms"] {
            assert_eq!(fate(name), Some(Gone(ZOOKEEPER)));
        }
        assert_eq!(fate("num.partitions"), None);
    }
}
