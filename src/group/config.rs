//! What an operator may set about groups.

/// The broker's settings for classic groups and their offsets. Names and defaults are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// `group.min.session.timeout.ms`: a shorter session timeout is refused (26).
    pub session_timeout_ms_min: i32,
    /// `group.max.session.timeout.ms`: a longer one is refused (26).
    pub session_timeout_ms_max: i32,
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`: members of a group; one more is refused (81).
    pub members_max: usize,
    /// `offset.metadata.max.bytes`: longer metadata of a commit is refused (12).
    pub offset_metadata_bytes_max: usize,
    /// `offsets.retention.minutes`, in milliseconds: offsets live that long after their group became empty.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`: how often expired offsets are looked for.
    pub offsets_retention_check_interval_ms: i64,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self {
            session_timeout_ms_min: 6_000,
            session_timeout_ms_max: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            members_max: i32::MAX as usize,
            offset_metadata_bytes_max: 4_096,
            offsets_retention_ms: 7 * 24 * 3_600_000,
            offsets_retention_check_interval_ms: 600_000,
        }
    }
}
