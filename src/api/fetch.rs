//! Fetch (1): records from an offset on, waiting for them if there are none. Records are sent from where they lie; only
//! clients of message formats 0 and 1 (versions 0 to 3) get copies, converted down.

use std::time::Duration;

use super::answer::{Outcome, encode, malformed};
use super::errors::{part_error, session_error};
use super::{Api, Call};
use crate::base::ids::{LeaderEpoch, Offset, PartitionIndex};
use crate::base::limits::FETCH_ANSWER_BYTES_MAX;
use crate::batch::{batches, legacy};
use crate::image::{Image, TopicImage};
use crate::partition::{FetchFrom, Isolation};
use crate::shard::{
    FetchLimits, FetchPart, PartHead, PartResult, PartitionRef, SessionRequest, Told, TopicRef, Want,
};
use crate::storage::log::ReadSlice;
use crate::wire::messages::{
    FetchRequest, FetchResponse, FetchResponseEpochEndOffset, FetchResponsePartition, FetchResponseTopic,
};
use crate::wire::{ErrorCode, Message, Reader, Records};

/// Versions 0 to 3 are for clients that know no record batches.
pub const API: Api = Api { key: 1, versions: 0..=18 };

/// Topics are named by id from this version on.
const BY_ID_VERSION: i16 = 13;
/// Record batches (magic 2) are sent as they are from this version on, message format 1 from 2 on.
const BATCHES_VERSION: i16 = 4;
const MAGIC_1_VERSION: i16 = 2;
/// Zstandard may be sent from this version on.
const ZSTD_VERSION: i16 = 10;

/// One partition's answer, and the records to send in its place.
struct Answer {
    partition: PartitionRef,
    response: FetchResponsePartition,
    records: Vec<ReadSlice>,
}

/// Serves one request.
pub async fn serve(call: Call, mut body: Reader) -> Outcome {
    let request = match FetchRequest::decode(&mut body, call.version()) {
        Ok(request) => request,
        Err(error) => return malformed(&call, &error),
    };
    drop(body);
    let now_ms = call.context.clock().now_ms();
    let opened = call.shard().sessions().borrow_mut().open(session_request(&request, call.version()), now_ms);
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let error_code = session_error(error).code();
            return encode::<FetchRequest>(
                &call.header,
                &FetchResponse { error_code, ..Default::default() },
                Vec::new(),
            );
        }
    };
    let mut answers = fetch(&call, &request, opened.wants).await;
    if opened.id != 0 {
        let mut sessions = call.shard().sessions().borrow_mut();
        answers.retain(|answer| {
            let told = Told {
                high_watermark: Offset::new(answer.response.high_watermark),
                log_start_offset: Offset::new(answer.response.log_start_offset),
            };
            let has_data = !answer.records.is_empty() || answer.response.diverging_epoch.end_offset >= 0;
            let has_error = answer.response.error_code != 0;
            sessions.tell(opened.id, &answer.partition, told, has_data, has_error) || !opened.incremental
        });
    }
    respond(&call, opened.id, answers)
}

fn session_request(request: &FetchRequest, version: i16) -> SessionRequest {
    let by_id = version >= BY_ID_VERSION;
    let name = |name: &str, id| if by_id { TopicRef::Id(id) } else { TopicRef::Name(name.into()) };
    let mut wants = Vec::new();
    for topic in &request.topics {
        let topic_ref = name(&topic.topic, topic.topic_id);
        for partition in &topic.partitions {
            let want = Want {
                offset: Offset::new(partition.fetch_offset),
                bytes_max: partition.partition_max_bytes,
                current_leader_epoch: LeaderEpoch::new(partition.current_leader_epoch),
                last_fetched_epoch: LeaderEpoch::new(partition.last_fetched_epoch),
            };
            wants.push(((topic_ref.clone(), PartitionIndex::new(partition.partition)), want));
        }
    }
    let mut forgotten = Vec::new();
    for topic in &request.forgotten_topics_data {
        let topic_ref = name(&topic.topic, topic.topic_id);
        forgotten
            .extend(topic.partitions.iter().map(|index| (topic_ref.clone(), PartitionIndex::new(*index))));
    }
    SessionRequest { id: request.session_id, epoch: request.session_epoch, wants, forgotten, by_id }
}

