//! The answers of one connection, in the order of their requests.
//!
//! Every request takes a slot when it arrives. Its answer fills the slot whenever it is ready; whoever fills the first
//! slot of the queue writes it and all that are ready behind it, in one `writev`. So there is no writer task, and an
//! answer that is ready at once leaves from the reading task without a switch.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;

use crate::base::limits::{FETCHES_IN_FLIGHT_MAX, QUEUED_ANSWER_BYTES_MAX, REQUESTS_IN_FLIGHT_MAX};
use crate::rt::net::{OutPart, Socket};
use crate::rt::sync::Event;

/// Answers of one connection in request order, and the socket that they leave by.
pub struct Outbox {
    socket: Rc<Socket>,
    slots: RefCell<VecDeque<Slot>>,
    /// Fetches whose answers have not left yet.
    fetches: Cell<usize>,
    /// The number of the first slot in the queue; slots are numbered from 0 as requests arrive.
    first: Cell<u64>,
    /// Bytes of answers that are ready or being written.
    queued_bytes: Cell<u64>,
    writing: Cell<bool>,
    broken: Cell<bool>,
    moved: Event,
}

struct Slot {
    is_fetch: bool,
    /// `None` until it is ready.
    answer: Option<VecDeque<OutPart>>,
}

/// What is ready at the head of the queue.
#[derive(Default)]
struct Ready {
    parts: VecDeque<OutPart>,
    slots: usize,
    fetches: usize,
}

impl Outbox {
    /// An empty outbox that writes to `socket`.
    pub fn new(socket: Rc<Socket>) -> Self {
        Self {
            socket,
            slots: RefCell::default(),
            fetches: Cell::new(0),
            first: Cell::new(0),
            queued_bytes: Cell::new(0),
            writing: Cell::new(false),
            broken: Cell::new(false),
            moved: Event::new(),
        }
    }

    /// Takes the next place in the order of answers.
    pub fn open_slot(&self, is_fetch: bool) -> u64 {
        let mut slots = self.slots.borrow_mut();
        slots.push_back(Slot { is_fetch, answer: None });
        self.fetches.set(self.fetches.get() + usize::from(is_fetch));
        self.first.get() + slots.len() as u64 - 1
    }

    /// Puts an answer into its place; an empty one (acks=0) lets those behind it pass. `pump` sends it.
    pub fn fill(&self, number: u64, parts: VecDeque<OutPart>) {
        let bytes: u64 = parts.iter().map(OutPart::len).sum();
        self.queued_bytes.set(self.queued_bytes.get() + bytes);
        let index = number.checked_sub(self.first.get()).and_then(|index| usize::try_from(index).ok());
        let mut slots = self.slots.borrow_mut();
        if let Some(slot) = index.and_then(|index| slots.get_mut(index)) {
            slot.answer = Some(parts);
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
            let Ready { mut parts, slots, fetches } = self.take_ready();
            if slots == 0 {
                break;
            }
            let bytes: u64 = parts.iter().map(OutPart::len).sum();
            if !parts.is_empty() && !self.broken.get() && self.socket.write_parts(&mut parts).await.is_err() {
                self.fail();
            }
            self.queued_bytes.set(self.queued_bytes.get().saturating_sub(bytes));
            self.fetches.set(self.fetches.get().saturating_sub(fetches));
            self.moved.notify_all();
        }
        self.writing.set(false);
        if self.waiting() == 0 {
            self.moved.notify_all();
        }
    }

    /// Takes all answers that are ready at the head of the queue.
    fn take_ready(&self) -> Ready {
        let mut slots = self.slots.borrow_mut();
        let mut ready = Ready::default();
        while let Some(Slot { is_fetch, answer }) = slots.front_mut() {
            let Some(mut answer) = answer.take() else { break };
            if ready.parts.is_empty() {
                ready.parts = answer;
            } else {
                ready.parts.append(&mut answer);
            }
            ready.slots += 1;
            ready.fetches += usize::from(*is_fetch);
            slots.pop_front();
        }
        self.first.set(self.first.get() + ready.slots as u64);
        ready
    }

    /// Whether another request, or another fetch, may be begun: fewer than REQUESTS_IN_FLIGHT_MAX are unanswered and the
    /// peer has read enough of what is ready. A client that never reads pins no more than that.
    pub fn has_room(&self, for_fetch: bool) -> bool {
        self.waiting() < REQUESTS_IN_FLIGHT_MAX
            && self.queued_bytes.get() < QUEUED_ANSWER_BYTES_MAX
            && !(for_fetch && self.fetches.get() >= FETCHES_IN_FLIGHT_MAX)
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
