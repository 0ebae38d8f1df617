//! Keys of the transaction coordinator.

use crate::config::key::Kind::{Boolean, Int, Short};
use crate::config::key::{Key, key};

/// The rows.
pub const KEYS: &[Key] = &[
    key(Int, "add.partitions.to.txn.retry.backoff.max.ms", "100").min(0).high(),
    key(Int, "add.partitions.to.txn.retry.backoff.ms", "20").min(1).high(),
    key(Int, "transaction.abort.timed.out.transaction.cleanup.interval.ms", "10000")
        .min(1)
        .low()
        .doc("Milliseconds between two looks for transactions to abort."),
    key(Int, "transaction.max.timeout.ms", "900000")
        .min(1)
        .high()
        .doc("The longest transaction timeout that a producer may ask for, in milliseconds."),
    key(Boolean, "transaction.partition.verification.enable", "true").low().cluster_wide(),
    key(Int, "transaction.remove.expired.transaction.cleanup.interval.ms", "3600000")
        .min(1)
        .low()
        .doc("Milliseconds between two looks for transactional ids to forget."),
    key(Int, "transaction.state.log.load.buffer.size", "5242880").min(1).high(),
    key(Int, "transaction.state.log.min.isr", "2")
        .min(1)
        .high()
        .doc("In-sync replicas that __transaction_state needs; never more than there are brokers."),
    key(Int, "transaction.state.log.num.partitions", "50")
        .min(1)
        .high()
        .doc("Partitions of __transaction_state; not to be changed once it exists."),
    key(Short, "transaction.state.log.replication.factor", "3")
        .min(1)
        .high()
        .doc("Replicas of __transaction_state; never more than there are brokers."),
    key(Int, "transaction.state.log.segment.bytes", "104857600")
        .min(1)
        .high()
        .doc("Segment size of __transaction_state, in bytes."),
    key(Boolean, "transaction.two.phase.commit.enable", "false").low(),
    key(Int, "transactional.id.expiration.ms", "604800000")
        .min(1)
        .high()
        .doc("A transactional id that has been silent for so many milliseconds is forgotten."),
];
