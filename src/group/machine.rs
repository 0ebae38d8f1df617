//! The coordinator as a machine over its partitions: calls and timers in, what landed in, partitions in and out.

use super::after::After;
use super::call::{GroupCall, GroupReply};
use super::commit::fail_commit;
use super::coordinator::{GroupCoordinator, Served};
use super::delete::{delete_reply, offset_delete_error};
use super::errors::{group_error, offset_error};
use super::records::{self, RecordError, Replayed};
use super::state::{Group, GroupState};
use crate::base::ids::{PartitionIndex, ProducerId};
use crate::replicated::{AppendFailure, AppendId, CallId, Effects, Machine};
use crate::wire::error::ErrorCode;
use crate::wire::records::{OffsetCommitKey, OffsetCommitValue};
use std::rc::Rc;

impl Machine for GroupCoordinator {
    type Call = GroupCall;
    type Reply = GroupReply;

    fn handle(
        &mut self,
        now_ms: i64,
        id: CallId,
        partition: PartitionIndex,
        call: GroupCall,
    ) -> Effects<GroupReply> {
        self.decide(now_ms, id, partition, call)
    }

    fn committed(
        &mut self,
        now_ms: i64,
        id: AppendId,
        outcome: Result<(), AppendFailure>,
    ) -> Effects<GroupReply> {
        let mut effects = Effects::none();
        if let Some(after) = self.appends.take(id) {
            self.follow(now_ms, after, outcome, &mut effects);
        }
        self.arm_expiry_check(now_ms);
        effects
    }

    fn on_timer(&mut self, now_ms: i64) -> Effects<GroupReply> {
        self.ring(now_ms)
    }

