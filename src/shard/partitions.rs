//! From the image to the partitions of this shard: opened or made when a new image is prepared, deleted when it lacks
//! them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::Shard;
use super::data_dirs::LogDir;
use super::join::join_all;
use crate::base::ids::{Offset, PartitionIndex, TopicId};
use crate::base::random::Random;
use crate::config::topic::TopicConfig;
use crate::image::{Image, PartitionImage, TopicImage};
use crate::partition::Partition;
use crate::rt;
use crate::rt::disk::Disk;
use crate::storage::layout::{self, partition_dir_name};
use crate::storage::log::{Log, LogConfig, LogError, LogOptions, Opening};
use crate::storage::tail_cache::TailCache;

/// Partitions that are opened at once: enough to keep the disk busy, few enough for its queue.
const OPENED_AT_ONCE: usize = 32;

/// What the partitions of a shard lie on.
pub struct Disks {
    /// One per data directory, in the order of the configuration.
    pub disks: Vec<Disk>,
    /// The tail cache of all logs of the shard.
    pub tail_cache: TailCache,
}

/// The partitions of a shard. One that could not be opened stays away until the broker is started again.
#[derive(Default)]
pub struct Partitions {
    online: RefCell<HashMap<(TopicId, PartitionIndex), Rc<Partition>>>,
}

impl Partitions {
    /// The partition, if it is here and could be opened.
    pub fn get(&self, topic_id: TopicId, index: PartitionIndex) -> Option<Rc<Partition>> {
        self.online.borrow().get(&(topic_id, index)).cloned()
    }

    /// All that are online.
    pub fn all(&self) -> Vec<Rc<Partition>> {
        self.online.borrow().values().cloned().collect()
    }
}

/// One partition to be opened.
struct Wanted {
    topic: Arc<TopicImage>,
    index: PartitionIndex,
    partition: PartitionImage,
    config: Arc<TopicConfig>,
}

impl Shard {
    /// Makes this shard ready for `image`: its new partitions take produces when this returns, and those that are no more
    /// are being removed. Requests still see the image before.
    pub async fn prepare(self: &Rc<Self>, image: Arc<Image>) {
        self.remove_missing(&image).await;
        let mut wanted = self.missing(&image);
        while !wanted.is_empty() {
            let rest = wanted.split_off(wanted.len().min(OPENED_AT_ONCE));
            join_all(wanted.into_iter().map(|wanted| self.open(wanted))).await;
            wanted = rest;
        }
    }

    /// The partitions of `image` that belong here and are not open.
    fn missing(&self, image: &Image) -> Vec<Wanted> {
        let mut missing = Vec::new();
        for topic in image.topics() {
            let mut config = None;
            for (index, partition) in topic.partitions() {
                if self.owner_of(topic.id, index) != self.id() || self.partition(topic.id, index).is_some() {
                    continue;
                }
                let config = config.get_or_insert_with(|| {
                    // The controller has checked it; settings of a newer Kafka that we do not know are passed over.
                    let known = self.config().topic_config(&topic.configs);
                    Arc::new(known.unwrap_or_else(|_| self.config().topic_defaults.clone()))
                });
                missing.push(Wanted {
                    topic: topic.clone(),
                    index,
                    partition: partition.clone(),
                    config: config.clone(),
                });
            }
        }
        missing
    }

    async fn open(self: &Rc<Self>, wanted: Wanted) {
        let Wanted { topic, index, partition, config } = wanted;
        match self.open_log(&topic, index, &config).await {
            Ok(log) => {
                let opened = Partition::new(
                    topic.name.clone(),
                    topic.id,
                    index,
                    partition.leader_epoch,
                    log,
                    config,
                    self.clock().clone(),
                );
                self.take_up_group_partition(&opened).await;
                self.partitions.online.borrow_mut().insert((topic.id, index), opened);
            }
            Err(error) => {
                tracing::error!(topic = %topic.name, partition = %index, %error, "partition offline")
            }
        }
    }

