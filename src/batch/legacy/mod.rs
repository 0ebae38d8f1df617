//! Message sets, the formats before record batches (magic 0 and 1): read from old producers, written for old consumers.

mod down;
mod lz4;
mod message;
mod up;

pub use down::down_convert;
pub use message::{MESSAGE_OVERHEAD, Message, Messages, messages};
pub use up::validate_and_up_convert;
