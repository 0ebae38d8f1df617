//! One client's connection: reads frames, starts each request in order, and lets the answers leave in that order.
//!
//! A request's handler is polled once as soon as its frame is there. Most are done then (or have taken their place in a
//! log), so requests of one connection reach a partition in the order in which they were sent. One that has to wait goes
//! on as a task of its own, and the next frame is taken meanwhile.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_lite::future;

use super::outbox::Outbox;
use crate::api::{self, Outcome};
use crate::base::limits::{READ_BYTES, REQUEST_BYTES_FREE, REQUEST_BYTES_STEP};
use crate::rt;
use crate::rt::net::Socket;
use crate::rt::task::TaskSet;
use crate::shard::{Admission, Admitted};

/// A frame of at most this many bytes is copied out: one that waits would pin the READ_BYTES that it was read into.
const FRAME_BYTES_COPIED: usize = 1024;
/// How the frame of a Fetch begins: with its API key.
const FETCH_KEY: [u8; 2] = 1_i16.to_be_bytes();
/// The frame's length prefix.
const LENGTH_BYTES: usize = 4;
/// How long a peer that sends no more may wait for its next answer: whether it has gone, or still reads, cannot be seen.
const HALF_CLOSED_MAX: Duration = Duration::from_secs(10);
/// How long a large request may stop arriving while others wait for the memory that it holds.
const STALL_MAX: Duration = Duration::from_secs(10);

/// What a connection needs of its shard's server.
pub struct ConnectionOptions {
    /// Frames larger than this end the connection (`socket.request.max.bytes`).
    pub request_bytes_max: usize,
    /// Memory for large requests.
    pub admission: Rc<Admission>,
}

/// One connection while it is open.
pub struct Connection {
    socket: Rc<Socket>,
    outbox: Rc<Outbox>,
    context: api::Context,
    options: ConnectionOptions,
    tasks: TaskSet,
    /// Monotonic nanoseconds of the last bytes that came or answer that left.
    active_ns: Rc<Cell<u64>>,
}

/// Why the reading of a connection ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The peer sends no more; it may still read.
    Closed,
    /// The socket failed, or the peer does not react; answers in flight are dropped with the connection.
    Lost,
    /// The client broke the protocol; answers in flight are dropped with the connection.
    Refused,
}

/// How much of a frame is still to come.
struct Missing {
    bytes: usize,
    /// The frame is too large to be read without admission.
    is_large: bool,
}

impl Connection {
    /// A connection on `socket`, whose requests are answered in `context`.
    pub fn new(
        socket: Rc<Socket>,
        context: api::Context,
        options: ConnectionOptions,
        active_ns: Rc<Cell<u64>>,
    ) -> Self {
        let outbox = Rc::new(Outbox::new(socket.clone()));
        Self { socket, outbox, context, options, tasks: TaskSet::new(), active_ns }
    }

    /// Serves the connection until the peer closes it, breaks the protocol, or the socket is shut down for reading.
    /// Requests that were taken in are answered before this returns, unless the peer is gone or an answer takes longer
    /// than HALF_CLOSED_MAX then. Whatever still waits is dropped with the connection, and leaves no trace.
    pub async fn run(self) {
        if self.read_requests().await == End::Closed {
            while !self.outbox.is_settled() {
                if rt::timeout(HALF_CLOSED_MAX, self.outbox.moved()).await.is_none() {
                    break;
                }
            }
        }
        self.socket.shutdown();
    }

    async fn read_requests(&self) -> End {
        let mut buffer = BytesMut::new();
        let mut admitted = Admitted::default();
        loop {
            let missing = match self.take_frames(&mut buffer, &mut admitted).await {
                Ok(missing) => missing,
                Err(end) => return end,
            };
            self.outbox.pump().await;
            if let Err(end) = self.wait_for_room(false).await {
                return end;
            }
            if buffer.is_empty() {
                // What is left of the last read's memory: a connection that waits holds none.
                buffer = BytesMut::new();
            }
            match self.read(&mut buffer, &missing, &mut admitted).await {
                Some(0) => return End::Closed,
                Some(_) => self.active_ns.set(self.context.clock().monotonic_ns()),
                None => return End::Lost,
            }
            rt::yield_if_needed().await;
        }
    }

