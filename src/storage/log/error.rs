//! What can go wrong with a log, by operation.

use crate::base::ids::{Offset, Position};
use crate::storage::producer_state::SequenceError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The disk has failed the log, which is offline from then on (KAFKA_STORAGE_ERROR, 56): nothing is acknowledged after
/// it, and only a restart, which looks at what the disk really has, brings it back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: cannot {action}: {reason}")]
pub struct Failure {
    /// What was tried.
    pub action: &'static str,
    /// With which file or directory.
    pub path: Arc<str>,
    /// What the system said.
    pub reason: Arc<str>,
    /// The same, as a kind.
    pub kind: io::ErrorKind,
}

impl Failure {
    /// From a call that failed.
    pub fn new(action: &'static str, path: &Path, error: &io::Error) -> Self {
        let path = path.display().to_string().into();
        Self { action, path, reason: error.to_string().into(), kind: error.kind() }
    }
}

/// Why a batch was not appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The producer's epoch or sequence is not the next.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The disk; also for batches that were taken before it failed.
    #[error(transparent)]
    Storage(#[from] Failure),
    /// The log is being closed or deleted.
    #[error("the log is closed")]
    Closed,
    /// The batch does not fit any segment (RECORD_LIST_TOO_LARGE, 18).
    #[error("a batch of {bytes} bytes is larger than a segment of {segment_bytes}")]
    TooLarge {
        /// Of the batch.
        bytes: u64,
        /// `segment.bytes`.
        segment_bytes: u64,
    },
}

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Outside what the log holds (OFFSET_OUT_OF_RANGE, 1).
    #[error("offset {offset} is outside {start}..{end}")]
    OutOfRange {
        /// As asked.
        offset: Offset,
        /// The first readable.
        start: Offset,
        /// Behind the last readable.
        end: Offset,
    },
    /// The disk.
    #[error(transparent)]
    Storage(#[from] Failure),
    /// What lies there is no batch: media damage (CORRUPT_MESSAGE, 2).
    #[error("segment {segment}, position {position}: {reason}")]
    Corrupt {
        /// The segment's base.
        segment: Offset,
        /// Where in its file.
        position: Position,
        /// What is wrong.
        reason: String,
    },
}

/// Why a log could not be created, opened, closed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk.
    #[error(transparent)]
    Storage(#[from] Failure),
    /// Valid batches follow a damaged one, or a synced one is damaged: that is no torn tail. Nothing was changed; the
    /// partition is quarantined until somebody has looked.
    #[error("{path} is damaged at position {position}: {reason}; nothing was changed")]
    Damaged {
        /// The `.log` file.
        path: PathBuf,
        /// Where.
        position: Position,
        /// What is wrong.
        reason: String,
    },
    /// The directory belongs to another topic of the same name.
    #[error("{path} belongs to topic id {found}, not {expected}")]
    TopicId {
        /// The directory.
        path: PathBuf,
        /// In `partition.metadata`.
        found: crate::base::ids::TopicId,
        /// As asked.
        expected: crate::base::ids::TopicId,
    },
}

impl LogError {
    /// From a call that failed.
    pub fn io(action: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Storage(Failure::new(action, path, error))
    }
}
