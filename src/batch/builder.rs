//! Builds record batches: for internal topics, markers, conversion and compaction.

use super::codec::Codec;
use super::compress::compress;
use super::error::BatchError;
use super::header::{HEADER_BYTES, Header, LENGTH_OVERHEAD, MAGIC, TimestampType, reseal};
use super::varint;
use crate::base::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

/// What a new batch says about itself. The default: an uncompressed batch at offset 0 as a client without idempotence
/// sends it, leader epoch -1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// How the records are compressed.
    pub codec: Codec,
    /// The level, if not the codec's default.
    pub level: Option<i32>,
    /// Offset of delta 0.
    pub base_offset: Offset,
    /// Epoch of the leader that appends.
    pub leader_epoch: LeaderEpoch,
    /// The idempotent producer.
    pub producer_id: ProducerId,
    /// Its epoch.
    pub producer_epoch: ProducerEpoch,
    /// The first record's sequence. Without a producer id Kafka's clients say -1, its group coordinator 0.
    pub base_sequence: i32,
    /// Part of a transaction.
    pub transactional: bool,
    /// Control records instead of data.
    pub control: bool,
    /// With `LogAppendTime(ms)` all records have that time, whatever their own.
    pub log_append_time_ms: Option<i64>,
    /// Set by compaction; takes the place of the base timestamp.
    pub delete_horizon_ms: Option<i64>,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            codec: Codec::None,
            level: None,
            base_offset: Offset::ZERO,
            leader_epoch: LeaderEpoch::NONE,
            producer_id: ProducerId::NONE,
            producer_epoch: ProducerEpoch::NONE,
            base_sequence: -1,
            transactional: false,
            control: false,
            log_append_time_ms: None,
            delete_horizon_ms: None,
        }
    }
}

/// Collects records into a batch. An empty batch is legal: compaction keeps one for a live producer's last sequence.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    options: BatchOptions,
    /// Room for the header, then the records, uncompressed.
    bytes: Vec<u8>,
    count: i32,
    last_offset_delta: i32,
    base_timestamp: Option<i64>,
    max_timestamp: i64,
}

impl BatchBuilder {
    /// No records yet.
    pub fn new(options: BatchOptions) -> Self {
        Self {
            options,
            bytes: vec![0; HEADER_BYTES],
            count: 0,
            last_offset_delta: -1,
            base_timestamp: options.delete_horizon_ms,
            max_timestamp: -1,
        }
    }

