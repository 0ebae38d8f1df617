//! The wire codec against Apache Kafka's own bytes, against both `kafka-protocol` releases, and against nonsense.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

include!(concat!(env!("OUT_DIR"), "/wire/dispatch.rs"));

#[path = "wire/codec.rs"]
mod codec;
#[path = "wire/draw.rs"]
mod draw;
#[path = "wire/golden.rs"]
mod golden;
#[path = "wire/hostile.rs"]
mod hostile;
#[path = "wire/memory.rs"]
mod memory;
#[path = "wire/oracle.rs"]
mod oracle;
#[path = "wire/schema.rs"]
mod schema;

// The build script's own parser: tests draw messages by the schemas, and plant mistakes in them.
#[expect(dead_code, reason = "only the generator uses all of it")]
#[path = "../build/model.rs"]
mod model;
#[path = "../build/parser.rs"]
mod parser;
