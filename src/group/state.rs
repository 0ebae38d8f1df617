//! A classic group: its state, its members and the choice of leader and protocol. Nothing here answers anybody.
//!
//! ```text
//! Empty ──join──▶ PreparingRebalance ──all joined, or timeout──▶ CompletingRebalance ──leader's sync──▶ Stable
//!   ▲                  │        ▲◀──────────────── join, leave, expiry ──────┴─────────────────────────────┘
//!   └── nobody left ───┘
//! Empty ──deletion or expiry asked for──▶ Dead ──tombstones durable──▶ gone (back to Empty if they fail)
//! ```

use super::member::{Member, Parked, Protocol, Terms};
use super::offsets::Offsets;
use super::subscription;
use super::timers::{Alarm, Kind};
use crate::base::ids::PartitionIndex;
use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// Kafka's names for what a classic group is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupState {
    /// No members; maybe offsets.
    Empty,
    /// Waits for members to (re)join.
    PreparingRebalance,
    /// Waits for the leader's assignment.
    CompletingRebalance,
    /// Every member has its assignment.
    Stable,
    /// Its deletion is on its way to the log.
    Dead,
}

impl GroupState {
    /// As DescribeGroups and ListGroups spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

/// What remains of the delay before an empty group's first rebalance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InitialDelay {
    /// How long the running wait is.
    pub(super) delay_ms: i64,
    /// How much longer it may be extended in all.
    pub(super) remaining_ms: i64,
}

/// A classic group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: Rc<str>,
    pub(super) partition: PartitionIndex,
    state: GroupState,
    previous: GroupState,
    /// Since when it is in its state; none if the record it came from does not say.
    pub(super) state_since_ms: Option<i64>,
    pub(super) protocol_type: Option<Box<str>>,
    /// The protocol that all members follow in this generation.
    pub(super) protocol: Option<Box<str>>,
    pub(super) generation: i32,
    pub(super) leader: Option<Rc<str>>,
    members: IndexMap<Rc<str>, Member>,
    statics: HashMap<Rc<str>, Rc<str>>,
    /// Ids that were handed out (MEMBER_ID_REQUIRED) and have not joined yet.
    pub(super) pending: IndexMap<Rc<str>, Alarm>,
    /// How many members can follow each protocol.
    supported: HashMap<Box<str>, usize>,
    awaiting_join: usize,
    /// Whether somebody joined during the initial delay.
    pub(super) new_member_added: bool,
    pub(super) initial: Option<InitialDelay>,
    pub(super) join_alarm: Alarm,
    pub(super) sync_alarm: Alarm,
    /// Topics whose offsets are in use; none if that is not known.
    pub(super) subscribed: Option<BTreeSet<Box<str>>>,
    pub(super) offsets: Offsets,
    /// Whether a record of it stands in the log, or is on its way.
    pub(super) announced: bool,
}

impl Group {
    /// A group without members, as a JoinGroup, a commit or a record makes it.
    pub(super) fn new(id: Rc<str>, partition: PartitionIndex, since_ms: Option<i64>) -> Self {
        Self {
            id,
            partition,
            state: GroupState::Empty,
            previous: GroupState::Empty,
            state_since_ms: since_ms,
            protocol_type: None,
            protocol: None,
            generation: 0,
            leader: None,
            members: IndexMap::new(),
            statics: HashMap::new(),
            pending: IndexMap::new(),
            supported: HashMap::new(),
            awaiting_join: 0,
            new_member_added: false,
            initial: None,
            join_alarm: Alarm::default(),
            sync_alarm: Alarm::default(),
            subscribed: None,
            offsets: Offsets::default(),
            announced: false,
        }
    }

    pub(super) fn state(&self) -> GroupState {
        self.state
    }

    pub(super) fn previous_state(&self) -> GroupState {
        self.previous
    }

    /// Goes to `state`; the time counts for the expiry of offsets.
    pub(super) fn transition(&mut self, state: GroupState, now_ms: i64) {
        use GroupState::{CompletingRebalance, Dead, Empty, PreparingRebalance, Stable};
        assert!(
            matches!(
                (self.state, state),
                (Empty | CompletingRebalance | Stable, PreparingRebalance)
                    | (PreparingRebalance, CompletingRebalance | Empty)
                    | (CompletingRebalance, Stable)
                    | (Empty, Dead)
                    | (Dead, Empty)
            ),
            "no group goes from {:?} to {state:?}",
            self.state
        );
        self.previous = self.state;
        self.state = state;
        if state != Dead && self.previous != Dead {
            self.state_since_ms = Some(now_ms);
        }
        assert!(state != Empty || self.members.is_empty());
    }

