//! One behaviour at a time.

use super::*;

const EPOCH: LeaderEpoch = LeaderEpoch::new(0);
const NO_BOUND: Offset = Offset::new(i64::MAX);

#[test]
fn appends_are_read_back_in_every_mode() {
    block_on(async {
        for place in places() {
            let log = place.create(LogConfig::default()).await;
            let first = log.append(&batch_of(3, 100, 1_000), EPOCH);
            let second = log.append(&batch_of(2, 5_000, 2_000), EPOCH);
            assert_eq!(log.next_offset().get(), 5);
            assert_eq!(log.end_offset().get(), 0, "nothing is readable before it is written");
            assert_eq!(first.await.unwrap().last_offset.get(), 2);
            let second = second.await.unwrap();
            assert_eq!((second.base_offset.get(), second.last_offset.get()), (3, 4));
            assert_eq!(read_all(&log, 0, 1 << 20).await, [(0, 2), (3, 4)]);
            assert_eq!(read_all(&log, 4, 1).await, [(3, 4)], "the whole batch, from its start");
            log.close().await.unwrap();
        }
    });
}

#[test]
fn a_batch_larger_than_any_buffer() {
    block_on(async {
        for place in places() {
            let log = place.create(LogConfig::default()).await;
            let sizes = [10, 3 << 20, 100, (1 << 20) + 5, 4096 - 71, 2 << 20];
            let appends: Vec<_> =
                sizes.iter().map(|size| log.append(&batch_of(1, *size, 1), EPOCH)).collect();
            for append in appends {
                append.await.unwrap();
            }
            for cold in [false, true] {
                if cold {
                    log.tail_cache.forget(&log.tail);
                }
                let batches = read_all(&log, 0, 1_000).await;
                assert_eq!(batches, [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)], "cold: {cold}");
                assert_eq!(read_all(&log, 1, 8 << 20).await, batches[1..]);
            }
            log.close().await.unwrap();
        }
    });
}

#[test]
fn reads_keep_to_their_limits() {
    block_on(async {
        for place in places() {
            let log = place.create(LogConfig::default()).await;
            for i in 0..10 {
                log.append(&batch_of(2, 1_000, i), EPOCH).await.unwrap();
            }
            let one = batch_of(2, 1_000, 0).header().total_bytes();
            for cold in [false, true] {
                if cold {
                    log.tail_cache.forget(&log.tail);
                }
                let read = log.read(Offset::new(5), 3 * one + 7, NO_BOUND, true).run().await.unwrap();
                assert_eq!((read.first_offset.get(), read.next_offset.get()), (4, 10), "cold: {cold}");
                let read = log.read(Offset::new(5), 3 * one + 7, Offset::new(8), true).run().await.unwrap();
                assert_eq!((read.first_offset.get(), read.next_offset.get()), (4, 8), "cold: {cold}");
                let read = log.read(Offset::new(0), one - 1, NO_BOUND, true).run().await.unwrap();
                assert_eq!(read.next_offset.get(), 2, "the first batch whole");
                let read = log.read(Offset::new(0), one - 1, NO_BOUND, false).run().await.unwrap();
                assert_eq!((read.bytes, read.next_offset.get()), (0, 0));
                let read = log.read(Offset::new(20), 100, NO_BOUND, true).run().await.unwrap();
                assert_eq!((read.bytes, read.next_offset.get()), (0, 20));
            }
            let error = log.read(Offset::new(21), 100, NO_BOUND, true).run().await.unwrap_err();
            assert!(matches!(error, ReadError::OutOfRange { .. }));
            assert!(log.read(Offset::new(-1), 100, NO_BOUND, true).run().await.is_err());
            log.close().await.unwrap();
        }
    });
}

#[test]
fn a_clean_stop_leaves_kafkas_files() {
    block_on(async {
        for place in places() {
            let log = place.create(small_segments()).await;
            log.assign_epoch(EPOCH);
            for i in 0..30 {
                log.append(&idempotent(2, 1_000, i * 10, 5, 0, 2 * i as i32), EPOCH).await.unwrap();
            }
            let segments = log.segment_count();
            assert!(segments >= 3);
            let size = log.size_bytes();
            log.close().await.unwrap();
            let files = place.files().await;
            let logs: u64 = files.iter().filter(|(name, _)| name.ends_with(".log")).map(|(_, len)| len).sum();
            assert_eq!(logs, size, "preallocated space is trimmed");
            let count = |suffix: &str| files.iter().filter(|(name, _)| name.ends_with(suffix)).count();
            assert_eq!((count(".index"), count(".timeindex")), (segments, segments));
            assert_eq!(count(".snapshot"), segments, "one at every base but the first, one at the end");
            let epochs = place.disk.read(place.dir.join("leader-epoch-checkpoint")).await.unwrap();
            assert_eq!(epochs, b"0\n1\n0 0\n");

            let log = place.open(small_segments(), clean(&log)).await.unwrap();
            assert_eq!((log.end_offset().get(), log.size_bytes()), (60, size));
            assert_eq!(read_all(&log, 0, 5_000).await.len(), 30);
            let again = log.append(&idempotent(2, 1_000, 250, 5, 0, 50), EPOCH).await.unwrap();
            assert!(again.duplicate, "the fifth batch back is still known");
            assert_eq!(again.base_offset.get(), 50);
            assert!(log.append(&idempotent(2, 1_000, 240, 5, 0, 48), EPOCH).await.is_err());
            let next = log.append(&idempotent(2, 1_000, 300, 5, 0, 60), EPOCH).await.unwrap();
            assert_eq!(next.base_offset.get(), 60);
            assert_eq!(read_all(&log, 0, 5_000).await.len(), 31);
            log.close().await.unwrap();
        }
    });
}