    async fn open_log(
        &self,
        topic: &TopicImage,
        index: PartitionIndex,
        config: &TopicConfig,
    ) -> Result<Rc<Log>, LogError> {
        let name = partition_dir_name(&topic.name, index);
        let (place, exists) = self.place(&name, index).await;
        let (disk, dir) = self.disk_and_dir(place);
        let options = LogOptions {
            disk,
            dir: dir.path.join(&name),
            topic: topic.name.to_string(),
            partition: index,
            topic_id: topic.id,
            config: log_config(self.config(), config),
            clock: self.clock().clone(),
            tail_cache: self.disks.tail_cache.clone(),
        };
        if !exists {
            return Log::create(options).await;
        }
        let key = (topic.name.to_string(), index);
        let opening = Opening {
            clean: dir.clean,
            recovery_point: dir.recovery_points.get(&key).copied().unwrap_or(Offset::ZERO),
            log_start_offset: dir.log_starts.get(&key).copied().unwrap_or(Offset::ZERO),
        };
        Log::open(options, opening).await
    }

    /// The data directory of a partition: where it is, or the next in turn for a new one.
    async fn place(&self, name: &str, index: PartitionIndex) -> (usize, bool) {
        for (place, (disk, dir)) in self.disks.disks.iter().zip(&self.dirs.dirs).enumerate() {
            if disk.exists(dir.path.join(name)).await {
                return (place, true);
            }
        }
        let count = self.disks.disks.len().max(1);
        (usize::try_from(index.get()).unwrap_or(0) % count, false)
    }

    pub(super) fn disk_and_dir(&self, place: usize) -> (Disk, &LogDir) {
        match (self.disks.disks.get(place), self.dirs.dirs.get(place)) {
            (Some(disk), Some(dir)) => (disk.clone(), dir),
            _ => unreachable!("places are counted from the same lists"),
        }
    }

    async fn remove_missing(self: &Rc<Self>, image: &Image) {
        let gone: Vec<Rc<Partition>> = {
            let mut online = self.partitions.online.borrow_mut();
            let gone = online.extract_if(|(id, index), _| image.partition(*id, *index).is_none());
            gone.map(|(_, partition)| partition).collect()
        };
        for partition in gone {
            partition.purgatory().wake_all();
            self.give_up_group_partition(&partition);
            let unique = Random::from_os().uuid();
            match partition.log().delete(unique).await {
                Ok(_) => self.remove_later(partition),
                Err(error) => {
                    tracing::error!(topic = %partition.topic(), partition = %partition.index(), %error, "cannot delete");
                }
            }
        }
    }

    /// Removes the files of a deleted partition after `file.delete.delay.ms`; a stop before that leaves them to the next
    /// start.
    fn remove_later(self: &Rc<Self>, partition: Rc<Partition>) {
        let delay_ms = self.config().topic_defaults.file_delete_delay_ms.unsigned_abs();
        self.background.spawn(async move {
            rt::sleep(Duration::from_millis(delay_ms)).await;
            if let Err(error) = partition.log().remove().await {
                tracing::warn!(topic = %partition.topic(), partition = %partition.index(), %error, "cannot remove");
            }
        });
    }

    /// Removes what earlier runs have deleted.
    pub async fn remove_deleted(&self) {
        for (disk, dir) in self.disks.disks.iter().zip(&self.dirs.dirs) {
            for entry in disk.list(&dir.path).await.unwrap_or_default() {
                let name = layout::parse_partition_dir(&entry.name);
                if entry.is_dir
                    && name.is_some_and(|name| matches!(name.phase, layout::DirPhase::Delete))
                    && let Err(error) = disk.remove_dir_all(dir.path.join(&entry.name)).await
                {
                    tracing::warn!(dir = entry.name, %error, "cannot remove a deleted partition");
                }
            }
        }
    }

    /// Paths of the data directories that hold partitions of this shard, with what their checkpoints say.
    pub fn data_dir(&self, place: usize) -> Option<PathBuf> {
        self.dirs.dirs.get(place).map(|dir| dir.path.clone())
    }
}

/// A log's settings: the topic's, and the broker's where a topic has none.
pub fn log_config(broker: &crate::config::broker::BrokerConfig, topic: &TopicConfig) -> LogConfig {
    LogConfig {
        segment_bytes: u64::from(topic.segment_bytes),
        segment_ms: topic.segment_ms,
        segment_index_bytes: u64::from(topic.segment_index_bytes),
        index_interval_bytes: u64::from(topic.index_interval_bytes),
        flush_messages: u64::try_from(topic.flush_messages).unwrap_or(u64::MAX),
        sync_interval_ms: u64::try_from(broker.ringwood.flush_background_ms).unwrap_or(u64::MAX),
        sync_bytes: broker.ringwood.flush_background_bytes,
        producer_expiration_ms: broker.upkeep.producer_id_expiration_ms,
    }
}
