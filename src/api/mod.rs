//! One file per API key, one table of them all.
//!
//! `dispatch` takes a frame from its header to the parts of its answer. What it refuses without an answer (an unknown
//! key or version, a body that does not parse) closes the connection, as in Kafka.

mod answer;
mod api_versions;
mod authorized;
mod brokers;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_topic_partitions;
mod errors;
mod fetch;
mod find_coordinator;
mod groups;
mod heartbeat;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod sync_group;
mod table;

pub use answer::Outcome;
pub use table::{Api, TABLE};

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;

use crate::base::clock::Clock;
use crate::config::listeners::Listener;
use crate::shard::Shard;
use crate::wire::header::RequestHeader;
use crate::wire::{Reader, Request};

/// What the requests of one connection have in common.
#[derive(Clone)]
pub struct Context {
    shard: Rc<Shard>,
    peer: Rc<Peer>,
}

/// Who is at the other end of a connection.
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The listener by which it came: what is advertised to it.
    pub listener: Arc<Listener>,
    /// Name and version of its software, once ApiVersions has told them.
    pub software: RefCell<Option<(String, String)>>,
}

impl Context {
    /// The context of a connection on `shard`.
    pub fn new(shard: Rc<Shard>, address: SocketAddr, listener: Arc<Listener>) -> Self {
        Self { shard, peer: Rc::new(Peer { address, listener, software: RefCell::default() }) }
    }
    /// The shard that serves the connection.
    pub fn shard(&self) -> &Rc<Shard> {
        &self.shard
    }
    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }
    /// Time.
    pub fn clock(&self) -> &Clock {
        self.shard.clock()
    }
}

/// One request under way.
pub struct Call {
    /// Its connection.
    pub context: Context,
    /// Its header.
    pub header: RequestHeader,
}

impl Call {
    /// The shard that serves the connection.
    pub fn shard(&self) -> &Rc<Shard> {
        &self.context.shard
    }
    /// The version of the request and of its answer.
    pub fn version(&self) -> i16 {
        self.header.api_version
    }
    /// What the client calls itself; empty if it says nothing.
    pub fn client_id(&self) -> &str {
        self.header.client_id.as_deref().unwrap_or("")
    }
}

/// Serves one request, given as its frame without the length prefix.
pub async fn dispatch(context: Context, frame: Bytes) -> Outcome {
    let started = context.clock().monotonic_ns();
    let shard = context.shard.clone();
    let bytes_in = frame.len();
    let mut reader = Reader::new(frame);
    let header = match crate::wire::header::decode_request_header(&mut reader) {
        Ok(header) => header,
        Err(error) => {
            tracing::debug!(client = %context.peer.address, %error, "connection closed: malformed request header");
            return Outcome::Close;
        }
    };
    let outcome = table::serve(Call { context, header }, reader).await;
    let metrics = shard.metrics();
    metrics.requests.increment();
    metrics.bytes_in.add(bytes_in as u64);
    metrics.bytes_out.add(outcome.bytes());
    if matches!(outcome, Outcome::Close) {
        metrics.errors.increment();
    }
    metrics.record_latency_us(shard.clock().monotonic_ns().saturating_sub(started) / 1000);
    outcome
}

/// Decodes the body, lets `handle` answer, and encodes the answer.
async fn answered<R: Request>(
    call: Call,
    mut body: Reader,
    handle: impl AsyncFnOnce(&Call, R) -> R::Response,
) -> Outcome {
    let request = match R::decode(&mut body, call.version()) {
        Ok(request) => request,
        Err(error) => return answer::malformed(&call, &error),
    };
    // The frame is released before the wait: what the handler keeps of it, it holds by itself.
    drop(body);
    let response = handle(&call, request).await;
    answer::encode::<R>(&call.header, &response, Vec::new())
}
