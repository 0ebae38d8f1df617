//! What a Produce costs per batch: the checksum, the walk over its records, decompression on the way.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ringwood::base::crc::crc32c;
use ringwood::batch::{
    BatchBuilder, BatchOptions, BatchView, Codec, Rules, batches, recompress, records, validate_produce,
};
use std::hint::black_box;

const RECORDS: i64 = 160;
const VALUE_BYTES: usize = 100;

/// A batch of 16 KiB, as a producer with Kafka's default `batch.size` sends it. Values are half random.
fn batch(codec: Codec) -> Vec<u8> {
    let mut random = ringwood::base::random::Random::from_seed(42);
    let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
    for n in 0..RECORDS {
        let value: Vec<u8> =
            (0..VALUE_BYTES).map(|at| if at % 2 == 0 { b'x' } else { random.next_u64() as u8 }).collect();
        builder.append(1_700_000_000_000 + n, Some(&n.to_be_bytes()), Some(&value), &[]);
    }
    builder.finish().unwrap_or_default()
}

fn rules() -> Rules {
    Rules { now_ms: 1_700_000_000_000, ..Rules::default() }
}

fn checksum(c: &mut Criterion) {
    let bytes = batch(Codec::None);
    let mut group = c.benchmark_group("crc32c");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("batch", |b| b.iter(|| crc32c(black_box(&bytes))));
    group.finish();
}

fn validate(c: &mut Criterion) {
    let mut group = c.benchmark_group("validate");
    group.throughput(Throughput::Elements(RECORDS as u64));
    for codec in Codec::ALL {
        let bytes = batch(codec);
        group.bench_with_input(BenchmarkId::from_parameter(codec), &bytes, |b, bytes| {
            b.iter(|| validate_produce(black_box(bytes), &rules()));
        });
    }
    group.finish();
}

fn read(c: &mut Criterion) {
    let one = batch(Codec::None);
    let many = one.repeat(64);
    let mut group = c.benchmark_group("read");
    group.bench_function("64 headers", |b| b.iter(|| batches(black_box(&many)).flatten().count()));
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("records", |b| {
        b.iter(|| {
            let view = BatchView::parse(black_box(&one)).ok()?;
            Some(records(&view).ok()?.iter().flatten().filter(|record| record.key.is_some()).count())
        });
    });
    group.finish();
}

fn compression(c: &mut Criterion) {
    let bytes = batch(Codec::None);
    let mut group = c.benchmark_group("recompress");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    for codec in Codec::ALL {
        group.bench_function(BenchmarkId::from_parameter(codec), |b| {
            b.iter(|| {
                recompress(&BatchView::parse(black_box(&bytes)).ok()?, codec, codec.default_level()).ok()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, checksum, validate, read, compression);
criterion_main!(benches);
