//! Random operations against a list of batches. A failing seed is in the message: `seed(N)` replays it.

use super::*;
use crate::base::random::Random;

const EPOCH: LeaderEpoch = LeaderEpoch::new(1);

/// What the log must hold.
struct Model {
    /// Every batch ever taken: offsets and bytes, as they lie in the log.
    batches: Vec<(i64, i64, Vec<u8>)>,
    /// Batches that were acknowledged.
    acknowledged: usize,
    sequence: i32,
}

impl Model {
    fn next_offset(&self) -> i64 {
        self.batches.last().map_or(0, |b| b.1 + 1)
    }

    fn end_of(&self, count: usize) -> i64 {
        count.checked_sub(1).map_or(0, |last| self.batches[last].1 + 1)
    }

    /// The bytes of the batches from the one that holds `from`, up to `end`.
    fn bytes(&self, from: i64, end: i64) -> Vec<u8> {
        let within = self.batches.iter().filter(|b| b.1 >= from && b.1 < end);
        within.flat_map(|b| b.2.clone()).collect()
    }

    fn append(&mut self, log: &Rc<Log>, random: &mut Random) -> Append {
        let records = 1 + random.below(4) as usize;
        let value_bytes = match random.below(10) {
            0 => random.below(30_000) as usize,
            1..=3 => random.below(3_000) as usize,
            _ => random.below(200) as usize,
        };
        let timestamp = random.below(100_000) as i64;
        let batch = idempotent(records, value_bytes, timestamp, 4, 0, self.sequence);
        let append = log.append(&batch, EPOCH);
        let base = self.next_offset();
        assert_eq!(append.assigned().unwrap().base_offset.get(), base);
        let mut bytes = batch.header().encode().to_vec();
        batch::patch_offsets(&mut bytes, Offset::new(base), EPOCH);
        bytes.extend_from_slice(&batch.bytes_for_tests()[batch::HEADER_BYTES..]);
        self.batches.push((base, base + records as i64 - 1, bytes));
        self.sequence += records as i32;
        append
    }
}

async fn check_read(log: &Rc<Log>, model: &Model, random: &mut Random) {
    let end = log.end_offset().get();
    let from = random.below(end as u64 + 1) as i64;
    let max_bytes = random.below(60_000) as usize;
    let read = log.read(Offset::new(from), max_bytes, Offset::new(end), true).run().await.unwrap();
    let bytes = bytes_of(&read).await;
    assert_eq!(bytes, model.bytes(from, read.next_offset.get()), "from {from}, {max_bytes} bytes");
    assert!(bytes.is_empty() == (from == end));
    let first = batch::batches(&bytes).next().map_or(0, |view| view.unwrap().total_bytes());
    assert!(bytes.len() <= max_bytes.max(first));
}

/// One run of `steps` operations.
async fn run(place: &Place, disk: Option<&SimDisk>, seed: u64, steps: usize) {
    let mut random = Random::from_seed(seed);
    let config = LogConfig {
        segment_bytes: 150_000,
        index_interval_bytes: 2_000,
        flush_messages: if disk.is_some() && random.below(2) == 0 { 1 } else { u64::MAX },
        sync_interval_ms: 5,
        ..LogConfig::default()
    };
    let mut model = Model { batches: Vec::new(), acknowledged: 0, sequence: 0 };
    let mut log = place.create(config.clone()).await;
    for _ in 0..steps {
        match random.below(100) {
            0..=54 => {
                let append = model.append(&log, &mut random);
                append.await.unwrap();
                model.acknowledged = model.batches.len();
            }
            55..=74 => {
                let burst: Vec<_> =
                    (0..1 + random.below(30)).map(|_| model.append(&log, &mut random)).collect();
                let last = burst.into_iter().next_back().unwrap();
                last.await.unwrap();
                model.acknowledged = model.batches.len();
            }
            75..=90 => check_read(&log, &model, &mut random).await,
            91..=92 => log.flush().await.unwrap(),
            93..=94 => log.tail_cache.forget(&log.tail),
            95..=96 => {
                log.close().await.unwrap();
                log = place.open(config.clone(), clean(&log)).await.unwrap();
                assert_eq!(log.end_offset().get(), model.next_offset());
            }
            _ => {
                // Some appends are on their way when the kill comes.
                let pending: Vec<_> =
                    (0..random.below(10)).map(|_| model.append(&log, &mut random)).collect();
                for _ in 0..random.below(4) {
                    crate::rt::yield_now().await;
                }
                drop(pending);
                let recovery_point = log.recovery_point().get();
                log.abandon();
                if disk.is_none() {
                    // A write that has begun goes on without its future; after a real kill none would.
                    crate::rt::sleep(std::time::Duration::from_millis(30)).await;
                }
                let durable = config.flush_messages == 1;
                if let Some(disk) = disk.filter(|_| durable && random.below(2) == 0) {
                    disk.crash();
                }
                log = place.open(config.clone(), killed(recovery_point)).await.unwrap();
                let end = log.end_offset().get();
                assert!(
                    end >= model.end_of(model.acknowledged),
                    "{end} after {}",
                    model.end_of(model.acknowledged)
                );
                model.batches.retain(|b| b.1 < end);
                assert_eq!(model.next_offset(), end, "a batch is there whole or not at all");
                model.acknowledged = model.batches.len();
                model.sequence = end as i32;
            }
        }
    }
    log.flush().await.unwrap();
    let end = log.end_offset().get();
    assert_eq!(read_all(&log, 0, 50_000).await.len(), model.batches.len());
    assert_eq!(end, model.next_offset());
    log.close().await.unwrap();
}

fn seed(seed: u64) {
    let steps = 150;
    println!("seed({seed})");
    block_on(async {
        let disk = SimDisk::default();
        let place = Place { disk: Disk::sim(disk.clone()), dir: PathBuf::from("/d/t-0"), _temp: None };
        run(&place, Some(&disk), seed, steps).await;
        run(&real(IoMode::Auto), None, seed, steps / 3).await;
        run(&real(IoMode::PageCache), None, seed, steps / 3).await;
    });
}

#[test]
fn random_operations() {
    let runs = std::env::var("RINGWOOD_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    (0..runs).for_each(seed);
}
