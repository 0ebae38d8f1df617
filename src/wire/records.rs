//! The records that Kafka persists in its own topics, and what consumers say to each other inside of group messages;
//! generated from `schema/records/*.schema`.

#![expect(clippy::too_many_lines, reason = "generated: a few lines for each field of the largest records")]

include!(concat!(env!("OUT_DIR"), "/wire/records.rs"));
