use super::*;
use crate::rt::disk::{Buffer, Disk, IoMode, SimDisk};
use crate::rt::net::Listener;
use crate::rt::shards::block_on;
use crate::rt::{Task, sleep, spawn, timeout};
use bytes::Bytes;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

async fn pair(options: SocketOptions) -> (Rc<Socket>, Rc<Socket>) {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_address();
    let client = spawn(async move { Socket::connect(address, options).await.unwrap() });
    let accepted = listener.accept().await.unwrap();
    let client = client.await;
    assert_eq!(accepted.peer_address(), client.local_address());
    let server = Socket::from_accepted(accepted, options).unwrap();
    assert_eq!(server.local_address(), client.peer_address());
    (Rc::new(server), Rc::new(client))
}

fn read_to_end(socket: Rc<Socket>) -> Task<io::Result<BytesMut>> {
    spawn(async move {
        let mut all = BytesMut::new();
        while socket.read(&mut all, 100_000).await? > 0 {}
        Ok(all)
    })
}

fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 251) as u8).collect()
}

fn run(test: impl Future<Output = ()>) {
    block_on(async { timeout(Duration::from_secs(20), test).await.expect("it hangs") });
}

#[test]
fn requests_and_answers_go_to_and_fro() {
    run(async {
        let (server, client) = pair(SocketOptions::default()).await;
        let echo = spawn(async move {
            let mut buffer = BytesMut::new();
            while server.read(&mut buffer, 4096).await.unwrap() > 0 {
                server.write_all(buffer.split().freeze()).await.unwrap();
            }
        });
        let mut buffer = BytesMut::new();
        for round in 0..200_u8 {
            client.write_all(vec![round; 100]).await.unwrap();
            buffer.clear();
            while buffer.len() < 100 {
                assert!(client.read(&mut buffer, 65536).await.unwrap() > 0);
            }
            assert!(buffer.iter().all(|byte| *byte == round));
        }
        client.shutdown_write().unwrap();
        echo.await;
        assert_eq!(client.read(&mut buffer, 10).await.unwrap(), 0);
    });
}

#[test]
fn parts_of_all_kinds_arrive_whole_and_in_order_through_a_full_socket() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let bytes = noise(3 << 20);
        std::fs::write(dir.path().join("x"), &bytes).unwrap();
        let small = SocketOptions { send_buffer_bytes: Some(16384), receive_buffer_bytes: Some(16384) };
        let (server, client) = pair(small).await;
        let mut parts = VecDeque::new();
        let mut expected = Vec::new();
        for mode in [IoMode::Auto, IoMode::PageCache] {
            let file = Disk::open(dir.path(), mode).unwrap().open_log(dir.path().join("x")).await.unwrap();
            parts.push_back(OutPart::Bytes(Bytes::from_static(b"head")));
            parts.push_back(OutPart::File { file: file.clone(), position: 1234, len: 2_000_000 });
            parts.push_back(OutPart::Bytes(Bytes::new()));
            parts.push_back(OutPart::Slice(Buffer::from(&bytes[..777_777]).freeze().into()));
            expected.extend_from_slice(b"head");
            expected.extend_from_slice(&bytes[1234..2_001_234]);
            expected.extend_from_slice(&bytes[..777_777]);
        }
        let sim = SimDisk::new(1);
        sim.write_file("/x".as_ref(), &bytes, true).unwrap();
        let file = Disk::sim(sim).open_log("/x").await.unwrap();
        parts.push_back(OutPart::File { file, position: 5, len: 300_000 });
        expected.extend_from_slice(&bytes[5..300_005]);
        for at in 0..200 {
            parts.push_back(OutPart::Bytes(Bytes::copy_from_slice(&bytes[at..at + 10])));
            expected.extend_from_slice(&bytes[at..at + 10]);
        }
        let reader = read_to_end(client);
        server.write_parts(&mut parts).await.unwrap();
        assert!(parts.is_empty());
        server.shutdown_write().unwrap();
        assert!(reader.await.unwrap() == expected, "the bytes differ");
    });
}

