//! Varints of records: zigzag, seven bits a byte, low bits first, at most 5 bytes (32 bits) or 10 (64 bits).

/// The longest 32-bit varint.
pub const VARINT_BYTES_MAX: usize = 5;
/// The longest 64-bit varint.
pub const VARLONG_BYTES_MAX: usize = 10;

/// Undoes the zigzag of 32 bits.
#[inline(always)]
pub const fn unzigzag32(raw: u32) -> i32 {
    ((raw >> 1) as i32) ^ -((raw & 1) as i32)
}

/// Undoes the zigzag of 64 bits.
#[inline(always)]
pub const fn unzigzag64(raw: u64) -> i64 {
    ((raw >> 1) as i64) ^ -((raw & 1) as i64)
}

/// Appends a 64-bit varint; a 32-bit value has the same form, so this serves both.
#[inline]
pub fn put(out: &mut Vec<u8>, value: i64) {
    let mut raw = ((value << 1) ^ (value >> 63)) as u64;
    while raw >= 0x80 {
        out.push((raw as u8) | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

/// The bytes that [`put`] appends for `value`.
#[inline]
pub const fn len(value: i64) -> usize {
    let raw = ((value << 1) ^ (value >> 63)) as u64;
    // One byte for every seven bits begun; zero takes one as well.
    ((70 - (raw | 1).leading_zeros()) / 7) as usize
}

/// Reads fields off the front of a slice. Every method is `None` at the first byte that does not fit.
#[derive(Clone, Copy)]
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next byte.
    #[inline(always)]
    pub fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// The next `len` bytes.
    #[inline(always)]
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next `N` bytes as an array.
    #[inline(always)]
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    /// A 32-bit varint; `None` also if it has more than five bytes.
    #[inline(always)]
    pub fn varint(&mut self) -> Option<i32> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(unzigzag32(u32::from(first)));
        }
        self.varint_rest(first)
    }

    #[inline]
    fn varint_rest(&mut self, first: u8) -> Option<i32> {
        let mut raw = u32::from(first & 0x7f);
        for place in 1..VARINT_BYTES_MAX {
            let byte = self.byte()?;
            raw |= u32::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Some(unzigzag32(raw));
            }
        }
        None
    }

    /// A 64-bit varint; `None` also if it has more than ten bytes.
    #[inline(always)]
    pub fn varlong(&mut self) -> Option<i64> {
        let mut raw = 0u64;
        for place in 0..VARLONG_BYTES_MAX {
            let byte = self.byte()?;
            raw |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Some(unzigzag64(raw));
            }
        }
        None
    }

    /// Bytes with their length before them; the outer `None` is an error, the inner one null (length -1).
    #[inline(always)]
    pub fn nullable(&mut self) -> Option<Option<&'a [u8]>> {
        match self.varint()? {
            -1 => Some(None),
            len => self.take(usize::try_from(len).ok()?).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trips(value: i64, small: i32) {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            prop_assert_eq!(bytes.len(), len(value));
            prop_assert_eq!(Cursor(&bytes).varlong(), Some(value));
            bytes.clear();
            put(&mut bytes, i64::from(small));
            prop_assert_eq!(bytes.len(), len(i64::from(small)));
            prop_assert_eq!(Cursor(&bytes).varint(), Some(small));
        }
    }

    #[test]
    fn ends_of_the_range() {
        for (value, encoded) in
            [(0, 1), (-1, 1), (63, 1), (64, 2), (-64, 1), (-65, 2), (i64::MAX, 10), (i64::MIN, 10)]
        {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            assert_eq!((bytes.len(), len(value)), (encoded, encoded), "{value}");
            assert_eq!(Cursor(&bytes).varlong(), Some(value));
        }
    }

    #[test]
    fn overlong_and_short_ones_are_refused() {
        assert_eq!(Cursor(&[0x80; 5]).varint(), None);
        assert_eq!(Cursor(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]).varint(), None);
        assert_eq!(Cursor(&[0x80, 0x80, 0x80, 0x80, 0]).varint(), Some(0));
        assert_eq!(Cursor(&[0x80; 11]).varlong(), None);
        assert_eq!(Cursor(&[]).varint(), None);
        assert_eq!(Cursor(&[3]).nullable(), None, "length -2");
        assert_eq!(Cursor(&[1]).nullable(), Some(None));
        assert_eq!(Cursor(&[0]).nullable(), Some(Some(&[][..])));
        assert_eq!(Cursor(&[4, 9]).nullable(), None, "two bytes wanted, one there");
    }
}
