//! The answers of one connection, in the order of their requests.
//!
//! Every request takes a slot when it arrives. Its answer fills the slot whenever it is ready; whoever fills the first
//! slot of the queue writes it and all that are ready behind it, in one `writev`. So there is no writer task, and an
//! answer that is ready at once leaves from the reading task without a switch.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;

use crate::base::limits::{QUEUED_ANSWER_BYTES_MAX, REQUESTS_IN_FLIGHT_MAX};
use crate::rt::net::{OutPart, Socket};
use crate::rt::sync::Event;

/// Answers of one connection in request order, and the socket that they leave by.
pub struct Outbox {
    socket: Rc<Socket>,
    slots: RefCell<VecDeque<Slot>>,
    /// The number of the first slot in the queue; slots are numbered from 0 as requests arrive.
    first: Cell<u64>,
    /// Bytes of answers that are ready or being written.
    queued_bytes: Cell<u64>,
    writing: Cell<bool>,
    broken: Cell<bool>,
    moved: Event,
}

enum Slot {
    Waiting,
    Ready(VecDeque<OutPart>),
}

impl Outbox {
    /// An empty outbox that writes to `socket`.
    pub fn new(socket: Rc<Socket>) -> Self {
        Self {
            socket,
            slots: RefCell::default(),
            first: Cell::new(0),
            queued_bytes: Cell::new(0),
            writing: Cell::new(false),
            broken: Cell::new(false),
            moved: Event::new(),
        }
    }

    /// Takes the next place in the order of answers.
    pub fn open_slot(&self) -> u64 {
        let mut slots = self.slots.borrow_mut();
        slots.push_back(Slot::Waiting);
        self.first.get() + slots.len() as u64 - 1
    }

    /// Puts an answer into its place; an empty one (acks=0) lets those behind it pass. `pump` sends it.
    pub fn fill(&self, number: u64, parts: VecDeque<OutPart>) {
        let bytes: u64 = parts.iter().map(OutPart::len).sum();
        self.queued_bytes.set(self.queued_bytes.get() + bytes);
        let index = number.checked_sub(self.first.get()).and_then(|index| usize::try_from(index).ok());
        let mut slots = self.slots.borrow_mut();
        if let Some(slot) = index.and_then(|index| slots.get_mut(index)) {
            *slot = Slot::Ready(parts);
        }
    }

    /// Requests whose answers have not left yet.
    pub fn waiting(&self) -> usize {
        self.slots.borrow().len()
    }

    /// Whether a write failed: the peer is gone, and the connection is to be closed.
    pub fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Sends all answers that are ready at the head of the queue. Returns at once if another task is at it: that one
    /// goes on until nothing is ready.
    pub async fn pump(&self) {
        if self.writing.replace(true) {
            return;
        }
        loop {
            let (mut ready, left) = self.take_ready();
            if left == 0 {
                break;
            }
            let bytes: u64 = ready.iter().map(OutPart::len).sum();
            if !ready.is_empty() && !self.broken.get() && self.socket.write_parts(&mut ready).await.is_err() {
                self.fail();
            }
            self.queued_bytes.set(self.queued_bytes.get().saturating_sub(bytes));
            self.moved.notify_all();
        }
        self.writing.set(false);
        if self.waiting() == 0 {
            self.moved.notify_all();
        }
    }

    /// The parts of all answers ready at the head of the queue, and how many slots they were.
    fn take_ready(&self) -> (VecDeque<OutPart>, usize) {
        let mut slots = self.slots.borrow_mut();
        let mut parts = VecDeque::new();
        let mut left = 0;
        while let Some(Slot::Ready(answer)) = slots.front_mut() {
            if parts.is_empty() {
                parts = std::mem::take(answer);
            } else {
                parts.append(answer);
            }
            slots.pop_front();
            left += 1;
        }
        self.first.set(self.first.get() + left as u64);
        (parts, left)
    }

    /// Whether another request may be taken in: fewer than REQUESTS_IN_FLIGHT_MAX are unanswered and the peer has read
    /// enough of what is ready. A client that never reads pins no more than that.
    pub fn has_room(&self) -> bool {
        self.waiting() < REQUESTS_IN_FLIGHT_MAX && self.queued_bytes.get() < QUEUED_ANSWER_BYTES_MAX
    }

    /// The next change: an answer has left, or the connection is broken.
    pub fn moved(&self) -> impl Future<Output = ()> + use<> {
        self.moved.wait()
    }

    /// Whether every answer has left, or the connection is broken.
    pub fn is_settled(&self) -> bool {
        self.broken.get() || (self.waiting() == 0 && !self.writing.get())
    }

    /// Ends the connection: an answer cannot be written, or a request is refused.
    pub fn fail(&self) {
        self.broken.set(true);
        // Ends the reading task, and lets the peer know.
        self.socket.shutdown();
        self.moved.notify_all();
    }
}
