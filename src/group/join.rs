//! JoinGroup: who may come in, under which id, and whether that disturbs the others.

use super::after::{After, StaticRejoin};
use super::call::{ClientContext, GroupReply};
use super::context::Context;
use super::member::{Member, Parked, Protocol, Terms};
use super::records;
use super::state::{Group, GroupState};
use super::timers::{Alarm, Kind};
use crate::replicated::CallId;
use crate::wire::Str;
use crate::wire::error::ErrorCode;
use crate::wire::messages::{JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember};
use bytes::Bytes;
use std::rc::Rc;

/// How long a member that does not know its id yet may wait for the rebalance: its client may have given up, and there
/// are no heartbeats to tell. After that its JoinGroup fails with 25.
const NEW_MEMBER_JOIN_TIMEOUT_MS: i64 = 5 * 60 * 1000;
/// From this version on a dynamic member must come back with the id that it was given.
const KNOWN_MEMBER_ID_VERSION: i16 = 4;
/// From this version on a static leader can be told to keep the assignment as it is.
const SKIP_ASSIGNMENT_VERSION: i16 = 9;
/// From this version on "no protocol" is null rather than empty.
const NULLABLE_PROTOCOL_VERSION: i16 = 7;

/// A JoinGroup in hand.
pub(super) struct Join {
    pub(super) call: CallId,
    pub(super) client: ClientContext,
    pub(super) request: JoinGroupRequest,
}

impl Join {
    fn parked(&self) -> Parked {
        Parked { call: self.call, api_version: self.client.api_version }
    }

    fn terms(&self) -> Terms {
        let request = &self.request;
        // Version 0 has no timeout of its own for rebalances.
        let own = self.client.api_version > 0 && request.rebalance_timeout_ms >= 0;
        let protocols = request.protocols.iter();
        Terms {
            rebalance_timeout_ms: if own { request.rebalance_timeout_ms } else { request.session_timeout_ms },
            session_timeout_ms: request.session_timeout_ms,
            protocols: protocols
                .map(|p| Protocol { name: (*p.name).into(), metadata: Bytes::copy_from_slice(&p.metadata) })
                .collect(),
        }
    }

    pub(super) fn refuse(&self, cx: &mut Context<'_>, member_id: Str, error: ErrorCode) {
        cx.reply(self.call, join_error(self.client.api_version, member_id, error));
    }
}

/// The answer to a JoinGroup that failed.
pub(super) fn join_error(api_version: i16, member_id: Str, error: ErrorCode) -> GroupReply {
    GroupReply::JoinGroup(JoinGroupResponse {
        error_code: error.code(),
        generation_id: -1,
        protocol_type: None,
        protocol_name: (api_version < NULLABLE_PROTOCOL_VERSION).then_some(Str::EMPTY),
        member_id,
        ..JoinGroupResponse::default()
    })
}

impl Group {
    /// Decides about a JoinGroup whose timeouts are in bounds.
    pub(super) fn join(&mut self, cx: &mut Context<'_>, join: Join) {
        if !self.has_room_for(cx.config.members_max, &join.request.member_id) {
            self.pending.shift_remove(&*join.request.member_id);
            return join.refuse(cx, Str::EMPTY, ErrorCode::GroupMaxSizeReached);
        }
        let member_id = join.request.member_id.clone();
        if self.state() == GroupState::Dead {
            return join.refuse(cx, member_id, ErrorCode::CoordinatorNotAvailable);
        }
        let names = join.request.protocols.iter().map(|p| &*p.name);
        if !self.supports(&join.request.protocol_type, names) {
            return join.refuse(cx, member_id, ErrorCode::InconsistentGroupProtocol);
        }
        if member_id.is_empty() { self.join_unknown(cx, join) } else { self.join_known(cx, join) }
    }

    /// A member that waits for the rebalance already has its seat; a new one needs a free one.
    fn has_room_for(&self, members_max: usize, member_id: &str) -> bool {
        let member = self.member(member_id);
        match self.state() {
            GroupState::Empty | GroupState::Dead => true,
            GroupState::PreparingRebalance => {
                member.is_some_and(|m| m.join.is_some()) || self.awaiting_join() < members_max
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                member.is_some() || self.members().len() < members_max
            }
        }
    }

