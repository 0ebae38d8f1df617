use super::*;
use crate::rt::disk::{Faults, SharedBuffer};
use crate::rt::shards::block_on;
use std::future::Future;

fn pattern(blocks: usize, seed: u8) -> SharedBuffer {
    let mut buffer = Buffer::with_capacity(blocks * BLOCK_BYTES);
    for index in 0..blocks * BLOCK_BYTES {
        buffer.extend_from_slice(&[(index / 7) as u8 ^ seed]);
    }
    buffer.freeze()
}

/// Runs the same steps on each kind of disk.
fn on_each<F: Future<Output = ()>>(steps: impl Fn(Disk, PathBuf) -> F) {
    let dir = tempfile::tempdir().unwrap();
    for mode in [IoMode::Auto, IoMode::PageCache] {
        let disk = Disk::open(dir.path(), mode).unwrap();
        block_on(steps(disk, dir.path().join(format!("{mode:?}"))));
    }
    futures_lite::future::block_on(steps(Disk::sim(SimDisk::default()), PathBuf::from("/sim")));
    let left: Vec<_> =
        files::list(dir.path()).unwrap().into_iter().filter(|entry| entry.name.starts_with('.')).collect();
    assert_eq!(left, []);
}

#[test]
fn segments_are_written_and_read_at_any_range() {
    on_each(|disk, dir| async move {
        disk.create_dir(&dir).await.unwrap();
        let path = dir.join("00000000000000000000.log");
        let log = disk.create(&path).await.unwrap();
        log.preallocate(0, 65536).await.unwrap();
        assert_eq!(log.len().await.unwrap(), 65536);
        let bytes = pattern(3, 1);
        log.write(bytes.clone(), 4096).await.unwrap();
        log.write(bytes.slice(4096..8192), 0).await.unwrap();
        log.sync_data().await.unwrap();
        assert_eq!(log.read(4096, 3 * 4096).await.unwrap()[..], bytes[..]);
        assert_eq!(log.read(4100, 5000).await.unwrap()[..], bytes[4..5004]);
        assert_eq!(log.read(100, 1).await.unwrap()[..], bytes[4196..4197]);
        assert_eq!(log.read(16384, 10).await.unwrap()[..], [0; 10]);
        log.truncate(5000).await.unwrap();
        assert_eq!(log.read(4090, 10_000).await.unwrap().len(), 910);
        assert!(log.read(5000, 10).await.unwrap().is_empty());
        assert!(log.read(90_000, 10).await.unwrap().is_empty());
        assert!(log.read(0, 0).await.unwrap().is_empty());
        log.close().await;
        let again = disk.open_log(&path).await.unwrap();
        assert_eq!(again.len().await.unwrap(), 5000);
        assert_eq!(disk.open_log(dir.join("none")).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    });
}

#[test]
fn a_write_off_the_block_is_refused_where_blocks_matter() {
    on_each(|disk, dir| async move {
        disk.create_dir(&dir).await.unwrap();
        let log = disk.create(dir.join("x")).await.unwrap();
        let bytes = pattern(1, 2);
        for (part, position) in [(bytes.slice(0..100), 0), (bytes.clone(), 100)] {
            let result = log.write(part, position).await;
            assert_eq!(result.is_ok(), log.block_bytes() == 1, "{:?}", log.mode());
        }
    });
}

#[test]
fn small_files_and_directories() {
    on_each(|disk, dir| async move {
        disk.create_dir(&dir.join("a")).await.unwrap();
        disk.replace(dir.join("a/x"), b"one").await.unwrap();
        disk.append_file(dir.join("a/x"), b"+").await.unwrap();
        disk.write_file(dir.join("a/y"), b"").await.unwrap();
        disk.rename(dir.join("a"), dir.join("b")).await.unwrap();
        disk.sync_dir(&dir).await.unwrap();
        assert_eq!(disk.read(dir.join("b/x")).await.unwrap(), b"one+");
        assert_eq!(&disk.map_readonly(dir.join("b/x")).await.unwrap()[..], b"one+");
        assert!(!disk.exists(dir.join("a")).await);
        let names: Vec<_> =
            disk.list(dir.join("b")).await.unwrap().into_iter().map(|e| (e.name, e.len, e.is_dir)).collect();
        assert_eq!(names, [("x".to_owned(), 4, false), ("y".to_owned(), 0, false)]);
        disk.remove_file(dir.join("b/x")).await.unwrap();
        disk.remove_file(dir.join("b/x")).await.unwrap();
        disk.remove_dir_all(dir.join("b")).await.unwrap();
        assert_eq!(disk.list(dir.join("b")).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    });
}

#[test]
fn many_writes_in_flight_and_some_forgotten() {
    on_each(|disk, dir| async move {
        disk.create_dir(&dir).await.unwrap();
        let log = disk.create(dir.join("x")).await.unwrap();
        log.preallocate(0, 400 * 4096).await.unwrap();
        let writes: Vec<_> =
            (0..300_u64).map(|at| Box::pin(log.write(pattern(1, at as u8), at * 4096))).collect();
        for (at, mut write) in writes.into_iter().enumerate() {
            if at % 10 == 0 {
                // Polled once and dropped: it is on its way, and its memory must stay.
                let _ = futures_lite::future::poll_once(&mut write).await;
            } else {
                write.await.unwrap();
            }
        }
        for at in (0..300_u64).filter(|at| at % 10 != 0) {
            assert_eq!(log.read(at * 4096, 4096).await.unwrap()[..], pattern(1, at as u8)[..]);
        }
    });
}

#[test]
fn a_file_goes_to_another_thread_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_path_buf();
    let handle = block_on(async move {
        let disk = Disk::open(&path, IoMode::PageCache).unwrap();
        let log = disk.create(path.join("x")).await.unwrap();
        log.write(pattern(1, 3), 0).await.unwrap();
        log.handle().unwrap()
    });
    std::thread::spawn(move || {
        block_on(async move {
            let log = LogFile::from(handle);
            assert_eq!(log.read(0, 4096).await.unwrap()[..], pattern(1, 3)[..]);
        });
    })
    .join()
    .unwrap();
}

#[test]
fn the_simulated_disk_fails_fills_and_forgets() {
    let sim = SimDisk::new(1);
    let disk = Disk::sim(sim.clone());
    futures_lite::future::block_on(async {
        let log = disk.create("/d/x").await.unwrap();
        log.write(pattern(1, 1), 0).await.unwrap();
        log.sync_data().await.unwrap();
        log.write(pattern(1, 2), 4096).await.unwrap();
        sim.crash();
        assert_eq!(log.len().await.unwrap(), 4096);
        sim.set_faults(Faults { write_error_in: Some(2), sync_error_in: Some(1), ..Faults::default() });
        log.write(pattern(1, 2), 4096).await.unwrap();
        assert_eq!(log.write(pattern(1, 2), 8192).await.unwrap_err().raw_os_error(), Some(libc::EIO));
        assert_eq!(log.len().await.unwrap(), 8192 + 2048);
        assert!(log.sync_data().await.is_err());
        log.sync_data().await.unwrap();
        sim.set_faults(Faults { space_bytes_max: Some(12_288), ..Faults::default() });
        assert_eq!(log.write(pattern(1, 2), 12_288).await.unwrap_err().raw_os_error(), Some(libc::ENOSPC));
        assert_eq!(log.preallocate(0, 20_000).await.unwrap_err().kind(), io::ErrorKind::StorageFull);
    });
}

#[test]
fn a_cold_range_is_warmed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    block_on(async {
        let disk = Disk::open(dir.path(), IoMode::PageCache).unwrap();
        let log = disk.create(&path).await.unwrap();
        let bytes = pattern(256, 9);
        log.write(bytes.clone(), 0).await.unwrap();
        log.sync_data().await.unwrap();
        // SAFETY: a plain system call on an open descriptor.
        unsafe { libc::posix_fadvise(log.fd().unwrap(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        log.warm(5000, 900_000).await.unwrap();
        log.warm(5000, 900_000).await.unwrap();
        assert_eq!(log.read(5000, 900_000).await.unwrap()[..], bytes[5000..905_000]);
        // Beyond the end: for whoever sends it to find out.
        log.warm(1 << 20, 10).await.unwrap();
    });
}

#[test]
fn a_full_disk_is_an_error_not_a_panic() {
    // /dev/full answers every write with ENOSPC.
    block_on(async {
        let file = LogFile::system(
            OpenOptions::new().read(true).write(true).open("/dev/full").unwrap(),
            DiskMode::PageCache,
        );
        assert_eq!(file.write(pattern(1, 0), 0).await.unwrap_err().kind(), io::ErrorKind::StorageFull);
    });
}

/// `cargo test --release --lib rt::disk -- --ignored --nocapture` prints what appends cost.
#[test]
#[ignore = "a measurement"]
fn measure_appends() {
    const TOTAL: u64 = 512 << 20;
    let cpu_us = |who| {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: getrusage fills the zeroed struct.
        let usage = unsafe {
            libc::getrusage(who, usage.as_mut_ptr());
            usage.assume_init()
        };
        let us = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
        us(usage.ru_utime) + us(usage.ru_stime)
    };
    let dir = tempfile::tempdir_in(".").unwrap();
    for (mode, bytes, depth) in [
        (IoMode::Direct, 16 << 10, 1),
        (IoMode::Direct, 16 << 10, 8),
        (IoMode::Direct, 256 << 10, 1),
        (IoMode::Direct, 256 << 10, 4),
        (IoMode::Direct, 1 << 20, 4),
        (IoMode::PageCache, 16 << 10, 1),
        (IoMode::PageCache, 256 << 10, 1),
    ] {
        block_on(async {
            let disk = Disk::open(dir.path(), mode).unwrap();
            let log = disk.create(dir.path().join("x")).await.unwrap();
            log.preallocate(0, TOTAL).await.unwrap();
            let clock = crate::base::clock::Clock::system();
            let (thread, process) = (cpu_us(libc::RUSAGE_THREAD), cpu_us(libc::RUSAGE_SELF));
            let set = crate::rt::TaskSet::new();
            let next = Rc::new(std::cell::Cell::new(0_u64));
            for _ in 0..depth {
                let (log, next) = (log.clone(), next.clone());
                set.spawn(async move {
                    while next.get() < TOTAL {
                        let position = next.get();
                        next.set(position + bytes as u64);
                        let mut buffer = Buffer::with_capacity(bytes);
                        buffer.resize_zeroed(bytes);
                        log.write(buffer.freeze(), position).await.unwrap();
                    }
                });
            }
            set.join_all().await;
            let seconds = clock.monotonic_ns() as f64 / 1e9;
            let mib = (TOTAL >> 20) as i64;
            println!(
                "{mode:?} {} KiB, {depth} in flight: {:.0} MiB/s, CPU per MiB: shard {} us, process {} us",
                bytes >> 10,
                mib as f64 / seconds,
                (cpu_us(libc::RUSAGE_THREAD) - thread) / mib,
                (cpu_us(libc::RUSAGE_SELF) - process) / mib,
            );
            log.close().await;
        });
    }
}
