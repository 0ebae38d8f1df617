//! Produce (0). Records go to the shard that owns their partition; the answer waits until they are written.

use super::answer::{Outcome, encode, malformed};
use super::errors::{produce_error, tells_log_start};
use super::{Api, Call};
use crate::base::ids::PartitionIndex;
use crate::batch::{self, BatchError, Invalid};
use crate::image::{Image, TopicImage, is_internal_topic};
use crate::partition::{ProduceError, ProduceInput, Refused};
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
/// The magic byte of record batches.
const BATCH_MAGIC: i8 = 2;
/// The client id that Kafka lets write to internal topics.
const ADMIN_CLIENT_ID: &str = "__admin_client";

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
    // Transactions come with a later release: InitProducerId has refused the transactional id already. A batch without
    // an id is refused in the same way, and the whole request with it; an id alone does no harm.
    let transactional =
        request.topic_data.iter().flat_map(|topic| &topic.partition_data).any(is_transactional);
    let refused = transactional.then_some(ErrorCode::TransactionalIdAuthorizationFailed);
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

/// Whether the records begin with a batch of a transaction. Message sets know none: what stands there is their payload.
fn is_transactional(partition: &ProduceRequestPartition) -> bool {
    let Records::Bytes(records) = &partition.records else {
        return false;
    };
    batch::Header::decode(records)
        .is_some_and(|header| header.magic == BATCH_MAGIC && header.is_transactional())
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
    if !(-1..=1).contains(&acks) {
        return Err(ErrorCode::InvalidRequiredAcks);
    }
    // Groups and transactions rely on what stands there; only Kafka's own tools may write to it.
    if is_internal_topic(&topic.name) && call.client_id() != ADMIN_CLIENT_ID {
        return Err(ErrorCode::InvalidTopicException);
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
        // A message set may be empty.
        Some(Err(Refused {
            error: ProduceError::Batch(BatchError::Invalid(Invalid::NoBatch(..3))), ..
        })) => refusal(index, ErrorCode::None),
        Some(Err(Refused { error, log_start_offset })) => {
            let (code, message, records) = produce_error(&error);
            let record_error = |record: &crate::batch::RecordError| ProduceResponseRecordError {
                batch_index: record.batch_index,
                batch_index_error_message: Some(record.message.as_str().into()),
            };
            ProduceResponsePartition {
                error_message: message.map(Into::into),
                record_errors: records.iter().map(record_error).collect(),
                log_start_offset: if tells_log_start(&error) { log_start_offset.get() } else { -1 },
                ..refusal(index, code)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_set_is_never_transactional() {
        // Every byte 0xff but the magic: read as a batch's header, all attribute bits are set.
        let partition = |magic: u8| {
            let mut bytes = vec![0xff; batch::HEADER_BYTES];
            bytes[16] = magic;
            ProduceRequestPartition { index: 0, records: Records::Bytes(bytes.into()) }
        };
        assert!(!is_transactional(&partition(0)) && !is_transactional(&partition(1)));
        assert!(is_transactional(&partition(2)));
    }
}
