//! The controller of a single node: `__cluster_metadata-0` replayed, led in a new epoch, and appended to. Shard 0 only.

use std::rc::Rc;
use std::sync::Arc;

use super::Shard;
use super::life::ShardError;
use super::partitions::log_config;
use crate::base::ids::{LeaderEpoch, Offset, PartitionIndex, ShardId, Uuid};
use crate::base::random::Random;
use crate::batch::{BatchBuilder, BatchOptions};
use crate::config::listeners::Listener;
use crate::controller::quorum::{QUORUM_STATE, QuorumState};
use crate::controller::{
    Activation, Controller, ControllerCall, ControllerReply, Registration, Rules, check_metadata_version,
    supported_features,
};
use crate::image::{Configs, Endpoint, Image, LogEnd, MetadataRecord, Replay};
use crate::partition::replay;
use crate::replicated::{AppendFailure, Appending, Driver, KeyValue, RecordLog};
use crate::storage::layout;
use crate::storage::log::{AppendBatch, AppendError, Log, LogConfig, LogOptions, Opening};

/// The metadata log has one partition.
const PARTITION: PartitionIndex = PartitionIndex::new(0);

/// The controller at work, and its log.
pub struct ControllerDriver {
    driver: Rc<Driver<Controller>>,
    log: Rc<Log>,
    broker_epoch: i64,
}

impl ControllerDriver {
    /// Asks the controller.
    pub async fn ask(&self, question: ControllerCall) -> Option<ControllerReply> {
        self.driver.call(PARTITION, question).await
    }

    /// What has been committed.
    pub fn image(&self) -> Arc<Image> {
        self.driver.with(|controller| controller.image().clone())
    }
}

/// The metadata log as the controller's driver appends to it.
struct MetadataLog {
    log: Rc<Log>,
    epoch: LeaderEpoch,
}

impl RecordLog for MetadataLog {
    fn append(&self, now_ms: i64, records: &[KeyValue]) -> Appending {
        append(&self.log, self.epoch, now_ms, records, BatchOptions::default())
    }
}

/// Appends records as one batch of this broker's own.
pub fn append(
    log: &Rc<Log>,
    epoch: LeaderEpoch,
    now_ms: i64,
    records: &[KeyValue],
    options: BatchOptions,
) -> Appending {
    let mut builder = BatchBuilder::new(options);
    for record in records {
        builder.append(now_ms, record.key.as_deref(), record.value.as_deref(), &[]);
    }
    let batch = builder.finish().map(bytes::Bytes::from).and_then(AppendBatch::new);
    let Ok(batch) = batch else {
        return Box::pin(std::future::ready(Err(AppendFailure::TooLarge)));
    };
    let appending = log.append(&batch, epoch);
    Box::pin(async move {
        appending.await.map(|_| ()).map_err(|error| match error {
            AppendError::Storage(_) | AppendError::Sequence(_) => AppendFailure::Storage,
            AppendError::Closed => AppendFailure::NotLeader,
            AppendError::TooLarge { .. } => AppendFailure::TooLarge,
        })
    })
}

impl Shard {
    /// Brings the cluster up: replays the metadata log, begins a new epoch, registers this broker, and shows the image.
    /// Clients reach it by `listeners`.
    pub async fn load_cluster(self: &Rc<Self>, listeners: &[Arc<Listener>]) -> Result<(), ShardError> {
        let failed = |what: &dyn std::fmt::Display| ShardError::Metadata(what.to_string());
        let log = self.open_metadata_log().await?;
        let (image, log_end) = self.replay_metadata(&log).await?;
        check_metadata_version(&image).map_err(|error| failed(&error))?;
        let mut image = image;
        let (epoch, last) = self.begin_epoch(&log).await?;
        image.set_offset(last);
        let controller = Controller::new(self.rules(), Random::from_os(), image);
        let driver = Driver::new(controller, self.clock().clone());
        driver.attach(PARTITION, Rc::new(MetadataLog { log: log.clone(), epoch }));
        let activation = Activation { bootstrap: self.bootstrap().await?, log_end };
        match driver.call(PARTITION, ControllerCall::Activate(activation)).await {
            Some(ControllerReply::Activated(Ok(()))) => {}
            other => return Err(failed(&format!("the controller cannot begin: {other:?}"))),
        }
        let registration = ControllerCall::RegisterBroker(self.registration(listeners));
        let broker_epoch = match driver.call(PARTITION, registration).await {
            Some(ControllerReply::Registered(Ok(epoch))) => epoch,
            other => return Err(failed(&format!("the broker cannot register: {other:?}"))),
        };
        let controller = Rc::new(ControllerDriver { driver, log, broker_epoch });
        let image = controller.image();
        *self.controller.borrow_mut() = Some(controller);
        self.publish(image).await;
        self.remove_deleted().await;
        Ok(())
    }

