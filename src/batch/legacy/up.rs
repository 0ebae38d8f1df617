//! Message sets of old producers (Produce v0-v2) become record batches.

use super::lz4;
use super::message::{Message, messages};
use crate::batch::accept::{Accepted, judged};
use crate::batch::builder::{BatchBuilder, BatchOptions};
use crate::batch::codec::Codec;
use crate::batch::decompress::{DECOMPRESSED_BYTES_MAX, decompress};
use crate::batch::error::{BatchError, Corruption, Invalid, RecordError};
use crate::batch::validate::{Rules, check_size};
use std::borrow::Cow;

/// Judges a message set of format 0 or 1 and makes one record batch of it: offsets from 0, no producer id, the codec of
/// its wrappers (of the last one, should they differ) unless the rules name another. Messages of format 0 have no
/// timestamp: -1, unless the topic has LogAppendTime. A partial message at the end is left out.
/// Errors: all of [`BatchError`]; the size limit holds for each message and for the batch.
pub fn validate_and_up_convert(message_set: &[u8], rules: &Rules) -> Result<Accepted, BatchError> {
    let codec = match rules.recompress {
        Some((codec, _)) => codec,
        None => wrapper_codec(message_set)?,
    };
    let level = rules.recompress.map(|(_, level)| level);
    let mut builder = BatchBuilder::new(BatchOptions { codec, level, ..BatchOptions::default() });
    let mut first = None;
    for message in messages(message_set) {
        let message = message?;
        check_size(message.bytes, rules)?;
        let first = *first.get_or_insert(message.magic);
        if message.codec == Codec::None {
            add(&mut builder, first, &message)?;
        } else {
            open(&mut builder, first, &message)?;
        }
    }
    if builder.is_empty() {
        return Err(Invalid::NoBatch(rules.produce_version).into());
    }
    judged(builder.finish()?, rules)
}

/// The codec of the last wrapper in the set. Errors: Corrupt.
fn wrapper_codec(message_set: &[u8]) -> Result<Codec, BatchError> {
    let mut codec = Codec::None;
    for message in messages(message_set) {
        let found = message?.codec;
        if found != Codec::None {
            codec = found;
        }
    }
    Ok(codec)
}

/// Adds the messages of a compressed set.
fn open(builder: &mut BatchBuilder, first: i8, wrapper: &Message<'_>) -> Result<(), BatchError> {
    if wrapper.codec == Codec::Zstd {
        return Err(BatchError::UnsupportedCompression(Cow::Borrowed(
            "ZStandard compression needs record batches of magic version 2",
        )));
    }
    let value = wrapper.value.unwrap_or_default();
    let plain = match (wrapper.magic, wrapper.codec) {
        (0, Codec::Lz4) => decompress(Codec::Lz4, &lz4::mended(value))?,
        (_, codec) => decompress(codec, value)?,
    };
    let mut inner = messages(&plain);
    for message in inner.by_ref() {
        let message = message?;
        if message.codec != Codec::None {
            return Err(bad(builder, "a compressed message within a compressed message"));
        }
        add(builder, first, &message)?;
    }
    if !inner.remainder().is_empty() {
        let have = inner.remainder().len();
        return Err(Corruption::Truncated { need: have + 1, have }.into());
    }
    Ok(())
}

fn add(builder: &mut BatchBuilder, first: i8, message: &Message<'_>) -> Result<(), BatchError> {
    if message.magic != first {
        return Err(Invalid::MixedMagic { first, found: message.magic }.into());
    }
    if message.log_append_time {
        let text = "Invalid timestamp type. Producer should not set timestamp type to LogAppendTime.";
        let error = RecordError { batch_index: builder.count(), message: text.to_owned() };
        return Err(BatchError::InvalidTimestamp(vec![error]));
    }
    builder.append(message.timestamp_ms, message.key, message.value, &[]);
    // Each wrapper is bounded by itself; this bounds what many of them amount to.
    if builder.bytes() > DECOMPRESSED_BYTES_MAX {
        return Err(Invalid::Expansion(DECOMPRESSED_BYTES_MAX).into());
    }
    Ok(())
}

fn bad(builder: &BatchBuilder, what: &'static str) -> BatchError {
    crate::batch::error::bad_record(builder.count(), what)
}
