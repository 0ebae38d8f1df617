//! The two indexes of a segment in memory: growing while the segment is written, mapped once it is sealed.
//!
//! Both are the bytes of the files, so that one set of lookups serves them. The growing ones are written to the files at
//! roll and close only: after a crash they are rebuilt from the log anyway, and a store to a mapped page of a full disk
//! would be a SIGBUS.

use super::offset_index::{self, IndexEntry};
use super::time_index::{self, TimeEntry};
use crate::base::ids::{Offset, Position};
use crate::base::planted;
use crate::rt::disk::MappedFile;

/// A batch as the indexes see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexedBatch {
    /// Its last offset.
    pub last_offset: Offset,
    /// Where it starts.
    pub position: Position,
    /// Header and records, in bytes.
    pub bytes: u64,
    /// Its largest timestamp, in ms.
    pub max_timestamp: i64,
}

/// The indexes of the segment that is written, or being recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrowingIndex {
    base: Offset,
    offsets: Vec<u8>,
    times: Vec<u8>,
    bytes_since_entry: u64,
    /// The largest timestamp so far, and its batch.
    max: Option<TimeEntry>,
}

impl GrowingIndex {
    /// Of a segment without records.
    pub fn new(base: Offset) -> Self {
        Self { base, offsets: Vec::new(), times: Vec::new(), bytes_since_entry: 0, max: None }
    }

    /// Goes on where the files of a cleanly closed segment end.
    pub fn resume(base: Offset, mut offsets: Vec<u8>, mut times: Vec<u8>) -> Self {
        offsets.truncate(offset_index::entry_count(&offsets) * offset_index::ENTRY_BYTES);
        let time_count = time_index::entry_count(&times);
        times.truncate(time_count * time_index::ENTRY_BYTES);
        let max = time_count.checked_sub(1).and_then(|last| time_index::entry(&times, last));
        Self { base, offsets, times, bytes_since_entry: 0, max }
    }

    /// Notes a batch; the entry, if it is due, comes before its bytes count.
    pub fn add(&mut self, batch: &IndexedBatch, interval_bytes: u64) {
        let relative = self.relative(batch.last_offset);
        if self.max.is_none_or(|max| batch.max_timestamp > max.timestamp) && batch.max_timestamp >= 0 {
            self.max = Some(TimeEntry { timestamp: batch.max_timestamp, relative_offset: relative });
        }
        if self.bytes_since_entry > interval_bytes {
            let position = u32::try_from(batch.position.get()).unwrap_or(u32::MAX); // segments end below 2 GiB
            self.offsets.extend(offset_index::encode(IndexEntry { relative_offset: relative, position }));
            self.add_time_entry();
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry += batch.bytes;
    }

    /// The last time entry of a segment that takes no more records.
    pub fn finish(&mut self) {
        if planted::is("forget-last-index-entry") {
            self.offsets.truncate(self.offsets.len().saturating_sub(offset_index::ENTRY_BYTES));
        }
        self.add_time_entry();
    }

    fn add_time_entry(&mut self) {
        let last = self
            .times
            .last_chunk()
            .and_then(|bytes: &[u8; time_index::ENTRY_BYTES]| time_index::entry(bytes, 0));
        if let Some(max) = self.max
            && last.is_none_or(|last| max.timestamp > last.timestamp)
        {
            self.times.extend(time_index::encode(max));
        }
    }

    fn relative(&self, offset: Offset) -> u32 {
        u32::try_from(offset.get() - self.base.get()).unwrap_or(u32::MAX) // a roll comes first
    }

    /// Whether another entry would exceed `segment.index.bytes`.
    pub fn is_full(&self, index_bytes_max: u64) -> bool {
        let full = |used: usize, entry: usize| (used + entry) as u64 > index_bytes_max;
        full(self.offsets.len(), offset_index::ENTRY_BYTES) || full(self.times.len(), time_index::ENTRY_BYTES)
    }

    /// The largest timestamp and the last offset of its batch.
    pub fn max_timestamp(&self) -> Option<(i64, Offset)> {
        self.max.map(|max| (max.timestamp, self.base.plus(i64::from(max.relative_offset))))
    }

    /// The bytes of the `.index`.
    pub fn offset_bytes(&self) -> &[u8] {
        &self.offsets
    }

    /// The bytes of the `.timeindex`.
    pub fn time_bytes(&self) -> &[u8] {
        &self.times
    }
}

/// The indexes of a sealed segment, mapped.
#[derive(Debug)]
pub struct SealedIndex {
    /// The `.index`.
    pub offsets: MappedFile,
    /// The `.timeindex`.
    pub times: MappedFile,
}

/// The entries of a segment's two indexes, growing or sealed.
#[derive(Clone, Copy, Debug)]
pub struct IndexView<'a> {
    base: Offset,
    offsets: &'a [u8],
    times: &'a [u8],
}

