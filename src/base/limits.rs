//! Named limits that no config key sets. Each says what happens when it is reached.

/// The longest topic name, in bytes; a longer one is an invalid topic (17).
pub const TOPIC_NAME_BYTES_MAX: usize = 249;
/// Requests of one connection that may wait for their answers; the connection is not read from until one has left.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 64;
