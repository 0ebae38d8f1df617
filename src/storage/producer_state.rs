//! The idempotent producers of one partition: epochs, sequences, and the window of the last five batches, by which a
//! repeated batch is answered with its first offsets.
//!
//! `check` decides before an append, `apply` notes what was appended; replay after a restart runs the same `apply`.
//! On disk they are a snapshot and its window: see `producer_snapshot`.

use super::producer_snapshot::{self, SnapshotEntry, SnapshotError, WindowEntry};
use crate::base::ids::{Offset, ProducerEpoch, ProducerId};
use std::collections::{HashMap, VecDeque};

/// Batches by which a repetition is recognised: Kafka clients keep at most five in flight.
pub const WINDOW_BATCHES: usize = 5;
/// Producers that one partition remembers. At the limit the tenth that has been silent longest is forgotten: their next
/// batch is accepted with whatever sequence it has, as Kafka does once a producer id has expired.
pub const PRODUCERS_MAX: usize = 100_000;

const NO_SEQUENCE: i32 = -1;

/// What the producer state needs to know of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerBatch {
    /// The producer; `NONE` without idempotence.
    pub producer_id: ProducerId,
    /// Its epoch.
    pub epoch: ProducerEpoch,
    /// The sequence of the first record.
    pub base_sequence: i32,
    /// From the first record to the last, in sequences and in offsets.
    pub last_offset_delta: i32,
    /// The largest timestamp, in ms.
    pub max_timestamp: i64,
    /// Whether it belongs to a transaction.
    pub transactional: bool,
}

/// A batch in a producer's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowBatch {
    /// The sequence of its last record.
    pub last_sequence: i32,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// From its first offset to its last.
    pub offset_delta: i32,
    /// Its largest timestamp, in ms.
    pub timestamp: i64,
}

impl WindowBatch {
    /// The offset of its first record.
    pub fn first_offset(&self) -> Offset {
        self.last_offset.plus(-i64::from(self.offset_delta))
    }
    /// The sequence of its first record.
    pub fn first_sequence(&self) -> i32 {
        sequence_before(self.last_sequence, self.offset_delta)
    }
}

/// One producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerState {
    /// Its newest epoch.
    pub epoch: ProducerEpoch,
    /// Its newest batches of that epoch, oldest first, at most `WINDOW_BATCHES`.
    pub window: VecDeque<WindowBatch>,
    /// The timestamp of its newest batch or marker, in ms.
    pub last_timestamp: i64,
    /// When this process last saw it append, in ms of the wall clock; 0 if it has not.
    pub last_seen_ms: i64,
    /// The coordinator's epoch in its newest marker, or -1.
    pub coordinator_epoch: i32,
    /// Where its open transaction begins, or `NONE`.
    pub current_txn_first_offset: Offset,
}

impl ProducerState {
    fn last_sequence(&self) -> i32 {
        self.window.back().map_or(NO_SEQUENCE, |b| b.last_sequence)
    }

    fn takes_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != epoch {
            self.window.clear();
            self.epoch = epoch;
        }
    }
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the next one: append it.
    Append,
    /// It was appended before, as this.
    Duplicate(WindowBatch),
}

/// Why a batch may not be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// A newer incarnation of the producer has written (INVALID_PRODUCER_EPOCH, 47).
    #[error("producer {producer_id} has epoch {current}, the batch has {found}")]
    StaleEpoch {
        /// The producer.
        producer_id: ProducerId,
        /// Of the batch.
        found: ProducerEpoch,
        /// As known here.
        current: ProducerEpoch,
    },
    /// A gap or a repetition outside the window (OUT_OF_ORDER_SEQUENCE_NUMBER, 45).
    #[error("producer {producer_id}: sequence {found} does not follow {last}")]
    OutOfOrder {
        /// The producer.
        producer_id: ProducerId,
        /// The first sequence of the batch.
        found: i32,
        /// The last sequence known here, -1 at the start of an epoch.
        last: i32,
    },
}

/// The producers of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Producers {
    states: HashMap<i64, ProducerState>,
}

impl Producers {
    /// The state of a producer, if it is remembered.
    pub fn get(&self, id: ProducerId) -> Option<&ProducerState> {
        self.states.get(&id.get())
    }