    /// The state that a record describes.
    pub(super) fn restore(&mut self, state: GroupState) {
        self.state = state;
        self.previous = GroupState::Empty;
    }

    /// Whether offsets are kept for whole-group consumers rather than by a stand-alone one.
    pub(super) fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(subscription::PROTOCOL_TYPE)
    }

    /// Whether members read `topic`. Not knowing counts as yes for consumers, and as no for others.
    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => self.uses_consumer_protocol(),
        }
    }

    pub(super) fn member(&self, id: &str) -> Option<&Member> {
        self.members.get(id)
    }

    pub(super) fn member_mut(&mut self, id: &str) -> Option<&mut Member> {
        self.members.get_mut(id)
    }

    pub(super) fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.members.values()
    }

    pub(super) fn members_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Member> {
        self.members.values_mut()
    }

    /// The alarm of this kind; none if the member, or the id that was handed out, is gone.
    pub(super) fn alarm(&mut self, kind: &Kind) -> Option<&mut Alarm> {
        match kind {
            Kind::Join => Some(&mut self.join_alarm),
            Kind::Sync => Some(&mut self.sync_alarm),
            Kind::Session(id) => match self.members.get_mut(id) {
                Some(member) => Some(&mut member.session),
                None => self.pending.get_mut(id),
            },
        }
    }

    pub(super) fn member_ids(&self) -> Vec<Rc<str>> {
        self.members.keys().cloned().collect()
    }

    /// The member id that an instance id has now.
    pub(super) fn static_member(&self, instance_id: &str) -> Option<&Rc<str>> {
        self.statics.get(instance_id)
    }

    pub(super) fn is_leader(&self, id: &str) -> bool {
        self.leader.as_deref() == Some(id)
    }

    pub(super) fn awaiting_join(&self) -> usize {
        self.awaiting_join
    }

    /// Whether nobody is missing in the join phase.
    pub(super) fn all_joined(&self) -> bool {
        self.awaiting_join == self.members.len() && self.pending.is_empty()
    }

    /// The longest time that a member asks to be given for rejoining.
    pub(super) fn rebalance_timeout_ms(&self) -> i64 {
        self.members.values().map(|m| i64::from(m.terms.rebalance_timeout_ms)).max().unwrap_or(0)
    }

    /// Whether a member with these protocols fits in.
    pub(super) fn supports<'a>(&self, protocol_type: &str, mut names: impl Iterator<Item = &'a str>) -> bool {
        if self.state == GroupState::Empty {
            return !protocol_type.is_empty() && names.next().is_some();
        }
        self.protocol_type.as_deref() == Some(protocol_type) && names.any(|name| self.all_support(name))
    }

    fn all_support(&self, protocol: &str) -> bool {
        self.supported.get(protocol).copied().unwrap_or(0) == self.members.len()
    }

    /// Takes in a member. Its id and its instance id must be free.
    pub(super) fn add(&mut self, member: Member, protocol_type: &str) {
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type.into());
        }
        assert_eq!(self.protocol_type.as_deref(), Some(protocol_type));
        if let Some(instance_id) = &member.instance_id {
            let before = self.statics.insert(Rc::clone(instance_id), Rc::clone(&member.id));
            assert!(before.is_none(), "an instance has one member");
        }
        if self.leader.is_none() {
            self.leader = Some(Rc::clone(&member.id));
        }
        self.count_protocols(&member.terms.protocols, true);
        self.awaiting_join += usize::from(member.join.is_some());
        self.pending.shift_remove(&member.id);
        let before = self.members.insert(Rc::clone(&member.id), member);
        assert!(before.is_none(), "a member joins once");
    }

    /// Lets a member go, whose parked requests the caller answers.
    pub(super) fn remove(&mut self, id: &str) -> Option<Member> {
        let member = self.members.shift_remove(id)?;
        self.count_protocols(&member.terms.protocols, false);
        self.awaiting_join -= usize::from(member.join.is_some());
        if let Some(instance_id) = &member.instance_id {
            self.statics.remove(instance_id);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    /// Gives a static member a new id in its old place. The caller has answered what was parked.
    pub(super) fn rename(&mut self, old_id: &str, new_id: &Rc<str>) {
        let Some((place, _, mut member)) = self.members.shift_remove_full(old_id) else {
            return;
        };
        assert!(member.join.is_none() && member.sync.is_none());
        member.id = Rc::clone(new_id);
        member.session = Alarm::default();
        if let Some(instance_id) = &member.instance_id {
            self.statics.insert(Rc::clone(instance_id), Rc::clone(new_id));
        }
        if self.is_leader(old_id) {
            self.leader = Some(Rc::clone(new_id));
        }
        self.members.shift_insert(place, Rc::clone(new_id), member);
    }

    /// What a member says anew; answers what it said before.
    pub(super) fn update(&mut self, id: &str, terms: Terms) -> Option<Terms> {
        self.count_protocols(&terms.protocols, true);
        let before = std::mem::replace(&mut self.members.get_mut(id)?.terms, terms);
        self.count_protocols(&before.protocols, false);
        Some(before)
    }

    /// Parks a JoinGroup; answers the one that it takes the place of.
    pub(super) fn park_join(&mut self, id: &str, parked: Parked) -> Option<Parked> {
        let before = self.members.get_mut(id)?.join.replace(parked);
        self.awaiting_join += usize::from(before.is_none());
        before
    }

    /// Takes the parked JoinGroup of a member.
    pub(super) fn take_join(&mut self, id: &str) -> Option<Parked> {
        let parked = self.members.get_mut(id)?.join.take();
        self.awaiting_join -= usize::from(parked.is_some());
        parked
    }

    /// Makes sure that the leader takes part. False if no member has rejoined (or there is none).
    pub(super) fn elect_joined_leader(&mut self) -> bool {
        let Some(leader) = self.leader.as_deref() else {
            return false;
        };
        if self.members.get(leader).is_some_and(|m| m.join.is_some()) {
            return true;
        }
        let joined = self.members.values().find(|m| m.join.is_some()).map(|m| Rc::clone(&m.id));
        let found = joined.is_some();
        if found {
            self.leader = joined;
        }
        found
    }

    /// Starts the next generation with those who are here.
    pub(super) fn next_generation(&mut self, now_ms: i64) {
        // A generation is never negative: -1 means "none" to clients.
        self.generation = if self.generation == i32::MAX { 0 } else { self.generation + 1 };
        self.protocol = self.select_protocol();
        self.subscribed = self.compute_subscribed();
        let empty = self.members.is_empty();
        self.transition(if empty { GroupState::Empty } else { GroupState::CompletingRebalance }, now_ms);
    }

    /// The protocol with most votes among those that all members support; each member votes for the first of its own
    /// list. Between equals the one voted for first.
    pub(super) fn select_protocol(&self) -> Option<Box<str>> {
        let mut votes: IndexMap<&str, usize> = IndexMap::new();
        for member in self.members.values() {
            let vote = member.terms.protocols.iter().find(|p| self.all_support(&p.name));
            if let Some(protocol) = vote {
                *votes.entry(&protocol.name).or_default() += 1;
            }
        }
        let most = votes.values().copied().max()?;
        votes.iter().find(|(_, count)| **count == most).map(|(name, _)| (*name).into())
    }

    /// The topics of all members, if this is a consumer group and all of them can be read.
    pub(super) fn compute_subscribed(&self) -> Option<BTreeSet<Box<str>>> {
        if !self.uses_consumer_protocol() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol.as_deref()?;
        let mut all = BTreeSet::new();
        for member in self.members.values() {
            all.extend(subscription::topics(member.metadata(protocol)?)?.into_iter().map(Box::from));
        }
        Some(all)
    }

    fn count_protocols(&mut self, protocols: &[Protocol], add: bool) {
        for (at, protocol) in protocols.iter().enumerate() {
            // A name that is given twice counts once.
            if protocols.iter().take(at).any(|earlier| earlier.name == protocol.name) {
                continue;
            }
            let count = self.supported.entry(protocol.name.clone()).or_default();
            *count = if add { *count + 1 } else { count.saturating_sub(1) };
            if *count == 0 {
                self.supported.remove(&protocol.name);
            }
        }
    }
}
