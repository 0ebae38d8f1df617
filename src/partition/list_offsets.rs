//! Offsets by time, by name and by leader epoch.

use super::{EpochMismatch, Isolation, Partition};
use crate::base::ids::{LeaderEpoch, Offset};
use crate::storage::log::ReadError;

/// Which offset is asked for: ListOffsets' timestamp field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// -1: the end of what the reader may see.
    Latest,
    /// -2: the first offset.
    Earliest,
    /// -3: the record with the largest timestamp.
    MaxTimestamp,
    /// -4: the first offset on this broker's disk, which is the first offset.
    EarliestLocal,
    /// -5: the last tiered offset; nothing is tiered.
    LatestTiered,
    /// -6: the first offset that waits to be tiered; none does.
    EarliestPendingUpload,
    /// The first record at or after a time, in milliseconds.
    Timestamp(i64),
}

impl OffsetSpec {
    /// From the wire's timestamp; None for a negative one that Kafka does not know.
    pub fn from_timestamp(timestamp: i64) -> Option<Self> {
        match timestamp {
            -1 => Some(Self::Latest),
            -2 => Some(Self::Earliest),
            -3 => Some(Self::MaxTimestamp),
            -4 => Some(Self::EarliestLocal),
            -5 => Some(Self::LatestTiered),
            -6 => Some(Self::EarliestPendingUpload),
            time if time >= 0 => Some(Self::Timestamp(time)),
            _ => None,
        }
    }
}

/// An offset with its timestamp (-1 where it has none).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetFound {
    /// The offset, or -1 if there is no such record.
    pub offset: Offset,
    /// The record's timestamp in milliseconds, or -1.
    pub timestamp: i64,
    /// The leader epoch of the offset, or -1.
    pub leader_epoch: LeaderEpoch,
}

impl OffsetFound {
    const NOTHING: Self = Self { offset: Offset::NONE, timestamp: -1, leader_epoch: LeaderEpoch::NONE };
}

/// Where a leader epoch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochEnd {
    /// The largest epoch not above the one asked for, or -1.
    pub leader_epoch: LeaderEpoch,
    /// The offset after its last record, or -1.
    pub end_offset: Offset,
}

/// Why no offset can be told.
#[derive(Debug, thiserror::Error)]
pub enum ListOffsetsError {
    /// The client's leader epoch is not ours.
    #[error(transparent)]
    Epoch(#[from] EpochMismatch),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Partition {
    /// The offset that `spec` names, as a reader of `isolation` may see it.
    pub async fn list_offset(
        &self,
        spec: OffsetSpec,
        isolation: Isolation,
        current: LeaderEpoch,
    ) -> Result<OffsetFound, ListOffsetsError> {
        self.check_epoch(current)?;
        let named = |offset: Offset| {
            let leader_epoch = match self.log.epochs().epoch_at(offset) {
                LeaderEpoch::NONE => self.leader_epoch(),
                epoch => epoch,
            };
            OffsetFound { offset, timestamp: -1, leader_epoch }
        };
        let record = match spec {
            OffsetSpec::Latest => return Ok(named(self.readable_end(isolation))),
            OffsetSpec::Earliest | OffsetSpec::EarliestLocal => return Ok(named(self.log_start_offset())),
            OffsetSpec::LatestTiered | OffsetSpec::EarliestPendingUpload => return Ok(OffsetFound::NOTHING),
            OffsetSpec::MaxTimestamp => self.log.offset_of_max_timestamp().await?,
            OffsetSpec::Timestamp(time) => self.log.offset_for_timestamp(time).await?,
        };
        let visible = record.filter(|record| record.offset < self.readable_end(isolation));
        Ok(visible.map_or(OffsetFound::NOTHING, |record| OffsetFound {
            offset: record.offset,
            timestamp: record.timestamp,
            leader_epoch: record.leader_epoch,
        }))
    }

    /// Where `epoch` ends in this log.
    pub fn epoch_end(&self, epoch: LeaderEpoch, current: LeaderEpoch) -> Result<EpochEnd, EpochMismatch> {
        self.check_epoch(current)?;
        Ok(self.end_of_epoch(epoch))
    }

    /// The own epoch ends where the log ends, even if nothing was written in it yet.
    pub(super) fn end_of_epoch(&self, epoch: LeaderEpoch) -> EpochEnd {
        if epoch == self.leader_epoch() {
            return EpochEnd { leader_epoch: epoch, end_offset: self.log.end_offset() };
        }
        let (leader_epoch, end_offset) = self.log.end_offset_for_epoch(epoch);
        EpochEnd { leader_epoch, end_offset }
    }
}
