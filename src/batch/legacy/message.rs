//! One message, alone or as the wrapper of a compressed set.
//!
//! ```text
//! offset i64 | size i32 (of all that follows) | crc u32 (CRC-32 IEEE of all that follows) | magic i8 | attributes i8
//! | timestamp i64 (magic 1 only) | key: i32 length or -1, bytes | value: i32 length or -1, bytes
//! ```
//! Attributes: bits 0-2 codec, bit 3 LogAppendTime (magic 1). With a codec the value is a compressed message set: its
//! offsets are absolute in magic 0 and relative in magic 1; the wrapper has the offset of its last message.
//! Source: Apache Kafka's documentation of the message formats.

use crate::base::crc::crc32;
use crate::batch::codec::Codec;
use crate::batch::error::{BatchError, Corruption};
use crate::batch::varint::Cursor;

/// Offset and size: the bytes that `size` does not count.
pub const MESSAGE_OVERHEAD: usize = 12;
/// crc, magic, attributes and two lengths.
const SIZE_MIN: i32 = 14;
const LOG_APPEND_TIME_BIT: i8 = 1 << 3;

/// A message in borrowed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// As it stands there: absolute, relative or anything (from a producer).
    pub offset: i64,
    /// 0 or 1.
    pub magic: i8,
    /// Not `None` for a wrapper.
    pub codec: Codec,
    /// Whether the time is the broker's.
    pub log_append_time: bool,
    /// Milliseconds; -1 in magic 0.
    pub timestamp_ms: i64,
    /// `None` is null.
    pub key: Option<&'a [u8]>,
    /// `None` is null. Of a wrapper, the compressed set.
    pub value: Option<&'a [u8]>,
    /// Bytes of the whole message.
    pub bytes: usize,
}

/// Goes through a message set. Ends before a partial message; stops for good after an error.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    failed: bool,
}

/// The messages in `bytes`, checksums compared; wrappers are not opened.
pub fn messages(bytes: &[u8]) -> Messages<'_> {
    Messages { rest: bytes, failed: false }
}

impl<'a> Messages<'a> {
    /// What has not been gone through: after the end, the partial message (or nothing).
    pub fn remainder(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let mut cursor = Cursor(self.rest);
        let offset = i64::from_be_bytes(cursor.array()?);
        let size = i32::from_be_bytes(cursor.array()?);
        let body = match usize::try_from(size) {
            Ok(len) if size >= SIZE_MIN => cursor.take(len)?,
            _ => {
                self.failed = true;
                return Some(Err(Corruption::Length(size).into()));
            }
        };
        self.rest = cursor.0;
        let message = read(offset, body);
        self.failed = message.is_err();
        Some(message)
    }
}

fn read(offset: i64, body: &[u8]) -> Result<Message<'_>, BatchError> {
    let truncated = Corruption::Truncated { need: SIZE_MIN as usize, have: body.len() };
    let mut cursor = Cursor(body);
    let stored = u32::from_be_bytes(cursor.array().ok_or(truncated)?);
    let computed = crc32(cursor.0);
    if stored != computed {
        return Err(Corruption::Crc { stored, computed }.into());
    }
    let magic = i8::from_be_bytes(cursor.array().ok_or(truncated)?);
    let attributes = i8::from_be_bytes(cursor.array().ok_or(truncated)?);
    let timestamp_ms = match magic {
        0 => -1,
        1 => i64::from_be_bytes(cursor.array().ok_or(truncated)?),
        _ => return Err(Corruption::Magic(magic).into()),
    };
    let key = nullable(&mut cursor).ok_or(truncated)?;
    let value = nullable(&mut cursor).ok_or(truncated)?;
    Ok(Message {
        offset,
        magic,
        codec: Codec::from_id((attributes & 7) as u8)?,
        log_append_time: magic == 1 && attributes & LOG_APPEND_TIME_BIT != 0,
        timestamp_ms,
        key,
        value,
        bytes: MESSAGE_OVERHEAD + body.len(),
    })
}

fn nullable<'a>(cursor: &mut Cursor<'a>) -> Option<Option<&'a [u8]>> {
    match i32::from_be_bytes(cursor.array()?) {
        -1 => Some(None),
        len => cursor.take(usize::try_from(len).ok()?).map(Some),
    }
}

/// Appends a message; `bytes` of it is not looked at. The value must be shorter than 2 GiB: it comes from a batch.
pub(super) fn put(out: &mut Vec<u8>, message: &Message<'_>) {
    let field = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
    let time = if message.magic == 1 { 8 } else { 0 };
    let size = SIZE_MIN as usize + time + field(message.key) + field(message.value);
    out.reserve(MESSAGE_OVERHEAD + size);
    out.extend_from_slice(&message.offset.to_be_bytes());
    out.extend_from_slice(&(size as i32).to_be_bytes());
    let crc_at = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&message.magic.to_be_bytes());
    let log_append_time = message.magic == 1 && message.log_append_time;
    let attributes = message.codec.id() as i8 | if log_append_time { LOG_APPEND_TIME_BIT } else { 0 };
    out.extend_from_slice(&attributes.to_be_bytes());
    if message.magic == 1 {
        out.extend_from_slice(&message.timestamp_ms.to_be_bytes());
    }
    for bytes in [message.key, message.value] {
        out.extend_from_slice(&bytes.map_or(-1, |bytes| bytes.len() as i32).to_be_bytes());
        out.extend_from_slice(bytes.unwrap_or_default());
    }
    let crc = crc32(out.get(crc_at + 4..).unwrap_or_default());
    if let Some(place) = out.get_mut(crc_at..crc_at + 4) {
        place.copy_from_slice(&crc.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(magic: i8) -> Message<'static> {
        Message {
            offset: 3,
            magic,
            codec: Codec::None,
            log_append_time: magic == 1,
            timestamp_ms: if magic == 1 { 99 } else { -1 },
            key: None,
            value: Some(b"value"),
            bytes: 12 + 14 + 5 + if magic == 1 { 8 } else { 0 },
        }
    }

    #[test]
    fn round_trips() {
        let mut set = Vec::new();
        put(&mut set, &message(0));
        put(&mut set, &message(1));
        let whole = set.len();
        set.extend_from_slice(&[0; 11]);
        let mut all = messages(&set);
        assert_eq!(all.next(), Some(Ok(message(0))));
        assert_eq!(all.next(), Some(Ok(message(1))));
        assert_eq!(all.next(), None);
        assert_eq!(all.remainder().len(), set.len() - whole);
    }

    #[test]
    fn damage_is_found() {
        let mut set = Vec::new();
        put(&mut set, &message(1));
        for at in 12..set.len() {
            let mut bad = set.clone();
            bad[at] ^= 1;
            let mut all = messages(&bad);
            assert!(matches!(all.next(), Some(Err(BatchError::Corrupt(_)))), "byte {at}");
            assert_eq!(all.next(), None);
        }
        set[8..12].copy_from_slice(&13i32.to_be_bytes());
        assert_eq!(messages(&set).next(), Some(Err(Corruption::Length(13).into())));
    }
}
