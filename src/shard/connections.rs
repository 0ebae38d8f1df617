//! The connections of a shard, and the counts by which new ones are placed and limited.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use slab::Slab;

use super::admission::Admission;
use crate::base::ids::ShardId;
use crate::rt::net::Socket;
use crate::rt::task::TaskSet;

/// How many connections there are, per shard and per address. Shared by all shards, but touched only when a connection
/// opens or closes: no request passes here.
#[derive(Debug)]
pub struct ConnectionCounts {
    inner: Mutex<Counts>,
}

#[derive(Debug)]
struct Counts {
    per_shard: Vec<usize>,
    per_address: HashMap<IpAddr, usize>,
    total: usize,
}

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// In all: `max.connections`.
    pub total: usize,
    /// From the address that connects: `max.connections.per.ip` or its override.
    pub per_address: usize,
}

/// One connection's share of the counts; given back on drop.
#[derive(Debug)]
pub struct Counted {
    counts: Arc<ConnectionCounts>,
    shard: ShardId,
    address: IpAddr,
}

impl ConnectionCounts {
    /// No connections on `shards` shards.
    pub fn new(shards: u16) -> Arc<Self> {
        let counts =
            Counts { per_shard: vec![0; usize::from(shards)], per_address: HashMap::new(), total: 0 };
        Arc::new(Self { inner: Mutex::new(counts) })
    }

    /// Counts a new connection from `address` on the shard with the fewest; `None` if it is one too many.
    pub fn admit(self: &Arc<Self>, address: IpAddr, limits: ConnectionLimits) -> Option<(ShardId, Counted)> {
        let mut counts = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let from_address = counts.per_address.get(&address).copied().unwrap_or(0);
        if counts.total >= limits.total || from_address >= limits.per_address {
            return None;
        }
        let (index, fewest) = counts.per_shard.iter_mut().enumerate().min_by_key(|(_, count)| **count)?;
        *fewest += 1;
        counts.total += 1;
        *counts.per_address.entry(address).or_default() += 1;
        let shard = ShardId::new(u16::try_from(index).ok()?);
        Some((shard, Counted { counts: self.clone(), shard, address }))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.counts.inner.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total = counts.total.saturating_sub(1);
        if let Some(count) = counts.per_shard.get_mut(usize::from(self.shard.get())) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = counts.per_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.per_address.remove(&self.address);
            }
        }
    }
}

/// What the shard knows of one open connection.
#[derive(Clone)]
pub struct OpenConnection {
    /// Its socket.
    pub socket: Rc<Socket>,
    /// Monotonic nanoseconds of its last request or answer.
    pub active_ns: Rc<Cell<u64>>,
}

/// The open connections of one shard.
pub struct Connections {
    /// No more are taken: the broker stops.
    closing: Cell<bool>,
    open: RefCell<Slab<OpenConnection>>,
    /// The tasks that serve them; they end with the shard.
    pub tasks: TaskSet,
    /// Memory for large requests.
    pub admission: Rc<Admission>,
}

impl Connections {
    /// None open; `request_memory` bytes for large requests.
    pub fn new(request_memory: usize) -> Self {
        Self {
            closing: Cell::new(false),
            open: RefCell::default(),
            tasks: TaskSet::new(),
            admission: Rc::new(Admission::new(request_memory)),
        }
    }

    /// Notes an open connection; returns the key to forget it by. `None` if no more are taken.
    pub fn opened(&self, connection: OpenConnection) -> Option<usize> {
        (!self.closing.get()).then(|| self.open.borrow_mut().insert(connection))
    }

    /// Forgets a connection that was closed.
    pub fn closed(&self, key: usize) {
        self.open.borrow_mut().try_remove(key);
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.open.borrow().len()
    }

    /// Shuts down the sockets of those that were not active since `before_ns`; returns how many. Their tasks then end.
    pub fn shut_down_idle(&self, before_ns: u64) -> usize {
        let open = self.open.borrow();
        let idle = open.iter().filter(|(_, connection)| connection.active_ns.get() < before_ns);
        idle.map(|(_, connection)| connection.socket.shutdown()).count()
    }

    /// Takes no more connections and stops reading from all: what was asked is still answered.
    pub fn stop_reading(&self) {
        self.closing.set(true);
        for (_, connection) in self.open.borrow().iter() {
            connection.socket.shutdown_read();
        }
    }
}
