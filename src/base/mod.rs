//! What everything else stands on: typed ids, checksums, named limits, injected time and randomness.

pub mod clock;
pub mod crc;
pub mod ids;
pub mod limits;
pub mod planted;
pub mod random;
pub mod shared_map;
mod uuid;
