//! Decoding: a cursor over one frame. Strings and bytes are slices of the frame; only arrays take memory, and that is
//! bounded twice: by what the rest of the frame can hold, and by a budget over the whole message.

use super::{Records, Str};
use crate::base::ids::Uuid;
use bytes::Bytes;

/// Memory that arrays may take per byte of the frame.
const BUDGET_PER_FRAME_BYTE: usize = 8;
/// Memory that arrays may take whatever the size of the frame, in bytes.
const BUDGET_FLOOR_BYTES: usize = 4096;
/// The most bytes of an unsigned 32-bit varint.
const UVARINT_BYTES_MAX: usize = 5;

/// Why bytes are not the message that they claim to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame ends before the field does.
    #[error("the frame ends early: {need} more bytes needed, {have} left")]
    Truncated {
        /// Bytes that the field needs.
        need: usize,
        /// Bytes that are left.
        have: usize,
    },
    /// An array claims more elements than the rest of the frame can hold.
    #[error("an array of {elements} elements cannot fit into the {have} bytes that are left")]
    ArrayTooLong {
        /// The claimed count.
        elements: usize,
        /// Bytes that are left.
        have: usize,
    },
    /// The decoded arrays would take more memory than a frame of this size may.
    #[error("the message would take more memory than its size allows")]
    OverBudget,
    /// Null where this version has no null.
    #[error("null in a field that cannot be null")]
    Null,
    /// A string that is not UTF-8.
    #[error("a string is not UTF-8")]
    NotUtf8,
    /// A varint of more than 32 bits.
    #[error("a varint is too long")]
    VarintTooLong,
    /// A tagged field whose value is not as long as it says.
    #[error("tagged field {tag} is not as long as it says")]
    TagLength {
        /// The tag.
        tag: u32,
    },
    /// A version outside the message's range.
    #[error("{message} has no version {version}")]
    Version {
        /// The message.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// An API key that no schema has.
    #[error("unknown API key {0}")]
    UnknownApi(i16),
}

/// A cursor over a frame.
#[derive(Debug)]
pub struct Reader {
    frame: Bytes,
    position: usize,
    budget: usize,
}

impl Reader {
    /// Reads `frame` from its first byte; decoded arrays may take 8 times its size and 4 KiB.
    pub fn new(frame: Bytes) -> Self {
        let budget = frame.len().saturating_mul(BUDGET_PER_FRAME_BYTE);
        Self::with_budget(frame, budget.saturating_add(BUDGET_FLOOR_BYTES))
    }

    /// Reads `frame` with another bound for the memory of arrays, in bytes.
    pub fn with_budget(frame: Bytes, budget: usize) -> Self {
        Self { frame, position: 0, budget }
    }

