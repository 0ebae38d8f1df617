//! Members that stay, and members that go: heartbeats, LeaveGroup and sessions that end.

use super::call::{ClientContext, GroupReply};
use super::context::Context;
use super::join::join_error;
use super::state::{Group, GroupState};
use super::sync::sync_error;
use crate::replicated::CallId;
use crate::wire::Str;
use crate::wire::error::ErrorCode;
use crate::wire::messages::{
    HeartbeatRequest, HeartbeatResponse, LeaveGroupRequest, LeaveGroupResponse, LeaveGroupResponseMember,
};
use std::rc::Rc;

/// From this version on a LeaveGroup names any number of members.
const LEAVE_MEMBERS_VERSION: i16 = 3;

/// The answer to a Heartbeat.
pub(super) fn heartbeat_reply(error: ErrorCode) -> GroupReply {
    GroupReply::Heartbeat(HeartbeatResponse { error_code: error.code(), ..HeartbeatResponse::default() })
}

/// The answer to a LeaveGroup that failed as a whole.
pub(super) fn leave_error(error: ErrorCode) -> GroupReply {
    GroupReply::LeaveGroup(LeaveGroupResponse { error_code: error.code(), ..LeaveGroupResponse::default() })
}

/// The members that a LeaveGroup of any version names: member id and instance id.
fn leaving<'a>(client: &ClientContext, request: &'a LeaveGroupRequest) -> Vec<(&'a Str, Option<&'a Str>)> {
    if client.api_version < LEAVE_MEMBERS_VERSION {
        return vec![(&request.member_id, None)];
    }
    request.members.iter().map(|m| (&m.member_id, m.group_instance_id.as_ref())).collect()
}

/// Joins the outcomes per member into an answer of the right version.
fn leave_reply(
    client: &ClientContext,
    request: &LeaveGroupRequest,
    mut leave: impl FnMut(&str, Option<&str>) -> Result<(), ErrorCode>,
) -> GroupReply {
    let mut members = Vec::new();
    for (member_id, instance_id) in leaving(client, request) {
        let outcome = leave(member_id, instance_id.map(|id| &**id));
        members.push(LeaveGroupResponseMember {
            member_id: member_id.clone(),
            group_instance_id: instance_id.cloned(),
            error_code: outcome.err().unwrap_or(ErrorCode::None).code(),
        });
    }
    let mut response = LeaveGroupResponse::default();
    if client.api_version >= LEAVE_MEMBERS_VERSION {
        response.members = members;
    } else if let Some(only) = members.first() {
        response.error_code = only.error_code;
    }
    GroupReply::LeaveGroup(response)
}

/// The answer if there is no such group: no member is known.
pub(super) fn leave_missing(client: &ClientContext, request: &LeaveGroupRequest) -> GroupReply {
    leave_reply(client, request, |_, _| Err(ErrorCode::UnknownMemberId))
}

impl Group {
    /// Decides about a Heartbeat.
    pub(super) fn heartbeat(&mut self, cx: &mut Context<'_>, call: CallId, request: &HeartbeatRequest) {
        let outcome = self.try_heartbeat(cx, request);
        cx.reply(call, heartbeat_reply(outcome.err().unwrap_or(ErrorCode::None)));
    }

    fn try_heartbeat(&mut self, cx: &mut Context<'_>, request: &HeartbeatRequest) -> Result<(), ErrorCode> {
        if self.state() == GroupState::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        self.validate_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        self.refresh_member(cx, &request.member_id);
        match self.state() {
            GroupState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            // Clients send heartbeats from the answer to their JoinGroup on.
            GroupState::CompletingRebalance | GroupState::Stable => Ok(()),
            GroupState::Empty | GroupState::Dead => Err(ErrorCode::UnknownMemberId),
        }
    }

    /// Something was heard of a member.
    pub(super) fn refresh_member(&mut self, cx: &mut Context<'_>, member_id: &str) {
        let group_id = Rc::clone(&self.id);
        if let Some(member) = self.member_mut(member_id) {
            cx.refresh(&group_id, member);
        }
    }

    /// Decides about a LeaveGroup.
    pub(super) fn leave(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        client: &ClientContext,
        request: &LeaveGroupRequest,
    ) {
        if self.state() == GroupState::Dead {
            return cx.reply(call, leave_error(ErrorCode::CoordinatorNotAvailable));
        }
        let before = self.members().len();
        let reply =
            leave_reply(client, request, |member_id, instance_id| self.leave_one(cx, member_id, instance_id));
        cx.reply(call, reply);
        if self.members().len() < before {
            self.after_departure(cx);
        } else {
            // An id that never joined may have been all that the others waited for.
            self.complete_join_if_all(cx);
        }
    }

    fn leave_one(
        &mut self,
        cx: &mut Context<'_>,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ErrorCode> {
        if member_id.is_empty() {
            // An administrator removes a static member without knowing its id of the day.
            let member = instance_id.and_then(|id| self.static_member(id)).cloned();
            let member = member.ok_or(ErrorCode::UnknownMemberId)?;
            self.drop_member(cx, &member);
        } else if self.pending.shift_remove(member_id).is_none() {
            self.validate_member(member_id, instance_id)?;
            self.drop_member(cx, member_id);
        }
        Ok(())
    }

    /// Lets a member go and answers what it waited for.
    pub(super) fn drop_member(&mut self, cx: &mut Context<'_>, member_id: &str) {
        let Some(member) = self.remove(member_id) else {
            return;
        };
        if let Some(parked) = member.join {
            cx.reply(parked.call, join_error(parked.api_version, Str::EMPTY, ErrorCode::UnknownMemberId));
        }
        if let Some(parked) = member.sync {
            cx.reply(parked.call, sync_error(ErrorCode::UnknownMemberId));
        }
    }

    /// Members are gone: the others share anew, or need not wait any longer.
    fn after_departure(&mut self, cx: &mut Context<'_>) {
        match self.state() {
            GroupState::CompletingRebalance | GroupState::Stable => self.prepare_rebalance(cx),
            GroupState::PreparingRebalance => self.complete_join_if_all(cx),
            GroupState::Empty | GroupState::Dead => {}
        }
    }

    /// Fails whatever waits in this group, which is about to be forgotten.
    pub(super) fn dismiss(&mut self, cx: &mut Context<'_>, error: ErrorCode) {
        for id in self.member_ids() {
            if let Some(parked) = self.take_join(&id) {
                cx.reply(parked.call, join_error(parked.api_version, Str::from(&*id), error));
            }
            if let Some(parked) = self.member_mut(&id).and_then(|m| m.sync.take()) {
                cx.reply(parked.call, sync_error(error));
            }
        }
    }

    /// A session is over: of a member, or of an id that never came back.
    pub(super) fn session_due(&mut self, cx: &mut Context<'_>, member_id: &str) {
        if self.pending.shift_remove(member_id).is_some() {
            return self.complete_join_if_all(cx);
        }
        if self.member(member_id).is_some_and(|m| m.may_expire()) {
            self.drop_member(cx, member_id);
            self.after_departure(cx);
        }
    }
}
