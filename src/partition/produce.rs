//! A leader takes records in: judged, given their offsets, written, and only then answered.

use std::future::Future;

use bytes::Bytes;

use super::Partition;
use crate::base::ids::Offset;
use crate::batch::{self, BatchError, Codec, Rules, Stamp};
use crate::config::topic::{CompressionType, TimestampType};
use crate::storage::log::{Append, AppendBatch, AppendError};

/// One partition's records of a Produce.
#[derive(Debug, Clone)]
pub struct ProduceInput {
    /// As they came: a batch, or before version 3 a message set.
    pub records: Bytes,
    /// The version of the request.
    pub version: i16,
    /// 0, 1 or -1 for all.
    pub acks: i16,
}

/// Where records went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Produced {
    /// The offset of the first; that of the original for a duplicate.
    pub base_offset: Offset,
    /// The broker's time in milliseconds if the topic has LogAppendTime, else -1.
    pub log_append_time_ms: i64,
    /// The partition's first offset.
    pub log_start_offset: Offset,
}

/// Why records were refused.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// The records break a rule.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The log refuses them, or could not write them.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Records that were not appended.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub error: ProduceError,
    /// The partition's first offset, which most refusals tell too.
    pub log_start_offset: Offset,
}

impl Partition {
    /// Appends the records. Everything up to their place in the log happens before this returns; the future waits until
    /// they are written (and synced, where `flush.messages` asks for it).
    pub fn produce(
        &self,
        input: ProduceInput,
    ) -> impl Future<Output = Result<Produced, Refused>> + 'static + use<> {
        let log_start_offset = self.log_start_offset();
        let started = self.start_produce(&input);
        async move {
            let appended = match started {
                Ok(append) => append.await.map_err(ProduceError::from),
                Err(error) => Err(error),
            };
            match appended {
                Ok(appended) => Ok(Produced {
                    base_offset: appended.base_offset,
                    log_append_time_ms: appended.log_append_time,
                    log_start_offset,
                }),
                Err(error) => Err(Refused { error, log_start_offset }),
            }
        }
    }

    fn start_produce(&self, input: &ProduceInput) -> Result<Append, ProduceError> {
        let accepted = batch::accept(&input.records, &self.rules(input.version))?;
        let bytes = match accepted.summary.stamp {
            Stamp::Keep => accepted.batch,
            // A copy, for topics with LogAppendTime and for clients that got the header wrong.
            stamp => {
                let mut stamped = accepted.batch.to_vec();
                stamp.apply(&mut stamped);
                Bytes::from(stamped)
            }
        };
        Ok(self.log.append(&AppendBatch::new(bytes)?, self.leader_epoch()))
    }

    /// Appends a batch that this broker built itself.
    pub fn append_own(&self, batch: Vec<u8>) -> Result<Append, ProduceError> {
        let (bytes, max) = (batch.len(), self.config.max_message_bytes as usize);
        if bytes > max {
            return Err(BatchError::TooLarge { bytes, max }.into());
        }
        Ok(self.log.append(&AppendBatch::new(Bytes::from(batch))?, self.leader_epoch()))
    }

    fn rules(&self, version: i16) -> Rules {
        let config = &self.config;
        let recompress = match config.compression_type {
            CompressionType::Producer => None,
            CompressionType::Uncompressed => Some((Codec::None, Codec::None.default_level())),
            CompressionType::Gzip => {
                let level = config.gzip_level.and_then(|level| i32::try_from(level).ok());
                Some((Codec::Gzip, level.unwrap_or(Codec::Gzip.default_level())))
            }
            CompressionType::Snappy => Some((Codec::Snappy, Codec::Snappy.default_level())),
            CompressionType::Lz4 => Some((Codec::Lz4, i32::try_from(config.lz4_level).unwrap_or(9))),
            CompressionType::Zstd => Some((Codec::Zstd, config.zstd_level)),
        };
        Rules {
            produce_version: version,
            max_message_bytes: config.max_message_bytes as usize,
            timestamp_type: match config.message_timestamp_type {
                TimestampType::CreateTime => batch::TimestampType::CreateTime,
                TimestampType::LogAppendTime => batch::TimestampType::LogAppendTime,
            },
            timestamp_before_max_ms: config.message_timestamp_before_max_ms,
            timestamp_after_max_ms: config.message_timestamp_after_max_ms,
            compacted: config.compact,
            recompress,
            now_ms: self.clock.now_ms(),
            ..Rules::default()
        }
    }
}
