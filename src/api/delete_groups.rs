//! DeleteGroups (42): empty groups and their offsets are forgotten.

use super::groups::{ask, failure};
use super::{Api, Call};
use crate::group::{GroupCall, GroupReply};
use crate::shard::join_all;
use crate::wire::Str;
use crate::wire::messages::{DeleteGroupsRequest, DeleteGroupsResponse, DeleteGroupsResponseResult};

/// Served by the groups' coordinators.
pub const API: Api = Api { key: 42, versions: 0..=2 };

/// Deletes each group by itself.
pub async fn handle(call: &Call, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let delete = |group_id: Str| async move {
        match ask(call, &group_id, GroupCall::DeleteGroup { group_id: group_id.clone() }).await {
            Ok(GroupReply::DeleteGroup(result)) => result,
            other => {
                DeleteGroupsResponseResult { group_id: group_id.clone(), error_code: failure(other).code() }
            }
        }
    };
    let results = join_all(request.groups_names.into_iter().map(delete)).await;
    DeleteGroupsResponse { results, ..Default::default() }
}