/// Resolves the topics, fetches, and puts each result to its partition.
async fn fetch(call: &Call, request: &FetchRequest, wants: Vec<(PartitionRef, Want)>) -> Vec<Answer> {
    let image = call.shard().image();
    let isolation =
        if request.isolation_level == 0 { Isolation::ReadUncommitted } else { Isolation::ReadCommitted };
    let mut parts = Vec::with_capacity(wants.len());
    let mut unknown = false;
    let places: Vec<Result<(), ErrorCode>> = wants
        .iter()
        .map(|((topic, index), want)| {
            let topic = find(&image, topic, *index, call.version()).inspect_err(|_| unknown = true)?;
            let from = FetchFrom {
                offset: want.offset,
                current_leader_epoch: want.current_leader_epoch,
                last_fetched_epoch: want.last_fetched_epoch,
                bytes_max: usize::try_from(want.bytes_max).unwrap_or(0),
                isolation,
            };
            parts.push(FetchPart { topic_id: topic.id, index: *index, from });
            Ok(())
        })
        .collect();
    let limits = limits(call, request, unknown);
    let results = call.shard().fetch(&parts, limits).await;
    let mut results = parts.into_iter().zip(results);
    let mut answers = Vec::with_capacity(wants.len());
    let mut unknown = Vec::new();
    for ((partition, _), place) in wants.into_iter().zip(places) {
        match place.map(|()| results.next()) {
            Ok(Some((part, result))) => {
                answers.push(known(call, partition, (part, limits), result).await);
            }
            Ok(None) => answers.push(failed(partition, ErrorCode::NotLeaderOrFollower)),
            Err(code) => unknown.push(failed(partition, code)),
        }
    }
    // What is not there comes last, and with an empty list where other errors have none: so Kafka does.
    for answer in &mut unknown {
        answer.response.aborted_transactions = Some(Vec::new());
    }
    answers.append(&mut unknown);
    answers
}

fn limits(call: &Call, request: &FetchRequest, answer_at_once: bool) -> FetchLimits {
    let bytes_max = usize::try_from(request.max_bytes).unwrap_or(0);
    let wait = u64::try_from(request.max_wait_ms).unwrap_or(0);
    FetchLimits {
        bytes_max: bytes_max
            .min(call.shard().config().network.fetch_bytes_max as usize)
            .min(FETCH_ANSWER_BYTES_MAX),
        bytes_min: usize::try_from(request.min_bytes).unwrap_or(0),
        wait: if answer_at_once { Duration::ZERO } else { Duration::from_millis(wait) },
    }
}

fn find<'a>(
    image: &'a Image,
    topic: &TopicRef,
    index: PartitionIndex,
    version: i16,
) -> Result<&'a TopicImage, ErrorCode> {
    let found = match topic {
        TopicRef::Name(name) => image.topic(name).ok_or(ErrorCode::UnknownTopicOrPartition)?,
        TopicRef::Id(id) => image.topic_by_id(*id).ok_or(ErrorCode::UnknownTopicId)?,
    };
    if found.partition(index).is_none() {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    // As in Kafka the topic's setting decides, not what its batches hold.
    if version < ZSTD_VERSION && found.config("compression.type") == Some("zstd") {
        return Err(ErrorCode::UnsupportedCompressionType);
    }
    Ok(found)
}

fn failed(partition: PartitionRef, code: ErrorCode) -> Answer {
    let response = FetchResponsePartition {
        partition_index: partition.1.get(),
        error_code: code.code(),
        high_watermark: -1,
        aborted_transactions: None,
        records: Records::Bytes(bytes::Bytes::new()),
        ..Default::default()
    };
    Answer { partition, response, records: Vec::new() }
}

async fn known(
    call: &Call,
    partition: PartitionRef,
    from: (FetchPart, FetchLimits),
    result: PartResult,
) -> Answer {
    let PartResult { head, records } = result;
    if let Some(error) = head.error {
        return failed(partition, part_error(error));
    }
    let response = offsets(partition.1, &head, from.0.from.isolation);
    if call.version() >= BATCHES_VERSION {
        return Answer { partition, response, records };
    }
    match down_convert(call, from, records).await {
        Ok(records) => Answer { partition, response, records },
        Err(code) => failed(partition, code),
    }
}

