//! The join phase: when it begins, how long it waits and how it ends.

use super::after::After;
use super::call::GroupReply;
use super::context::Context;
use super::records;
use super::state::{Group, GroupState, InitialDelay};
use super::timers::Kind;
use crate::wire::error::ErrorCode;
use std::rc::Rc;

/// The least that a group waits for static members to come back, whatever they ask for: each wait costs a look.
const STATIC_WAIT_MS_MIN: i64 = 1_000;

impl Group {
    /// The first record of a new group: it exists from here on, whatever becomes of its members.
    pub(super) fn announce(&mut self, cx: &mut Context<'_>) {
        self.announced = true;
        let record = records::new_group(&self.id, self.state_since_ms);
        cx.append(self.partition, vec![record], After::Nothing);
    }

    /// After a change of members or of what they support.
    pub(super) fn rebalance_or_complete(&mut self, cx: &mut Context<'_>) {
        match self.state() {
            GroupState::Empty | GroupState::CompletingRebalance | GroupState::Stable => {
                self.prepare_rebalance(cx)
            }
            GroupState::PreparingRebalance => self.complete_join_if_all(cx),
            GroupState::Dead => {}
        }
    }

    /// Everybody has to join again; heartbeats say so.
    pub(super) fn prepare_rebalance(&mut self, cx: &mut Context<'_>) {
        if self.state() == GroupState::CompletingRebalance {
            self.reset_assignments(cx, ErrorCode::RebalanceInProgress);
        }
        self.sync_alarm.cancel();
        let initial = self.state() == GroupState::Empty;
        self.transition(GroupState::PreparingRebalance, cx.now_ms);
        self.initial = None;
        if initial {
            // More members are likely to follow: each rebalance that they would cause costs more than this wait.
            let delay_ms = i64::from(cx.config.initial_rebalance_delay_ms);
            let remaining_ms = (self.rebalance_timeout_ms() - delay_ms).max(0);
            self.initial = Some(InitialDelay { delay_ms, remaining_ms });
            self.new_member_added = false;
            self.arm_join(cx, delay_ms);
        } else if self.all_joined() {
            self.complete_join(cx);
        } else {
            let timeout_ms = self.rebalance_timeout_ms();
            self.arm_join(cx, timeout_ms);
        }
    }

    fn arm_join(&mut self, cx: &mut Context<'_>, in_ms: i64) {
        cx.timers.set(&mut self.join_alarm, &self.id, Kind::Join, cx.now_ms.saturating_add(in_ms));
    }

    /// Ends the join phase if nobody is missing, unless the delay of a new group is still running.
    pub(super) fn complete_join_if_all(&mut self, cx: &mut Context<'_>) {
        let joining = self.state() == GroupState::PreparingRebalance && self.initial.is_none();
        if joining && self.all_joined() {
            self.complete_join(cx);
        }
    }

    /// The time of the join phase, or of its initial delay, is over.
    pub(super) fn join_due(&mut self, cx: &mut Context<'_>) {
        if self.state() != GroupState::PreparingRebalance {
            return;
        }
        match self.initial {
            Some(InitialDelay { delay_ms, remaining_ms }) if self.new_member_added && remaining_ms > 0 => {
                self.new_member_added = false;
                let next_ms = i64::from(cx.config.initial_rebalance_delay_ms).min(remaining_ms);
                let remaining_ms = (remaining_ms - delay_ms).max(0);
                self.initial = Some(InitialDelay { delay_ms: next_ms, remaining_ms });
                self.arm_join(cx, next_ms);
            }
            _ => self.complete_join(cx),
        }
    }

    /// Ends the join phase with those who have joined: the others are dropped if they are dynamic, and keep their place
    /// if they are static, for their session's length.
    fn complete_join(&mut self, cx: &mut Context<'_>) {
        self.join_alarm.cancel();
        self.initial = None;
        for id in self.member_ids() {
            let missing = self.member(&id).is_some_and(|m| m.join.is_none() && m.instance_id.is_none());
            if missing {
                self.remove(&id);
            }
        }
        if self.members().len() == 0 {
            self.next_generation(cx.now_ms);
            let record = records::group_metadata(self, None);
            cx.append(self.partition, vec![record], After::Nothing);
            return;
        }
        if !self.elect_joined_leader() {
            // Only static members, none of them back: wait until sessions end or somebody joins.
            let timeout_ms = self.rebalance_timeout_ms().max(STATIC_WAIT_MS_MIN);
            return self.arm_join(cx, timeout_ms);
        }
        self.next_generation(cx.now_ms);
        for id in self.member_ids() {
            if let Some(parked) = self.take_join(&id) {
                let response = self.joined(&id);
                cx.reply(parked.call, GroupReply::JoinGroup(response));
            }
            let group_id = Rc::clone(&self.id);
            if let Some(member) = self.member_mut(&id) {
                cx.refresh(&group_id, member);
                member.is_new = false;
                member.owes_sync = true;
            }
        }
        let deadline_ms = cx.now_ms.saturating_add(self.rebalance_timeout_ms());
        cx.timers.set(&mut self.sync_alarm, &self.id, Kind::Sync, deadline_ms);
    }

    /// Members that have not sent a SyncGroup within the rebalance timeout make way.
    pub(super) fn sync_due(&mut self, cx: &mut Context<'_>) {
        if !matches!(self.state(), GroupState::CompletingRebalance | GroupState::Stable) {
            return;
        }
        let late: Vec<_> = self.members().filter(|m| m.owes_sync).map(|m| Rc::clone(&m.id)).collect();
        if late.is_empty() {
            return;
        }
        for id in late {
            self.drop_member(cx, &id);
        }
        self.prepare_rebalance(cx);
    }
}
