//! A core and all it owns: partitions, coordinators, fetch sessions, connections, and the way to its peers.

mod admission;
mod checkpoints;
mod cluster;
mod connections;
pub mod data_dirs;
mod fetch;
mod fetch_sessions;
mod forward;
mod groups;
mod join;
mod life;
mod metadata_log;
mod metadata_start;
mod partitions;
mod produce;
mod router;
mod watch;

pub use admission::{Admission, Admitted};
pub use connections::{ConnectionCounts, ConnectionLimits, Connections, Counted, OpenConnection};
pub use fetch::{FetchLimits, FetchPart, PartError, PartHead, PartResult};
pub use fetch_sessions::{
    FetchSessions, Opened, PartitionRef, SessionError, SessionRequest, Told, TopicRef, Want,
};
pub use join::join_all;
pub use life::{ShardError, ShardOptions};
pub use produce::{ProducePart, ProduceReply};
pub use router::{Job, Router};

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::ids::{BrokerId, PartitionIndex, ShardId, TopicId};
use crate::config::broker::BrokerConfig;
use crate::controller::ProducerIdBlock;
use crate::group::GroupCoordinator;
use crate::image::{Image, shard_of};
use crate::metrics::ShardMetrics;
use crate::partition::Partition;
use crate::replicated::Driver;
use crate::rt::TaskSet;
use crate::rt::sync::{Event, Gate};
use data_dirs::DataDirs;

/// One shard's state. Everything in it belongs to one thread; `on` is the only way to another shard's.
pub struct Shard {
    id: ShardId,
    count: u16,
    config: Arc<BrokerConfig>,
    clock: Clock,
    dirs: Arc<DataDirs>,
    disks: partitions::Disks,
    router: Router,
    /// Work that outlives its request.
    background: TaskSet,
    metrics: ShardMetrics,
    connections: Connections,
    image: RefCell<Arc<Image>>,
    partitions: partitions::Partitions,
    groups: Rc<Driver<GroupCoordinator>>,
    sessions: RefCell<FetchSessions>,
    watches: RefCell<watch::Watches>,
    forwards: forward::Forwards,
    producer_ids: Cell<Option<ProducerIdBlock>>,
    producer_id_gate: Gate,
    /// Shard 0 only.
    controller: RefCell<Option<Rc<metadata_log::ControllerDriver>>>,
    /// Shard 0 only: one image is published after the other.
    publishing: Gate,
    checkpoints: checkpoints::Checkpoints,
    /// Requests that wait are answered: the broker is about to stop.
    drain: Event,
    draining: Cell<bool>,
    stop: Event,
    stopping: Cell<bool>,
    end: Event,
    ending: Cell<bool>,
}

impl Shard {
    /// This shard.
    pub fn id(&self) -> ShardId {
        self.id
    }
    /// How many shards there are.
    pub fn count(&self) -> u16 {
        self.count
    }
    /// The broker's configuration.
    pub fn config(&self) -> &Arc<BrokerConfig> {
        &self.config
    }
    /// This broker's id, which is the data directories' where the configuration names none.
    pub fn node_id(&self) -> BrokerId {
        self.dirs.node_id
    }
    /// Time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
    /// This shard's counters.
    pub fn metrics(&self) -> &ShardMetrics {
        &self.metrics
    }
    /// This shard's connections.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }
    /// The cluster as requests see it now.
    pub fn image(&self) -> Arc<Image> {
        self.image.borrow().clone()
    }
    /// The fetch sessions of this shard's connections.
    pub fn sessions(&self) -> &RefCell<FetchSessions> {
        &self.sessions
    }
    /// The shard that a partition belongs to.
    pub fn owner_of(&self, topic_id: TopicId, index: PartitionIndex) -> ShardId {
        shard_of(topic_id, index, self.count)
    }
    /// A partition of this shard.
    pub fn partition(&self, topic_id: TopicId, index: PartitionIndex) -> Option<Rc<Partition>> {
        self.partitions.get(topic_id, index)
    }
    fn router(&self) -> &Router {
        &self.router
    }
}
