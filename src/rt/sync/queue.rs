//! A bounded queue between tasks of one shard.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use super::waiters::Waiters;

/// At most `capacity` values, first in first out, any number of senders and receivers. Clones are the same queue.
pub struct Queue<T> {
    inner: Rc<Inner<T>>,
}

struct Inner<T> {
    values: RefCell<VecDeque<T>>,
    capacity: usize,
    closed: Cell<bool>,
    senders: Waiters,
    receivers: Waiters,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<T> Queue<T> {
    /// An empty queue for at most `capacity` values (one at least).
    pub fn new(capacity: usize) -> Self {
        let inner = Inner {
            values: RefCell::default(),
            capacity: capacity.max(1),
            closed: Cell::new(false),
            senders: Waiters::default(),
            receivers: Waiters::default(),
        };
        Self { inner: Rc::new(inner) }
    }

    /// Adds a value if there is room and the queue is open; gives it back otherwise.
    pub fn try_push(&self, value: T) -> Result<(), T> {
        if self.inner.closed.get() || self.len() >= self.inner.capacity {
            return Err(value);
        }
        self.inner.values.borrow_mut().push_back(value);
        self.inner.receivers.wake_first();
        Ok(())
    }

    /// Waits for room and adds the value; gives it back when the queue is closed.
    pub async fn push(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        let mut wait = Waiting { waiters: &self.inner.senders, ticket: None };
        poll_fn(|context| {
            let Some(offered) = value.take() else { return Poll::Ready(Ok(())) };
            let first = self.inner.senders.is_first(wait.ticket);
            let offered =
                if first || self.inner.closed.get() { self.try_push(offered) } else { Err(offered) };
            match offered {
                Err(refused) if !self.inner.closed.get() => {
                    value = Some(refused);
                    self.inner.senders.wait(&mut wait.ticket, context.waker());
                    Poll::Pending
                }
                other => Poll::Ready(other),
            }
        })
        .await
    }

    /// Takes the first value if there is one.
    pub fn try_pop(&self) -> Option<T> {
        let value = self.inner.values.borrow_mut().pop_front();
        if value.is_some() {
            self.inner.senders.wake_first();
        }
        value
    }

    /// Waits for a value; `None` when the queue is closed and empty.
    pub async fn pop(&self) -> Option<T> {
        let mut wait = Waiting { waiters: &self.inner.receivers, ticket: None };
        poll_fn(|context| {
            if let Some(value) = self.try_pop() {
                return Poll::Ready(Some(value));
            }
            if self.inner.closed.get() {
                return Poll::Ready(None);
            }
            self.inner.receivers.wait(&mut wait.ticket, context.waker());
            Poll::Pending
        })
        .await
    }

    /// Refuses further values; those inside can still be taken.
    pub fn close(&self) {
        self.inner.closed.set(true);
        self.inner.senders.wake_all();
        self.inner.receivers.wake_all();
    }

    /// Values inside.
    pub fn len(&self) -> usize {
        self.inner.values.borrow().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Takes a ticket out when its wait ends or is dropped. The next is woken in any case: there may be more values, or room,
/// than the one that this wait was woken for.
struct Waiting<'a> {
    waiters: &'a Waiters,
    ticket: Option<u64>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.waiters.leave(self.ticket);
            self.waiters.wake_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{block_on, poll_once, zip};

    #[test]
    fn values_pass_in_order_and_wait_for_room() {
        block_on(async {
            let queue = Queue::new(2);
            let send = async {
                for value in 0..100 {
                    queue.push(value).await.unwrap();
                }
                queue.close();
            };
            let receive = async {
                let mut got = Vec::new();
                while let Some(value) = queue.pop().await {
                    assert!(queue.len() <= 2);
                    got.push(value);
                }
                got
            };
            let ((), got) = zip(send, receive).await;
            assert_eq!(got, (0..100).collect::<Vec<_>>());
            assert_eq!(queue.push(1).await, Err(1));
            assert_eq!(queue.pop().await, None);
        });
    }

    #[test]
    fn a_receiver_that_was_woken_and_dropped_passes_it_on() {
        block_on(async {
            let queue = Queue::new(4);
            let (mut first, mut second) = (Box::pin(queue.pop()), Box::pin(queue.pop()));
            assert!(poll_once(&mut first).await.is_none());
            assert!(poll_once(&mut second).await.is_none());
            queue.try_push(1).unwrap();
            drop(first);
            assert_eq!(second.await, Some(1));
            assert_eq!(queue.try_pop(), None);
        });
    }
}
