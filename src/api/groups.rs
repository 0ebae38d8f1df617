//! What the group APIs have in common: the way to the coordinator of a group.

use super::Call;
use crate::group::{ClientContext, GroupCall, GroupReply};
use crate::wire::{ErrorCode, Str};

/// Asks the coordinator of `group_id`. Errors: NotCoordinator (16) while `__consumer_offsets` does not exist; a client
/// then looks for the coordinator, and that creates it.
pub async fn ask(call: &Call, group_id: &str, question: GroupCall) -> Result<GroupReply, ErrorCode> {
    call.shard().ask_group(group_id, question).await.ok_or(ErrorCode::NotCoordinator)
}

/// The code to answer with where `ask` did not bring the reply that belongs to the question.
pub fn failure(reply: Result<GroupReply, ErrorCode>) -> ErrorCode {
    reply.err().unwrap_or(ErrorCode::UnknownServerError)
}

/// Who asks, as groups remember it.
pub fn client(call: &Call) -> ClientContext {
    ClientContext { client_id: call.client_id().into(), client_host: host(call), api_version: call.version() }
}

/// The client's address as Kafka prints it.
fn host(call: &Call) -> Str {
    Str::from(format!("/{}", call.context.peer().address.ip().to_canonical()))
}
