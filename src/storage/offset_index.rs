//! `.index`: from an offset to the position of its batch, sparse.
//!
//! Layout: entries of 8 bytes, big-endian, ascending: relative offset u32 (to the segment's base) and position u32 in
//! the `.log`. The offset is the **last** one of the batch that starts at the position; never an entry for position 0.
//! One entry whenever more than `index.interval.bytes` were appended since the last. Kafka preallocates the open
//! segment's file with zeros, which end the entries.
//! Crash policy: rebuilt from the log; trusted only after a clean stop and if it is plausible. Source: Kafka 4.3.1.

use crate::base::ids::{Offset, Position};

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = 8;

/// An offset and where its batch starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The last offset of the batch, relative to the segment's base.
    pub relative_offset: u32,
    /// Where the batch starts in the segment's log.
    pub position: u32,
}

/// Writes an entry.
pub fn encode(entry: IndexEntry) -> [u8; ENTRY_BYTES] {
    let mut bytes = [0; ENTRY_BYTES];
    let (offset, position) = bytes.split_at_mut(4);
    offset.copy_from_slice(&entry.relative_offset.to_be_bytes());
    position.copy_from_slice(&entry.position.to_be_bytes());
    bytes
}

/// Reads the entry at `index`; `None` behind the last whole one.
pub fn entry(bytes: &[u8], index: usize) -> Option<IndexEntry> {
    let start = index.checked_mul(ENTRY_BYTES)?;
    let bytes = bytes.get(start..)?.first_chunk::<ENTRY_BYTES>()?;
    let [a, b, c, d, e, f, g, h] = *bytes;
    Some(IndexEntry {
        relative_offset: u32::from_be_bytes([a, b, c, d]),
        position: u32::from_be_bytes([e, f, g, h]),
    })
}

/// The number of entries before the zeros of a preallocated tail; the file's own bytes decide, not its size.
pub fn entry_count(bytes: &[u8]) -> usize {
    // No entry has position 0, so zeros sort behind every entry.
    partition_point(bytes.len() / ENTRY_BYTES, |i| entry(bytes, i).is_some_and(|e| e.position != 0))
}

/// Whether the entries can belong to a log of `log_bytes`: ascending, and none behind its end.
pub fn plausible(bytes: &[u8], log_bytes: u64) -> bool {
    let count = entry_count(bytes);
    let zeros = bytes.get(count * ENTRY_BYTES..).unwrap_or_default();
    let mut last: Option<IndexEntry> = None;
    for entry in (0..count).filter_map(|i| entry(bytes, i)) {
        let ascends =
            last.is_none_or(|l| l.relative_offset < entry.relative_offset && l.position < entry.position);
        if !ascends || u64::from(entry.position) >= log_bytes {
            return false;
        }
        last = Some(entry);
    }
    zeros.iter().all(|b| *b == 0)
}

/// The position from which a forward scan finds `offset`: that of the last entry at or below it, else 0.
pub fn lookup(bytes: &[u8], count: usize, base: Offset, offset: Offset) -> Position {
    let target = offset.get().saturating_sub(base.get());
    let above =
        partition_point(count, |i| entry(bytes, i).is_some_and(|e| i64::from(e.relative_offset) <= target));
    let floor = above.checked_sub(1).and_then(|i| entry(bytes, i));
    Position::new(floor.map_or(0, |e| u64::from(e.position)))
}

/// The last entry whose batch starts at or before `position`: a batch boundary without a scan. `None` before the first.
pub fn boundary_at_or_below(bytes: &[u8], count: usize, position: Position) -> Option<IndexEntry> {
    let above =
        partition_point(count, |i| entry(bytes, i).is_some_and(|e| u64::from(e.position) <= position.get()));
    above.checked_sub(1).and_then(|i| entry(bytes, i))
}

/// The first of `0..count` for which `before` is false; `before` must be true up to it.
pub(super) fn partition_point(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOLDEN: &[u8] = include_bytes!("../../tests/golden/storage/txn-0/00000000000000000000.index");
    const GOLDEN_LOG: &[u8] = include_bytes!("../../tests/golden/storage/txn-0/00000000000000000000.log");

    #[test]
    fn kafkas_entries_name_the_last_offset_of_the_batch_there() {
        let count = entry_count(GOLDEN);
        assert_eq!(count, 16);
        assert!(plausible(GOLDEN, GOLDEN_LOG.len() as u64));
        for i in 0..count {
            let e = entry(GOLDEN, i).unwrap();
            let batch = &GOLDEN_LOG[e.position as usize..];
            let base = i64::from_be_bytes(batch[..8].try_into().unwrap());
            let delta = i32::from_be_bytes(batch[23..27].try_into().unwrap());
            assert_eq!(base + i64::from(delta), i64::from(e.relative_offset));
            assert_eq!(encode(e), GOLDEN[i * 8..i * 8 + 8]);
        }
    }

    #[test]
    fn zeros_of_a_preallocated_file_are_no_entries() {
        let mut preallocated = GOLDEN.to_vec();
        preallocated.resize(4096, 0);
        assert_eq!(entry_count(&preallocated), 16);
        assert!(plausible(&preallocated, GOLDEN_LOG.len() as u64));
        assert_eq!(entry_count(&[0; 4096]), 0);
        preallocated[4000] = 1;
        assert!(!plausible(&preallocated, GOLDEN_LOG.len() as u64));
        assert!(!plausible(GOLDEN, 100));
    }

    #[test]
    fn lookups() {
        let (count, base) = (entry_count(GOLDEN), Offset::new(0));
        assert_eq!(lookup(GOLDEN, count, base, Offset::new(0)).get(), 0);
        assert_eq!(lookup(GOLDEN, count, base, Offset::new(4)).get(), 0);
        assert_eq!(lookup(GOLDEN, count, base, Offset::new(5)).get(), 0x7a);
        assert_eq!(lookup(GOLDEN, count, base, Offset::new(8)).get(), 0x7a);
        assert_eq!(lookup(GOLDEN, count, base, Offset::new(1_000)).get(), 0xb1d);
        assert_eq!(boundary_at_or_below(GOLDEN, count, Position::new(0x79)), None);
        assert_eq!(boundary_at_or_below(GOLDEN, count, Position::new(0x200)).unwrap().position, 0x1cd);
    }

    proptest! {
        #[test]
        fn round_trips(relative_offset: u32, position: u32) {
            let e = IndexEntry { relative_offset, position };
            prop_assert_eq!(entry(&encode(e), 0), Some(e));
        }

        #[test]
        fn any_bytes_are_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..200), offset: i64) {
            let count = entry_count(&bytes);
            let _ = plausible(&bytes, 1 << 30);
            let _ = lookup(&bytes, count, Offset::new(0), Offset::new(offset));
        }
    }
}
