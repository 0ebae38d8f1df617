//! The group coordinator of a shard, and the way to it.

use std::rc::Rc;

use super::Shard;
use super::cluster::OFFSETS_TOPIC;
use super::metadata_log::append;
use crate::base::ids::PartitionIndex;
use crate::batch::{BatchOptions, BatchView, ControlType, RecordView, control_type};
use crate::group::{GroupCall, GroupConfig, GroupCoordinator, GroupReply, RecordError, partition_of};
use crate::partition::Partition;
use crate::replicated::{Appending, KeyValue, RecordLog};
use crate::wire::Str;

impl Shard {
    /// Asks the coordinator of a group. `None` while `__consumer_offsets` does not exist, or when its shard has ended.
    pub async fn ask_group(self: &Rc<Self>, group_id: &str, question: GroupCall) -> Option<GroupReply> {
        let (owner, partition) = {
            let image = self.image();
            let topic = image.topic(OFFSETS_TOPIC)?;
            let count = i32::try_from(topic.partitions().count()).ok()?;
            let partition = partition_of(group_id, count);
            (self.owner_of(topic.id, partition), partition)
        };
        self.on(owner, move |owner| async move { owner.groups.call(partition, question).await }).await?
    }

    /// Asks the coordinators of all shards.
    pub async fn ask_all_groups(self: &Rc<Self>, question: GroupCall) -> Vec<GroupReply> {
        let any = PartitionIndex::new(0);
        let ask = move |shard: Rc<Shard>| {
            let question = question.clone();
            async move { shard.groups.call(any, question).await }
        };
        self.on_all(ask).await.into_iter().flatten().collect()
    }

    /// Lets all groups forget their offsets in topics that were deleted.
    pub async fn forget_offsets(self: &Rc<Self>, topics: Vec<Str>) {
        if !topics.is_empty() && self.image().topic(OFFSETS_TOPIC).is_some() {
            self.ask_all_groups(GroupCall::TopicsDeleted(topics)).await;
        }
    }

    /// Reads a partition of `__consumer_offsets` back into the coordinator, before any request can reach it.
    pub(super) async fn take_up_group_partition(self: &Rc<Self>, partition: &Rc<Partition>) {
        if &**partition.topic() != OFFSETS_TOPIC {
            return;
        }
        let index = partition.index();
        self.groups.with(|machine| machine.load(index));
        let replayed = partition
            .replay(|batch, record| {
                let replayed = self.groups.with(|machine| replay_one(machine, index, batch, record));
                if let Err(error) = replayed {
                    tracing::warn!(partition = %index, offset = %record.offset, %error, "group record skipped");
                }
            })
            .await;
        match replayed {
            Ok(()) => {
                self.groups.attach(index, Rc::new(OffsetsLog(partition.clone())));
                let now_ms = self.clock().now_ms();
                let effects = self.groups.with(|machine| machine.load_finished(now_ms, index));
                self.groups.perform(effects);
            }
            Err(error) => {
                tracing::error!(partition = %index, %error, "the groups of this partition are not served")
            }
        }
    }

    /// A partition of `__consumer_offsets` is being deleted: its groups go with it.
    pub(super) fn give_up_group_partition(&self, partition: &Partition) {
        if &**partition.topic() == OFFSETS_TOPIC {
            let (index, now_ms) = (partition.index(), self.clock().now_ms());
            self.groups.detach(index);
            let effects = self.groups.with(|machine| machine.unload(now_ms, index));
            self.groups.perform(effects);
        }
    }
}

/// Hands a record to the coordinator. Offsets that were committed inside a transaction wait for its marker.
fn replay_one(
    machine: &mut GroupCoordinator,
    partition: PartitionIndex,
    batch: &BatchView<'_>,
    record: &RecordView<'_>,
) -> Result<(), RecordError> {
    let header = batch.header();
    let Some(key) = record.key else {
        return Ok(());
    };
    match header.producer_id() {
        Some(producer) if header.is_control() => {
            if let Some(marker @ (ControlType::Commit | ControlType::Abort)) = control_type(key) {
                machine.end_transaction(partition, producer, marker == ControlType::Commit);
            }
            Ok(())
        }
        Some(producer) if header.is_transactional() => {
            machine.replay_transactional(partition, producer, key, record.value)
        }
        _ if header.is_control() => Ok(()),
        _ => machine.replay(partition, key, record.value),
    }
}

/// A partition of `__consumer_offsets` as its coordinator appends to it.
struct OffsetsLog(Rc<Partition>);

impl RecordLog for OffsetsLog {
    fn append(&self, now_ms: i64, records: &[KeyValue]) -> Appending {
        // Kafka's coordinator writes sequence 0 into these batches, though they have no producer id.
        let options = BatchOptions { base_sequence: 0, ..BatchOptions::default() };
        append(self.0.log(), self.0.leader_epoch(), now_ms, records, options)
    }
}

/// The coordinator's settings, from the broker's.
pub fn group_config(config: &crate::config::broker::BrokerConfig) -> GroupConfig {
    let milliseconds = |ms: i64| i32::try_from(ms).unwrap_or(i32::MAX);
    GroupConfig {
        session_timeout_ms_min: milliseconds(config.groups.session_timeout_min_ms),
        session_timeout_ms_max: milliseconds(config.groups.session_timeout_max_ms),
        initial_rebalance_delay_ms: milliseconds(config.groups.initial_rebalance_delay_ms),
        members_max: config.groups.members_max as usize,
        offset_metadata_bytes_max: config.offsets.metadata_bytes_max as usize,
        offsets_retention_ms: config.offsets.retention_ms,
        offsets_retention_check_interval_ms: config.offsets.retention_check_interval_ms,
    }
}
