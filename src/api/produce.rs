//! Produce (0). Records go to the shard that owns their partition; the answer waits until they are written.

use super::answer::{Outcome, encode, malformed};
use super::errors::produce_error;
use super::{Api, Call};
use crate::base::ids::PartitionIndex;
use crate::image::{Image, TopicImage};
use crate::partition::ProduceInput;
use crate::shard::{ProducePart, ProduceReply};
use crate::wire::messages::{
    ProduceRequest, ProduceRequestPartition, ProduceRequestTopic, ProduceResponse, ProduceResponsePartition,
    ProduceResponseRecordError, ProduceResponseTopic,
};
use crate::wire::{ErrorCode, Message, Reader, Records};

/// Versions 0 to 2 carry message sets, which librdkafka must see advertised, or it turns compression off.
pub const API: Api = Api { key: 0, versions: 0..=13 };

/// Topics are named by id from this version on.
const BY_ID_VERSION: i16 = 13;

/// Serves one request: no answer for acks=0, where an error closes the connection.
pub async fn serve(call: Call, mut body: Reader) -> Outcome {
    let mut request = match ProduceRequest::decode(&mut body, call.version()) {
        Ok(request) => request,
        Err(error) => return malformed(&call, &error),
    };
    drop(body);
    let acks = request.acks;
    let response = handle(&call, &mut request).await;
    if acks != 0 {
        return encode::<ProduceRequest>(&call.header, &response, Vec::new());
    }
    let mut partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    if partitions.any(|partition| partition.error_code != 0) {
        Outcome::Close
    } else {
        Outcome::Answer(Default::default())
    }
}

async fn handle(call: &Call, request: &mut ProduceRequest) -> ProduceResponse {
    let refused = match request.acks {
        // Transactions come with a later release: InitProducerId has refused the transactional id already.
        _ if request.transactional_id.is_some() => Some(ErrorCode::TransactionalIdAuthorizationFailed),
        -1..=1 => None,
        _ => Some(ErrorCode::InvalidRequiredAcks),
    };
    let image = call.shard().image();
    let mut parts = Vec::new();
    let mut places: Vec<Vec<Result<(), ErrorCode>>> = Vec::with_capacity(request.topic_data.len());
    for topic in &mut request.topic_data {
        let found = refused.map_or_else(|| find_topic(&image, topic, call.version()), Err);
        let mut place = Vec::with_capacity(topic.partition_data.len());
        for partition in &mut topic.partition_data {
            place.push(found.and_then(|found| {
                parts.push(part(call, found, partition, request.acks)?);
                Ok(())
            }));
        }
        places.push(place);
    }
    let replies = call.shard().produce(parts).await;
    ProduceResponse { responses: responses(request, places, replies), ..Default::default() }
}

fn find_topic<'a>(
    image: &'a Image,
    topic: &ProduceRequestTopic,
    version: i16,
) -> Result<&'a TopicImage, ErrorCode> {
    if version >= BY_ID_VERSION {
        image.topic_by_id(topic.topic_id).map(|topic| &**topic).ok_or(ErrorCode::UnknownTopicId)
    } else {
        image.topic(&topic.name).map(|topic| &**topic).ok_or(ErrorCode::UnknownTopicOrPartition)
    }
}

fn part(
    call: &Call,
    topic: &TopicImage,
    partition: &mut ProduceRequestPartition,
    acks: i16,
) -> Result<ProducePart, ErrorCode> {
    let index = PartitionIndex::new(partition.index);
    if topic.partition(index).is_none() {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    let records = match std::mem::replace(&mut partition.records, Records::Null) {
        Records::Bytes(bytes) => bytes,
        Records::Null | Records::Slot { .. } => bytes::Bytes::new(),
    };
    let input = ProduceInput { records, version: call.version(), acks };
    Ok(ProducePart { topic_id: topic.id, index, input })
}

/// The answers in the order of the request; `replies` are those of the parts that were not refused at once.
fn responses(
    request: &ProduceRequest,
    places: Vec<Vec<Result<(), ErrorCode>>>,
    replies: Vec<ProduceReply>,
) -> Vec<ProduceResponseTopic> {
    let mut replies = replies.into_iter();
    let topics = request.topic_data.iter().zip(places);
    let answer_topic =
        |(topic, places): (&ProduceRequestTopic, Vec<Result<(), ErrorCode>>)| ProduceResponseTopic {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partition_responses: topic
                .partition_data
                .iter()
                .zip(places)
                .map(|(partition, place)| match place {
                    Ok(()) => answer(partition.index, replies.next().flatten()),
                    Err(code) => refusal(partition.index, code),
                })
                .collect(),
        };
    topics.map(answer_topic).collect()
}

fn refusal(index: i32, code: ErrorCode) -> ProduceResponsePartition {
    ProduceResponsePartition {
        index,
        error_code: code.code(),
        base_offset: -1,
        log_start_offset: -1,
        ..Default::default()
    }
}

fn answer(index: i32, reply: ProduceReply) -> ProduceResponsePartition {
    match reply {
        None => refusal(index, ErrorCode::NotLeaderOrFollower),
        Some(Ok(produced)) => ProduceResponsePartition {
            index,
            base_offset: produced.base_offset.get(),
            log_append_time_ms: produced.log_append_time_ms,
            log_start_offset: produced.log_start_offset.get(),
            ..Default::default()
        },
        Some(Err(error)) => {
            let (code, message, records) = produce_error(&error);
            let record_error = |record: &crate::batch::RecordError| ProduceResponseRecordError {
                batch_index: record.batch_index,
                batch_index_error_message: Some(record.message.as_str().into()),
            };
            ProduceResponsePartition {
                error_message: message.map(Into::into),
                record_errors: records.iter().map(record_error).collect(),
                ..refusal(index, code)
            }
        }
    }
}
