//! Keys of topics, each with the broker keys that give its default, the strongest first.

use crate::config::key::Bounds::{Between, BetweenOr, Fraction, ListOf, OneOf, ThrottledReplicas};
use crate::config::key::Kind::{Boolean, Double, Int, List, Long, String};
use crate::config::key::{Key, key};

/// How the number of a broker key becomes that of the topic key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// As it is.
    Same,
    /// Hours into milliseconds.
    Hours,
    /// Minutes into milliseconds.
    Minutes,
}

/// A topic's row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TopicKey {
    /// Name, type, default, bounds, documentation.
    pub key: Key,
    /// The broker keys that give its default, the strongest first; none for what only a topic has.
    pub synonyms: &'static [(&'static str, Unit)],
}

/// The rows, by name.
pub const KEYS: &[TopicKey] = &[
    TopicKey {
        key: key(List, "cleanup.policy", "delete")
            .bounds(ListOf(&["compact", "delete"]))
            .doc("What becomes of old records: delete, compact, or both."),
        synonyms: &[("log.cleanup.policy", Unit::Same)],
    },
    TopicKey {
        key: key(Int, "compression.gzip.level", "-1")
            .bounds(BetweenOr(1, 9, -1))
            .doc("The gzip level when the broker compresses; -1: the library's default."),
        synonyms: &[("compression.gzip.level", Unit::Same)],
    },
    TopicKey {
        key: key(Int, "compression.lz4.level", "9")
            .bounds(Between(1, 17))
            .doc("The lz4 level when the broker compresses."),
        synonyms: &[("compression.lz4.level", Unit::Same)],
    },
    TopicKey {
        key: key(String, "compression.type", "producer")
            .bounds(OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]))
            .doc("The codec that batches are stored in; producer: as they come."),
        synonyms: &[("compression.type", Unit::Same)],
    },
    TopicKey {
        key: key(Int, "compression.zstd.level", "3")
            .bounds(Between(-131072, 22))
            .doc("The zstd level when the broker compresses."),
        synonyms: &[("compression.zstd.level", Unit::Same)],
    },
    TopicKey {
        key: key(Long, "delete.retention.ms", "86400000")
            .min(0)
            .doc("How long a tombstone stays after it was first cleaned, in milliseconds."),
        synonyms: &[("log.cleaner.delete.retention.ms", Unit::Same)],
    },
    TopicKey {
        key: key(Long, "file.delete.delay.ms", "60000")
            .min(0)
            .doc("Files are removed so many milliseconds after they were deleted."),
        synonyms: &[("log.segment.delete.delay.ms", Unit::Same)],
    },
    TopicKey {
        key: key(Long, "flush.messages", "9223372036854775807")
            .min(1)
            .doc("A partition is synced to the device after so many records; 1: before each answer."),
        synonyms: &[("log.flush.interval.messages", Unit::Same)],
    },
    TopicKey {
        key: key(Long, "flush.ms", "9223372036854775807")
            .min(0)
            .doc("A partition is synced to the device after so many milliseconds."),
        synonyms: &[("log.flush.interval.ms", Unit::Same), ("log.flush.scheduler.interval.ms", Unit::Same)],
    },
    TopicKey {
        key: key(List, "follower.replication.throttled.replicas", "").bounds(ThrottledReplicas),
        synonyms: &[],
    },
    TopicKey {
        key: key(Int, "index.interval.bytes", "4096")
            .min(0)
            .doc("Bytes of the log between two index entries."),
        synonyms: &[("log.index.interval.bytes", Unit::Same)],
    },
    TopicKey {
        key: key(Int, "internal.segment.bytes", "")
            .null()
            .internal()
            .doc("As segment.bytes, without its lower bound: for tests."),
        synonyms: &[],
    },
    TopicKey {
        key: key(List, "leader.replication.throttled.replicas", "").bounds(ThrottledReplicas),
        synonyms: &[],
    },
    TopicKey {
        key: key(Long, "local.retention.bytes", "-2").min(-2),
        synonyms: &[("log.local.retention.bytes", Unit::Same)],
    },
    TopicKey {
        key: key(Long, "local.retention.ms", "-2").min(-2),
        synonyms: &[("log.local.retention.ms", Unit::Same)],
    },
    TopicKey {
        key: key(Long, "max.compaction.lag.ms", "9223372036854775807")
            .min(1)
            .doc("Records older than so many milliseconds are compacted even below the ratio."),
        synonyms: &[("log.cleaner.max.compaction.lag.ms", Unit::Same)],
    },
    TopicKey {
        key: key(Int, "max.message.bytes", "1048588").min(0).doc("The largest record batch, in bytes."),
        synonyms: &[("message.max.bytes", Unit::Same)],
    },
    TopicKey {
        key: key(Long, "message.timestamp.after.max.ms", "3600000")
            .min(0)
            .doc("How far ahead of the broker's clock a client's timestamp may be, in milliseconds."),
        synonyms: &[("log.message.timestamp.after.max.ms", Unit::Same)],
    },
    TopicKey {
        key: key(Long, "message.timestamp.before.max.ms", "9223372036854775807")
            .min(0)
            .doc("How much older than the broker's clock a client's timestamp may be, in milliseconds."),
        synonyms: &[("log.message.timestamp.before.max.ms", Unit::Same)],
    },
    TopicKey {
        key: key(String, "message.timestamp.type", "CreateTime")
            .bounds(OneOf(&["CreateTime", "LogAppendTime"]))
            .doc("Which time a record carries: the client's (CreateTime) or the broker's (LogAppendTime)."),
        synonyms: &[("log.message.timestamp.type", Unit::Same)],
    },
    TopicKey {
        key: key(Double, "min.cleanable.dirty.ratio", "0.5")
            .bounds(Fraction(0.0, 1.0))
            .doc("A log is compacted when this share of it is not yet."),
        synonyms: &[("log.cleaner.min.cleanable.ratio", Unit::Same)],
    },
    TopicKey {
        key: key(Long, "min.compaction.lag.ms", "0")
            .min(0)
            .doc("Records younger than so many milliseconds are not compacted."),
        synonyms: &[("log.cleaner.min.compaction.lag.ms", Unit::Same)],
    },
    TopicKey {
        key: key(Int, "min.insync.replicas", "1")
            .min(1)
            .doc("Replicas that must have a batch before a producer with acks=all is answered."),
        synonyms: &[("min.insync.replicas", Unit::Same)],
    },
    TopicKey {
        key: key(Boolean, "preallocate", "false")
            .doc("Accepted. Ringwood always preallocates what it is about to write."),
        synonyms: &[("log.preallocate", Unit::Same)],
    },
    TopicKey { key: key(Boolean, "remote.log.copy.disable", "false"), synonyms: &[] },
    TopicKey { key: key(Boolean, "remote.log.delete.on.disable", "false"), synonyms: &[] },
    TopicKey { key: key(Boolean, "remote.storage.enable", "false"), synonyms: &[] },
    TopicKey {
        key: key(Long, "retention.bytes", "-1").doc(
            "The oldest segments of a partition go while it is larger than so many bytes; -1: no limit.",
        ),
        synonyms: &[("log.retention.bytes", Unit::Same)],
    },
    TopicKey {
        key: key(Long, "retention.ms", "604800000")
            .min(-1)
            .doc("Segments whose newest record is older than so many milliseconds go; -1: never."),
        synonyms: &[
            ("log.retention.ms", Unit::Same),
            ("log.retention.minutes", Unit::Minutes),
            ("log.retention.hours", Unit::Hours),
        ],
    },
    TopicKey {
        key: key(Int, "segment.bytes", "1073741824")
            .min(1048576)
            .doc("A segment file rolls before it grows beyond so many bytes."),
        synonyms: &[("log.segment.bytes", Unit::Same)],
    },
    TopicKey {
        key: key(Int, "segment.index.bytes", "10485760")
            .min(4)
            .doc("The largest index file, in bytes; a full one rolls the segment."),
        synonyms: &[("log.index.size.max.bytes", Unit::Same)],
    },
    TopicKey {
        key: key(Long, "segment.jitter.ms", "0")
            .min(0)
            .doc("Rolling by time happens up to so many milliseconds earlier, at random."),
        synonyms: &[("log.roll.jitter.ms", Unit::Same), ("log.roll.jitter.hours", Unit::Hours)],
    },
    TopicKey {
        key: key(Long, "segment.ms", "604800000")
            .min(1)
            .doc("A segment rolls when its first record is older than so many milliseconds."),
        synonyms: &[("log.roll.ms", Unit::Same), ("log.roll.hours", Unit::Hours)],
    },
    TopicKey {
        key: key(Boolean, "unclean.leader.election.enable", "false")
            .doc("Whether a replica that is not in sync may become leader, losing records."),
        synonyms: &[("unclean.leader.election.enable", Unit::Same)],
    },
];
