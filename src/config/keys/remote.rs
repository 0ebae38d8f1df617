//! Keys of tiered storage, which Ringwood does not have.

use crate::config::key::Bounds::{Fraction, NotEmpty};
use crate::config::key::Kind::{Boolean, Double, Int, Long, String};
use crate::config::key::{Key, key};

/// The rows.
pub const KEYS: &[Key] = &[
    key(Boolean, "follower.fetch.last.tiered.offset.enable", "false").cluster_wide(),
    key(Long, "log.local.retention.bytes", "-2").min(-2).cluster_wide(),
    key(Long, "log.local.retention.ms", "-2").min(-2).cluster_wide(),
    key(Int, "remote.fetch.max.wait.ms", "500").min(1).cluster_wide(),
    key(Long, "remote.list.offsets.request.timeout.ms", "30000").min(1).cluster_wide(),
    key(Long, "remote.log.index.file.cache.total.size.bytes", "1073741824").min(1).low().cluster_wide(),
    key(Long, "remote.log.index.file.cache.ttl.ms", "900000").min(-1).low().internal(),
    key(Int, "remote.log.manager.copier.thread.pool.size", "10").min(1).cluster_wide(),
    key(Long, "remote.log.manager.copy.max.bytes.per.second", "9223372036854775807").min(1).cluster_wide(),
    key(Int, "remote.log.manager.copy.quota.window.num", "11").min(1),
    key(Int, "remote.log.manager.copy.quota.window.size.seconds", "1").min(1),
    key(Int, "remote.log.manager.expiration.thread.pool.size", "10").min(1).cluster_wide(),
    key(Long, "remote.log.manager.fetch.max.bytes.per.second", "9223372036854775807").min(1).cluster_wide(),
    key(Int, "remote.log.manager.fetch.quota.window.num", "11").min(1),
    key(Int, "remote.log.manager.fetch.quota.window.size.seconds", "1").min(1),
    key(Int, "remote.log.manager.follower.thread.pool.size", "2").min(1).cluster_wide(),
    key(Long, "remote.log.manager.task.interval.ms", "30000").min(1).low(),
    key(Long, "remote.log.manager.task.retry.backoff.max.ms", "30000").min(1).low().internal(),
    key(Long, "remote.log.manager.task.retry.backoff.ms", "500").min(1).low().internal(),
    key(Double, "remote.log.manager.task.retry.jitter", "0.2").bounds(Fraction(0.0, 0.5)).low().internal(),
    key(Int, "remote.log.manager.thread.pool.size", "2").min(1),
    key(Int, "remote.log.metadata.custom.metadata.max.bytes", "128").min(0).low(),
    key(
        String,
        "remote.log.metadata.manager.class.name",
        "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
    )
    .bounds(NotEmpty),
    key(String, "remote.log.metadata.manager.class.path", "").null(),
    key(String, "remote.log.metadata.manager.impl.prefix", "rlmm.config.").bounds(NotEmpty),
    key(String, "remote.log.metadata.manager.listener.name", "").null().bounds(NotEmpty),
    key(Int, "remote.log.reader.max.pending.tasks", "100").min(1),
    key(Int, "remote.log.reader.threads", "10").min(1).cluster_wide(),
    key(String, "remote.log.storage.manager.class.name", "").null().bounds(NotEmpty),
    key(String, "remote.log.storage.manager.class.path", "").null(),
    key(String, "remote.log.storage.manager.impl.prefix", "rsm.config.").bounds(NotEmpty),
    key(Boolean, "remote.log.storage.system.enable", "false"),
];
