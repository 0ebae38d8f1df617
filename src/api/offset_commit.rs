//! OffsetCommit (8): a group's offsets are kept.

use super::groups::{ask, client, failure};
use super::{Api, Call};
use crate::base::ids::PartitionIndex;
use crate::group::{GroupCall, GroupReply};
use crate::image::Image;
use crate::wire::ErrorCode;
use crate::wire::messages::{
    OffsetCommitRequest, OffsetCommitRequestTopic, OffsetCommitResponse, OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
};

/// Served by the group's coordinator.
pub const API: Api = Api { key: 8, versions: 0..=10 };

/// Topics are named by id from this version on.
const BY_ID_VERSION: i16 = 10;

/// Commits what names a known partition; the rest is refused with UnknownTopicOrPartition (3) or UnknownTopicId (100).
pub async fn handle(call: &Call, mut request: OffsetCommitRequest) -> OffsetCommitResponse {
    let image = call.shard().image();
    let asked = request.topics.clone();
    let by_id = call.version() >= BY_ID_VERSION;
    request.topics.retain_mut(|topic| keep_known(&image, topic, by_id));
    let mut response = OffsetCommitResponse::default();
    if !request.topics.is_empty() || asked.is_empty() {
        let group_id = request.group_id.clone();
        let kept = request.topics.clone();
        response = match ask(call, &group_id, GroupCall::OffsetCommit(client(call), request)).await {
            Ok(GroupReply::OffsetCommit(response)) => response,
            other => refuse_all(&kept, failure(other)),
        };
    }
    merge(&asked, response, &image, by_id)
}

/// Drops the partitions that do not exist; fills in the name or the id that the client did not send.
fn keep_known(image: &Image, topic: &mut OffsetCommitRequestTopic, by_id: bool) -> bool {
    let found = if by_id { image.topic_by_id(topic.topic_id) } else { image.topic(&topic.name) };
    let Some(found) = found else {
        return false;
    };
    topic.name = (&*found.name).into();
    topic.topic_id = found.id;
    topic
        .partitions
        .retain(|partition| found.partition(PartitionIndex::new(partition.partition_index)).is_some());
    !topic.partitions.is_empty()
}

fn refuse_all(topics: &[OffsetCommitRequestTopic], code: ErrorCode) -> OffsetCommitResponse {
    let topics = topics.iter().map(|topic| OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(|p| answer(p.partition_index, code)).collect(),
    });
    OffsetCommitResponse { topics: topics.collect(), ..Default::default() }
}

fn answer(partition_index: i32, code: ErrorCode) -> OffsetCommitResponsePartition {
    OffsetCommitResponsePartition { partition_index, error_code: code.code() }
}

/// The answers in the order of the request, those of unknown partitions among them.
fn merge(
    asked: &[OffsetCommitRequestTopic],
    response: OffsetCommitResponse,
    image: &Image,
    by_id: bool,
) -> OffsetCommitResponse {
    let answered = response.topics;
    let code_of = |topic: &OffsetCommitRequestTopic, index: i32| {
        let same = |t: &&OffsetCommitResponseTopic| {
            if by_id { t.topic_id == topic.topic_id } else { t.name == topic.name }
        };
        let found =
            answered.iter().filter(same).flat_map(|t| &t.partitions).find(|p| p.partition_index == index);
        let unknown_id = by_id && image.topic_by_id(topic.topic_id).is_none();
        let unknown = if unknown_id { ErrorCode::UnknownTopicId } else { ErrorCode::UnknownTopicOrPartition };
        found.map_or(unknown.code(), |partition| partition.error_code)
    };
    let topics = asked.iter().map(|topic| OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|partition| OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: code_of(topic, partition.partition_index),
            })
            .collect(),
    });
    OffsetCommitResponse { topics: topics.collect(), ..Default::default() }
}
