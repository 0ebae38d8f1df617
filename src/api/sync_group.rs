//! SyncGroup (14): a member gets its assignment.

use super::groups::{ask, client, failure};
use super::{Api, Call};
use crate::group::{GroupCall, GroupReply};
use crate::wire::messages::{SyncGroupRequest, SyncGroupResponse};

/// Served by the group's coordinator.
pub const API: Api = Api { key: 14, versions: 0..=5 };

/// Waits for the leader's assignment, and until that is durable.
pub async fn handle(call: &Call, request: SyncGroupRequest) -> SyncGroupResponse {
    let group_id = request.group_id.clone();
    match ask(call, &group_id, GroupCall::SyncGroup(client(call), request)).await {
        Ok(GroupReply::SyncGroup(response)) => response,
        other => SyncGroupResponse { error_code: failure(other).code(), ..Default::default() },
    }
}
