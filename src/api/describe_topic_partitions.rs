//! DescribeTopicPartitions (75): topics page by page, in the order of their names.

use super::{Api, Call, authorized};
use crate::base::ids::PartitionIndex;
use crate::image::{Image, PartitionImage, is_internal_topic, validate_topic_name};
use crate::wire::messages::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsRequestTopic, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponseCursor, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
};
use crate::wire::{ErrorCode, Str};

/// Asked of any broker.
pub const API: Api = Api { key: 75, versions: 0..=0 };

/// The topics from the cursor on, until the page has as many partitions as asked for, or as
/// `max.request.partition.size.limit` allows; the answer's cursor says where the next page begins.
/// Errors: UnknownTopicOrPartition (3), InvalidTopic (17) per topic; InvalidRequest (42) for all if the cursor is no place
/// among them.
pub async fn handle(call: &Call, request: DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    if let Some(cursor) = &request.cursor {
        let named = |topic: &DescribeTopicPartitionsRequestTopic| topic.name == cursor.topic_name;
        let asked = request.topics.is_empty() || request.topics.iter().any(named);
        if !asked || cursor.partition_index < 0 {
            return refuse_all(request.topics);
        }
    }
    let image = call.shard().image();
    let limit = i32::try_from(call.shard().config().network.describe_partitions_max).unwrap_or(i32::MAX);
    let mut left = usize::try_from(request.response_partition_limit.clamp(1, limit)).unwrap_or(1);
    let all = request.topics.is_empty();
    let mut names: Vec<Str> = if all {
        image.topics().map(|topic| Str::from(&*topic.name)).collect()
    } else {
        request.topics.into_iter().map(|topic| topic.name).collect()
    };
    names.sort();
    names.dedup();
    let (from, mut first) =
        request.cursor.map_or_else(Default::default, |c| (c.topic_name, c.partition_index));
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names.into_iter().filter(|name| *name >= from) {
        if name != from {
            first = 0;
        }
        if left == 0 {
            response.next_cursor =
                Some(DescribeTopicPartitionsResponseCursor { topic_name: name, partition_index: first });
            break;
        }
        let topic = one_topic(&image, name.clone(), first, left);
        left -= topic.partitions.len().min(left);
        let next = first + topic.partitions.len() as i32;
        let more = image.topic(&name).is_some_and(|topic| topic.partitions().count() as i32 > next);
        response.topics.push(topic);
        if more {
            response.next_cursor =
                Some(DescribeTopicPartitionsResponseCursor { topic_name: name, partition_index: next });
            break;
        }
    }
    response
}

/// The answer to a cursor that points nowhere.
fn refuse_all(topics: Vec<DescribeTopicPartitionsRequestTopic>) -> DescribeTopicPartitionsResponse {
    let refused = |topic: DescribeTopicPartitionsRequestTopic| DescribeTopicPartitionsResponseTopic {
        error_code: ErrorCode::InvalidRequest.code(),
        name: Some(topic.name),
        topic_authorized_operations: i32::MIN,
        ..Default::default()
    };
    let topics = topics.into_iter().map(refused).collect();
    DescribeTopicPartitionsResponse { topics, ..Default::default() }
}

fn one_topic(image: &Image, name: Str, first: i32, count: usize) -> DescribeTopicPartitionsResponseTopic {
    let Some(topic) = image.topic(&name) else {
        let valid = validate_topic_name(&name).is_ok();
        let code = if valid { ErrorCode::UnknownTopicOrPartition } else { ErrorCode::InvalidTopicException };
        return DescribeTopicPartitionsResponseTopic {
            error_code: code.code(),
            is_internal: is_internal_topic(&name),
            name: Some(name),
            topic_authorized_operations: authorized::TOPIC,
            ..Default::default()
        };
    };
    let skip = usize::try_from(first).unwrap_or(0);
    let partitions = topic.partitions().skip(skip).take(count).map(describe);
    DescribeTopicPartitionsResponseTopic {
        name: Some(name),
        topic_id: topic.id,
        is_internal: is_internal_topic(&topic.name),
        partitions: partitions.collect(),
        topic_authorized_operations: authorized::TOPIC,
        ..Default::default()
    }
}

fn describe(
    (index, partition): (PartitionIndex, &PartitionImage),
) -> DescribeTopicPartitionsResponsePartition {
    DescribeTopicPartitionsResponsePartition {
        partition_index: index.get(),
        leader_id: partition.leader.get(),
        leader_epoch: partition.leader_epoch.get(),
        replica_nodes: partition.replicas.iter().map(|id| id.get()).collect(),
        isr_nodes: partition.isr.iter().map(|id| id.get()).collect(),
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        ..Default::default()
    }
}
