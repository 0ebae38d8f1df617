//! OffsetFetch: what a group has committed. Only durable offsets show.

use super::state::Group;
use crate::wire::Str;
use crate::wire::error::ErrorCode;
use crate::wire::messages::{
    OffsetFetchRequestGroup, OffsetFetchResponseGroup, OffsetFetchResponseGroupPartition,
    OffsetFetchResponseGroupTopic,
};

/// The answer without any topic: `error` for the whole group. Versions 0 and 1 have no place for it: the caller gives
/// it to each partition.
pub(super) fn fetch_error(request: &OffsetFetchRequestGroup, error: ErrorCode) -> OffsetFetchResponseGroup {
    OffsetFetchResponseGroup {
        group_id: request.group_id.clone(),
        error_code: error.code(),
        ..OffsetFetchResponseGroup::default()
    }
}

/// Answers for `group`; none is a group that has never committed.
pub(super) fn fetch(
    group: Option<&Group>,
    request: &OffsetFetchRequestGroup,
    require_stable: bool,
) -> OffsetFetchResponseGroup {
    let mut response = fetch_error(request, ErrorCode::None);
    match &request.topics {
        Some(topics) => {
            for topic in topics {
                let partitions = topic.partition_indexes.iter();
                response.topics.push(OffsetFetchResponseGroupTopic {
                    name: topic.name.clone(),
                    topic_id: topic.topic_id,
                    partitions: partitions
                        .map(|p| partition(group, &topic.name, *p, require_stable))
                        .collect(),
                });
            }
        }
        None => {
            let all = group.into_iter().flat_map(|g| g.offsets.committed());
            for (topic, partitions) in all {
                response.topics.push(OffsetFetchResponseGroupTopic {
                    name: Str::from(&**topic),
                    topic_id: partitions
                        .values()
                        .map(|c| c.topic_id)
                        .find(|id| !id.is_zero())
                        .unwrap_or_default(),
                    partitions: partitions
                        .keys()
                        .map(|p| partition(group, topic, *p, require_stable))
                        .collect(),
                });
            }
        }
    }
    response
}

fn partition(
    group: Option<&Group>,
    topic: &str,
    index: i32,
    stable: bool,
) -> OffsetFetchResponseGroupPartition {
    let none = |error: ErrorCode| OffsetFetchResponseGroupPartition {
        partition_index: index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(Str::EMPTY),
        error_code: error.code(),
    };
    let Some(offsets) = group.map(|g| &g.offsets) else {
        return none(ErrorCode::None);
    };
    if stable && offsets.is_pending(topic, index) {
        return none(ErrorCode::UnstableOffsetCommit);
    }
    let Some(committed) = offsets.get(topic, index) else {
        return none(ErrorCode::None);
    };
    OffsetFetchResponseGroupPartition {
        partition_index: index,
        committed_offset: committed.offset,
        committed_leader_epoch: committed.leader_epoch,
        metadata: Some(Str::from(&*committed.metadata)),
        error_code: ErrorCode::None.code(),
    }
}
