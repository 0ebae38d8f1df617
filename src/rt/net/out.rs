//! What is to be sent.

use bytes::Bytes;

use crate::rt::disk::{LogFile, Slice};

/// A part of a response: bytes in memory, or a range of a file.
#[derive(Clone, Debug)]
pub enum OutPart {
    /// Bytes of any origin.
    Bytes(Bytes),
    /// Bytes in this shard's memory.
    Slice(Slice),
    /// A range of a file: sent from the page cache without passing through user space, where the disk's mode allows it.
    File {
        /// The file.
        file: LogFile,
        /// Where the range begins.
        position: u64,
        /// Its length in bytes.
        len: u64,
    },
}

impl OutPart {
    /// Bytes that are still to be sent.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Slice(slice) => slice.len() as u64,
            Self::File { len, .. } => *len,
        }
    }

    /// Whether nothing is left of it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, unless they are in a file.
    pub(super) fn in_memory(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Slice(slice) => Some(slice),
            Self::File { .. } => None,
        }
    }

    /// Takes up to `bytes` off the front; how many there were.
    pub(super) fn advance(&mut self, bytes: u64) -> u64 {
        let taken = bytes.min(self.len());
        let within = usize::try_from(taken).unwrap_or(usize::MAX);
        match self {
            Self::Bytes(all) => drop(all.split_to(within)),
            Self::Slice(slice) => *slice = slice.slice(within..slice.len()),
            Self::File { position, len, .. } => {
                *position += taken;
                *len -= taken;
            }
        }
        taken
    }
}

impl From<Bytes> for OutPart {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Slice> for OutPart {
    fn from(slice: Slice) -> Self {
        Self::Slice(slice)
    }
}
