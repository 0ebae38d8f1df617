//! InitProducerId (22): an id for an idempotent producer.

use super::{Api, Call};
use crate::wire::ErrorCode;
use crate::wire::messages::{InitProducerIdRequest, InitProducerIdResponse};

/// Asked of any broker.
pub const API: Api = Api { key: 22, versions: 0..=5 };

/// A fresh id with epoch 0. Errors: InvalidRequest (42) for an empty transactional id;
/// TransactionalIdAuthorizationFailed (53), which every client takes as final, for any other;
/// CoordinatorNotAvailable (15) while no block of ids can be had.
pub async fn handle(call: &Call, request: InitProducerIdRequest) -> InitProducerIdResponse {
    let failed = |code: ErrorCode| InitProducerIdResponse {
        error_code: code.code(),
        producer_epoch: -1,
        ..Default::default()
    };
    match request.transactional_id.as_deref() {
        Some("") => failed(ErrorCode::InvalidRequest),
        Some(id) => {
            tracing::warn!(
                transactional_id = id,
                "this release has no transactions: the producer is refused"
            );
            failed(ErrorCode::TransactionalIdAuthorizationFailed)
        }
        None => match call.shard().next_producer_id().await {
            Some(id) => InitProducerIdResponse { producer_id: id.get(), ..Default::default() },
            None => failed(ErrorCode::CoordinatorNotAvailable),
        },
    }
}
