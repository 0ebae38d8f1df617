//! A shard's beginning and end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::data_dirs::DataDirs;
use super::fetch_sessions::FetchSessions;
use super::partitions::{Disks, Partitions};
use super::router::{Job, Router};
use super::{Connections, Shard, groups};
use crate::base::clock::Clock;
use crate::base::ids::ShardId;
use crate::base::random::Random;
use crate::config::broker::{BrokerConfig, IoMode};
use crate::group::GroupCoordinator;
use crate::image::Image;
use crate::metrics::ShardMetrics;
use crate::replicated::Driver;
use crate::rt::disk::{self, Disk, DiskMode};
use crate::rt::mesh::MeshEnd;
use crate::rt::sync::{Event, Gate};
use crate::rt::{self, TaskSet, run_blocking};
use crate::storage::layout;
use crate::storage::tail_cache::TailCache;

/// What a shard is made of.
pub struct ShardOptions {
    /// Which one.
    pub id: ShardId,
    /// Of how many.
    pub count: u16,
    /// The broker's settings.
    pub config: Arc<BrokerConfig>,
    /// Time.
    pub clock: Clock,
    /// The data directories.
    pub dirs: Arc<DataDirs>,
}

/// Why a shard does not start; one line.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// A data directory cannot be written in the way that was asked for.
    #[error("{0}: {1}; ringwood.io.mode=auto picks what the file system can do")]
    Disk(String, std::io::Error),
    /// The metadata log cannot be read or led.
    #[error("__cluster_metadata: {0}")]
    Metadata(String),
}

impl Shard {
    /// A shard with no partitions yet, at its end of the mesh.
    pub fn new(options: ShardOptions, end: &MeshEnd<Job>) -> Result<Rc<Self>, ShardError> {
        let ShardOptions { id, count, config, clock, dirs } = options;
        let mut random = Random::from_os();
        let image = Image::empty(&dirs.cluster_id, dirs.node_id);
        let cache_bytes = config.ringwood.tail_cache_bytes / u64::from(count.max(1));
        let disks = Disks {
            disks: open_disks(id, &config, &dirs)?,
            tail_cache: TailCache::new(usize::try_from(cache_bytes).unwrap_or(usize::MAX)),
        };
        let memory = config.network.request_memory_bytes / u64::from(count.max(1));
        let slots = (config.network.fetch_sessions_max as usize).div_ceil(usize::from(count.max(1)));
        let coordinator =
            GroupCoordinator::new(groups::group_config(&config), Random::from_seed(random.next_u64()));
        Ok(Rc::new(Self {
            id,
            count,
            disks,
            router: Router::new(end, count),
            background: TaskSet::new(),
            metrics: ShardMetrics::default(),
            connections: Connections::new(usize::try_from(memory).unwrap_or(usize::MAX)),
            image: RefCell::new(Arc::new(image)),
            partitions: Partitions::default(),
            groups: Driver::new(coordinator, clock.clone()),
            sessions: RefCell::new(FetchSessions::new(slots, random)),
            watches: RefCell::default(),
            forwards: Default::default(),
            producer_ids: Cell::new(None),
            producer_id_gate: Gate::new(),
            controller: RefCell::new(None),
            publishing: Gate::new(),
            checkpoints: Default::default(),
            drain: Event::new(),
            draining: Cell::new(false),
            stop: Event::new(),
            stopping: Cell::new(false),
            end: Event::new(),
            ending: Cell::new(false),
            config,
            clock,
            dirs,
        }))
    }

    /// How each data directory is written.
    pub fn io_modes(&self) -> Vec<String> {
        let name = |disk: &Disk| match disk.mode() {
            DiskMode::Direct => "direct".to_owned(),
            DiskMode::PageCache => "page-cache".to_owned(),
            DiskMode::Sim => "sim".to_owned(),
        };
        self.disks.disks.iter().map(name).collect()
    }

    /// Lets the requests of this shard's connections be answered, waiting fetches at once, and takes no more.
    pub fn begin_drain(&self) {
        self.draining.set(true);
        self.drain.notify_all();
        self.connections.stop_reading();
    }

    /// Whether `begin_drain` was called.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Waits for `begin_drain`.
    pub(super) async fn drained(&self) {
        self.drain.wait_until(|| self.draining.get()).await;
    }