    fn join_unknown(&mut self, cx: &mut Context<'_>, join: Join) {
        let prefix = join.request.group_instance_id.as_ref().unwrap_or(&join.client.client_id);
        let member_id = cx.member_id(prefix);
        let Some(instance_id) = &join.request.group_instance_id else {
            if join.client.api_version >= KNOWN_MEMBER_ID_VERSION {
                return self.hand_out_id(cx, &join, member_id);
            }
            return self.add_and_rebalance(cx, &join, member_id);
        };
        match self.static_member(instance_id).cloned() {
            Some(old_id) => self.rejoin_static(cx, &join, old_id, member_id),
            None => self.add_and_rebalance(cx, &join, member_id),
        }
    }

    /// The id is kept for a session, without a seat; joins of others wait for it to come back.
    fn hand_out_id(&mut self, cx: &mut Context<'_>, join: &Join, member_id: Rc<str>) {
        let deadline_ms = cx.now_ms.saturating_add(i64::from(join.request.session_timeout_ms));
        let mut alarm = Alarm::default();
        cx.timers.set(&mut alarm, &self.id, Kind::Session(Rc::clone(&member_id)), deadline_ms);
        join.refuse(cx, Str::from(&*member_id), ErrorCode::MemberIdRequired);
        self.pending.insert(member_id, alarm);
    }

    fn join_known(&mut self, cx: &mut Context<'_>, join: Join) {
        let member_id = join.request.member_id.clone();
        let instance_id = join.request.group_instance_id.as_deref();
        if let Some(pending) = self.pending.get_key_value(&*member_id).map(|(id, _)| Rc::clone(id)) {
            if instance_id.is_some() {
                // Such an id was never given to a static member.
                return join.refuse(cx, member_id, ErrorCode::UnknownMemberId);
            }
            return self.add_and_rebalance(cx, &join, pending);
        }
        if let Err(error) = self.validate_member(&member_id, instance_id) {
            return join.refuse(cx, member_id, error);
        }
        let terms = join.terms();
        let unchanged = self.member(&member_id).is_some_and(|m| m.terms.protocols == terms.protocols);
        let current = match self.state() {
            GroupState::PreparingRebalance => false,
            GroupState::CompletingRebalance => unchanged,
            // The leader asks for a rebalance by joining: only it can know that the topics have changed.
            GroupState::Stable => unchanged && !self.is_leader(&member_id),
            GroupState::Empty | GroupState::Dead => {
                return join.refuse(cx, member_id, ErrorCode::UnknownMemberId);
            }
        };
        if current {
            // Its earlier answer was lost.
            let response = self.joined(&member_id);
            return cx.reply(join.call, GroupReply::JoinGroup(response));
        }
        self.update(&member_id, terms);
        self.park(cx, &member_id, join.parked());
        self.rebalance_or_complete(cx);
    }

    /// Parks a JoinGroup. A member has one at a time: whoever sent the one before has come back to ask again.
    fn park(&mut self, cx: &mut Context<'_>, member_id: &str, parked: Parked) {
        if let Some(before) = self.park_join(member_id, parked) {
            let reply = join_error(before.api_version, Str::from(member_id), ErrorCode::RebalanceInProgress);
            cx.reply(before.call, reply);
        }
    }

    fn add_and_rebalance(&mut self, cx: &mut Context<'_>, join: &Join, member_id: Rc<str>) {
        if self.state() == GroupState::PreparingRebalance && self.previous_state() == GroupState::Empty {
            self.new_member_added = true;
        }
        let mut member = Member {
            id: member_id,
            instance_id: join.request.group_instance_id.as_deref().map(Rc::from),
            client_id: (*join.client.client_id).into(),
            client_host: (*join.client.client_host).into(),
            terms: join.terms(),
            assignment: Bytes::new(),
            is_new: true,
            join: Some(join.parked()),
            sync: None,
            owes_sync: false,
            session: Alarm::default(),
        };
        cx.session_of(&self.id, &mut member, NEW_MEMBER_JOIN_TIMEOUT_MS);
        self.add(member, &join.request.protocol_type);
        self.rebalance_or_complete(cx);
    }

