//! Keys of consumer groups and committed offsets.

use crate::config::key::Bounds::{ListOf, OneOfAnyCase};
use crate::config::key::Kind::{Int, List, Long, Short, String};
use crate::config::key::{Key, key};

/// The rows.
pub const KEYS: &[Key] = &[
    key(Int, "group.consumer.assignment.interval.ms", "1000").min(0).cluster_wide(),
    key(List, "group.consumer.assignors", "uniform,range"),
    key(Int, "group.consumer.heartbeat.interval.ms", "5000").min(1),
    key(Int, "group.consumer.max.assignment.interval.ms", "15000").min(0),
    key(Int, "group.consumer.max.heartbeat.interval.ms", "15000").min(1),
    key(Int, "group.consumer.max.session.timeout.ms", "60000").min(1),
    key(Int, "group.consumer.max.size", "2147483647").min(1),
    key(String, "group.consumer.migration.policy", "bidirectional").bounds(OneOfAnyCase(&[
        "DISABLED",
        "DOWNGRADE",
        "UPGRADE",
        "BIDIRECTIONAL",
    ])),
    key(Int, "group.consumer.min.assignment.interval.ms", "0").min(0),
    key(Int, "group.consumer.min.heartbeat.interval.ms", "5000").min(1),
    key(Int, "group.consumer.min.session.timeout.ms", "45000").min(1),
    key(Int, "group.consumer.regex.refresh.interval.ms", "600000").min(10000).internal(),
    key(Int, "group.consumer.session.timeout.ms", "45000").min(1),
    key(Int, "group.coordinator.append.linger.ms", "-1").min(-1),
    key(Int, "group.coordinator.background.threads", "2").min(1).high(),
    key(Int, "group.coordinator.cached.buffer.max.bytes", "1048588").min(524288).cluster_wide(),
    key(List, "group.coordinator.rebalance.protocols", "classic,consumer,streams")
        .bounds(ListOf(&["consumer", "classic", "share", "streams"]))
        .doc("The group protocols that are served. Only classic so far."),
    key(Int, "group.coordinator.threads", "4").min(1).high(),
    key(Int, "group.initial.rebalance.delay.ms", "3000").doc(
        "How long a new group waits for further members before its first rebalance, in \
             milliseconds.",
    ),
    key(Int, "group.max.session.timeout.ms", "1800000")
        .doc("The longest session timeout that a member may ask for, in milliseconds."),
    key(Int, "group.max.size", "2147483647").min(1).doc("Members of one group; further ones are refused."),
    key(Int, "group.min.session.timeout.ms", "6000")
        .doc("The shortest session timeout that a member may ask for, in milliseconds."),
    key(Int, "offset.metadata.max.bytes", "4096")
        .high()
        .doc("The longest text beside a committed offset, in bytes."),
    key(Int, "offsets.commit.timeout.ms", "5000")
        .min(1)
        .high()
        .doc("How long a commit waits for its records to be written, in milliseconds."),
    key(Int, "offsets.load.buffer.size", "5242880")
        .min(1)
        .high()
        .doc("Bytes read at a time when groups are loaded."),
    key(Long, "offsets.retention.check.interval.ms", "600000")
        .min(1)
        .high()
        .doc("Milliseconds between two looks for offsets to forget."),
    key(Int, "offsets.retention.minutes", "10080")
        .min(1)
        .high()
        .doc("Committed offsets go so many minutes after their group became empty."),
    key(Int, "offsets.topic.compression.codec", "0")
        .high()
        .doc("The codec of __consumer_offsets batches: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
    key(Int, "offsets.topic.num.partitions", "50")
        .min(1)
        .high()
        .doc("Partitions of __consumer_offsets; not to be changed once it exists."),
    key(Short, "offsets.topic.replication.factor", "3")
        .min(1)
        .high()
        .doc("Replicas of __consumer_offsets; never more than there are brokers."),
    key(Int, "offsets.topic.segment.bytes", "104857600")
        .min(1)
        .high()
        .doc("Segment size of __consumer_offsets, in bytes."),
];
