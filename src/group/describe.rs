//! DescribeGroups and ListGroups.

use super::member::Member;
use super::state::{Group, GroupState};
use crate::wire::Str;
use crate::wire::error::ErrorCode;
use crate::wire::messages::{
    DescribeGroupsResponseGroup, DescribeGroupsResponseMember, ListGroupsRequest, ListGroupsResponseGroup,
};

/// From this version on a missing group is an error; before it is a group in state Dead.
const MISSING_IS_ERROR_VERSION: i16 = 6;
/// What ListGroups calls the groups of this protocol.
const GROUP_TYPE: &str = "classic";

/// The description of a group that cannot be described.
pub(super) fn describe_error(group_id: &Str, error: ErrorCode) -> DescribeGroupsResponseGroup {
    DescribeGroupsResponseGroup {
        group_id: group_id.clone(),
        error_code: error.code(),
        ..DescribeGroupsResponseGroup::default()
    }
}

/// The description of a group that is not there.
pub(super) fn describe_missing(group_id: &Str, api_version: i16) -> DescribeGroupsResponseGroup {
    let mut description = describe_error(group_id, ErrorCode::None);
    description.group_state = Str::from_static(GroupState::Dead.name());
    if api_version >= MISSING_IS_ERROR_VERSION {
        description.error_code = ErrorCode::GroupIdNotFound.code();
        description.error_message = Some(Str::from(format!("Group {} not found.", &**group_id)));
    }
    description
}

impl Group {
    /// Everything about the group; what its members said only while it is in use. What they have, they have.
    pub(super) fn describe(&self) -> DescribeGroupsResponseGroup {
        let protocol = match self.state() {
            GroupState::Stable => self.protocol.as_deref(),
            _ => None,
        };
        let member = |m: &Member| DescribeGroupsResponseMember {
            member_id: Str::from(&*m.id),
            group_instance_id: m.instance_id.as_deref().map(Str::from),
            client_id: Str::from(&*m.client_id),
            client_host: Str::from(&*m.client_host),
            member_metadata: protocol.and_then(|p| m.metadata(p)).cloned().unwrap_or_default(),
            member_assignment: m.assignment.clone(),
        };
        DescribeGroupsResponseGroup {
            group_id: Str::from(&*self.id),
            group_state: Str::from_static(self.state().name()),
            protocol_type: Str::from(self.protocol_type.as_deref().unwrap_or_default()),
            protocol_data: Str::from(protocol.unwrap_or_default()),
            members: self.members().map(member).collect(),
            ..DescribeGroupsResponseGroup::default()
        }
    }

    /// The group's line in ListGroups, if the filters let it pass. Empty filters do.
    pub(super) fn list(&self, request: &ListGroupsRequest) -> Option<ListGroupsResponseGroup> {
        let passes = |filter: &[Str], value: &str| {
            filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
        };
        let listed =
            passes(&request.states_filter, self.state().name()) && passes(&request.types_filter, GROUP_TYPE);
        listed.then(|| ListGroupsResponseGroup {
            group_id: Str::from(&*self.id),
            protocol_type: Str::from(self.protocol_type.as_deref().unwrap_or_default()),
            group_state: Str::from_static(self.state().name()),
            group_type: Str::from_static(GROUP_TYPE),
        })
    }
}
