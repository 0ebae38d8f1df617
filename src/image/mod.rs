//! The read-only view of the cluster that every shard holds: an [`Image`] is what the metadata log says up to an offset.
//! The controller is the only writer; it applies [`MetadataRecord`]s to a clone and sends every new version to all shards.

mod apply;
mod broker;
mod cluster;
mod kept;
mod names;
mod record;
mod replay;
mod route;
mod snapshot;
mod topic;

pub use broker::{BrokerImage, Endpoint, FeatureRange};
pub use cluster::{ConfigResource, Configs, Image};
pub use kept::Kept;
pub use names::{TopicNameError, collision_key, is_internal_topic, validate_topic_name};
pub use record::MetadataRecord;
pub use replay::{LogEnd, Replay};
pub use route::shard_of;
pub use topic::{PARTITIONS_PER_TOPIC_MAX, PartitionImage, TopicImage};
