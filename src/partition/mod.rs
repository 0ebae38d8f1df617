//! Leader state over a log: offsets, append, fetch plans, waiting fetches.
//!
//! `Partition` decides what a leader may answer (epochs, isolation, high watermark); `storage::log::Log` keeps the bytes.

mod fetch;
mod list_offsets;
mod produce;
mod purgatory;
mod replay;

pub use fetch::{FetchError, FetchFrom, Fetched, Isolation};
pub use list_offsets::{EpochEnd, ListOffsetsError, OffsetFound, OffsetSpec};
pub use produce::{ProduceError, ProduceInput, Produced, Refused};
pub use purgatory::{Purgatory, Waiting, Wake};
pub use replay::{ReplayError, replay};

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::ids::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use crate::config::topic::TopicConfig;
use crate::storage::log::Log;

/// One partition that this broker leads. Lives on one shard.
pub struct Partition {
    topic: Arc<str>,
    topic_id: TopicId,
    index: PartitionIndex,
    leader_epoch: Cell<LeaderEpoch>,
    log: Rc<Log>,
    config: Arc<TopicConfig>,
    clock: Clock,
    purgatory: Rc<Purgatory>,
}

impl Partition {
    /// A partition over its open log, led in `leader_epoch`.
    pub fn new(
        topic: Arc<str>,
        topic_id: TopicId,
        index: PartitionIndex,
        leader_epoch: LeaderEpoch,
        log: Rc<Log>,
        config: Arc<TopicConfig>,
        clock: Clock,
    ) -> Rc<Self> {
        let purgatory = Rc::new(Purgatory::default());
        let waiting = purgatory.clone();
        log.on_progress(Rc::new(move || waiting.wake_all()));
        Rc::new(Self {
            topic,
            topic_id,
            index,
            leader_epoch: Cell::new(leader_epoch),
            log,
            config,
            clock,
            purgatory,
        })
    }

    /// The topic's name.
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }
    /// The topic's id.
    pub fn topic_id(&self) -> TopicId {
        self.topic_id
    }
    /// The partition's number in its topic.
    pub fn index(&self) -> PartitionIndex {
        self.index
    }
    /// The epoch in which this broker leads the partition.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch.get()
    }
    /// The log below.
    pub fn log(&self) -> &Rc<Log> {
        &self.log
    }
    /// The first offset that may be read.
    pub fn log_start_offset(&self) -> Offset {
        self.log.start_offset()
    }
    /// Offsets below it are on every in-sync replica. This broker is the only one, so it is the end of what is written.
    pub fn high_watermark(&self) -> Offset {
        self.log.end_offset()
    }
    /// Offsets below it belong to no open transaction.
    pub fn last_stable_offset(&self) -> Offset {
        self.high_watermark()
    }
    /// The fetches that wait for this partition.
    pub fn purgatory(&self) -> &Rc<Purgatory> {
        &self.purgatory
    }

    /// The end of what a reader of `isolation` may see.
    fn readable_end(&self, isolation: Isolation) -> Offset {
        match isolation {
            Isolation::ReadUncommitted => self.high_watermark(),
            Isolation::ReadCommitted => self.last_stable_offset(),
        }
    }

    /// Checks the leader epoch that a client believes in; -1 is not checked.
    fn check_epoch(&self, current: LeaderEpoch) -> Result<(), EpochMismatch> {
        match current {
            LeaderEpoch::NONE => Ok(()),
            epoch if epoch < self.leader_epoch() => Err(EpochMismatch::Fenced),
            epoch if epoch > self.leader_epoch() => Err(EpochMismatch::Unknown),
            _ => Ok(()),
        }
    }
}

/// How a client's leader epoch differs from ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EpochMismatch {
    /// The client's epoch is older.
    #[error("the leader epoch is older than the broker's")]
    Fenced,
    /// The client's epoch is newer.
    #[error("the leader epoch is newer than the broker's")]
    Unknown,
}