    /// Adds a record at the next offset. `None` is null; a timestamp of -1 means none.
    pub fn append(
        &mut self,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&[u8], Option<&[u8]>)],
    ) {
        let next = self.last_offset_delta.saturating_add(1);
        self.append_at(next, timestamp_ms, key, value, headers.iter().copied());
    }

    /// Adds a record `offset_delta` after the base offset; deltas must rise (compaction leaves holes).
    pub fn append_at<'h>(
        &mut self,
        offset_delta: i32,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)> + Clone,
    ) {
        debug_assert!(offset_delta > self.last_offset_delta, "offsets rise within a batch");
        let base = *self.base_timestamp.get_or_insert(timestamp_ms);
        let timestamp_delta = timestamp_ms.wrapping_sub(base);
        let header_count = headers.clone().count() as i64;
        let header_bytes: usize =
            headers.clone().map(|(key, value)| field_len(Some(key)) + field_len(value)).sum();
        let body = 1
            + varint::len(timestamp_delta)
            + varint::len(i64::from(offset_delta))
            + field_len(key)
            + field_len(value)
            + varint::len(header_count)
            + header_bytes;
        let out = &mut self.bytes;
        out.reserve(body + varint::VARINT_BYTES_MAX);
        varint::put(out, body as i64);
        out.push(0);
        varint::put(out, timestamp_delta);
        varint::put(out, i64::from(offset_delta));
        put_field(out, key);
        put_field(out, value);
        varint::put(out, header_count);
        for (key, value) in headers {
            put_field(out, Some(key));
            put_field(out, value);
        }
        self.count = self.count.saturating_add(1);
        self.last_offset_delta = offset_delta;
        self.max_timestamp = self.max_timestamp.max(timestamp_ms);
    }

    /// Bytes so far, header included, before compression.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Records so far.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Lets the batch end at a later offset than its last record's: compaction keeps the range of the original.
    pub fn set_last_offset_delta(&mut self, last_offset_delta: i32) {
        self.last_offset_delta = self.last_offset_delta.max(last_offset_delta);
    }

    /// The batch, checksum included. Errors: TooLarge beyond 2^31-1 bytes; Invalid if the compressor fails.
    pub fn finish(mut self) -> Result<Vec<u8>, BatchError> {
        let options = self.options;
        let codec = if self.count == 0 { Codec::None } else { options.codec };
        if codec != Codec::None {
            let plain = self.bytes.get(HEADER_BYTES..).unwrap_or_default();
            let mut packed = Vec::with_capacity(HEADER_BYTES + plain.len() / 2);
            packed.resize(HEADER_BYTES, 0);
            compress(codec, options.level.unwrap_or(codec.default_level()), plain, &mut packed)?;
            self.bytes = packed;
        }
        let timestamps = match options.log_append_time_ms {
            Some(_) => TimestampType::LogAppendTime,
            None => TimestampType::CreateTime,
        };
        let mut header = Header {
            base_offset: options.base_offset.get(),
            length: 0,
            leader_epoch: options.leader_epoch.get(),
            magic: MAGIC,
            crc: 0,
            attributes: 0,
            last_offset_delta: self.last_offset_delta,
            base_timestamp: self.base_timestamp.unwrap_or(-1),
            max_timestamp: options.log_append_time_ms.unwrap_or(self.max_timestamp),
            producer_id: options.producer_id.get(),
            producer_epoch: options.producer_epoch.get(),
            base_sequence: options.base_sequence,
            count: self.count,
        };
        let horizon = options.delete_horizon_ms.is_some();
        header.set_attributes(codec, timestamps, options.transactional, options.control, horizon);
        seal(header, self.bytes)
    }
}

/// Puts `header` with the right length and checksum over the first bytes of `bytes`. Errors: TooLarge.
pub(super) fn seal(mut header: Header, mut bytes: Vec<u8>) -> Result<Vec<u8>, BatchError> {
    let max = i32::MAX as usize;
    header.length = i32::try_from(bytes.len().saturating_sub(LENGTH_OVERHEAD))
        .map_err(|_| BatchError::TooLarge { bytes: bytes.len(), max })?;
    if let Some(front) = bytes.first_chunk_mut::<HEADER_BYTES>() {
        *front = header.encode();
    }
    reseal(&mut bytes);
    Ok(bytes)
}

fn field_len(field: Option<&[u8]>) -> usize {
    field.map_or(varint::len(-1), |bytes| varint::len(bytes.len() as i64) + bytes.len())
}

fn put_field(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        None => varint::put(out, -1),
        Some(bytes) => {
            varint::put(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
    }
}

/// The control records that Kafka knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ControlType {
    /// 0: a transaction is aborted.
    Abort,
    /// 1: a transaction is committed.
    Commit,
    /// 2: the metadata quorum has a new leader.
    LeaderChange,
    /// 3: begins a snapshot.
    SnapshotHeader,
    /// 4: ends a snapshot.
    SnapshotFooter,
    /// 5: the version of the quorum.
    KRaftVersion,
    /// 6: the voters of the quorum.
    KRaftVoters,
}

impl ControlType {
    const ALL: [Self; 7] = [
        Self::Abort,
        Self::Commit,
        Self::LeaderChange,
        Self::SnapshotHeader,
        Self::SnapshotFooter,
        Self::KRaftVersion,
        Self::KRaftVoters,
    ];

    /// The number in the key.
    pub const fn id(self) -> i16 {
        self as i16
    }

