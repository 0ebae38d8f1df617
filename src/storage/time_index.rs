//! `.timeindex`: from a timestamp to an offset from which to look for it, sparse.
//!
//! Layout: entries of 12 bytes, big-endian, ascending: timestamp i64 (the largest in the segment so far) and relative
//! offset u32 (the **last** offset of the batch that holds it). Written along with `.index` entries when the largest has
//! grown; a rolled or cleanly closed segment ends with its largest timestamp; an empty log has none. Zeros end the
//! entries of a preallocated file. Crash policy: rebuilt from the log. Source: Kafka 4.3.1.

use super::offset_index::partition_point;
use crate::base::ids::Offset;

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = 12;

/// The largest timestamp up to some point, and the batch that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeEntry {
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// The last offset of the batch that holds it, relative to the segment's base.
    pub relative_offset: u32,
}

/// Writes an entry.
pub fn encode(entry: TimeEntry) -> [u8; ENTRY_BYTES] {
    let mut bytes = [0; ENTRY_BYTES];
    let (timestamp, offset) = bytes.split_at_mut(8);
    timestamp.copy_from_slice(&entry.timestamp.to_be_bytes());
    offset.copy_from_slice(&entry.relative_offset.to_be_bytes());
    bytes
}

/// Reads the entry at `index`; `None` behind the last whole one.
pub fn entry(bytes: &[u8], index: usize) -> Option<TimeEntry> {
    let start = index.checked_mul(ENTRY_BYTES)?;
    let bytes = bytes.get(start..)?.first_chunk::<ENTRY_BYTES>()?;
    let (timestamp, offset) = bytes.split_first_chunk::<8>()?;
    Some(TimeEntry {
        timestamp: i64::from_be_bytes(*timestamp),
        relative_offset: u32::from_be_bytes(*offset.first_chunk()?),
    })
}

/// The number of entries before the zeros of a preallocated tail.
pub fn entry_count(bytes: &[u8]) -> usize {
    // A file that was cut to a single entry has nothing preallocated: its one record may be of 1970, at the base.
    if bytes.len() == ENTRY_BYTES {
        return 1;
    }
    let zero = TimeEntry { timestamp: 0, relative_offset: 0 };
    partition_point(bytes.len() / ENTRY_BYTES, |i| entry(bytes, i).is_some_and(|e| e != zero))
}

/// Whether the entries ascend and lie within `offsets` (as many as the segment has).
pub fn plausible(bytes: &[u8], offsets: u64) -> bool {
    let count = entry_count(bytes);
    let mut last: Option<TimeEntry> = None;
    for entry in (0..count).filter_map(|i| entry(bytes, i)) {
        let ascends =
            last.is_none_or(|l| l.timestamp < entry.timestamp && l.relative_offset <= entry.relative_offset);
        if !ascends || u64::from(entry.relative_offset) >= offsets {
            return false;
        }
        last = Some(entry);
    }
    bytes.get(count * ENTRY_BYTES..).unwrap_or_default().iter().all(|b| *b == 0)
}

/// The offset from which a forward scan finds the first timestamp at or above `timestamp`: that of the last entry below
/// it (everything up to there is older), else the base.
pub fn lookup(bytes: &[u8], count: usize, base: Offset, timestamp: i64) -> Offset {
    let at_or_above = partition_point(count, |i| entry(bytes, i).is_some_and(|e| e.timestamp < timestamp));
    let below = at_or_above.checked_sub(1).and_then(|i| entry(bytes, i));
    below.map_or(base, |e| base.plus(i64::from(e.relative_offset)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOLDEN: &[u8] = include_bytes!("../../tests/golden/storage/txn-0/00000000000000000000.timeindex");

    #[test]
    fn kafkas_entries() {
        let count = entry_count(GOLDEN);
        assert_eq!(count, 14);
        assert!(plausible(GOLDEN, 44));
        assert!(!plausible(GOLDEN, 43));
        for i in 0..count {
            assert_eq!(encode(entry(GOLDEN, i).unwrap()), GOLDEN[i * 12..i * 12 + 12]);
        }
        let mut preallocated = GOLDEN.to_vec();
        preallocated.resize(4092, 0);
        assert_eq!(entry_count(&preallocated), count);
        assert!(plausible(&preallocated, 44));
    }

    #[test]
    fn lookups() {
        let (count, base) = (entry_count(GOLDEN), Offset::new(0));
        let first = entry(GOLDEN, 0).unwrap();
        assert_eq!(lookup(GOLDEN, count, base, first.timestamp), base);
        assert_eq!(lookup(GOLDEN, count, base, first.timestamp + 1).get(), 5);
        assert_eq!(lookup(GOLDEN, count, base, i64::MAX).get(), 43);
        assert_eq!(lookup(&[], 0, Offset::new(7), 1).get(), 7);
        assert_eq!((entry_count(&[0; ENTRY_BYTES]), entry_count(&[0; 2 * ENTRY_BYTES])), (1, 0));
    }

    proptest! {
        #[test]
        fn round_trips(timestamp: i64, relative_offset: u32) {
            let e = TimeEntry { timestamp, relative_offset };
            prop_assert_eq!(entry(&encode(e), 0), Some(e));
        }

        #[test]
        fn any_bytes_are_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..200), timestamp: i64) {
            let count = entry_count(&bytes);
            let _ = plausible(&bytes, 10);
            let _ = lookup(&bytes, count, Offset::new(0), timestamp);
        }
    }
}
