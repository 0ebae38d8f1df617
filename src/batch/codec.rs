//! The compression codecs of record batches and old messages: bits 0-2 of the attributes.

use super::error::BatchError;
use std::fmt;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Codec {
    /// Id 0: not at all.
    #[default]
    None,
    /// Id 1.
    Gzip,
    /// Id 2: raw or in the framing of the `snappy-java` library.
    Snappy,
    /// Id 3: the frame format; in message format 0 with a header checksum that covers too much.
    Lz4,
    /// Id 4: only in record batches.
    Zstd,
}

impl Codec {
    /// Every codec, by id.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec of an id. Errors: UnsupportedCompression for ids that Kafka never gave away.
    pub fn from_id(id: u8) -> Result<Self, BatchError> {
        Self::ALL
            .get(usize::from(id))
            .copied()
            .ok_or(BatchError::UnsupportedCompression(format!("Unknown compression type id: {id}").into()))
    }

    /// The id in the attributes.
    pub const fn id(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The name in `compression.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The codec of a `compression.type`; `uncompressed` is the topic config's word for none.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "uncompressed" {
            return Some(Self::None);
        }
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// Kafka's default for `compression.gzip.level`, `compression.lz4.level` and `compression.zstd.level`.
    pub const fn default_level(self) -> i32 {
        match self {
            Self::Gzip => -1,
            Self::Lz4 => 9,
            Self::Zstd => 3,
            Self::None | Self::Snappy => 0,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_round_trip() {
        for codec in Codec::ALL {
            assert_eq!(Codec::from_id(codec.id()), Ok(codec));
            assert_eq!(Codec::from_name(codec.name()), Some(codec));
        }
        assert!(matches!(Codec::from_id(5), Err(BatchError::UnsupportedCompression(_))));
        assert_eq!(Codec::from_name("uncompressed"), Some(Codec::None));
        assert_eq!(Codec::from_name("producer"), None);
    }
}
