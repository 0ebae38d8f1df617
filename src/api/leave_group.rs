//! LeaveGroup (13): members leave.

use super::groups::{ask, client, failure};
use super::{Api, Call};
use crate::group::{GroupCall, GroupReply};
use crate::wire::messages::{LeaveGroupRequest, LeaveGroupResponse};

/// Served by the group's coordinator.
pub const API: Api = Api { key: 13, versions: 0..=5 };

/// Removes the members at once: nobody waits for their session to end.
pub async fn handle(call: &Call, request: LeaveGroupRequest) -> LeaveGroupResponse {
    let group_id = request.group_id.clone();
    match ask(call, &group_id, GroupCall::LeaveGroup(client(call), request)).await {
        Ok(GroupReply::LeaveGroup(response)) => response,
        other => LeaveGroupResponse { error_code: failure(other).code(), ..Default::default() },
    }
}
