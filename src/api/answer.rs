//! From a response to the parts that a connection sends.

use std::collections::VecDeque;

use super::Call;
use crate::rt::net::OutPart;
use crate::storage::log::ReadSlice;
use crate::wire::header::RequestHeader;
use crate::wire::{DecodeError, Part, Request, frame};

/// How a request ends for its connection.
pub enum Outcome {
    /// These parts are sent, when all earlier answers have left; none for a produce with acks=0.
    Answer(VecDeque<OutPart>),
    /// The connection is closed without an answer.
    Close,
}

impl Outcome {
    /// Bytes of the answer.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Answer(parts) => parts.iter().map(OutPart::len).sum(),
            Self::Close => 0,
        }
    }
}

/// A request whose body does not parse: as in Kafka, the connection is closed.
pub fn malformed(call: &Call, error: &DecodeError) -> Outcome {
    let (api, version) = (call.header.api_key, call.version());
    tracing::debug!(client = %call.context.peer().address, api, version, %error, "connection closed: malformed request");
    Outcome::Close
}

/// Encodes a response with its length and header; records that it names by slot are taken from `records`.
pub fn encode<R: Request>(
    header: &RequestHeader,
    response: &R::Response,
    mut records: Vec<Vec<ReadSlice>>,
) -> Outcome {
    let encoded = match frame::encode_response(R::KEY, header.api_version, header.correlation_id, response) {
        Ok(encoded) => encoded,
        Err(error) => {
            tracing::error!(api = R::KEY, version = header.api_version, %error, "an answer cannot be encoded");
            return Outcome::Close;
        }
    };
    let mut parts = VecDeque::with_capacity(encoded.len());
    for part in encoded {
        match part {
            Part::Bytes(bytes) => parts.push_back(OutPart::Bytes(bytes)),
            Part::Slot { slot, .. } => {
                let slices = records.get_mut(slot as usize).map(std::mem::take).unwrap_or_default();
                parts.extend(slices.into_iter().map(ReadSlice::into_part));
            }
        }
    }
    Outcome::Answer(parts)
}
