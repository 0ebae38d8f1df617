//! How fast one partition's log takes batches and gives them back, on one shard:
//! `cargo bench --bench log_append -- [DIR [LOAD]]`, where LOAD is a part of the names of the loads to run.
//!
//! DIR must be on the disk in question (a tmpfs refuses O_DIRECT); without it the build directory is used. Not a criterion
//! bench: each figure is one run over a fixed amount of data, as a disk has more memory than a benchmark has patience.

use bytes::Bytes;
use ringwood::base::clock::Clock;
use ringwood::base::ids::{LeaderEpoch, Offset, PartitionIndex, Uuid};
use ringwood::batch::{BatchBuilder, BatchOptions};
use ringwood::rt::disk::{Disk, IoMode};
use ringwood::rt::shards::block_on;
use ringwood::storage::log::{AppendBatch, Log, LogConfig, LogOptions};
use ringwood::storage::tail_cache::TailCache;
use std::collections::VecDeque;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const EPOCH: LeaderEpoch = LeaderEpoch::new(0);

struct Load {
    name: &'static str,
    batch_bytes: usize,
    /// Appends in flight.
    depth: usize,
    total_bytes: u64,
    flush_messages: u64,
}

const LOADS: [Load; 6] = [
    Load {
        name: "16 KiB, depth 1",
        batch_bytes: 16 << 10,
        depth: 1,
        total_bytes: 256 << 20,
        flush_messages: u64::MAX,
    },
    Load {
        name: "16 KiB, depth 16",
        batch_bytes: 16 << 10,
        depth: 16,
        total_bytes: 2 << 30,
        flush_messages: u64::MAX,
    },
    Load {
        name: "16 KiB, depth 64",
        batch_bytes: 16 << 10,
        depth: 64,
        total_bytes: 2 << 30,
        flush_messages: u64::MAX,
    },
    Load {
        name: "1 MiB, depth 4",
        batch_bytes: 1 << 20,
        depth: 4,
        total_bytes: 2 << 30,
        flush_messages: u64::MAX,
    },
    Load {
        name: "200 B, depth 1",
        batch_bytes: 200,
        depth: 1,
        total_bytes: 1 << 20,
        flush_messages: u64::MAX,
    },
    Load {
        name: "16 KiB, depth 16, synced",
        batch_bytes: 16 << 10,
        depth: 16,
        total_bytes: 128 << 20,
        flush_messages: 1,
    },
];

fn cpu_us() -> u64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: getrusage fills the structure it is given; zeroed memory would be a valid one as well.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let us = |t: libc::timeval| t.tv_sec as u64 * 1_000_000 + t.tv_usec as u64;
    us(usage.ru_utime) + us(usage.ru_stime)
}

fn batch(bytes: usize) -> Result<AppendBatch, Box<dyn Error>> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let value = vec![7; if bytes > 1000 { 1000 } else { bytes.saturating_sub(80) }];
    while builder.bytes() + value.len() < bytes {
        builder.append(1_000, None, Some(&value), &[]);
    }
    Ok(AppendBatch::new(Bytes::from(builder.finish()?))?)
}

async fn run(dir: &Path, mode: IoMode, load: &Load) -> Result<(), Box<dyn Error>> {
    let disk = Disk::open(dir, mode)?;
    let config = LogConfig { flush_messages: load.flush_messages, ..LogConfig::default() };
    let log_dir: PathBuf = dir.join("bench-0");
    disk.remove_dir_all(&log_dir).await?;
    let clock = Clock::system();
    let log = Log::create(LogOptions {
        disk: disk.clone(),
        dir: log_dir.clone(),
        topic: "bench".to_owned(),
        partition: PartitionIndex::new(0),
        topic_id: Uuid::from_u128(1),
        config,
        clock: clock.clone(),
        tail_cache: TailCache::new(64 << 20),
    })
    .await?;
    let batch = batch(load.batch_bytes)?;
    let batch_bytes = batch.header().total_bytes() as u64;
    let (start, cpu_start) = (clock.monotonic_ns(), cpu_us());
    let (mut sent, mut in_flight, mut latencies) = (0, VecDeque::new(), Vec::new());
    while sent < load.total_bytes || !in_flight.is_empty() {
        while sent < load.total_bytes && in_flight.len() < load.depth {
            in_flight.push_back((clock.monotonic_ns(), log.append(&batch, EPOCH)));
            sent += batch_bytes;
        }
        if let Some((at, append)) = in_flight.pop_front() {
            append.await?;
            latencies.push((clock.monotonic_ns() - at) / 1000);
        }
    }
    let (ns, cpu) = (clock.monotonic_ns() - start, cpu_us() - cpu_start);
    latencies.sort_unstable();
    let at = |share: usize| latencies.get(latencies.len() * share / 1000).copied().unwrap_or(0);
    let mib = sent as f64 / f64::from(1 << 20);
    let name = load.name;
    println!(
        "{:<10} append {name:<26} {:>7.0} MiB/s {:>6.0} us CPU/MiB  p50 {} us, p99 {} us, p99.9 {} us",
        format!("{:?}", disk.mode()),
        mib / (ns as f64 / 1e9),
        cpu as f64 / mib,
        at(500),
        at(990),
        at(999)
    );
    if load.depth == 64 {
        read_back(&log, &clock, mib).await?;
    }
    log.close().await?;
    disk.remove_dir_all(&log_dir).await?;
    Ok(())
}

async fn read_back(log: &Rc<Log>, clock: &Clock, mib: f64) -> Result<(), Box<dyn Error>> {
    let (start, cpu_start, mut at) = (clock.monotonic_ns(), cpu_us(), Offset::ZERO);
    while at < log.end_offset() {
        at = log.read(at, 1 << 20, Offset::new(i64::MAX), true).run().await?.next_offset;
    }
    let (ns, cpu) = (clock.monotonic_ns() - start, cpu_us() - cpu_start);
    println!(
        "           read it all back, 1 MiB at a time {:>7.0} MiB/s {:>6.0} us CPU/MiB",
        mib / (ns as f64 / 1e9),
        cpu as f64 / mib
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut given = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let dir = given.next().unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/target").to_owned());
    let (dir, wanted) = (PathBuf::from(dir), given.next().unwrap_or_default());
    block_on(async {
        for mode in [IoMode::Auto, IoMode::PageCache] {
            for load in LOADS.iter().filter(|load| load.name.contains(&wanted)) {
                run(&dir, mode, load).await?;
            }
        }
        Ok(())
    })
}
