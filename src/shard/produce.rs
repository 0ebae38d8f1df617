//! A produce over many partitions: each part goes to the shard that owns its partition.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Shard;
use super::join::join_all;
use crate::base::ids::{PartitionIndex, ShardId, TopicId};
use crate::partition::{ProduceInput, Produced, Refused};

/// One partition's records.
pub struct ProducePart {
    /// The topic.
    pub topic_id: TopicId,
    /// The partition.
    pub index: PartitionIndex,
    /// The records as they came, and what the request says of them.
    pub input: ProduceInput,
}

/// What became of one part; `None` if there is no such partition.
pub type ProduceReply = Option<Result<Produced, Refused>>;

impl Shard {
    /// Appends each part to its partition; returns the outcomes in the order of the parts. Parts take their places in
    /// their logs before this first waits, so that requests of one connection stay in order.
    pub async fn produce(self: &Rc<Self>, parts: Vec<ProducePart>) -> Vec<ProduceReply> {
        let owner = parts.first().map(|part| self.owner_of(part.topic_id, part.index));
        let same = |part: &ProducePart| Some(self.owner_of(part.topic_id, part.index)) == owner;
        match owner {
            None => Vec::new(),
            Some(owner) if parts.iter().all(same) => self.produce_on(owner, parts).await,
            Some(_) => self.produce_split(parts).await,
        }
    }

    async fn produce_on(self: &Rc<Self>, owner: ShardId, parts: Vec<ProducePart>) -> Vec<ProduceReply> {
        if owner == self.id() {
            return self.produce_here(parts).await;
        }
        let count = parts.len();
        let replies = self.on(owner, |owner| async move { owner.produce_here(parts).await }).await;
        replies.unwrap_or_else(|| std::iter::repeat_with(|| None).take(count).collect())
    }

    async fn produce_split(self: &Rc<Self>, parts: Vec<ProducePart>) -> Vec<ProduceReply> {
        let mut replies: Vec<ProduceReply> = std::iter::repeat_with(|| None).take(parts.len()).collect();
        let mut shares: BTreeMap<ShardId, (Vec<usize>, Vec<ProducePart>)> = BTreeMap::new();
        for (place, part) in parts.into_iter().enumerate() {
            let share = shares.entry(self.owner_of(part.topic_id, part.index)).or_default();
            share.0.push(place);
            share.1.push(part);
        }
        let (places, parts): (Vec<_>, Vec<_>) =
            shares.into_iter().map(|(owner, (p, parts))| (p, (owner, parts))).unzip();
        let answers = join_all(parts.into_iter().map(|(owner, parts)| self.produce_on(owner, parts))).await;
        for (places, answers) in places.into_iter().zip(answers) {
            for (place, reply) in places.into_iter().zip(answers) {
                if let Some(slot) = replies.get_mut(place) {
                    *slot = reply;
                }
            }
        }
        replies
    }

    /// Appends parts to partitions of this shard: all are started before the first is waited for.
    async fn produce_here(&self, parts: Vec<ProducePart>) -> Vec<ProduceReply> {
        let mut started = Vec::with_capacity(parts.len());
        for part in parts {
            let partition = self.partition(part.topic_id, part.index);
            started.push(partition.map(|partition| partition.produce(part.input)));
        }
        let mut replies = Vec::with_capacity(started.len());
        for append in started {
            replies.push(match append {
                Some(append) => Some(append.await),
                None => None,
            });
        }
        replies
    }
}