    /// A static member came back without its id: the new id takes the old one's place and assignment, and whoever still
    /// uses the old one is fenced.
    fn rejoin_static(&mut self, cx: &mut Context<'_>, join: &Join, old_id: Rc<str>, new_id: Rc<str>) {
        let leader_before = self.leader.clone();
        let fenced = (self.take_join(&old_id), self.member_mut(&old_id).and_then(|m| m.sync.take()));
        if let Some(parked) = fenced.0 {
            let reply = join_error(parked.api_version, Str::from(&*old_id), ErrorCode::FencedInstanceId);
            cx.reply(parked.call, reply);
        }
        if let Some(parked) = fenced.1 {
            cx.reply(parked.call, super::sync::sync_error(ErrorCode::FencedInstanceId));
        }
        self.rename(&old_id, &new_id);
        let terms_before = self.update(&new_id, join.terms());
        self.park(cx, &new_id, join.parked());
        let group_id = Rc::clone(&self.id);
        if let Some(member) = self.member_mut(&new_id) {
            cx.refresh(&group_id, member);
        }
        match self.state() {
            // Unless the choice of protocol changes, nobody else needs to know.
            GroupState::Stable if self.select_protocol() == self.protocol => {
                let record = records::group_metadata(self, None);
                let rejoin = StaticRejoin {
                    generation: self.generation,
                    old_id,
                    new_id,
                    call: join.call,
                    leader_before,
                    terms_before,
                };
                cx.append(self.partition, vec![record], After::StaticRejoin(Rc::clone(&self.id), rejoin));
            }
            // The old id may be on its way to the leader: its assignment would name a member that is gone.
            _ => self.rebalance_or_complete(cx),
        }
    }

    /// The record of a new id for a static member landed, or did not.
    pub(super) fn static_rejoined(
        &mut self,
        cx: &mut Context<'_>,
        rejoin: StaticRejoin,
        failed: Option<ErrorCode>,
    ) {
        let new_id = &rejoin.new_id;
        let waits = self.member(new_id).and_then(|m| m.join).is_some_and(|parked| parked.call == rejoin.call);
        if !waits || self.state() != GroupState::Stable || self.generation != rejoin.generation {
            // A rebalance has taken over and answers, or has answered.
            return;
        }
        let Some(parked) = self.take_join(new_id) else {
            return;
        };
        if let Some(error) = failed {
            if let Some(terms) = rejoin.terms_before {
                self.update(new_id, terms);
            }
            self.rename(new_id, &rejoin.old_id);
            let group_id = Rc::clone(&self.id);
            if let Some(member) = self.member_mut(&rejoin.old_id) {
                cx.refresh(&group_id, member);
            }
            return cx.reply(parked.call, join_error(parked.api_version, Str::EMPTY, error));
        }
        let mut response = self.joined(new_id);
        if parked.api_version >= SKIP_ASSIGNMENT_VERSION {
            response.skip_assignment = self.is_leader(new_id);
        } else {
            // An older leader would assign anew if it learned that it leads: it is told the id it had.
            response.members = Vec::new();
            response.leader = Str::from(rejoin.leader_before.as_deref().unwrap_or_default());
        }
        cx.reply(parked.call, GroupReply::JoinGroup(response));
    }

    /// The answer to a member that is in: the leader gets all members.
    pub(super) fn joined(&self, member_id: &str) -> JoinGroupResponse {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let members = if self.is_leader(member_id) {
            let member = |m: &Member| JoinGroupResponseMember {
                member_id: Str::from(&*m.id),
                group_instance_id: m.instance_id.as_deref().map(Str::from),
                metadata: m.metadata(protocol).cloned().unwrap_or_default(),
            };
            self.members().map(member).collect()
        } else {
            Vec::new()
        };
        JoinGroupResponse {
            error_code: ErrorCode::None.code(),
            generation_id: self.generation,
            protocol_type: self.protocol_type.as_deref().map(Str::from),
            protocol_name: Some(Str::from(protocol)),
            leader: Str::from(self.leader.as_deref().unwrap_or_default()),
            member_id: Str::from(member_id),
            members,
            ..JoinGroupResponse::default()
        }
    }

    /// Whether a request may speak for this member.
    pub(super) fn validate_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance_id) = instance_id {
            match self.static_member(instance_id) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(current) if &**current != member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.member(member_id).is_none() { Err(ErrorCode::UnknownMemberId) } else { Ok(()) }
    }
}
