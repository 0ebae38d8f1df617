//! One executor per shard, each on a thread of its own.

use std::future::Future;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use core_affinity::CoreId;
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, PoolPlacement};

use super::cores;
use super::error::RtError;
use super::ring::{Ring, Scope};
use crate::base::ids::ShardId;

/// The most shards of one process; more are refused.
pub const SHARDS_MAX: usize = 256;
/// Entries of each of glommio's three rings. It carries timers, wake-ups and the eventfd only; files and sockets have the shard's own ring.
const EXECUTOR_RING_DEPTH: usize = 64;
/// glommio's arena for its own file reads: the least that it takes, as nothing here reads files through it.
const EXECUTOR_IO_BYTES: usize = 64 * 1024;
/// Threads per shard for `run_blocking`.
const HELPER_THREADS: usize = 1;
/// glommio's preemption timer, set so far away that it never fires. It must not: when it has run out before the first task
/// of a round is run (the thread was descheduled for that long), glommio 0.9 takes the round for an idle one and goes to
/// sleep on runnable tasks. What the timer is for, looking around while tasks keep each other busy, `Ring::pass` does.
const PREEMPT_AFTER: Duration = Duration::from_secs(24 * 3600);
/// The kernel gives ring memory back some time after a process has ended: a restart may have to wait for it.
const START_ATTEMPTS: u32 = 40;
const START_RETRY_AFTER: Duration = Duration::from_millis(25);

/// What to do when it does not come back. Measured without CAP_IPC_LOCK on Linux 6.18: two shards fit into 512 KiB, three do not.
const NO_LOCKED_MEMORY: &str = "the rings of a shard take some 256 KiB of RLIMIT_MEMLOCK: raise it (`ulimit -l`, \
                                LimitMEMLOCK=, `--ulimit memlock=-1`) or run fewer shards";

/// How to start shards.
#[derive(Clone, Debug)]
pub struct ShardOptions {
    /// How many, from 1 to `SHARDS_MAX`.
    pub count: usize,
    /// The cores to use (`cores::allowed`); with at least `count` of them each shard is pinned to one.
    pub cores: Vec<CoreId>,
    /// How long an idle shard polls before it sleeps. Zero costs nothing when idle; it works only for pinned shards.
    pub spin: Duration,
}

impl ShardOptions {
    /// `count` shards on the cores this process may use, without spinning.
    pub fn new(count: usize) -> Self {
        Self { count, cores: cores::allowed(), spin: Duration::ZERO }
    }
}

/// The running shards.
pub struct Shards {
    threads: Vec<thread::JoinHandle<()>>,
}

impl Shards {
    /// Waits until the future of every shard has ended. Reports the first shard that panicked.
    pub fn join(self) -> Result<(), RtError> {
        let mut outcome = Ok(());
        for (index, thread) in self.threads.into_iter().enumerate() {
            if let Err(panic) = thread.join() {
                let error =
                    RtError::Panicked { shard: shard_id(index).get(), reason: panic_message(panic.as_ref()) };
                outcome = outcome.and(Err(error));
            }
        }
        outcome
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.threads.len()
    }
}

/// Starts the shards and returns when every executor stands; shard `n`'s thread is "shard-n" and runs `make(n)` to its
/// end. Errors: what the machine lacks, or an executor that cannot be made; no shard runs then.
pub fn start<Fut>(
    options: &ShardOptions,
    make: impl Fn(ShardId) -> Fut + Send + Clone + 'static,
) -> Result<Shards, RtError>
where
    Fut: Future<Output = ()> + 'static,
{
    if options.count == 0 || options.count > SHARDS_MAX {
        return Err(RtError::Count { count: options.count, max: SHARDS_MAX });
    }
    cores::check_machine()?;
    let pinned = options.count <= options.cores.len();
    let (report, reports) = mpsc::channel();
    let mut gates = Vec::with_capacity(options.count);
    let mut threads = Vec::with_capacity(options.count);
    for index in 0..options.count {
        let shard = shard_id(index);
        let core = options.cores.get(index).copied().filter(|_| pinned);
        let (open, gate) = mpsc::channel::<()>();
        gates.push(open);
        let (make, report, spin) = (make.clone(), report.clone(), options.spin);
        let body = move || match Driven::new(core, spin) {
            Ok(driven) => {
                let _ = report.send(Ok(()));
                drop(report);
                // The gate opens when all shards stand; it is dropped unopened when one of them failed.
                if gate.recv().is_ok() {
                    driven.run(make(shard));
                }
            }
            Err(reason) => {
                let _ = report.send(Err(RtError::Start { shard: shard.get(), reason }));
            }
        };
        let thread = thread::Builder::new().name(format!("shard-{shard}")).spawn(body);
        threads
            .push(thread.map_err(|error| RtError::Start { shard: shard.get(), reason: error.to_string() })?);
    }
    drop(report);
    reports.iter().collect::<Result<Vec<()>, RtError>>()?;
    for gate in gates {
        let _ = gate.send(());
    }
    Ok(Shards { threads })
}

