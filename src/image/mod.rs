//! The read-only view of the cluster that every shard holds.
