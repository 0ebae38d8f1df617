//! The shard's own io_uring: file operations and socket readiness.
//!
//! Operations are queued and go to the kernel together when the driver task next runs, one system call for all that a
//! turn of the shard has asked for. Completions raise an eventfd that the executor reads; the driver then wakes whoever
//! waits. What the kernel may still touch (memory, descriptor) is kept here until the completion has arrived, whatever
//! becomes of the future.

mod ops;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{self, Future};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use glommio::io::BufferedFile;
use io_uring::{IoUring, opcode, squeue};
use slab::Slab;

use super::disk::SharedBuffer;
use super::memory::Memory;
use super::task::{Task, spawn};

pub(super) use ops::{allocate, read, ready, sync_data, warm, write};

/// Submissions that go to the kernel in one call; more wait for the next.
const SUBMISSIONS: u32 = 128;
/// Completions that the kernel holds before it falls back to its overflow list: each waiting socket may have one.
const COMPLETIONS: u32 = 1024;
/// Turns in a row before the executor must look around (`Ring::pass`).
const DIRECT_TURNS_MAX: u32 = 8;
/// Failed waits at the end after which memory is leaked rather than waited for.
const SETTLE_FAILURES_MAX: u32 = 100;
/// Marks completions that nobody waits for.
const NOBODY: u64 = u64::MAX;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Ring>>> = const { RefCell::new(None) };
}

/// An open file or socket that operations in flight keep open.
pub(super) type Fd = Arc<OwnedFd>;

/// What must outlive an operation.
pub(super) enum Keep {
    /// No memory.
    Fd { _fd: Fd },
    /// Memory that the kernel reads.
    Write { _fd: Fd, _from: SharedBuffer },
    /// Memory that the kernel fills.
    Read { _fd: Fd, into: Memory },
}

impl Keep {
    fn has_memory(&self) -> bool {
        !matches!(self, Self::Fd { .. })
    }
}

enum State {
    Waiting { waker: Option<Waker>, keep: Keep },
    Done { result: i32, keep: Keep },
    Abandoned { keep: Keep },
}

/// An io_uring and the operations in flight on it.
pub(super) struct Ring {
    uring: RefCell<IoUring>,
    eventfd: OwnedFd,
    operations: RefCell<Slab<State>>,
    backlog: RefCell<VecDeque<squeue::Entry>>,
    driver: RefCell<Option<Waker>>,
    /// Turns since the executor last looked for timers and for wake-ups from other threads.
    direct_turns: Cell<u32>,
    /// Those who wait for the executor to look.
    passing: RefCell<Vec<Waker>>,
}

impl Ring {
    /// Sets the ring up. Errors: ENOMEM when locked memory is short, also for a moment after another process ended.
    pub(super) fn new() -> io::Result<Self> {
        let uring = IoUring::builder().setup_cqsize(COMPLETIONS).build(SUBMISSIONS)?;
        // SAFETY: eventfd returns a new descriptor or -1.
        let eventfd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
        if eventfd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        let eventfd = unsafe { OwnedFd::from_raw_fd(eventfd) };
        uring.submitter().register_eventfd(eventfd.as_raw_fd())?;
        Ok(Self {
            uring: RefCell::new(uring),
            eventfd,
            operations: RefCell::default(),
            backlog: RefCell::default(),
            driver: RefCell::default(),
            direct_turns: Cell::new(0),
            passing: RefCell::default(),
        })
    }

    /// The ring of the shard that runs on this thread. Errors: none does.
    pub(super) fn current() -> io::Result<Rc<Self>> {
        let ring = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten();
        ring.ok_or_else(|| io::Error::other("no shard runs on this thread"))
    }

    /// Queues an operation. SAFETY for the caller: whatever `entry` points to is owned by `keep`.
    fn submit(self: &Rc<Self>, entry: squeue::Entry, keep: Keep) -> Operation {
        let key = self.operations.borrow_mut().insert(State::Waiting { waker: None, keep });
        self.enqueue(entry.user_data(key as u64));
        Operation { ring: self.clone(), key: Some(key), cancel: false }
    }

