//! Memory for large requests, taken as their bytes arrive: what a frame merely claims costs nothing.
//!
//! A request that finds the memory used up waits for others to be answered. Since others may be waiting just so, each
//! with half of its bytes, one at a time may go on without: so at most one request of the largest size is read beyond
//! `ringwood.request.memory`, and requests never wait for each other for ever.

use std::cell::Cell;

use futures_lite::future;

use crate::rt::sync::{Gate, GateGuard, Permit, Semaphore};

/// The memory of a shard's large requests.
pub struct Admission {
    memory: Semaphore,
    /// Passed by one request at a time that goes on without.
    overdraft: Gate,
    waiting: Cell<usize>,
}

/// Counts a request that waits.
struct Waiting<'a>(&'a Cell<usize>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// What one request holds; given back on drop.
#[derive(Default)]
pub struct Admitted {
    bytes: usize,
    memory: Option<Permit>,
    overdraft: Option<GateGuard>,
}

impl Admission {
    /// `bytes` for all large requests of a shard.
    pub fn new(bytes: usize) -> Self {
        Self { memory: Semaphore::new(bytes), overdraft: Gate::new(), waiting: Cell::new(0) }
    }

    /// Whether requests wait for memory: who holds some and does not use it is in their way.
    pub fn is_short(&self) -> bool {
        self.waiting.get() > 0
    }

    /// Waits until the request that holds `held` may have `bytes` in all.
    pub async fn admit(&self, held: &mut Admitted, bytes: usize) {
        let bytes = bytes.saturating_sub(held.bytes);
        if bytes == 0 || held.overdraft.is_some() {
            return;
        }
        if let Some(permit) = self.memory.try_acquire(bytes) {
            held.take(permit);
            return;
        }
        self.waiting.set(self.waiting.get() + 1);
        let _waiting = Waiting(&self.waiting);
        let in_turn = async { Ok(self.memory.acquire(bytes).await) };
        let without = async { Err(self.overdraft.enter().await) };
        match future::or(in_turn, without).await {
            Ok(permit) => held.take(permit),
            Err(guard) => held.overdraft = Some(guard),
        }
    }
}

impl Admitted {
    fn take(&mut self, permit: Permit) {
        self.bytes += permit.units();
        match &mut self.memory {
            Some(memory) => memory.merge(permit),
            None => self.memory = Some(permit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{block_on, poll_once};

    #[test]
    fn one_request_goes_on_when_all_have_only_half_of_what_they_need() {
        block_on(async {
            let admission = Admission::new(100);
            let (mut first, mut second, mut third) =
                (Admitted::default(), Admitted::default(), Admitted::default());
            admission.admit(&mut first, 50).await;
            admission.admit(&mut second, 50).await;
            admission.admit(&mut first, 50).await;
            assert!(first.overdraft.is_none());
            admission.admit(&mut first, 100).await;
            assert!(first.overdraft.is_some());
            assert!(poll_once(admission.admit(&mut second, 100)).await.is_none() && !admission.is_short());
            admission.admit(&mut first, 1000).await;
            drop(first);
            admission.admit(&mut second, 100).await;
            assert!(second.overdraft.is_none() && admission.memory.free() == 0);
            admission.admit(&mut third, 10).await;
            assert!(third.overdraft.is_some());
            drop((second, third));
            assert_eq!(admission.memory.free(), 100);
        });
    }
}
