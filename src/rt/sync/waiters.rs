//! Who waits, first come first served.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::Waker;

/// A list of waiting futures. Each holds a ticket; dropping the future takes the ticket out.
#[derive(Default)]
pub(super) struct Waiters {
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    waiting: VecDeque<(u64, Waker)>,
}

impl Inner {
    /// Where a ticket is listed, or belongs: tickets ascend.
    fn place_of(&self, number: u64) -> Result<usize, usize> {
        self.waiting.binary_search_by_key(&number, |(listed, _)| *listed)
    }
}

impl Waiters {
    /// Waits, or goes on waiting with the same ticket and a newer waker. A ticket that is no longer listed (all
    /// were woken) goes to its old place.
    pub(super) fn wait(&self, ticket: &mut Option<u64>, waker: &Waker) {
        let mut inner = self.inner.borrow_mut();
        let Some(number) = *ticket else {
            let number = inner.next;
            inner.next += 1;
            inner.waiting.push_back((number, waker.clone()));
            *ticket = Some(number);
            return;
        };
        match inner.place_of(number) {
            Ok(place) => {
                if let Some((_, listed)) =
                    inner.waiting.get_mut(place).filter(|(_, listed)| !listed.will_wake(waker))
                {
                    *listed = waker.clone();
                }
            }
            Err(place) => inner.waiting.insert(place, (number, waker.clone())),
        }
    }

    /// Whether nobody came before this ticket; a new caller (no ticket) is first only when nobody waits.
    pub(super) fn is_first(&self, ticket: Option<u64>) -> bool {
        match (self.inner.borrow().waiting.front(), ticket) {
            (None, _) => true,
            (Some((front, _)), Some(number)) => number <= *front,
            (Some(_), None) => false,
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.inner.borrow().waiting.len()
    }

    /// Takes a ticket out, at the end of a wait.
    pub(super) fn leave(&self, ticket: Option<u64>) {
        let Some(number) = ticket else { return };
        let mut inner = self.inner.borrow_mut();
        if let Ok(place) = inner.place_of(number) {
            inner.waiting.remove(place);
        }
    }

    /// Wakes the first, who stays listed until it leaves: nobody overtakes it in between.
    pub(super) fn wake_first(&self) {
        let first = self.inner.borrow().waiting.front().map(|(_, waker)| waker.clone());
        if let Some(waker) = first {
            waker.wake();
        }
    }

    /// Wakes all who wait now, and forgets them.
    pub(super) fn wake_all(&self) {
        let all = std::mem::take(&mut self.inner.borrow_mut().waiting);
        for (_, waker) in all {
            waker.wake();
        }
    }
}
