//! SyncGroup: the leader's assignment is made durable, then everybody gets its part.

use super::after::After;
use super::call::{ClientContext, GroupReply};
use super::context::Context;
use super::member::Parked;
use super::records;
use super::state::{Group, GroupState};
use crate::replicated::CallId;
use crate::wire::Str;
use crate::wire::error::ErrorCode;
use crate::wire::messages::{SyncGroupRequest, SyncGroupResponse};
use bytes::Bytes;
use std::collections::HashMap;
use std::rc::Rc;

/// An assignment on its way to the log: what each member gets.
pub(super) type Assignment = HashMap<Rc<str>, Bytes>;

/// The answer to a SyncGroup that failed.
pub(super) fn sync_error(error: ErrorCode) -> GroupReply {
    GroupReply::SyncGroup(SyncGroupResponse { error_code: error.code(), ..SyncGroupResponse::default() })
}

impl Group {
    /// Decides about a SyncGroup.
    pub(super) fn sync(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        client: &ClientContext,
        request: &SyncGroupRequest,
    ) {
        if let Err(error) = self.validate_sync(request) {
            return cx.reply(call, sync_error(error));
        }
        let member_id = &*request.member_id;
        let stable = self.state() == GroupState::Stable;
        let parked = Parked { call, api_version: client.api_version };
        let group_id = Rc::clone(&self.id);
        if let Some(member) = self.member_mut(member_id) {
            member.owes_sync = false;
            if stable {
                cx.refresh(&group_id, member);
            } else if let Some(before) = member.sync.replace(parked) {
                cx.reply(before.call, sync_error(ErrorCode::RebalanceInProgress));
            }
        }
        if !self.members().any(|m| m.owes_sync) {
            self.sync_alarm.cancel();
        }
        if stable {
            let response = self.synced(member_id);
            cx.reply(call, response);
        } else if self.is_leader(member_id) {
            self.persist_assignment(cx, request);
        }
    }

    fn validate_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        if self.state() == GroupState::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        self.validate_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        let differs = |said: &Option<Str>, ours: &Option<Box<str>>| {
            said.as_deref().is_some_and(|said| ours.as_deref() != Some(said))
        };
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        match self.state() {
            GroupState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            GroupState::CompletingRebalance | GroupState::Stable => Ok(()),
            GroupState::Empty | GroupState::Dead => Err(ErrorCode::UnknownMemberId),
        }
    }

    /// The record holds the assignment before any member acts on it. Members that the leader forgot get nothing.
    fn persist_assignment(&mut self, cx: &mut Context<'_>, request: &SyncGroupRequest) {
        let assigned = request.assignments.iter();
        let mut assignment: Assignment = assigned
            .filter_map(|a| {
                let member = self.member(&a.member_id)?;
                Some((Rc::clone(&member.id), Bytes::copy_from_slice(&a.assignment)))
            })
            .collect();
        for member in self.members() {
            assignment.entry(Rc::clone(&member.id)).or_default();
        }
        let record = records::group_metadata(self, Some(&assignment));
        let after = After::Assignment { group: Rc::clone(&self.id), generation: self.generation, assignment };
        cx.append(self.partition, vec![record], after);
    }

    /// The assignment of a generation is durable, or failed to become so.
    pub(super) fn assigned(
        &mut self,
        cx: &mut Context<'_>,
        generation: i32,
        mut assignment: Assignment,
        failed: Option<ErrorCode>,
    ) {
        if self.state() != GroupState::CompletingRebalance || self.generation != generation {
            // Another rebalance has begun meanwhile; it has answered the waiting members.
            return;
        }
        if let Some(error) = failed {
            self.reset_assignments(cx, error);
            return self.prepare_rebalance(cx);
        }
        for member in self.members_mut() {
            member.assignment = assignment.remove(&member.id).unwrap_or_default();
        }
        self.transition(GroupState::Stable, cx.now_ms);
        self.answer_syncs(cx, None);
    }

    /// Takes all assignments back and fails the members that wait for theirs.
    pub(super) fn reset_assignments(&mut self, cx: &mut Context<'_>, error: ErrorCode) {
        for member in self.members_mut() {
            member.assignment = Bytes::new();
        }
        self.answer_syncs(cx, Some(error));
    }

    /// Members that were answered are heard of again within a session: what ended while they waited does not count.
    fn answer_syncs(&mut self, cx: &mut Context<'_>, error: Option<ErrorCode>) {
        let group_id = Rc::clone(&self.id);
        for id in self.member_ids() {
            let Some(parked) = self.member_mut(&id).and_then(|m| m.sync.take()) else {
                continue;
            };
            let response = error.map_or_else(|| self.synced(&id), sync_error);
            cx.reply(parked.call, response);
            if let Some(member) = self.member_mut(&id) {
                cx.refresh(&group_id, member);
            }
        }
    }

    fn synced(&self, member_id: &str) -> GroupReply {
        GroupReply::SyncGroup(SyncGroupResponse {
            error_code: ErrorCode::None.code(),
            protocol_type: self.protocol_type.as_deref().map(Str::from),
            protocol_name: self.protocol.as_deref().map(Str::from),
            assignment: self.member(member_id).map(|m| m.assignment.clone()).unwrap_or_default(),
            ..SyncGroupResponse::default()
        })
    }
}
