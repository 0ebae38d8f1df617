//! Goes through the records of a batch without keeping any: the loop behind validation.
//!
//! One record is: length varint, attributes i8, timestampDelta varlong, offsetDelta varint, key, value (length varint or
//! -1, bytes), header count varint, headers (key, value). Keys, values and headers are stepped over, never copied.

use super::error::{BatchError, Invalid, bad_record};
use super::varint::{VARINT_BYTES_MAX, VARLONG_BYTES_MAX, unzigzag32, unzigzag64};

/// Bytes in order: a slice, or what comes out of a decompressor.
pub(super) trait Source {
    /// The next byte; `None` at the end.
    fn byte(&mut self) -> Option<u8>;
    /// Steps over `len` bytes; `None` if there are fewer.
    fn skip(&mut self, len: usize) -> Option<()>;
    /// Bytes passed so far.
    fn position(&self) -> usize;
    /// Why the source ended early, if it did.
    fn failure(&mut self) -> Option<BatchError>;
}

/// What validation wants to know of a record.
#[derive(Clone, Copy)]
pub(super) struct Head {
    /// Its timestamp, from the batch's.
    pub timestamp_delta: i64,
    /// Whether it has a key.
    pub has_key: bool,
}

/// Calls `visit` with the index and the head of each of `count` records. Errors: Invalid if a record cannot be read, if
/// the offsets do not count from 0, or if the records do not fill the source exactly.
pub(super) fn walk<S: Source>(
    source: &mut S,
    count: i32,
    mut visit: impl FnMut(i32, Head),
) -> Result<(), BatchError> {
    for index in 0..count {
        match record(source, index) {
            Ok(head) => visit(index, head),
            Err(what) => return Err(source.failure().unwrap_or_else(|| bad_record(index, what))),
        }
    }
    if source.byte().is_some() {
        return Err(Invalid::Size(count).into());
    }
    source.failure().map_or(Ok(()), Err)
}

#[inline(always)]
fn record<S: Source>(source: &mut S, index: i32) -> Result<Head, &'static str> {
    const SHORT: &str = "it ends too early";
    let len = varint(source).ok_or(SHORT)?;
    let len = usize::try_from(len).map_err(|_| "negative size")?;
    let end = source.position().checked_add(len).ok_or(SHORT)?;
    source.byte().ok_or(SHORT)?;
    let timestamp_delta = varlong(source).ok_or(SHORT)?;
    if varint(source).ok_or(SHORT)? != index {
        return Err("its offset is not the one expected");
    }
    let key = varint(source).ok_or(SHORT)?;
    skip_nullable(source, key).ok_or("bad key size")?;
    let value = varint(source).ok_or(SHORT)?;
    skip_nullable(source, value).ok_or("bad value size")?;
    let headers = varint(source).ok_or(SHORT)?;
    if headers != 0 {
        skip_headers(source, headers, end)?;
    }
    if source.position() != end {
        return Err("its size does not match its fields");
    }
    Ok(Head { timestamp_delta, has_key: key >= 0 })
}

#[inline(always)]
fn skip_nullable<S: Source>(source: &mut S, len: i32) -> Option<()> {
    if len == -1 {
        return Some(());
    }
    source.skip(usize::try_from(len).ok()?)
}

fn skip_headers<S: Source>(source: &mut S, count: i32, end: usize) -> Result<(), &'static str> {
    if count < 0 {
        return Err("negative number of headers");
    }
    for _ in 0..count {
        if source.position() >= end {
            return Err("fewer headers than it says");
        }
        let key = varint(source).ok_or("bad header")?;
        let key = usize::try_from(key).map_err(|_| "header without a key")?;
        source.skip(key).ok_or("bad header key size")?;
        let value = varint(source).ok_or("bad header")?;
        skip_nullable(source, value).ok_or("bad header value size")?;
    }
    Ok(())
}

#[inline(always)]
fn varint<S: Source>(source: &mut S) -> Option<i32> {
    let first = source.byte()?;
    if first < 0x80 {
        return Some(unzigzag32(u32::from(first)));
    }
    let mut raw = u32::from(first & 0x7f);
    for place in 1..VARINT_BYTES_MAX {
        let byte = source.byte()?;
        raw |= u32::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(unzigzag32(raw));
        }
    }
    None
}

#[inline(always)]
fn varlong<S: Source>(source: &mut S) -> Option<i64> {
    let mut raw = 0u64;
    for place in 0..VARLONG_BYTES_MAX {
        let byte = source.byte()?;
        raw |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(unzigzag64(raw));
        }
    }
    None
}

/// Records that lie in memory as they are.
pub(super) struct SliceSource<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> SliceSource<'a> {
    /// From the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }
}

impl Source for SliceSource<'_> {
    #[inline(always)]
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.position)?;
        self.position += 1;
        Some(byte)
    }

    #[inline(always)]
    fn skip(&mut self, len: usize) -> Option<()> {
        if len > self.bytes.len() - self.position {
            return None;
        }
        self.position += len;
        Some(())
    }

    #[inline(always)]
    fn position(&self) -> usize {
        self.position
    }

    fn failure(&mut self) -> Option<BatchError> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::varint;
    use super::*;

    fn record_bytes(offset: i64, key: Option<&[u8]>, headers: i64) -> Vec<u8> {
        let mut body = vec![0];
        varint::put(&mut body, 5);
        varint::put(&mut body, offset);
        match key {
            None => varint::put(&mut body, -1),
            Some(key) => {
                varint::put(&mut body, key.len() as i64);
                body.extend_from_slice(key);
            }
        }
        varint::put(&mut body, -1);
        varint::put(&mut body, headers);
        let mut out = Vec::new();
        varint::put(&mut out, body.len() as i64);
        out.extend(body);
        out
    }

    fn outcome(bytes: &[u8], count: i32) -> Result<Vec<bool>, BatchError> {
        let mut keys = Vec::new();
        walk(&mut SliceSource::new(bytes), count, |_, head| keys.push(head.has_key))?;
        Ok(keys)
    }

    #[test]
    fn walks_and_refuses() {
        let mut two = record_bytes(0, None, 0);
        two.extend(record_bytes(1, Some(b""), 0));
        assert_eq!(outcome(&two, 2), Ok(vec![false, true]));
        assert_eq!(outcome(&two, 1), Err(Invalid::Size(1).into()));
        assert_eq!(outcome(&two, 3), Err(bad_record(2, "it ends too early")));
        assert_eq!(
            outcome(&record_bytes(1, None, 0), 1),
            Err(bad_record(0, "its offset is not the one expected"))
        );
        assert_eq!(outcome(&record_bytes(0, None, -1), 1), Err(bad_record(0, "negative number of headers")));
        assert_eq!(outcome(&record_bytes(0, None, 3), 1), Err(bad_record(0, "fewer headers than it says")));
        let mut long = record_bytes(0, None, 0);
        long[0] += 2;
        long.push(0);
        assert_eq!(outcome(&long, 1), Err(bad_record(0, "its size does not match its fields")));
    }
}