    /// All producers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (ProducerId, &ProducerState)> {
        self.states.iter().map(|(id, state)| (ProducerId::new(*id), state))
    }

    /// The number of producers.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Decides on a batch from a client. A producer that is not known may begin with any sequence.
    pub fn check(&self, batch: &ProducerBatch) -> Result<Verdict, SequenceError> {
        let Some(state) = self.get(batch.producer_id) else {
            return Ok(Verdict::Append);
        };
        if batch.producer_id < ProducerId::new(0) {
            return Ok(Verdict::Append);
        }
        if batch.epoch < state.epoch {
            let (producer_id, found) = (batch.producer_id, batch.epoch);
            return Err(SequenceError::StaleEpoch { producer_id, found, current: state.epoch });
        }
        let same_epoch = batch.epoch == state.epoch;
        let last_sequence = sequence_after(batch.base_sequence, batch.last_offset_delta);
        let repeats =
            |b: &&WindowBatch| b.last_sequence == last_sequence && b.first_sequence() == batch.base_sequence;
        if same_epoch && let Some(first) = state.window.iter().find(repeats) {
            return Ok(Verdict::Duplicate(*first));
        }
        let last = if same_epoch { state.last_sequence() } else { NO_SEQUENCE };
        let next = if last == i32::MAX { 0 } else { last + 1 };
        let unfenced = state.epoch == ProducerEpoch::NONE;
        if batch.base_sequence == next || unfenced {
            return Ok(Verdict::Append);
        }
        Err(SequenceError::OutOfOrder { producer_id: batch.producer_id, found: batch.base_sequence, last })
    }

    /// Notes a batch that now lies at `base_offset`. `now_ms` is 0 in a replay.
    pub fn apply(&mut self, batch: &ProducerBatch, base_offset: Offset, now_ms: i64) {
        if batch.producer_id < ProducerId::new(0) {
            return;
        }
        self.make_room(batch.producer_id);
        let state = self.entry(batch.producer_id);
        state.takes_epoch(batch.epoch);
        if state.window.len() == WINDOW_BATCHES {
            state.window.pop_front();
        }
        state.window.push_back(WindowBatch {
            last_sequence: sequence_after(batch.base_sequence, batch.last_offset_delta),
            last_offset: base_offset.plus(i64::from(batch.last_offset_delta)),
            offset_delta: batch.last_offset_delta,
            timestamp: batch.max_timestamp,
        });
        state.last_timestamp = batch.max_timestamp;
        state.last_seen_ms = now_ms;
        if batch.transactional && state.current_txn_first_offset == Offset::NONE {
            state.current_txn_first_offset = base_offset;
        }
    }

    /// Notes the end of a transaction: a marker of `coordinator_epoch` with `timestamp`.
    pub fn apply_marker(
        &mut self,
        id: ProducerId,
        epoch: ProducerEpoch,
        coordinator_epoch: i32,
        timestamp: i64,
    ) {
        let state = self.entry(id);
        state.takes_epoch(epoch);
        state.current_txn_first_offset = Offset::NONE;
        state.coordinator_epoch = coordinator_epoch;
        state.last_timestamp = timestamp;
    }

    fn entry(&mut self, id: ProducerId) -> &mut ProducerState {
        self.states.entry(id.get()).or_insert_with(|| ProducerState {
            epoch: ProducerEpoch::NONE,
            window: VecDeque::new(),
            last_timestamp: -1,
            last_seen_ms: 0,
            coordinator_epoch: -1,
            current_txn_first_offset: Offset::NONE,
        })
    }

    fn make_room(&mut self, newcomer: ProducerId) {
        if self.states.len() < PRODUCERS_MAX || self.states.contains_key(&newcomer.get()) {
            return;
        }
        let mut silent: Vec<_> = self.states.iter().map(|(id, s)| (silent_since(s), *id)).collect();
        silent.sort_unstable();
        for (_, id) in silent.into_iter().take(PRODUCERS_MAX / 10) {
            self.states.remove(&id);
        }
    }

    /// Forgets producers that have been silent for `expiration_ms` and have no open transaction.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        let expired = |s: &ProducerState| {
            s.current_txn_first_offset == Offset::NONE
                && now_ms.saturating_sub(silent_since(s)) >= expiration_ms
        };
        self.states.retain(|_, state| !expired(state));
    }

    /// The first offset that an open transaction holds back, if there is one.
    pub fn first_open_txn_offset(&self) -> Option<Offset> {
        let open = self.states.values().map(|s| s.current_txn_first_offset);
        open.filter(|first| *first != Offset::NONE).min()
    }

    /// The bytes of the snapshot and of its window; the window is empty if no producer has more than one batch.
    pub fn encode(&self) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut ids: Vec<_> = self.states.iter().collect();
        ids.sort_unstable_by_key(|(id, _)| **id);
        let (mut entries, mut window) = (Vec::with_capacity(ids.len()), Vec::new());
        for (id, state) in ids {
            let producer_id = ProducerId::new(*id);
            entries.push(snapshot_entry(producer_id, state));
            let older = state.window.iter().take(state.window.len().saturating_sub(1));
            window.extend(older.map(|b| WindowEntry {
                producer_id,
                last_sequence: b.last_sequence,
                last_offset: b.last_offset,
                offset_delta: b.offset_delta,
                timestamp: b.timestamp,
            }));
        }
        let snapshot = producer_snapshot::encode(&entries);
        let crc = producer_snapshot::crc_of(&snapshot);
        let window = (!window.is_empty()).then(|| producer_snapshot::encode_window(crc, &window));
        (snapshot, window)
    }

    /// Reads a snapshot, and its window if there is one that belongs to it. Errors: the snapshot's only.
    pub fn decode(snapshot: &[u8], window: Option<&[u8]>) -> Result<Self, SnapshotError> {
        let mut producers = Self::default();
        for e in producer_snapshot::decode(snapshot)? {
            let state = producers.entry(e.producer_id);
            state.epoch = e.epoch;
            state.last_timestamp = e.timestamp;
            state.coordinator_epoch = e.coordinator_epoch;
            state.current_txn_first_offset = e.current_txn_first_offset;
            if e.last_sequence > NO_SEQUENCE {
                state.window.push_back(WindowBatch {
                    last_sequence: e.last_sequence,
                    last_offset: e.last_offset,
                    offset_delta: e.offset_delta,
                    timestamp: e.timestamp,
                });
            }
        }
        let crc = producer_snapshot::crc_of(snapshot);
        let older = window.and_then(|w| producer_snapshot::decode_window(crc, w).ok()).unwrap_or_default();
        for e in older.into_iter().rev() {
            if let Some(state) = producers.states.get_mut(&e.producer_id.get())
                && state.window.len() < WINDOW_BATCHES
            {
                state.window.push_front(WindowBatch {
                    last_sequence: e.last_sequence,
                    last_offset: e.last_offset,
                    offset_delta: e.offset_delta,
                    timestamp: e.timestamp,
                });
            }
        }
        Ok(producers)
    }
}

