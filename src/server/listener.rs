//! Accepts connections and hands each to the shard with the fewest.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::connection::{Connection, ConnectionOptions};
use crate::api::Context;
use crate::config::broker::BrokerConfig;
use crate::config::listeners::Listener;
use crate::rt;
use crate::rt::net::{AcceptedSocket, Socket, SocketOptions};
use crate::shard::{ConnectionCounts, ConnectionLimits, Counted, OpenConnection, Shard};

/// The least time between two looks for idle connections.
const SWEEP_MS_MIN: u64 = 100;

/// Accepts until the task is dropped.
pub async fn accept(
    shard: Rc<Shard>,
    socket: rt::net::Listener,
    listener: Arc<Listener>,
    counts: Arc<ConnectionCounts>,
) {
    loop {
        let Ok(accepted) = socket.accept().await else {
            return;
        };
        let address = accepted.peer_address();
        let limits = limits(shard.config(), address.ip());
        let Some((to, counted)) = counts.admit(address.ip().to_canonical(), limits) else {
            tracing::debug!(%address, "connection refused: max.connections or max.connections.per.ip is reached");
            continue;
        };
        let listener = listener.clone();
        shard.post(to, Box::new(move |shard| adopt(shard, accepted, listener, counted)));
    }
}

fn limits(config: &BrokerConfig, address: IpAddr) -> ConnectionLimits {
    let network = &config.network;
    let text = address.to_canonical().to_string();
    let own = network.connections_per_ip_overrides.iter().find(|(name, _)| *name == text);
    let per_address = own.map_or(network.connections_per_ip_max, |(_, count)| *count);
    ConnectionLimits { total: network.connections_max as usize, per_address: per_address as usize }
}

/// Serves an accepted connection on this shard.
fn adopt(shard: &Rc<Shard>, accepted: AcceptedSocket, listener: Arc<Listener>, counted: Counted) {
    let network = &shard.config().network;
    let address = accepted.peer_address();
    let socket_options = SocketOptions {
        send_buffer_bytes: network.send_buffer_bytes.and_then(|bytes| i32::try_from(bytes).ok()),
        receive_buffer_bytes: network.receive_buffer_bytes.and_then(|bytes| i32::try_from(bytes).ok()),
    };
    let socket = match Socket::from_accepted(accepted, socket_options) {
        Ok(socket) => Rc::new(socket),
        Err(error) => {
            tracing::debug!(%address, %error, "connection lost before it was served");
            return;
        }
    };
    let active_ns = Rc::new(Cell::new(shard.clock().monotonic_ns()));
    let open = OpenConnection { socket: socket.clone(), active_ns: active_ns.clone() };
    let Some(key) = shard.connections().opened(open) else {
        return;
    };
    let options = ConnectionOptions {
        request_bytes_max: network.request_bytes_max as usize,
        admission: shard.connections().admission.clone(),
    };
    let context = Context::new(shard.clone(), address, listener);
    let connection = Connection::new(socket, context, options, active_ns);
    let owner = shard.clone();
    shard.connections().tasks.spawn(async move {
        connection.run().await;
        owner.connections().closed(key);
        drop(counted);
    });
}

/// Closes connections that were idle for `connections.max.idle.ms`, until the task is dropped. Looks at most four times
/// in that time.
pub async fn sweep_idle(shard: Rc<Shard>, idle_ms: u64) {
    loop {
        rt::sleep(Duration::from_millis((idle_ms / 4).max(SWEEP_MS_MIN))).await;
        let idle_ns = idle_ms.saturating_mul(1_000_000);
        let closed = shard.connections().shut_down_idle(shard.clock().monotonic_ns().saturating_sub(idle_ns));
        if closed > 0 {
            tracing::debug!(closed, "idle connections closed");
        }
    }
}
