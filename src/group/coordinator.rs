//! The coordinator of a shard: which partitions it serves, and who decides about a call.

use super::after::Appends;
use super::call::{GroupCall, GroupReply};
use super::config::GroupConfig;
use super::context::Context;
use super::fetch;
use super::join::Join;
use super::refusal::refuse;
use super::state::{Group, GroupState};
use super::timers::{Kind, Timers};
use super::{delete, describe, session};
use crate::base::ids::{PartitionIndex, ProducerId};
use crate::base::random::Random;
use crate::replicated::{CallId, Effects};
use crate::wire::error::ErrorCode;
use crate::wire::messages::{JoinGroupRequest, ListGroupsResponse, OffsetCommitRequest};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// From this version on a commit to a missing group says so; before it the generation is blamed.
const COMMIT_MISSING_GROUP_VERSION: i16 = 9;

/// Whether a partition's groups are known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Served {
    /// Its log is being replayed.
    Loading,
    /// Its groups can be asked for.
    Loaded,
}

/// All groups whose partition of `__consumer_offsets` belongs to this shard.
///
/// A pure machine (see [`crate::replicated::Machine`]): each call is answered exactly once, at once or after later
/// events. A partition's life: `load`, `replay` for each of its records in order, `load_finished`, calls, `unload`.
///
/// The records of an append go into one batch without a producer id, whose base sequence is 0 (not -1): that is how
/// Kafka writes this topic, and the batch builder's affair.
#[derive(Debug)]
pub struct GroupCoordinator {
    pub(super) config: GroupConfig,
    pub(super) random: Random,
    pub(super) partitions: BTreeMap<PartitionIndex, Served>,
    /// In the order of their creation, more or less: what is done to all is done in the same order in every run.
    pub(super) groups: IndexMap<Rc<str>, Group>,
    pub(super) timers: Timers,
    pub(super) appends: Appends,
    /// The groups in which a transaction has offsets.
    pub(super) transactions: BTreeMap<(PartitionIndex, ProducerId), BTreeSet<Rc<str>>>,
    pub(super) expiry_check_ms: Option<i64>,
}

impl GroupCoordinator {
    /// A coordinator without partitions. Member ids come from `random`.
    pub fn new(config: GroupConfig, random: Random) -> Self {
        Self {
            config,
            random,
            partitions: BTreeMap::new(),
            groups: IndexMap::new(),
            timers: Timers::default(),
            appends: Appends::default(),
            transactions: BTreeMap::new(),
            expiry_check_ms: None,
        }
    }

    /// Applies changed settings, from the next event on.
    pub fn reconfigure(&mut self, config: GroupConfig) {
        self.config = config;
    }

