//! What recovery makes of what a stop leaves: torn tails, holes, damage, lost files, and Kafka's own directories.

use super::*;
use crate::storage::layout::FileKind;
use crate::storage::segment::path_of;

const EPOCH: LeaderEpoch = LeaderEpoch::new(3);

/// A log in memory with `batches` batches, killed; its disk and the bytes of its first segment up to the end of the log.
async fn killed_log(config: &LogConfig, batches: usize) -> (SimDisk, Place, Vec<u8>) {
    let disk = SimDisk::default();
    let place = Place { disk: Disk::sim(disk.clone()), dir: PathBuf::from("/d/t-0"), _temp: None };
    let log = place.create(config.clone()).await;
    for i in 0..batches {
        let batch = idempotent(2, 150, 10 * i as i64, 8, 0, 2 * i as i32);
        log.append(&batch, EPOCH).await.unwrap();
    }
    let size = log.size_bytes() as usize;
    log.abandon();
    let mut bytes = disk.read(&first_log(&place)).unwrap();
    bytes.truncate(size);
    (disk, place, bytes)
}

fn first_log(place: &Place) -> PathBuf {
    path_of(&place.dir, Offset::ZERO, FileKind::Log)
}

#[test]
fn a_tail_torn_anywhere_is_cut() {
    block_on(async {
        let config = LogConfig::default();
        let (disk, place, whole) = killed_log(&config, 3).await;
        let batch_bytes = whole.len() / 3;
        // The last byte is a zero (no headers): cut there and filled up with zeros, the batch is whole.
        for cut in 0..batch_bytes - 1 {
            for zeros in [0, 5_000] {
                let mut torn = whole[..2 * batch_bytes + cut].to_vec();
                torn.resize(torn.len() + zeros, 0);
                disk.write_file(&first_log(&place), &torn, true).unwrap();
                let log = place.open(config.clone(), killed(0)).await.unwrap();
                assert_eq!(log.end_offset().get(), 4, "cut at {cut}");
                assert_eq!(disk.read(&first_log(&place)).unwrap().len(), 2 * batch_bytes);
                let next = log.append(&idempotent(2, 150, 99, 8, 0, 4), EPOCH).await.unwrap();
                assert_eq!(next.base_offset.get(), 4);
                assert_eq!(read_all(&log, 0, 1 << 20).await, [(0, 1), (2, 3), (4, 5)]);
                log.abandon();
            }
        }
    });
}

#[test]
fn damage_before_valid_batches_is_quarantined_and_left_alone() {
    block_on(async {
        let config = LogConfig::default();
        let (disk, place, whole) = killed_log(&config, 5).await;
        let batch_bytes = whole.len() / 5;
        for byte in
            (batch_bytes..2 * batch_bytes).step_by(7).filter(|b| !(0..21).contains(&(b % batch_bytes)))
        {
            let mut damaged = whole.clone();
            damaged[byte] ^= 0x10;
            disk.write_file(&first_log(&place), &damaged, true).unwrap();
            let error = place.open(config.clone(), killed(0)).await.err().unwrap();
            assert!(matches!(error, LogError::Damaged { .. }), "byte {byte}: {error}");
            assert_eq!(disk.read(&first_log(&place)).unwrap(), damaged);
        }
        // In the last batch it is a torn tail, unless that was synced.
        let mut damaged = whole.clone();
        damaged[4 * batch_bytes + 70] ^= 1;
        disk.write_file(&first_log(&place), &damaged, true).unwrap();
        assert!(matches!(place.open(config.clone(), killed(10)).await, Err(LogError::Damaged { .. })));
        assert_eq!(place.open(config, killed(8)).await.unwrap().end_offset().get(), 8);
    });
}

#[test]
fn a_write_that_was_not_performed_is_no_damage() {
    block_on(async {
        let config = LogConfig::default();
        let (disk, place, whole) = killed_log(&config, 60).await;
        let batch_bytes = whole.len() / 60;
        let mut hole = whole.clone();
        hole[8192..12288].fill(0);
        disk.write_file(&first_log(&place), &hole, true).unwrap();
        let log = place.open(config, killed(0)).await.unwrap();
        assert_eq!(log.end_offset().get(), 2 * (8192 / batch_bytes) as i64);
    });
}