    /// The key of such a record: version 0 and the number.
    pub fn key(self) -> [u8; 4] {
        let [high, low] = self.id().to_be_bytes();
        [0, 0, high, low]
    }
}

/// The type of the control record with this key; later key versions have the same beginning. `None` if unknown.
pub fn control_type(key: &[u8]) -> Option<ControlType> {
    let mut cursor = varint::Cursor(key);
    let version = i16::from_be_bytes(cursor.array()?);
    let id = i16::from_be_bytes(cursor.array()?);
    if version < 0 {
        return None;
    }
    ControlType::ALL.get(usize::try_from(id).ok()?).copied()
}

/// A control batch of one record. `options.control` need not be set.
/// Errors: TooLarge for a value of 2 GiB.
pub fn control_batch(
    options: BatchOptions,
    timestamp_ms: i64,
    control: ControlType,
    value: &[u8],
) -> Result<Vec<u8>, BatchError> {
    let mut builder = BatchBuilder::new(BatchOptions { control: true, ..options });
    builder.append(timestamp_ms, Some(&control.key()), Some(value), &[]);
    builder.finish()
}

/// The value of an abort or commit marker: version 0 and the coordinator's epoch.
pub fn marker_value(coordinator_epoch: i32) -> [u8; 6] {
    let [a, b, c, d] = coordinator_epoch.to_be_bytes();
    [0, 0, a, b, c, d]
}

/// The coordinator's epoch in a marker's value. `None` if it is none.
pub fn marker_epoch(value: &[u8]) -> Option<i32> {
    let mut cursor = varint::Cursor(value);
    let version = i16::from_be_bytes(cursor.array()?);
    (version >= 0).then_some(())?;
    Some(i32::from_be_bytes(cursor.array()?))
}

#[cfg(test)]
mod tests {
    use super::super::header::BatchView;
    use super::super::record::records;
    use super::*;

    #[test]
    fn a_marker_as_kafka_writes_it() {
        let options = BatchOptions {
            base_offset: Offset::new(9),
            producer_id: ProducerId::new(4),
            producer_epoch: ProducerEpoch::new(1),
            transactional: true,
            ..BatchOptions::default()
        };
        let bytes = control_batch(options, 77, ControlType::Commit, &marker_value(3)).unwrap();
        let view = BatchView::parse(&bytes).unwrap();
        assert!(view.is_control() && view.is_transactional());
        assert_eq!((view.producer_id(), view.base_sequence), (Some(ProducerId::new(4)), -1));
        let all = records(&view).unwrap();
        let record = all.iter().next().unwrap().unwrap();
        assert_eq!(control_type(record.key.unwrap()), Some(ControlType::Commit));
        assert_eq!(marker_epoch(record.value.unwrap()), Some(3));
        assert_eq!(record.offset, Offset::new(9));
    }

    #[test]
    fn an_empty_batch_as_compaction_leaves_it() {
        let options = BatchOptions { codec: Codec::Lz4, base_sequence: 5, ..BatchOptions::default() };
        let mut builder = BatchBuilder::new(options);
        builder.set_last_offset_delta(41);
        let bytes = builder.finish().unwrap();
        let view = BatchView::parse(&bytes).unwrap();
        assert_eq!((bytes.len(), view.count, view.last_offset_delta), (HEADER_BYTES, 0, 41));
        assert_eq!((view.base_timestamp, view.attributes, view.base_sequence), (-1, 0, 5));
        assert_eq!(view.check_crc(), Ok(()));
        assert_eq!(records(&view).unwrap().iter().count(), 0);
    }

    #[test]
    fn control_keys() {
        for control in ControlType::ALL {
            assert_eq!(control_type(&control.key()), Some(control));
        }
        assert_eq!(control_type(&[0, 0, 0, 7]), None);
        assert_eq!(control_type(&[0, 0, 0]), None);
        assert_eq!(control_type(&[0xff, 0xff, 0, 0]), None);
    }
}
