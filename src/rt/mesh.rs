//! Mailboxes between shards.
//!
//! Each shard has an inbox with one bounded lane per sender, so messages of a pair arrive in order and a slow pair holds
//! up nobody else. A receiver takes all that is there at once, and is woken once per batch: whoever adds to an inbox
//! that has already been signalled leaves the wake-up to the first. These queues are the only locks of the data path.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::sync::Gate;
use crate::base::ids::ShardId;

/// All inboxes, before they are handed to the shards.
pub struct Mesh<M> {
    inboxes: Arc<[Inbox<M>]>,
}

impl<M> Clone for Mesh<M> {
    fn clone(&self) -> Self {
        Self { inboxes: self.inboxes.clone() }
    }
}

struct Inbox<M> {
    /// Lane n is filled by shard n; the last one by threads that are no shard.
    lanes: Box<[Mutex<Lane<M>>]>,
    capacity: usize,
    /// Set by the first sender after the receiver has looked; who sets it wakes the receiver.
    signalled: AtomicBool,
    closed: AtomicBool,
    receiver: Mutex<Option<Waker>>,
}

struct Lane<M> {
    messages: VecDeque<M>,
    /// A sender that waits for room.
    blocked: Option<Waker>,
}

impl<M: Send + 'static> Mesh<M> {
    /// Inboxes for `shards` shards with room for `capacity` messages per pair; a sender waits when its lane is full.
    pub fn new(shards: usize, capacity: usize) -> Self {
        let inbox = || Inbox {
            lanes: (0..=shards)
                .map(|_| Mutex::new(Lane { messages: VecDeque::new(), blocked: None }))
                .collect(),
            capacity: capacity.max(1),
            signalled: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            receiver: Mutex::new(None),
        };
        Self { inboxes: (0..shards).map(|_| inbox()).collect() }
    }

    /// The end of shard `shard`, to be called once, on that shard.
    pub fn end(&self, shard: ShardId) -> MeshEnd<M> {
        let lane = usize::from(shard.get());
        let sender = |to| Rc::new(Sender { inboxes: self.inboxes.clone(), to, lane, line: Gate::new() });
        let senders = (0..self.inboxes.len()).map(sender).collect();
        MeshEnd { inboxes: self.inboxes.clone(), shard, senders, spare: RefCell::default() }
    }

    /// A way into the inbox of `to` for threads that are no shard (signals, tools).
    pub fn post(&self, to: ShardId) -> Post<M> {
        Post { inboxes: self.inboxes.clone(), to: usize::from(to.get()) }
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.inboxes.len()
    }
}

/// A shard's end of the mesh: its own inbox, and the ways to all others. Dropping it closes the inbox.
pub struct MeshEnd<M: Send + 'static> {
    inboxes: Arc<[Inbox<M>]>,
    shard: ShardId,
    senders: Vec<Rc<Sender<M>>>,
    spare: RefCell<Vec<Waker>>,
}

impl<M: Send + 'static> MeshEnd<M> {
    /// The shard whose end this is.
    pub fn shard(&self) -> ShardId {
        self.shard
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.senders.len()
    }

    /// The way to a shard, itself included; `None` for one that does not exist.
    pub fn sender(&self, to: ShardId) -> Option<Rc<Sender<M>>> {
        self.senders.get(usize::from(to.get())).cloned()
    }

    /// Sends to a shard; waits while the lane is full. Gives the message back when that shard has ended or never was.
    pub async fn send(&self, to: ShardId, message: M) -> Result<(), M> {
        match self.sender(to) {
            Some(sender) => sender.send(message).await,
            None => Err(message),
        }
    }

    /// Sends if there is room; gives the message back otherwise.
    pub fn try_send(&self, to: ShardId, message: M) -> Result<(), M> {
        match self.senders.get(usize::from(to.get())) {
            Some(sender) => sender.try_send(message),
            None => Err(message),
        }
    }

    /// Waits for messages and adds all that are there to `batch`: in order per sender. Returns how many, at least one.
    pub async fn recv_batch(&self, batch: &mut Vec<M>) -> usize {
        poll_fn(|context| self.poll_batch(context, batch)).await
    }

    fn poll_batch(&self, context: &mut Context<'_>, batch: &mut Vec<M>) -> Poll<usize> {
        let Some(inbox) = self.inboxes.get(usize::from(self.shard.get())) else { return Poll::Pending };
        loop {
            // Whoever signalled before this swap has its message in a lane by now; whoever comes later signals anew.
            inbox.signalled.swap(false, Ordering::AcqRel);
            let taken = self.drain(inbox, batch);
            if taken > 0 {
                return Poll::Ready(taken);
            }
            {
                let mut receiver = lock(&inbox.receiver);
                if !receiver.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                    *receiver = Some(context.waker().clone());
                }
            }
            // A sender whose swap comes after this one sees the waker; one that came before is seen here.
            if !inbox.signalled.fetch_or(false, Ordering::AcqRel) {
                return Poll::Pending;
            }
        }
    }

    fn drain(&self, inbox: &Inbox<M>, batch: &mut Vec<M>) -> usize {
        let before = batch.len();
        let mut wakers = self.spare.take();
        for lane in &inbox.lanes {
            let mut lane = lock(lane);
            batch.extend(lane.messages.drain(..));
            wakers.extend(lane.blocked.take());
        }
        wakers.drain(..).for_each(Waker::wake);
        self.spare.replace(wakers);
        batch.len() - before
    }
}

