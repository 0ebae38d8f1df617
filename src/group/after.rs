//! What follows when an append has landed, or has failed.

use super::member::Terms;
use super::offsets::Committed;
use super::sync::Assignment;
use crate::base::ids::PartitionIndex;
use crate::replicated::{AppendId, CallId};
use crate::wire::messages::{OffsetCommitResponse, OffsetDeleteResponse};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A topic's name and the number of a partition.
pub(super) type TopicPartition = (Rc<str>, i32);

/// A static member that came back under a new id, while its record is on its way.
#[derive(Debug)]
pub(super) struct StaticRejoin {
    pub(super) generation: i32,
    pub(super) old_id: Rc<str>,
    pub(super) new_id: Rc<str>,
    pub(super) call: CallId,
    pub(super) leader_before: Option<Rc<str>>,
    pub(super) terms_before: Option<Terms>,
}

/// What an append was for.
#[derive(Debug)]
pub(super) enum After {
    /// Nobody waits for it, and its failure changes nothing: the next record of the group says it again.
    Nothing,
    /// The leader's assignment.
    Assignment { group: Rc<str>, generation: i32, assignment: Assignment },
    /// A static member's new id.
    StaticRejoin(Rc<str>, StaticRejoin),
    /// A commit.
    Commit {
        group: Rc<str>,
        call: CallId,
        offsets: Vec<(TopicPartition, Committed)>,
        response: OffsetCommitResponse,
    },
    /// Offsets deleted by request.
    OffsetDelete { group: Rc<str>, call: CallId, gone: Vec<TopicPartition>, response: OffsetDeleteResponse },
    /// Offsets expired, or their topics gone.
    Forgotten { group: Rc<str>, gone: Vec<TopicPartition> },
    /// A whole group deleted: by this call, or because it was empty for long enough.
    Deleted { group: Rc<str>, call: Option<CallId> },
}

/// The appends whose outcome is awaited.
#[derive(Debug, Default)]
pub(super) struct Appends {
    last: u64,
    waiting: BTreeMap<AppendId, (PartitionIndex, After)>,
}

impl Appends {
    /// Remembers what follows; the id is new.
    pub(super) fn add(&mut self, partition: PartitionIndex, after: After) -> AppendId {
        self.last += 1;
        let id = AppendId::new(self.last);
        self.waiting.insert(id, (partition, after));
        id
    }

    /// What follows from an append; none if its partition was unloaded meanwhile.
    pub(super) fn take(&mut self, id: AppendId) -> Option<After> {
        self.waiting.remove(&id).map(|(_, after)| after)
    }

    /// What was awaited of a partition that goes away.
    pub(super) fn take_all_of(&mut self, partition: PartitionIndex) -> Vec<After> {
        let ids: Vec<_> =
            self.waiting.iter().filter(|(_, (of, _))| *of == partition).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.take(id)).collect()
    }
}
