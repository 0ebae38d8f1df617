//! Kafka's UUIDs: 16 bytes, printed as 22 characters of URL-safe base64 without padding.

use std::fmt;
use std::str::FromStr;

/// A 128-bit id as Kafka writes it: topic ids, cluster ids, directory ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid([u8; 16]);

/// A topic's id: a recreated topic of the same name has another.
pub type TopicId = Uuid;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Uuid {
    /// "None" on the wire.
    pub const ZERO: Self = Self([0; 16]);
    /// The id of `__cluster_metadata`, the same in every cluster.
    pub const METADATA_TOPIC: Self = Self::from_u128(1);

    /// From 16 big-endian bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
    /// From a number, most significant byte first.
    pub const fn from_u128(value: u128) -> Self {
        Self(value.to_be_bytes())
    }
    /// The 16 bytes, big-endian.
    pub const fn get(self) -> [u8; 16] {
        self.0
    }
    /// Whether this is the "none" of the wire.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 128 bits and four of padding make 22 digits of six bits.
        let value = u128::from_be_bytes(self.0);
        for digit in 0..22u32 {
            let shifted = if digit == 21 { value << 4 } else { value >> (122 - 6 * digit) };
            let index = (shifted & 63) as usize;
            let character = ALPHABET.get(index).copied().unwrap_or(b'A');
            fmt::Write::write_char(f, character as char)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

/// A text that is no UUID of Kafka's form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a UUID of 22 base64url characters")]
pub struct UuidError(String);

impl FromStr for Uuid {
    type Err = UuidError;

    fn from_str(text: &str) -> Result<Self, UuidError> {
        let error = || UuidError(text.to_owned());
        let digits = text.as_bytes();
        if digits.len() != 22 {
            return Err(error());
        }
        let mut value = 0u128;
        for (place, digit) in digits.iter().enumerate() {
            let bits = ALPHABET.iter().position(|c| c == digit).ok_or_else(error)? as u128;
            value = if place == 21 { (value << 2) | (bits >> 4) } else { (value << 6) | bits };
        }
        Ok(Self::from_u128(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_kafka_does() {
        assert_eq!(Uuid::METADATA_TOPIC.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!("AAAAAAAAAAAAAAAAAAAAAQ".parse::<Uuid>(), Ok(Uuid::METADATA_TOPIC));
    }

    #[test]
    fn round_trips() {
        for seed in [0u128, 1, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let id = Uuid::from_u128(seed);
            assert_eq!(id.to_string().parse::<Uuid>(), Ok(id));
        }
        assert!("short".parse::<Uuid>().is_err());
        assert!("AAAAAAAAAAAAAAAAAAAA+A".parse::<Uuid>().is_err());
    }
}