/// Runs one future on a shard of its own on the calling thread: for tests, tools and start-up work. Panics where no
/// executor can be made.
#[expect(clippy::expect_used, reason = "a tool or a test without an executor has nothing left to do")]
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let _ = cores::check_machine();
    Driven::new(None, Duration::ZERO).expect("an executor").run(work)
}

/// An executor and the ring beside it, before they run.
struct Driven {
    ring: Rc<Ring>,
    executor: LocalExecutor,
}

impl Driven {
    fn new(core: Option<CoreId>, spin: Duration) -> Result<Self, String> {
        let mut attempt = 1;
        loop {
            match Self::attempt(core, spin) {
                Ok(driven) => {
                    if let Some(core) = core {
                        core_affinity::set_for_current(core);
                    }
                    return Ok(driven);
                }
                Err(reason) if !reason.contains("os error 12") => return Err(reason),
                Err(reason) if attempt == START_ATTEMPTS => {
                    return Err(format!("{reason}; {NO_LOCKED_MEMORY}"));
                }
                Err(_) => thread::sleep(START_RETRY_AFTER),
            }
            attempt += 1;
        }
    }

    fn attempt(core: Option<CoreId>, spin: Duration) -> Result<Self, String> {
        // Unbound here and pinned afterwards: glommio's helper thread, which is made on the way, may use any core.
        let placement = match core {
            Some(core) if !spin.is_zero() => Placement::Fixed(core.id),
            _ => Placement::Unbound,
        };
        let executor = LocalExecutorBuilder::new(placement)
            .blocking_thread_pool_placement(PoolPlacement::Unbound(HELPER_THREADS))
            .io_memory(EXECUTOR_IO_BYTES)
            .ring_depth(EXECUTOR_RING_DEPTH)
            .preempt_timer(PREEMPT_AFTER)
            .spin_before_park(spin)
            .make()
            .map_err(|error| error.to_string())?;
        let ring = Ring::new().map_err(|error| error.to_string())?;
        Ok(Self { ring: Rc::new(ring), executor })
    }

    fn run<T>(self, work: impl Future<Output = T>) -> T {
        let Self { ring, executor } = self;
        executor.run(async move {
            let _scope = Scope::enter(ring);
            work.await
        })
    }
}

fn shard_id(index: usize) -> ShardId {
    ShardId::new(u16::try_from(index).unwrap_or(u16::MAX))
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_shard_runs_once_on_a_named_thread() {
        let seen = Arc::new(AtomicUsize::new(0));
        let inside = seen.clone();
        let shards = start(&ShardOptions::new(3), move |shard| {
            let seen = inside.clone();
            async move {
                assert_eq!(thread::current().name(), Some(format!("shard-{shard}").as_str()));
                crate::rt::sleep(Duration::from_millis(1)).await;
                seen.fetch_add(1 << (8 * shard.get()), Ordering::Relaxed);
            }
        })
        .unwrap();
        shards.join().unwrap();
        assert_eq!(seen.load(Ordering::Relaxed), 0x01_01_01);
    }

    #[test]
    fn a_panic_is_reported_and_a_count_of_none_refused() {
        let shards = start(&ShardOptions::new(1), |_| async { panic!("on purpose") }).unwrap();
        let error = shards.join().unwrap_err().to_string();
        assert!(error.contains("on purpose") || error.contains("panicked"), "{error}");
        assert!(matches!(start(&ShardOptions::new(0), |_| async {}), Err(RtError::Count { .. })));
    }

    /// `cargo test --lib rt::shards -- --ignored --nocapture` prints what starting, resting and stopping cost.
    #[test]
    #[ignore = "a measurement"]
    #[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
    fn measure_start_and_rest() {
        let resident_kib = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap().to_owned();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        let cpu_us = || {
            let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
            // SAFETY: getrusage fills the zeroed struct.
            let usage = unsafe {
                libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
                usage.assume_init()
            };
            let us = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
            us(usage.ru_utime) + us(usage.ru_stime)
        };
        for count in [1, 2, 2, 8] {
            let (before_kib, before_us) = (resident_kib(), cpu_us());
            let begun = std::time::Instant::now();
            let running = Arc::new(AtomicUsize::new(0));
            let inside = running.clone();
            let shards = start(&ShardOptions::new(count), move |_| {
                inside.fetch_add(1, Ordering::Relaxed);
                crate::rt::sleep(Duration::from_secs(2))
            })
            .unwrap();
            let started = begun.elapsed();
            while running.load(Ordering::Relaxed) < count {
                thread::yield_now();
            }
            let running = begun.elapsed();
            thread::sleep(Duration::from_millis(300));
            let (started_kib, started_us) = (resident_kib(), cpu_us());
            thread::sleep(Duration::from_millis(1500));
            let idle_us = cpu_us() - started_us;
            shards.join().unwrap();
            println!(
                "{count} shards: start {started:?}, running {running:?}, {} us CPU, {} KiB; 1.5 s of rest: {idle_us} us CPU",
                started_us - before_us,
                started_kib.saturating_sub(before_kib),
            );
        }
    }
}