    /// How far it has read, in bytes.
    #[inline]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes that are left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.frame.len() - self.position
    }

    #[cold]
    fn truncated(&self, need: usize) -> DecodeError {
        DecodeError::Truncated { need, have: self.remaining() }
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let bytes = self.frame.get(self.position..).and_then(<[u8]>::first_chunk::<N>);
        let Some(bytes) = bytes.copied() else {
            return Err(self.truncated(N));
        };
        self.position += N;
        Ok(bytes)
    }

    /// One byte; any but 0 is true, as in Kafka.
    #[inline]
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.fixed::<1>()? != [0])
    }

    /// A signed byte.
    #[inline]
    pub fn int8(&mut self) -> Result<i8, DecodeError> {
        Ok(i8::from_be_bytes(self.fixed()?))
    }

    /// Two bytes, big-endian, as all integers.
    #[inline]
    pub fn int16(&mut self) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.fixed()?))
    }

    /// Four bytes.
    #[inline]
    pub fn int32(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.fixed()?))
    }

    /// Eight bytes.
    #[inline]
    pub fn int64(&mut self) -> Result<i64, DecodeError> {
        Ok(i64::from_be_bytes(self.fixed()?))
    }

    /// Two bytes, unsigned.
    #[inline]
    pub fn uint16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.fixed()?))
    }

    /// Four bytes, unsigned.
    #[inline]
    pub fn uint32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.fixed()?))
    }

    /// Eight bytes, IEEE 754.
    #[inline]
    pub fn float64(&mut self) -> Result<f64, DecodeError> {
        Ok(f64::from_be_bytes(self.fixed()?))
    }

    /// Sixteen bytes.
    #[inline]
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        Ok(Uuid::new(self.fixed()?))
    }

    /// Seven bits a byte, lowest first, at most five bytes and 32 bits.
    #[inline]
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0u32;
        for index in 0..UVARINT_BYTES_MAX {
            let [byte] = self.fixed::<1>()?;
            if index == UVARINT_BYTES_MAX - 1 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::VarintTooLong)
    }

    /// The length of a string: int16, or in a flexible version a varint plus one. None is null.
    #[inline]
    fn string_len(&mut self, flexible: bool) -> Result<Option<usize>, DecodeError> {
        if flexible {
            return Ok((self.uvarint()? as usize).checked_sub(1));
        }
        Ok(usize::try_from(self.int16()?).ok())
    }

    /// The length of bytes, records or an array: int32, or a varint plus one. None is null.
    #[inline]
    fn long_len(&mut self, flexible: bool) -> Result<Option<usize>, DecodeError> {
        if flexible {
            return Ok((self.uvarint()? as usize).checked_sub(1));
        }
        Ok(usize::try_from(self.int32()?).ok())
    }

    /// The next `len` bytes, shared with the frame.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<Bytes, DecodeError> {
        if len > self.remaining() {
            return Err(self.truncated(len));
        }
        let start = self.position;
        self.position += len;
        Ok(self.frame.slice(start..self.position))
    }

    /// Passes over `len` bytes.
    #[inline]
    pub fn skip(&mut self, len: usize) -> Result<(), DecodeError> {
        if len > self.remaining() {
            return Err(self.truncated(len));
        }
        self.position += len;
        Ok(())
    }

    /// A string or null.
    #[inline]
    pub fn nullable_string(&mut self, flexible: bool) -> Result<Option<Str>, DecodeError> {
        let Some(len) = self.string_len(flexible)? else {
            return Ok(None);
        };
        let text = Str::from_utf8(self.take(len)?).map_err(|_| DecodeError::NotUtf8)?;
        Ok(Some(text))
    }

    /// A string.
    #[inline]
    pub fn string(&mut self, flexible: bool) -> Result<Str, DecodeError> {
        self.nullable_string(flexible)?.ok_or(DecodeError::Null)
    }

    /// Bytes or null.
    #[inline]
    pub fn nullable_bytes(&mut self, flexible: bool) -> Result<Option<Bytes>, DecodeError> {
        match self.long_len(flexible)? {
            Some(len) => Ok(Some(self.take(len)?)),
            None => Ok(None),
        }
    }

    /// Bytes.
    #[inline]
    pub fn bytes(&mut self, flexible: bool) -> Result<Bytes, DecodeError> {
        self.nullable_bytes(flexible)?.ok_or(DecodeError::Null)
    }

    /// Records; laid out as bytes are.
    #[inline]
    pub fn records(&mut self, flexible: bool) -> Result<Records, DecodeError> {
        Ok(self.nullable_bytes(flexible)?.map_or(Records::Null, Records::Bytes))
    }

    /// An array or null; an element takes at least `element_bytes_min` bytes of the frame.
    #[inline]
    pub fn nullable_array<T>(
        &mut self,
        flexible: bool,
        element_bytes_min: usize,
        element: impl Fn(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(elements) = self.long_len(flexible)? else {
            return Ok(None);
        };
        if elements > self.remaining() / element_bytes_min.max(1) {
            return Err(DecodeError::ArrayTooLong { elements, have: self.remaining() });
        }
        let memory = elements.saturating_mul(size_of::<T>());
        self.budget = self.budget.checked_sub(memory).ok_or(DecodeError::OverBudget)?;
        let mut array = Vec::with_capacity(elements);
        for _ in 0..elements {
            array.push(element(self)?);
        }
        Ok(Some(array))
    }

    /// An array.
    #[inline]
    pub fn array<T>(
        &mut self,
        flexible: bool,
        element_bytes_min: usize,
        element: impl Fn(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        self.nullable_array(flexible, element_bytes_min, element)?.ok_or(DecodeError::Null)
    }

    /// A struct behind the byte that says whether it is there.
    #[inline]
    pub fn nullable_struct<T>(
        &mut self,
        decode: impl Fn(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.int8()? < 0 { Ok(None) } else { Ok(Some(decode(self)?)) }
    }

    /// The tagged fields at the end of a flexible struct: `field` reads the value of a tag that it knows and says true.
    /// Unknown ones are passed over.
    #[inline]
    pub fn tagged_fields(
        &mut self,
        mut field: impl FnMut(&mut Self, u32) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        for _ in 0..self.uvarint()? {
            let tag = self.uvarint()?;
            let len = self.uvarint()? as usize;
            if len > self.remaining() {
                return Err(self.truncated(len));
            }
            let end = self.position + len;
            if !field(self, tag)? {
                self.skip(len)?;
            }
            if self.position != end {
                return Err(DecodeError::TagLength { tag });
            }
        }
        Ok(())
    }

    /// Passes over the tagged fields at the end of a flexible struct that knows none.
    #[inline]
    pub fn skip_tagged_fields(&mut self) -> Result<(), DecodeError> {
        self.tagged_fields(|_, _| Ok(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &'static [u8]) -> Reader {
        Reader::new(Bytes::from_static(bytes))
    }

    #[test]
    fn varints_have_at_most_32_bits() {
        assert_eq!(reader(&[0xac, 0x02]).uvarint(), Ok(300));
        assert_eq!(reader(&[0xff, 0xff, 0xff, 0xff, 0x0f]).uvarint(), Ok(u32::MAX));
        assert_eq!(reader(&[0xff, 0xff, 0xff, 0xff, 0x1f]).uvarint(), Err(DecodeError::VarintTooLong));
        assert_eq!(reader(&[0x80]).uvarint(), Err(DecodeError::Truncated { need: 1, have: 0 }));
    }

    #[test]
    fn an_array_cannot_claim_more_than_the_frame_holds() {
        let claim = |r: &mut Reader| r.array(false, 4, Reader::int32);
        let error = claim(&mut reader(&[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1]));
        assert_eq!(error, Err(DecodeError::ArrayTooLong { elements: 0x7fff_ffff, have: 4 }));
        assert_eq!(claim(&mut reader(&[0, 0, 0, 1, 0, 0, 0, 7])), Ok(vec![7]));
        assert_eq!(claim(&mut reader(&[0xff, 0xff, 0xff, 0xff])), Err(DecodeError::Null));
    }

    #[test]
    fn the_budget_bounds_nested_arrays() {
        let frame = Bytes::from(vec![0x80u8; 10_000]);
        let mut reader = Reader::with_budget(frame, 100);
        let array = reader.array(true, 1, |r| r.int8());
        assert!(array.is_err());
        let mut frame = vec![0, 0, 0x20, 0];
        frame.extend(vec![0u8; 0x4000]);
        let error = Reader::with_budget(Bytes::from(frame), 0x4000).array(false, 2, |r| r.string(false));
        assert_eq!(error, Err(DecodeError::OverBudget));
    }

    #[test]
    fn tagged_fields_are_skipped_or_measured() {
        let bytes: &[u8] = &[2, 0, 2, 0, 9, 7, 1, 0xff];
        let mut value = 0;
        let mut known = reader(bytes);
        let read = known.tagged_fields(|r, tag| {
            if tag == 0 {
                value = r.int16()?;
            }
            Ok(tag == 0)
        });
        assert_eq!((read, value, known.remaining()), (Ok(()), 9, 0));
        let short = reader(bytes).tagged_fields(|r, _| r.int8().map(|_| true));
        assert_eq!(short, Err(DecodeError::TagLength { tag: 0 }));
    }
}
