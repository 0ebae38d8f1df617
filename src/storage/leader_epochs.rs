//! `leader-epoch-checkpoint`: the leader epochs of a partition and the offset where each begins.
//!
//! Layout: text. `0\n`, the number of entries `\n`, `epoch startOffset\n` each, both ascending.
//! Crash policy: rebuilt from the batches behind the recovery point, authoritative before it: replaced whole (temporary
//! file, fsync, rename, directory fsync) before the recovery point moves. Source: files of Kafka 4.3.1.

use super::checkpoint::{CheckpointError, decode_lines};
use crate::base::ids::{LeaderEpoch, Offset};

/// An epoch and its first offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// The offset of its first record.
    pub start_offset: Offset,
}

/// The epochs of one partition, ascending in epoch and in start offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderEpochs {
    entries: Vec<EpochEntry>,
}

impl LeaderEpochs {
    /// All entries, ascending.
    pub fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    /// The newest epoch, or `NONE`.
    pub fn latest(&self) -> LeaderEpoch {
        self.entries.last().map_or(LeaderEpoch::NONE, |e| e.epoch)
    }

    /// Notes that `epoch` begins at `start_offset`, unless it is the newest already. Entries that it contradicts (as new
    /// or newer, or starting there or later: epochs without records) go. Says whether anything changed.
    pub fn assign(&mut self, epoch: LeaderEpoch, start_offset: Offset) -> bool {
        if epoch < LeaderEpoch::new(0) || self.latest() == epoch {
            return false;
        }
        self.entries.retain(|e| e.epoch < epoch && e.start_offset < start_offset);
        self.entries.push(EpochEntry { epoch, start_offset });
        true
    }

    /// Where `epoch` ends, for OffsetForLeaderEpoch: the newest one ends at `log_end`; a known epoch, or one between
    /// known ones, at the start of the next; one above the newest is (`NONE`, `NONE`).
    pub fn end_offset_for(&self, epoch: LeaderEpoch, log_end: Offset) -> (LeaderEpoch, Offset) {
        let none = (LeaderEpoch::NONE, Offset::NONE);
        if epoch < LeaderEpoch::new(0) {
            return none;
        }
        if self.latest() == epoch {
            return (epoch, log_end);
        }
        let above = self.entries.partition_point(|e| e.epoch <= epoch);
        let Some(next) = self.entries.get(above) else {
            return none;
        };
        let floor = above.checked_sub(1).and_then(|i| self.entries.get(i));
        (floor.map_or(epoch, |e| e.epoch), next.start_offset)
    }

    /// The epoch of the record at `offset`, or `NONE` below the first entry.
    pub fn epoch_at(&self, offset: Offset) -> LeaderEpoch {
        let above = self.entries.partition_point(|e| e.start_offset <= offset);
        above.checked_sub(1).and_then(|i| self.entries.get(i)).map_or(LeaderEpoch::NONE, |e| e.epoch)
    }

    /// Forgets the epochs that begin at `end_offset` or behind it. Says whether anything changed.
    pub fn truncate_from_end(&mut self, end_offset: Offset) -> bool {
        let before = self.entries.len();
        self.entries.retain(|e| e.start_offset < end_offset);
        before != self.entries.len()
    }

    /// Moves the log's start up: the epoch at the new start begins there, older ones go. Says whether anything changed.
    pub fn truncate_from_start(&mut self, start_offset: Offset) -> bool {
        let at_or_below = self.entries.partition_point(|e| e.start_offset <= start_offset);
        let Some(covering) = at_or_below.checked_sub(1) else {
            return false;
        };
        self.entries.drain(..covering);
        match self.entries.first_mut() {
            Some(first) if first.start_offset < start_offset => {
                first.start_offset = start_offset;
                true
            }
            _ => covering > 0,
        }
    }

    /// Writes the file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!("0\n{}\n", self.entries.len());
        for entry in &self.entries {
            text.push_str(&format!("{} {}\n", entry.epoch, entry.start_offset));
        }
        text.into_bytes()
    }

    /// Reads the file's bytes. Entries that contradict one another are resolved in favour of the later line.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let mut epochs = Self::default();
        decode_lines(bytes, |line| {
            let (epoch, start) = line.trim().split_once(' ')?;
            let epoch = LeaderEpoch::new(epoch.parse().ok()?);
            epochs.assign(epoch, Offset::new(start.parse().ok()?));
            Some(())
        })?;
        Ok(epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn epochs(pairs: &[(i32, i64)]) -> LeaderEpochs {
        let mut epochs = LeaderEpochs::default();
        for (epoch, start) in pairs {
            assert!(epochs.assign(LeaderEpoch::new(*epoch), Offset::new(*start)));
        }
        epochs
    }

    #[test]
    fn kafkas_bytes() {
        let golden = include_bytes!("../../tests/golden/storage/txn-0/leader-epoch-checkpoint");
        let decoded = LeaderEpochs::decode(golden).unwrap();
        assert_eq!(decoded, epochs(&[(0, 0), (2, 108)]));
        assert_eq!(decoded.encode(), golden);
    }

    #[test]
    fn an_epoch_without_records_is_overwritten() {
        let mut e = epochs(&[(0, 0), (2, 10)]);
        assert!(!e.assign(LeaderEpoch::new(2), Offset::new(20)));
        assert!(e.assign(LeaderEpoch::new(4), Offset::new(10)));
        assert_eq!(e, epochs(&[(0, 0), (4, 10)]));
    }

    #[test]
    fn ends_of_epochs() {
        let e = epochs(&[(1, 5), (3, 10), (6, 20)]);
        let end = |epoch| {
            let (epoch, offset) = e.end_offset_for(LeaderEpoch::new(epoch), Offset::new(99));
            (epoch.get(), offset.get())
        };
        assert_eq!(end(6), (6, 99));
        assert_eq!(end(3), (3, 20));
        assert_eq!(end(4), (3, 20));
        assert_eq!(end(1), (1, 10));
        assert_eq!(end(0), (0, 5));
        assert_eq!(end(7), (-1, -1));
        assert_eq!(end(-1), (-1, -1));
        assert_eq!(e.epoch_at(Offset::new(4)).get(), -1);
        assert_eq!(e.epoch_at(Offset::new(12)).get(), 3);
    }

    #[test]
    fn truncation() {
        let mut e = epochs(&[(0, 0), (2, 10), (4, 20)]);
        assert!(e.truncate_from_end(Offset::new(20)));
        assert!(!e.truncate_from_end(Offset::new(20)));
        assert_eq!(e, epochs(&[(0, 0), (2, 10)]));
        assert!(e.truncate_from_start(Offset::new(12)));
        assert_eq!(e, epochs(&[(2, 12)]));
        assert!(!e.truncate_from_start(Offset::new(12)));
    }

    proptest! {
        #[test]
        fn round_trips(steps in proptest::collection::vec((0i32..5, 1i64..50), 0..20)) {
            let mut e = LeaderEpochs::default();
            let (mut epoch, mut offset) = (0, 0);
            for (up, on) in steps {
                epoch += up;
                offset += on;
                e.assign(LeaderEpoch::new(epoch), Offset::new(offset));
            }
            prop_assert_eq!(LeaderEpochs::decode(&e.encode()), Ok(e));
        }
    }
}
