//! Keys of logs and topics: where they lie, how they roll, flush and expire. Most are defaults of topic keys.

use crate::config::key::Bounds::{Between, BetweenOr, Fraction, ListOf, OneOf};
use crate::config::key::Kind::{Boolean, Class, Double, Int, List, Long, String};
use crate::config::key::{Key, key};

/// The rows.
pub const KEYS: &[Key] = &[
    key(Class, "alter.config.policy.class.name", "").null().low(),
    key(Boolean, "auto.create.topics.enable", "true")
        .high()
        .doc("Whether a Metadata request for a topic that does not exist creates it."),
    key(Int, "compression.gzip.level", "-1")
        .bounds(BetweenOr(1, 9, -1))
        .cluster_wide()
        .doc("The gzip level when the broker compresses; -1: the library's default."),
    key(Int, "compression.lz4.level", "9")
        .bounds(Between(1, 17))
        .cluster_wide()
        .doc("The lz4 level when the broker compresses."),
    key(String, "compression.type", "producer")
        .bounds(OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]))
        .high()
        .cluster_wide()
        .doc("The codec that batches are stored in; producer: as they come."),
    key(Int, "compression.zstd.level", "3")
        .bounds(Between(-131072, 22))
        .cluster_wide()
        .doc("The zstd level when the broker compresses."),
    key(List, "cordoned.log.dirs", "").per_broker(),
    key(Class, "create.topic.policy.class.name", "").null().low(),
    key(Boolean, "delete.topic.enable", "true").high().doc("Whether topics can be deleted."),
    key(Long, "log.cleaner.backoff.ms", "15000").min(0).cluster_wide(),
    key(Long, "log.cleaner.dedupe.buffer.size", "134217728").cluster_wide(),
    key(Long, "log.cleaner.delete.retention.ms", "86400000")
        .min(0)
        .cluster_wide()
        .doc("How long a tombstone stays after it was first cleaned, in milliseconds."),
    key(Boolean, "log.cleaner.enable", "true").doc("Whether compacted topics are compacted."),
    key(Double, "log.cleaner.io.buffer.load.factor", "0.9").cluster_wide(),
    key(Int, "log.cleaner.io.buffer.size", "524288").min(0).cluster_wide(),
    key(Double, "log.cleaner.io.max.bytes.per.second", "1.7976931348623157E308").cluster_wide(),
    key(Long, "log.cleaner.max.compaction.lag.ms", "9223372036854775807")
        .min(1)
        .cluster_wide()
        .doc("Records older than so many milliseconds are compacted even below the ratio."),
    key(Double, "log.cleaner.min.cleanable.ratio", "0.5")
        .bounds(Fraction(0.0, 1.0))
        .cluster_wide()
        .doc("A log is compacted when this share of it is not yet."),
    key(Long, "log.cleaner.min.compaction.lag.ms", "0")
        .min(0)
        .cluster_wide()
        .doc("Records younger than so many milliseconds are not compacted."),
    key(Int, "log.cleaner.threads", "1").min(0).cluster_wide(),
    key(List, "log.cleanup.policy", "delete")
        .bounds(ListOf(&["compact", "delete"]))
        .cluster_wide()
        .doc("What becomes of old records: delete, compact, or both."),
    key(List, "log.dir", "data").high().doc(
        "The data directory. (Kafka's default is /tmp/kafka-logs; Ringwood's is data, below the \
             working directory.)",
    ),
    key(Long, "log.dir.failure.timeout.ms", "30000").min(1).low(),
    key(List, "log.dirs", "").null().high().doc(
        "The data directories, separated by commas; created when they do not exist. Without it: \
             log.dir.",
    ),
    key(Long, "log.flush.interval.messages", "9223372036854775807").min(1).high().cluster_wide().doc(
        "A partition is synced to the device after so many records; 1: before each answer. (A \
             write is acknowledged when the device has taken it; this adds the flush against loss \
             of power.)",
    ),
    key(Long, "log.flush.interval.ms", "").null().high().cluster_wide().doc(
        "A partition is synced to the device after so many milliseconds. Without it: \
             log.flush.scheduler.interval.ms.",
    ),
    key(Int, "log.flush.offset.checkpoint.interval.ms", "60000")
        .min(0)
        .high()
        .doc("Milliseconds between two writes of the recovery points."),
    key(Long, "log.flush.scheduler.interval.ms", "9223372036854775807").high().doc(
        "As log.flush.interval.ms, which wins. Besides, ringwood.flush.background.ms always \
             applies.",
    ),
    key(Int, "log.flush.start.offset.checkpoint.interval.ms", "60000")
        .min(0)
        .high()
        .doc("Milliseconds between two writes of the log start offsets."),
    key(Int, "log.index.interval.bytes", "4096")
        .min(0)
        .cluster_wide()
        .doc("Bytes of the log between two index entries."),
    key(Int, "log.index.size.max.bytes", "10485760")
        .min(4)
        .cluster_wide()
        .doc("The largest index file, in bytes; a full one rolls the segment."),
    key(Long, "log.initial.task.delay.ms", "30000").min(0).low().internal(),
    key(Long, "log.message.timestamp.after.max.ms", "3600000")
        .min(0)
        .cluster_wide()
        .doc("How far ahead of the broker's clock a client's timestamp may be, in milliseconds."),
    key(Long, "log.message.timestamp.before.max.ms", "9223372036854775807")
        .min(0)
        .cluster_wide()
        .doc("How much older than the broker's clock a client's timestamp may be, in milliseconds."),
    key(String, "log.message.timestamp.type", "CreateTime")
        .bounds(OneOf(&["CreateTime", "LogAppendTime"]))
        .cluster_wide()
        .doc("Which time a record carries: the client's (CreateTime) or the broker's (LogAppendTime)."),
    key(Boolean, "log.preallocate", "false")
        .cluster_wide()
        .doc("Accepted. Ringwood always preallocates what it is about to write."),
    key(Long, "log.retention.bytes", "-1")
        .high()
        .cluster_wide()
        .doc("The oldest segments of a partition go while it is larger than so many bytes; -1: no limit."),
    key(Long, "log.retention.check.interval.ms", "300000")
        .min(1)
        .doc("Milliseconds between two looks for segments to delete."),
    key(Int, "log.retention.hours", "168")
        .high()
        .doc("As log.retention.ms, in hours; log.retention.ms and log.retention.minutes win."),
    key(Int, "log.retention.minutes", "")
        .null()
        .high()
        .doc("As log.retention.ms, in minutes; log.retention.ms wins."),
    key(Long, "log.retention.ms", "")
        .null()
        .high()
        .cluster_wide()
        .doc("Segments whose newest record is older than so many milliseconds go; -1: never."),
    key(Int, "log.roll.hours", "168").min(1).high().doc("As log.roll.ms, in hours; log.roll.ms wins."),
    key(Int, "log.roll.jitter.hours", "0")
        .min(0)
        .high()
        .doc("As log.roll.jitter.ms, in hours; log.roll.jitter.ms wins."),
    key(Long, "log.roll.jitter.ms", "")
        .null()
        .high()
        .cluster_wide()
        .doc("Rolling by time happens up to so many milliseconds earlier, at random."),
    key(Long, "log.roll.ms", "")
        .null()
        .high()
        .cluster_wide()
        .doc("A segment rolls when its first record is older than so many milliseconds."),
    key(Int, "log.segment.bytes", "1073741824")
        .min(1048576)
        .high()
        .cluster_wide()
        .doc("A segment file rolls before it grows beyond so many bytes."),
    key(Long, "log.segment.delete.delay.ms", "60000")
        .min(0)
        .high()
        .cluster_wide()
        .doc("Files are removed so many milliseconds after they were deleted."),
    key(Int, "message.max.bytes", "1048588")
        .min(0)
        .high()
        .cluster_wide()
        .doc("The largest record batch, in bytes, unless its topic says otherwise."),
    key(Int, "min.insync.replicas", "1")
        .min(1)
        .high()
        .cluster_wide()
        .doc("Replicas that must have a batch before a producer with acks=all is answered."),
    key(Int, "num.partitions", "1").min(1).doc("Partitions of a topic that is created without a number."),
    key(Int, "num.recovery.threads.per.data.dir", "2").min(1).high().cluster_wide(),
    key(Int, "producer.id.expiration.check.interval.ms", "600000")
        .min(1)
        .low()
        .internal()
        .doc("Milliseconds between two looks for producers to forget."),
    key(Int, "producer.id.expiration.ms", "86400000")
        .min(1)
        .low()
        .cluster_wide()
        .doc("A producer that has been silent for so many milliseconds is forgotten."),
];