    /// Reads some of what is missing, and what follows it. `None` if the socket failed, or a large request stalled.
    async fn read(&self, buffer: &mut BytesMut, missing: &Missing, admitted: &mut Admitted) -> Option<usize> {
        if !missing.is_large {
            return self.socket.read(buffer, missing.bytes.max(READ_BYTES)).await.ok();
        }
        // Memory for what is there and as much again: what a frame claims to be is only a claim.
        let step = missing.bytes.min(buffer.len().max(REQUEST_BYTES_STEP));
        self.options.admission.admit(admitted, buffer.len() + step).await;
        loop {
            if let Some(read) = rt::timeout(STALL_MAX, self.socket.read(buffer, step)).await {
                return read.ok();
            }
            if self.options.admission.is_short() {
                tracing::debug!(client = %self.socket.peer_address(), "connection closed: a request stalled and others need its memory");
                return None;
            }
        }
    }

    /// Waits until another request may be taken in. A peer that closes meanwhile is noticed: no read is under way that
    /// would tell, and the answers that it does not wait for may be long in coming.
    async fn wait_for_room(&self, for_fetch: bool) -> Result<(), End> {
        let mut closed = false;
        while !self.outbox.has_room(for_fetch) {
            let moved = self.outbox.moved();
            if self.outbox.is_broken() {
                break;
            }
            if closed {
                rt::timeout(HALF_CLOSED_MAX, moved).await.ok_or(End::Lost)?;
            } else {
                let peer_closes = async {
                    self.socket.peer_closed().await;
                    true
                };
                let answer_leaves = async {
                    moved.await;
                    false
                };
                closed = future::or(answer_leaves, peer_closes).await;
            }
        }
        if self.outbox.is_broken() { Err(End::Lost) } else { Ok(()) }
    }

    /// Starts every request whose frame is whole. Returns what the next frame still lacks.
    async fn take_frames(&self, buffer: &mut BytesMut, admitted: &mut Admitted) -> Result<Missing, End> {
        loop {
            let Some(prefix) = buffer.first_chunk::<LENGTH_BYTES>() else {
                return Ok(Missing { bytes: LENGTH_BYTES - buffer.len(), is_large: false });
            };
            let length = usize::try_from(i32::from_be_bytes(*prefix)).map_err(|_| End::Refused)?;
            if length > self.options.request_bytes_max {
                return Err(End::Refused);
            }
            let bytes = (LENGTH_BYTES + length).saturating_sub(buffer.len());
            if bytes > 0 {
                return Ok(Missing { bytes, is_large: length > REQUEST_BYTES_FREE });
            }
            buffer.advance(LENGTH_BYTES);
            let frame = if length <= FRAME_BYTES_COPIED {
                let frame = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
                buffer.advance(length);
                frame
            } else {
                buffer.split_to(length).freeze()
            };
            self.start(frame, std::mem::take(admitted)).await?;
        }
    }

    /// Starts one request; what it holds of the admitted memory is given back when it is answered.
    async fn start(&self, frame: Bytes, admitted: Admitted) -> Result<(), End> {
        let is_fetch = frame.first_chunk() == Some(&FETCH_KEY);
        if !self.outbox.has_room(is_fetch) {
            self.outbox.pump().await;
            self.wait_for_room(is_fetch).await?;
        }
        let slot = self.outbox.open_slot(is_fetch);
        let mut work: Pin<Box<dyn Future<Output = Outcome>>> =
            Box::pin(api::dispatch(self.context.clone(), frame));
        let first = work.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()));
        match first {
            Poll::Ready(outcome) => self.answer(slot, outcome),
            Poll::Pending => {
                let (outbox, active_ns) = (self.outbox.clone(), self.active_ns.clone());
                let clock = self.context.clock().clone();
                self.tasks.spawn(async move {
                    match work.await {
                        Outcome::Answer(parts) => outbox.fill(slot, parts),
                        Outcome::Close => outbox.fail(),
                    }
                    drop(admitted);
                    active_ns.set(clock.monotonic_ns());
                    outbox.pump().await;
                });
                Ok(())
            }
        }
    }

    fn answer(&self, slot: u64, outcome: Outcome) -> Result<(), End> {
        match outcome {
            Outcome::Answer(parts) => {
                self.outbox.fill(slot, parts);
                Ok(())
            }
            Outcome::Close => Err(End::Refused),
        }
    }
}
