//! What goes: groups and offsets by request, offsets by age, groups with nothing left.

use super::after::{After, TopicPartition};
use super::call::GroupReply;
use super::context::Context;
use super::offsets::Committed;
use super::records;
use super::state::{Group, GroupState};
use crate::replicated::{CallId, KeyValue};
use crate::wire::Str;
use crate::wire::error::ErrorCode;
use crate::wire::messages::{
    DeleteGroupsResponseResult, OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};
use std::rc::Rc;

/// The answer to a DeleteGroup.
pub(super) fn delete_reply(group_id: &str, error: ErrorCode) -> GroupReply {
    GroupReply::DeleteGroup(DeleteGroupsResponseResult {
        group_id: Str::from(group_id),
        error_code: error.code(),
    })
}

/// The answer to an OffsetDelete that failed as a whole.
pub(super) fn offset_delete_error(error: ErrorCode) -> GroupReply {
    GroupReply::OffsetDelete(OffsetDeleteResponse {
        error_code: error.code(),
        ..OffsetDeleteResponse::default()
    })
}

/// The age from which an offset's retention counts, in a group in its present state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    /// From when the group became empty; from the commit if that is not known.
    SinceEmpty,
    /// From the commit.
    SinceCommit,
}

impl Group {
    /// Decides about a DeleteGroup.
    pub(super) fn delete(&mut self, cx: &mut Context<'_>, call: CallId) {
        match self.state() {
            GroupState::Empty => self.bury(cx, Some(call)),
            GroupState::Dead => cx.reply(call, delete_reply(&self.id, ErrorCode::GroupIdNotFound)),
            _ => cx.reply(call, delete_reply(&self.id, ErrorCode::NonEmptyGroup)),
        }
    }

    /// Writes tombstones for everything; nobody joins or commits until they have landed.
    fn bury(&mut self, cx: &mut Context<'_>, call: Option<CallId>) {
        self.transition(GroupState::Dead, cx.now_ms);
        let mut records = self.tombstones(&self.offsets.all());
        records.push(records::group_tombstone(&self.id));
        cx.append(self.partition, records, After::Deleted { group: Rc::clone(&self.id), call });
    }

    fn tombstones(&self, of: &[TopicPartition]) -> Vec<KeyValue> {
        of.iter().map(|at| records::offset_tombstone(&self.id, at)).collect()
    }

    /// Decides about an OffsetDelete.
    pub(super) fn delete_offsets(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        request: &OffsetDeleteRequest,
    ) {
        match self.state() {
            GroupState::Dead => return cx.reply(call, offset_delete_error(ErrorCode::GroupIdNotFound)),
            GroupState::Empty => {}
            _ if self.uses_consumer_protocol() => {}
            // Who knows what such a group's members read.
            _ => return cx.reply(call, offset_delete_error(ErrorCode::NonEmptyGroup)),
        }
        let mut response = OffsetDeleteResponse::default();
        let mut gone = Vec::new();
        for topic in &request.topics {
            let name: Rc<str> = Rc::from(&*topic.name);
            let subscribed = self.is_subscribed_to(&name);
            let error = if subscribed { ErrorCode::GroupSubscribedToTopic } else { ErrorCode::None };
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for partition in &topic.partitions {
                let index = partition.partition_index;
                let known =
                    self.offsets.get(&name, index).is_some() || self.offsets.is_in_flight(&name, index);
                if known && !subscribed {
                    gone.push((Rc::clone(&name), index));
                }
                partitions
                    .push(OffsetDeleteResponsePartition { partition_index: index, error_code: error.code() });
            }
            response.topics.push(OffsetDeleteResponseTopic { name: topic.name.clone(), partitions });
        }
        if gone.is_empty() {
            return cx.reply(call, GroupReply::OffsetDelete(response));
        }
        let records = self.tombstones(&gone);
        let after = After::OffsetDelete { group: Rc::clone(&self.id), call, gone, response };
        cx.append(self.partition, records, after);
    }

    /// Forgets the offsets of deleted topics.
    pub(super) fn forget_topics(&mut self, cx: &mut Context<'_>, topics: &[Str]) {
        let mut gone = Vec::new();
        for topic in topics {
            if let Some((name, partitions)) = self.offsets.committed().get_key_value(&**topic) {
                gone.extend(partitions.keys().map(|p| (Rc::clone(name), *p)));
            }
        }
        self.forget(cx, gone);
    }

    fn forget(&mut self, cx: &mut Context<'_>, gone: Vec<TopicPartition>) {
        if !gone.is_empty() && self.state() != GroupState::Dead {
            let records = self.tombstones(&gone);
            cx.append(self.partition, records, After::Forgotten { group: Rc::clone(&self.id), gone });
        }
    }

    /// Writes tombstones for what has expired; for the whole group if nothing is left of it.
    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        let Some(age) = self.retention_age() else {
            return self.bury_if_idle(cx);
        };
        let mut gone = Vec::new();
        for (topic, partitions) in self.offsets.committed() {
            if self.is_subscribed_to(topic) {
                continue;
            }
            for (index, committed) in partitions {
                let busy = self.offsets.is_in_flight(topic, *index) || self.offsets.is_pending(topic, *index);
                if !busy && self.is_expired(cx, age, committed) {
                    gone.push((Rc::clone(topic), *index));
                }
            }
        }
        let kept: usize = self.offsets.committed().values().map(|partitions| partitions.len()).sum();
        let nothing_left = kept == gone.len() && !self.offsets.any_in_flight() && !self.offsets.any_pending();
        if nothing_left && self.state() == GroupState::Empty && self.pending.is_empty() {
            self.bury(cx, None);
        } else {
            self.forget(cx, gone);
        }
    }

    fn bury_if_idle(&mut self, cx: &mut Context<'_>) {
        if self.state() == GroupState::Empty && self.pending.is_empty() && self.offsets.is_empty() {
            self.bury(cx, None);
        }
    }

    /// None while offsets cannot expire: members may be reading what they are about.
    fn retention_age(&self) -> Option<Age> {
        match (&self.protocol_type, self.state()) {
            (_, GroupState::Dead) => None,
            (None, _) => Some(Age::SinceCommit),
            (Some(_), GroupState::Empty) => Some(Age::SinceEmpty),
            // Members that have long stopped reading a topic.
            (Some(_), GroupState::Stable) if self.uses_consumer_protocol() && self.subscribed.is_some() => {
                Some(Age::SinceCommit)
            }
            _ => None,
        }
    }

    fn is_expired(&self, cx: &Context<'_>, age: Age, committed: &Committed) -> bool {
        if let Some(expire_ms) = committed.expire_timestamp_ms {
            return cx.now_ms >= expire_ms;
        }
        let since_ms = match age {
            Age::SinceEmpty => self.state_since_ms.unwrap_or(committed.commit_timestamp_ms),
            Age::SinceCommit => committed.commit_timestamp_ms,
        };
        cx.now_ms.saturating_sub(since_ms) >= cx.config.offsets_retention_ms
    }
}
