//! What a fetch of one partition may see, and where it lies.

use super::{EpochEnd, EpochMismatch, Partition};
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
    /// Whether there is more to read than the plan takes.
    more: bool,
}

impl Fetched {
    /// Bytes that count towards the least that a client waits for, as in Kafka: all that there are, up to the limit of
    /// `bytes_max`, even if only whole batches below it are sent.
    pub fn there(&self, bytes_max: usize) -> usize {
        let planned = self.plan.as_ref().map_or(0, ReadPlan::bytes);
        if self.more { planned.max(bytes_max) } else { planned }
    }
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
            diverging: self.divergence(from)?,
            plan: None,
            more: false,
        };
        if fetched.diverging.is_none() {
            let upper = self.readable_end(from.isolation);
            let plan = self.log.read(from.offset, from.bytes_max, upper, at_least_one);
            if let Some(Err(error)) = plan.ready() {
                return Err(error.clone().into());
            }
            // What lies in a file has been overtaken by what lies in memory.
            let next = plan.ready().map(|read| read.as_ref().map_or(from.offset, |read| read.next_offset));
            fetched.more = from.offset < upper && next.is_none_or(|next| next < upper);
            fetched.plan = (plan.bytes() > 0).then_some(plan);
        }
        Ok(fetched)
    }

    /// The end of the client's last epoch in our log, if the client is past it.
    /// Errors: out of range if the client is in an epoch that this log has not come to.
    fn divergence(&self, from: FetchFrom) -> Result<Option<(LeaderEpoch, Offset)>, FetchError> {
        if from.last_fetched_epoch == LeaderEpoch::NONE {
            return Ok(None);
        }
        let EpochEnd { leader_epoch, end_offset } = self.end_of_epoch(from.last_fetched_epoch);
        if leader_epoch == LeaderEpoch::NONE || end_offset == Offset::NONE {
            let (start, end) = (self.log.start_offset(), self.log.end_offset());
            return Err(ReadError::OutOfRange { offset: from.offset, start, end }.into());
        }
        let apart = leader_epoch < from.last_fetched_epoch || end_offset < from.offset;
        Ok(apart.then_some((leader_epoch, end_offset)))
    }
}
