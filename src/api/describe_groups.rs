//! DescribeGroups (15): state and members of groups.

use super::groups::{ask, failure};
use super::{Api, Call, authorized};
use crate::group::{GroupCall, GroupReply};
use crate::shard::join_all;
use crate::wire::Str;
use crate::wire::messages::{DescribeGroupsRequest, DescribeGroupsResponse, DescribeGroupsResponseGroup};

/// Served by the groups' coordinators.
pub const API: Api = Api { key: 15, versions: 0..=6 };

/// Describes each group by itself: one that is missing does not hide the others.
pub async fn handle(call: &Call, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let operations = request.include_authorized_operations.then_some(authorized::GROUP);
    let describe = |group_id: Str| async move {
        let question = GroupCall::DescribeGroup { group_id: group_id.clone(), api_version: call.version() };
        let mut group = match ask(call, &group_id, question).await {
            Ok(GroupReply::DescribeGroup(group)) => group,
            other => DescribeGroupsResponseGroup {
                error_code: failure(other).code(),
                group_id,
                ..Default::default()
            },
        };
        if group.error_code == 0
            && let Some(operations) = operations
        {
            group.authorized_operations = operations;
        }
        group
    };
    let groups = join_all(request.groups.into_iter().map(describe)).await;
    DescribeGroupsResponse { groups, ..Default::default() }
}
