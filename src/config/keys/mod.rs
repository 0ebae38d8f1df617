//! The rows of the table, by area. Names, types, defaults and bounds are Kafka 4.3's, but for the few that say so in their
//! documentation.

pub mod cluster;
pub mod group;
pub mod log;
pub mod network;
pub mod oauth;
pub mod quota;
pub mod remote;
pub mod ringwood;
pub mod security;
pub mod share;
pub mod topic;
pub mod transaction;
