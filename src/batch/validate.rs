//! What a Produce must bring. Kafka's rules, in Kafka's order: which batch, its size, its checksum, its header, its
//! records. A failure names the first rule that is broken; single records are named only by the last step.

use super::codec::Codec;
use super::decompress::StreamSource;
use super::error::{BatchError, Corruption, Invalid, RecordError};
use super::header::{
    BatchView, HEADER_BYTES, LENGTH_OVERHEAD, MAGIC, TimestampType, patch_max_timestamp, set_log_append_time,
};
use super::varint::Cursor;
use super::walk::{Head, SliceSource, walk};
use std::borrow::Cow;

/// Who wrote a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Origin {
    /// A client, by Produce: nothing is taken on trust.
    #[default]
    Client,
    /// A coordinator of this cluster: control batches and any base offset are fine.
    Coordinator,
}

/// What the topic and the request allow.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Who wrote the batch.
    pub origin: Origin,
    /// The version of the Produce request.
    pub produce_version: i16,
    /// `max.message.bytes`: of the whole batch.
    pub max_message_bytes: usize,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how old a record may be; for CreateTime only.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far in the future.
    pub timestamp_after_max_ms: i64,
    /// Whether `cleanup.policy` holds `compact`: then every record needs a key.
    pub compacted: bool,
    /// `compression.type` and its level, unless it is `producer`.
    pub recompress: Option<(Codec, i32)>,
    /// The time.
    pub now_ms: i64,
}

impl Default for Rules {
    /// Kafka's defaults, for the newest Produce, at the epoch.
    fn default() -> Self {
        Self {
            origin: Origin::Client,
            produce_version: i16::MAX,
            max_message_bytes: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compacted: false,
            recompress: None,
            now_ms: 0,
        }
    }
}

/// What an append has to change in the batch, besides its offsets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stamp {
    /// Nothing.
    Keep,
    /// The client's maxTimestamp is wrong: this is the records'.
    MaxTimestamp(i64),
    /// The topic has LogAppendTime: this is the time.
    LogAppendTime(i64),
}

impl Stamp {
    /// Changes the one batch that `bytes` is, checksum included.
    pub fn apply(self, bytes: &mut [u8]) {
        match self {
            Self::Keep => {}
            Self::MaxTimestamp(timestamp_ms) => patch_max_timestamp(bytes, timestamp_ms),
            Self::LogAppendTime(timestamp_ms) => set_log_append_time(bytes, timestamp_ms),
        }
    }
}

/// What is known of a batch that passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validated {
    /// Bytes of the batch, header included.
    pub bytes: usize,
    /// Number of records.
    pub count: i32,
    /// Offset of the last record, from the first.
    pub last_offset_delta: i32,
    /// After the stamp; -1 if no record has a timestamp.
    pub max_timestamp_ms: i64,
    /// The first record that has it.
    pub offset_of_max_timestamp_delta: i32,
    /// The client's codec.
    pub codec: Codec,
    /// -1 without idempotence.
    pub producer_id: i64,
    /// -1 without idempotence.
    pub producer_epoch: i16,
    /// -1 without idempotence.
    pub base_sequence: i32,
    /// Part of a transaction.
    pub transactional: bool,
    /// Holds control records.
    pub control: bool,
    /// To be applied to the bytes that are appended.
    pub stamp: Stamp,
}

/// Judges the `records` of one partition of a Produce (version 3 and up): exactly one batch, with nothing behind it but
/// perhaps a part of another, which is not appended ([`Validated::bytes`]).
/// Errors: all of [`BatchError`].
pub fn validate_produce(records: &[u8], rules: &Rules) -> Result<Validated, BatchError> {
    let view = the_batch(records, rules)?;
    validate_batch(&view, rules)
}

/// Finds the one batch.
fn the_batch<'a>(records: &'a [u8], rules: &Rules) -> Result<BatchView<'a>, BatchError> {
    let version = rules.produce_version;
    match framed_magic(records)? {
        Some(0 | 1) => return Err(Invalid::OldMagic(version).into()),
        Some(MAGIC) => {}
        Some(other) => return Err(Corruption::Magic(other).into()),
        None => return Err(Invalid::NoBatch(version).into()),
    }
    let view = match BatchView::parse(records) {
        Err(BatchError::Corrupt(Corruption::Truncated { .. })) => Err(Invalid::NoBatch(version).into()),
        other => other,
    }?;
    if view.codec()? == Codec::Zstd && version < ZSTD_VERSION {
        return Err(BatchError::UnsupportedCompression(Cow::Owned(format!(
            "Produce requests with version {version} are not allowed to use ZStandard compression"
        ))));
    }
    let behind = records.get(view.total_bytes()..).unwrap_or_default();
    match BatchView::parse(behind) {
        Ok(_) => Err(Invalid::SeveralBatches(version).into()),
        Err(BatchError::Corrupt(Corruption::Truncated { .. })) => Ok(view),
        Err(error) => Err(error),
    }
}