#[test]
fn a_write_that_was_cut_off_can_go_on() {
    run(async {
        let (server, client) = pair(SocketOptions::default()).await;
        let bytes = noise(24 << 20);
        let mut parts = VecDeque::from([OutPart::Bytes(bytes.clone().into())]);
        assert!(timeout(Duration::from_millis(20), server.write_parts(&mut parts)).await.is_none());
        assert!(parts[0].len() < bytes.len() as u64);
        let reader = read_to_end(client);
        server.write_parts(&mut parts).await.unwrap();
        server.shutdown();
        assert!(reader.await.unwrap() == bytes, "the bytes differ");
    });
}

#[test]
fn one_task_reads_while_another_writes() {
    run(async {
        let (server, client) = pair(SocketOptions::default()).await;
        let bytes = Bytes::from(noise(20 << 20));
        let send = |socket: Rc<Socket>| {
            let bytes = bytes.clone();
            spawn(async move {
                socket.write_all(bytes).await.unwrap();
                socket.shutdown_write().unwrap();
            })
        };
        let (there, back) = (read_to_end(server.clone()), read_to_end(client.clone()));
        let (first, second) = (send(server), send(client));
        first.await;
        second.await;
        assert!(there.await.unwrap() == bytes && back.await.unwrap() == bytes);
    });
}

#[test]
fn a_reset_is_an_error_and_a_missing_range_too() {
    run(async {
        let (server, client) = pair(SocketOptions::default()).await;
        // Closing with unread bytes sends RST.
        client.write_all(vec![1; 10]).await.unwrap();
        sleep(Duration::from_millis(2)).await;
        drop(server);
        let mut buffer = BytesMut::new();
        assert_eq!(client.read(&mut buffer, 10).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        let mut sent = client.write_all(vec![1; 10]).await;
        if sent.is_ok() {
            sent = client.write_all(vec![1; 10]).await;
        }
        assert!(matches!(
            sent.unwrap_err().kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
        ));

        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("x"), b"short").unwrap();
        for mode in [IoMode::Auto, IoMode::PageCache] {
            let (server, _client) = pair(SocketOptions::default()).await;
            let file = Disk::open(dir.path(), mode).unwrap().open_log(dir.path().join("x")).await.unwrap();
            let mut parts = VecDeque::from([OutPart::File { file, position: 0, len: 100 }]);
            assert_eq!(
                server.write_parts(&mut parts).await.unwrap_err().kind(),
                io::ErrorKind::UnexpectedEof
            );
        }
    });
}

#[test]
fn a_shutdown_ends_a_waiting_read_and_a_dropped_read_loses_nothing() {
    run(async {
        let (server, client) = pair(SocketOptions::default()).await;
        let mut buffer = BytesMut::new();
        for _ in 0..50 {
            assert!(timeout(Duration::from_micros(200), server.read(&mut buffer, 10)).await.is_none());
        }
        client.write_all(vec![5; 3]).await.unwrap();
        assert_eq!(server.read(&mut buffer, 10).await.unwrap(), 3);
        let reader = read_to_end(server.clone());
        sleep(Duration::from_millis(1)).await;
        server.shutdown();
        assert!(reader.await.unwrap().is_empty());
    });
}

#[test]
fn a_connection_accepted_here_is_served_elsewhere() {
    run(async {
        let listener = Listener::bind("[::]:0".parse().unwrap()).unwrap();
        let port = listener.local_address().port();
        let client = spawn(Socket::connect(([127, 0, 0, 1], port).into(), SocketOptions::default()));
        let accepted = listener.accept().await.unwrap();
        let client = client.await.unwrap();
        let thread = std::thread::spawn(move || {
            run(async move {
                Socket::from_accepted(accepted, SocketOptions::default())
                    .unwrap()
                    .write_all(&b"hello"[..])
                    .await
                    .unwrap()
            });
        });
        assert_eq!(read_to_end(Rc::new(client)).await.unwrap(), &b"hello"[..]);
        thread.join().unwrap();
    });
}

#[test]
fn refusals_name_the_address() {
    let taken = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let error = Listener::bind(taken.local_address()).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&taken.local_address().to_string()), "{error}");
    let error = Listener::bind("192.0.2.1:9092".parse().unwrap()).err().unwrap();
    assert!(error.to_string().contains("no network interface"), "{error}");
    run(async {
        let address = taken.local_address();
        drop(taken);
        let refused = Socket::connect(address, SocketOptions::default()).await;
        assert_eq!(refused.err().unwrap().kind(), io::ErrorKind::ConnectionRefused);
    });
}
