//! Named limits that no config key sets. Each says what happens when it is reached.

/// The longest topic name, in bytes; a longer one is an invalid topic (17).
pub const TOPIC_NAME_BYTES_MAX: usize = 249;
/// Requests of one connection that may wait for their answers; the connection is not read from until one has left.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 64;
/// Fetches of one connection that may be unanswered; a further one is not begun, nor anything behind it. Each may hold a whole
/// answer, and no client has more than one.
pub const FETCHES_IN_FLIGHT_MAX: usize = 2;
/// Bytes of answers of one connection that may wait for the peer to read; no further request is read until they fall below.
pub const QUEUED_ANSWER_BYTES_MAX: u64 = 1 << 20;
/// Bytes read from a socket at once when no large request is under way.
pub const READ_BYTES: usize = 64 << 10;
/// A request of at most this many bytes needs no admission; a larger one waits for its share of the shard's memory.
pub const REQUEST_BYTES_FREE: usize = 256 << 10;
/// A larger request is read, and its memory admitted, in steps of this many bytes, or of what has arrived of it so far.
pub const REQUEST_BYTES_STEP: usize = 2 << 20;

const _: () = assert!(READ_BYTES <= REQUEST_BYTES_FREE);
/// Bytes of records in one Fetch answer, whatever the client allows, but for a first batch that is larger. What is not in
/// the tail cache has to be held until the client has read it; a client that asks for more fetches again.
pub const FETCH_ANSWER_BYTES_MAX: usize = 4 << 20;
