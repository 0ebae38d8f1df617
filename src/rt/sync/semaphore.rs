//! A number of units (bytes, requests) that tasks take and give back, first come first served.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::waiters::Waiters;

/// Hands out at most `total` units at a time. Whoever waits is served before newer callers, however few units those want.
/// Clones are the same semaphore.
#[derive(Clone)]
pub struct Semaphore {
    inner: Rc<Inner>,
}

struct Inner {
    total: Cell<usize>,
    free: Cell<usize>,
    waiters: Waiters,
}

impl Semaphore {
    /// A semaphore of `total` units, all free.
    pub fn new(total: usize) -> Self {
        Self {
            inner: Rc::new(Inner {
                total: Cell::new(total),
                free: Cell::new(total),
                waiters: Waiters::default(),
            }),
        }
    }

    /// Waits for `units`; more than there are in total count as all of them, so that nobody waits for ever.
    pub fn acquire(&self, units: usize) -> Acquire {
        Acquire {
            inner: self.inner.clone(),
            units: units.min(self.inner.total.get()),
            ticket: None,
            done: false,
        }
    }

    /// Takes `units` if they are free and nobody waits.
    pub fn try_acquire(&self, units: usize) -> Option<Permit> {
        let units = units.min(self.inner.total.get());
        (self.inner.waiters.is_first(None) && self.inner.take(units))
            .then(|| Permit { inner: self.inner.clone(), units })
    }

    /// Units that are free.
    pub fn free(&self) -> usize {
        self.inner.free.get()
    }

    /// Units in all.
    pub fn total(&self) -> usize {
        self.inner.total.get()
    }
}

impl Inner {
    fn take(&self, units: usize) -> bool {
        let Some(left) = self.free.get().checked_sub(units) else { return false };
        self.free.set(left);
        true
    }

    fn give(&self, units: usize) {
        self.free.set(self.free.get() + units);
        self.waiters.wake_first();
    }
}

/// The future of `Semaphore::acquire`.
pub struct Acquire {
    inner: Rc<Inner>,
    units: usize,
    ticket: Option<u64>,
    done: bool,
}

impl Future for Acquire {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Permit> {
        if self.inner.waiters.is_first(self.ticket) && self.inner.take(self.units) {
            self.inner.waiters.leave(self.ticket);
            self.done = true;
            // What is left may do for the next.
            self.inner.waiters.wake_first();
            return Poll::Ready(Permit { inner: self.inner.clone(), units: self.units });
        }
        let mut ticket = self.ticket;
        self.inner.waiters.wait(&mut ticket, context.waker());
        self.ticket = ticket;
        Poll::Pending
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        // One that was woken and then dropped hands the chance on.
        if !self.done && self.ticket.is_some() {
            self.inner.waiters.leave(self.ticket);
            self.inner.waiters.wake_first();
        }
    }
}

/// Units held; given back when dropped.
pub struct Permit {
    inner: Rc<Inner>,
    units: usize,
}

impl Permit {
    /// Units held.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Takes another permit of the same semaphore in.
    pub fn merge(&mut self, mut other: Self) {
        debug_assert!(Rc::ptr_eq(&self.inner, &other.inner));
        self.units += std::mem::take(&mut other.units);
    }

    /// Gives back all but `units`.
    pub fn shrink_to(&mut self, units: usize) {
        if let Some(surplus) = self.units.checked_sub(units) {
            self.units = units;
            self.inner.give(surplus);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.units > 0 {
            self.inner.give(self.units);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{block_on, poll_once};

    #[test]
    fn units_go_round_in_order() {
        block_on(async {
            let semaphore = Semaphore::new(10);
            let held = semaphore.acquire(8).await;
            let mut large = semaphore.acquire(5);
            let mut small = semaphore.acquire(1);
            assert!(poll_once(&mut large).await.is_none());
            assert!(poll_once(&mut small).await.is_none(), "the large one came first");
            assert!(semaphore.try_acquire(1).is_none());
            drop(held);
            let large = large.await;
            let small = small.await;
            assert_eq!((semaphore.free(), large.units(), small.units()), (4, 5, 1));
            drop((large, small));
            assert_eq!(semaphore.acquire(99).await.units(), 10);
            assert_eq!(semaphore.free(), 10);
        });
    }

    #[test]
    fn one_who_gives_up_does_not_hold_up_the_next() {
        block_on(async {
            let semaphore = Semaphore::new(2);
            let held = semaphore.acquire(2).await;
            let mut first = semaphore.acquire(2);
            let mut second = semaphore.acquire(1);
            assert!(poll_once(&mut first).await.is_none());
            assert!(poll_once(&mut second).await.is_none());
            drop(held);
            drop(first);
            let mut second = poll_once(second).await.unwrap();
            second.merge(semaphore.try_acquire(1).unwrap());
            second.shrink_to(1);
            assert_eq!((second.units(), semaphore.free()), (1, 1));
        });
    }
}