    /// How many groups there are, in all partitions.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// The groups, and what they need to act.
    pub(super) fn parts<'a>(
        &'a mut self,
        now_ms: i64,
        effects: &'a mut Effects<GroupReply>,
    ) -> (&'a mut IndexMap<Rc<str>, Group>, Context<'a>) {
        let context = Context {
            now_ms,
            config: &self.config,
            random: &mut self.random,
            timers: &mut self.timers,
            appends: &mut self.appends,
            effects,
        };
        (&mut self.groups, context)
    }

    pub(super) fn decide(
        &mut self,
        now_ms: i64,
        id: CallId,
        partition: PartitionIndex,
        call: GroupCall,
    ) -> Effects<GroupReply> {
        if let Some(reply) = self.refusal(partition, &call) {
            return Effects::reply(id, reply);
        }
        let mut effects = Effects::none();
        match call {
            GroupCall::JoinGroup(client, request) => {
                let join = Join { call: id, client, request };
                self.join(now_ms, partition, join, &mut effects);
            }
            GroupCall::OffsetCommit(client, request) => {
                if let Some(error) = self.commit_target(now_ms, partition, client.api_version, &request) {
                    return Effects::reply(id, super::commit::commit_error(&request, error));
                }
                let (groups, mut cx) = self.parts(now_ms, &mut effects);
                if let Some(group) = groups.get_mut(&*request.group_id) {
                    group.commit(&mut cx, id, &client, &request);
                }
                self.drop_if_unused(&request.group_id);
            }
            GroupCall::ListGroups(request) => {
                let groups = self.groups.values().filter_map(|group| group.list(&request)).collect();
                let response = ListGroupsResponse { groups, ..ListGroupsResponse::default() };
                return Effects::reply(id, GroupReply::ListGroups(response));
            }
            GroupCall::TopicsDeleted(topics) => {
                let (groups, mut cx) = self.parts(now_ms, &mut effects);
                groups.values_mut().for_each(|group| group.forget_topics(&mut cx, &topics));
                cx.reply(id, GroupReply::TopicsDeleted);
            }
            call => self.decide_of_one(now_ms, id, &call, &mut effects),
        }
        self.arm_expiry_check(now_ms);
        effects
    }

    /// Calls about one group that they do not create.
    fn decide_of_one(
        &mut self,
        now_ms: i64,
        id: CallId,
        call: &GroupCall,
        effects: &mut Effects<GroupReply>,
    ) {
        let (groups, mut cx) = self.parts(now_ms, effects);
        let group = super::refusal::group_id(call).and_then(|group_id| groups.get_mut(&**group_id));
        match (call, group) {
            (GroupCall::SyncGroup(client, request), Some(group)) => group.sync(&mut cx, id, client, request),
            (GroupCall::Heartbeat(request), Some(group)) => group.heartbeat(&mut cx, id, request),
            (GroupCall::LeaveGroup(client, request), Some(group)) => {
                group.leave(&mut cx, id, client, request)
            }
            (GroupCall::LeaveGroup(client, request), None) => {
                cx.reply(id, session::leave_missing(client, request));
            }
            (GroupCall::OffsetFetch { group: request, require_stable }, group) => {
                let response = fetch::fetch(group.as_deref(), request, *require_stable);
                cx.reply(id, GroupReply::OffsetFetch(response));
            }
            (GroupCall::DescribeGroup { group_id, api_version }, group) => {
                let description = match group {
                    Some(group) => group.describe(),
                    None => describe::describe_missing(group_id, *api_version),
                };
                cx.reply(id, GroupReply::DescribeGroup(description));
            }
            (GroupCall::DeleteGroup { .. }, Some(group)) => group.delete(&mut cx, id),
            (GroupCall::DeleteGroup { group_id }, None) => {
                cx.reply(id, delete::delete_reply(group_id, ErrorCode::GroupIdNotFound));
            }
            (GroupCall::OffsetDelete(request), Some(group)) => group.delete_offsets(&mut cx, id, request),
            (GroupCall::OffsetDelete(_), None) => {
                cx.reply(id, delete::offset_delete_error(ErrorCode::GroupIdNotFound));
            }
            (call, _) => cx.reply(id, refuse(call, ErrorCode::UnknownMemberId)),
        }
    }

    fn join(
        &mut self,
        now_ms: i64,
        partition: PartitionIndex,
        join: Join,
        effects: &mut Effects<GroupReply>,
    ) {
        let group_id = Rc::from(&*join.request.group_id);
        if let Some(error) = self.join_error(&join.request) {
            let (_, mut cx) = self.parts(now_ms, effects);
            let member_id = join.request.member_id.clone();
            return join.refuse(&mut cx, member_id, error);
        }
        let is_new = !self.groups.contains_key(&group_id);
        if is_new {
            self.groups
                .insert(Rc::clone(&group_id), Group::new(Rc::clone(&group_id), partition, Some(now_ms)));
        }
        let (groups, mut cx) = self.parts(now_ms, effects);
        let Some(group) = groups.get_mut(&group_id) else {
            return;
        };
        group.join(&mut cx, join);
        if is_new && group.pending.is_empty() && group.members().len() == 0 {
            self.groups.swap_remove(&group_id);
        } else if is_new {
            group.announce(&mut cx);
        }
    }

    /// What a JoinGroup cannot get past, whatever the group's state.
    fn join_error(&self, request: &JoinGroupRequest) -> Option<ErrorCode> {
        let bounds = self.config.session_timeout_ms_min..=self.config.session_timeout_ms_max;
        let too_long = |text: &str| text.len() > super::records::STRING_BYTES_MAX - 37;
        if !bounds.contains(&request.session_timeout_ms) {
            Some(ErrorCode::InvalidSessionTimeout)
        } else if request.group_instance_id.as_deref().is_some_and(too_long)
            || too_long(&request.protocol_type)
            || request.protocols.iter().any(|p| too_long(&p.name))
        {
            // They could not be written down.
            Some(ErrorCode::InvalidRequest)
        } else if !request.member_id.is_empty() && !self.groups.contains_key(&*request.group_id) {
            Some(ErrorCode::UnknownMemberId)
        } else {
            None
        }
    }

    /// Makes sure that there is a group to commit to: without a generation anybody may create one.
    fn commit_target(
        &mut self,
        now_ms: i64,
        partition: PartitionIndex,
        api_version: i16,
        request: &OffsetCommitRequest,
    ) -> Option<ErrorCode> {
        if self.groups.contains_key(&*request.group_id) {
            return None;
        }
        if request.generation_id_or_member_epoch >= 0 {
            let missing = api_version >= COMMIT_MISSING_GROUP_VERSION;
            return Some(if missing { ErrorCode::GroupIdNotFound } else { ErrorCode::IllegalGeneration });
        }
        self.group_of_commits(Some(now_ms), partition, &request.group_id);
        None
    }

    /// The group of this name; one that only has offsets if there was none.
    pub(super) fn group_of_commits(
        &mut self,
        since_ms: Option<i64>,
        partition: PartitionIndex,
        id: &str,
    ) -> &mut Group {
        let id: Rc<str> = match self.groups.get_key_value(id) {
            Some((id, _)) => Rc::clone(id),
            None => Rc::from(id),
        };
        self.groups.entry(Rc::clone(&id)).or_insert_with(|| Group::new(id, partition, since_ms))
    }

    /// Forgets a group of which no record exists or is on its way.
    pub(super) fn drop_if_unused(&mut self, id: &str) {
        let unused = |group: &Group| {
            let bare = group.protocol_type.is_none() && group.generation == 0 && group.pending.is_empty();
            bare && group.state() == GroupState::Empty && !group.announced && group.offsets.is_empty()
        };
        if self.groups.get(id).is_some_and(unused) {
            self.groups.swap_remove(id);
        }
    }

    /// Looks at sessions and deadlines that have come.
    pub(super) fn ring(&mut self, now_ms: i64) -> Effects<GroupReply> {
        let mut effects = Effects::none();
        let (groups, mut cx) = self.parts(now_ms, &mut effects);
        while let Some(entry) = cx.timers.pop(now_ms) {
            let kind = entry.2.clone();
            let Some(group) = groups.get_mut(&entry.1) else {
                continue;
            };
            let due = group.alarm(&kind).is_some_and(|alarm| cx.timers.due(alarm, entry, now_ms));
            match kind {
                _ if !due => {}
                Kind::Join => group.join_due(&mut cx),
                Kind::Sync => group.sync_due(&mut cx),
                Kind::Session(member_id) => group.session_due(&mut cx, &member_id),
            }
        }
        if self.expiry_check_ms.is_some_and(|due_ms| due_ms <= now_ms) {
            self.expiry_check_ms = None;
            let (groups, mut cx) = self.parts(now_ms, &mut effects);
            groups.values_mut().for_each(|group| group.expire(&mut cx));
            self.arm_expiry_check(now_ms);
        }
        effects
    }

    /// A coordinator without groups has nothing to wake up for.
    pub(super) fn arm_expiry_check(&mut self, now_ms: i64) {
        if self.groups.is_empty() {
            self.expiry_check_ms = None;
        } else if self.expiry_check_ms.is_none() {
            self.expiry_check_ms = Some(self.config.next_expiry_check_ms(now_ms));
        }
    }
}
