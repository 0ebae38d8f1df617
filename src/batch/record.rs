//! The records of a batch, one by one.

use super::codec::Codec;
use super::decompress::decompress;
use super::error::{BatchError, Invalid, bad_record};
use super::header::{BatchView, TimestampType};
use super::varint::Cursor;
use crate::base::ids::Offset;
use std::borrow::Cow;

/// One record. Keys, values and headers borrow from the batch (or from its decompressed records).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// Its place in the partition.
    pub offset: Offset,
    /// Milliseconds: the producer's, or the time of the append if the batch says LogAppendTime.
    pub timestamp_ms: i64,
    /// The offset from the batch's.
    pub offset_delta: i32,
    /// The producer's timestamp from the batch's, in milliseconds.
    pub timestamp_delta: i64,
    /// `None` is null.
    pub key: Option<&'a [u8]>,
    /// `None` is null: a tombstone in a compacted topic.
    pub value: Option<&'a [u8]>,
    /// In their order, duplicates kept.
    pub headers: Headers<'a>,
}

/// The headers of a record: key (text by convention) and value. Iterate over it or over a clone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Headers<'a> {
    count: i32,
    bytes: &'a [u8],
}

impl<'a> Headers<'a> {
    /// No headers.
    pub const NONE: Headers<'static> = Headers { count: 0, bytes: &[] };

    /// Reads `count` headers off the cursor, so that iterating cannot fail later. `None` if they are malformed.
    fn read(count: i32, cursor: &mut Cursor<'a>) -> Option<Self> {
        let start = cursor.0;
        for _ in 0..count {
            cursor.nullable()??;
            cursor.nullable()?;
        }
        let used = start.len() - cursor.0.len();
        Some(Self { count, bytes: start.get(..used)? })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        usize::try_from(self.count).unwrap_or_default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count <= 0
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.count <= 0 {
            return None;
        }
        self.count -= 1;
        let mut cursor = Cursor(self.bytes);
        let key = cursor.nullable()??;
        let value = cursor.nullable()?;
        self.bytes = cursor.0;
        Some((key, value))
    }
}

impl std::fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// The records of one batch, decompressed if need be.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    payload: Cow<'a, [u8]>,
    base: Base,
    count: i32,
}

/// What deltas count from.
#[derive(Clone, Copy, Debug)]
struct Base {
    offset: Offset,
    timestamp_ms: i64,
    log_append_time_ms: Option<i64>,
}

/// Makes the records of a batch ready to be gone through. The checksum is not looked at.
/// Errors: UnsupportedCompression, Invalid if they do not decompress within the limits of [`decompress`].
pub fn records<'a>(view: &BatchView<'a>) -> Result<Records<'a>, BatchError> {
    let payload = match view.codec()? {
        Codec::None => Cow::Borrowed(view.payload()),
        codec => Cow::Owned(decompress(codec, view.payload())?),
    };
    let log_append_time =
        (view.timestamp_type() == TimestampType::LogAppendTime).then_some(view.max_timestamp);
    let base = Base {
        offset: view.base_offset(),
        timestamp_ms: view.base_timestamp,
        log_append_time_ms: log_append_time,
    };
    Ok(Records { payload, base, count: view.count })
}

impl Records<'_> {
    /// Goes through them from the first. Errors: Invalid, after which the iterator ends.
    pub fn iter(&self) -> RecordIter<'_> {
        RecordIter { cursor: Cursor(&self.payload), base: self.base, count: self.count, index: 0 }
    }

    /// The records as bytes, uncompressed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

impl<'a> IntoIterator for &'a Records<'_> {
    type Item = Result<RecordView<'a>, BatchError>;
    type IntoIter = RecordIter<'a>;

    fn into_iter(self) -> RecordIter<'a> {
        self.iter()
    }
}

/// Goes through the records of a batch; ends after the first error.
#[derive(Clone)]
pub struct RecordIter<'a> {
    cursor: Cursor<'a>,
    base: Base,
    count: i32,
    index: i32,
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<RecordView<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.index >= self.count {
            if self.cursor.0.is_empty() {
                return None;
            }
            self.cursor = Cursor(&[]);
            return Some(Err(Invalid::Size(self.count).into()));
        }
        let record = read(&mut self.cursor, self.base);
        if record.is_none() {
            let index = self.index;
            (self.cursor, self.index) = (Cursor(&[]), self.count);
            return Some(Err(bad_record(index, "its fields do not fit its size")));
        }
        self.index += 1;
        record.map(Ok)
    }
}

/// One record off the cursor; `None` if it is malformed.
fn read<'a>(cursor: &mut Cursor<'a>, base: Base) -> Option<RecordView<'a>> {
    let len = usize::try_from(cursor.varint()?).ok()?;
    let mut body = Cursor(cursor.take(len)?);
    body.byte()?;
    let timestamp_delta = body.varlong()?;
    let offset_delta = body.varint()?;
    let key = body.nullable()?;
    let value = body.nullable()?;
    let headers = body.varint()?;
    if headers < 0 {
        return None;
    }
    let headers = Headers::read(headers, &mut body)?;
    if !body.0.is_empty() {
        return None;
    }
    Some(RecordView {
        offset: base.offset.plus(i64::from(offset_delta)),
        timestamp_ms: base.log_append_time_ms.unwrap_or(base.timestamp_ms.wrapping_add(timestamp_delta)),
        offset_delta,
        timestamp_delta,
        key,
        value,
        headers,
    })
}

#[cfg(test)]
mod tests {
    use super::super::builder::{BatchBuilder, BatchOptions};
    use super::*;

    #[test]
    fn headers_keep_duplicates_and_nulls() {
        let headers: [(&[u8], Option<&[u8]>); 4] =
            [(b"a", Some(b"1")), (b"a", Some(b"2")), (b"", None), ("ä".as_bytes(), Some(b""))];
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.append(5, None, None, &headers);
        let bytes = builder.finish().unwrap();
        let all = records(&BatchView::parse(&bytes).unwrap()).unwrap();
        let record = all.iter().next().unwrap().unwrap();
        assert_eq!(record.headers.collect::<Vec<_>>(), headers);
        assert_eq!((record.key, record.value, record.timestamp_ms), (None, None, 5));
    }

    #[test]
    fn ends_after_an_error() {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.append(5, None, Some(b"value"), &[]);
        let mut bytes = builder.finish().unwrap();
        bytes[60] = 2;
        let all = records(&BatchView::parse(&bytes).unwrap()).unwrap();
        let mut iter = all.iter();
        assert!(iter.next().unwrap().is_ok());
        assert!(iter.next().unwrap().is_err());
        assert!(iter.next().is_none());
        bytes[60] = 0;
        let all = records(&BatchView::parse(&bytes).unwrap()).unwrap();
        assert_eq!(all.iter().collect::<Vec<_>>(), [Err(Invalid::Size(0).into())]);
    }
}