    fn next_deadline(&self) -> Option<i64> {
        match (self.timers.next_ms(), self.expiry_check_ms) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

impl GroupCoordinator {
    /// Applies what an append was for.
    fn follow(
        &mut self,
        now_ms: i64,
        after: After,
        outcome: Result<(), AppendFailure>,
        effects: &mut Effects<GroupReply>,
    ) {
        let failed = outcome.err();
        match after {
            After::Nothing => {}
            After::Assignment { group, generation, assignment } => {
                let (groups, mut cx) = self.parts(now_ms, effects);
                if let Some(group) = groups.get_mut(&group) {
                    group.assigned(&mut cx, generation, assignment, failed.map(group_error));
                }
            }
            After::StaticRejoin(group, rejoin) => {
                let (groups, mut cx) = self.parts(now_ms, effects);
                if let Some(group) = groups.get_mut(&group) {
                    group.static_rejoined(&mut cx, rejoin, failed.map(group_error));
                }
            }
            After::Commit { group, call, offsets, mut response } => {
                if let Some(group) = self.groups.get_mut(&group) {
                    for (at, committed) in offsets {
                        group.offsets.land(&at);
                        if failed.is_none() {
                            group.offsets.put(&at.0, at.1, committed);
                        }
                    }
                }
                if let Some(failure) = failed {
                    fail_commit(&mut response, offset_error(failure));
                    self.drop_if_unused(&group);
                }
                effects.replies.push((call, GroupReply::OffsetCommit(response)));
            }
            After::OffsetDelete { group, call, gone, response } => {
                let reply = match failed {
                    Some(failure) => offset_delete_error(group_error(failure)),
                    None => GroupReply::OffsetDelete(response),
                };
                if failed.is_none() {
                    self.remove_offsets(&group, &gone);
                }
                effects.replies.push((call, reply));
            }
            After::Forgotten { group, gone } => {
                if failed.is_none() {
                    self.remove_offsets(&group, &gone);
                    self.drop_if_unused(&group);
                }
            }
            After::Deleted { group, call } => {
                if failed.is_none() {
                    self.groups.swap_remove(&group);
                } else if let Some(group) = self.groups.get_mut(&group) {
                    group.transition(GroupState::Empty, now_ms);
                }
                if let Some(call) = call {
                    let error = failed.map_or(ErrorCode::None, group_error);
                    effects.replies.push((call, delete_reply(&group, error)));
                }
            }
        }
    }

    /// A group whose last offset a client has deleted stays, as in Kafka, until the next look at what has expired: the
    /// client may want to delete it next.
    fn remove_offsets(&mut self, group: &str, gone: &[super::after::TopicPartition]) {
        if let Some(group) = self.groups.get_mut(group) {
            for (topic, partition) in gone {
                group.offsets.remove(topic, *partition);
            }
        }
    }

    /// A partition is ours now; its log is about to be replayed. Until `load_finished` its calls are answered with 14.
    pub fn load(&mut self, partition: PartitionIndex) {
        self.partitions.insert(partition, Served::Loading);
    }

    /// Takes in a record of a partition that is being loaded, in log order. Error: the record is damaged or of a version
    /// that nobody knows; it has been skipped, and loading can go on.
    pub fn replay(
        &mut self,
        partition: PartitionIndex,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), RecordError> {
        match records::decode(key, value)? {
            Replayed::Offset { key, value } => self.replay_offset(partition, &key, value.as_ref()),
            Replayed::Group { key, value } => {
                let id: Rc<str> = Rc::from(&*key.group);
                let before = self.groups.swap_remove(&id);
                let group = match &value {
                    Some(value) => {
                        let mut group = Group::from_record(Rc::clone(&id), partition, value, before);
                        group.announced = true;
                        Some(group)
                    }
                    None => before.and_then(Group::without_metadata),
                };
                if let Some(group) = group {
                    self.groups.insert(id, group);
                }
            }
            Replayed::Other => {}
        }
        Ok(())
    }

    fn replay_offset(
        &mut self,
        partition: PartitionIndex,
        key: &OffsetCommitKey,
        value: Option<&OffsetCommitValue>,
    ) {
        if let Some(value) = value {
            let group = self.group_of_commits(None, partition, &key.group);
            group.offsets.put(&Rc::from(&*key.topic), key.partition, records::committed(value));
        } else if let Some(group) = self.groups.get_mut(&*key.group) {
            group.offsets.remove(&key.topic, key.partition);
            self.drop_if_unused(&key.group);
        }
    }

    /// As `replay`, for a record of a transactional batch: its offset counts once the transaction is committed.
    pub fn replay_transactional(
        &mut self,
        partition: PartitionIndex,
        producer: ProducerId,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), RecordError> {
        if let Replayed::Offset { key, value: Some(value) } = records::decode(key, value)? {
            let group = self.group_of_commits(None, partition, &key.group);
            let topic = Rc::from(&*key.topic);
            group.offsets.put_pending(producer, topic, key.partition, records::committed(&value));
            let id = Rc::clone(&group.id);
            self.transactions.entry((partition, producer)).or_default().insert(id);
        }
        Ok(())
    }

    /// A transaction's marker stands in the log: during loading, or later.
    pub fn end_transaction(&mut self, partition: PartitionIndex, producer: ProducerId, commit: bool) {
        for id in self.transactions.remove(&(partition, producer)).unwrap_or_default() {
            if let Some(group) = self.groups.get_mut(&id) {
                group.offsets.end_transaction(producer, commit);
            }
            self.drop_if_unused(&id);
        }
    }

    /// The log has been replayed to its end: the partition's calls are served, and its members' sessions begin.
    pub fn load_finished(&mut self, now_ms: i64, partition: PartitionIndex) -> Effects<GroupReply> {
        self.partitions.insert(partition, Served::Loaded);
        let mut effects = Effects::none();
        let (groups, mut cx) = self.parts(now_ms, &mut effects);
        let loaded = groups.values_mut().filter(|group| group.partition == partition);
        loaded.for_each(|group| group.loaded(&mut cx));
        self.arm_expiry_check(now_ms);
        effects
    }

    /// The partition is no longer ours: its groups are forgotten, and all that wait are sent elsewhere (16).
    pub fn unload(&mut self, now_ms: i64, partition: PartitionIndex) -> Effects<GroupReply> {
        let mut effects = Effects::none();
        for after in self.appends.take_all_of(partition) {
            self.follow(now_ms, after, Err(AppendFailure::NotLeader), &mut effects);
        }
        // What that failure made them want to write is not theirs to write any more.
        for append in effects.appends.drain(..) {
            let _ = self.appends.take(append.id);
        }
        let (groups, mut cx) = self.parts(now_ms, &mut effects);
        let ours = groups.values_mut().filter(|group| group.partition == partition);
        ours.for_each(|group| group.dismiss(&mut cx, ErrorCode::NotCoordinator));
        groups.retain(|_, group| group.partition != partition);
        self.transactions.retain(|(of, _), _| *of != partition);
        self.partitions.remove(&partition);
        self.arm_expiry_check(now_ms);
        effects
    }
}
