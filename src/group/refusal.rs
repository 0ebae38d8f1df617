//! Calls that no group needs to look at: the wrong coordinator, one that is still loading, an impossible group id.

use super::call::{GroupCall, GroupReply};
use super::commit::commit_error;
use super::coordinator::{GroupCoordinator, Served};
use super::delete::{delete_reply, offset_delete_error};
use super::describe::describe_error;
use super::fetch::fetch_error;
use super::join::join_error;
use super::records::STRING_BYTES_MAX;
use super::session::{heartbeat_reply, leave_error};
use super::sync::sync_error;
use crate::base::ids::PartitionIndex;
use crate::wire::Str;
use crate::wire::error::ErrorCode;
use crate::wire::messages::ListGroupsResponse;

/// The group that a call is about.
pub(super) fn group_id(call: &GroupCall) -> Option<&Str> {
    Some(match call {
        GroupCall::JoinGroup(_, request) => &request.group_id,
        GroupCall::SyncGroup(_, request) => &request.group_id,
        GroupCall::Heartbeat(request) => &request.group_id,
        GroupCall::LeaveGroup(_, request) => &request.group_id,
        GroupCall::OffsetCommit(_, request) => &request.group_id,
        GroupCall::OffsetFetch { group, .. } => &group.group_id,
        GroupCall::DescribeGroup { group_id, .. } | GroupCall::DeleteGroup { group_id } => group_id,
        GroupCall::OffsetDelete(request) => &request.group_id,
        GroupCall::ListGroups(_) | GroupCall::TopicsDeleted(_) => return None,
    })
}

/// `error` in the form of an answer to `call`.
pub(super) fn refuse(call: &GroupCall, error: ErrorCode) -> GroupReply {
    match call {
        GroupCall::JoinGroup(client, request) => {
            join_error(client.api_version, request.member_id.clone(), error)
        }
        GroupCall::SyncGroup(..) => sync_error(error),
        GroupCall::Heartbeat(_) => heartbeat_reply(error),
        GroupCall::LeaveGroup(..) => leave_error(error),
        GroupCall::OffsetCommit(_, request) => commit_error(request, error),
        GroupCall::OffsetFetch { group, .. } => GroupReply::OffsetFetch(fetch_error(group, error)),
        GroupCall::DescribeGroup { group_id, .. } => {
            GroupReply::DescribeGroup(describe_error(group_id, error))
        }
        GroupCall::DeleteGroup { group_id } => delete_reply(group_id, error),
        GroupCall::OffsetDelete(_) => offset_delete_error(error),
        GroupCall::ListGroups(_) => GroupReply::ListGroups(ListGroupsResponse {
            error_code: error.code(),
            ..ListGroupsResponse::default()
        }),
        GroupCall::TopicsDeleted(_) => GroupReply::TopicsDeleted,
    }
}

impl GroupCoordinator {
    /// The answer to a call that cannot be served; none if it can.
    pub(super) fn refusal(&self, partition: PartitionIndex, call: &GroupCall) -> Option<GroupReply> {
        if let Some(group_id) = group_id(call) {
            // Old clients commit without a group, and tools must be able to see and delete what they left.
            let needs_name = matches!(
                call,
                GroupCall::JoinGroup(..)
                    | GroupCall::SyncGroup(..)
                    | GroupCall::Heartbeat(_)
                    | GroupCall::LeaveGroup(..)
                    | GroupCall::OffsetDelete(_)
            );
            if (needs_name && group_id.is_empty()) || group_id.len() > STRING_BYTES_MAX {
                return Some(refuse(call, ErrorCode::InvalidGroupId));
            }
        }
        let loading = match call {
            GroupCall::ListGroups(_) => self.partitions.values().any(|served| *served == Served::Loading),
            GroupCall::TopicsDeleted(_) => false,
            _ => match self.partitions.get(&partition) {
                None => return Some(refuse(call, ErrorCode::NotCoordinator)),
                Some(served) => *served == Served::Loading,
            },
        };
        if !loading {
            return None;
        }
        // A member whose group is on its way back must not leave it for that.
        let patient = matches!(call, GroupCall::Heartbeat(_));
        Some(refuse(call, if patient { ErrorCode::None } else { ErrorCode::CoordinatorLoadInProgress }))
    }
}