    fn enqueue(&self, entry: squeue::Entry) {
        let first = {
            let mut backlog = self.backlog.borrow_mut();
            backlog.push_back(entry);
            backlog.len() == 1
        };
        if first {
            self.request_turn();
        }
    }

    /// Has a turn taken: at the end of the executor's queue, or, after several in a row, once it has looked around.
    fn request_turn(&self) {
        let turns = self.direct_turns.get();
        if turns >= DIRECT_TURNS_MAX {
            self.kick();
        } else if let Some(driver) = self.driver.borrow().as_ref() {
            self.direct_turns.set(turns + 1);
            driver.wake_by_ref();
        }
    }

    /// Makes `listen` run once the executor has looked at its rings, timers and foreign wake-ups.
    fn kick(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: eight readable bytes. It can only fail when the counter is full, and then `listen` will run anyway.
        unsafe { libc::write(self.eventfd.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Lets all other tasks run, and the executor look around. glommio looks only when its queue of runnable tasks is
    /// empty (or its preemption timer has run out, which shards do without, see there): a task that wakes itself would
    /// keep timers and other shards waiting.
    pub(super) async fn pass(&self) {
        let mut waiting = false;
        future::poll_fn(|context| {
            if waiting {
                return Poll::Ready(());
            }
            waiting = true;
            let first = {
                let mut passing = self.passing.borrow_mut();
                passing.push(context.waker().clone());
                passing.len() == 1
            };
            if first {
                self.kick();
            }
            Poll::Pending
        })
        .await;
    }

    /// Hands the backlog to the kernel and the completions to those who wait. Whether some of the backlog could not go.
    fn turn(&self) -> bool {
        let mut uring = self.uring.borrow_mut();
        loop {
            let sent = self.send(&mut uring);
            self.collect(&mut uring);
            let queue = uring.submission();
            match sent {
                // EBUSY, EAGAIN: completions must be taken first, or memory is short. Both pass.
                Err(_) => return true,
                // The kernel stops at a submission that it cannot read; it keeps completions that found no room.
                Ok(()) if !queue.is_empty() || queue.cq_overflow() => {}
                Ok(()) if self.backlog.borrow().is_empty() => return false,
                Ok(()) => {}
            }
        }
    }

    fn send(&self, uring: &mut IoUring) -> io::Result<()> {
        {
            let mut backlog = self.backlog.borrow_mut();
            let mut queue = uring.submission();
            while !queue.is_full() {
                let Some(entry) = backlog.pop_front() else { break };
                // SAFETY: `submit` ties what the entry points to to the operation's state, which stays until completion.
                if unsafe { queue.push(&entry) }.is_err() {
                    backlog.push_front(entry);
                    break;
                }
            }
            if queue.is_empty() && !queue.cq_overflow() {
                return Ok(());
            }
        }
        loop {
            match uring.submit() {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn collect(&self, uring: &mut IoUring) {
        for completion in uring.completion() {
            let Ok(key) = usize::try_from(completion.user_data()) else { continue };
            if completion.user_data() == NOBODY {
                continue;
            }
            let waker = self.complete(key, completion.result());
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Notes the result; the waker of who waits. What an abandoned operation kept is dropped.
    fn complete(&self, key: usize, result: i32) -> Option<Waker> {
        let (waker, _dropped) = {
            let mut operations = self.operations.borrow_mut();
            match operations.try_remove(key)? {
                State::Waiting { waker, keep } => {
                    // The slot just freed is the next one given out, so the key stays the same.
                    let again = operations.insert(State::Done { result, keep });
                    debug_assert_eq!(again, key);
                    (waker, None)
                }
                other => (None, Some(other)),
            }
        };
        waker
    }

    /// Whether the kernel may still read or write memory of an operation.
    fn holds_memory(&self) -> bool {
        self.operations.borrow().iter().any(|(_, state)| match state {
            State::Waiting { keep, .. } | State::Abandoned { keep } => keep.has_memory(),
            State::Done { .. } => false,
        })
    }

    /// Waits, holding the thread, until the kernel is done with all memory that operations gave it.
    fn settle(&self) {
        let mut failures = 0;
        loop {
            self.turn();
            if !self.holds_memory() || failures == SETTLE_FAILURES_MAX {
                return;
            }
            let waited = self.uring.borrow().submit_and_wait(1);
            failures += u32::from(waited.is_err());
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // Nothing is left here after `settle`; were there, leaking it is what keeps the kernel out of freed memory.
        let operations = std::mem::take(&mut *self.operations.borrow_mut());
        for (_, state) in operations {
            if let State::Waiting { keep, .. } | State::Abandoned { keep } = state
                && keep.has_memory()
            {
                std::mem::forget(keep);
            }
        }
    }
}

/// Makes a ring the current one of this thread, and drives it, for as long as it lives.
pub(super) struct Scope {
    ring: Rc<Ring>,
    tasks: Option<[Task<()>; 2]>,
}

impl Scope {
    /// Must be called on the executor that is to drive the ring.
    pub(super) fn enter(ring: Rc<Ring>) -> Self {
        CURRENT.with(|current| current.borrow_mut().replace(ring.clone()));
        let tasks = [spawn(drive(ring.clone())), spawn(listen(ring.clone()))];
        Self { ring, tasks: Some(tasks) }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        drop(self.tasks.take());
        self.ring.driver.take();
        let _ = CURRENT.try_with(|current| current.borrow_mut().take());
        self.ring.settle();
    }
}

/// Takes a turn whenever an operation was queued.
async fn drive(ring: Rc<Ring>) {
    future::poll_fn(|context| {
        ring.driver.replace(Some(context.waker().clone()));
        if ring.turn() {
            ring.kick();
        }
        Poll::<()>::Pending
    })
    .await;
}

/// Takes a turn whenever completions have arrived. A task of its own, since glommio's read keeps one more waker each
/// time it is polled.
async fn listen(ring: Rc<Ring>) {
    let Ok(eventfd) = ring.eventfd.try_clone() else { return };
    // SAFETY: the descriptor is a duplicate of our own, and the file becomes its only owner.
    let eventfd = unsafe { <BufferedFile as FromRawFd>::from_raw_fd(eventfd.into_raw_fd()) };
    let mut passing = Vec::new();
    loop {
        let arrived = eventfd.read_at(0, 8).await;
        ring.direct_turns.set(0);
        std::mem::swap(&mut passing, &mut *ring.passing.borrow_mut());
        if ring.turn() || arrived.is_err() {
            ring.request_turn();
        }
        passing.drain(..).for_each(Waker::wake);
    }
}

/// An operation in flight. Dropped, it goes on unheard; a readiness wait is cancelled.
pub(super) struct Operation {
    ring: Rc<Ring>,
    key: Option<usize>,
    cancel: bool,
}

impl Future for Operation {
    type Output = (io::Result<usize>, Option<Keep>);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(key) = self.key else {
            return Poll::Ready((Err(io::Error::other("polled after its end")), None));
        };
        let finished = {
            let mut operations = self.ring.operations.borrow_mut();
            match operations.get_mut(key) {
                Some(State::Waiting { waker, .. }) => {
                    if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                        *waker = Some(context.waker().clone());
                    }
                    return Poll::Pending;
                }
                _ => operations.try_remove(key),
            }
        };
        self.key = None;
        match finished {
            Some(State::Done { result, keep }) => Poll::Ready((outcome(result), Some(keep))),
            _ => Poll::Ready((Err(io::Error::other("an operation without a state")), None)),
        }
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let finished = {
            let mut operations = self.ring.operations.borrow_mut();
            match operations.try_remove(key) {
                Some(State::Waiting { keep, .. }) => {
                    let again = operations.insert(State::Abandoned { keep });
                    debug_assert_eq!(again, key);
                    None
                }
                other => other,
            }
        };
        if finished.is_none() && self.cancel {
            self.ring.enqueue(opcode::AsyncCancel::new(key as u64).build().user_data(NOBODY));
        }
    }
}

fn outcome(result: i32) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(result.saturating_neg()))
}

#[cfg(test)]
mod tests;
