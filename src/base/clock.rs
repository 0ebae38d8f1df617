//! Injected time: the system's clocks, or a hand that a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Tells wall-clock and monotonic time. Clones of a manual clock share its hand.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clocks; the instant is the zero of `monotonic_ns`.
    System(Instant),
    /// Nanoseconds since the epoch, moved by `advance_ms`.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The machine's clocks.
    #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
    pub fn system() -> Self {
        Self::System(Instant::now())
    }

    /// A clock for tests that stands at `now_ms` until it is moved.
    pub fn manual(now_ms: u64) -> Self {
        Self::Manual(Arc::new(AtomicU64::new(now_ms.saturating_mul(1_000_000))))
    }

    /// Milliseconds since the Unix epoch: Kafka's timestamps.
    #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::System(_) => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }
            Self::Manual(hand) => (hand.load(Ordering::Relaxed) / 1_000_000) as i64,
        }
    }

    /// Nanoseconds that never go back; the zero is arbitrary.
    pub fn monotonic_ns(&self) -> u64 {
        match self {
            Self::System(zero) => u64::try_from(zero.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Self::Manual(hand) => hand.load(Ordering::Relaxed),
        }
    }

    /// Moves a manual clock on; the system's is not ours to move, and stays.
    pub fn advance_ms(&self, by_ms: u64) {
        if let Self::Manual(hand) = self {
            hand.fetch_add(by_ms.saturating_mul(1_000_000), Ordering::Relaxed);
        }
    }
}
