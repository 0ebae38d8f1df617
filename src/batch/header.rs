//! The header of a record batch (magic 2), and what a broker changes in it.
//!
//! ```text
//!  0 baseOffset i64 | 8 length i32 (of all that follows) | 12 partitionLeaderEpoch i32 | 16 magic i8 = 2
//! 17 crc u32 (CRC-32C from byte 21 to the end) | 21 attributes i16 | 23 lastOffsetDelta i32 | 27 baseTimestamp i64
//! 35 maxTimestamp i64 | 43 producerId i64 | 51 producerEpoch i16 | 53 baseSequence i32 | 57 count i32 | 61 records
//! ```
//! Attributes: bits 0-2 codec, 3 LogAppendTime, 4 transactional, 5 control, 6 delete horizon (then in baseTimestamp).
//! Source: Apache Kafka's documentation of the message format.

use super::codec::Codec;
use super::error::{BatchError, Corruption};
use super::varint::Cursor;
use crate::base::crc::crc32c;
use crate::base::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

/// The bytes before the records.
pub const HEADER_BYTES: usize = 61;
/// The bytes that `length` does not count: baseOffset and itself.
pub const LENGTH_OVERHEAD: usize = 12;
/// The first byte under the checksum.
pub(super) const CRC_FROM: usize = 21;
/// The format of record batches.
pub(super) const MAGIC: i8 = 2;

const LOG_APPEND_TIME_BIT: i16 = 1 << 3;
const TRANSACTIONAL_BIT: i16 = 1 << 4;
const CONTROL_BIT: i16 = 1 << 5;
const DELETE_HORIZON_BIT: i16 = 1 << 6;

/// Whose clock the timestamps of a batch are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum TimestampType {
    /// The producer's, one for each record.
    #[default]
    CreateTime,
    /// The broker's, the same for all: the batch's maxTimestamp.
    LogAppendTime,
}

/// The fields of a batch header, as they stand in the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Offset of the first record (or of the first one there was, before compaction).
    pub base_offset: i64,
    /// Bytes after this field.
    pub length: i32,
    /// Epoch of the leader that appended; -1 from a client.
    pub leader_epoch: i32,
    /// 2.
    pub magic: i8,
    /// CRC-32C of everything from the attributes on.
    pub crc: u32,
    /// Codec and flags.
    pub attributes: i16,
    /// Offset of the last record, from the base offset.
    pub last_offset_delta: i32,
    /// Milliseconds; the records' timestamps count from it.
    pub base_timestamp: i64,
    /// Milliseconds; the largest of the records', or the time of the append.
    pub max_timestamp: i64,
    /// -1 without one.
    pub producer_id: i64,
    /// -1 without one.
    pub producer_epoch: i16,
    /// Sequence of the first record; -1 without one.
    pub base_sequence: i32,
    /// Number of records.
    pub count: i32,
}

