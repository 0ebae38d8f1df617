//! Topics and partitions as the metadata log describes them.

use crate::base::ids::{BrokerId, LeaderEpoch, PartitionIndex, TopicId, Uuid};
use crate::wire::records::{PartitionChangeRecord, PartitionRecord};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Partitions of one topic; a record for one beyond is ignored (Kafka creates at most 10,000 in one request).
pub const PARTITIONS_PER_TOPIC_MAX: usize = 1_000_000;
/// In a `PartitionChangeRecord`: the leader stays, and with it the leader epoch.
const LEADER_UNCHANGED: i32 = -2;
/// In a `PartitionChangeRecord`: the recovery state stays.
const RECOVERY_UNCHANGED: i8 = -1;

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionImage {
    /// The leader; `NO_LEADER` if there is none.
    pub leader: BrokerId,
    /// Counts the leaders.
    pub leader_epoch: LeaderEpoch,
    /// Counts the changes of this partition.
    pub partition_epoch: i32,
    /// The brokers that hold it, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// The replicas in sync.
    pub isr: Vec<BrokerId>,
    /// Replicas that a reassignment is about to remove.
    pub removing_replicas: Vec<BrokerId>,
    /// Replicas that a reassignment is about to add.
    pub adding_replicas: Vec<BrokerId>,
    /// Replicas outside the ISR that may still be elected without loss (KIP-966).
    pub eligible_leader_replicas: Vec<BrokerId>,
    /// The last ISR member, where ISR and eligible replicas are empty.
    pub last_known_elr: Vec<BrokerId>,
    /// The log directory of each replica; zero where it is not assigned.
    pub directories: Vec<Uuid>,
    /// 1 while an unclean leader recovers, else 0.
    pub leader_recovery_state: i8,
}

impl PartitionImage {
    /// No leader.
    pub const NO_LEADER: BrokerId = BrokerId::new(-1);

    /// A place that no record has described yet.
    fn missing() -> Self {
        Self {
            leader: Self::NO_LEADER,
            leader_epoch: LeaderEpoch::NONE,
            partition_epoch: -1,
            replicas: Vec::new(),
            isr: Vec::new(),
            removing_replicas: Vec::new(),
            adding_replicas: Vec::new(),
            eligible_leader_replicas: Vec::new(),
            last_known_elr: Vec::new(),
            directories: Vec::new(),
            leader_recovery_state: 0,
        }
    }

    /// Whether a record has described this partition. A hole among the partitions never does.
    pub fn exists(&self) -> bool {
        !self.replicas.is_empty()
    }

    /// The leader, if there is one.
    pub fn leader(&self) -> Option<BrokerId> {
        (self.leader.get() >= 0).then_some(self.leader)
    }

    fn from_record(record: &PartitionRecord) -> Self {
        Self {
            leader: BrokerId::new(record.leader),
            leader_epoch: LeaderEpoch::new(record.leader_epoch),
            partition_epoch: record.partition_epoch,
            replicas: brokers(&record.replicas),
            isr: brokers(&record.isr),
            removing_replicas: brokers(&record.removing_replicas),
            adding_replicas: brokers(&record.adding_replicas),
            eligible_leader_replicas: brokers(record.eligible_leader_replicas.as_deref().unwrap_or_default()),
            last_known_elr: brokers(record.last_known_elr.as_deref().unwrap_or_default()),
            directories: record.directories.clone(),
            leader_recovery_state: record.leader_recovery_state,
        }
    }

    fn change(&mut self, record: &PartitionChangeRecord) {
        let set = |place: &mut Vec<BrokerId>, value: &Option<Vec<i32>>| {
            if let Some(value) = value {
                *place = brokers(value);
            }
        };
        set(&mut self.isr, &record.isr);
        set(&mut self.replicas, &record.replicas);
        set(&mut self.removing_replicas, &record.removing_replicas);
        set(&mut self.adding_replicas, &record.adding_replicas);
        set(&mut self.eligible_leader_replicas, &record.eligible_leader_replicas);
        set(&mut self.last_known_elr, &record.last_known_elr);
        if let Some(directories) = &record.directories {
            self.directories.clone_from(directories);
        }
        if record.leader_recovery_state != RECOVERY_UNCHANGED {
            self.leader_recovery_state = record.leader_recovery_state;
        }
        if record.leader != LEADER_UNCHANGED {
            self.leader = BrokerId::new(record.leader);
            self.leader_epoch = self.leader_epoch.next();
        }
        self.partition_epoch = self.partition_epoch.saturating_add(1);
    }

