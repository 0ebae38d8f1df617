//! Record batches as bytes: view, validate, iterate, compress, build; old message sets up and down.
//!
//! Bytes in, bytes out: no I/O, no clock, no broker state. Everything here reads bytes that strangers sent, so nothing
//! indexes, nothing trusts a length, and every allocation has a named limit.

mod accept;
mod builder;
mod codec;
mod compress;
mod decompress;
mod error;
mod filter;
mod header;
pub mod legacy;
mod recompress;
mod record;
mod snappy;
#[cfg(test)]
mod tests;
mod validate;
mod varint;
mod walk;

pub use accept::{Accepted, accept};
pub use builder::{
    BatchBuilder, BatchOptions, ControlType, control_batch, control_type, marker_epoch, marker_value,
};
pub use codec::Codec;
pub use compress::compress;
pub use decompress::{DECOMPRESSED_BYTES_MAX, EXPANSION_FREE_BYTES, EXPANSION_MAX, decompress};
pub use error::{BatchError, Corruption, Invalid, RecordError};
pub use filter::{Filtered, Horizon, empty_batch, filter};
pub use header::{
    BatchView, Batches, HEADER_BYTES, Header, LENGTH_OVERHEAD, TimestampType, batches, patch_max_timestamp,
    patch_offsets, set_log_append_time,
};
pub use recompress::recompress;
pub use record::{Headers, RecordIter, RecordView, Records, records};
pub use validate::{Origin, Rules, Stamp, Validated, validate_produce};