fn snapshot_entry(producer_id: ProducerId, state: &ProducerState) -> SnapshotEntry {
    let last = state.window.back();
    SnapshotEntry {
        producer_id,
        epoch: state.epoch,
        last_sequence: state.last_sequence(),
        last_offset: last.map_or(Offset::NONE, |b| b.last_offset),
        offset_delta: last.map_or(0, |b| b.offset_delta),
        timestamp: state.last_timestamp,
        coordinator_epoch: state.coordinator_epoch,
        current_txn_first_offset: state.current_txn_first_offset,
    }
}

fn silent_since(state: &ProducerState) -> i64 {
    state.last_timestamp.max(state.last_seen_ms)
}

/// The sequence `by` records after `sequence`: 0 follows 2^31 - 1.
pub fn sequence_after(sequence: i32, by: i32) -> i32 {
    // Masking the sign bit away is counting modulo 2^31.
    sequence.wrapping_add(by) & i32::MAX
}

/// The sequence `by` records before `sequence`: 2^31 - 1 precedes 0.
pub fn sequence_before(sequence: i32, by: i32) -> i32 {
    sequence.wrapping_sub(by) & i32::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batch(epoch: i16, base_sequence: i32, count: i32) -> ProducerBatch {
        ProducerBatch {
            producer_id: ProducerId::new(9),
            epoch: ProducerEpoch::new(epoch),
            base_sequence,
            last_offset_delta: count - 1,
            max_timestamp: 1_000,
            transactional: false,
        }
    }

    fn appended(batches: &[(i16, i32, i32)]) -> Producers {
        let (mut producers, mut offset) = (Producers::default(), 100);
        for (epoch, sequence, count) in batches {
            let b = batch(*epoch, *sequence, *count);
            assert_eq!(producers.check(&b), Ok(Verdict::Append));
            producers.apply(&b, Offset::new(offset), 0);
            offset += i64::from(*count);
        }
        producers
    }

    #[test]
    fn an_unknown_producer_may_begin_anywhere() {
        assert_eq!(Producers::default().check(&batch(3, 17, 2)), Ok(Verdict::Append));
    }

    #[test]
    fn the_next_sequence_and_no_other() {
        let p = appended(&[(0, 0, 2), (0, 2, 3)]);
        assert_eq!(p.check(&batch(0, 5, 1)), Ok(Verdict::Append));
        let gap = p.check(&batch(0, 6, 1)).unwrap_err();
        assert!(matches!(gap, SequenceError::OutOfOrder { found: 6, last: 4, .. }));
        assert!(p.check(&batch(0, 3, 1)).is_err());
    }

    #[test]
    fn epochs_fence_and_begin_at_zero() {
        let p = appended(&[(1, 0, 2)]);
        assert!(matches!(p.check(&batch(0, 2, 1)), Err(SequenceError::StaleEpoch { .. })));
        assert_eq!(p.check(&batch(2, 0, 1)), Ok(Verdict::Append));
        assert!(matches!(p.check(&batch(2, 2, 1)), Err(SequenceError::OutOfOrder { last: -1, .. })));
        let p = appended(&[(1, 0, 2), (2, 0, 2)]);
        assert_eq!(p.get(ProducerId::new(9)).unwrap().window.len(), 1);
    }

    #[test]
    fn five_batches_are_recognised() {
        let p = appended(&[(0, 0, 1), (0, 1, 2), (0, 3, 3), (0, 6, 1), (0, 7, 1), (0, 8, 4)]);
        for (sequence, count, first, last) in
            [(1, 2, 101, 102), (3, 3, 103, 105), (6, 1, 106, 106), (8, 4, 108, 111)]
        {
            let Ok(Verdict::Duplicate(b)) = p.check(&batch(0, sequence, count)) else { panic!("{sequence}") };
            assert_eq!((b.first_offset().get(), b.last_offset.get()), (first, last));
        }
        assert!(p.check(&batch(0, 0, 1)).is_err(), "the sixth back is forgotten");
        assert!(p.check(&batch(0, 8, 3)).is_err(), "same start, other end");
    }

    #[test]
    fn sequences_wrap() {
        let p = appended(&[(0, i32::MAX - 1, 2), (0, 0, 3)]);
        assert!(matches!(p.check(&batch(0, i32::MAX - 1, 2)), Ok(Verdict::Duplicate(_))));
        let p = appended(&[(0, i32::MAX - 1, 4)]);
        let b = p.get(ProducerId::new(9)).unwrap().window[0];
        assert_eq!((b.last_sequence, b.first_sequence()), (1, i32::MAX - 1));
        assert_eq!(p.check(&batch(0, 2, 1)), Ok(Verdict::Append));
        assert!(matches!(p.check(&batch(0, i32::MAX - 1, 4)), Ok(Verdict::Duplicate(_))));
    }

    #[test]
    fn the_silent_expire_but_not_in_a_transaction() {
        let mut p = appended(&[(0, 0, 1)]);
        p.expire(1_000 + 99, 100);
        assert_eq!(p.len(), 1);
        p.expire(1_000 + 100, 100);
        assert!(p.is_empty());
        p.apply(&ProducerBatch { transactional: true, ..batch(0, 0, 1) }, Offset::new(7), 0);
        p.expire(i64::MAX, 100);
        assert_eq!(p.first_open_txn_offset(), Some(Offset::new(7)));
        p.apply_marker(ProducerId::new(9), ProducerEpoch::new(0), 3, 1_000);
        assert_eq!(p.first_open_txn_offset(), None);
        p.expire(i64::MAX, 100);
        assert!(p.is_empty());
    }

    #[test]
    fn the_limit_forgets_the_silent() {
        let mut p = Producers::default();
        for id in 0..=PRODUCERS_MAX as i64 {
            let b = ProducerBatch { producer_id: ProducerId::new(id), ..batch(0, 0, 1) };
            p.apply(&b, Offset::new(id), id);
        }
        assert!(p.len() <= PRODUCERS_MAX);
        assert!(p.get(ProducerId::new(PRODUCERS_MAX as i64)).is_some());
    }

    proptest! {
        #[test]
        fn all_five_survive_a_restart(counts in proptest::collection::vec(1i32..5, 1..9), producers in 1i64..4) {
            let (mut p, mut offset) = (Producers::default(), 0);
            for id in 0..producers {
                let mut sequence = 0;
                for count in &counts {
                    let b = ProducerBatch { producer_id: ProducerId::new(id), ..batch(0, sequence, *count) };
                    p.apply(&b, Offset::new(offset), 0);
                    sequence += count;
                    offset += i64::from(*count);
                }
            }
            let (snapshot, window) = p.encode();
            prop_assert_eq!(window.is_some(), counts.len() > 1);
            prop_assert_eq!(Producers::decode(&snapshot, window.as_deref()), Ok(p.clone()));
            let bare = Producers::decode(&snapshot, None).unwrap();
            prop_assert_eq!(bare.encode().0, snapshot);
        }
    }
}
