//! OffsetForLeaderEpoch (23): where a leader epoch ends.

use super::errors::epoch_error;
use super::{Api, Call};
use crate::base::ids::{LeaderEpoch, PartitionIndex};
use crate::image::Image;
use crate::partition::EpochEnd;
use crate::shard::join_all;
use crate::wire::ErrorCode;
use crate::wire::messages::{
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochRequestPartition, OffsetForLeaderEpochRequestTopic,
    OffsetForLeaderEpochResponse, OffsetForLeaderEpochResponsePartition, OffsetForLeaderEpochResponseTopic,
};

/// Served by the partitions' leaders.
pub const API: Api = Api { key: 23, versions: 0..=4 };

/// Answers each partition by itself.
pub async fn handle(call: &Call, request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
    let image = call.shard().image();
    let image = &image;
    let one_topic = |topic: OffsetForLeaderEpochRequestTopic| async move {
        let name = &topic.topic;
        let partitions = topic.partitions.iter().map(|partition| async move {
            answer(partition.partition, look_up(call, image, name, partition).await)
        });
        let partitions = join_all(partitions).await;
        OffsetForLeaderEpochResponseTopic { topic: topic.topic.clone(), partitions }
    };
    let topics = join_all(request.topics.into_iter().map(one_topic)).await;
    OffsetForLeaderEpochResponse { topics, ..Default::default() }
}

async fn look_up(
    call: &Call,
    image: &Image,
    name: &str,
    partition: &OffsetForLeaderEpochRequestPartition,
) -> Result<EpochEnd, ErrorCode> {
    let index = PartitionIndex::new(partition.partition);
    let topic = image.topic(name).filter(|topic| topic.partition(index).is_some());
    let topic_id = topic.ok_or(ErrorCode::UnknownTopicOrPartition)?.id;
    let (epoch, current) =
        (LeaderEpoch::new(partition.leader_epoch), LeaderEpoch::new(partition.current_leader_epoch));
    let owner = call.shard().owner_of(topic_id, index);
    let found = call.shard().on(owner, move |owner| async move {
        let partition = owner.partition(topic_id, index).ok_or(ErrorCode::NotLeaderOrFollower)?;
        partition.epoch_end(epoch, current).map_err(epoch_error)
    });
    found.await.unwrap_or(Err(ErrorCode::NotLeaderOrFollower))
}

fn answer(partition: i32, found: Result<EpochEnd, ErrorCode>) -> OffsetForLeaderEpochResponsePartition {
    match found {
        Ok(end) => OffsetForLeaderEpochResponsePartition {
            partition,
            leader_epoch: end.leader_epoch.get(),
            end_offset: end.end_offset.get(),
            ..Default::default()
        },
        Err(code) => {
            OffsetForLeaderEpochResponsePartition { partition, error_code: code.code(), ..Default::default() }
        }
    }
}