impl Header {
    /// Reads the fields off the front of `bytes`; nothing is judged. `None` below [`HEADER_BYTES`].
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let mut at = Cursor(header.as_slice());
        Some(Self {
            base_offset: i64::from_be_bytes(at.array()?),
            length: i32::from_be_bytes(at.array()?),
            leader_epoch: i32::from_be_bytes(at.array()?),
            magic: i8::from_be_bytes(at.array()?),
            crc: u32::from_be_bytes(at.array()?),
            attributes: i16::from_be_bytes(at.array()?),
            last_offset_delta: i32::from_be_bytes(at.array()?),
            base_timestamp: i64::from_be_bytes(at.array()?),
            max_timestamp: i64::from_be_bytes(at.array()?),
            producer_id: i64::from_be_bytes(at.array()?),
            producer_epoch: i16::from_be_bytes(at.array()?),
            base_sequence: i32::from_be_bytes(at.array()?),
            count: i32::from_be_bytes(at.array()?),
        })
    }

    /// Like [`decode`](Self::decode), but only what can head a batch: magic 2 and a length that holds the header.
    /// Errors: Corrupt. The batch may be longer than `bytes`: a scan of a file reads headers only.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let header =
            Self::decode(bytes).ok_or(Corruption::Truncated { need: HEADER_BYTES, have: bytes.len() })?;
        if header.length < (HEADER_BYTES - LENGTH_OVERHEAD) as i32 {
            return Err(Corruption::Length(header.length).into());
        }
        if header.magic != MAGIC {
            return Err(Corruption::Magic(header.magic).into());
        }
        Ok(header)
    }

    /// The 61 bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0u8; HEADER_BYTES];
        let mut rest = out.as_mut_slice();
        for field in [
            self.base_offset.to_be_bytes().as_slice(),
            &self.length.to_be_bytes(),
            &self.leader_epoch.to_be_bytes(),
            &self.magic.to_be_bytes(),
            &self.crc.to_be_bytes(),
            &self.attributes.to_be_bytes(),
            &self.last_offset_delta.to_be_bytes(),
            &self.base_timestamp.to_be_bytes(),
            &self.max_timestamp.to_be_bytes(),
            &self.producer_id.to_be_bytes(),
            &self.producer_epoch.to_be_bytes(),
            &self.base_sequence.to_be_bytes(),
            &self.count.to_be_bytes(),
        ] {
            // The array has exactly the room that the fields need, so this never stops early.
            let Some((place, left)) = rest.split_at_mut_checked(field.len()) else { break };
            place.copy_from_slice(field);
            rest = left;
        }
        out
    }

    /// Bytes of the whole batch; 0 for a negative length.
    pub fn total_bytes(&self) -> usize {
        usize::try_from(self.length).map_or(0, |length| length + LENGTH_OVERHEAD)
    }
    /// Offset of the first record.
    pub fn base_offset(&self) -> Offset {
        Offset::new(self.base_offset)
    }
    /// Offset of the last record.
    pub fn last_offset(&self) -> Offset {
        Offset::new(self.base_offset).plus(i64::from(self.last_offset_delta))
    }
    /// The offset after the last record.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().next()
    }
    /// Epoch of the leader that appended the batch.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        LeaderEpoch::new(self.leader_epoch)
    }
    /// How the records are compressed. Errors: UnsupportedCompression.
    pub fn codec(&self) -> Result<Codec, BatchError> {
        Codec::from_id((self.attributes & 7) as u8)
    }
    /// Whose clock the timestamps are.
    pub fn timestamp_type(&self) -> TimestampType {
        if self.attributes & LOG_APPEND_TIME_BIT != 0 {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        }
    }
    /// Whether the batch is part of a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL_BIT != 0
    }
    /// Whether the batch holds control records (markers, leader changes) instead of data.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL_BIT != 0
    }
    /// When tombstones and markers of this batch may go: set by the first compaction that met them.
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON_BIT != 0).then_some(self.base_timestamp)
    }
    /// The producer, if it is idempotent.
    pub fn producer_id(&self) -> Option<ProducerId> {
        (self.producer_id >= 0).then(|| ProducerId::new(self.producer_id))
    }
    /// The producer's epoch.
    pub fn producer_epoch(&self) -> ProducerEpoch {
        ProducerEpoch::new(self.producer_epoch)
    }
    /// The sequence of the last record: wraps from 2^31-1 to 0; -1 without a sequence.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        (i64::from(self.base_sequence) + i64::from(self.last_offset_delta)) as i32 & i32::MAX
    }

    /// Sets codec and flags from their meanings.
    pub(super) fn set_attributes(
        &mut self,
        codec: Codec,
        timestamps: TimestampType,
        transactional: bool,
        control: bool,
        horizon: bool,
    ) {
        let flag = |set: bool, bit: i16| if set { bit } else { 0 };
        self.attributes = i16::from(codec.id())
            | flag(timestamps == TimestampType::LogAppendTime, LOG_APPEND_TIME_BIT)
            | flag(transactional, TRANSACTIONAL_BIT)
            | flag(control, CONTROL_BIT)
            | flag(horizon, DELETE_HORIZON_BIT);
    }
}

/// A whole batch in borrowed bytes: the header decoded, the records untouched. Derefs to [`Header`].
#[derive(Clone, Copy, Debug)]
pub struct BatchView<'a> {
    header: Header,
    bytes: &'a [u8],
}

impl std::ops::Deref for BatchView<'_> {
    type Target = Header;
    fn deref(&self) -> &Header {
        &self.header
    }
}

impl<'a> BatchView<'a> {
    /// The batch at the front of `bytes`; what follows it is left alone. The checksum is not looked at.
    /// Errors: Corrupt.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BatchError> {
        let header = Header::parse(bytes)?;
        let need = header.total_bytes();
        let bytes = bytes.get(..need).ok_or(Corruption::Truncated { need, have: bytes.len() })?;
        Ok(Self { header, bytes })
    }

    /// The fields.
    pub fn header(&self) -> &Header {
        &self.header
    }
    /// Header and records.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
    /// The records, compressed if the codec says so.
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }
    /// Compares the checksum with the bytes. Errors: Corrupt.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        let computed = crc32c(self.bytes.get(CRC_FROM..).unwrap_or_default());
        if computed == self.header.crc {
            return Ok(());
        }
        Err(Corruption::Crc { stored: self.header.crc, computed }.into())
    }
}

/// Goes through batches that lie back to back. Ends before a partial one; stops for good after an error.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
    failed: bool,
}

/// The batches in `bytes`, one after the other.
pub fn batches(bytes: &[u8]) -> Batches<'_> {
    Batches { rest: bytes, failed: false }
}

