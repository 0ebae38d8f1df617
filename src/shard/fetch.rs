//! A fetch over many partitions: planned on the shards that own them, and waiting until there is enough.
//!
//! Nothing is read before the plans say that the client will be answered. A wait holds a place in each partition's
//! purgatory; those on other shards are held by a `RemoteWatch`, which is called off when the fetch is over.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_lite::future;

use super::Shard;
use super::join::join_all;
use super::watch::RemoteWatch;
use crate::base::ids::{LeaderEpoch, Offset, PartitionIndex, ShardId, TopicId};
use crate::partition::{EpochMismatch, FetchError, FetchFrom, Waiting, Wake};
use crate::rt;
use crate::rt::sync::Event;
use crate::storage::log::{ReadError, ReadPlan, ReadSlice};

/// One partition of a fetch.
#[derive(Debug, Clone, Copy)]
pub struct FetchPart {
    /// The topic.
    pub topic_id: TopicId,
    /// The partition.
    pub index: PartitionIndex,
    /// Where and how.
    pub from: FetchFrom,
}

/// Limits of the whole fetch.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// At most so many bytes, but for the first batch.
    pub bytes_max: usize,
    /// Answer once there are so many bytes.
    pub bytes_min: usize,
    /// Answer after this time in any case.
    pub wait: Duration,
}

/// Why one partition of a fetch has no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartError {
    /// No such partition here.
    Unknown,
    /// The client's leader epoch is not ours.
    Epoch(EpochMismatch),
    /// The offset is outside the log.
    OutOfRange,
    /// What lies there is no batch.
    Corrupt,
    /// The disk failed.
    Storage,
}

/// What a fetch response says of one partition beside its records.
#[derive(Debug, Clone, Copy)]
pub struct PartHead {
    /// Set if there is nothing to read.
    pub error: Option<PartError>,
    /// End of what is replicated, or -1.
    pub high_watermark: Offset,
    /// End of what is decided, or -1.
    pub last_stable_offset: Offset,
    /// First offset, or -1.
    pub log_start_offset: Offset,
    /// Where the reader's log and ours part.
    pub diverging: Option<(LeaderEpoch, Offset)>,
}

impl PartHead {
    /// A partition that cannot be read.
    pub fn failed(error: PartError) -> Self {
        Self {
            error: Some(error),
            high_watermark: Offset::NONE,
            last_stable_offset: Offset::NONE,
            log_start_offset: Offset::NONE,
            diverging: None,
        }
    }

    /// Whether the client is to be answered at once because of this partition.
    fn is_urgent(&self) -> bool {
        self.error.is_some() || self.diverging.is_some()
    }
}

/// One partition's part of the answer.
pub struct PartResult {
    /// Offsets or error.
    pub head: PartHead,
    /// The records, in order.
    pub records: Vec<ReadSlice>,
}

struct Planned {
    head: PartHead,
    plan: Option<ReadPlan>,
    /// Bytes that count towards the minimum: what a limit leaves behind counts up to that limit.
    there: usize,
}

impl Planned {
    fn bytes(&self) -> usize {
        self.plan.as_ref().map_or(0, ReadPlan::bytes)
    }
}

/// Another shard's part: sizes, and the records where they were asked for.
struct RemotePart {
    head: PartHead,
    bytes: usize,
    /// As for `Planned`.
    there: usize,
    records: Vec<Bytes>,
}

/// The parts of one shard, with their places in the request.
pub(super) type Share = Vec<(usize, FetchPart)>;

impl Shard {
    /// Fetches `parts`, in order. Waits as `limits` say for enough bytes, but answers at once if any partition fails or
    /// diverges, or if no partition is asked for.
    pub async fn fetch(self: &Rc<Self>, parts: &[FetchPart], limits: FetchLimits) -> Vec<PartResult> {
        let mut shares: BTreeMap<ShardId, Share> = BTreeMap::new();
        for (place, part) in parts.iter().enumerate() {
            shares.entry(self.owner_of(part.topic_id, part.index)).or_default().push((place, *part));
        }
        let own = shares.remove(&self.id()).unwrap_or_default();
        match shares.first_key_value() {
            Some((owner, _)) if own.is_empty() && shares.len() == 1 => {
                self.forward_fetch(*owner, parts, limits).await
            }
            _ => self.fetch_among(parts.len(), own, shares, limits).await,
        }
    }