/// The magic byte of what is long enough to be a message or batch and is there whole; `None` if it is cut off.
/// Errors: Corrupt for a length that nothing can have.
fn framed_magic(records: &[u8]) -> Result<Option<i8>, BatchError> {
    let Some(length) = records.get(8..).and_then(|rest| rest.first_chunk()) else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(*length);
    if length < SIZE_MIN {
        return Err(Corruption::Length(length).into());
    }
    let whole = usize::try_from(length).is_ok_and(|length| records.len() >= length + LENGTH_OVERHEAD);
    Ok(match magic(records) {
        Some(known @ 0..=MAGIC) => whole.then_some(known),
        // That it is none is seen before its end.
        other => other,
    })
}

/// Bytes after the length of the smallest message: CRC, magic, attributes and two lengths.
const SIZE_MIN: i32 = 14;

/// The first Produce version that may carry zstd.
const ZSTD_VERSION: i16 = 7;

/// The magic byte of a batch or a message: both have it in the same place.
pub(super) fn magic(bytes: &[u8]) -> Option<i8> {
    let mut cursor = Cursor(bytes);
    cursor.take(16)?;
    Some(i8::from_be_bytes(cursor.array()?))
}

/// Judges a batch, whatever it came in.
pub(super) fn validate_batch(view: &BatchView<'_>, rules: &Rules) -> Result<Validated, BatchError> {
    let client = rules.origin == Origin::Client;
    if client && view.base_offset != 0 {
        return Err(Invalid::BaseOffset(view.base_offset).into());
    }
    check_size(view.total_bytes(), rules)?;
    view.check_crc()?;
    check_header(view, client)?;
    let codec = view.codec()?;
    let found = match scan(view, codec)? {
        found if found.fits(view, rules) => found,
        _ => return Err(blame(view, codec, rules)),
    };
    let (stamp, max_timestamp, delta_of_max) = stamp(view, &found, rules);
    Ok(Validated {
        bytes: view.total_bytes(),
        count: view.count,
        last_offset_delta: view.last_offset_delta,
        max_timestamp_ms: max_timestamp,
        offset_of_max_timestamp_delta: delta_of_max,
        codec,
        producer_id: view.producer_id,
        producer_epoch: view.producer_epoch,
        base_sequence: view.base_sequence,
        transactional: view.is_transactional(),
        control: view.is_control(),
        stamp,
    })
}

/// What to do about the time, and then: the largest timestamp and the first record that has it.
fn stamp(view: &BatchView<'_>, found: &Found, rules: &Rules) -> (Stamp, i64, i32) {
    match (rules.timestamp_type, view.timestamp_type()) {
        (TimestampType::LogAppendTime, _) => (Stamp::LogAppendTime(rules.now_ms), rules.now_ms, 0),
        // A client's claim of LogAppendTime is taken back; the time that it stands for holds.
        (TimestampType::CreateTime, TimestampType::LogAppendTime) => {
            let client = rules.origin == Origin::Client;
            let stamp = if client { Stamp::MaxTimestamp(view.max_timestamp) } else { Stamp::Keep };
            (stamp, view.max_timestamp, 0)
        }
        (TimestampType::CreateTime, TimestampType::CreateTime) => {
            let right = found.max == view.max_timestamp;
            let stamp = if right { Stamp::Keep } else { Stamp::MaxTimestamp(found.max) };
            (stamp, found.max, found.index_of_max)
        }
    }
}

/// Compares a batch's size with the topic's limit.
pub(super) fn check_size(bytes: usize, rules: &Rules) -> Result<(), BatchError> {
    if bytes > rules.max_message_bytes {
        return Err(BatchError::TooLarge { bytes, max: rules.max_message_bytes });
    }
    Ok(())
}

fn check_header(view: &BatchView<'_>, client: bool) -> Result<(), BatchError> {
    if view.count <= 0 {
        return Err(Invalid::Count(view.count).into());
    }
    // A sum in 32 bits would wrap for the largest delta.
    if i64::from(view.last_offset_delta) + 1 != i64::from(view.count) {
        let (last_offset_delta, count) = (view.last_offset_delta, view.count);
        return Err(Invalid::OffsetRange { last_offset_delta, count }.into());
    }
    if client && view.is_control() {
        return Err(Invalid::Control.into());
    }
    if client && view.producer_id >= 0 && view.base_sequence < 0 {
        let (sequence, producer_id) = (view.base_sequence, view.producer_id);
        return Err(Invalid::Sequence { sequence, producer_id }.into());
    }
    Ok(())
}

