//! Record batches become message sets, for old consumers: format 0 for Fetch v0-v1, format 1 for v2-v3.

use super::lz4;
use super::message::{Message, put};
use crate::base::ids::Offset;
use crate::batch::codec::Codec;
use crate::batch::compress::compress;
use crate::batch::error::BatchError;
use crate::batch::header::{BatchView, TimestampType};
use crate::batch::record::records;
use std::borrow::Cow;

/// The batch as messages of format `to_magic` (0, or else 1), in the batch's own codec. Of an uncompressed batch the
/// records before `from_offset` are left out; a compressed one becomes one wrapper with all. Headers, producer ids and
/// transactions have no place in messages and get lost; a control batch, like an empty one, becomes nothing at all: then
/// the caller must go on to the next batch, or the consumer stays where it is.
/// Errors: UnsupportedCompression for zstd, which messages cannot have; else as [`records`].
pub fn down_convert(view: &BatchView<'_>, to_magic: i8, from_offset: Offset) -> Result<Vec<u8>, BatchError> {
    let codec = view.codec()?;
    let mut out = Vec::new();
    if view.is_control() || view.count <= 0 {
        return Ok(out);
    }
    if codec == Codec::Zstd {
        return Err(BatchError::UnsupportedCompression(Cow::Borrowed(
            "Down-conversion of zstandard-compressed batches is not supported",
        )));
    }
    let magic = to_magic.clamp(0, 1);
    let log_append_time = view.timestamp_type() == TimestampType::LogAppendTime;
    let compressed = codec != Codec::None;
    let relative_to = if compressed && magic == 1 { view.base_offset } else { 0 };
    let mut last = view.base_offset;
    let mut max_timestamp = -1;
    for record in &records(view)? {
        let record = record?;
        if !compressed && record.offset < from_offset {
            continue;
        }
        last = record.offset.get();
        max_timestamp = record.timestamp_ms.max(max_timestamp);
        let message = Message {
            offset: last.wrapping_sub(relative_to),
            magic,
            codec: Codec::None,
            log_append_time,
            timestamp_ms: record.timestamp_ms,
            key: record.key,
            value: record.value,
            bytes: 0,
        };
        put(&mut out, &message);
    }
    if !compressed {
        return Ok(out);
    }
    let packed = pack(codec, magic, &out)?;
    out.clear();
    let wrapper = Message {
        offset: last,
        magic,
        codec,
        log_append_time,
        timestamp_ms: max_timestamp,
        key: None,
        value: Some(&packed),
        bytes: 0,
    };
    put(&mut out, &wrapper);
    Ok(out)
}

fn pack(codec: Codec, magic: i8, plain: &[u8]) -> Result<Vec<u8>, BatchError> {
    let mut packed = Vec::with_capacity(plain.len() / 2);
    compress(codec, codec.default_level(), plain, &mut packed)?;
    if codec == Codec::Lz4 && magic == 0 {
        lz4::break_checksum(&mut packed);
    }
    Ok(packed)
}
