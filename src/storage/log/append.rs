//! Taking a batch: sequence, offsets, epoch, copy into a group, all before `append` returns.

use super::open::replay;
use super::{AppendError, Failure, Log, State};
use crate::base::ids::{LeaderEpoch, Offset, Position};
use crate::base::planted;
use crate::batch::{BatchError, BatchView, HEADER_BYTES, Header, TimestampType, patch_offsets};
use crate::storage::producer_state::{ProducerBatch, Verdict};
use crate::storage::segment_index::IndexedBatch;
use bytes::Bytes;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A validated batch on its way into a log.
#[derive(Clone, Debug)]
pub struct AppendBatch {
    header: Header,
    bytes: Bytes,
}

impl AppendBatch {
    /// The batch that `bytes` is; it must be the only one. The caller has validated it: nothing but the header is read.
    /// Errors: Corrupt.
    pub fn new(bytes: Bytes) -> Result<Self, BatchError> {
        let header = *BatchView::parse(&bytes)?.header();
        let bytes = bytes.slice(..header.total_bytes());
        Ok(Self { header, bytes })
    }

    #[cfg(test)]
    pub(super) fn bytes_for_tests(&self) -> &[u8] {
        &self.bytes
    }

    /// Its header, with the offsets of the client.
    pub fn header(&self) -> &Header {
        &self.header
    }
}

/// Where a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// The time of the append in ms if the batch says LogAppendTime, else -1; of a duplicate, as Kafka does, the
    /// timestamp of the first time.
    pub log_append_time: i64,
    /// It had been appended before.
    pub duplicate: bool,
}

/// An append that waits for the disk. Dropping it does not undo the append.
#[must_use = "an append is acknowledged only when it has been awaited"]
pub struct Append {
    state: AppendState,
}

enum AppendState {
    Ready(Result<Appended, AppendError>),
    Waiting(Rc<Waiting>),
}

/// An append whose bytes are on their way.
pub(super) struct Waiting {
    appended: Appended,
    pub(super) synced: bool,
    outcome: RefCell<Option<Result<Appended, AppendError>>>,
    waker: Cell<Option<Waker>>,
}

impl Waiting {
    pub(super) fn last_offset(&self) -> Offset {
        self.appended.last_offset
    }