impl GrowingIndex {
    /// For lookups.
    pub fn view(&self) -> IndexView<'_> {
        IndexView { base: self.base, offsets: &self.offsets, times: &self.times }
    }
}

impl SealedIndex {
    /// For lookups in the segment at `base`.
    pub fn view(&self, base: Offset) -> IndexView<'_> {
        IndexView { base, offsets: &self.offsets, times: &self.times }
    }
}

impl IndexView<'_> {
    /// From where a forward scan finds `offset`.
    pub fn position_of(&self, offset: Offset) -> Position {
        offset_index::lookup(self.offsets, offset_index::entry_count(self.offsets), self.base, offset)
    }

    /// The last batch boundary at or before `position` that the index knows; the segment's start counts.
    pub fn boundary_at_or_below(&self, position: Position) -> Position {
        let count = offset_index::entry_count(self.offsets);
        let entry = offset_index::boundary_at_or_below(self.offsets, count, position);
        Position::new(entry.map_or(0, |e| u64::from(e.position)))
    }

    /// The last time entry: once the segment is sealed, its largest timestamp and the last offset of its batch.
    pub fn last_time(&self) -> Option<(i64, Offset)> {
        let last = time_index::entry_count(self.times).checked_sub(1)?;
        let last = time_index::entry(self.times, last)?;
        Some((last.timestamp, self.base.plus(i64::from(last.relative_offset))))
    }

    /// From which offset a forward scan finds the first timestamp at or above `timestamp`.
    pub fn offset_before(&self, timestamp: i64) -> Offset {
        time_index::lookup(self.times, time_index::entry_count(self.times), self.base, timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch;

    /// Feeds Kafka's own log and compares with Kafka's own indexes.
    fn rebuilt(log: &[u8], base: i64, interval_bytes: u64) -> GrowingIndex {
        let mut index = GrowingIndex::new(Offset::new(base));
        let mut position = 0;
        for view in batch::batches(log) {
            let view = view.unwrap();
            let bytes = view.total_bytes() as u64;
            index.add(
                &IndexedBatch {
                    last_offset: view.last_offset(),
                    position: Position::new(position),
                    bytes,
                    max_timestamp: view.max_timestamp,
                },
                interval_bytes,
            );
            position += bytes;
        }
        index.finish();
        index
    }

    #[test]
    fn rebuilds_kafkas_indexes() {
        macro_rules! golden {
            ($name:literal) => {
                include_bytes!(concat!("../../tests/golden/storage/", $name)).as_slice()
            };
        }
        for (log, index, times, base) in [
            (
                golden!("txn-0/00000000000000000000.log"),
                golden!("txn-0/00000000000000000000.index"),
                golden!("txn-0/00000000000000000000.timeindex"),
                0,
            ),
            (
                golden!("idem-0/00000000000000000030.log"),
                golden!("idem-0/00000000000000000030.index"),
                golden!("idem-0/00000000000000000030.timeindex"),
                30,
            ),
            (
                golden!("idem-0/00000000000000000060.log"),
                golden!("idem-0/00000000000000000060.index"),
                golden!("idem-0/00000000000000000060.timeindex"),
                60,
            ),
        ] {
            let rebuilt = rebuilt(log, base, 64);
            assert_eq!(rebuilt.offset_bytes(), index, "{base}");
            assert_eq!(rebuilt.time_bytes(), times, "{base}");
        }
    }

    #[test]
    fn resumes_behind_a_preallocated_tail() {
        let log = include_bytes!("../../tests/golden/storage/txn-0/00000000000000000000.log");
        let index = rebuilt(log, 0, 64);
        let (mut offsets, mut times) = (index.offset_bytes().to_vec(), index.time_bytes().to_vec());
        offsets.resize(4096, 0);
        times.resize(4092, 0);
        let resumed = GrowingIndex::resume(Offset::new(0), offsets, times);
        assert_eq!(resumed.offset_bytes(), index.offset_bytes());
        assert_eq!(resumed.max_timestamp(), index.max_timestamp());
        assert!(index.is_full(130) && !index.is_full(4096));
    }
}
