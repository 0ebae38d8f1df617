//! Keys of the node, its cluster, its controller and replication.

use crate::config::key::Bounds::ListOf;
use crate::config::key::Kind::{Boolean, Int, List, Long, String};
use crate::config::key::{Key, key};

/// The rows.
pub const KEYS: &[Key] = &[
    key(Boolean, "auto.leader.rebalance.enable", "true").high(),
    key(Int, "broker.heartbeat.interval.ms", "2000"),
    key(Int, "broker.id", "-1").high().doc("The old name of node.id; -1: node.id decides."),
    key(String, "broker.rack", "").null().doc("The rack of this broker, as clients see it."),
    key(Int, "broker.session.timeout.ms", "9000"),
    key(List, "config.providers", "").low().cluster_wide(),
    key(Boolean, "controlled.shutdown.enable", "true"),
    key(List, "controller.listener.names", "").high().doc(
        "Names among the listeners that are the controller's. Ringwood's controller is inside \
             the broker: they are not opened.",
    ),
    key(Long, "controller.performance.always.log.threshold.ms", "2000").min(0).internal(),
    key(Long, "controller.performance.sample.period.ms", "60000").min(100).internal(),
    key(Int, "controller.quorum.append.linger.ms", "25").min(0),
    key(Boolean, "controller.quorum.auto.join.enable", "false").low(),
    key(List, "controller.quorum.bootstrap.servers", "").high(),
    key(Int, "controller.quorum.election.backoff.max.ms", "1000").min(0).high(),
    key(Int, "controller.quorum.election.timeout.ms", "1000").min(0).high(),
    key(Int, "controller.quorum.fetch.max.bytes", "1048576").min(1).low(),
    key(Int, "controller.quorum.fetch.snapshot.max.bytes", "1048576").min(1).low(),
    key(Int, "controller.quorum.fetch.timeout.ms", "2000").min(0).high(),
    key(Int, "controller.quorum.request.timeout.ms", "2000").min(0),
    key(Int, "controller.quorum.retry.backoff.ms", "20").min(0).low(),
    key(List, "controller.quorum.voters", "")
        .high()
        .doc("Ringwood's controller is inside the broker; other voters are not asked."),
    key(Int, "controller.socket.timeout.ms", "30000"),
    key(Int, "default.replication.factor", "1")
        .doc("Replicas of a topic that is created without a number. A single node has one."),
    key(Int, "initial.broker.registration.timeout.ms", "60000"),
    key(Long, "internal.metadata.delete.delay.millis", "60000").low().internal(),
    key(Int, "internal.metadata.log.segment.bytes", "").null().low().internal(),
    key(Int, "internal.metadata.max.batch.size.in.bytes", "8388608").low().internal(),
    key(Long, "leader.imbalance.check.interval.seconds", "300").min(1).high(),
    key(String, "metadata.log.dir", "")
        .null()
        .high()
        .doc("Where __cluster_metadata lies; without it: in the first data directory."),
    key(Long, "metadata.log.max.record.bytes.between.snapshots", "20971520").min(1).high(),
    key(Long, "metadata.log.max.snapshot.interval.ms", "3600000").min(0).high(),
    key(Int, "metadata.log.segment.bytes", "1073741824")
        .min(8388608)
        .high()
        .doc("Segment size of __cluster_metadata, in bytes."),
    key(Long, "metadata.log.segment.ms", "604800000").high(),
    key(Int, "metadata.max.idle.interval.ms", "500").min(0).low(),
    key(Long, "metadata.max.retention.bytes", "104857600").high(),
    key(Long, "metadata.max.retention.ms", "604800000").high(),
    key(Int, "node.id", "1")
        .min(0)
        .high()
        .doc("The number of this node. (Kafka has no default; Ringwood's is 1.)"),
    key(Int, "num.replica.alter.log.dirs.threads", "").null().high(),
    key(Int, "num.replica.fetchers", "1").min(1).high().cluster_wide(),
    key(List, "process.roles", "broker,controller")
        .bounds(ListOf(&["broker", "controller"]))
        .high()
        .doc("What the node does. Ringwood is always broker and controller in one."),
    key(Int, "replica.fetch.backoff.ms", "1000").min(0),
    key(Int, "replica.fetch.max.bytes", "1048576").min(0),
    key(Int, "replica.fetch.min.bytes", "1").high(),
    key(Int, "replica.fetch.response.max.bytes", "10485760").min(0),
    key(Int, "replica.fetch.wait.max.ms", "500").high(),
    key(Long, "replica.high.watermark.checkpoint.interval.ms", "5000")
        .high()
        .doc("Milliseconds between two writes of the high watermarks."),
    key(Long, "replica.lag.time.max.ms", "30000").high(),
    key(String, "replica.selector.class", "").null(),
    key(Int, "replica.socket.receive.buffer.bytes", "65536").high(),
    key(Int, "replica.socket.timeout.ms", "30000").high(),
    key(Long, "server.max.startup.time.ms", "9223372036854775807").min(0).internal(),
    key(Boolean, "unclean.leader.election.enable", "false")
        .high()
        .cluster_wide()
        .doc("Whether a replica that is not in sync may become leader, losing records."),
    key(Long, "unclean.leader.election.interval.ms", "300000").min(1).internal(),
    key(Boolean, "unstable.api.versions.enable", "false").high().internal(),
    key(Boolean, "unstable.feature.versions.enable", "false").high().internal(),
];