#[test]
fn an_empty_log_stays_small() {
    block_on(async {
        for place in places() {
            let log = place.create(LogConfig::default()).await;
            assert!(log.tasks.is_empty());
            log.close().await.unwrap();
            let files = place.files().await;
            assert_eq!(files.len(), 4, "{files:?}");
            assert!(files.iter().all(|(name, len)| name == "partition.metadata" || *len == 0), "{files:?}");
            let log = place.open(LogConfig::default(), clean(&log)).await.unwrap();
            assert_eq!(log.append(&batch_of(1, 1, 1), EPOCH).await.unwrap().base_offset.get(), 0);
            log.close().await.unwrap();
        }
    });
}

#[test]
fn timestamps_are_found() {
    block_on(async {
        for place in places() {
            let log = place.create(small_segments()).await;
            assert_eq!(log.offset_for_timestamp(0).await.unwrap(), None);
            assert_eq!(log.offset_of_max_timestamp().await.unwrap(), None);
            for i in 0..40 {
                log.append(&batch_of(3, 500, 1_000 * i), EPOCH).await.unwrap();
            }
            for _ in 0..2 {
                for (timestamp, offset) in [(0, 0), (1, 1), (2, 2), (3, 3), (20_001, 61), (39_002, 119)] {
                    let found = log.offset_for_timestamp(timestamp).await.unwrap().unwrap();
                    assert_eq!(found.offset.get(), offset, "{timestamp}");
                    assert!(found.timestamp >= timestamp);
                }
                assert_eq!(log.offset_for_timestamp(39_003).await.unwrap(), None);
                let max = log.offset_of_max_timestamp().await.unwrap().unwrap();
                assert_eq!((max.timestamp, max.offset.get()), (39_002, 119));
                log.tail_cache.forget(&log.tail);
            }
            log.close().await.unwrap();
        }
    });
}

#[test]
fn a_durable_append_waits_for_the_sync() {
    block_on(async {
        let disk = SimDisk::default();
        let place = Place { disk: Disk::sim(disk.clone()), dir: PathBuf::from("/d/t-0"), _temp: None };
        let config = LogConfig { flush_messages: 1, ..LogConfig::default() };
        let log = place.create(config.clone()).await;
        let waiting: Vec<_> = (0..5).map(|i| log.append(&batch_of(1, 3_000, i), EPOCH)).collect();
        for append in waiting {
            append.await.unwrap();
        }
        assert_eq!(log.recovery_point().get(), 5);
        log.abandon();
        disk.crash();
        let log = place.open(config, killed(0)).await.unwrap();
        assert_eq!(log.end_offset().get(), 5);
    });
}

#[test]
fn a_failed_write_takes_the_log_offline() {
    block_on(async {
        let disk = SimDisk::default();
        let place = Place { disk: Disk::sim(disk.clone()), dir: PathBuf::from("/d/t-0"), _temp: None };
        let log = place.create(LogConfig::default()).await;
        log.append(&batch_of(1, 100, 1), EPOCH).await.unwrap();
        disk.set_faults(crate::rt::disk::Faults { write_error_in: Some(1), ..Default::default() });
        let failed = log.append(&batch_of(1, 100, 2), EPOCH);
        let behind = log.append(&batch_of(1, 100, 3), EPOCH);
        assert!(matches!(failed.await, Err(AppendError::Storage(_))));
        assert!(matches!(behind.await, Err(AppendError::Storage(_))));
        assert!(log.append(&batch_of(1, 100, 4), EPOCH).await.is_err());
        assert!(log.flush().await.is_err());
        assert!(log.close().await.is_err());
        let log = place.open(LogConfig::default(), killed(0)).await.unwrap();
        assert!(log.end_offset().get() >= 1);
    });
}

#[test]
fn deletion_moves_the_directory_away() {
    block_on(async {
        for place in places() {
            let log = place.create(LogConfig::default()).await;
            log.append(&batch_of(1, 100, 1), EPOCH).await.unwrap();
            let moved = log.delete(Uuid::from_u128(0xabc)).await.unwrap();
            assert!(!place.disk.exists(&place.dir).await);
            assert!(place.disk.exists(&moved).await);
            assert!(log.append(&batch_of(1, 100, 1), EPOCH).await.is_err());
            log.remove().await.unwrap();
            assert!(!place.disk.exists(&moved).await);
        }
    });
}

#[test]
fn a_cut_takes_batches_producers_and_epochs_with_it() {
    block_on(async {
        for place in places() {
            let log = place.create(small_segments()).await;
            for i in 0..60 {
                let epoch = LeaderEpoch::new(i / 20);
                log.append(&idempotent(2, 1_000, i64::from(i), 5, 0, 2 * i), epoch).await.unwrap();
            }
            for (cut, end) in [(200, 120), (119, 118), (90, 90), (45, 44), (44, 44)] {
                log.truncate_to(Offset::new(cut)).await.unwrap();
                assert_eq!((log.end_offset().get(), log.next_offset().get()), (end, end));
                assert_eq!(read_all(&log, 0, 5_000).await.len() as i64, end / 2);
                assert_eq!(i64::from(log.latest_epoch().get()), (end - 1) / 40);
            }
            assert!(log.append(&idempotent(2, 1_000, 1, 5, 0, 42), EPOCH).await.unwrap().duplicate);
            let next = log.append(&idempotent(2, 1_000, 1, 5, 0, 44), LeaderEpoch::new(7)).await.unwrap();
            assert_eq!(next.base_offset.get(), 44);
            log.close().await.unwrap();
            let log = place.open(small_segments(), clean(&log)).await.unwrap();
            assert_eq!(read_all(&log, 0, 5_000).await.len(), 23);
            assert_eq!(log.latest_epoch().get(), 7);
        }
    });
}
