//! ListOffsets (2): offsets by time or by name.

use std::collections::HashSet;

use super::errors::list_offsets_error;
use super::{Api, Call};
use crate::base::ids::{LeaderEpoch, Offset, PartitionIndex};
use crate::image::Image;
use crate::partition::{Isolation, OffsetFound, OffsetSpec};
use crate::shard::join_all;
use crate::wire::messages::{
    ListOffsetsRequest, ListOffsetsRequestPartition, ListOffsetsRequestTopic, ListOffsetsResponse,
    ListOffsetsResponsePartition, ListOffsetsResponseTopic,
};
use crate::wire::{ErrorCode, Str};

/// Served by the partitions' leaders.
pub const API: Api = Api { key: 2, versions: 0..=11 };

/// The oldest version that knows a negative "timestamp" of this value, by value: -3 to -6.
const SPECIAL_VERSIONS: [(i64, i16); 4] = [(-3, 7), (-4, 8), (-5, 9), (-6, 11)];

/// Answers each partition by itself. Errors: InvalidRequest (42) for a partition that is named twice.
pub async fn handle(call: &Call, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let isolation =
        if request.isolation_level == 0 { Isolation::ReadUncommitted } else { Isolation::ReadCommitted };
    let image = call.shard().image();
    let mut seen = HashSet::new();
    let mut twice = HashSet::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            if !seen.insert((topic.name.clone(), partition.partition_index)) {
                twice.insert((topic.name.clone(), partition.partition_index));
            }
        }
    }
    let topics = request.topics.into_iter().map(|topic| one_topic(call, &image, topic, isolation, &twice));
    ListOffsetsResponse { topics: join_all(topics).await, ..Default::default() }
}

async fn one_topic(
    call: &Call,
    image: &Image,
    topic: ListOffsetsRequestTopic,
    isolation: Isolation,
    twice: &HashSet<(Str, i32)>,
) -> ListOffsetsResponseTopic {
    let name = &topic.name;
    // A partition that is named twice is answered once.
    let mut seen = HashSet::new();
    let once = topic.partitions.iter().filter(|partition| seen.insert(partition.partition_index));
    let partitions = once.map(|partition| async move {
        let found = if twice.contains(&(name.clone(), partition.partition_index)) {
            Err(ErrorCode::InvalidRequest)
        } else {
            look_up(call, image, name, partition, isolation).await
        };
        answer(call.version(), partition, found)
    });
    let partitions = join_all(partitions).await;
    ListOffsetsResponseTopic { name: topic.name.clone(), partitions }
}

async fn look_up(
    call: &Call,
    image: &Image,
    name: &str,
    partition: &ListOffsetsRequestPartition,
    isolation: Isolation,
) -> Result<OffsetFound, ErrorCode> {
    let index = PartitionIndex::new(partition.partition_index);
    let topic = image.topic(name).filter(|topic| topic.partition(index).is_some());
    let topic_id = topic.ok_or(ErrorCode::UnknownTopicOrPartition)?.id;
    let too_new =
        SPECIAL_VERSIONS.iter().any(|(spec, since)| *spec == partition.timestamp && call.version() < *since);
    let spec = OffsetSpec::from_timestamp(partition.timestamp).filter(|_| !too_new);
    let spec = spec.ok_or(ErrorCode::UnsupportedVersion)?;
    let current = LeaderEpoch::new(partition.current_leader_epoch);
    let owner = call.shard().owner_of(topic_id, index);
    let found = call.shard().on(owner, move |owner| async move {
        let partition = owner.partition(topic_id, index).ok_or(ErrorCode::NotLeaderOrFollower)?;
        partition.list_offset(spec, isolation, current).await.map_err(|error| list_offsets_error(&error))
    });
    found.await.unwrap_or(Err(ErrorCode::NotLeaderOrFollower))
}

fn answer(
    version: i16,
    partition: &ListOffsetsRequestPartition,
    found: Result<OffsetFound, ErrorCode>,
) -> ListOffsetsResponsePartition {
    let partition_index = partition.partition_index;
    match found {
        Err(code) => {
            ListOffsetsResponsePartition { partition_index, error_code: code.code(), ..Default::default() }
        }
        // Version 0 asked for the start of a segment; the record itself is the better answer.
        Ok(found) if version == 0 => ListOffsetsResponsePartition {
            partition_index,
            old_style_offsets: if found.offset != Offset::NONE && partition.max_num_offsets > 0 {
                vec![found.offset.get()]
            } else {
                Vec::new()
            },
            ..Default::default()
        },
        Ok(found) => ListOffsetsResponsePartition {
            partition_index,
            timestamp: found.timestamp,
            offset: found.offset.get(),
            leader_epoch: if version >= 4 { found.leader_epoch.get() } else { -1 },
            ..Default::default()
        },
    }
}
