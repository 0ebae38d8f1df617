//! The embedded controller: decides on topics and writes `__cluster_metadata`.
//!
//! A pure machine ([`Controller`]): decide on a draft of the image, append its records as one batch, show the image and
//! reply once they are committed. Topics are created, grown and deleted here, producer ids handed out in blocks, brokers
//! registered.

mod broker;
mod call;
pub mod checkpoint;
mod create;
mod delete;
mod draft;
mod error;
mod features;
mod machine;
mod placement;
pub mod quorum;

pub use call::{
    Activation, ControllerCall, ControllerError, ControllerReply, CreatedTopic, DeletedTopic, MorePartitions,
    NewTopic, ProducerIdBlock, Registration, TopicReference,
};
pub use create::PARTITIONS_PER_REQUEST_MAX;
pub use error::{AssignmentError, TopicError};
pub use features::{
    METADATA_VERSION, MetadataVersionError, bootstrap_records, check_metadata_version, finalized_features,
    supported_features,
};
pub use machine::{Controller, PRODUCER_ID_BLOCK};

use crate::image::Configs;

/// Checks a topic's overrides; the error is what the client is told.
pub type ConfigCheck = dyn Fn(&Configs) -> Result<(), String>;

/// What the broker's own configuration decides.
pub struct Rules {
    /// `num.partitions`.
    pub num_partitions: i32,
    /// `default.replication.factor`.
    pub default_replication_factor: i16,
    /// `delete.topic.enable`.
    pub delete_topic_enable: bool,
    /// Checks a new topic's overrides.
    pub check_configs: Box<ConfigCheck>,
}

#[cfg(test)]
mod tests;