    /// A fetch of `count` partitions, of this shard and of others.
    pub(super) async fn fetch_among(
        self: &Rc<Self>,
        count: usize,
        own: Share,
        shares: BTreeMap<ShardId, Share>,
        limits: FetchLimits,
    ) -> Vec<PartResult> {
        let deadline = self.clock().monotonic_ns().saturating_add(limits.wait.as_nanos() as u64);
        let woken = Rc::new(Event::new());
        let progress = Rc::new(Cell::new(false));
        let mut watches: Option<(Vec<Waiting>, Vec<RemoteWatch>)> = None;
        loop {
            progress.set(false);
            let left = Duration::from_nanos(deadline.saturating_sub(self.clock().monotonic_ns()));
            let last = left.is_zero() || count == 0 || self.is_draining();
            if let Some(results) = self.try_fetch(count, &own, &shares, limits, last).await {
                return results;
            }
            if watches.is_none() {
                watches = Some(self.watch(&own, &shares, &woken, &progress));
                // What came in between the plan and the watch on another shard is seen by planning once more.
                if !shares.is_empty() {
                    continue;
                }
            }
            if !progress.get() {
                rt::timeout(left, future::or(woken.wait(), self.drained())).await;
            }
            if !shares.is_empty() {
                // A watch on another shard fires once.
                watches = None;
            }
        }
    }

    /// One round: plans everything, and reads it if the client is to be answered now.
    async fn try_fetch(
        self: &Rc<Self>,
        count: usize,
        own: &Share,
        shares: &BTreeMap<ShardId, Share>,
        limits: FetchLimits,
        last: bool,
    ) -> Option<Vec<PartResult>> {
        let mut results: Vec<Option<PartResult>> = Vec::new();
        results.resize_with(count, || None);
        let mut remote = self.plan_remote(shares, limits, last).await;
        let planned = self.plan_parts(own.iter().map(|(_, part)| part), limits.bytes_max);
        let there = planned.iter().map(|part| part.there).sum::<usize>()
            + remote.iter().flat_map(|(_, parts)| parts).map(|part| part.there).sum::<usize>();
        let urgent = planned.iter().any(|part| part.head.is_urgent())
            || remote.iter().flat_map(|(_, parts)| parts).any(|part| part.head.is_urgent());
        if !(last || urgent || there >= limits.bytes_min.min(limits.bytes_max)) {
            return None;
        }
        let unread = |(_, parts): &(ShardId, Vec<RemotePart>)| {
            parts.iter().any(|part| part.bytes > 0 && part.records.is_empty())
        };
        if remote.iter().any(unread) {
            remote = self.plan_remote(shares, limits, true).await;
        }
        for ((place, _), part) in own.iter().zip(planned) {
            set(&mut results, *place, read(part).await);
        }
        for (owner, parts) in remote {
            for ((place, _), part) in shares.get(&owner).into_iter().flatten().zip(parts) {
                let records = part.records.into_iter().map(ReadSlice::from).collect();
                set(&mut results, *place, PartResult { head: part.head, records });
            }
        }
        let gone = || PartResult { head: PartHead::failed(PartError::Unknown), records: Vec::new() };
        let results = results.into_iter().map(|result| result.unwrap_or_else(gone)).collect();
        Some(within_limit(results, limits.bytes_max))
    }

