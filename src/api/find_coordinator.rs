//! FindCoordinator (10): which broker keeps a group. A single node keeps them all; asking creates `__consumer_offsets`.

use super::{Api, Call, brokers};
use crate::wire::ErrorCode;
use crate::wire::Str;
use crate::wire::messages::{
    FindCoordinatorRequest, FindCoordinatorResponse, FindCoordinatorResponseCoordinator,
};

/// Asked of any broker.
pub const API: Api = Api { key: 10, versions: 0..=6 };

/// Several keys from this version on.
const KEYS_VERSION: i16 = 4;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// Errors: InvalidRequest (42) for an unknown kind of key; CoordinatorNotAvailable (15) while the topic cannot be made;
/// TransactionalIdAuthorizationFailed (53), which every client takes as final, for a transactional id.
pub async fn handle(call: &Call, request: FindCoordinatorRequest) -> FindCoordinatorResponse {
    let code = code(call, request.key_type).await;
    if call.version() >= KEYS_VERSION {
        let coordinators = request.coordinator_keys.into_iter().map(|key| answer(call, key, code)).collect();
        return FindCoordinatorResponse { coordinators, ..Default::default() };
    }
    let coordinator = answer(call, request.key, code);
    FindCoordinatorResponse {
        error_code: coordinator.error_code,
        // In this form Kafka spells out that there is none.
        error_message: coordinator.error_message.filter(|text| !text.is_empty()).or(Some("NONE".into())),
        node_id: coordinator.node_id,
        host: coordinator.host,
        port: coordinator.port,
        ..Default::default()
    }
}

async fn code(call: &Call, key_type: i8) -> ErrorCode {
    match key_type {
        GROUP if call.shard().ensure_offsets_topic().await => ErrorCode::None,
        GROUP => ErrorCode::CoordinatorNotAvailable,
        TRANSACTION => ErrorCode::TransactionalIdAuthorizationFailed,
        _ => ErrorCode::InvalidRequest,
    }
}

fn answer(call: &Call, key: Str, code: ErrorCode) -> FindCoordinatorResponseCoordinator {
    if code != ErrorCode::None {
        return FindCoordinatorResponseCoordinator {
            key,
            node_id: -1,
            port: -1,
            error_code: code.code(),
            error_message: Some(code.message().into()),
            ..Default::default()
        };
    }
    let own = brokers::own(call);
    FindCoordinatorResponseCoordinator {
        key,
        node_id: own.node_id,
        host: own.host,
        port: own.port,
        ..Default::default()
    }
}
