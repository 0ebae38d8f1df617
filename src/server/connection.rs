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

use bytes::{Buf, Bytes, BytesMut};

use super::outbox::Outbox;
use crate::api::{self, Outcome};
use crate::base::limits::{READ_BYTES, REQUEST_BYTES_FREE};
use crate::rt::net::Socket;
use crate::rt::sync::{Permit, Semaphore};
use crate::rt::task::TaskSet;

/// The frame's length prefix.
const LENGTH_BYTES: usize = 4;

/// What a connection needs of its shard's server.
pub struct ConnectionOptions {
    /// Frames larger than this end the connection (`socket.request.max.bytes`).
    pub request_bytes_max: usize,
    /// Memory for large requests.
    pub memory: Rc<Semaphore>,
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
    /// The peer closed, or the socket failed.
    Gone,
    /// The client broke the protocol; answers in flight are dropped with the connection.
    Refused,
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
    /// Requests that were taken in are answered before this returns, unless the peer is gone.
    pub async fn run(self) {
        let end = self.read_requests().await;
        if end == End::Gone {
            self.outbox.wait_until_empty().await;
        }
        self.socket.shutdown();
    }

    async fn read_requests(&self) -> End {
        let mut buffer = BytesMut::with_capacity(0);
        let mut admitted: Option<Permit> = None;
        loop {
            let missing = match self.take_frames(&mut buffer, &mut admitted).await {
                Ok(missing) => missing,
                Err(end) => return end,
            };
            self.outbox.pump().await;
            self.outbox.wait_for_room().await;
            if self.outbox.is_broken() {
                return End::Gone;
            }
            if missing > REQUEST_BYTES_FREE && admitted.is_none() {
                let bytes = missing.min(self.options.memory.total());
                admitted = Some(self.options.memory.acquire(bytes).await);
            }
            match self.socket.read(&mut buffer, missing.max(READ_BYTES)).await {
                Ok(0) | Err(_) => return End::Gone,
                Ok(_) => self.active_ns.set(self.context.clock().monotonic_ns()),
            }
        }
    }

    /// Starts every request whose frame is whole. Returns how many bytes the next frame still lacks.
    async fn take_frames(&self, buffer: &mut BytesMut, admitted: &mut Option<Permit>) -> Result<usize, End> {
        loop {
            let Some(prefix) = buffer.first_chunk::<LENGTH_BYTES>() else {
                return Ok(LENGTH_BYTES - buffer.len());
            };
            let length = usize::try_from(i32::from_be_bytes(*prefix)).map_err(|_| End::Refused)?;
            if length > self.options.request_bytes_max {
                return Err(End::Refused);
            }
            let Some(missing) =
                (LENGTH_BYTES + length).checked_sub(buffer.len()).filter(|missing| *missing > 0)
            else {
                buffer.advance(LENGTH_BYTES);
                let frame = buffer.split_to(length).freeze();
                self.start(frame, admitted.take()).await?;
                continue;
            };
            return Ok(missing);
        }
    }

    /// Starts one request; what it holds of the admitted memory is given back when it is answered.
    async fn start(&self, frame: Bytes, admitted: Option<Permit>) -> Result<(), End> {
        if !self.outbox.has_room() {
            self.outbox.pump().await;
            self.outbox.wait_for_room().await;
        }
        let slot = self.outbox.open_slot();
        let mut work: Pin<Box<dyn Future<Output = Outcome>>> =
            Box::pin(api::dispatch(self.context.clone(), frame));
        let first = work.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()));
        match first {
            Poll::Ready(outcome) => self.answer(slot, outcome),
            Poll::Pending => {
                let (outbox, socket, active_ns) =
                    (self.outbox.clone(), self.socket.clone(), self.active_ns.clone());
                let clock = self.context.clock().clone();
                self.tasks.spawn(async move {
                    match work.await {
                        Outcome::Answer(parts) => outbox.fill(slot, parts),
                        Outcome::Close => socket.shutdown(),
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
