//! Slow system calls off the shard's thread.

use std::future::Future;

/// Runs `work` on the shard's helper thread and waits for it without holding the shard. Work is done one after the
/// other, so it is for file-system calls of micro- to milliseconds, not for computing. Dropping the future does not
/// stop work that has begun. Only on a shard.
pub fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> {
    glommio::executor().spawn_blocking(work)
}