    async fn open_metadata_log(&self) -> Result<Rc<Log>, ShardError> {
        let (disk, dir) = self.disk_and_dir(self.dirs.metadata_dir);
        let path = dir.path.join(layout::METADATA_DIR);
        let config = LogConfig {
            segment_bytes: u64::from(self.config().metadata_segment_bytes),
            // What the controller has answered must survive a power cut.
            flush_messages: 1,
            ..log_config(self.config(), &self.config().topic_defaults)
        };
        let exists = disk.exists(&path).await;
        let options = LogOptions {
            disk,
            dir: path,
            topic: "__cluster_metadata".to_owned(),
            partition: PARTITION,
            topic_id: Uuid::METADATA_TOPIC,
            config,
            clock: self.clock().clone(),
            tail_cache: self.disks.tail_cache.clone(),
        };
        let opened = if exists {
            let (recovery_point, log_start_offset) = (Offset::ZERO, Offset::ZERO);
            Log::open(options, Opening { clean: dir.clean, recovery_point, log_start_offset }).await
        } else {
            Log::create(options).await
        };
        opened.map_err(|error| ShardError::Metadata(error.to_string()))
    }

    async fn replay_metadata(&self, log: &Rc<Log>) -> Result<(Image, LogEnd), ShardError> {
        let mut image = Replay::new(self.metadata_snapshot(log).await?);
        let replayed = replay(log, |batch, record| match record.value {
            Some(value) if !batch.header().is_control() => {
                image.apply(record.offset, MetadataRecord::decode(&bytes::Bytes::copy_from_slice(value)));
            }
            _ => image.skip(record.offset),
        });
        replayed.await.map_err(|error| ShardError::Metadata(error.to_string()))?;
        Ok(image.finish())
    }

    /// Takes the lead of the metadata log: one epoch above all before, written to `quorum-state` and to the log. Returns
    /// the epoch and the offset of its first record.
    async fn begin_epoch(&self, log: &Rc<Log>) -> Result<(LeaderEpoch, Offset), ShardError> {
        let failed = |error: &dyn std::fmt::Display| ShardError::Metadata(error.to_string());
        let (disk, dir) = self.disk_and_dir(self.dirs.metadata_dir);
        let path = dir.path.join(layout::METADATA_DIR).join(QUORUM_STATE);
        let before = match disk.exists(&path).await {
            true => QuorumState::decode(&disk.read(&path).await.map_err(|e| failed(&e))?)
                .map_err(|e| failed(&e))?,
            false => QuorumState::new(self.node_id()),
        };
        let state = before.take_lead(self.node_id(), log.latest_epoch());
        disk.replace(&path, &state.encode()).await.map_err(|e| failed(&e))?;
        let batch = state.leader_change(self.clock().now_ms(), log.next_offset(), dir.directory_id);
        let batch = batch.map(bytes::Bytes::from).and_then(AppendBatch::new).map_err(|e| failed(&e))?;
        let appended = log.append(&batch, state.leader_epoch).await.map_err(|e| failed(&e))?;
        Ok((state.leader_epoch, appended.last_offset))
    }

    fn rules(&self) -> Rules {
        let config = self.config().clone();
        Rules {
            num_partitions: config.topics.num_partitions,
            default_replication_factor: config.topics.default_replication_factor,
            delete_topic_enable: config.topics.delete_enable,
            check_configs: Box::new(move |overrides: &Configs| {
                config.topic_config(overrides).map(|_| ()).map_err(|error| error.to_string())
            }),
        }
    }

    fn registration(&self, listeners: &[Arc<Listener>]) -> Registration {
        let endpoint = |listener: &Arc<Listener>| Endpoint {
            name: listener.name.clone(),
            host: listener.advertised_host.clone(),
            port: listener.advertised_port,
            security_protocol: 0,
        };
        Registration {
            id: self.node_id(),
            incarnation_id: Random::from_os().uuid(),
            endpoints: listeners.iter().map(endpoint).collect(),
            features: supported_features(),
            rack: self.config().rack.clone(),
            log_dirs: self.dirs.dirs.iter().map(|dir| dir.directory_id).collect(),
            raise_leader_epochs: self.dirs.dirs.iter().any(|dir| !dir.clean),
        }
    }

    /// The epoch that the controller gave this broker; 0 before it did.
    pub(super) fn broker_epoch(&self) -> i64 {
        self.controller.borrow().as_ref().map_or(0, |controller| controller.broker_epoch)
    }

    /// Closes the metadata log; whether it could be closed.
    pub(super) async fn close_metadata_log(&self) -> bool {
        debug_assert_eq!(self.id(), ShardId::new(0));
        let Some(controller) = self.controller.borrow_mut().take() else {
            return true;
        };
        let closed = controller.log.close().await;
        if let Err(error) = &closed {
            tracing::error!(%error, "cannot close the metadata log");
        }
        closed.is_ok()
    }
}