#[test]
fn lost_indexes_and_snapshots_are_rebuilt() {
    block_on(async {
        let config = small_segments();
        for (clean, remove) in
            [(true, "index"), (false, "index"), (false, "snapshot"), (false, "-window"), (false, "")]
        {
            for place in places() {
                let log = place.create(config.clone()).await;
                for i in 0..60 {
                    log.append(&idempotent(2, 700, 10 * i, 8, 0, 2 * i as i32), EPOCH).await.unwrap();
                }
                log.close().await.unwrap();
                let mut before = Vec::new();
                for (name, _) in place.files().await {
                    before.push((name.clone(), place.disk.read(place.dir.join(&name)).await.unwrap()));
                    if !remove.is_empty() && name.ends_with(remove) {
                        place.disk.remove_file(place.dir.join(name)).await.unwrap();
                    }
                }
                let opening = Opening { clean, recovery_point: Offset::ZERO, log_start_offset: Offset::ZERO };
                let log = place.open(config.clone(), opening).await.unwrap();
                assert_eq!(read_all(&log, 0, 1 << 20).await.len(), 60);
                assert_eq!(log.offset_for_timestamp(205).await.unwrap().unwrap().offset.get(), 42);
                let again = log.append(&idempotent(2, 700, 0, 8, 0, 110), EPOCH).await.unwrap();
                assert_eq!((again.duplicate, again.base_offset.get()), (true, 110), "{clean} {remove}");
                log.close().await.unwrap();
                for (name, bytes) in before {
                    let now = place.disk.read(place.dir.join(&name)).await.unwrap();
                    assert_eq!(now, bytes, "{name}, clean {clean}, lost {remove}");
                }
            }
        }
    });
}

#[test]
fn a_kill_amid_rolls_loses_nothing_acknowledged() {
    block_on(async {
        for place in places() {
            let log = place.create(small_segments()).await;
            let mut last = None;
            for i in 0..50 {
                last = Some(log.append(&idempotent(2, 2_000, i, 8, 0, 2 * i as i32), EPOCH));
            }
            last.unwrap().await.unwrap();
            let recovery_point = log.recovery_point().get();
            log.abandon();
            let log = place.open(small_segments(), killed(recovery_point)).await.unwrap();
            assert_eq!(log.end_offset().get(), 100);
            assert_eq!(read_all(&log, 0, 100_000).await.len(), 50);
            assert_eq!(log.latest_epoch(), EPOCH);
            let again = log.append(&idempotent(2, 2_000, 45, 8, 0, 90), EPOCH).await.unwrap();
            assert!(again.duplicate);
            log.close().await.unwrap();
        }
    });
}

/// Copies one of Kafka's partitions to a place.
async fn copy_golden(place: &Place, name: &str) {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/storage").join(name);
    place.disk.create_dir(&place.dir).await.unwrap();
    for entry in std::fs::read_dir(golden).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        let name = entry.file_name().into_string().unwrap();
        place.disk.write_file(place.dir.join(name), &bytes).await.unwrap();
    }
}

#[test]
fn kafkas_partitions_load_and_are_written_as_kafka_does() {
    block_on(async {
        let config = LogConfig { index_interval_bytes: 64, ..LogConfig::default() };
        for (name, end, segments) in [("txn-0", 126, 5), ("idem-0", 80, 4)] {
            for (clean, lost) in
                [(true, None), (false, None), (false, Some("index")), (false, Some("snapshot"))]
            {
                let place = sim();
                copy_golden(&place, name).await;
                let before = place.files().await;
                let mut golden = Vec::new();
                for (file, _) in &before {
                    golden.push((file.clone(), place.disk.read(place.dir.join(file)).await.unwrap()));
                    if lost.is_some_and(|suffix| file.ends_with(suffix) && !file.ends_with("txnindex")) {
                        place.disk.remove_file(place.dir.join(file)).await.unwrap();
                    }
                }
                let metadata = place.disk.read(place.dir.join("partition.metadata")).await.unwrap();
                let topic_id = crate::storage::partition_metadata::decode(&metadata).unwrap();
                let opening = Opening { clean, recovery_point: Offset::ZERO, log_start_offset: Offset::ZERO };
                let options = LogOptions { topic_id, ..place.options(config.clone()) };
                let log = Log::open(options, opening).await.unwrap();
                assert_eq!((log.end_offset().get(), log.segment_count()), (end, segments), "{name} {lost:?}");
                read_all(&log, 0, 1 << 20).await;
                log.close().await.unwrap();
                for (file, bytes) in golden {
                    let now = place.disk.read(place.dir.join(&file)).await.unwrap();
                    assert_eq!(now, bytes, "{name}/{file}, clean {clean}, lost {lost:?}");
                }
            }
        }
    });
}

#[test]
fn a_directory_of_another_topic_is_refused() {
    block_on(async {
        let place = sim();
        let log = place.create(LogConfig::default()).await;
        log.close().await.unwrap();
        let options = LogOptions { topic_id: Uuid::from_u128(8), ..place.options(LogConfig::default()) };
        assert!(matches!(Log::open(options, killed(0)).await, Err(LogError::TopicId { .. })));
    });
}
