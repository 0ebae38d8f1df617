//! Any message by its name.

use bytes::Bytes;
use ringwood::wire::{Message, Reader, encode_to_bytes, messages::*, records::*};
use std::ops::RangeInclusive;

/// Decodes `bytes` in version `from`, to the end, and encodes the value in version `to`.
pub fn convert<M: Message>(bytes: &Bytes, from: i16, to: i16) -> Result<Bytes, String> {
    let mut reader = Reader::with_budget(bytes.clone(), usize::MAX);
    let value = M::decode(&mut reader, from).map_err(|e| format!("decode: {e}"))?;
    if reader.remaining() > 0 {
        return Err(format!("decode: {} bytes are left", reader.remaining()));
    }
    encode_to_bytes(&value, to).map_err(|e| format!("encode: {e}"))
}

/// Decodes with the memory budget that frames have, and drops the value.
fn decode<M: Message>(bytes: Bytes, version: i16) -> Result<usize, String> {
    let mut reader = Reader::new(bytes);
    let value = M::decode(&mut reader, version).map_err(|e| e.to_string())?;
    drop(value);
    Ok(reader.remaining())
}

/// What tests do with a message.
#[derive(Clone)]
pub struct Codec {
    pub name: &'static str,
    pub versions: RangeInclusive<i16>,
    pub convert: fn(&Bytes, i16, i16) -> Result<Bytes, String>,
    pub decode: fn(Bytes, i16) -> Result<usize, String>,
}

macro_rules! codecs {
    ($($name:ident)*) => {
        vec![$(Codec {
            name: $name::NAME,
            versions: $name::VERSIONS,
            convert: convert::<$name>,
            decode: decode::<$name>,
        }),*]
    };
}

/// Every message of the protocol, then every persisted record.
pub fn all() -> Vec<Codec> {
    let mut all: Vec<Codec> = for_each_message!(codecs);
    let records: Vec<Codec> = for_each_record!(codecs);
    all.extend(records);
    all
}

pub fn find(name: &str) -> Option<Codec> {
    all().into_iter().find(|codec| codec.name == name)
}

pub fn from_hex(text: &str) -> Bytes {
    if text == "-" {
        return Bytes::new();
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
