use super::*;
use crate::rt::shards::{ShardOptions, block_on, start};
use crate::rt::{sleep, spawn, timeout};
use std::time::{Duration, Instant};

#[derive(Debug, PartialEq)]
enum Message {
    Numbered(u16, u32),
    Ping,
    Pong,
    Stop,
}

#[test]
fn every_pair_stays_in_order_through_small_lanes() {
    const SHARDS: u16 = 3;
    const EACH: u32 = 5000;
    let mesh = Mesh::new(usize::from(SHARDS), 7);
    let shards = start(&ShardOptions::new(usize::from(SHARDS)), move |shard| {
        let mesh = mesh.clone();
        async move {
            let end = Rc::new(mesh.end(shard));
            let mut tasks = Vec::new();
            for to in 0..SHARDS {
                let sender = end.sender(ShardId::new(to)).unwrap();
                tasks.push(spawn(async move {
                    for number in 0..EACH {
                        sender.send(Message::Numbered(shard.get(), number)).await.unwrap();
                    }
                }));
            }
            let mut next = [0_u32; SHARDS as usize];
            let mut batch = Vec::new();
            while next != [EACH; SHARDS as usize] {
                end.recv_batch(&mut batch).await;
                assert!(batch.len() <= 7 * usize::from(SHARDS));
                for message in batch.drain(..) {
                    let Message::Numbered(from, number) = message else { panic!("{message:?}") };
                    assert_eq!(number, next[usize::from(from)]);
                    next[usize::from(from)] += 1;
                }
            }
            for task in tasks {
                task.await;
            }
        }
    });
    shards.unwrap().join().unwrap();
}

#[test]
fn a_thread_posts_and_a_shard_that_has_ended_refuses() {
    let mesh = Mesh::new(1, 2);
    let post = mesh.post(ShardId::new(0));
    let thread = std::thread::spawn({
        let post = post.clone();
        move || {
            std::thread::sleep(Duration::from_millis(5));
            post.try_send(Message::Stop).unwrap();
        }
    });
    block_on(async {
        let end = mesh.end(ShardId::new(0));
        let mut batch = Vec::new();
        assert_eq!(end.recv_batch(&mut batch).await, 1);
        assert_eq!(batch, [Message::Stop]);
        assert!(end.send(ShardId::new(9), Message::Ping).await.is_err());
        // Full: the send waits, and is told when the end goes.
        end.try_send(ShardId::new(0), Message::Ping).unwrap();
        end.try_send(ShardId::new(0), Message::Ping).unwrap();
        assert!(end.try_send(ShardId::new(0), Message::Ping).is_err());
        let sender = end.sender(ShardId::new(0)).unwrap();
        let waiting = spawn(async move { sender.send(Message::Pong).await });
        assert!(timeout(Duration::from_millis(2), sleep(Duration::from_secs(9))).await.is_none());
        drop(end);
        assert_eq!(waiting.await, Err(Message::Pong));
    });
    assert!(post.try_send(Message::Stop).is_err());
    thread.join().unwrap();
}

/// `cargo test --release --lib rt::mesh -- --ignored --nocapture` prints round trips between two shards.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn measure_round_trips() {
    for busy in [false, true] {
        let mesh = Mesh::new(2, 64);
        let shards = start(&ShardOptions::new(2), move |shard| {
            let mesh = mesh.clone();
            async move {
                let end = mesh.end(shard);
                let other = ShardId::new(1 - shard.get());
                let noise = busy.then(|| {
                    spawn(async {
                        loop {
                            let begun = Instant::now();
                            while begun.elapsed() < Duration::from_micros(20) {}
                            crate::rt::yield_now().await;
                        }
                    })
                });
                let mut batch = Vec::new();
                if shard.get() == 0 {
                    let mut times = Vec::new();
                    for _ in 0..20_000 {
                        let begun = Instant::now();
                        end.send(other, Message::Ping).await.unwrap();
                        end.recv_batch(&mut batch).await;
                        batch.clear();
                        times.push(begun.elapsed().as_nanos() / 1000);
                    }
                    end.send(other, Message::Stop).await.unwrap();
                    times.sort_unstable();
                    println!("busy {busy}: p50 {} us, p99 {} us", times[10_000], times[19_800]);
                } else {
                    loop {
                        end.recv_batch(&mut batch).await;
                        if batch.drain(..).any(|message| message == Message::Stop) {
                            break;
                        }
                        end.send(other, Message::Pong).await.unwrap();
                    }
                }
                drop(noise);
            }
        });
        shards.unwrap().join().unwrap();
    }
}