    /// Asks shard 0 to stop the broker.
    pub fn stop_requested(&self) {
        self.stopping.set(true);
        self.stop.notify_all();
    }

    /// Waits for `stop_requested`; writes the checkpoint files meanwhile, every
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub async fn wait_for_stop(self: &Rc<Self>) {
        let interval =
            Duration::from_millis(self.config.upkeep.recovery_point_interval_ms.unsigned_abs().max(1));
        while !self.stopping.get() {
            let stopped = rt::timeout(interval, self.stop.wait()).await;
            if stopped.is_none()
                && let Err(error) = self.write_checkpoints().await
            {
                tracing::error!(%error, "cannot write the checkpoint files");
            }
        }
    }

    /// Closes all logs, writes checkpoints and clean-shutdown markers, and ends every shard.
    pub async fn close_cluster(self: &Rc<Self>) {
        let epoch = self.broker_epoch();
        let closed = self.on_all(|shard| async move { shard.close_partitions().await }).await;
        let mut clean = closed.into_iter().all(|clean| clean);
        clean &= self.close_metadata_log().await;
        if let Err(error) = self.write_checkpoints().await {
            tracing::error!(%error, "cannot write the checkpoint files");
            clean = false;
        }
        if clean {
            for dir in &self.dirs.dirs {
                let path = dir.path.clone();
                if let Err(error) = run_blocking(move || mark_clean(&path, epoch)).await {
                    tracing::error!(%error, "cannot write the clean-shutdown marker: the next start recovers");
                }
            }
            tracing::info!("stopped: all logs are closed");
        } else {
            tracing::warn!("stopped, but not every log could be closed: the next start recovers");
        }
        self.on_all(|shard| async move {
            shard.ending.set(true);
            shard.end.notify_all();
        })
        .await;
    }

    /// Forgets silent producers, every `producer.id.expiration.check.interval.ms`, until the task is dropped.
    pub async fn expire_producers(self: Rc<Self>) {
        let interval_ms = self.config.upkeep.producer_id_expiration_check_interval_ms.unsigned_abs().max(1);
        loop {
            rt::sleep(Duration::from_millis(interval_ms)).await;
            for partition in self.partitions.all() {
                partition.log().expire_producers();
                rt::yield_if_needed().await;
            }
        }
    }

    /// Waits for `close_cluster` to end this shard.
    pub async fn ended(&self) {
        while !self.ending.get() {
            self.end.wait().await;
        }
        // The last answer to shard 0 is on its way.
        rt::yield_now().await;
    }

    /// Closes the logs of this shard's partitions; whether all could be closed.
    async fn close_partitions(&self) -> bool {
        let close = |partition: Rc<crate::partition::Partition>| async move {
            let closed = partition.log().close().await;
            if let Err(error) = &closed {
                tracing::error!(topic = %partition.topic(), partition = %partition.index(), %error, "cannot close");
            }
            closed.is_ok()
        };
        super::join_all(self.partitions.all().into_iter().map(close)).await.into_iter().all(|clean| clean)
    }
}

fn open_disks(id: ShardId, config: &BrokerConfig, dirs: &DataDirs) -> Result<Vec<Disk>, ShardError> {
    let mode = match config.ringwood.io_mode {
        IoMode::Auto => disk::IoMode::Auto,
        IoMode::Direct => disk::IoMode::Direct,
        IoMode::PageCache => disk::IoMode::PageCache,
    };
    let mut disks = Vec::with_capacity(dirs.dirs.len());
    for dir in &dirs.dirs {
        let disk = Disk::open(&dir.path, mode)
            .map_err(|error| ShardError::Disk(dir.path.display().to_string(), error))?;
        if id == ShardId::new(0)
            && let Some(reason) = disk.refusal()
        {
            tracing::info!(dir = %dir.path.display(), reason, "no O_DIRECT here: appends go through the page cache");
        }
        disks.push(disk);
    }
    Ok(disks)
}

/// What Kafka writes after a clean stop.
fn mark_clean(dir: &std::path::Path, broker_epoch: i64) -> std::io::Result<()> {
    let text = format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}");
    disk::files::replace(&dir.join(layout::CLEAN_SHUTDOWN), text.as_bytes())
}
