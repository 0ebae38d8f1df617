//! Counters and histograms, one set per shard.
