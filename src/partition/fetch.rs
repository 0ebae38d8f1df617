//! What a fetch of one partition may see, and where it lies.

use super::{EpochMismatch, Partition};
use crate::base::ids::{LeaderEpoch, Offset};
use crate::storage::log::{ReadError, ReadPlan};

/// Which records a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Up to the high watermark.
    ReadUncommitted,
    /// Up to the last stable offset.
    ReadCommitted,
}

/// Where and how a client wants to read one partition.
#[derive(Debug, Clone, Copy)]
pub struct FetchFrom {
    /// The first offset wanted.
    pub offset: Offset,
    /// The leader epoch that the client believes in, or -1.
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch of the record before `offset` as the client has it, or -1.
    pub last_fetched_epoch: LeaderEpoch,
    /// At most this many bytes, but for the first batch.
    pub bytes_max: usize,
    /// Which records.
    pub isolation: Isolation,
}

/// The offsets that a fetch response carries, and how to read the records.
pub struct Fetched {
    /// End of what is replicated.
    pub high_watermark: Offset,
    /// End of what is decided.
    pub last_stable_offset: Offset,
    /// First offset that may be read.
    pub log_start_offset: Offset,
    /// Where the reader's log and ours part: epoch and its end. Then there is nothing to read.
    pub diverging: Option<(LeaderEpoch, Offset)>,
    /// Whence the records come; run it when no borrow is held. None if there are none.
    pub plan: Option<ReadPlan>,
}

/// Why a fetch of one partition is refused.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The client's leader epoch is not ours.
    #[error(transparent)]
    Epoch(#[from] EpochMismatch),
    /// The log cannot be read there.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Partition {
    /// Plans the read: nothing is awaited, and at most `from.bytes_max` bytes are planned, but for a first batch that is
    /// larger when `at_least_one` says so.
    ///
    /// Errors: Epoch; Read(OutOfRange) outside [log start, log end].
    pub fn plan_fetch(&self, from: FetchFrom, at_least_one: bool) -> Result<Fetched, FetchError> {
        self.check_epoch(from.current_leader_epoch)?;
        let mut fetched = Fetched {
            high_watermark: self.high_watermark(),
            last_stable_offset: self.last_stable_offset(),
            log_start_offset: self.log_start_offset(),
            diverging: self.divergence(from),
            plan: None,
        };
        if fetched.diverging.is_none() {
            let upper = self.readable_end(from.isolation);
            let plan = self.log.read(from.offset, from.bytes_max, upper, at_least_one);
            if let Some(Err(error)) = plan.ready() {
                return Err(error.clone().into());
            }
            fetched.plan = (plan.bytes() > 0).then_some(plan);
        }
        Ok(fetched)
    }

    /// The end of the client's last epoch in our log, if the client is past it.
    fn divergence(&self, from: FetchFrom) -> Option<(LeaderEpoch, Offset)> {
        if from.last_fetched_epoch == LeaderEpoch::NONE {
            return None;
        }
        let (epoch, end) = self.log.end_offset_for_epoch(from.last_fetched_epoch);
        (epoch < from.last_fetched_epoch || end < from.offset).then_some((epoch, end))
    }
}
