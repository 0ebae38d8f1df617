//! Encoding: one growing buffer, cut only where records are sent from elsewhere.

use super::Records;
use crate::base::ids::Uuid;
use bytes::{BufMut, Bytes, BytesMut};

/// Records from this size on are not copied into the buffer but sent from where they are, in bytes.
pub const EXTERNAL_BYTES_MIN: usize = 512;
/// The capacity of a new buffer, in bytes.
const CAPACITY_BYTES: usize = 256;

/// Why a message cannot be written in a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A version outside the message's range.
    #[error("{message} has no version {version}")]
    Version {
        /// The message.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// A field that the version lacks holds something that must not be lost.
    #[error("{field} cannot be sent in version {version}")]
    NotInVersion {
        /// `Message.field`.
        field: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// Null where the version has no null.
    #[error("{field} cannot be null in version {version}")]
    Null {
        /// `Message.field`.
        field: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// Longer than its length field can say.
    #[error("a string or an array of {len} is too long")]
    TooLong {
        /// Bytes or elements.
        len: usize,
    },
}

/// A piece of an encoded message, to be sent in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// These bytes.
    Bytes(Bytes),
    /// The records that the caller called `slot`.
    Slot {
        /// How many bytes.
        len: u32,
        /// The caller's own name for them.
        slot: u32,
    },
}

impl Part {
    /// How many bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Slot { len, .. } => *len as usize,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Writes one message, or a frame with a header and a message.
#[derive(Debug, Default)]
pub struct Writer {
    buffer: BytesMut,
    /// What stands between the buffer's bytes: (where in the buffer, what). Kept aside so that the buffer stays whole
    /// until the frame's length is known.
    external: Vec<(usize, Part)>,
    external_bytes: usize,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY_BYTES)
    }

    /// An empty writer with room for `bytes` bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { buffer: BytesMut::with_capacity(bytes), external: Vec::new(), external_bytes: 0 }
    }

    /// Bytes written, those of external records included.
    pub fn total_len(&self) -> usize {
        self.buffer.len() + self.external_bytes
    }

    /// Fills in the int32 at `position` of the buffer, which must have been written already and before any records.
    pub fn set_int32(&mut self, position: usize, value: i32) {
        let field = self.buffer.get_mut(position..).and_then(<[u8]>::first_chunk_mut);
        debug_assert!(field.is_some(), "set_int32 at {position} is outside the buffer");
        if let Some(field) = field {
            *field = value.to_be_bytes();
        }
    }

    /// The pieces, in order; none is empty.
    pub fn finish(mut self) -> Vec<Part> {
        let mut parts = Vec::with_capacity(self.external.len() * 2 + 1);
        let mut done = 0;
        for (at, part) in self.external {
            if at > done {
                parts.push(Part::Bytes(self.buffer.split_to(at - done).freeze()));
                done = at;
            }
            parts.push(part);
        }
        if !self.buffer.is_empty() {
            parts.push(Part::Bytes(self.buffer.freeze()));
        }
        parts
    }

    /// All in one piece, external bytes copied in. None if there is a slot, whose bytes only the caller has.
    pub fn into_bytes(self) -> Option<Bytes> {
        if self.external.is_empty() {
            return Some(self.buffer.freeze());
        }
        let mut whole = BytesMut::with_capacity(self.total_len());
        for part in self.finish() {
            match part {
                Part::Bytes(bytes) => whole.extend_from_slice(&bytes),
                Part::Slot { .. } => return None,
            }
        }
        Some(whole.freeze())
    }

    /// One byte, 1 or 0.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.buffer.put_u8(u8::from(value));
    }

    /// A signed byte.
    #[inline]
    pub fn int8(&mut self, value: i8) {
        self.buffer.put_i8(value);
    }

    /// Two bytes, big-endian, as all integers.
    #[inline]
    pub fn int16(&mut self, value: i16) {
        self.buffer.put_i16(value);
    }

    /// Four bytes.
    #[inline]
    pub fn int32(&mut self, value: i32) {
        self.buffer.put_i32(value);
    }

    /// Eight bytes.
    #[inline]
    pub fn int64(&mut self, value: i64) {
        self.buffer.put_i64(value);
    }

    /// Two bytes, unsigned.
    #[inline]
    pub fn uint16(&mut self, value: u16) {
        self.buffer.put_u16(value);
    }

    /// Four bytes, unsigned.
    #[inline]
    pub fn uint32(&mut self, value: u32) {
        self.buffer.put_u32(value);
    }

    /// Eight bytes, IEEE 754.
    #[inline]
    pub fn float64(&mut self, value: f64) {
        self.buffer.put_f64(value);
    }

    /// Sixteen bytes.
    #[inline]
    pub fn uuid(&mut self, value: Uuid) {
        self.buffer.put_slice(&value.get());
    }

    /// Bytes as they are, without a length.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buffer.put_slice(bytes);
    }

    /// Seven bits a byte, lowest first.
    #[inline]
    pub fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.buffer.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.buffer.put_u8(value as u8);
    }

    #[inline]
    fn string_len(&mut self, len: usize, flexible: bool) -> Result<(), EncodeError> {
        let short = i16::try_from(len).map_err(|_| EncodeError::TooLong { len })?;
        if flexible {
            self.uvarint(u32::from(short.unsigned_abs()) + 1);
        } else {
            self.int16(short);
        }
        Ok(())
    }

    #[inline]
    fn long_len(&mut self, len: usize, flexible: bool) -> Result<(), EncodeError> {
        let long = i32::try_from(len).map_err(|_| EncodeError::TooLong { len })?;
        if flexible {
            self.uvarint(long.unsigned_abs() + 1);
        } else {
            self.int32(long);
        }
        Ok(())
    }

    /// A string. Error: longer than 32,767 bytes.
    #[inline]
    pub fn string(&mut self, value: &str, flexible: bool) -> Result<(), EncodeError> {
        self.string_len(value.len(), flexible)?;
        self.buffer.put_slice(value.as_bytes());
        Ok(())
    }

    /// The null string.
    #[inline]
    pub fn null_string(&mut self, flexible: bool) {
        if flexible {
            self.buffer.put_u8(0);
        } else {
            self.int16(-1);
        }
    }

    /// Bytes behind their length. Error: longer than 2^31 - 1.
    #[inline]
    pub fn bytes(&mut self, value: &[u8], flexible: bool) -> Result<(), EncodeError> {
        self.long_len(value.len(), flexible)?;
        self.buffer.put_slice(value);
        Ok(())
    }

    /// The null of bytes, records and arrays.
    #[inline]
    pub fn null(&mut self, flexible: bool) {
        if flexible {
            self.buffer.put_u8(0);
        } else {
            self.int32(-1);
        }
    }

    /// Records: small ones are copied in, others sent from where they are. Error: longer than 2^31 - 1.
    #[inline]
    pub fn records(&mut self, value: &Records, flexible: bool) -> Result<(), EncodeError> {
        match value {
            Records::Null => self.null(flexible),
            Records::Bytes(bytes) if bytes.len() < EXTERNAL_BYTES_MIN => self.bytes(bytes, flexible)?,
            Records::Bytes(bytes) => {
                self.long_len(bytes.len(), flexible)?;
                self.push_external(Part::Bytes(bytes.clone()));
            }
            Records::Slot { len, slot } => {
                self.long_len(*len as usize, flexible)?;
                if *len > 0 {
                    self.push_external(Part::Slot { len: *len, slot: *slot });
                }
            }
        }
        Ok(())
    }

    fn push_external(&mut self, part: Part) {
        self.external_bytes += part.len();
        self.external.push((self.buffer.len(), part));
    }

    /// The count before an array's elements. Error: more than 2^31 - 1.
    #[inline]
    pub fn array_len(&mut self, len: usize, flexible: bool) -> Result<(), EncodeError> {
        self.long_len(len, flexible)
    }

    /// A tagged field: tag, length, and the value that `value` writes (never records).
    #[inline]
    pub fn tagged_field(
        &mut self,
        tag: u32,
        value: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.uvarint(tag);
        let start = self.buffer.len();
        value(self)?;
        let end = self.buffer.len();
        let len = end - start;
        self.uvarint(u32::try_from(len).map_err(|_| EncodeError::TooLong { len })?);
        // The length is known only now: it was written behind the value and is turned to the front.
        let len_bytes = self.buffer.len() - end;
        if let Some(field) = self.buffer.get_mut(start..) {
            field.rotate_right(len_bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn big_records_are_cut_out_and_small_ones_copied() {
        let big = Bytes::from(vec![7u8; EXTERNAL_BYTES_MIN]);
        let mut writer = Writer::new();
        writer.int32(0);
        writer.records(&Records::Bytes(big.clone()), false).unwrap();
        writer.records(&Records::Bytes(Bytes::from_static(b"ab")), true).unwrap();
        writer.records(&Records::Slot { len: 9, slot: 3 }, true).unwrap();
        assert_eq!(writer.total_len(), 4 + 4 + 512 + 3 + 1 + 9);
        writer.set_int32(0, 77);
        let parts = writer.finish();
        assert_eq!(parts.len(), 4);
        assert_eq!(parts[0], Part::Bytes(Bytes::from_static(&[0, 0, 0, 77, 0, 0, 2, 0])));
        let Part::Bytes(sent) = &parts[1] else { panic!("not bytes") };
        assert_eq!(sent.as_ptr(), big.as_ptr());
        assert_eq!(parts[2], Part::Bytes(Bytes::from_static(&[3, b'a', b'b', 10])));
        assert_eq!(parts[3], Part::Slot { len: 9, slot: 3 });
    }

    #[test]
    fn a_tagged_field_carries_its_length_in_front() {
        let mut writer = Writer::new();
        writer
            .tagged_field(5, |w| {
                w.raw(&[1; 200]);
                Ok(())
            })
            .unwrap();
        let bytes = writer.into_bytes().unwrap();
        assert_eq!(bytes[..4], [5, 0xc8, 0x01, 1]);
        assert_eq!(bytes.len(), 203);
    }

    #[test]
    fn only_whole_messages_become_bytes() {
        let mut writer = Writer::new();
        writer.records(&Records::Slot { len: 1, slot: 0 }, false).unwrap();
        assert_eq!(writer.into_bytes(), None);
        let mut writer = Writer::new();
        writer.records(&Records::Bytes(Bytes::from(vec![1; 600])), false).unwrap();
        assert_eq!(writer.into_bytes().unwrap().len(), 604);
        assert!(Writer::new().string(&"x".repeat(40_000), true).is_err());
    }
}
