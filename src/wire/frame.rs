//! Frames: a length of four bytes, then so many bytes.

use super::header::{RequestHeader, encode_request_header, encode_response_header};
use super::{EncodeError, Message, Part, Request, Writer};

/// Bytes of the length in front of a frame.
pub const LENGTH_BYTES: usize = 4;

/// The length that a frame announces, from its first four bytes. None if it is negative or above `max` bytes: the
/// connection can only be closed.
pub fn frame_len(prefix: [u8; LENGTH_BYTES], max: usize) -> Option<usize> {
    usize::try_from(i32::from_be_bytes(prefix)).ok().filter(|len| *len <= max)
}

/// Leaves room for the length; nothing may have been written before.
pub fn begin(writer: &mut Writer) {
    debug_assert!(writer.total_len() == 0, "a frame begins an empty writer");
    writer.int32(0);
}

/// Fills in the length of what was written since `begin` and gives the pieces. Error: longer than 2^31 - 1 bytes.
pub fn finish(mut writer: Writer) -> Result<Vec<Part>, EncodeError> {
    let len = writer.total_len().saturating_sub(LENGTH_BYTES);
    writer.set_int32(0, i32::try_from(len).map_err(|_| EncodeError::TooLong { len })?);
    Ok(writer.finish())
}

/// A whole response: length, header, body. Error: as `Message::encode`.
pub fn encode_response<M: Message>(
    api_key: i16,
    api_version: i16,
    correlation_id: i32,
    response: &M,
) -> Result<Vec<Part>, EncodeError> {
    let mut writer = Writer::new();
    begin(&mut writer);
    encode_response_header(&mut writer, api_key, api_version, correlation_id);
    response.encode(&mut writer, api_version)?;
    finish(writer)
}

/// A whole request (for clients and tests): length, header, body. Error: as `Message::encode`.
pub fn encode_request<R: Request>(header: &RequestHeader, request: &R) -> Result<Vec<Part>, EncodeError> {
    debug_assert!(header.api_key == R::KEY, "the header of another API");
    let mut writer = Writer::new();
    begin(&mut writer);
    encode_request_header(&mut writer, header)?;
    request.encode(&mut writer, header.api_version)?;
    finish(writer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Records;

    #[test]
    fn lengths_are_bounded() {
        assert_eq!(frame_len([0, 0, 1, 0], 256), Some(256));
        assert_eq!(frame_len([0, 0, 1, 1], 256), None);
        assert_eq!(frame_len([0xff, 0xff, 0xff, 0xff], 256), None);
    }

    #[test]
    fn the_length_counts_what_is_sent_from_elsewhere() {
        let mut writer = Writer::new();
        begin(&mut writer);
        writer.int8(1);
        writer.records(&Records::Slot { len: 1000, slot: 1 }, false).unwrap();
        let parts = finish(writer).unwrap();
        assert_eq!(parts.iter().map(Part::len).sum::<usize>(), 1009);
        let Some(Part::Bytes(head)) = parts.first() else { panic!("no head") };
        assert_eq!(head.first_chunk(), Some(&1005i32.to_be_bytes()));
    }
}
