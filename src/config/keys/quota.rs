//! Keys of quotas, metrics and telemetry.

use crate::config::key::Kind::{Class, Int, List, Long, String};
use crate::config::key::{Key, key};

/// The rows.
pub const KEYS: &[Key] = &[
    key(Int, "alter.log.dirs.replication.quota.window.num", "11").min(1).low(),
    key(Int, "alter.log.dirs.replication.quota.window.size.seconds", "1").min(1).low(),
    key(Class, "client.quota.callback.class", "").null().low(),
    key(Int, "controller.quota.window.num", "11").min(1).low(),
    key(Int, "controller.quota.window.size.seconds", "1").min(1).low(),
    key(Int, "kafka.metrics.polling.interval.secs", "10").min(1).low(),
    key(List, "kafka.metrics.reporters", "").low(),
    key(List, "metric.reporters", "org.apache.kafka.common.metrics.JmxReporter").low().cluster_wide(),
    key(Int, "metrics.num.samples", "2").min(1).low(),
    key(String, "metrics.recording.level", "INFO").low(),
    key(Long, "metrics.sample.window.ms", "30000").min(1).low(),
    key(Int, "quota.window.num", "11").min(1).low(),
    key(Int, "quota.window.size.seconds", "1").min(1).low(),
    key(Int, "replication.quota.window.num", "11").min(1).low(),
    key(Int, "replication.quota.window.size.seconds", "1").min(1).low(),
    key(Int, "telemetry.max.bytes", "1048576").min(1).low(),
];
