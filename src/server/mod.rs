//! Listeners, connections, order of answers, start and shutdown.

mod connection;
mod listener;
mod outbox;
mod shutdown;
mod start;

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::ids::ShardId;
use crate::base::random::Random;
use crate::config::broker::BrokerConfig;
use crate::rt::cores;
use crate::rt::mesh::Mesh;
use crate::rt::shards::{self, ShardOptions};
use crate::shard::data_dirs::{self, DataDirs};
use crate::shard::{ConnectionCounts, Job};
use shutdown::StopSignals;
use start::{Boot, Ready};

/// Messages between two shards that may wait; the sender keeps what is beyond.
const MESH_CAPACITY: usize = 1024;

/// Why the broker does not run (any more); one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The machine lacks something.
    #[error(transparent)]
    Machine(#[from] crate::rt::RtError),
    /// A data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] data_dirs::DataDirError),
    /// A shard could not start.
    #[error("{0}")]
    Start(String),
    /// The signals could not be set up.
    #[error("cannot wait for signals: {0}")]
    Signals(std::io::Error),
    /// The stop did not come to its end.
    #[error("the stop took longer than {0} s: ended without a clean marker, the next start recovers")]
    Stuck(u64),
}

/// Runs the broker until SIGTERM or SIGINT, then stops it cleanly.
pub fn serve(config: BrokerConfig) -> Result<(), ServerError> {
    let signals = StopSignals::block().map_err(ServerError::Signals)?;
    let mut random = Random::from_os();
    cores::check_machine().map_err(crate::rt::RtError::from)?;
    let dirs = data_dirs::open(&config, &mut random)?;
    let count = shard_count(&config);
    let mesh: Mesh<Job> = Mesh::new(usize::from(count), MESH_CAPACITY);
    let (ready, is_ready) = mpsc::channel();
    let boot = Arc::new(Boot {
        config: Arc::new(config),
        dirs: Arc::new(dirs),
        clock: Clock::system(),
        counts: ConnectionCounts::new(count),
        mesh: mesh.clone(),
        shards: count,
        ready,
    });
    let options = ShardOptions::new(usize::from(count));
    let booted = boot.clone();
    let running = shards::start(&options, move |id| start::run_shard(id, booted.clone()))?;
    match is_ready.recv() {
        Ok(Ok(ready)) => announce(&ready, &boot),
        Ok(Err(error)) => return Err(ServerError::Start(error)),
        Err(_) => return Err(ServerError::Start("a shard ended before the broker was ready".to_owned())),
    }
    signals.wait();
    stop(&mesh, signals);
    running.join()?;
    Ok(())
}

fn shard_count(config: &BrokerConfig) -> u16 {
    let allowed = || u16::try_from(cores::allowed().len()).unwrap_or(u16::MAX).max(1);
    config.ringwood.shards.unwrap_or_else(allowed)
}

fn announce(ready: &Ready, boot: &Boot) {
    let dirs: &DataDirs = &boot.dirs;
    let paths: Vec<String> = dirs.dirs.iter().map(|dir| dir.path.display().to_string()).collect();
    tracing::info!(
        listeners = %ready.listeners.join(","),
        shards = boot.shards,
        io = %ready.io_modes.join(","),
        data = %paths.join(","),
        cluster = %dirs.cluster_id,
        node = %dirs.node_id,
        "ready"
    );
}

/// Starts the drain; a second signal or a drain that takes too long ends the process where it stands.
fn stop(mesh: &Mesh<Job>, signals: StopSignals) {
    tracing::info!("stopping: answering what was asked, then closing the logs");
    let post = mesh.post(ShardId::new(0));
    // A full inbox is emptied in no time, or the watchdog below ends the process.
    let mut job: Job = Box::new(|shard| shard.stop_requested());
    while let Err(unsent) = post.try_send(job) {
        job = unsent;
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::spawn(move || {
        signals.wait();
        tracing::warn!("second signal: ending at once, the next start recovers");
        std::process::exit(1);
    });
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(start::STOP_SECONDS_MAX));
        eprintln!("ringwood: {}", ServerError::Stuck(start::STOP_SECONDS_MAX));
        std::process::exit(1);
    });
}
