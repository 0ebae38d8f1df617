//! Answers about timestamps and leader epochs: ListOffsets and OffsetForLeaderEpoch.

use super::read::corrupt;
use super::{Log, ReadError};
use crate::base::ids::{LeaderEpoch, Offset};
use crate::batch::{self, BatchView, Header};
use crate::rt::disk::{LogFile, Slice};
use crate::storage::scan::{Scan, Step};
use crate::storage::segment::Index;
use std::rc::Rc;

/// Bytes read at a time while looking for a batch by its header.
const LOOKUP_WINDOW_BYTES: usize = 64 << 10;

/// A record by its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    /// The record's timestamp in ms.
    pub timestamp: i64,
    /// The record's own offset.
    pub offset: Offset,
    /// The leader epoch of its batch.
    pub leader_epoch: LeaderEpoch,
}

impl Log {
    /// The first record with a timestamp of at least `timestamp`. Errors: the disk's, damage on the way.
    pub async fn offset_for_timestamp(
        self: &Rc<Self>,
        timestamp: i64,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        for base in self.readable_segments() {
            if self.max_timestamp_of(base).await?.is_none_or(|(max, _)| max < timestamp) {
                continue;
            }
            let from = self.with_index(base, |view| view.offset_before(timestamp)).await?;
            let wanted = |header: &Header| header.max_timestamp >= timestamp;
            let found =
                self.find_record(base, from, wanted, |record_timestamp, _| record_timestamp >= timestamp);
            if let Some(found) = found.await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The first record with the largest timestamp. While the batch that holds it is still on its way to the disk, there is
    /// none. Errors: the disk's, damage on the way.
    pub async fn offset_of_max_timestamp(self: &Rc<Self>) -> Result<Option<TimestampOffset>, ReadError> {
        let mut largest: Option<(i64, Offset, Offset)> = None;
        for base in self.readable_segments() {
            if let Some((timestamp, last_offset)) = self.max_timestamp_of(base).await?
                && largest.is_none_or(|(largest, ..)| timestamp > largest)
            {
                largest = Some((timestamp, base, last_offset));
            }
        }
        let Some((timestamp, base, last_offset)) = largest else {
            return Ok(None);
        };
        let wanted = |header: &Header| header.last_offset() >= last_offset;
        self.find_record(base, last_offset, wanted, |at, _| at == timestamp).await
    }

    /// Where `epoch` ends: `LeaderEpochs::end_offset_for` with the log's end.
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        let state = self.state.borrow();
        state.epochs.end_offset_for(epoch, state.end_offset)
    }

    /// The segments that hold something readable, by their bases.
    fn readable_segments(&self) -> Vec<Offset> {
        let state = self.state.borrow();
        let from = state.segment_place(state.log_start).unwrap_or(0);
        let readable = state.segments.range(from..).filter(|s| s.bytes > 0 && s.base < state.end_offset);
        readable.map(|s| s.base).collect()
    }

    /// The largest timestamp of a segment, and the last offset of its batch.
    async fn max_timestamp_of(self: &Rc<Self>, base: Offset) -> Result<Option<(i64, Offset)>, ReadError> {
        if let Some(Index::Growing(index)) = self.state.borrow().segment(base).map(|s| &s.index) {
            return Ok(index.max_timestamp());
        }
        self.with_index(base, |view| view.last_time()).await
    }

    /// Looks into the indexes of a segment, which are mapped if need be.
    async fn with_index<T>(
        self: &Rc<Self>,
        base: Offset,
        look: impl Fn(crate::storage::segment_index::IndexView<'_>) -> T,
    ) -> Result<T, ReadError> {
        let (_, sealed) = self.open_for_reading(base).await?;
        if let Some(index) = sealed {
            return Ok(look(index.view(base)));
        }
        match self.state.borrow().segment(base).map(|s| &s.index) {
            Some(Index::Growing(index)) => Ok(look(index.view())),
            // It was sealed a moment ago; an index without entries says nothing wrong.
            _ => Ok(look(crate::storage::segment_index::GrowingIndex::new(base).view())),
        }
    }

    /// The first record that `matches` (its timestamp, its batch) in a batch that is `wanted`, at or behind the log's start,
    /// scanning from the batch that holds `from` on.
    async fn find_record(
        self: &Rc<Self>,
        base: Offset,
        from: Offset,
        wanted: impl Fn(&Header) -> bool,
        matches: impl Fn(i64, &Header) -> bool,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        let position = self.with_index(base, |view| view.position_of(from)).await?;
        let (file, limit, start): (LogFile, _, _) = {
            let (file, _) = self.open_for_reading(base).await?;
            let state = self.state.borrow();
            (file, state.limit_of(base), state.log_start)
        };
        let mut scan = Scan::new(file, position.get(), limit.position, LOOKUP_WINDOW_BYTES);
        loop {
            let step = scan.next().await.map_err(|e| self.failed_read(base, &e))?;
            let (position, header) = match step {
                Step::End => return Ok(None),
                Step::Bad { position, error } => return Err(corrupt(base, position, &error)),
                Step::Batch { position, header } => (position, header),
            };
            if !wanted(&header) || header.last_offset() < start {
                continue;
            }
            let bytes: Slice =
                scan.bytes(position, header.total_bytes()).await.map_err(|e| self.failed_read(base, &e))?;
            let found = first_match(&bytes, start, |timestamp| matches(timestamp, &header));
            if let Some((timestamp, offset)) = found.map_err(|e| corrupt(base, position, &e))? {
                return Ok(Some(TimestampOffset { timestamp, offset, leader_epoch: header.leader_epoch() }));
            }
        }
    }
}

fn first_match(
    bytes: &[u8],
    start: Offset,
    matches: impl Fn(i64) -> bool,
) -> Result<Option<(i64, Offset)>, batch::BatchError> {
    let view = BatchView::parse(bytes)?;
    let records = batch::records(&view)?;
    for record in &records {
        let record = record?;
        if record.offset >= start && matches(record.timestamp_ms) {
            return Ok(Some((record.timestamp_ms, record.offset)));
        }
    }
    Ok(None)
}