    fn to_record(&self, topic_id: TopicId, partition: PartitionIndex) -> PartitionRecord {
        let optional = |ids: &[BrokerId]| (!ids.is_empty()).then(|| raw(ids));
        PartitionRecord {
            partition_id: partition.get(),
            topic_id,
            replicas: raw(&self.replicas),
            isr: raw(&self.isr),
            removing_replicas: raw(&self.removing_replicas),
            adding_replicas: raw(&self.adding_replicas),
            leader: self.leader.get(),
            leader_recovery_state: self.leader_recovery_state,
            leader_epoch: self.leader_epoch.get(),
            partition_epoch: self.partition_epoch,
            directories: self.directories.clone(),
            eligible_leader_replicas: optional(&self.eligible_leader_replicas),
            last_known_elr: optional(&self.last_known_elr),
        }
    }
}

fn brokers(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId::new).collect()
}

fn raw(ids: &[BrokerId]) -> Vec<i32> {
    ids.iter().map(|id| id.get()).collect()
}

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicImage {
    /// Its name.
    pub name: Arc<str>,
    /// Its id: a recreated topic has another.
    pub id: TopicId,
    /// By index. A hole (see `PartitionImage::exists`) is possible only if the log has one.
    pub partitions: Vec<PartitionImage>,
    /// The overrides: names and values as they were set.
    pub configs: Arc<BTreeMap<String, String>>,
}

impl TopicImage {
    pub(super) fn new(name: &str, id: TopicId, configs: Arc<BTreeMap<String, String>>) -> Self {
        Self { name: Arc::from(name), id, partitions: Vec::new(), configs }
    }

    /// A partition; none if the topic has not so many, or no such.
    pub fn partition(&self, index: PartitionIndex) -> Option<&PartitionImage> {
        let place = usize::try_from(index.get()).ok()?;
        self.partitions.get(place).filter(|partition| partition.exists())
    }

    /// The partitions with their indexes, without holes.
    pub fn partitions(&self) -> impl Iterator<Item = (PartitionIndex, &PartitionImage)> {
        let indexed = self.partitions.iter().enumerate();
        indexed.filter(|(_, p)| p.exists()).map(|(index, p)| (PartitionIndex::new(index as i32), p))
    }

    /// The value of an override.
    pub fn config(&self, name: &str) -> Option<&str> {
        self.configs.get(name).map(String::as_str)
    }

    /// Replicas of the first partition; 0 without partitions. Kafka shows this as the topic's replication factor.
    pub fn replication_factor(&self) -> usize {
        self.partitions.first().map_or(0, |partition| partition.replicas.len())
    }

    /// Whether the broker itself writes this topic.
    pub fn is_internal(&self) -> bool {
        super::is_internal_topic(&self.name)
    }

    pub(super) fn put(&mut self, record: &PartitionRecord) {
        let Some(place) = usize::try_from(record.partition_id).ok().filter(|&p| p < PARTITIONS_PER_TOPIC_MAX)
        else {
            return;
        };
        if place >= self.partitions.len() {
            self.partitions.resize_with(place + 1, PartitionImage::missing);
        }
        if let Some(partition) = self.partitions.get_mut(place) {
            *partition = PartitionImage::from_record(record);
        }
    }

    pub(super) fn change(&mut self, record: &PartitionChangeRecord) {
        let place = usize::try_from(record.partition_id).ok();
        if let Some(partition) = place.and_then(|place| self.partitions.get_mut(place)) {
            partition.change(record);
        }
    }

    pub(super) fn clear_eligible_leaders(&mut self) {
        for partition in &mut self.partitions {
            partition.eligible_leader_replicas.clear();
            partition.last_known_elr.clear();
        }
    }

    /// The records that make these partitions again.
    pub(super) fn partition_records(&self) -> impl Iterator<Item = PartitionRecord> {
        self.partitions().map(|(index, partition)| partition.to_record(self.id, index))
    }
}
