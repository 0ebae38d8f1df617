//! The offsets that a group has committed, and those that are on their way or inside a transaction.

use super::after::TopicPartition;
use crate::base::ids::{ProducerId, TopicId};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Committed {
    pub(super) offset: i64,
    /// -1 if the client did not say.
    pub(super) leader_epoch: i32,
    pub(super) metadata: Box<str>,
    pub(super) commit_timestamp_ms: i64,
    /// Only where an old client asked for a retention of its own.
    pub(super) expire_timestamp_ms: Option<i64>,
    /// Zero if not known.
    pub(super) topic_id: TopicId,
}

/// Offsets by topic and partition.
pub(super) type ByTopic = BTreeMap<Rc<str>, BTreeMap<i32, Committed>>;

/// All offsets of a group.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    committed: ByTopic,
    /// How many commits of each partition are on their way to the log.
    in_flight: HashMap<TopicPartition, usize>,
    /// By producer, until the transaction ends.
    pending: BTreeMap<ProducerId, ByTopic>,
}

impl Offsets {
    /// Whether nothing is known, on its way or pending.
    pub(super) fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.in_flight.is_empty() && self.pending.is_empty()
    }

    /// All that is committed.
    pub(super) fn committed(&self) -> &ByTopic {
        &self.committed
    }

    /// One committed offset.
    pub(super) fn get(&self, topic: &str, partition: i32) -> Option<&Committed> {
        self.committed.get(topic)?.get(&partition)
    }

    /// A commit was decided on.
    pub(super) fn launch(&mut self, topic: &Rc<str>, partition: i32) {
        *self.in_flight.entry((Rc::clone(topic), partition)).or_default() += 1;
    }

    /// Its append ended, well or not.
    pub(super) fn land(&mut self, at: &TopicPartition) {
        if let Some(count) = self.in_flight.get_mut(at) {
            *count -= 1;
            if *count == 0 {
                self.in_flight.remove(at);
            }
        }
    }

    /// Whether a commit is on its way.
    pub(super) fn is_in_flight(&self, topic: &Rc<str>, partition: i32) -> bool {
        !self.in_flight.is_empty() && self.in_flight.contains_key(&(Rc::clone(topic), partition))
    }

    /// Whether any commit is on its way.
    pub(super) fn any_in_flight(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// An offset is durable.
    pub(super) fn put(&mut self, topic: &Rc<str>, partition: i32, committed: Committed) {
        match self.committed.get_mut(topic) {
            Some(partitions) => partitions.insert(partition, committed),
            None => self.committed.entry(Rc::clone(topic)).or_default().insert(partition, committed),
        };
    }

    /// A tombstone is durable.
    pub(super) fn remove(&mut self, topic: &str, partition: i32) {
        if let Some(partitions) = self.committed.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                self.committed.remove(topic);
            }
        }
    }

    /// Everything that a deletion of the group has to write a tombstone for, in order.
    pub(super) fn all(&self) -> Vec<TopicPartition> {
        let of = |by: &ByTopic| -> Vec<TopicPartition> {
            let each = by.iter();
            each.flat_map(|(topic, partitions)| partitions.keys().map(|p| (Rc::clone(topic), *p))).collect()
        };
        let mut all = of(&self.committed);
        all.extend(self.in_flight.keys().cloned());
        all.extend(self.pending.values().flat_map(of));
        all.sort();
        all.dedup();
        all
    }

    /// A transaction wrote an offset.
    pub(super) fn put_pending(
        &mut self,
        producer: ProducerId,
        topic: Rc<str>,
        partition: i32,
        committed: Committed,
    ) {
        self.pending.entry(producer).or_default().entry(topic).or_default().insert(partition, committed);
    }

    /// A transaction ended: its offsets count, or are forgotten.
    pub(super) fn end_transaction(&mut self, producer: ProducerId, commit: bool) {
        let by_topic = self.pending.remove(&producer).unwrap_or_default();
        if commit {
            for (topic, partitions) in by_topic {
                self.committed.entry(topic).or_default().extend(partitions);
            }
        }
    }

    /// Whether a transaction has yet to decide about the offset of a partition.
    pub(super) fn is_pending(&self, topic: &str, partition: i32) -> bool {
        self.pending
            .values()
            .any(|by| by.get(topic).is_some_and(|partitions| partitions.contains_key(&partition)))
    }

    /// Whether any transaction has offsets here.
    pub(super) fn any_pending(&self) -> bool {
        !self.pending.is_empty()
    }
}
