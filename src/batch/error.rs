//! What can be wrong with a batch. The variants of [`BatchError`] match Kafka's error codes one to one.

use std::borrow::Cow;

/// Why bytes are no acceptable batch. The number is the Kafka error code that belongs to the variant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// CORRUPT_MESSAGE (2): the bytes are damaged; sending them again may help.
    #[error("Record is corrupt: {0}")]
    Corrupt(#[from] Corruption),
    /// MESSAGE_TOO_LARGE (10).
    #[error("The record batch size is {bytes} bytes which exceeds the maximum configured value of {max}.")]
    TooLarge {
        /// The whole batch, header included.
        bytes: usize,
        /// `max.message.bytes`.
        max: usize,
    },
    /// INVALID_TIMESTAMP (32): records outside the allowed range, or a client that set LogAppendTime.
    #[error("One or more records have been rejected due to invalid timestamp")]
    InvalidTimestamp(Vec<RecordError>),
    /// UNSUPPORTED_COMPRESSION_TYPE (76).
    #[error("{0}")]
    UnsupportedCompression(Cow<'static, str>),
    /// INVALID_RECORD (87) for the batch as a whole.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// INVALID_RECORD (87) because of single records.
    #[error(
        "One or more records have been rejected due to {} record errors in total, and only showing the first three \
         errors at most: {:?}", .0.len(), .0.iter().take(3).collect::<Vec<_>>()
    )]
    InvalidRecords(Vec<RecordError>),
}

impl BatchError {
    /// The records to name in the answer, at most [`RecordError::LISTED_MAX`].
    pub fn record_errors(&self) -> &[RecordError] {
        match self {
            Self::InvalidTimestamp(errors) | Self::InvalidRecords(errors) => errors,
            Self::Corrupt(_) | Self::TooLarge { .. } | Self::UnsupportedCompression(_) | Self::Invalid(_) => {
                &[]
            }
        }
    }
}

/// A record that Kafka names in a Produce response.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordError {
    /// The place of the record in its batch, from 0.
    pub batch_index: i32,
    /// What is wrong with it.
    pub message: String,
}

impl RecordError {
    /// Errors listed per batch; further ones are left out of the answer.
    pub const LISTED_MAX: usize = 100;
}

impl std::fmt::Debug for RecordError {
    /// As Kafka prints it in the message of the batch.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordError(batchIndex={}, message='{}')", self.batch_index, self.message)
    }
}

/// Damage: what a transport or a disk does to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corruption {
    /// Fewer bytes than the batch needs.
    #[error("{have} bytes are left where {need} are needed")]
    Truncated {
        /// Bytes needed.
        need: usize,
        /// Bytes there are.
        have: usize,
    },
    /// A length field that no batch can have.
    #[error("illegal length {0}")]
    Length(i32),
    /// A magic byte other than 0, 1 and 2, or other than the one expected here.
    #[error("invalid magic {0}")]
    Magic(i8),
    /// The checksum does not match.
    #[error("stored crc = {stored}, computed crc = {computed}")]
    Crc {
        /// As the header says.
        stored: u32,
        /// Of the bytes.
        computed: u32,
    },
}

/// Intact bytes that break a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A Produce without a batch.
    #[error("Produce requests with version {0} must have at least one record batch per partition")]
    NoBatch(i16),
    /// A Produce with more than one.
    #[error(
        "Produce requests with version {0} are only allowed to contain exactly one record batch per partition"
    )]
    SeveralBatches(i16),
    /// An old message format in a new request.
    #[error(
        "Produce requests with version {0} are only allowed to contain record batches with magic version 2"
    )]
    OldMagic(i16),
    /// Messages of two formats in one set.
    #[error("Batch magic {found} is not the same as the first batch's magic byte {first}")]
    MixedMagic {
        /// The format of the first message.
        first: i8,
        /// Another one's.
        found: i8,
    },
    /// A client counts from 0.
    #[error("The baseOffset of the record batch should be 0, but it is {0}")]
    BaseOffset(i64),
    /// A count that is not positive.
    #[error("Invalid reported count for record batch: {0}")]
    Count(i32),
    /// The count and the last offset disagree.
    #[error("Inconsistent batch offset range [0, {last_offset_delta}] and count of records {count}")]
    OffsetRange {
        /// `lastOffsetDelta`.
        last_offset_delta: i32,
        /// The number of records in the header.
        count: i32,
    },
    /// Only coordinators write control batches.
    #[error("Clients are not allowed to write control records")]
    Control,
    /// An idempotent producer numbers its batches.
    #[error("Invalid sequence number {sequence} in record batch with producerId {producer_id}")]
    Sequence {
        /// `baseSequence`.
        sequence: i32,
        /// `producerId`.
        producer_id: i64,
    },
    /// Records end before the header's count is reached, or go on after it.
    #[error("Incorrect declared batch size: records end at number {0}")]
    Size(i32),
    /// A record that cannot be read.
    #[error("Invalid record {index} in the batch: {what}")]
    Record {
        /// Its place in the batch, from 0.
        index: i32,
        /// What is wrong.
        what: &'static str,
    },
    /// Compressed bytes that do not decompress.
    #[error("Records compressed with {codec} cannot be decompressed: {what}")]
    Compressed {
        /// The codec's name.
        codec: &'static str,
        /// The codec's own words.
        what: String,
    },
    /// A batch that grows beyond measure.
    #[error("Records decompress to more than {0} bytes")]
    Expansion(usize),
}

/// Shorthand for a record that cannot be read.
pub(super) fn bad_record(index: i32, what: &'static str) -> BatchError {
    BatchError::Invalid(Invalid::Record { index, what })
}
