//! What a shard counts: plain cells, since nobody else touches them. A snapshot can leave the shard and be added to others.

use hdrhistogram::Histogram;
use std::cell::{Cell, RefCell};
use std::fmt;

/// Request latencies are told apart up to this many microseconds (one minute); longer ones count as this.
const LATENCY_US_MAX: u64 = 60_000_000;
/// Digits to which latencies are kept: 2 means within 1 %, in about 25 KiB.
const LATENCY_DIGITS: u8 = 2;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(Cell<u64>);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `amount`; wraps around after 2^64.
    pub fn add(&self, amount: u64) {
        self.0.set(self.0.get().wrapping_add(amount));
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// The counters of one shard. Not `Sync`: the shard owns them.
#[derive(Debug)]
pub struct ShardMetrics {
    /// Connections that were accepted.
    pub connections_opened: Counter,
    /// Connections that were closed, by either side.
    pub connections_closed: Counter,
    /// Requests that were read in full.
    pub requests: Counter,
    /// Responses that carried an error code, counted once each.
    pub errors: Counter,
    /// Bytes read from clients.
    pub bytes_in: Counter,
    /// Bytes written to clients.
    pub bytes_out: Counter,
    /// Messages sent to another shard.
    pub cross_shard_messages: Counter,
    /// Payload bytes that were copied because they belong to another shard: the one copy that a fetch may make.
    pub cross_shard_copied_bytes: Counter,
    /// Bytes appended to logs.
    pub appended_bytes: Counter,
    /// Fetched bytes that came from memory.
    pub fetched_memory_bytes: Counter,
    /// Fetched bytes that came from files.
    pub fetched_file_bytes: Counter,
    latency: RefCell<Option<Histogram<u64>>>,
}

impl Default for ShardMetrics {
    fn default() -> Self {
        Self {
            connections_opened: Counter::default(),
            connections_closed: Counter::default(),
            requests: Counter::default(),
            errors: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            cross_shard_messages: Counter::default(),
            cross_shard_copied_bytes: Counter::default(),
            appended_bytes: Counter::default(),
            fetched_memory_bytes: Counter::default(),
            fetched_file_bytes: Counter::default(),
            // The constants are within what a histogram can be; a test says so. Without one, latencies go uncounted.
            latency: RefCell::new(Histogram::new_with_max(LATENCY_US_MAX, LATENCY_DIGITS).ok()),
        }
    }
}

impl ShardMetrics {
    /// Counts one answered request that took `microseconds` from its last byte in to its first byte out.
    pub fn record_latency_us(&self, microseconds: u64) {
        if let Some(histogram) = self.latency.borrow_mut().as_mut() {
            histogram.saturating_record(microseconds);
        }
    }

    /// The numbers as they are now.
    pub fn snapshot(&self) -> MetricsSnapshot {
        MetricsSnapshot {
            connections_opened: self.connections_opened.get(),
            connections_closed: self.connections_closed.get(),
            requests: self.requests.get(),
            errors: self.errors.get(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            cross_shard_messages: self.cross_shard_messages.get(),
            cross_shard_copied_bytes: self.cross_shard_copied_bytes.get(),
            appended_bytes: self.appended_bytes.get(),
            fetched_memory_bytes: self.fetched_memory_bytes.get(),
            fetched_file_bytes: self.fetched_file_bytes.get(),
            latency: self.latency.borrow().clone(),
        }
    }
}

/// The numbers of one shard, or of several added up. The fields are those of `ShardMetrics`.
#[derive(Clone, Debug, Default)]
pub struct MetricsSnapshot {
    /// Connections that were accepted.
    pub connections_opened: u64,
    /// Connections that were closed.
    pub connections_closed: u64,
    /// Requests that were read.
    pub requests: u64,
    /// Responses with an error code.
    pub errors: u64,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes to clients.
    pub bytes_out: u64,
    /// Messages to other shards.
    pub cross_shard_messages: u64,
    /// Payload bytes copied for other shards.
    pub cross_shard_copied_bytes: u64,
    /// Bytes appended to logs.
    pub appended_bytes: u64,
    /// Fetched bytes from memory.
    pub fetched_memory_bytes: u64,
    /// Fetched bytes from files.
    pub fetched_file_bytes: u64,
    latency: Option<Histogram<u64>>,
}

impl MetricsSnapshot {
    /// Adds another shard's numbers.
    pub fn add(&mut self, other: &Self) {
        for (own, others) in [
            (&mut self.connections_opened, other.connections_opened),
            (&mut self.connections_closed, other.connections_closed),
            (&mut self.requests, other.requests),
            (&mut self.errors, other.errors),
            (&mut self.bytes_in, other.bytes_in),
            (&mut self.bytes_out, other.bytes_out),
            (&mut self.cross_shard_messages, other.cross_shard_messages),
            (&mut self.cross_shard_copied_bytes, other.cross_shard_copied_bytes),
            (&mut self.appended_bytes, other.appended_bytes),
            (&mut self.fetched_memory_bytes, other.fetched_memory_bytes),
            (&mut self.fetched_file_bytes, other.fetched_file_bytes),
        ] {
            *own = own.wrapping_add(others);
        }
        match (&mut self.latency, &other.latency) {
            // Both have the same bounds, so nothing can be out of range.
            (Some(own), Some(others)) => drop(own.add(others)),
            (own @ None, others) => own.clone_from(others),
            (Some(_), None) => {}
        }
    }

    /// Connections that are open.
    pub fn connections(&self) -> u64 {
        self.connections_opened.wrapping_sub(self.connections_closed)
    }

    /// The latency in microseconds that the given share of requests (0 to 1) did not exceed; 0 without any requests.
    pub fn latency_us(&self, quantile: f64) -> u64 {
        self.latency.as_ref().map_or(0, |histogram| histogram.value_at_quantile(quantile))
    }
}

impl fmt::Display for MetricsSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "connections={} requests={} errors={} bytes_in={} bytes_out={} cross_shard_messages={} \
             cross_shard_copied_bytes={} appended_bytes={} fetched_memory_bytes={} fetched_file_bytes={} \
             latency_us_p50={} latency_us_p99={}",
            self.connections(),
            self.requests,
            self.errors,
            self.bytes_in,
            self.bytes_out,
            self.cross_shard_messages,
            self.cross_shard_copied_bytes,
            self.appended_bytes,
            self.fetched_memory_bytes,
            self.fetched_file_bytes,
            self.latency_us(0.5),
            self.latency_us(0.99),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_add_up() {
        let (one, other) = (ShardMetrics::default(), ShardMetrics::default());
        one.requests.increment();
        one.bytes_in.add(100);
        one.connections_opened.add(3);
        one.connections_closed.increment();
        one.record_latency_us(1_000);
        other.requests.add(2);
        other.record_latency_us(9_000);
        other.record_latency_us(u64::MAX);
        let mut sum = MetricsSnapshot::default();
        sum.add(&one.snapshot());
        sum.add(&other.snapshot());
        assert_eq!((sum.requests, sum.bytes_in, sum.connections()), (3, 100, 2));
        assert!((990..=1010).contains(&sum.latency_us(0.3)), "{}", sum.latency_us(0.3));
        assert!((8_900..=9_100).contains(&sum.latency_us(0.6)), "{}", sum.latency_us(0.6));
        assert!(sum.latency_us(1.0) >= LATENCY_US_MAX);
    }

    #[test]
    fn a_snapshot_can_leave_its_shard() {
        fn is_send<T: Send>() {}
        is_send::<MetricsSnapshot>();
    }

    #[test]
    fn nothing_counted_reads_as_zero() {
        assert_eq!(MetricsSnapshot::default().latency_us(0.99), 0);
        assert!(ShardMetrics::default().latency.borrow().is_some());
    }
}
