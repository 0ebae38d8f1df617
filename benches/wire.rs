//! The hot ends of the wire codec: a produce comes in, its answer and a fetch's go out.

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringwood::wire::frame::encode_response;
use ringwood::wire::messages::{
    FetchResponse, FetchResponsePartition, FetchResponseTopic, ProduceRequest, ProduceRequestPartition,
    ProduceRequestTopic, ProduceResponse, ProduceResponsePartition, ProduceResponseTopic,
};
use ringwood::wire::{Message, Reader, Records, Str, encode_to_bytes};
use std::hint::black_box;

/// (topics, partitions of each, bytes of records in each partition).
const SHAPES: [(usize, usize, usize); 3] = [(1, 1, 1 << 14), (1, 100, 1 << 10), (50, 2, 1 << 10)];
/// The version of Produce that most clients speak, and the newest.
const PRODUCE_VERSIONS: [i16; 2] = [7, 13];
/// A Fetch version with names.
const FETCH_VERSION: i16 = 12;

fn produce((topics, partitions, bytes): (usize, usize, usize)) -> ProduceRequest {
    let partition = |index: usize| ProduceRequestPartition {
        index: index as i32,
        records: Records::Bytes(Bytes::from(vec![b'x'; bytes])),
    };
    let topic = |number: usize| ProduceRequestTopic {
        name: Str::from(format!("topic-{number}")),
        partition_data: (0..partitions).map(partition).collect(),
        ..Default::default()
    };
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: (0..topics).map(topic).collect(),
        ..Default::default()
    }
}

fn decode_produce(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode produce");
    for shape in SHAPES {
        for version in PRODUCE_VERSIONS {
            let Ok(frame) = encode_to_bytes(&produce(shape), version) else { continue };
            group.throughput(Throughput::Bytes(frame.len() as u64));
            group.bench_function(format!("v{version} {shape:?}"), |b| {
                b.iter(|| ProduceRequest::decode(&mut Reader::new(black_box(frame.clone())), version));
            });
        }
    }
}

fn encode_produce(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode produce response");
    for (topics, partitions, _) in SHAPES {
        let partition = |index: usize| ProduceResponsePartition { index: index as i32, ..Default::default() };
        let topic = |number: usize| ProduceResponseTopic {
            name: Str::from(format!("topic-{number}")),
            partition_responses: (0..partitions).map(partition).collect(),
            ..Default::default()
        };
        let response = ProduceResponse { responses: (0..topics).map(topic).collect(), ..Default::default() };
        for version in PRODUCE_VERSIONS {
            group.bench_function(format!("v{version} {topics} x {partitions}"), |b| {
                b.iter(|| encode_response(0, version, 1, black_box(&response)));
            });
        }
    }
}

fn encode_fetch(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode fetch response");
    for (topics, partitions, bytes) in SHAPES {
        let partition = |index: usize| FetchResponsePartition {
            partition_index: index as i32,
            aborted_transactions: None,
            records: Records::Slot { len: bytes as u32, slot: index as u32 },
            ..Default::default()
        };
        let topic = |number: usize| FetchResponseTopic {
            topic: Str::from(format!("topic-{number}")),
            partitions: (0..partitions).map(partition).collect(),
            ..Default::default()
        };
        let response = FetchResponse { responses: (0..topics).map(topic).collect(), ..Default::default() };
        group.bench_function(format!("v{FETCH_VERSION} {topics} x {partitions}"), |b| {
            b.iter(|| encode_response(1, FETCH_VERSION, 1, black_box(&response)));
        });
    }
}

criterion_group!(benches, decode_produce, encode_produce, encode_fetch);
criterion_main!(benches);
