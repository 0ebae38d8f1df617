//! A fetch's wait for partitions of another shard.
//!
//! The owner keeps the places in its purgatories under (origin, number); the first progress posts a wake-up to the
//! origin. Dropping the watch at the origin calls it off at the owner, so nothing outlives its fetch.

use std::cell::Cell;
use std::rc::Rc;

use super::Shard;
use super::router::Job;
use crate::base::ids::{PartitionIndex, ShardId, TopicId};
use crate::partition::{Waiting, Wake};

/// Names a watch: the shard where the fetch waits, and a number of that shard's.
pub type WatchId = (ShardId, usize);

/// The waiting fetch's end of a watch.
pub struct RemoteWatch {
    shard: Rc<Shard>,
    owner: ShardId,
    number: usize,
}

impl RemoteWatch {
    /// Asks `owner` to call `wake` at the next progress of one of `partitions`.
    pub fn start(
        shard: Rc<Shard>,
        owner: ShardId,
        partitions: Vec<(TopicId, PartitionIndex)>,
        wake: Wake,
    ) -> Self {
        let number = shard.watches.borrow_mut().wakes.insert(wake);
        let id = (shard.id(), number);
        let job: Job = Box::new(move |owner| owner.watch_for_peer(id, &partitions));
        shard.router().post(owner, job);
        Self { shard, owner, number }
    }
}

impl Drop for RemoteWatch {
    fn drop(&mut self) {
        self.shard.watches.borrow_mut().wakes.try_remove(self.number);
        let id = (self.shard.id(), self.number);
        let job: Job = Box::new(move |owner| {
            owner.watches.borrow_mut().held.remove(&id);
        });
        self.shard.router().post(self.owner, job);
    }
}

/// The watches of a shard, of both ends.
#[derive(Default)]
pub struct Watches {
    /// What to call for our own fetches that wait on other shards.
    wakes: slab::Slab<Wake>,
    /// The places that fetches of other shards hold here.
    held: std::collections::HashMap<WatchId, Vec<Waiting>>,
}

impl Shard {
    /// Enters a peer's fetch into the purgatories. Progress is reported once; the peer then looks again.
    fn watch_for_peer(self: &Rc<Self>, id: WatchId, partitions: &[(TopicId, PartitionIndex)]) {
        let fired = Cell::new(false);
        let owner = Rc::downgrade(self);
        let wake: Wake = Rc::new(move || {
            if fired.replace(true) {
                return;
            }
            if let Some(owner) = owner.upgrade() {
                let job: Job = Box::new(move |origin| origin.wake_watch(id.1));
                owner.router().post(id.0, job);
            }
        });
        let here = partitions.iter().filter_map(|(topic_id, index)| self.partition(*topic_id, *index));
        let places = here.map(|partition| partition.purgatory().enter(wake.clone())).collect();
        self.watches.borrow_mut().held.insert(id, places);
    }

    fn wake_watch(&self, number: usize) {
        let wake = self.watches.borrow().wakes.get(number).cloned();
        if let Some(wake) = wake {
            wake();
        }
    }
}
