//! What the controller is asked, and what it answers.

use super::error::TopicError;
use crate::base::ids::{BrokerId, ProducerId, TopicId, Uuid};
use crate::image::{Configs, Endpoint, FeatureRange, LogEnd, MetadataRecord};
use crate::replicated::AppendFailure;

/// A call.
#[derive(Clone, Debug)]
pub enum ControllerCall {
    /// The first call after the log was replayed.
    Activate(Activation),
    /// This node's broker is there.
    RegisterBroker(Registration),
    /// Create topics.
    CreateTopics {
        /// As the client wrote them, in order.
        topics: Vec<NewTopic>,
        /// Only say what would happen.
        validate_only: bool,
    },
    /// Delete topics.
    DeleteTopics(Vec<TopicReference>),
    /// Add partitions to topics.
    CreatePartitions {
        /// As the client wrote them, in order.
        topics: Vec<MorePartitions>,
        /// Only say what would happen.
        validate_only: bool,
    },
    /// Reserve a block of producer ids.
    AllocateProducerIds(BrokerId),
}

/// What the log looked like, and what a new one begins with.
#[derive(Clone, Debug)]
pub struct Activation {
    /// What a log that holds no records yet begins with: those of `bootstrap.checkpoint`.
    pub bootstrap: Vec<MetadataRecord>,
    /// How the replayed log ended.
    pub log_end: LogEnd,
}

/// A broker that registers itself.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// Its `node.id`.
    pub id: BrokerId,
    /// Another for every start.
    pub incarnation_id: Uuid,
    /// Where clients reach it.
    pub endpoints: Vec<Endpoint>,
    /// What it can do.
    pub features: Vec<FeatureRange>,
    /// Its rack.
    pub rack: Option<String>,
    /// The ids of its log directories.
    pub log_dirs: Vec<Uuid>,
    /// Whether every partition that it leads gets a new leader epoch: after an unclean stop, so that clients notice if
    /// records were lost.
    pub raise_leader_epochs: bool,
}

/// A topic to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name, not yet validated.
    pub name: String,
    /// How many partitions; -1 for the default, or with `assignments`.
    pub num_partitions: i32,
    /// How many replicas each; -1 for the default, or with `assignments`.
    pub replication_factor: i16,
    /// Partition index and replicas, if the client chooses them itself.
    pub assignments: Vec<(i32, Vec<BrokerId>)>,
    /// Overrides; a later one of the same name counts.
    pub configs: Vec<(String, Option<String>)>,
}

impl NewTopic {
    /// A topic with all defaults, as auto-creation makes it.
    pub fn automatic(name: &str) -> Self {
        Self { name: name.to_owned(), num_partitions: -1, replication_factor: -1, ..Self::default() }
    }

    /// `__consumer_offsets`, as Kafka makes it: compacted, in segments of `segment_bytes`
    /// (`offsets.topic.segment.bytes`, 104,857,600).
    pub fn consumer_offsets(num_partitions: i32, replication_factor: i16, segment_bytes: u64) -> Self {
        let config = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        Self {
            name: "__consumer_offsets".to_owned(),
            num_partitions,
            replication_factor,
            assignments: Vec::new(),
            configs: vec![
                config("cleanup.policy", "compact"),
                config("compression.type", "producer"),
                config("segment.bytes", &segment_bytes.to_string()),
            ],
        }
    }
}

/// A topic to delete: by name or by id. Before version 6 there are only names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicReference {
    /// Its name; none if the id names it.
    pub name: Option<String>,
    /// Its id; zero if the name names it.
    pub id: TopicId,
}

/// Partitions to add.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MorePartitions {
    /// The topic.
    pub name: String,
    /// How many partitions it shall have in the end.
    pub count: i32,
    /// The replicas of each new partition, if the client chooses them itself.
    pub assignments: Option<Vec<Vec<BrokerId>>>,
}

/// A topic that was created (or would be).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its id. With `validate_only` one that no topic will ever have.
    pub id: TopicId,
    /// How many partitions.
    pub num_partitions: i32,
    /// How many replicas the first has.
    pub replication_factor: i16,
    /// The overrides.
    pub configs: Configs,
}

/// A topic that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: TopicId,
}

/// Producer ids that belong to whoever asked: `first` and the `count - 1` behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// The first.
    pub first: ProducerId,
    /// How many.
    pub count: i64,
}

/// Why something that is not about topics did not take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControllerError {
    /// The log did not take the records.
    #[error("the metadata log did not take the change: {0}")]
    Log(#[from] AppendFailure),
    /// All 2^63 producer ids are taken.
    #[error("there are no producer ids left")]
    ProducerIdsExhausted,
}

/// A reply. Those about topics hold one entry per topic of the call, in its order; where the call names one twice, one.
#[derive(Clone, Debug, PartialEq)]
pub enum ControllerReply {
    /// To `Activate`.
    Activated(Result<(), ControllerError>),
    /// To `RegisterBroker`: the broker epoch.
    Registered(Result<i64, ControllerError>),
    /// To `CreateTopics`.
    TopicsCreated(Vec<(String, Result<CreatedTopic, TopicError>)>),
    /// To `DeleteTopics`.
    TopicsDeleted(Vec<(TopicReference, Result<DeletedTopic, TopicError>)>),
    /// To `CreatePartitions`.
    PartitionsCreated(Vec<(String, Result<(), TopicError>)>),
    /// To `AllocateProducerIds`.
    ProducerIds(Result<ProducerIdBlock, ControllerError>),
}

impl ControllerReply {
    /// The same reply when the log refused the records: what would have been a success is none.
    pub(super) fn failed(mut self, failure: AppendFailure) -> Self {
        fn fail<K, T>(results: &mut [(K, Result<T, TopicError>)], failure: AppendFailure) {
            for (_, result) in results.iter_mut().filter(|(_, result)| result.is_ok()) {
                *result = Err(TopicError::Log(failure));
            }
        }
        match &mut self {
            Self::Activated(result) => *result = Err(failure.into()),
            Self::Registered(result) => *result = Err(failure.into()),
            Self::ProducerIds(result) => *result = Err(failure.into()),
            Self::TopicsCreated(results) => fail(results, failure),
            Self::TopicsDeleted(results) => fail(results, failure),
            Self::PartitionsCreated(results) => fail(results, failure),
        }
        self
    }
}
