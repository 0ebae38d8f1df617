//! What a group coordinator is asked and answers: the wire's own messages, one group at a time.

use crate::wire::Str;
use crate::wire::messages::{
    DeleteGroupsResponseResult, DescribeGroupsResponseGroup, HeartbeatRequest, HeartbeatResponse,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, ListGroupsRequest,
    ListGroupsResponse, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse,
    OffsetFetchRequestGroup, OffsetFetchResponseGroup, SyncGroupRequest, SyncGroupResponse,
};

/// Who asks, and in which version of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientContext {
    /// The client id of the request header; empty if it had none.
    pub client_id: Str,
    /// The peer's address as Kafka prints it: `/127.0.0.1`.
    pub client_host: Str,
    /// The version of the request.
    pub api_version: i16,
}

/// A request about one group; the caller routes it to the partition that [`super::partition_of`] names. Requests that
/// name several groups are split, and their answers joined, by the caller.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupCall {
    /// Answered when the rebalance completes.
    JoinGroup(ClientContext, JoinGroupRequest),
    /// Answered when the leader's assignment is durable.
    SyncGroup(ClientContext, SyncGroupRequest),
    /// Keeps a session alive.
    Heartbeat(HeartbeatRequest),
    /// Version 0-2 name the member in the request itself, later ones in `members`.
    LeaveGroup(ClientContext, LeaveGroupRequest),
    /// Answered when the offsets are durable. Topics have their names, and their ids where the caller knows them.
    OffsetCommit(ClientContext, OffsetCommitRequest),
    /// One entry of an OffsetFetch of version 8; older requests are given that form by the caller.
    OffsetFetch {
        /// The group; no topics means all of them.
        group: OffsetFetchRequestGroup,
        /// Whether a pending transactional offset is an error (88).
        require_stable: bool,
    },
    /// One group of a DescribeGroups.
    DescribeGroup {
        /// The group.
        group_id: Str,
        /// The version of the request: 6 and later report a missing group as an error.
        api_version: i16,
    },
    /// All groups of all partitions of this coordinator; the partition of the call is not looked at.
    ListGroups(ListGroupsRequest),
    /// One group of a DeleteGroups; answered when the tombstones are durable.
    DeleteGroup {
        /// The group.
        group_id: Str,
    },
    /// Answered when the tombstones are durable.
    OffsetDelete(OffsetDeleteRequest),
    /// Topics were deleted: forgets their offsets in all groups of this coordinator. Answered at once.
    TopicsDeleted(Vec<Str>),
}

/// The answer to the call of the same name.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupReply {
    /// To JoinGroup.
    JoinGroup(JoinGroupResponse),
    /// To SyncGroup.
    SyncGroup(SyncGroupResponse),
    /// To Heartbeat.
    Heartbeat(HeartbeatResponse),
    /// To LeaveGroup.
    LeaveGroup(LeaveGroupResponse),
    /// To OffsetCommit.
    OffsetCommit(OffsetCommitResponse),
    /// To OffsetFetch.
    OffsetFetch(OffsetFetchResponseGroup),
    /// To DescribeGroup; authorized operations are the caller's to add.
    DescribeGroup(DescribeGroupsResponseGroup),
    /// To ListGroups: the groups of this coordinator only.
    ListGroups(ListGroupsResponse),
    /// To DeleteGroup.
    DeleteGroup(DeleteGroupsResponseResult),
    /// To OffsetDelete.
    OffsetDelete(OffsetDeleteResponse),
    /// To TopicsDeleted.
    TopicsDeleted,
}
