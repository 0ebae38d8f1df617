//! Request and response headers.
//!
//! ```text
//! request  key i16, version i16, correlation id i32, client id (nullable string with an i16 length, in flexible
//!          versions too), tagged fields (flexible versions only)
//! response correlation id i32, tagged fields (flexible versions only, but never for ApiVersions: a client that does
//!          not know the broker must be able to read that answer)
//! ```

use super::messages::api_info;
use super::{DecodeError, Reader, Str, Writer};

/// The API key of ApiVersions.
const API_VERSIONS: i16 = 18;

/// What stands before every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// Which API.
    pub api_key: i16,
    /// Which version of it; not checked against the versions that are served.
    pub api_version: i16,
    /// Comes back in the response.
    pub correlation_id: i32,
    /// The client's name for itself.
    pub client_id: Option<Str>,
}

/// Whether the headers of a version have tagged fields. None for an unknown API.
fn is_flexible(api_key: i16, api_version: i16) -> Option<bool> {
    api_info(api_key).map(|api| api_version >= api.flexible_from)
}

/// Reads a header and leaves the reader at the body. A version that is too new is read as the newest would be.
/// Errors: the API key has no schema; the frame ends early.
pub fn decode_request_header(reader: &mut Reader) -> Result<RequestHeader, DecodeError> {
    let api_key = reader.int16()?;
    let api_version = reader.int16()?;
    let flexible = is_flexible(api_key, api_version).ok_or(DecodeError::UnknownApi(api_key))?;
    let correlation_id = reader.int32()?;
    let client_id = reader.nullable_string(false)?;
    if flexible {
        reader.skip_tagged_fields()?;
    }
    Ok(RequestHeader { api_key, api_version, correlation_id, client_id })
}

/// Writes the header of a request (for clients and tests). An unknown API gets the old form.
pub fn encode_request_header(writer: &mut Writer, header: &RequestHeader) -> Result<(), super::EncodeError> {
    writer.int16(header.api_key);
    writer.int16(header.api_version);
    writer.int32(header.correlation_id);
    match &header.client_id {
        Some(client_id) => writer.string(client_id, false)?,
        None => writer.null_string(false),
    }
    if is_flexible(header.api_key, header.api_version) == Some(true) {
        writer.uvarint(0);
    }
    Ok(())
}

/// Writes the header of a response.
pub fn encode_response_header(writer: &mut Writer, api_key: i16, api_version: i16, correlation_id: i32) {
    writer.int32(correlation_id);
    if api_key != API_VERSIONS && is_flexible(api_key, api_version) == Some(true) {
        writer.uvarint(0);
    }
}

/// Reads the header of a response (for clients and tests): the correlation id.
pub fn decode_response_header(
    reader: &mut Reader,
    api_key: i16,
    api_version: i16,
) -> Result<i32, DecodeError> {
    let correlation_id = reader.int32()?;
    if api_key != API_VERSIONS && is_flexible(api_key, api_version) == Some(true) {
        reader.skip_tagged_fields()?;
    }
    Ok(correlation_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_flexible_header_keeps_the_short_client_id() {
        let bytes: &[u8] = &[0, 18, 0, 3, 0, 0, 0, 9, 0, 1, b'c', 1, 5, 1, 0xff, 0xaa];
        let mut reader = Reader::new(Bytes::from_static(bytes));
        let header = decode_request_header(&mut reader).unwrap();
        let client_id = Some(Str::from_static("c"));
        assert_eq!(header, RequestHeader { api_key: 18, api_version: 3, correlation_id: 9, client_id });
        assert_eq!(reader.remaining(), 1);
    }

    #[test]
    fn headers_round_trip_in_old_and_flexible_versions() {
        for (api_version, client_id) in [(8, None), (9, Some(Str::from_static("x"))), (9, None)] {
            let header = RequestHeader { api_key: 0, api_version, correlation_id: -7, client_id };
            let mut writer = Writer::new();
            encode_request_header(&mut writer, &header).unwrap();
            let mut reader = Reader::new(writer.into_bytes().unwrap());
            assert_eq!(decode_request_header(&mut reader).unwrap(), header);
            assert_eq!(reader.remaining(), 0);
        }
    }

    #[test]
    fn the_api_versions_response_header_is_always_old() {
        for (key, version, len) in [(18, 4, 4), (0, 8, 4), (0, 9, 5)] {
            let mut writer = Writer::new();
            encode_response_header(&mut writer, key, version, 1);
            assert_eq!(writer.total_len(), len);
            let mut reader = Reader::new(writer.into_bytes().unwrap());
            assert_eq!(decode_response_header(&mut reader, key, version), Ok(1));
        }
    }

    #[test]
    fn an_unknown_api_is_an_error() {
        let mut reader = Reader::new(Bytes::from_static(&[0x7f, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]));
        assert_eq!(decode_request_header(&mut reader), Err(DecodeError::UnknownApi(0x7f00)));
    }
}
