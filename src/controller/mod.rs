//! The embedded controller: decides on topics and writes `__cluster_metadata`.