    /// Plans partitions of this shard: each within what those before it have left of `bytes_max`.
    fn plan_parts<'a>(&self, parts: impl Iterator<Item = &'a FetchPart>, bytes_max: usize) -> Vec<Planned> {
        let mut left = bytes_max;
        let mut first = true;
        let mut planned = Vec::new();
        for part in parts {
            let Some(partition) = self.partition(part.topic_id, part.index) else {
                planned.push(Planned { head: PartHead::failed(PartError::Unknown), plan: None, there: 0 });
                continue;
            };
            let from = FetchFrom { bytes_max: part.from.bytes_max.min(left), ..part.from };
            let part = match partition.plan_fetch(from, first) {
                Ok(fetched) => Planned {
                    there: fetched.there(from.bytes_max),
                    head: PartHead {
                        error: None,
                        high_watermark: fetched.high_watermark,
                        last_stable_offset: fetched.last_stable_offset,
                        log_start_offset: fetched.log_start_offset,
                        diverging: fetched.diverging,
                    },
                    plan: fetched.plan,
                },
                Err(error) => Planned { head: PartHead::failed(part_error(&error)), plan: None, there: 0 },
            };
            first &= part.bytes() == 0;
            left = left.saturating_sub(part.bytes());
            planned.push(part);
        }
        planned
    }

    /// Lets the other shards plan their shares, and read them where that alone answers the client, or `read` says so.
    async fn plan_remote(
        self: &Rc<Self>,
        shares: &BTreeMap<ShardId, Share>,
        limits: FetchLimits,
        read: bool,
    ) -> Vec<(ShardId, Vec<RemotePart>)> {
        let calls = shares.iter().map(|(owner, share)| async {
            let parts: Vec<FetchPart> = share.iter().map(|(_, part)| *part).collect();
            let work = move |owner: Rc<Shard>| async move { owner.fetch_for_peer(parts, limits, read).await };
            (*owner, self.on(*owner, work).await.unwrap_or_default())
        });
        join_all(calls).await
    }

    /// A peer's share of a fetch. The records are copied: they lie in memory that belongs to this shard.
    async fn fetch_for_peer(
        &self,
        parts: Vec<FetchPart>,
        limits: FetchLimits,
        read_all: bool,
    ) -> Vec<RemotePart> {
        let planned = self.plan_parts(parts.iter(), limits.bytes_max);
        let there: usize = planned.iter().map(|part| part.there).sum();
        let enough = read_all || there >= limits.bytes_min.max(1);
        let mut answer = Vec::with_capacity(planned.len());
        for part in planned {
            let (bytes, there) = (part.bytes(), part.there);
            if !enough || bytes == 0 {
                answer.push(RemotePart { head: part.head, bytes, there, records: Vec::new() });
                continue;
            }
            let (head, records) = self.copy_for_peer(read(part).await).await;
            let bytes = records.iter().map(Bytes::len).sum();
            answer.push(RemotePart { head, bytes, there, records });
        }
        answer
    }

    /// Takes a place in the purgatory of every partition.
    fn watch(
        self: &Rc<Self>,
        own: &Share,
        shares: &BTreeMap<ShardId, Share>,
        woken: &Rc<Event>,
        progress: &Rc<Cell<bool>>,
    ) -> (Vec<Waiting>, Vec<RemoteWatch>) {
        let (event, flag) = (woken.clone(), progress.clone());
        let wake: Wake = Rc::new(move || {
            flag.set(true);
            event.notify_all();
        });
        let partitions = own.iter().filter_map(|(_, part)| self.partition(part.topic_id, part.index));
        let local = partitions.map(|partition| partition.purgatory().enter(wake.clone())).collect();
        let remote = shares.iter().map(|(owner, share)| {
            let ids = share.iter().map(|(_, part)| (part.topic_id, part.index)).collect();
            RemoteWatch::start(self.clone(), *owner, ids, wake.clone())
        });
        (local, remote.collect())
    }
}

fn set(results: &mut [Option<PartResult>], place: usize, result: PartResult) {
    if let Some(slot) = results.get_mut(place) {
        *slot = Some(result);
    }
}

async fn read(part: Planned) -> PartResult {
    let Some(plan) = part.plan else {
        return PartResult { head: part.head, records: Vec::new() };
    };
    match plan.run().await {
        Ok(read) => PartResult { head: part.head, records: read.slices },
        Err(error) => PartResult { head: PartHead::failed(read_error(&error)), records: Vec::new() },
    }
}

/// Each shard kept to the limit for itself; here what goes beyond it together is left for the next fetch.
fn within_limit(mut results: Vec<PartResult>, bytes_max: usize) -> Vec<PartResult> {
    let mut used = 0;
    for result in &mut results {
        let bytes: usize = result.records.iter().map(ReadSlice::len).sum();
        if used > 0 && used + bytes > bytes_max {
            result.records.clear();
        } else {
            used += bytes;
        }
    }
    results
}

fn part_error(error: &FetchError) -> PartError {
    match error {
        FetchError::Epoch(mismatch) => PartError::Epoch(*mismatch),
        FetchError::Read(error) => read_error(error),
    }
}

fn read_error(error: &ReadError) -> PartError {
    match error {
        ReadError::OutOfRange { .. } => PartError::OutOfRange,
        ReadError::Corrupt { .. } => PartError::Corrupt,
        ReadError::Storage(_) => PartError::Storage,
    }
}
