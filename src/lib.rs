//! Ringwood: a Kafka broker for Linux that spends its cores on messages. One shard per core, direct appends through
//! io_uring, Kafka's own files on disk. ARCHITECTURE.md is the map; a module imports from strictly lower floors only:
//!
//! 0 `base` · 1 `config` `metrics` · 2 `wire` `batch` `rt` · 3 `storage` `image` · 4 `partition` · 5 `replicated` ·
//! 6 `group` `controller` · 7 `shard` · 8 `api` · 9 `server` · 10 `cli`

pub mod api;
pub mod base;
pub mod batch;
pub mod cli;
pub mod config;
pub mod controller;
pub mod group;
pub mod image;
pub mod metrics;
pub mod partition;
pub mod replicated;
pub mod rt;
pub mod server;
pub mod shard;
pub mod storage;
pub mod wire;
