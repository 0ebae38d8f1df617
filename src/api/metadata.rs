//! Metadata (3): brokers, and topics with their leaders. Creates a topic that is asked for by name, if both the client
//! and `auto.create.topics.enable` say so, and answers once it can be produced to.

use std::collections::HashSet;

use super::{Api, Call, authorized, brokers};
use crate::base::ids::PartitionIndex;
use crate::image::{Image, PartitionImage, TopicImage, is_internal_topic, validate_topic_name};
use crate::wire::messages::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};
use crate::wire::{ErrorCode, Str};

/// Asked of any broker.
pub const API: Api = Api { key: 3, versions: 0..=13 };

/// An empty list of topics means all of them before this version, and none from it on.
const EMPTY_IS_NONE_VERSION: i16 = 1;
/// Topics may be asked for by id from this version on.
const IDS_VERSION: i16 = 12;
/// A client may forbid the creation from this version on.
const AUTO_CREATE_VERSION: i16 = 4;

/// Answers from the image; unknown topics have UnknownTopicOrPartition (3), UnknownTopicId (100) or InvalidTopic (17).
pub async fn handle(call: &Call, request: MetadataRequest) -> MetadataResponse {
    if call.version() < IDS_VERSION && request.topics.iter().flatten().any(|topic| !is_named_only(topic)) {
        return refuse_all(request.topics.unwrap_or_default());
    }
    let wanted =
        request.topics.filter(|topics| !topics.is_empty() || call.version() >= EMPTY_IS_NONE_VERSION);
    let may_create = request.allow_auto_topic_creation || call.version() < AUTO_CREATE_VERSION;
    if let Some(topics) = wanted.as_deref()
        && may_create
    {
        create_missing(call, topics).await;
    }
    let image = call.shard().image();
    let operations = if request.include_topic_authorized_operations { authorized::TOPIC } else { i32::MIN };
    let topics = match &wanted {
        None => image.topics().map(|topic| describe(topic, operations)).collect(),
        Some(topics) => {
            let mut seen = HashSet::new();
            let once = topics.iter().filter(|topic| seen.insert((topic.topic_id, topic.name.clone())));
            once.map(|topic| find(&image, topic, operations)).collect()
        }
    };
    MetadataResponse {
        brokers: brokers::endpoints(call)
            .map(|broker| MetadataResponseBroker {
                node_id: broker.node_id,
                host: broker.host,
                port: broker.port,
                rack: broker.rack,
            })
            .collect(),
        cluster_id: Some(image.cluster_id().into()),
        controller_id: image.controller_id().get(),
        topics,
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            authorized::CLUSTER
        } else {
            i32::MIN
        },
        ..Default::default()
    }
}

/// The fields for ids came before ids were understood.
fn is_named_only(topic: &MetadataRequestTopic) -> bool {
    topic.name.is_some() && topic.topic_id.is_zero()
}

/// The answer to a request that cannot be understood: it tells nothing.
fn refuse_all(topics: Vec<MetadataRequestTopic>) -> MetadataResponse {
    let refused = |topic: MetadataRequestTopic| MetadataResponseTopic {
        error_code: ErrorCode::InvalidRequest.code(),
        topic_id: topic.topic_id,
        name: Some(topic.name.unwrap_or_default()),
        ..unknown()
    };
    MetadataResponse {
        controller_id: -1,
        cluster_id: None,
        topics: topics.into_iter().map(refused).collect(),
        error_code: ErrorCode::InvalidRequest.code(),
        ..Default::default()
    }
}

/// Creates the topics that are named and do not exist. A failure shows in the answer: the topic is still unknown.
async fn create_missing(call: &Call, topics: &[MetadataRequestTopic]) {
    if !call.shard().config().topics.auto_create {
        return;
    }
    let image = call.shard().image();
    let names = topics.iter().filter(|topic| topic.topic_id.is_zero()).filter_map(|topic| topic.name.clone());
    let missing: Vec<Str> =
        names.filter(|name| image.topic(name).is_none() && validate_topic_name(name).is_ok()).collect();
    if !missing.is_empty() {
        call.shard().auto_create_topics(&missing).await;
    }
}

fn find(image: &Image, topic: &MetadataRequestTopic, operations: i32) -> MetadataResponseTopic {
    if !topic.topic_id.is_zero() {
        return match image.topic_by_id(topic.topic_id) {
            Some(found) => describe(found, operations),
            None => MetadataResponseTopic {
                error_code: ErrorCode::UnknownTopicId.code(),
                topic_id: topic.topic_id,
                ..unknown()
            },
        };
    }
    let name = topic.name.clone().unwrap_or_default();
    match image.topic(&name) {
        Some(found) => describe(found, operations),
        None => {
            let valid = validate_topic_name(&name).is_ok();
            let code =
                if valid { ErrorCode::UnknownTopicOrPartition } else { ErrorCode::InvalidTopicException };
            MetadataResponseTopic {
                error_code: code.code(),
                is_internal: is_internal_topic(&name),
                name: Some(name),
                ..unknown()
            }
        }
    }
}

fn unknown() -> MetadataResponseTopic {
    MetadataResponseTopic { name: None, topic_authorized_operations: i32::MIN, ..Default::default() }
}

fn describe(topic: &TopicImage, operations: i32) -> MetadataResponseTopic {
    let partition = |(index, partition): (PartitionIndex, &PartitionImage)| MetadataResponsePartition {
        partition_index: index.get(),
        leader_id: partition.leader.get(),
        leader_epoch: partition.leader_epoch.get(),
        replica_nodes: partition.replicas.iter().map(|id| id.get()).collect(),
        isr_nodes: partition.isr.iter().map(|id| id.get()).collect(),
        ..Default::default()
    };
    MetadataResponseTopic {
        name: Some((&*topic.name).into()),
        topic_id: topic.id,
        is_internal: is_internal_topic(&topic.name),
        partitions: topic.partitions().map(partition).collect(),
        topic_authorized_operations: operations,
        ..Default::default()
    }
}
