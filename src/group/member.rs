//! A member of a classic group.

use super::timers::Alarm;
use crate::replicated::CallId;
use bytes::Bytes;
use std::rc::Rc;

/// A protocol (an assignor, for consumers) that a member can follow, with what it tells the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Protocol {
    pub(super) name: Box<str>,
    pub(super) metadata: Bytes,
}

/// A request of a member that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parked {
    pub(super) call: CallId,
    pub(super) api_version: i16,
}

/// What a member says of itself whenever it joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) rebalance_timeout_ms: i32,
    pub(super) session_timeout_ms: i32,
    /// In the member's order of preference.
    pub(super) protocols: Vec<Protocol>,
}

/// A member, from its first JoinGroup under a known id on.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: Rc<str>,
    /// Set for static members.
    pub(super) instance_id: Option<Rc<str>>,
    pub(super) client_id: Box<str>,
    pub(super) client_host: Box<str>,
    pub(super) terms: Terms,
    /// What the leader gave it in the current generation.
    pub(super) assignment: Bytes,
    /// Whether it has yet to be told its id: it cannot send heartbeats and has a session of its own length.
    pub(super) is_new: bool,
    /// Its JoinGroup that waits for the rebalance. Set through the group, which counts them.
    pub(super) join: Option<Parked>,
    /// Its SyncGroup that waits for the leader's.
    pub(super) sync: Option<Parked>,
    /// Whether it has yet to send the SyncGroup of this generation.
    pub(super) owes_sync: bool,
    pub(super) session: Alarm,
}

impl Member {
    /// The metadata for a protocol; none if the member does not follow it.
    pub(super) fn metadata(&self, protocol: &str) -> Option<&Bytes> {
        self.terms.protocols.iter().find(|p| &*p.name == protocol).map(|p| &p.metadata)
    }

    /// Whether the end of its session means anything: one that waits for the broker is alive until it is answered,
    /// unless it is new, when nobody may be left to hear the answer.
    pub(super) fn may_expire(&self) -> bool {
        self.is_new || (self.join.is_none() && self.sync.is_none())
    }
}
