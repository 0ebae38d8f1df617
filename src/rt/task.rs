//! Tasks with owners, and time on a shard.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_lite::future;
use glommio::TaskQueueHandle;
use glommio::timer::Timer;

use super::ring::Ring;

/// How long tasks that call `yield_if_needed` may hold a shard.
const SLICE: Duration = Duration::from_micros(200);

thread_local! {
    /// The first call of `yield_if_needed` after the last pass.
    static SLICE_BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A task of this shard; dropping it cancels it at its next await.
///
/// Not by glommio's own cancellation: that counts one reference to the task too many, and its memory is never freed. A
/// cancelled task is woken, and ends by itself.
#[must_use = "a task is cancelled when it is dropped: keep it, await it, or give it to a TaskSet"]
pub struct Task<T> {
    /// `None` once it is given up.
    running: Option<glommio::Task<Option<T>>>,
    cancel: Rc<Cancel>,
}

/// Tells a task to end.
#[derive(Default)]
struct Cancel {
    is_asked: Cell<bool>,
    /// Of the task itself, while it runs.
    waker: RefCell<Option<Waker>>,
}

impl Cancel {
    fn ask(&self) {
        self.is_asked.set(true);
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Keeps the task's waker; there is only ever one.
    fn keep(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        if kept.is_none() {
            *kept = Some(waker.clone());
        }
    }
}

impl<T> Task<T> {
    /// Cancels the task and waits until its future is dropped. `None` unless it had already ended.
    pub async fn cancel(mut self) -> Option<T> {
        self.cancel.ask();
        match self.running.take() {
            Some(running) => running.await,
            None => None,
        }
    }

    /// Lets the task go on without an owner.
    fn release(mut self) {
        if let Some(running) = self.running.take() {
            drop(running.detach());
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.cancel.ask();
            drop(running.detach());
        }
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match self.running.as_mut().map(|running| Pin::new(running).poll(context)) {
            Some(Poll::Ready(Some(output))) => Poll::Ready(output),
            // Without an output only when it was cancelled, which takes the task away from whoever could wait here.
            _ => Poll::Pending,
        }
    }
}

/// Starts a task on this shard. It runs first when the caller next waits, never inside this call: so a `RefCell` may be
/// borrowed here. Only on a shard; panics elsewhere.
#[expect(clippy::expect_used, reason = "queue 0 exists as long as the executor does")]
pub fn spawn<T: 'static>(work: impl Future<Output = T> + 'static) -> Task<T> {
    let cancel = Rc::new(Cancel::default());
    let asked = cancel.clone();
    let work = async move {
        let mut work = std::pin::pin!(work);
        let output = future::poll_fn(|context| {
            if asked.is_asked.get() {
                return Poll::Ready(None);
            }
            asked.keep(context.waker());
            work.as_mut().poll(context).map(Some)
        });
        let output = output.await;
        // A waker that outlives the task would keep its memory.
        asked.waker.borrow_mut().take();
        output
    };
    let running = glommio::spawn_local_into(work, TaskQueueHandle::default());
    Task { running: Some(running.expect("the default queue exists")), cancel }
}

/// Owns tasks that nobody awaits one by one. Dropping the set cancels what is still running. Clones share the set.
#[derive(Clone, Default)]
pub struct TaskSet {
    inner: Rc<RefCell<SetInner>>,
}

#[derive(Default)]
struct SetInner {
    tasks: slab::Slab<Option<Task<()>>>,
    /// Counts `cancel_all`: keys from before it are not ours any more.
    generation: u64,
    idle: VecDeque<std::task::Waker>,
}

impl TaskSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task that the set owns; it leaves the set when it ends.
    pub fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        let (key, generation) = {
            let mut inner = self.inner.borrow_mut();
            (inner.tasks.insert(None), inner.generation)
        };
        let weak = Rc::downgrade(&self.inner);
        let task = spawn(async move {
            work.await;
            let Some(inner) = weak.upgrade() else { return };
            let (task, wakers) = {
                let mut inner = inner.borrow_mut();
                if inner.generation != generation {
                    return;
                }
                let task = inner.tasks.try_remove(key).flatten();
                let wakers =
                    if inner.tasks.is_empty() { std::mem::take(&mut inner.idle) } else { VecDeque::new() };
                (task, wakers)
            };
            // The handle of a task that is just ending: dropping it would mark the running task as cancelled.
            if let Some(task) = task {
                task.release();
            }
            wakers.into_iter().for_each(std::task::Waker::wake);
        });
        if let Some(place) = self.inner.borrow_mut().tasks.get_mut(key) {
            *place = Some(task);
        }
    }

    /// Tasks that have not ended.
    pub fn len(&self) -> usize {
        self.inner.borrow().tasks.len()
    }

    /// Whether every task has ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until every task has ended, including those started meanwhile.
    pub async fn join_all(&self) {
        future::poll_fn(|context| {
            let mut inner = self.inner.borrow_mut();
            if inner.tasks.is_empty() {
                return Poll::Ready(());
            }
            inner.idle.push_back(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Cancels every task at its next await.
    pub fn cancel_all(&self) {
        let (tasks, wakers) = {
            let mut inner = self.inner.borrow_mut();
            inner.generation += 1;
            (std::mem::take(&mut inner.tasks), std::mem::take(&mut inner.idle))
        };
        drop(tasks);
        wakers.into_iter().for_each(std::task::Waker::wake);
    }
}

/// Waits for `duration`; late by some 30 to 150 us. Only on a shard.
pub async fn sleep(duration: Duration) {
    Timer::new(duration).await;
}

/// Waits until the shard's clock says `deadline_ns` (`Clock::monotonic_ns`); returns at once when that is past.
pub async fn sleep_until(clock: &crate::base::clock::Clock, deadline_ns: u64) {
    let wait_ns = deadline_ns.saturating_sub(clock.monotonic_ns());
    if wait_ns > 0 {
        sleep(Duration::from_nanos(wait_ns)).await;
    }
}

/// Drives `work` for at most `duration`: `None`, and the work dropped, when it takes longer.
pub async fn timeout<T>(duration: Duration, work: impl Future<Output = T>) -> Option<T> {
    let alarm = async {
        sleep(duration).await;
        None
    };
    future::or(async { Some(work.await) }, alarm).await
}

/// Lets every other runnable task of the shard run, and the shard look for arrivals. Costs some 10 us; only on a shard.
pub async fn yield_now() {
    if let Ok(ring) = Ring::current() {
        SLICE_BEGAN.set(None);
        ring.pass().await;
    }
}

/// As `yield_now`, if this and the tasks before it have used up a slice of 200 us; cheap otherwise. For loops that seldom wait.
#[expect(
    clippy::disallowed_methods,
    reason = "how long the thread is held is no business of an injected clock"
)]
pub async fn yield_if_needed() {
    let now = Instant::now();
    let began = SLICE_BEGAN.get().unwrap_or(now);
    SLICE_BEGAN.set(Some(began));
    if now.duration_since(began) > SLICE {
        yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rt::shards::block_on;

    #[test]
    fn a_dropped_task_stops_and_a_spawn_does_not_run_inside_the_call() {
        block_on(async {
            let ran = Rc::new(Cell::new(0));
            let inside = ran.clone();
            let task = spawn(async move {
                inside.set(1);
                yield_now().await;
                yield_now().await;
                inside.set(2);
            });
            assert_eq!(ran.get(), 0);
            yield_now().await;
            assert_eq!(ran.get(), 1);
            drop(task);
            sleep(Duration::from_millis(2)).await;
            assert_eq!(ran.get(), 1);
        });
    }

    #[test]
    fn cancelled_tasks_leave_no_memory_behind() {
        let resident_kib = || {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
        };
        block_on(async {
            let mut before = 0;
            for round in 0..200 {
                if round == 20 {
                    before = resident_kib();
                }
                let event = crate::rt::sync::Event::new();
                let waiting = (0..200).map(|_| {
                    let event = event.clone();
                    spawn(async move {
                        let large = std::hint::black_box([1_u8; 2048]);
                        event.wait().await;
                        large.len()
                    })
                });
                let waiting: Vec<_> = waiting.collect();
                yield_now().await;
                drop(waiting);
                yield_now().await;
                assert_eq!(event.waiting(), 0);
            }
            let grown = resident_kib().saturating_sub(before);
            assert!(grown < 40_000, "36,000 cancelled tasks of 2 KiB took {grown} KiB");
        });
    }

    #[test]
    fn a_set_joins_and_cancels() {
        block_on(async {
            let set = TaskSet::new();
            let ran = Rc::new(Cell::new(0));
            for _ in 0..3 {
                let ran = ran.clone();
                set.spawn(async move {
                    sleep(Duration::from_millis(1)).await;
                    ran.set(ran.get() + 1);
                });
            }
            assert_eq!(set.len(), 3);
            set.join_all().await;
            assert_eq!((ran.get(), set.len()), (3, 0));
            let late = ran.clone();
            set.spawn(async move {
                sleep(Duration::from_millis(1)).await;
                late.set(99);
            });
            drop(set);
            sleep(Duration::from_millis(4)).await;
            assert_eq!(ran.get(), 3);

            let set = TaskSet::new();
            let inside = set.clone();
            set.spawn(async move {
                inside.cancel_all();
                inside.spawn(future::pending());
            });
            sleep(Duration::from_millis(1)).await;
            assert_eq!(set.len(), 1, "the task that ended took only itself out");
        });
    }

    #[test]
    fn a_timeout_cuts_off_and_lets_through() {
        block_on(async {
            assert_eq!(timeout(Duration::from_millis(1), future::pending::<()>()).await, None);
            assert_eq!(timeout(Duration::from_secs(60), async { 7 }).await, Some(7));
        });
    }
}
