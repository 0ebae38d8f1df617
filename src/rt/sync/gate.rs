//! One at a time, in the order of arrival.

use super::semaphore::{Permit, Semaphore};

/// Lets one task pass at a time; the others wait in line. For work that awaits in the middle. Clones are the same gate.
#[derive(Clone)]
pub struct Gate {
    inner: Semaphore,
}

/// The right to be inside; dropping it lets the next one in.
pub struct GateGuard {
    _permit: Permit,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// An open gate.
    pub fn new() -> Self {
        Self { inner: Semaphore::new(1) }
    }

    /// Waits for its turn.
    pub async fn enter(&self) -> GateGuard {
        GateGuard { _permit: self.inner.acquire(1).await }
    }

    /// Enters if nobody is inside or waits.
    pub fn try_enter(&self) -> Option<GateGuard> {
        self.inner.try_acquire(1).map(|permit| GateGuard { _permit: permit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{block_on, poll_once};

    #[test]
    fn one_inside_and_the_rest_in_line() {
        block_on(async {
            let gate = Gate::new();
            let inside = gate.try_enter().unwrap();
            let (mut second, mut third) = (Box::pin(gate.enter()), Box::pin(gate.enter()));
            assert!(poll_once(&mut second).await.is_none());
            assert!(poll_once(&mut third).await.is_none());
            drop(inside);
            assert!(poll_once(&mut third).await.is_none(), "not its turn");
            let inside = second.await;
            assert!(gate.try_enter().is_none());
            drop(inside);
            third.await;
        });
    }
}