impl<M: Send + 'static> Drop for MeshEnd<M> {
    fn drop(&mut self) {
        let Some(inbox) = self.inboxes.get(usize::from(self.shard.get())) else { return };
        inbox.closed.store(true, Ordering::SeqCst);
        for lane in &inbox.lanes {
            let (messages, blocked) = {
                let mut lane = lock(lane);
                (std::mem::take(&mut lane.messages), lane.blocked.take())
            };
            drop(messages);
            if let Some(waker) = blocked {
                waker.wake();
            }
        }
        lock(&inbox.receiver).take();
    }
}

/// The way from one shard to another; shared by the tasks of the sending shard.
pub struct Sender<M> {
    inboxes: Arc<[Inbox<M>]>,
    to: usize,
    lane: usize,
    /// Keeps the tasks that wait for room in order, and one waker in the lane.
    line: Gate,
}

impl<M> Sender<M> {
    /// Sends if there is room and nobody waits for it; gives the message back otherwise.
    pub fn try_send(&self, message: M) -> Result<(), M> {
        match (self.line.try_enter(), self.inboxes.get(self.to)) {
            (Some(_turn), Some(inbox)) => inbox.push(self.lane, message),
            _ => Err(message),
        }
    }

    /// Sends; waits while the lane is full, in the order of the calls. Gives the message back when that shard has ended.
    pub async fn send(&self, message: M) -> Result<(), M> {
        let _turn = self.line.enter().await;
        let mut message = Some(message);
        poll_fn(|context| {
            let (Some(inbox), Some(offered)) = (self.inboxes.get(self.to), message.take()) else {
                return Poll::Ready(Ok(()));
            };
            match inbox.push_or_wait(self.lane, offered, context.waker()) {
                Err(refused) if !inbox.closed.load(Ordering::SeqCst) => {
                    message = Some(refused);
                    Poll::Pending
                }
                other => Poll::Ready(other),
            }
        })
        .await
    }
}

/// A way into an inbox from any thread; clones share one lane.
pub struct Post<M> {
    inboxes: Arc<[Inbox<M>]>,
    to: usize,
}

impl<M> Clone for Post<M> {
    fn clone(&self) -> Self {
        Self { inboxes: self.inboxes.clone(), to: self.to }
    }
}

impl<M> Post<M> {
    /// Sends if there is room and the shard is there; gives the message back otherwise.
    pub fn try_send(&self, message: M) -> Result<(), M> {
        match self.inboxes.get(self.to) {
            Some(inbox) => inbox.push(self.inboxes.len(), message),
            None => Err(message),
        }
    }
}

impl<M> Inbox<M> {
    fn push(&self, lane: usize, message: M) -> Result<(), M> {
        self.put(lane, message, None)
    }

    fn push_or_wait(&self, lane: usize, message: M, waker: &Waker) -> Result<(), M> {
        self.put(lane, message, Some(waker))
    }

    fn put(&self, lane: usize, message: M, waker: Option<&Waker>) -> Result<(), M> {
        let Some(lane) = self.lanes.get(lane) else { return Err(message) };
        {
            let mut lane = lock(lane);
            if self.closed.load(Ordering::SeqCst) {
                return Err(message);
            }
            if lane.messages.len() >= self.capacity {
                if let Some(waker) = waker {
                    lane.blocked = Some(waker.clone());
                }
                return Err(message);
            }
            lane.messages.push_back(message);
        }
        self.signal();
        Ok(())
    }

    /// Wakes the receiver, unless somebody has since it last looked.
    fn signal(&self) {
        if self.signalled.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(waker) = lock(&self.receiver).as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// A panic while a lane was locked left nothing half done in it: a queue is changed by single calls.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
