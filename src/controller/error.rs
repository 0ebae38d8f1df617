//! Why a topic was not created, changed or deleted: one variant per reason, with Kafka's text and code.

use crate::base::ids::BrokerId;
use crate::image::TopicNameError;
use crate::replicated::AppendFailure;
use crate::wire::ErrorCode;

/// Why the controller refused what was asked about one topic. The texts are Kafka's: they go to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Not a name for a topic.
    #[error(transparent)]
    Name(#[from] TopicNameError),
    /// Metrics could not tell it from another.
    #[error("Topic '{name}' collides with existing topic: {existing}")]
    Collides {
        /// The new name.
        name: String,
        /// The topic that has the older rights.
        existing: String,
    },
    /// A topic that only the broker itself may have.
    #[error("Creation of internal topic {0} is prohibited.")]
    Prohibited(String),
    /// It exists already.
    #[error("Topic '{0}' already exists.")]
    Exists(String),
    /// Neither -1 nor positive.
    #[error("Number of partitions was set to an invalid non-positive value.")]
    PartitionCount,
    /// Neither -1 nor positive.
    #[error("Replication factor must be larger than 0, or -1 to use the default value.")]
    ReplicationFactor,
    /// Not enough brokers.
    #[error(
        "Unable to replicate the partition {factor} time(s): The target replication factor of {factor} cannot be \
         reached because only {brokers} broker(s) are registered or some brokers have all their log directories \
         cordoned."
    )]
    TooFewBrokers {
        /// Replicas wanted.
        factor: i16,
        /// Brokers that could hold one.
        brokers: usize,
    },
    /// No broker could lead.
    #[error(
        "Unable to replicate the partition {factor} time(s): All brokers are currently fenced, or have all their log \
         directories cordoned."
    )]
    AllFenced {
        /// Replicas wanted.
        factor: i16,
    },
    /// Both an assignment and a number of partitions.
    #[error("A manual partition assignment was specified, but numPartitions was not set to -1.")]
    AssignmentAndCount,
    /// Both an assignment and a replication factor.
    #[error("A manual partition assignment was specified, but replication factor was not set to -1.")]
    AssignmentAndFactor,
    /// A wrong assignment.
    #[error(transparent)]
    Assignment(#[from] AssignmentError),
    /// A topic config without a value.
    #[error("Null value not supported for topic configs: {0}")]
    NullConfig(String),
    /// A config that is unknown, or a value that is wrong.
    #[error("{0}")]
    Config(String),
    /// The request names the topic twice.
    #[error("Duplicate topic name.")]
    DuplicateName,
    /// The request names the id twice.
    #[error("Duplicate topic id.")]
    DuplicateId,
    /// The request names the topic by name and by id.
    #[error("The provided topic name maps to an ID that was already supplied.")]
    NameOfSuppliedId,
    /// Nothing says which topic.
    #[error("Neither topic name nor id were specified.")]
    NeitherNameNorId,
    /// A name and an id at once.
    #[error("You may not specify both topic name and topic id.")]
    BothNameAndId,
    /// More partitions than one request may create.
    #[error("Excessively large number of partitions per request.")]
    TooManyPartitions,
    /// No topic of this name.
    #[error("This server does not host this topic-partition.")]
    UnknownName,
    /// No topic of this id.
    #[error("This server does not host this topic ID.")]
    UnknownId,
    /// `delete.topic.enable` is false.
    #[error("Topic deletion is disabled.")]
    DeletionDisabled,
    /// It has as many already.
    #[error("Topic already has {0} partition(s).")]
    SameCount(usize),
    /// It has more already.
    #[error("The topic {name} currently has {has} partition(s); {wanted} would not be an increase.")]
    NoIncrease {
        /// The topic.
        name: String,
        /// Its partitions.
        has: usize,
        /// What the request wants.
        wanted: i32,
    },
    /// The log did not take the records.
    #[error("the metadata log did not take the change: {0}")]
    Log(#[from] AppendFailure),
}

/// Why a client's own choice of replicas is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentError {
    /// A partition twice.
    #[error("Found multiple manual partition assignments for partition {0}")]
    Duplicate(i32),
    /// A hole.
    #[error("partitions should be a consecutive 0-based integer sequence")]
    NotConsecutive,
    /// No replicas.
    #[error("The manual partition assignment includes an empty replica list.")]
    Empty,
    /// A broker twice.
    #[error("The manual partition assignment includes the broker {0} more than once.")]
    BrokerTwice(BrokerId),
    /// A broker that does not exist.
    #[error("The manual partition assignment includes broker {0}, but no such broker is registered.")]
    UnknownBroker(BrokerId),
    /// Not as many replicas as the partitions before.
    #[error(
        "The manual partition assignment includes a partition with {has} replica(s), but this is not consistent with \
         previous partitions, which have {previous} replica(s)."
    )]
    Uneven {
        /// Replicas here.
        has: usize,
        /// Replicas before.
        previous: usize,
    },
    /// Nobody could lead.
    #[error(
        "All brokers specified in the manual partition assignment for partition {0} are fenced or in controlled \
         shutdown."
    )]
    AllFenced(i32),
    /// Not one per new partition.
    #[error(
        "Attempted to add {partitions} additional partition(s), but only {assignments} assignment(s) were specified."
    )]
    Count {
        /// New partitions.
        partitions: usize,
        /// Assignments.
        assignments: usize,
    },
}

impl TopicError {
    /// Kafka's code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Name(_) | Self::Collides { .. } => ErrorCode::InvalidTopicException,
            Self::Exists(_) => ErrorCode::TopicAlreadyExists,
            Self::PartitionCount | Self::SameCount(_) | Self::NoIncrease { .. } => {
                ErrorCode::InvalidPartitions
            }
            Self::ReplicationFactor | Self::TooFewBrokers { .. } | Self::AllFenced { .. } => {
                ErrorCode::InvalidReplicationFactor
            }
            Self::Assignment(_) => ErrorCode::InvalidReplicaAssignment,
            Self::NullConfig(_) | Self::Config(_) => ErrorCode::InvalidConfig,
            Self::Prohibited(_)
            | Self::AssignmentAndCount
            | Self::AssignmentAndFactor
            | Self::DuplicateName
            | Self::DuplicateId
            | Self::NameOfSuppliedId
            | Self::NeitherNameNorId
            | Self::BothNameAndId => ErrorCode::InvalidRequest,
            Self::TooManyPartitions => ErrorCode::PolicyViolation,
            Self::UnknownName => ErrorCode::UnknownTopicOrPartition,
            Self::UnknownId => ErrorCode::UnknownTopicId,
            Self::DeletionDisabled => ErrorCode::TopicDeletionDisabled,
            Self::Log(failure) => log_code(*failure),
        }
    }
}

impl super::ControllerError {
    /// Kafka's code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Log(failure) => log_code(*failure),
            Self::ProducerIdsExhausted => ErrorCode::UnknownServerError,
        }
    }
}

fn log_code(failure: AppendFailure) -> ErrorCode {
    match failure {
        AppendFailure::NotLeader => ErrorCode::NotController,
        AppendFailure::Storage => ErrorCode::KafkaStorageError,
        AppendFailure::TooLarge => ErrorCode::PolicyViolation,
        AppendFailure::NotEnoughReplicas => ErrorCode::RequestTimedOut,
    }
}