fn offsets(index: PartitionIndex, head: &PartHead, isolation: Isolation) -> FetchResponsePartition {
    let diverging_epoch = head.diverging.map_or_else(Default::default, |(epoch, end)| {
        FetchResponseEpochEndOffset { epoch: epoch.get(), end_offset: end.get() }
    });
    FetchResponsePartition {
        partition_index: index.get(),
        high_watermark: head.high_watermark.get(),
        last_stable_offset: head.last_stable_offset.get(),
        log_start_offset: head.log_start_offset.get(),
        diverging_epoch,
        aborted_transactions: (isolation == Isolation::ReadCommitted && head.diverging.is_none())
            .then(Vec::new),
        records: Records::Bytes(bytes::Bytes::new()),
        ..Default::default()
    }
}

/// The records as messages of an old format. Batches that leave nothing, like transaction markers, are passed over, or
/// the consumer would ask for them for ever. Errors: those of the first batch that is not passed over.
async fn down_convert(
    call: &Call,
    (mut part, limits): (FetchPart, FetchLimits),
    mut records: Vec<ReadSlice>,
) -> Result<Vec<ReadSlice>, ErrorCode> {
    let magic = i8::from(call.version() >= MAGIC_1_VERSION);
    let limits = FetchLimits { wait: Duration::ZERO, ..limits };
    loop {
        let mut whole = bytes::BytesMut::new();
        for slice in records {
            whole.extend_from_slice(&slice.into_bytes().await.map_err(|_| ErrorCode::KafkaStorageError)?);
        }
        let mut next = part.from.offset;
        let converted = converted(&whole, magic, &mut next)?;
        if !converted.is_empty() {
            return Ok(vec![ReadSlice::from(bytes::Bytes::from(converted))]);
        }
        if next <= part.from.offset {
            return Ok(Vec::new());
        }
        part.from.offset = next;
        let more = call.shard().fetch(&[part], limits).await.pop();
        match more {
            Some(PartResult { head: PartHead { error: None, .. }, records: more }) => records = more,
            _ => return Ok(Vec::new()),
        }
    }
}

/// What the batches become from `next` on, which moves behind those that were converted. What comes before a batch that
/// cannot be converted is answered; the error is for the fetch that begins with it.
fn converted(whole: &[u8], magic: i8, next: &mut Offset) -> Result<Vec<u8>, ErrorCode> {
    let from = *next;
    let mut messages = Vec::new();
    for batch in batches(whole) {
        let converted = match batch {
            Ok(batch) => legacy::down_convert(&batch, magic, from)
                .map(|messages| (messages, batch.next_offset()))
                .map_err(|_| ErrorCode::UnsupportedCompressionType),
            Err(_) => Err(ErrorCode::CorruptMessage),
        };
        match converted {
            Ok((more, after)) => {
                messages.extend_from_slice(&more);
                *next = after.max(*next);
            }
            Err(_) if !messages.is_empty() => break,
            Err(code) => return Err(code),
        }
    }
    Ok(messages)
}

/// Partitions of one topic that follow one another share a topic entry, as they did in the request.
fn respond(call: &Call, session_id: i32, answers: Vec<Answer>) -> Outcome {
    let mut response = FetchResponse { session_id, ..Default::default() };
    let mut slots = Vec::new();
    let mut last: Option<TopicRef> = None;
    for mut answer in answers {
        let len: usize = answer.records.iter().map(ReadSlice::len).sum();
        if len > 0 {
            let slot = u32::try_from(slots.len()).unwrap_or(u32::MAX);
            answer.response.records = Records::Slot { len: u32::try_from(len).unwrap_or(u32::MAX), slot };
            slots.push(answer.records);
        }
        let (topic_ref, _) = answer.partition;
        if last.as_ref() != Some(&topic_ref) {
            response.responses.push(topic_entry(&topic_ref));
            last = Some(topic_ref);
        }
        if let Some(topic) = response.responses.last_mut() {
            topic.partitions.push(answer.response);
        }
    }
    encode::<FetchRequest>(&call.header, &response, slots)
}

fn topic_entry(topic: &TopicRef) -> FetchResponseTopic {
    match topic {
        TopicRef::Name(name) => FetchResponseTopic { topic: (&**name).into(), ..Default::default() },
        TopicRef::Id(id) => FetchResponseTopic { topic_id: *id, ..Default::default() },
    }
}
