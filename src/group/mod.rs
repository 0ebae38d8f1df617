//! Group coordinators: classic groups, offsets and the records of `__consumer_offsets`.
//!
//! [`GroupCoordinator`] is a pure machine: no clock, no task, no file. One serves a shard: all groups whose partition of
//! `__consumer_offsets` ([`partition_of`]) lives there.
//!
//! | to learn | read |
//! |---|---|
//! | what can be asked | `call` |
//! | who decides, and what a partition's life is | `coordinator`, `refusal`, `machine` |
//! | what a group is, its states, leader and protocol | `state`, `member` |
//! | how members come, share, stay and go | `join`, `rebalance`, `sync`, `session` |
//! | how offsets come, show and go | `offsets`, `commit`, `fetch`, `delete` |
//! | what stands in the log, and how it is read back | `records`, `after`, `replay` |
//! | deadlines | `timers` |

mod after;
mod call;
mod commit;
mod config;
mod context;
mod coordinator;
mod delete;
mod describe;
mod errors;
mod fetch;
mod join;
mod machine;
mod member;
mod offsets;
mod placement;
mod rebalance;
mod records;
mod refusal;
mod replay;
mod session;
mod state;
mod subscription;
mod sync;
#[cfg(test)]
mod tests;
mod timers;

pub use call::{ClientContext, GroupCall, GroupReply};
pub use config::GroupConfig;
pub use coordinator::GroupCoordinator;
pub use placement::partition_of;
pub use records::RecordError;
pub use state::GroupState;
