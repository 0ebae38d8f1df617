use super::*;
use crate::rt::shards::{ShardOptions, block_on, start};
use crate::rt::{TaskSet, run_blocking, sleep, timeout, yield_now};
use std::os::unix::net::UnixStream;
use std::time::Duration;

fn pair() -> (Fd, UnixStream) {
    let (one, other) = UnixStream::pair().unwrap();
    (Arc::new(one.into()), other)
}

#[test]
fn more_completions_at_once_than_the_ring_has_room_for() {
    const WAITS: usize = 5000;
    block_on(async {
        let (fd, other) = pair();
        let set = TaskSet::new();
        for _ in 0..WAITS {
            let fd = fd.clone();
            set.spawn(async move { ready(&fd, libc::POLLIN).await.unwrap() });
        }
        sleep(Duration::from_millis(5)).await;
        assert_eq!(set.len(), WAITS);
        drop(other);
        assert!(timeout(Duration::from_secs(5), set.join_all()).await.is_some(), "{} left", set.len());
    });
}

#[test]
fn waits_that_are_dropped_are_cancelled_and_let_go_of_the_descriptor() {
    block_on(async {
        let (fd, _other) = pair();
        for _ in 0..300 {
            let _ = futures_lite::future::poll_once(Box::pin(ready(&fd, libc::POLLIN))).await;
        }
        let ring = Ring::current().unwrap();
        while !ring.operations.borrow().is_empty() {
            yield_now().await;
        }
        assert_eq!(Arc::strong_count(&fd), 1);
    });
}

#[test]
fn timers_and_other_shards_are_heard_while_tasks_keep_the_ring_busy() {
    block_on(async {
        let busy = TaskSet::new();
        for _ in 0..4 {
            let (fd, other) = pair();
            drop(other);
            // Ready at once, each time: tasks and driver wake each other without end.
            busy.spawn(async move { while ready(&fd, libc::POLLIN).await.is_ok() {} });
        }
        sleep(Duration::from_millis(5)).await;
        assert_eq!(run_blocking(|| 7).await, 7);
        busy.spawn(async {
            loop {
                yield_now().await;
            }
        });
        sleep(Duration::from_millis(5)).await;
    });
}

#[test]
fn a_shard_that_ends_leaves_nothing_open() {
    let (fd, other) = pair();
    let waited = fd.clone();
    block_on(async {
        let _ = futures_lite::future::poll_once(Box::pin(ready(&waited, libc::POLLIN))).await;
        let set = TaskSet::new();
        set.spawn(async move { drop(ready(&waited, libc::POLLIN).await) });
        yield_now().await;
    });
    assert_eq!(Arc::strong_count(&fd), 1);
    drop(other);
}

#[test]
fn nobody_sleeps_through_a_wake_up_on_crowded_cores() {
    // More shards than cores, each woken by its helper thread and by timers; see `PREEMPT_AFTER` in `shards`.
    let shards = start(&ShardOptions::new(4), |_| async {
        for round in 0..2000_u64 {
            let blocking = timeout(Duration::from_secs(10), run_blocking(move || round)).await;
            assert_eq!(blocking, Some(round), "asleep");
            if round % 50 == 0 {
                sleep(Duration::from_micros(300)).await;
            }
        }
    });
    shards.unwrap().join().unwrap();
}
