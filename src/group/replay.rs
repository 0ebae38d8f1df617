//! A log read back: records in their order make the groups that wrote them. What arrives by replay and what is applied
//! on commit ends in the same state.

use super::config::GroupConfig;
use super::context::Context;
use super::member::{Member, Protocol, Terms};
use super::state::{Group, GroupState};
use super::timers::Alarm;
use crate::base::ids::PartitionIndex;
use crate::wire::records::{GroupMetadataValue, GroupMetadataValueMemberMetadata};
use bytes::Bytes;
use std::rc::Rc;

/// An empty old string field and an absent one mean the same.
fn present(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn member(value: &GroupMetadataValueMemberMetadata, protocol: &str) -> Member {
    // Version 0 had one timeout for both.
    let rebalance_ms = value.rebalance_timeout;
    let protocol = Protocol { name: protocol.into(), metadata: Bytes::copy_from_slice(&value.subscription) };
    Member {
        id: Rc::from(&*value.member_id),
        instance_id: value.group_instance_id.as_deref().map(Rc::from),
        client_id: (*value.client_id).into(),
        client_host: (*value.client_host).into(),
        terms: Terms {
            rebalance_timeout_ms: if rebalance_ms == -1 { value.session_timeout } else { rebalance_ms },
            session_timeout_ms: value.session_timeout,
            protocols: vec![protocol],
        },
        assignment: Bytes::copy_from_slice(&value.assignment),
        is_new: false,
        join: None,
        sync: None,
        owes_sync: false,
        session: Alarm::default(),
    }
}

impl Group {
    /// The group that a record describes; its offsets are those of `before`.
    pub(super) fn from_record(
        id: Rc<str>,
        partition: PartitionIndex,
        value: &GroupMetadataValue,
        before: Option<Self>,
    ) -> Self {
        let since_ms = Some(value.current_state_timestamp).filter(|since_ms| *since_ms != -1);
        let mut group = Self::new(id, partition, since_ms);
        group.offsets = before.map(|group| group.offsets).unwrap_or_default();
        group.generation = value.generation;
        let protocol = value.protocol.as_deref();
        for value in &value.members {
            // A record of ours never names a member or an instance twice; of two the first counts.
            let known = group.member(&value.member_id).is_some()
                || value.group_instance_id.as_deref().is_some_and(|id| group.static_member(id).is_some());
            if !known {
                group.add_loaded(member(value, protocol.unwrap_or_default()));
            }
        }
        group.protocol_type = present(&value.protocol_type).map(Box::from);
        group.protocol = protocol.map(Box::from);
        group.leader = value.leader.as_deref().map(Rc::from);
        if group.members().len() > 0 {
            group.restore(GroupState::Stable);
        }
        group.subscribed = group.compute_subscribed();
        group
    }

    fn add_loaded(&mut self, member: Member) {
        let protocol_type = self.protocol_type.clone().unwrap_or_default();
        self.add(member, &protocol_type);
    }

    /// The metadata was deleted: what remains is a group that only has offsets, if it has any.
    pub(super) fn without_metadata(self) -> Option<Self> {
        if self.offsets.is_empty() {
            return None;
        }
        let mut group = Self::new(self.id, self.partition, None);
        group.offsets = self.offsets;
        Some(group)
    }

    /// The log has been read to its end: sessions begin to run, and a group that the settings have become too small for
    /// asks its members to join again.
    pub(super) fn loaded(&mut self, cx: &mut Context<'_>) {
        let group_id = Rc::clone(&self.id);
        for member in self.members_mut() {
            cx.refresh(&group_id, member);
        }
        if self.members().len() > cx.config.members_max {
            self.prepare_rebalance(cx);
        }
    }

    /// Whether the record of this group says what it is now; for tests and assertions of the replay property.
    #[cfg(test)]
    pub(super) fn snapshot(&self) -> String {
        format!(
            "{} {:?} generation {} {:?}/{:?} leader {:?} members {:?} offsets {:?}",
            self.id,
            self.state(),
            self.generation,
            self.protocol_type,
            self.protocol,
            self.leader,
            self.members().map(|m| (&m.id, &m.instance_id, &m.assignment)).collect::<Vec<_>>(),
            self.offsets.committed(),
        )
    }
}

impl GroupConfig {
    /// When expired offsets are looked for next.
    pub(super) fn next_expiry_check_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(self.offsets_retention_check_interval_ms.max(1))
    }
}
