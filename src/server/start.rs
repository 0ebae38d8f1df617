//! A shard's life: start, serve, stop. Shard 0 leads: it reads the metadata, opens the listeners, and stops the others.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::listener;
use crate::base::clock::Clock;
use crate::base::ids::ShardId;
use crate::config::broker::BrokerConfig;
use crate::config::listeners::Listener;
use crate::rt;
use crate::rt::mesh::{Mesh, MeshEnd};
use crate::rt::net::Reserved;
use crate::rt::task::TaskSet;
use crate::shard::data_dirs::DataDirs;
use crate::shard::{ConnectionCounts, Job, Shard, ShardOptions};

/// A stop that takes longer ends the process, in seconds.
pub const STOP_SECONDS_MAX: u64 = 60;
/// How long a stop waits for requests under way, in milliseconds.
const DRAIN_MS_MAX: u64 = 2_000;
/// The kernel closes the sockets of a killed process some milliseconds after it has gone, since its ring still waited for
/// them: a taken address is tried again so often, so long apart.
const BIND_ATTEMPTS: u32 = 40;
const BIND_RETRY_AFTER: Duration = Duration::from_millis(25);

/// What every shard starts from.
pub struct Boot {
    /// The settings.
    pub config: Arc<BrokerConfig>,
    /// The data directories.
    pub dirs: Arc<DataDirs>,
    /// Time.
    pub clock: Clock,
    /// Connections of all shards.
    pub counts: Arc<ConnectionCounts>,
    /// The ways between the shards.
    pub mesh: Mesh<Job>,
    /// How many shards there are.
    pub shards: u16,
    /// Told once, by shard 0, whether the broker runs.
    pub ready: mpsc::Sender<Result<Ready, String>>,
}

/// What the ready line says.
pub struct Ready {
    /// Addresses that are listened to.
    pub listeners: Vec<String>,
    /// How each data directory is written.
    pub io_modes: Vec<String>,
}

/// Runs one shard to its end.
pub async fn run_shard(id: ShardId, boot: Arc<Boot>) {
    let end = boot.mesh.end(id);
    let options = ShardOptions {
        id,
        count: boot.shards,
        config: boot.config.clone(),
        clock: boot.clock.clone(),
        dirs: boot.dirs.clone(),
    };
    let shard = match Shard::new(options, &end) {
        Ok(shard) => shard,
        Err(error) => {
            let _ = boot.ready.send(Err(error.to_string()));
            return;
        }
    };
    let inbox = rt::spawn(serve_inbox(shard.clone(), end));
    let upkeep = rt::spawn(shard.clone().expire_producers());
    if id == ShardId::new(0) {
        lead(&shard, &boot).await;
    }
    shard.ended().await;
    drop((inbox, upkeep));
}

/// Runs what other shards send, in order.
async fn serve_inbox(shard: Rc<Shard>, end: MeshEnd<Job>) {
    let mut jobs = Vec::new();
    loop {
        end.recv_batch(&mut jobs).await;
        for job in jobs.drain(..) {
            job(&shard);
        }
    }
}

/// Shard 0's part: brings the broker up, waits for the stop, and brings it down.
async fn lead(shard: &Rc<Shard>, boot: &Arc<Boot>) {
    let listening = TaskSet::new();
    let started = async {
        // Taken before anything is written, and listened to when there is something to serve.
        let (sockets, listeners) = reserve(&boot.config).await?;
        shard.load_cluster(&listeners).await.map_err(|error| error.to_string())?;
        listen(shard, boot, sockets, listeners, &listening)
    };
    match started.await {
        Ok(listeners) => {
            let ready = Ready { listeners, io_modes: shard.io_modes() };
            let _ = boot.ready.send(Ok(ready));
        }
        Err(error) => {
            let _ = boot.ready.send(Err(error));
            return;
        }
    }
    shard.wait_for_stop().await;
    listening.cancel_all();
    drain(shard).await;
    shard.close_cluster().await;
}

/// Takes the addresses of all listeners. A listener that advertises port 0 advertises the one that it has got.
async fn reserve(config: &BrokerConfig) -> Result<(Vec<Reserved>, Vec<Arc<Listener>>), String> {
    let mut taken = (Vec::new(), Vec::new());
    for client in &config.listeners.clients {
        let socket = bind(client).await?;
        let mut client = client.clone();
        if client.advertised_port == 0 {
            client.advertised_port = socket.local_address().port();
        }
        taken.0.push(socket);
        taken.1.push(Arc::new(client));
    }
    Ok(taken)
}

/// Opens every listener; connections are accepted from here on.
fn listen(
    shard: &Rc<Shard>,
    boot: &Arc<Boot>,
    sockets: Vec<Reserved>,
    listeners: Vec<Arc<Listener>>,
    tasks: &TaskSet,
) -> Result<Vec<String>, String> {
    let mut addresses = Vec::new();
    for (socket, client) in sockets.into_iter().zip(listeners) {
        let socket = socket.listen().map_err(|error| format!("{}: {error}", client.name))?;
        addresses.push(format!("{}://{}", client.name, socket.local_address()));
        tasks.spawn(listener::accept(shard.clone(), socket, client, boot.counts.clone()));
    }
    if let Some(idle_ms) = boot.config.network.idle_ms {
        let sweep = move |shard: &Rc<Shard>| {
            shard.connections().tasks.spawn(listener::sweep_idle(shard.clone(), idle_ms));
        };
        for to in 0..boot.shards {
            shard.post(ShardId::new(to), Box::new(sweep));
        }
    }
    Ok(addresses)
}

/// Binds to the listener's host; without one to all addresses, of IPv6 too where the machine has it.
async fn bind(listener: &Listener) -> Result<Reserved, String> {
    let port = listener.bind_port;
    let host = listener.bind_host.as_deref().unwrap_or("");
    let failed = |error: &dyn std::fmt::Display| format!("{}://{host}:{port}: {error}", listener.name);
    let addresses: Vec<SocketAddr> = if host.is_empty() {
        vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))]
    } else {
        let found = (host.trim_matches(['[', ']']), port).to_socket_addrs();
        found.map_err(|error| failed(&error))?.collect()
    };
    let mut attempt = 1;
    loop {
        let mut last = None;
        for address in &addresses {
            match Reserved::bind(*address) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = Some(error),
            }
        }
        match last {
            Some(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < BIND_ATTEMPTS => {
                rt::sleep(BIND_RETRY_AFTER).await;
            }
            Some(error) => return Err(failed(&error)),
            None => return Err(failed(&"the host name has no address")),
        }
        attempt += 1;
    }
}

/// Lets every connection have the answers to what it asked, within a limit.
async fn drain(shard: &Rc<Shard>) {
    shard.on_all(|shard| async move { shard.begin_drain() }).await;
    let deadline = shard.clock().monotonic_ns() + DRAIN_MS_MAX * 1_000_000;
    while shard.clock().monotonic_ns() < deadline {
        let open = shard.on_all(|shard| async move { shard.connections().count() }).await;
        if open.iter().sum::<usize>() == 0 {
            return;
        }
        rt::sleep(Duration::from_millis(5)).await;
    }
    shard.on_all(|shard| async move { shard.connections().tasks.cancel_all() }).await;
}
