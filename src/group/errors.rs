//! What callers are told when an append fails. Source of the choices: Kafka's coordinator, whose clients know how to go
//! on after each of them.

use crate::replicated::AppendFailure;
use crate::wire::error::ErrorCode;

/// For the metadata of a group: JoinGroup, SyncGroup, DeleteGroups.
pub(super) fn group_error(failure: AppendFailure) -> ErrorCode {
    match failure {
        AppendFailure::NotEnoughReplicas => ErrorCode::CoordinatorNotAvailable,
        AppendFailure::NotLeader | AppendFailure::Storage => ErrorCode::NotCoordinator,
        AppendFailure::TooLarge => ErrorCode::UnknownServerError,
    }
}

/// For offsets.
pub(super) fn offset_error(failure: AppendFailure) -> ErrorCode {
    match failure {
        AppendFailure::TooLarge => ErrorCode::InvalidCommitOffsetSize,
        other => group_error(other),
    }
}
