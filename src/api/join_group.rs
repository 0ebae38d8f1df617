//! JoinGroup (11): a member joins, and the group elects its leader.

use super::groups::{ask, client, failure};
use super::{Api, Call};
use crate::group::{GroupCall, GroupReply};
use crate::wire::messages::{JoinGroupRequest, JoinGroupResponse};

/// Served by the group's coordinator.
pub const API: Api = Api { key: 11, versions: 0..=9 };

/// Waits until the group has all its members.
pub async fn handle(call: &Call, request: JoinGroupRequest) -> JoinGroupResponse {
    let group_id = request.group_id.clone();
    match ask(call, &group_id, GroupCall::JoinGroup(client(call), request)).await {
        Ok(GroupReply::JoinGroup(response)) => response,
        other => JoinGroupResponse { error_code: failure(other).code(), ..Default::default() },
    }
}
