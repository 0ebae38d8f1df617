//! Makes durable: the background fdatasync, the one before an answer (`flush.messages=1`), and `flush`.
//!
//! One sync of a log runs at a time; everything written while it runs is for the next. The task exists only while
//! something is dirty, so that an idle log costs nothing.

use super::{Failure, Log, State};
use crate::base::ids::Offset;
use crate::rt::{self, disk::LogFile};
use crate::storage::layout::FileKind;
use crate::storage::segment::{FileState, Index};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// What the syncs of a log know.
#[derive(Default)]
pub(super) struct SyncState {
    /// A sync task exists.
    runs: bool,
    /// Records written since the last sync.
    pub(super) dirty_records: u64,
    /// Bytes written since the last sync.
    pub(super) dirty_bytes: u64,
    sleeper: Option<Waker>,
    waiters: Vec<(Offset, Rc<Flushing>)>,
}

#[derive(Default)]
struct Flushing {
    outcome: RefCell<Option<Result<(), Failure>>>,
    waker: Cell<Option<Waker>>,
}

impl Flushing {
    fn resolve(&self, outcome: Result<(), Failure>) {
        *self.outcome.borrow_mut() = Some(outcome);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl SyncState {
    /// Wakes everyone who waits for a sync, if it failed.
    pub(super) fn wake_waiters(&mut self, failure: Option<&Failure>) {
        if let Some(failure) = failure {
            self.waiters.drain(..).for_each(|(_, waiter)| waiter.resolve(Err(failure.clone())));
        }
        if let Some(sleeper) = self.sleeper.take() {
            sleeper.wake();
        }
    }
}

/// What one sync has to do.
struct SyncPlan {
    target: Offset,
    files: Vec<(Offset, LogFile)>,
    sync_dir: bool,
}

impl State {
    fn is_dirty(&self) -> bool {
        self.synced_offset < self.end_offset
    }

    /// Whether somebody waits for a sync, or enough has come together.
    fn sync_is_urgent(&self) -> bool {
        let config = &self.config;
        let waited_for = self.waiting.front().is_some_and(|w| w.synced) || !self.sync.waiters.is_empty();
        let counted = self.sync.dirty_records >= config.flush_messages;
        waited_for || counted || self.sync.dirty_bytes >= config.sync_bytes
    }

    /// The recovery point may not pass a segment that is not sealed.
    fn sealing_limit(&self) -> Offset {
        let unsealed =
            self.segments.iter().rev().skip(1).take_while(|s| matches!(s.index, Index::Growing(_)));
        unsealed.last().map_or(Offset::new(i64::MAX), |s| s.base)
    }

    fn plan_sync(&mut self) -> SyncPlan {
        let target = self.end_offset;
        let mut plan = SyncPlan { target, files: Vec::new(), sync_dir: false };
        self.sync.dirty_records = 0;
        self.sync.dirty_bytes = 0;
        for segment in self.segments.iter_mut().rev().take_while(|s| matches!(s.index, Index::Growing(_))) {
            if let FileState::Open(file) = &segment.file
                && std::mem::take(&mut segment.dirty)
            {
                plan.files.push((segment.base, file.clone()));
                plan.sync_dir |= !segment.dir_synced;
            }
        }
        plan
    }
}

impl Log {
    /// Has a sync task run while something is dirty.
    pub(super) fn schedule_sync(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        if !state.is_dirty() || state.failure.is_some() {
            return;
        }
        if state.sync.runs {
            if state.sync_is_urgent() {
                state.sync.wake_waiters(None);
            }
            return;
        }
        state.sync.runs = true;
        drop(state);
        let log = self.clone();
        self.tasks.spawn(async move { log.sync_while_dirty().await });
    }

    async fn sync_while_dirty(self: &Rc<Self>) {
        loop {
            self.wait_until_due().await;
            let plan = {
                let mut state = self.state.borrow_mut();
                if !state.is_dirty() || state.failure.is_some() {
                    state.sync.runs = false;
                    return;
                }
                state.plan_sync()
            };
            if !self.perform_sync(plan).await {
                return;
            }
        }
    }

    /// Waits for the interval to pass, for somebody who needs a sync at once, or for the log to close.
    async fn wait_until_due(&self) {
        let interval_ms = self.state.borrow().config.sync_interval_ms;
        let due = self.clock.monotonic_ns().saturating_add(interval_ms.saturating_mul(1_000_000));
        loop {
            let left = Duration::from_nanos(due.saturating_sub(self.clock.monotonic_ns()));
            let (urgent, closing) = {
                let state = self.state.borrow();
                (state.sync_is_urgent() || !state.is_dirty(), state.closing || state.failure.is_some())
            };
            if urgent || closing || left.is_zero() {
                return;
            }
            let woken = rt::timeout(left, self.sync_wanted()).await;
            if woken.is_none() {
                return;
            }
        }
    }

    async fn sync_wanted(&self) {
        let mut registered = false;
        poll_fn(|context| {
            if registered {
                return Poll::Ready(());
            }
            registered = true;
            self.state.borrow_mut().sync.sleeper = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Syncs what the plan names. False if the log has failed: an fsync that failed once tells nothing the next time.
    async fn perform_sync(self: &Rc<Self>, plan: SyncPlan) -> bool {
        for (segment, file) in &plan.files {
            if let Err(error) = file.sync_data().await {
                self.fail_file("sync", *segment, FileKind::Log, &error);
                return false;
            }
        }
        let dir = self.dir();
        if let Err(error) = self.write_epochs(&dir).await {
            self.fail(Failure::new("write the leader epochs of", &dir, &error));
            return false;
        }
        if plan.sync_dir
            && let Err(error) = self.disk.sync_dir(&dir).await
        {
            self.fail(Failure::new("sync", &dir, &error));
            return false;
        }
        let mut state = self.state.borrow_mut();
        for (base, _) in &plan.files {
            if let Some(segment) = state.segment_mut(*base) {
                segment.dir_synced |= plan.sync_dir;
            }
        }
        state.synced_offset = state.synced_offset.max(plan.target);
        // The recovery point stays below a segment that is not sealed yet.
        let limit = state.sealing_limit();
        state.recovery_point = state.recovery_point.max(plan.target.min(limit));
        let synced = state.synced_offset;
        let done: Vec<_> = state.sync.waiters.extract_if(.., |(offset, _)| *offset <= synced).collect();
        let answered = state.answered();
        drop(state);
        done.iter().for_each(|(_, waiter)| waiter.resolve(Ok(())));
        answered.iter().for_each(|waiting| waiting.resolve(None));
        true
    }

    /// Makes everything durable that was appended before the call. Errors: the disk's, and then the log is offline.
    pub async fn flush(self: &Rc<Self>) -> Result<(), Failure> {
        let waiter = Rc::new(Flushing::default());
        {
            let mut state = self.state.borrow_mut();
            if let Some(failure) = &state.failure {
                return Err(failure.clone());
            }
            let target = state.next_offset;
            if state.synced_offset >= target {
                return Ok(());
            }
            state.sync.waiters.push((target, waiter.clone()));
        }
        self.schedule_sync();
        poll_fn(|context| match waiter.outcome.borrow().clone() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                waiter.waker.set(Some(context.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }
}
