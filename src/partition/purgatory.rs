//! Fetches that wait for data: woken by progress, never by polling, and gone from every list when they end.

use std::cell::RefCell;
use std::rc::Rc;

use slab::Slab;

/// What wakes a waiting fetch: notifies its task here, or posts to the shard where it waits.
pub type Wake = Rc<dyn Fn()>;

/// The waiting fetches of one partition.
#[derive(Default)]
pub struct Purgatory {
    waiting: RefCell<Slab<Wake>>,
}

/// A fetch's place in one partition's purgatory; leaves it on drop.
pub struct Waiting {
    purgatory: Rc<Purgatory>,
    key: usize,
}

impl Purgatory {
    /// Calls `wake` at each change of this partition until the guard is dropped.
    pub fn enter(self: &Rc<Self>, wake: Wake) -> Waiting {
        let key = self.waiting.borrow_mut().insert(wake);
        Waiting { purgatory: self.clone(), key }
    }

    /// Wakes all waiting fetches: the high watermark moved, or the partition is going away.
    pub fn wake_all(&self) {
        for (_, wake) in self.waiting.borrow().iter() {
            wake();
        }
    }

    /// How many fetches wait here.
    pub fn len(&self) -> usize {
        self.waiting.borrow().len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.purgatory.waiting.borrow_mut().try_remove(self.key);
    }
}
