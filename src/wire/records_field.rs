//! The field that carries record batches.

use bytes::Bytes;

/// The records of a Produce or a Fetch. Decoded ones are slices of the frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Records {
    /// No field at all: length -1 on the wire.
    #[default]
    Null,
    /// Record batches (or an old message set), back to back.
    Bytes(Bytes),
    /// `len` bytes which the encoder's caller will send by itself; `slot` tells it which. Never decoded.
    Slot {
        /// How many bytes.
        len: u32,
        /// The caller's own name for them.
        slot: u32,
    },
}

impl Records {
    /// How many bytes of records; 0 for null.
    pub fn len(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Bytes(bytes) => bytes.len(),
            Self::Slot { len, .. } => *len as usize,
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, if they are here.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Null | Self::Slot { .. } => None,
        }
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}
