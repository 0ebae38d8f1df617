//! CreatePartitions (37): topics get more partitions.

use super::{Api, Call};
use crate::base::ids::BrokerId;
use crate::controller::{ControllerCall, ControllerReply, MorePartitions, TopicError};
use crate::wire::messages::{
    CreatePartitionsRequest, CreatePartitionsRequestTopic, CreatePartitionsResponse,
    CreatePartitionsResponseResult,
};
use crate::wire::{ErrorCode, Str};

/// Asked of any broker.
pub const API: Api = Api { key: 37, versions: 0..=3 };

/// Grows each topic by itself, and answers when the new partitions can be produced to.
pub async fn handle(call: &Call, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let topics = request.topics.iter().map(more_partitions).collect();
    let question = ControllerCall::CreatePartitions { topics, validate_only: request.validate_only };
    let results = match call.shard().ask_controller(question).await {
        Some(ControllerReply::PartitionsCreated(results)) => {
            let answer = |(name, result): (String, Result<(), TopicError>)| match result {
                Ok(()) => CreatePartitionsResponseResult {
                    name: name.into(),
                    error_message: None,
                    ..Default::default()
                },
                Err(error) => CreatePartitionsResponseResult {
                    name: name.into(),
                    error_code: error.code().code(),
                    // Kafka says no more than the code about a topic that is not there.
                    error_message: (!matches!(error, TopicError::UnknownName))
                        .then(|| Str::from(error.to_string())),
                },
            };
            results.into_iter().map(answer).collect()
        }
        _ => {
            let failed = |topic: &CreatePartitionsRequestTopic| CreatePartitionsResponseResult {
                name: topic.name.clone(),
                error_code: ErrorCode::NotController.code(),
                ..Default::default()
            };
            request.topics.iter().map(failed).collect()
        }
    };
    CreatePartitionsResponse { results, ..Default::default() }
}

fn more_partitions(topic: &CreatePartitionsRequestTopic) -> MorePartitions {
    let replicas = |assignment: &crate::wire::messages::CreatePartitionsRequestAssignment| {
        assignment.broker_ids.iter().map(|id| BrokerId::new(*id)).collect()
    };
    let assignments = topic.assignments.as_ref().map(|all| all.iter().map(replicas).collect());
    MorePartitions { name: topic.name.to_string(), count: topic.count, assignments }
}
