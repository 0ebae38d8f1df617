//! SyncGroup (14): a member gets its assignment.

use super::groups::{ask, client, failure};
use super::{Api, Call};
use crate::group::{GroupCall, GroupReply};
use crate::wire::ErrorCode;
use crate::wire::messages::{SyncGroupRequest, SyncGroupResponse};

/// Served by the group's coordinator.
pub const API: Api = Api { key: 14, versions: 0..=5 };

/// Members say from this version on which protocol they follow.
const PROTOCOL_VERSION: i16 = 5;

/// Waits for the leader's assignment, and until that is durable.
pub async fn handle(call: &Call, request: SyncGroupRequest) -> SyncGroupResponse {
    let named = request.protocol_type.is_some() && request.protocol_name.is_some();
    if call.version() >= PROTOCOL_VERSION && !named {
        return SyncGroupResponse {
            error_code: ErrorCode::InconsistentGroupProtocol.code(),
            ..Default::default()
        };
    }
    let group_id = request.group_id.clone();
    match ask(call, &group_id, GroupCall::SyncGroup(client(call), request)).await {
        Ok(GroupReply::SyncGroup(response)) => response,
        other => SyncGroupResponse { error_code: failure(other).code(), ..Default::default() },
    }
}
