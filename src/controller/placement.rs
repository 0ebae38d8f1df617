//! Where replicas go.

use super::error::{AssignmentError, TopicError};
use crate::base::ids::{BrokerId, PartitionIndex, TopicId, Uuid};
use crate::image::{BrokerImage, Image};
use crate::wire::records::PartitionRecord;
use std::collections::BTreeMap;

/// In a partition's list of directories: the broker has several and has not chosen yet.
pub(super) const DIRECTORY_UNASSIGNED: Uuid = Uuid::from_u128(1);

/// The brokers of a cluster in the order in which replicas are dealt out.
pub(super) struct Placement {
    /// Those that can lead now; neighbours are in different racks as far as possible.
    live: Vec<BrokerId>,
    /// Fenced ones: taken only where the others do not suffice, and never first.
    fenced: Vec<BrokerId>,
}

impl Placement {
    pub(super) fn new(image: &Image) -> Self {
        let open = |broker: &&BrokerImage| !all_cordoned(broker);
        let (live, fenced): (Vec<_>, Vec<_>) =
            image.brokers().filter(open).partition(|broker| is_active(broker));
        Self { live: by_turns(live), fenced: by_turns(fenced) }
    }

    /// The replicas of a topic's partition, the leader first. Consecutive partitions begin at consecutive brokers; the
    /// topic's id decides where the first begins, and every round through the brokers shifts the followers.
    pub(super) fn replicas(
        &self,
        topic_id: TopicId,
        partition: PartitionIndex,
        factor: i16,
    ) -> Result<Vec<BrokerId>, TopicError> {
        let wanted = usize::try_from(factor).unwrap_or(0);
        let brokers = self.live.len() + self.fenced.len();
        if self.live.is_empty() {
            return Err(TopicError::AllFenced { factor });
        }
        if wanted > brokers {
            return Err(TopicError::TooFewBrokers { factor, brokers });
        }
        let offset = (u128::from_be_bytes(topic_id.get()) % self.live.len() as u128) as usize;
        let place = offset + partition.get().unsigned_abs() as usize;
        let round = place / self.live.len();
        let first = self.live.iter().cycle().skip(place % self.live.len()).take(1);
        let followers = self.live.len() - 1;
        let shift = if followers == 0 { 0 } else { round % followers };
        let after = (0..followers).map(|step| 1 + (shift + step) % followers);
        let rest = after.filter_map(|step| self.live.get((place + step) % self.live.len()));
        Ok(first.chain(rest).chain(&self.fenced).take(wanted).copied().collect())
    }
}

/// Whether a broker may lead now.
pub(super) fn is_active(broker: &BrokerImage) -> bool {
    !broker.fenced && !broker.in_controlled_shutdown
}

fn all_cordoned(broker: &BrokerImage) -> bool {
    let cordoned = broker.cordoned_log_dirs.as_deref().unwrap_or_default();
    !broker.log_dirs.is_empty() && broker.log_dirs.iter().all(|dir| cordoned.contains(dir))
}

/// The brokers by id, one of each rack in turn.
fn by_turns(brokers: Vec<&BrokerImage>) -> Vec<BrokerId> {
    let mut racks: BTreeMap<Option<&str>, Vec<BrokerId>> = BTreeMap::new();
    for broker in brokers {
        racks.entry(broker.rack.as_deref()).or_default().push(broker.id);
    }
    let longest = racks.values().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|turn| racks.values().filter_map(move |rack| rack.get(turn).copied())).collect()
}

/// Checks the replicas that a client chose for one partition; `previous` is how many the partitions before have.
pub(super) fn check_assignment(
    image: &Image,
    replicas: &[BrokerId],
    previous: Option<usize>,
) -> Result<(), AssignmentError> {
    if replicas.is_empty() {
        return Err(AssignmentError::Empty);
    }
    let mut sorted = replicas.to_vec();
    sorted.sort();
    let mut last = None;
    for id in sorted {
        if image.broker(id).is_none() {
            return Err(AssignmentError::UnknownBroker(id));
        }
        if last == Some(id) {
            return Err(AssignmentError::BrokerTwice(id));
        }
        last = Some(id);
    }
    match previous {
        Some(previous) if previous != replicas.len() => {
            Err(AssignmentError::Uneven { has: replicas.len(), previous })
        }
        _ => Ok(()),
    }
}

/// The record of a new partition: led by the first replica that is active. None if none is.
pub(super) fn partition_record(
    image: &Image,
    topic_id: TopicId,
    partition_id: i32,
    replicas: &[BrokerId],
) -> Option<PartitionRecord> {
    let active = |id: &&BrokerId| image.broker(**id).is_some_and(is_active);
    let isr: Vec<i32> = replicas.iter().filter(active).map(|id| id.get()).collect();
    let leader = *isr.first()?;
    Some(PartitionRecord {
        partition_id,
        topic_id,
        replicas: replicas.iter().map(|id| id.get()).collect(),
        isr,
        leader,
        leader_epoch: 0,
        partition_epoch: 0,
        directories: replicas.iter().map(|id| default_directory(image, *id)).collect(),
        ..PartitionRecord::default()
    })
}

/// The directory of a new replica: the broker's only one, or unassigned.
fn default_directory(image: &Image, id: BrokerId) -> Uuid {
    match image.broker(id).map(|broker| broker.log_dirs.as_slice()) {
        Some([only]) => *only,
        _ => DIRECTORY_UNASSIGNED,
    }
}
