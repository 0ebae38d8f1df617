//! OffsetDelete (47): offsets of a group are forgotten.

use super::groups::{ask, failure};
use super::{Api, Call};
use crate::group::{GroupCall, GroupReply};
use crate::wire::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

/// Served by the group's coordinator.
pub const API: Api = Api { key: 47, versions: 0..=0 };

/// Deletes the offsets of topics that the group is not subscribed to.
pub async fn handle(call: &Call, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    let group_id = request.group_id.clone();
    match ask(call, &group_id, GroupCall::OffsetDelete(request)).await {
        Ok(GroupReply::OffsetDelete(response)) => response,
        other => OffsetDeleteResponse { error_code: failure(other).code(), ..Default::default() },
    }
}
