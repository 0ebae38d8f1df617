//! A broker comes: its registration, and the partitions that it leads from now on.

use super::call::Registration;
use super::draft::Draft;
use crate::base::ids::{BrokerId, PartitionIndex, TopicId};
use crate::image::{BrokerImage, PartitionImage};
use crate::wire::records::PartitionChangeRecord;

/// Registers the broker, unfenced: it is this very process, and ready when it calls.
pub(super) fn register(draft: &mut Draft, epoch: i64, registration: &Registration) {
    let broker = BrokerImage {
        id: registration.id,
        epoch,
        incarnation_id: registration.incarnation_id,
        endpoints: registration.endpoints.clone(),
        features: registration.features.clone(),
        rack: registration.rack.clone(),
        fenced: false,
        in_controlled_shutdown: false,
        log_dirs: registration.log_dirs.clone(),
        cordoned_log_dirs: None,
    };
    draft.push(broker.to_record());
}

/// Makes the broker lead what it may lead: partitions without a leader that it can take over without loss and, if the
/// epochs are to be raised, those that it leads already.
pub(super) fn elect(draft: &mut Draft, registration: &Registration) {
    let id = registration.id;
    let mut changes = Vec::new();
    for topic in draft.image().topics() {
        for (index, partition) in topic.partitions() {
            let renew = registration.raise_leader_epochs && partition.leader() == Some(id);
            if renew || (partition.leader().is_none() && may_lead(partition, id)) {
                changes.push(change(topic.id, index, partition, id));
            }
        }
    }
    // The image's order says nothing; a log that does not depend on it can be compared.
    changes.sort_by_key(|change: &PartitionChangeRecord| (change.topic_id, change.partition_id));
    changes.into_iter().for_each(|change| draft.push(change));
}

fn may_lead(partition: &PartitionImage, id: BrokerId) -> bool {
    let alone = partition.replicas.as_slice() == [id];
    alone || partition.isr.contains(&id) || partition.eligible_leader_replicas.contains(&id)
}

fn change(
    topic_id: TopicId,
    index: PartitionIndex,
    partition: &PartitionImage,
    leader: BrokerId,
) -> PartitionChangeRecord {
    let rejoins = !partition.isr.contains(&leader);
    let forget = |ids: &[BrokerId]| (rejoins && !ids.is_empty()).then(Vec::new);
    PartitionChangeRecord {
        partition_id: index.get(),
        topic_id,
        leader: leader.get(),
        isr: rejoins.then(|| vec![leader.get()]),
        eligible_leader_replicas: forget(&partition.eligible_leader_replicas),
        last_known_elr: forget(&partition.last_known_elr),
        ..PartitionChangeRecord::default()
    }
}
