//! A fetch whose partitions all belong to one other shard: the owner waits and answers once.
//!
//! That is the commonest remote fetch (one topic, one partition), and each wake-up of a parked shard costs tens of
//! microseconds: so the whole request travels, not its plan, its watch and its reading one after the other. If the caller
//! goes meanwhile, the owner is told to stop waiting.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use bytes::Bytes;
use futures_lite::future;

use super::Shard;
use super::fetch::{FetchLimits, FetchPart, PartError, PartHead, PartResult};
use super::router::Job;
use crate::base::ids::ShardId;
use crate::rt::sync::Event;
use crate::storage::log::ReadSlice;

/// Names a forwarded fetch: the shard of its connection, and a number of that shard's.
type ForwardId = (ShardId, u64);

/// The forwarded fetches of a shard, of both ends.
#[derive(Default)]
pub struct Forwards {
    /// Numbers given to our own.
    count: Cell<u64>,
    /// Those of other shards that wait here, and how to end their wait.
    waiting: RefCell<HashMap<ForwardId, Rc<Event>>>,
}

/// The caller's end: dropped before the answer is there, it calls the fetch off.
struct Calling<'a> {
    shard: &'a Shard,
    owner: ShardId,
    id: ForwardId,
    answered: bool,
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        if !self.answered {
            let id = self.id;
            let job: Job = Box::new(move |owner| {
                if let Some(gone) = owner.forwards.waiting.borrow_mut().remove(&id) {
                    gone.notify_all();
                }
            });
            self.shard.post(self.owner, job);
        }
    }
}

impl Shard {
    /// Lets `owner`, to which all of `parts` belong, do the whole fetch.
    pub(super) async fn forward_fetch(
        self: &Rc<Self>,
        owner: ShardId,
        parts: &[FetchPart],
        limits: FetchLimits,
    ) -> Vec<PartResult> {
        let number = self.forwards.count.replace(self.forwards.count.get() + 1);
        let id = (self.id(), number);
        let mut calling = Calling { shard: self, owner, id, answered: false };
        let asked = parts.to_vec();
        let work = move |owner: Rc<Shard>| async move { owner.fetch_forwarded(id, asked, limits).await };
        let answers = self.on(owner, work).await.unwrap_or_default();
        calling.answered = true;
        let gone = || PartResult { head: PartHead::failed(PartError::Unknown), records: Vec::new() };
        let result = |(head, records): (PartHead, Vec<Bytes>)| PartResult {
            head,
            records: records.into_iter().map(ReadSlice::from).collect(),
        };
        let mut results: Vec<PartResult> = answers.into_iter().map(result).collect();
        results.resize_with(parts.len(), gone);
        results
    }

    /// The owner's end. The records are copied: they lie in memory that belongs to this shard.
    async fn fetch_forwarded(
        self: &Rc<Self>,
        id: ForwardId,
        parts: Vec<FetchPart>,
        limits: FetchLimits,
    ) -> Vec<(PartHead, Vec<Bytes>)> {
        let gone = Rc::new(Event::new());
        self.forwards.waiting.borrow_mut().insert(id, gone.clone());
        let count = parts.len();
        let own = parts.into_iter().enumerate().collect();
        let fetched = async { Some(self.fetch_among(count, own, BTreeMap::new(), limits).await) };
        let called_off = async {
            gone.wait().await;
            None
        };
        let results = future::or(fetched, called_off).await.unwrap_or_default();
        self.forwards.waiting.borrow_mut().remove(&id);
        let mut answers = Vec::with_capacity(results.len());
        for result in results {
            answers.push(self.copy_for_peer(result).await);
        }
        answers
    }

    /// One partition's records in a form that may leave the shard.
    pub(super) async fn copy_for_peer(&self, result: PartResult) -> (PartHead, Vec<Bytes>) {
        let mut head = result.head;
        let mut records = Vec::with_capacity(result.records.len());
        for slice in result.records {
            match slice.into_bytes().await {
                Ok(bytes) => records.push(bytes),
                Err(_) => head = PartHead::failed(PartError::Storage),
            }
        }
        let bytes: usize = records.iter().map(Bytes::len).sum();
        self.metrics().cross_shard_copied_bytes.add(bytes as u64);
        (head, records)
    }
}