    pub(super) fn resolve(&self, failure: Option<Failure>) {
        let outcome = failure.map_or(Ok(self.appended), |failure| Err(failure.into()));
        *self.outcome.borrow_mut() = Some(outcome);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Append {
    fn failed(error: AppendError) -> Self {
        Self { state: AppendState::Ready(Err(error)) }
    }

    /// Where the batch will be, if it was taken: known before it is written.
    pub fn assigned(&self) -> Option<Appended> {
        match &self.state {
            AppendState::Ready(outcome) => outcome.as_ref().ok().copied(),
            AppendState::Waiting(waiting) => Some(waiting.appended),
        }
    }
}

impl Future for Append {
    type Output = Result<Appended, AppendError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &self.state {
            AppendState::Ready(outcome) => Poll::Ready(outcome.clone()),
            AppendState::Waiting(waiting) => {
                if let Some(outcome) = waiting.outcome.borrow().clone() {
                    return Poll::Ready(outcome);
                }
                waiting.waker.set(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Log {
    /// Appends one batch. Before this returns, the sequence is checked, the offsets are assigned and the bytes are copied
    /// (once, into the group that is written), so appends keep the order of the calls. The future is ready when the disk
    /// has the batch and all before it, or with `flush.messages=1` when it has synced them.
    pub fn append(self: &Rc<Self>, batch: &AppendBatch, epoch: LeaderEpoch) -> Append {
        let mut state = self.state.borrow_mut();
        if let Some(failure) = &state.failure {
            return Append::failed(failure.clone().into());
        }
        if state.closing {
            return Append::failed(AppendError::Closed);
        }
        let producer = producer_batch(&batch.header);
        if let Some(producer) = &producer {
            match state.producers.check(producer) {
                Ok(Verdict::Append) => {}
                Ok(Verdict::Duplicate(first)) => {
                    return state.wait_for(Appended {
                        base_offset: first.first_offset(),
                        last_offset: first.last_offset,
                        log_append_time: first.timestamp,
                        duplicate: true,
                    });
                }
                Err(error) => return Append::failed(error.into()),
            }
        }
        let (bytes, segment_bytes) = (batch.bytes.len() as u64, state.config.segment_bytes);
        if bytes > segment_bytes {
            return Append::failed(AppendError::TooLarge { bytes, segment_bytes });
        }
        if state.must_roll(&batch.header) {
            state.begin_segment();
        }
        let base_offset = state.next_offset;
        if let Some(producer) = &producer {
            state.producers.apply(producer, base_offset, self.clock.now_ms());
        } else if batch.header.is_control() {
            replay(&mut state.producers, &batch.header, Some(&batch.bytes));
        }
        state.epochs_dirty |= state.epochs.assign(epoch, base_offset);
        let appended = state.take(batch, epoch);
        let append = state.wait_for(appended);
        drop(state);
        self.schedule_pump();
        append
    }
}

impl State {
    /// Copies the batch to the end of the active segment, under its offsets and `epoch`.
    fn take(&mut self, batch: &AppendBatch, epoch: LeaderEpoch) -> Appended {
        let base_offset = self.next_offset;
        let last_offset = base_offset.plus(i64::from(batch.header.last_offset_delta));
        let interval_bytes = self.config.index_interval_bytes;
        let segment = self.active();
        let (segment_base, position) = (segment.base, Position::new(segment.bytes));
        segment.first_timestamp.get_or_insert(batch.header.max_timestamp);
        segment.bytes += batch.bytes.len() as u64;
        let indexed = IndexedBatch {
            last_offset,
            position,
            bytes: batch.bytes.len() as u64,
            max_timestamp: batch.header.max_timestamp,
        };
        if let Some(index) = segment.growing() {
            index.add(&indexed, interval_bytes);
        }
        let mut head = batch.header.encode();
        patch_offsets(&mut head, base_offset, epoch);
        let rest = batch.bytes.get(HEADER_BYTES..).unwrap_or_default();
        self.appender.push(segment_base, position, [&head, rest], base_offset, last_offset.next());
        self.next_offset = last_offset.next();
        let stamped = batch.header.timestamp_type() == TimestampType::LogAppendTime;
        let log_append_time = if stamped { batch.header.max_timestamp } else { -1 };
        Appended { base_offset, last_offset, log_append_time, duplicate: false }
    }

    /// The answer to an append that ends at `appended.last_offset`, in the order of the offsets.
    fn wait_for(&mut self, appended: Appended) -> Append {
        let synced = self.config.flush_messages == 1;
        let reached = if synced { self.synced_offset } else { self.end_offset };
        if appended.last_offset < reached || planted::is("ack-before-write") {
            return Append { state: AppendState::Ready(Ok(appended)) };
        }
        let (outcome, waker) = (RefCell::new(None), Cell::new(None));
        let waiting = Rc::new(Waiting { appended, synced, outcome, waker });
        let place = self.waiting.partition_point(|w| w.last_offset() <= appended.last_offset);
        self.waiting.insert(place, waiting.clone());
        Append { state: AppendState::Waiting(waiting) }
    }

    /// The appends that the offsets reached so far answer.
    pub(super) fn answered(&mut self) -> Vec<Rc<Waiting>> {
        let (end, synced) = (self.end_offset, self.synced_offset);
        let reached = |w: &mut Rc<Waiting>| w.last_offset() < if w.synced { synced } else { end };
        let mut answered = Vec::new();
        while let Some(waiting) = self.waiting.pop_front_if(reached) {
            answered.push(waiting);
        }
        answered
    }
}

/// What the producer state needs; `None` without an idempotent producer, and for markers.
pub(super) fn producer_batch(header: &Header) -> Option<ProducerBatch> {
    let producer_id = header.producer_id().filter(|_| !header.is_control())?;
    Some(ProducerBatch {
        producer_id,
        epoch: header.producer_epoch(),
        base_sequence: header.base_sequence,
        last_offset_delta: header.last_offset_delta,
        max_timestamp: header.max_timestamp,
        transactional: header.is_transactional(),
    })
}
