//! The wire codec against Apache Kafka's own bytes, against both `kafka-protocol` releases, and against nonsense.

include!(concat!(env!("OUT_DIR"), "/wire/dispatch.rs"));

#[path = "wire/codec.rs"]
mod codec;
#[path = "wire/golden.rs"]
mod golden;
