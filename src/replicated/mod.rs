//! State machines over a log: decide, append, apply, answer on commit.
//!
//! A [`Machine`] is synchronous and pure: it is told the time, the calls and the outcome of its appends, and answers
//! with [`Effects`]. It holds no clock, no task and no file, so that a test can drive it by seed. The driver of a shard
//! performs the effects: it appends to the machine's partitions in order, arms one timer and hands out the replies.

mod driver;
mod machine;

pub use driver::{Appending, Driver, RecordLog};
pub use machine::{Append, AppendFailure, AppendId, CallId, Effects, KeyValue, Machine};
