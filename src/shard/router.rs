//! Work for another shard, and its answer.
//!
//! `Shard::on(owner, work)` runs a closure on the shard that owns what it needs. For the own shard that is a call; for
//! another one the closure travels over the mesh, runs there in the order of sending, and its result travels back. A
//! caller that goes takes its place in the list of calls with it: the work is still done, its result is dropped.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use slab::Slab;

use super::Shard;
use super::join::join_all;
use crate::base::ids::ShardId;
use crate::rt::mesh::{MeshEnd, Sender};
use crate::rt::sync::{OneshotReceiver, OneshotSender, oneshot};
use crate::rt::task::TaskSet;

/// What travels between shards: runs on the receiver and does not block it.
pub type Job = Box<dyn FnOnce(&Rc<Shard>) + Send>;

/// A shard's way to all others.
pub struct Router {
    peers: Vec<Rc<Peer>>,
    calls: RefCell<Slab<Waiting>>,
    /// Calls so far.
    called: Cell<u64>,
    tasks: TaskSet,
}

/// A caller that waits for its result.
struct Waiting {
    /// Which call it is: its place in the list is given to another when it has gone.
    number: u64,
    /// Its `OneshotSender`, of a type that is known to who puts it in and who takes it out.
    sender: Box<dyn Any>,
}

/// Names a call until its result has come.
#[derive(Clone, Copy)]
struct CallKey {
    place: usize,
    number: u64,
}

/// A call under way; dropping it takes it off the list.
struct Calling {
    shard: Rc<Shard>,
    key: CallKey,
}

impl Drop for Calling {
    fn drop(&mut self) {
        self.shard.router().forget(self.key);
    }
}

/// The way to one other shard. What its bounded queue has no room for waits here, in order; there can be no more of it
/// than there are requests under way.
struct Peer {
    sender: Rc<Sender<Job>>,
    overflow: RefCell<VecDeque<Job>>,
    /// A task sends the overflow; until it is done, nothing may overtake.
    draining: Cell<bool>,
}

impl Peer {
    /// Sends what waits, until nothing does.
    async fn drain(&self) {
        loop {
            let Some(job) = self.overflow.borrow_mut().pop_front() else {
                self.draining.set(false);
                return;
            };
            let _ = self.sender.send(job).await;
        }
    }
}

impl Router {
    /// The router of the shard at `end`; the shard itself drains the end's inbox.
    pub fn new(end: &MeshEnd<Job>, shards: u16) -> Self {
        let peer = |to| {
            end.sender(ShardId::new(to)).map(|sender| {
                Rc::new(Peer { sender, overflow: RefCell::default(), draining: Cell::new(false) })
            })
        };
        let peers = (0..shards).filter_map(peer).collect();
        Self { peers, calls: RefCell::default(), called: Cell::new(0), tasks: TaskSet::new() }
    }

    fn register<R: 'static>(&self) -> (CallKey, OneshotReceiver<R>) {
        let (sender, receiver) = oneshot::<R>();
        let number = self.called.replace(self.called.get() + 1);
        let place = self.calls.borrow_mut().insert(Waiting { number, sender: Box::new(sender) });
        (CallKey { place, number }, receiver)
    }

    /// Takes a call off the list, if it is still there.
    fn forget(&self, key: CallKey) -> Option<Box<dyn Any>> {
        let mut calls = self.calls.borrow_mut();
        let here = calls.get(key.place).is_some_and(|waiting| waiting.number == key.number);
        here.then(|| calls.remove(key.place).sender)
    }

    fn complete<R: 'static>(&self, key: CallKey, result: R) {
        let sender = self.forget(key).and_then(|sender| sender.downcast::<OneshotSender<R>>().ok());
        if let Some(sender) = sender {
            // The caller may be going at this moment: its connection was closed.
            let _ = sender.send(result);
        }
    }

    /// Calls of this shard that wait for other shards.
    pub fn waiting(&self) -> usize {
        self.calls.borrow().len()
    }

    /// Runs `work` as far as it goes at once, so that work starts in the order of arrival; the rest is a task.
    pub fn start(&self, work: impl Future<Output = ()> + 'static) {
        let mut work: Pin<Box<dyn Future<Output = ()>>> = Box::pin(work);
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            self.tasks.spawn(work);
        }
    }

    pub(super) fn post(&self, to: ShardId, job: Job) {
        let Some(peer) = self.peers.get(usize::from(to.get())) else {
            return;
        };
        let unsent = if peer.draining.get() { Some(job) } else { peer.sender.try_send(job).err() };
        let Some(job) = unsent else {
            return;
        };
        peer.overflow.borrow_mut().push_back(job);
        if !peer.draining.replace(true) {
            let peer = peer.clone();
            self.tasks.spawn(async move { peer.drain().await });
        }
    }
}

impl Shard {
    /// Sends work that has no result to a shard, the own one too; it runs there in the order of sending.
    pub fn post(&self, to: ShardId, job: Job) {
        self.router().post(to, job);
    }

    /// Runs `work` on shard `to` and returns its result; `None` only when that shard has ended.
    pub async fn on<R, F, W>(self: &Rc<Self>, to: ShardId, work: W) -> Option<R>
    where
        R: Send + 'static,
        F: Future<Output = R> + 'static,
        W: FnOnce(Rc<Shard>) -> F + Send + 'static,
    {
        if to == self.id() {
            return Some(work(self.clone()).await);
        }
        let (key, receiver) = self.router().register::<R>();
        let _calling = Calling { shard: self.clone(), key };
        let origin = self.id();
        let job: Job = Box::new(move |shard| {
            let owner = shard.clone();
            shard.router().start(async move {
                let result = work(owner.clone()).await;
                let reply: Job = Box::new(move |origin| origin.router().complete(key, result));
                owner.router().post(origin, reply);
            });
        });
        self.router().post(to, job);
        receiver.await
    }

    /// As `on`, for work that must come to its end even if the caller goes.
    pub async fn see_through<R, F, W>(self: &Rc<Self>, to: ShardId, work: W) -> Option<R>
    where
        R: Send + 'static,
        F: Future<Output = R> + 'static,
        W: FnOnce(Rc<Shard>) -> F + Send + 'static,
    {
        if to != self.id() {
            return self.on(to, work).await;
        }
        let (sender, receiver) = oneshot::<R>();
        let running = work(self.clone());
        self.router().start(async move {
            // The caller may have gone.
            let _ = sender.send(running.await);
        });
        receiver.await
    }

    /// Runs `work` on every shard, the own one too, and returns the results in the order of the shards.
    pub async fn on_all<R, F, W>(self: &Rc<Self>, work: W) -> Vec<R>
    where
        R: Send + 'static,
        F: Future<Output = R> + 'static,
        W: Fn(Rc<Shard>) -> F + Clone + Send + 'static,
    {
        let calls = (0..self.count()).map(|to| self.on(ShardId::new(to), work.clone()));
        join_all(calls).await.into_iter().flatten().collect()
    }
}
