//! DeleteTopics (20).

use super::{Api, Call};
use crate::controller::{ControllerCall, ControllerReply, TopicReference};
use crate::wire::messages::{DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicsResponseTopic};
use crate::wire::{ErrorCode, Str};

/// Asked of any broker.
pub const API: Api = Api { key: 20, versions: 0..=6 };

/// Topics may be named by id from this version on.
const TOPICS_VERSION: i16 = 6;

/// Deletes each topic by itself; the offsets that groups have in them go too.
pub async fn handle(call: &Call, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let references: Vec<TopicReference> = if call.version() >= TOPICS_VERSION {
        let reference = |topic: &crate::wire::messages::DeleteTopicsRequestTopic| TopicReference {
            name: topic.name.as_ref().map(ToString::to_string),
            id: topic.topic_id,
        };
        request.topics.iter().map(reference).collect()
    } else {
        let reference = |name: &Str| TopicReference { name: Some(name.to_string()), ..Default::default() };
        request.topic_names.iter().map(reference).collect()
    };
    let asked = references.clone();
    let responses = match call.shard().ask_controller(ControllerCall::DeleteTopics(references)).await {
        Some(ControllerReply::TopicsDeleted(results)) => {
            let mut answers = Vec::with_capacity(results.len());
            let mut deleted = Vec::new();
            for (reference, result) in results {
                answers.push(match result {
                    Ok(topic) => {
                        let name = Str::from(topic.name);
                        deleted.push(name.clone());
                        DeleteTopicsResponseTopic {
                            name: Some(name),
                            topic_id: topic.id,
                            ..Default::default()
                        }
                    }
                    Err(error) => failed(&reference, error.code(), Some(error.to_string())),
                });
            }
            call.shard().forget_offsets(deleted).await;
            answers
        }
        _ => asked.iter().map(|reference| failed(reference, ErrorCode::NotController, None)).collect(),
    };
    DeleteTopicsResponse { responses, ..Default::default() }
}

fn failed(topic: &TopicReference, code: ErrorCode, message: Option<String>) -> DeleteTopicsResponseTopic {
    DeleteTopicsResponseTopic {
        name: topic.name.as_deref().map(Str::from),
        topic_id: topic.id,
        error_code: code.code(),
        error_message: message.map(Str::from),
    }
}