/// What one pass over the records brings together.
struct Found {
    /// Smallest timestamp other than "none" (-1); the largest number if all have none.
    min: i64,
    /// Largest timestamp, -1 if none.
    max: i64,
    index_of_max: i32,
    all_keyed: bool,
}

impl Found {
    fn fits(&self, view: &BatchView<'_>, rules: &Rules) -> bool {
        (self.all_keyed || !rules.compacted) && self.times_fit(view, rules)
    }

    fn times_fit(&self, view: &BatchView<'_>, rules: &Rules) -> bool {
        if claims_append_time(view, rules) {
            return false;
        }
        let (oldest, newest) = range(rules);
        if rules.origin == Origin::Client && view.timestamp_type() == TimestampType::LogAppendTime {
            return (oldest..=newest).contains(&view.max_timestamp);
        }
        rules.timestamp_type == TimestampType::LogAppendTime || (self.min >= oldest && self.max <= newest)
    }
}

/// Whether a client says LogAppendTime where that is the broker's to say. With a time, and on a topic with CreateTime,
/// Kafka takes it for the time of creation.
fn claims_append_time(view: &BatchView<'_>, rules: &Rules) -> bool {
    rules.origin == Origin::Client
        && view.timestamp_type() == TimestampType::LogAppendTime
        && (rules.timestamp_type == TimestampType::LogAppendTime || view.max_timestamp == -1)
}

/// The timestamps that records may have.
fn range(rules: &Rules) -> (i64, i64) {
    (
        rules.now_ms.saturating_sub(rules.timestamp_before_max_ms),
        rules.now_ms.saturating_add(rules.timestamp_after_max_ms),
    )
}

fn walk_all(view: &BatchView<'_>, codec: Codec, visit: impl FnMut(i32, Head)) -> Result<(), BatchError> {
    match codec {
        Codec::None => walk(&mut SliceSource::new(view.payload()), view.count, visit),
        codec => walk(&mut StreamSource::new(codec, view.payload())?, view.count, visit),
    }
}

/// The hot loop: no errors are collected here; whether there are any comes out of the extremes.
fn scan(view: &BatchView<'_>, codec: Codec) -> Result<Found, BatchError> {
    let base = view.base_timestamp;
    let mut found = Found { min: i64::MAX, max: -1, index_of_max: 0, all_keyed: true };
    walk_all(view, codec, |index, head| {
        let timestamp = base.wrapping_add(head.timestamp_delta);
        if timestamp > found.max {
            (found.max, found.index_of_max) = (timestamp, index);
        }
        if timestamp < found.min && timestamp != -1 {
            found.min = timestamp;
        }
        found.all_keyed &= head.has_key;
    })?;
    Ok(found)
}

/// Names the records that broke a rule. Only after [`scan`] found that some did.
#[cold]
fn blame(view: &BatchView<'_>, codec: Codec, rules: &Rules) -> BatchError {
    let (oldest, newest) = range(rules);
    let base = view.base_timestamp;
    let wrong_type = claims_append_time(view, rules);
    let append_time = view.timestamp_type() == TimestampType::LogAppendTime;
    let mut errors = Vec::new();
    let mut of_time = false;
    let walked = walk_all(view, codec, |batch_index, head| {
        if errors.len() >= RecordError::LISTED_MAX {
            return;
        }
        let timestamp =
            if append_time { view.max_timestamp } else { base.wrapping_add(head.timestamp_delta) };
        let outside = rules.timestamp_type == TimestampType::CreateTime
            && timestamp != -1
            && !(oldest..=newest).contains(&timestamp);
        if rules.compacted && !head.has_key {
            let message = "Compacted topic cannot accept message without key".to_owned();
            errors.push(RecordError { batch_index, message });
        } else if outside {
            of_time = true;
            let message = format!(
                "Timestamp {timestamp} of message with offset {batch_index} is out of range. The timestamp should be \
                 within [{oldest}, {newest}]"
            );
            errors.push(RecordError { batch_index, message });
        } else if wrong_type {
            of_time = true;
            let message =
                "Invalid timestamp type. Producer should not set timestamp type to LogAppendTime.".to_owned();
            errors.push(RecordError { batch_index, message });
        }
    });
    match walked {
        Err(error) => error,
        Ok(()) if of_time => BatchError::InvalidTimestamp(errors),
        Ok(()) => BatchError::InvalidRecords(errors),
    }
}

const _: () = assert!(HEADER_BYTES > 16, "the magic byte lies within every header");
