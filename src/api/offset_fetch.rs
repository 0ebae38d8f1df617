//! OffsetFetch (9): a group's offsets are read.
//!
//! Versions 0 to 7 ask about one group, later ones about several; the coordinator sees the later form only.

use super::groups::{ask, failure};
use super::{Api, Call};
use crate::group::{GroupCall, GroupReply};
use crate::image::Image;
use crate::shard::join_all;
use crate::wire::ErrorCode;
use crate::wire::messages::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestGroupTopic, OffsetFetchResponse,
    OffsetFetchResponseGroup, OffsetFetchResponseGroupPartition, OffsetFetchResponseGroupTopic,
    OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};

/// Served by the groups' coordinators.
pub const API: Api = Api { key: 9, versions: 0..=10 };

/// Several groups from this version on.
const GROUPS_VERSION: i16 = 8;
/// Topics are named by id from this version on.
const BY_ID_VERSION: i16 = 10;
/// An error of the group stands in its own field from this version on, in each partition before.
const GROUP_ERROR_VERSION: i16 = 2;

/// Answers for each group; partitions without an offset get -1 and no error.
pub async fn handle(call: &Call, request: OffsetFetchRequest) -> OffsetFetchResponse {
    let require_stable = request.require_stable;
    if call.version() >= GROUPS_VERSION {
        let answers = request.groups.into_iter().map(|group| one_group(call, group, require_stable));
        return OffsetFetchResponse { groups: join_all(answers).await, ..Default::default() };
    }
    let topics = request.topics.map(|topics| {
        let topic = |topic: crate::wire::messages::OffsetFetchRequestTopic| OffsetFetchRequestGroupTopic {
            name: topic.name,
            partition_indexes: topic.partition_indexes,
            ..Default::default()
        };
        topics.into_iter().map(topic).collect()
    });
    let group = OffsetFetchRequestGroup { group_id: request.group_id, topics, ..Default::default() };
    let asked = group.topics.clone().unwrap_or_default();
    let answer = one_group(call, group, require_stable).await;
    old_form(call.version(), &asked, answer)
}

async fn one_group(
    call: &Call,
    mut group: OffsetFetchRequestGroup,
    require_stable: bool,
) -> OffsetFetchResponseGroup {
    let image = call.shard().image();
    let by_id = call.version() >= BY_ID_VERSION;
    let mut unknown = Vec::new();
    if by_id && let Some(topics) = &mut group.topics {
        topics.retain_mut(|topic| match image.topic_by_id(topic.topic_id) {
            Some(found) => {
                topic.name = (&*found.name).into();
                true
            }
            None => {
                unknown.push(refuse(topic, ErrorCode::UnknownTopicId));
                false
            }
        });
    }
    let group_id = group.group_id.clone();
    let mut answer = match ask(call, &group_id, GroupCall::OffsetFetch { group, require_stable }).await {
        Ok(GroupReply::OffsetFetch(answer)) => answer,
        other => {
            OffsetFetchResponseGroup { group_id, error_code: failure(other).code(), ..Default::default() }
        }
    };
    if by_id {
        name_ids(&image, &mut answer);
        answer.topics.append(&mut unknown);
    }
    answer
}

/// Gives each topic its id; one that is no more cannot be named, and is left out.
fn name_ids(image: &Image, answer: &mut OffsetFetchResponseGroup) {
    answer.topics.retain_mut(|topic| match image.topic(&topic.name) {
        Some(found) => {
            topic.topic_id = found.id;
            true
        }
        None => false,
    });
}

fn refuse(topic: &OffsetFetchRequestGroupTopic, code: ErrorCode) -> OffsetFetchResponseGroupTopic {
    let partition = |index: &i32| OffsetFetchResponseGroupPartition {
        partition_index: *index,
        committed_offset: -1,
        metadata: Some("".into()),
        error_code: code.code(),
        ..Default::default()
    };
    OffsetFetchResponseGroupTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic.partition_indexes.iter().map(partition).collect(),
    }
}

fn old_form(
    version: i16,
    asked: &[OffsetFetchRequestGroupTopic],
    mut answer: OffsetFetchResponseGroup,
) -> OffsetFetchResponse {
    if answer.error_code != 0 && version < GROUP_ERROR_VERSION {
        let code = ErrorCode::from_code(answer.error_code).unwrap_or(ErrorCode::UnknownServerError);
        answer.topics = asked.iter().map(|topic| refuse(topic, code)).collect();
    }
    let topic = |topic: OffsetFetchResponseGroupTopic| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic
            .partitions
            .into_iter()
            .map(|partition| OffsetFetchResponsePartition {
                partition_index: partition.partition_index,
                committed_offset: partition.committed_offset,
                committed_leader_epoch: partition.committed_leader_epoch,
                metadata: partition.metadata,
                error_code: partition.error_code,
            })
            .collect(),
    };
    OffsetFetchResponse {
        topics: answer.topics.into_iter().map(topic).collect(),
        error_code: answer.error_code,
        ..Default::default()
    }
}
