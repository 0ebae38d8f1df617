//! One partition's log on disk, in Kafka's files.
//!
//! `log` is the whole: segments appended at the end and read anywhere. It stands on `appender` (which bytes are written
//! together), `tail_cache` (what was written stays in memory), `segment` and `segment_index`, `scan` (batches of a file in
//! order), `recovery` (the table of what to do after a stop) and `producer_state`.
//! The files, each with its codec: `layout` (all names), `checkpoint`, `partition_metadata`, `meta_properties`,
//! `leader_epochs`, `offset_index`, `time_index`, `txn_index`, `producer_snapshot`.

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
