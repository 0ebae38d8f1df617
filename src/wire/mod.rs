//! Kafka's wire format: frames, headers, versions, error codes and generated messages (schemas in `schema/`).
//!
//! A frame comes in as one `Bytes`; decoded strings, bytes and records are slices of it. A response goes out as a list of
//! [`Part`]s: bytes, and slots for records that the caller sends from where they are.

pub mod error;
pub mod frame;
pub mod header;
pub mod messages;
mod reader;
pub mod records;
mod records_field;
mod str;
mod writer;

pub use error::ErrorCode;
pub use reader::{DecodeError, Reader};
pub use records_field::Records;
pub use str::Str;
pub use writer::{EXTERNAL_BYTES_MIN, EncodeError, Part, Writer};

use bytes::Bytes;
use std::ops::RangeInclusive;

/// A message of the protocol or a persisted record: knows its own versions and layouts.
pub trait Message: Sized {
    /// Kafka's name.
    const NAME: &'static str;
    /// The versions that the schema has.
    const VERSIONS: RangeInclusive<i16>;
    /// Whether `version` has compact lengths and tagged fields.
    fn is_flexible(version: i16) -> bool;
    /// Reads the message. Unknown tagged fields are skipped; fields that the version lacks get their defaults.
    fn decode(reader: &mut Reader, version: i16) -> Result<Self, DecodeError>;
    /// Writes the message. Error: the version lacks a field that is neither ignorable nor at its default.
    fn encode(&self, writer: &mut Writer, version: i16) -> Result<(), EncodeError>;
}

/// A request.
pub trait Request: Message {
    /// The API key.
    const KEY: i16;
    /// What answers it.
    type Response: Message;
}

/// A persisted record that has a number: the type of a key in `__consumer_offsets` and `__transaction_state`, or of a
/// record in `__cluster_metadata`.
pub trait Record: Message {
    /// The number.
    const TYPE: i16;
}

/// The message alone, in one piece. Error: as `Message::encode`; the caller has put no slot into it.
pub fn encode_to_bytes<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut writer = Writer::new();
    message.encode(&mut writer, version)?;
    let total = writer.total_len();
    writer.into_bytes().ok_or(EncodeError::TooLong { len: total })
}

/// What the generated code uses.
mod codec_prelude {
    pub(super) use super::{
        DecodeError, EncodeError, Message, Reader, Record, Records, Request, Str, Writer,
    };
    pub(super) use crate::base::ids::Uuid;
    pub(super) use bytes::Bytes;
    pub(super) use std::ops::RangeInclusive;
}
