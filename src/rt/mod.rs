//! The runtime under every shard, and the only place that names glommio: executors, tasks, timers, sockets, the mesh, files.
//!
//! A shard is one thread with one glommio executor and, beside it, one io_uring of our own (`ring`), which carries file
//! operations and socket readiness. Why a ring of our own: glommio's file API takes whole buffers of its own making,
//! which can be neither shortened and recycled nor filled in place, and it has no future for "this socket is writable".
//! The executor learns of completions through an eventfd.

pub mod blocking;
pub mod cores;
pub mod disk;
mod error;
mod memory;
pub mod mesh;
pub mod net;
mod ring;
pub mod shards;
pub mod sync;
pub mod task;

pub use blocking::run_blocking;
pub use error::{MachineError, RtError};
pub use task::{Task, TaskSet, sleep, sleep_until, spawn, timeout, yield_if_needed, yield_now};
