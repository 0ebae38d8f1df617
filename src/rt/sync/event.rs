//! "Something has changed": wakes all who wait for it.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::waiters::Waiters;

/// An event that happens again and again. A wait ends with the first notification after `wait` was *called*, so: look at
/// the state, and if it is not as wished, wait; with no await in between nothing is missed. Clones are the same event.
#[derive(Clone, Default)]
pub struct Event {
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    notified: Cell<u64>,
    waiters: Waiters,
}

impl Event {
    /// An event that has not happened yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes everybody who waits.
    pub fn notify_all(&self) {
        self.inner.notified.set(self.inner.notified.get() + 1);
        self.inner.waiters.wake_all();
    }

    /// Ends with the first `notify_all` from now on.
    pub fn wait(&self) -> Wait {
        Wait { inner: self.inner.clone(), since: self.inner.notified.get(), ticket: None }
    }

    /// Waits until `is_so`, looking again after each notification.
    pub async fn wait_until(&self, mut is_so: impl FnMut() -> bool) {
        while !is_so() {
            self.wait().await;
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.inner.waiters.len()
    }

    /// Notifications so far.
    pub fn count(&self) -> u64 {
        self.inner.notified.get()
    }
}

/// The future of `Event::wait`.
pub struct Wait {
    inner: Rc<Inner>,
    since: u64,
    ticket: Option<u64>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.inner.notified.get() != self.since {
            return Poll::Ready(());
        }
        let mut ticket = self.ticket;
        self.inner.waiters.wait(&mut ticket, context.waker());
        self.ticket = ticket;
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.inner.waiters.leave(self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{block_on, poll_once, zip};

    #[test]
    fn wakes_all_who_waited_and_nobody_later() {
        block_on(async {
            let event = Event::new();
            let (first, second) = (event.wait(), event.wait());
            event.notify_all();
            zip(first, second).await;
            assert_eq!(poll_once(event.wait()).await, None);
            assert_eq!(event.count(), 1);
        });
    }

    #[test]
    fn a_dropped_wait_leaves_no_trace() {
        block_on(async {
            let event = Event::new();
            for _ in 0..1000 {
                assert!(poll_once(event.wait()).await.is_none());
            }
            assert!(event.inner.waiters.is_first(None));
        });
    }
}
