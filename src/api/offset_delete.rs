//! OffsetDelete (47): offsets of a group are forgotten.

use super::groups::{ask, failure};
use super::{Api, Call};
use crate::base::ids::PartitionIndex;
use crate::group::{GroupCall, GroupReply};
use crate::image::Image;
use crate::wire::ErrorCode;
use crate::wire::messages::{
    OffsetDeleteRequest, OffsetDeleteRequestTopic, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};

/// Served by the group's coordinator.
pub const API: Api = Api { key: 47, versions: 0..=0 };

/// Deletes the offsets of topics that the group is not subscribed to; UnknownTopicOrPartition (3) for partitions that
/// do not exist.
pub async fn handle(call: &Call, mut request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    let unknown = take_unknown(&call.shard().image(), &mut request.topics);
    let group_id = request.group_id.clone();
    match ask(call, &group_id, GroupCall::OffsetDelete(request)).await {
        Ok(GroupReply::OffsetDelete(mut response)) => {
            if response.error_code == ErrorCode::None.code() {
                unknown.into_iter().for_each(|topic| join(&mut response.topics, topic));
            }
            response
        }
        other => OffsetDeleteResponse { error_code: failure(other).code(), ..Default::default() },
    }
}

fn join(topics: &mut Vec<OffsetDeleteResponseTopic>, unknown: OffsetDeleteResponseTopic) {
    match topics.iter_mut().find(|topic| topic.name == unknown.name) {
        Some(topic) => topic.partitions.extend(unknown.partitions),
        None => topics.push(unknown),
    }
}

/// Takes the partitions that do not exist out of a request, and answers for them.
fn take_unknown(image: &Image, topics: &mut Vec<OffsetDeleteRequestTopic>) -> Vec<OffsetDeleteResponseTopic> {
    let mut unknown = Vec::new();
    for topic in topics.iter_mut() {
        let found = image.topic(&topic.name);
        let exists = |index: i32| found.is_some_and(|t| t.partition(PartitionIndex::new(index)).is_some());
        let (known, missing): (Vec<_>, Vec<_>) =
            std::mem::take(&mut topic.partitions).into_iter().partition(|p| exists(p.partition_index));
        topic.partitions = known;
        let partitions = missing.into_iter().map(|p| OffsetDeleteResponsePartition {
            partition_index: p.partition_index,
            error_code: ErrorCode::UnknownTopicOrPartition.code(),
        });
        let partitions: Vec<_> = partitions.collect();
        if !partitions.is_empty() {
            unknown.push(OffsetDeleteResponseTopic { name: topic.name.clone(), partitions });
        }
    }
    topics.retain(|topic| !topic.partitions.is_empty());
    unknown
}