impl<'a> Batches<'a> {
    /// What has not been gone through: after the end, the partial batch (or nothing).
    pub fn remainder(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<BatchView<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match BatchView::parse(self.rest) {
            Ok(view) => {
                self.rest = self.rest.get(view.bytes.len()..).unwrap_or_default();
                Some(Ok(view))
            }
            Err(BatchError::Corrupt(Corruption::Truncated { .. })) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

/// Gives the batch at the front of `bytes` its place in the log. Both fields lie outside the checksum.
/// Does nothing with fewer than [`HEADER_BYTES`].
pub fn patch_offsets(bytes: &mut [u8], base_offset: Offset, leader_epoch: LeaderEpoch) {
    let Some(header) = bytes.first_chunk_mut::<HEADER_BYTES>() else { return };
    header[..8].copy_from_slice(&base_offset.get().to_be_bytes());
    header[12..16].copy_from_slice(&leader_epoch.get().to_be_bytes());
}

/// Turns the one batch that `bytes` is into a LogAppendTime batch of `timestamp_ms`, checksum included. The base
/// timestamp stays the client's, as in Kafka. Does nothing with fewer than [`HEADER_BYTES`].
pub fn set_log_append_time(bytes: &mut [u8], timestamp_ms: i64) {
    let Some(header) = bytes.first_chunk_mut::<HEADER_BYTES>() else { return };
    header[22] |= LOG_APPEND_TIME_BIT as u8;
    header[35..43].copy_from_slice(&timestamp_ms.to_be_bytes());
    reseal(bytes);
}

/// Corrects the maxTimestamp of the one batch that `bytes` is, which then has CreateTime, checksum included.
/// Does nothing with fewer than [`HEADER_BYTES`].
pub fn patch_max_timestamp(bytes: &mut [u8], timestamp_ms: i64) {
    let Some(header) = bytes.first_chunk_mut::<HEADER_BYTES>() else { return };
    header[22] &= !(LOG_APPEND_TIME_BIT as u8);
    header[35..43].copy_from_slice(&timestamp_ms.to_be_bytes());
    reseal(bytes);
}

/// Computes the checksum anew.
pub(super) fn reseal(bytes: &mut [u8]) {
    let crc = crc32c(bytes.get(CRC_FROM..).unwrap_or_default());
    if let Some(field) = bytes.get_mut(17..CRC_FROM) {
        field.copy_from_slice(&crc.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::builder::{BatchBuilder, BatchOptions};
    use super::*;

    fn batch() -> Vec<u8> {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.append(1000, Some(b"k"), Some(b"v"), &[]);
        builder.append(2000, None, Some(b"w"), &[]);
        builder.finish().unwrap()
    }

    #[test]
    fn header_round_trips() {
        let bytes = batch();
        let header = Header::parse(&bytes).unwrap();
        assert_eq!(header.encode(), bytes[..HEADER_BYTES]);
        assert_eq!((header.count, header.last_offset_delta), (2, 1));
        assert_eq!((header.base_timestamp, header.max_timestamp), (1000, 2000));
    }

    #[test]
    fn patches_keep_the_checksum_right() {
        let mut bytes = batch();
        patch_offsets(&mut bytes, Offset::new(77), LeaderEpoch::new(5));
        let view = BatchView::parse(&bytes).unwrap();
        assert_eq!(view.check_crc(), Ok(()));
        assert_eq!((view.base_offset(), view.last_offset()), (Offset::new(77), Offset::new(78)));
        assert_eq!(view.leader_epoch(), LeaderEpoch::new(5));
        set_log_append_time(&mut bytes, 123_456);
        let view = BatchView::parse(&bytes).unwrap();
        assert_eq!(view.check_crc(), Ok(()));
        assert_eq!(view.timestamp_type(), TimestampType::LogAppendTime);
        assert_eq!((view.base_timestamp, view.max_timestamp), (1000, 123_456));
        patch_max_timestamp(&mut bytes, 9);
        assert_eq!(BatchView::parse(&bytes).unwrap().check_crc(), Ok(()));
    }

    #[test]
    fn goes_through_whole_batches_and_tells_the_rest() {
        let one = batch();
        let mut bytes = one.repeat(3);
        bytes.extend_from_slice(&one[..one.len() - 1]);
        let mut all = batches(&bytes);
        assert_eq!(all.by_ref().filter(Result::is_ok).count(), 3);
        assert_eq!(all.remainder().len(), one.len() - 1);
        let mut zeros = batches(&[0; 200]);
        assert_eq!(zeros.next().unwrap().unwrap_err(), Corruption::Length(0).into());
        assert!(zeros.next().is_none());
    }

    #[test]
    fn last_sequence_wraps() {
        let mut header = Header::parse(&batch()).unwrap();
        assert_eq!(header.last_sequence(), -1);
        header.base_sequence = i32::MAX;
        assert_eq!(header.last_sequence(), 0);
        header.base_sequence = 10;
        assert_eq!(header.last_sequence(), 11);
    }
}
