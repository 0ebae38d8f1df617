//! One partition's log on disk, in Kafka's files.
//!
//! Small files, each with its codec: `layout` (names), `checkpoint`, `partition_metadata`, `meta_properties`,
//! `leader_epochs`, `offset_index`, `time_index`, `txn_index`, `producer_snapshot` (of `producer_state`).

pub mod appender;
pub mod checkpoint;
pub mod layout;
pub mod leader_epochs;
pub mod log;
pub mod meta_properties;
pub mod offset_index;
pub mod partition_metadata;
pub mod producer_snapshot;
pub mod producer_state;
pub mod recovery;
pub mod scan;
pub mod segment;
pub mod segment_index;
pub mod tail_cache;
pub mod time_index;
pub mod txn_index;
