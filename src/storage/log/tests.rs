//! The log against a simple model, in every io mode, with clean stops and kills.

use super::*;
use crate::base::ids::{ProducerEpoch, ProducerId, Uuid};
use crate::batch::{self, BatchBuilder, BatchOptions};
use crate::rt::disk::{IoMode, SimDisk};
use crate::rt::shards::block_on;
use bytes::Bytes;

mod crash;
mod model;
mod small;

/// A disk and a directory on it that lasts as long as this.
struct Place {
    disk: Disk,
    dir: PathBuf,
    _temp: Option<tempfile::TempDir>,
}

fn sim() -> Place {
    Place { disk: Disk::sim(SimDisk::default()), dir: PathBuf::from("/data/t-0"), _temp: None }
}

fn real(mode: IoMode) -> Place {
    // The system's temporary directory is often a tmpfs, which refuses O_DIRECT.
    let temp = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR").to_owned() + "/target").unwrap();
    let disk = Disk::open(temp.path(), mode).unwrap();
    Place { disk, dir: temp.path().join("t-0"), _temp: Some(temp) }
}

fn places() -> Vec<Place> {
    vec![sim(), real(IoMode::Auto), real(IoMode::PageCache)]
}

impl Place {
    fn options(&self, config: LogConfig) -> LogOptions {
        LogOptions {
            disk: self.disk.clone(),
            dir: self.dir.clone(),
            topic: "t".to_owned(),
            partition: PartitionIndex::new(0),
            topic_id: Uuid::from_u128(7),
            config,
            clock: Clock::system(),
            tail_cache: TailCache::new(256 << 10),
        }
    }

    async fn create(&self, config: LogConfig) -> Rc<Log> {
        Log::create(self.options(config)).await.unwrap()
    }

    async fn open(&self, config: LogConfig, opening: Opening) -> Result<Rc<Log>, LogError> {
        Log::open(self.options(config), opening).await
    }

    /// The names and sizes of the files.
    async fn files(&self) -> Vec<(String, u64)> {
        self.disk.list(&self.dir).await.unwrap().into_iter().map(|e| (e.name, e.len)).collect()
    }
}

fn clean(log: &Log) -> Opening {
    Opening { clean: true, recovery_point: log.recovery_point(), log_start_offset: log.start_offset() }
}

fn killed(recovery_point: i64) -> Opening {
    Opening { clean: false, recovery_point: Offset::new(recovery_point), log_start_offset: Offset::ZERO }
}

fn small_segments() -> LogConfig {
    LogConfig { segment_bytes: 20_000, index_interval_bytes: 1_000, ..LogConfig::default() }
}

fn batch_of(records: usize, value_bytes: usize, timestamp: i64) -> AppendBatch {
    idempotent(records, value_bytes, timestamp, -1, 0, -1)
}

fn idempotent(
    records: usize,
    value_bytes: usize,
    timestamp: i64,
    producer: i64,
    epoch: i16,
    sequence: i32,
) -> AppendBatch {
    let mut builder = BatchBuilder::new(BatchOptions {
        producer_id: ProducerId::new(producer),
        producer_epoch: ProducerEpoch::new(if producer < 0 { -1 } else { epoch }),
        base_sequence: sequence,
        ..BatchOptions::default()
    });
    for i in 0..records {
        builder.append(timestamp + i as i64, None, Some(&vec![i as u8; value_bytes]), &[]);
    }
    AppendBatch::new(Bytes::from(builder.finish().unwrap())).unwrap()
}

/// All bytes of an answer.
async fn bytes_of(read: &Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    for slice in &read.slices {
        match slice {
            ReadSlice::Memory(slice) => bytes.extend_from_slice(slice),
            ReadSlice::File { file, position, len } => {
                bytes.extend_from_slice(&file.read(*position, *len as usize).await.unwrap());
            }
        }
    }
    assert_eq!(bytes.len() as u64, read.bytes);
    bytes
}

/// Reads everything from `from` on, batch after batch checked.
async fn read_all(log: &Rc<Log>, from: i64, max_bytes: usize) -> Vec<(i64, i64)> {
    let (mut at, mut batches) = (Offset::new(from), Vec::new());
    while at < log.end_offset() {
        let read = log.read(at, max_bytes, Offset::new(i64::MAX), true).run().await.unwrap();
        let bytes = bytes_of(&read).await;
        assert!(!bytes.is_empty(), "nothing at {at} of {}", log.end_offset());
        for view in batch::batches(&bytes) {
            let view = view.unwrap();
            view.check_crc().unwrap();
            batches.push((view.base_offset, view.last_offset().get()));
        }
        assert_eq!(batches.last().unwrap().1 + 1, read.next_offset.get());
        at = read.next_offset;
    }
    batches
}
