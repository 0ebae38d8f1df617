//! From each floor's errors to Kafka's codes; exhaustive, so that a new error must choose its code.

use crate::batch::{BatchError, Invalid, RecordError};
use crate::partition::{EpochMismatch, ListOffsetsError, ProduceError};
use crate::shard::{PartError, SessionError};
use crate::storage::log::{AppendError, ReadError};
use crate::storage::producer_state::SequenceError;
use crate::wire::ErrorCode;

/// The code, message and record errors of a Produce response.
pub fn produce_error(error: &ProduceError) -> (ErrorCode, Option<String>, &[RecordError]) {
    match error {
        // The one kind of error for which Kafka has words.
        ProduceError::Batch(
            batch @ (BatchError::InvalidTimestamp(records) | BatchError::InvalidRecords(records)),
        ) => (batch_error(batch), Some(batch.to_string()), records),
        ProduceError::Batch(batch) => (batch_error(batch), None, &[]),
        ProduceError::Append(append) => (append_error(append), None, &[]),
    }
}

/// Whether Kafka tells the log's start offset along with this error: where the records came as far as the log, and
/// neither they nor the disk are to blame for damage or size.
pub fn tells_log_start(error: &ProduceError) -> bool {
    match error {
        ProduceError::Batch(batch) => match batch {
            BatchError::Corrupt(_) | BatchError::TooLarge { .. } | BatchError::UnsupportedCompression(_) => {
                false
            }
            BatchError::Invalid(Invalid::NoBatch(_) | Invalid::SeveralBatches(_) | Invalid::OldMagic(_)) => {
                false
            }
            BatchError::Invalid(_) | BatchError::InvalidTimestamp(_) | BatchError::InvalidRecords(_) => true,
        },
        ProduceError::Append(append) => match append {
            AppendError::Sequence(_) => true,
            AppendError::Storage(_) | AppendError::Closed | AppendError::TooLarge { .. } => false,
        },
    }
}

fn batch_error(error: &BatchError) -> ErrorCode {
    match error {
        BatchError::Corrupt(_) => ErrorCode::CorruptMessage,
        BatchError::TooLarge { .. } => ErrorCode::MessageTooLarge,
        BatchError::InvalidTimestamp(_) => ErrorCode::InvalidTimestamp,
        BatchError::UnsupportedCompression(_) => ErrorCode::UnsupportedCompressionType,
        BatchError::Invalid(_) | BatchError::InvalidRecords(_) => ErrorCode::InvalidRecord,
    }
}

fn append_error(error: &AppendError) -> ErrorCode {
    match error {
        AppendError::Sequence(SequenceError::OutOfOrder { .. }) => ErrorCode::OutOfOrderSequenceNumber,
        AppendError::Sequence(SequenceError::StaleEpoch { .. }) => ErrorCode::InvalidProducerEpoch,
        AppendError::Storage(_) => ErrorCode::KafkaStorageError,
        AppendError::Closed => ErrorCode::NotLeaderOrFollower,
        AppendError::TooLarge { .. } => ErrorCode::RecordListTooLarge,
    }
}

/// The code of one partition of a Fetch response.
pub fn part_error(error: PartError) -> ErrorCode {
    match error {
        PartError::Unknown => ErrorCode::NotLeaderOrFollower,
        PartError::Epoch(mismatch) => epoch_error(mismatch),
        PartError::OutOfRange => ErrorCode::OffsetOutOfRange,
        PartError::Corrupt => ErrorCode::CorruptMessage,
        PartError::Storage => ErrorCode::KafkaStorageError,
    }
}

/// The code of a Fetch response whose session does not fit.
pub fn session_error(error: SessionError) -> ErrorCode {
    match error {
        SessionError::NotFound => ErrorCode::FetchSessionIdNotFound,
        SessionError::WrongEpoch => ErrorCode::InvalidFetchSessionEpoch,
        SessionError::TopicIdMix => ErrorCode::FetchSessionTopicIdError,
    }
}

/// The code of one partition of a ListOffsets response.
pub fn list_offsets_error(error: &ListOffsetsError) -> ErrorCode {
    match error {
        ListOffsetsError::Epoch(mismatch) => epoch_error(*mismatch),
        ListOffsetsError::Read(ReadError::OutOfRange { .. }) => ErrorCode::OffsetOutOfRange,
        ListOffsetsError::Read(ReadError::Corrupt { .. }) => ErrorCode::CorruptMessage,
        ListOffsetsError::Read(ReadError::Storage(_)) => ErrorCode::KafkaStorageError,
    }
}

/// The code of a leader epoch that is not ours.
pub fn epoch_error(mismatch: EpochMismatch) -> ErrorCode {
    match mismatch {
        EpochMismatch::Fenced => ErrorCode::FencedLeaderEpoch,
        EpochMismatch::Unknown => ErrorCode::UnknownLeaderEpoch,
    }
}
