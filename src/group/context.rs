//! What a group needs around it to act: the time, the settings, and places for replies, appends and alarms.

use super::after::{After, Appends};
use super::call::GroupReply;
use super::config::GroupConfig;
use super::member::Member;
use super::records::STRING_BYTES_MAX;
use super::timers::{Kind, Timers};
use crate::base::ids::PartitionIndex;
use crate::base::random::Random;
use crate::replicated::{Append, AppendId, CallId, Effects, KeyValue};
use std::fmt::Write;
use std::rc::Rc;

/// Everything a group touches besides itself, for the time of one event.
pub(super) struct Context<'a> {
    pub(super) now_ms: i64,
    pub(super) config: &'a GroupConfig,
    pub(super) random: &'a mut Random,
    pub(super) timers: &'a mut Timers,
    pub(super) appends: &'a mut Appends,
    pub(super) effects: &'a mut Effects<GroupReply>,
}

impl Context<'_> {
    /// Answers a call.
    pub(super) fn reply(&mut self, call: CallId, reply: GroupReply) {
        self.effects.replies.push((call, reply));
    }

    /// Asks for an append and remembers what follows from it.
    pub(super) fn append(
        &mut self,
        partition: PartitionIndex,
        records: Vec<KeyValue>,
        after: After,
    ) -> AppendId {
        assert!(!records.is_empty(), "an append says something");
        let id = self.appends.add(partition, after);
        self.effects.appends.push(Append { id, partition, records });
        id
    }

    /// Starts a member's session anew.
    pub(super) fn refresh(&mut self, group: &Rc<str>, member: &mut Member) {
        let timeout_ms = i64::from(member.terms.session_timeout_ms);
        self.session_of(group, member, timeout_ms);
    }

    /// Ends a member's session in `timeout_ms`.
    pub(super) fn session_of(&mut self, group: &Rc<str>, member: &mut Member, timeout_ms: i64) {
        let kind = Kind::Session(Rc::clone(&member.id));
        self.timers.set(&mut member.session, group, kind, self.now_ms.saturating_add(timeout_ms));
    }

    /// A member id as Kafka makes them: the client's name for itself, `-`, and a UUID in its usual text form.
    pub(super) fn member_id(&mut self, prefix: &str) -> Rc<str> {
        let prefix_bytes = prefix.floor_char_boundary(STRING_BYTES_MAX - 37);
        let mut id = String::with_capacity(prefix_bytes + 37);
        id.push_str(prefix.get(..prefix_bytes).unwrap_or_default());
        id.push('-');
        for (at, byte) in self.random.uuid().get().iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                id.push('-');
            }
            let _ = write!(id, "{byte:02x}");
        }
        id.into()
    }
}
