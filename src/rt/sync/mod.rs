//! Waiting for one another on one shard. Nothing here needs a runtime or leaves its thread; every wait may be dropped.

mod event;
mod gate;
mod oneshot;
mod queue;
mod semaphore;
mod waiters;

pub use event::Event;
pub use gate::{Gate, GateGuard};
pub use oneshot::{OneshotReceiver, OneshotSender, oneshot};
pub use queue::Queue;
pub use semaphore::{Permit, Semaphore};
