//! Ringwood's own keys. Their names begin with `ringwood.`, which Kafka passes over with a warning.

use crate::config::key::Bounds::{Between, OneOf};
use crate::config::key::Kind::{Int, Long, String};
use crate::config::key::{Key, key};

/// The rows.
pub const KEYS: &[Key] = &[
    key(Int, "ringwood.shards", "0")
        .bounds(Between(0, 1024))
        .high()
        .doc("How many shards, each a thread of its own; 0: one for each core that the process may use."),
    key(String, "ringwood.io.mode", "auto")
        .bounds(OneOf(&["auto", "direct", "page-cache"]))
        .high()
        .doc("How logs are written: direct (O_DIRECT), page-cache, or auto: direct where the file system allows it."),
    key(Long, "ringwood.tail.cache.bytes", "134217728")
        .min(0)
        .doc("Memory for the newest records of all partitions, in bytes, shared evenly among the shards."),
    key(Long, "ringwood.request.memory.bytes", "268435456")
        .min(1_048_576)
        .doc("Memory for requests that are being received or handled, in bytes, shared evenly among the shards."),
    key(Int, "ringwood.flush.background.ms", "1000")
        .min(1)
        .doc("Written records reach the device's permanent medium (fdatasync) within so many milliseconds."),
    key(Long, "ringwood.flush.background.bytes", "67108864")
        .min(65_536)
        .doc("As ringwood.flush.background.ms, after so many bytes of one partition."),
];
