//! Heartbeat (12): a member is alive.

use super::groups::{ask, failure};
use super::{Api, Call};
use crate::group::{GroupCall, GroupReply};
use crate::wire::messages::{HeartbeatRequest, HeartbeatResponse};

/// Served by the group's coordinator.
pub const API: Api = Api { key: 12, versions: 0..=4 };

/// Keeps a member's session alive, and tells it of a rebalance.
pub async fn handle(call: &Call, request: HeartbeatRequest) -> HeartbeatResponse {
    let group_id = request.group_id.clone();
    match ask(call, &group_id, GroupCall::Heartbeat(request)).await {
        Ok(GroupReply::Heartbeat(response)) => response,
        other => HeartbeatResponse { error_code: failure(other).code(), ..Default::default() },
    }
}
