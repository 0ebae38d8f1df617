//! CreateTopics (19).

use super::describe_configs::topic_entries;
use super::{Api, Call};
use crate::base::ids::BrokerId;
use crate::config::describe::ConfigEntry;
use crate::controller::{ControllerCall, ControllerReply, CreatedTopic, NewTopic, TopicError};
use crate::wire::messages::{
    CreateTopicsRequest, CreateTopicsRequestTopic, CreateTopicsResponse, CreateTopicsResponseConfig,
    CreateTopicsResponseTopic,
};
use crate::wire::{ErrorCode, Str};

/// Asked of any broker.
pub const API: Api = Api { key: 19, versions: 0..=7 };

/// Creates each topic by itself, and answers when they can be produced to.
pub async fn handle(call: &Call, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let validate_only = request.validate_only;
    let topics: Vec<NewTopic> = request.topics.iter().map(new_topic).collect();
    let question = ControllerCall::CreateTopics { topics, validate_only };
    let topics = match call.shard().ask_controller(question).await {
        Some(ControllerReply::TopicsCreated(results)) => {
            results.into_iter().map(|(name, result)| answer(call, name, result)).collect()
        }
        _ => request
            .topics
            .iter()
            .map(|topic| failed(topic.name.clone(), ErrorCode::NotController, None))
            .collect(),
    };
    CreateTopicsResponse { topics, ..Default::default() }
}

fn new_topic(topic: &CreateTopicsRequestTopic) -> NewTopic {
    let assignment = |assignment: &crate::wire::messages::CreateTopicsRequestAssignment| {
        let replicas = assignment.broker_ids.iter().map(|id| BrokerId::new(*id)).collect();
        (assignment.partition_index, replicas)
    };
    let config = |config: &crate::wire::messages::CreateTopicsRequestConfig| {
        (config.name.to_string(), config.value.as_ref().map(ToString::to_string))
    };
    NewTopic {
        name: topic.name.to_string(),
        num_partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic.assignments.iter().map(assignment).collect(),
        configs: topic.configs.iter().map(config).collect(),
    }
}

fn failed(name: Str, code: ErrorCode, message: Option<String>) -> CreateTopicsResponseTopic {
    CreateTopicsResponseTopic {
        name,
        error_code: code.code(),
        error_message: message.map(Str::from),
        ..Default::default()
    }
}

fn answer(call: &Call, name: String, result: Result<CreatedTopic, TopicError>) -> CreateTopicsResponseTopic {
    let created = match result {
        Ok(created) => created,
        Err(error) => return failed(name.into(), error.code(), Some(error.to_string())),
    };
    let entries = topic_entries(call.shard().config(), &created.configs);
    let config = |entry: ConfigEntry| CreateTopicsResponseConfig {
        name: entry.name.into(),
        value: entry.value.map(Str::from),
        read_only: entry.read_only,
        config_source: entry.source.wire_code(),
        is_sensitive: entry.sensitive,
    };
    CreateTopicsResponseTopic {
        name: name.into(),
        // Kafka's default is the empty text, its answer null.
        error_message: None,
        topic_id: created.id,
        num_partitions: created.num_partitions,
        replication_factor: created.replication_factor,
        configs: Some(entries.into_iter().map(config).collect()),
        ..Default::default()
    }
}
