//! ListGroups (16): the groups of all coordinators of this broker.

use super::{Api, Call};
use crate::group::{GroupCall, GroupReply};
use crate::wire::messages::{ListGroupsRequest, ListGroupsResponse};

/// Asked of every broker.
pub const API: Api = Api { key: 16, versions: 0..=5 };

/// Collects the groups of all shards.
pub async fn handle(call: &Call, request: ListGroupsRequest) -> ListGroupsResponse {
    let mut all = ListGroupsResponse::default();
    for reply in call.shard().ask_all_groups(GroupCall::ListGroups(request)).await {
        if let GroupReply::ListGroups(mut part) = reply {
            all.groups.append(&mut part.groups);
            if part.error_code != 0 {
                all.error_code = part.error_code;
            }
        }
    }
    all
}
