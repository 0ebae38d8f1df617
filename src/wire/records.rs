//! The records that Kafka persists in its own topics, and what consumers say to each other inside of group messages;
//! generated from `schema/records/*.schema`.

include!(concat!(env!("OUT_DIR"), "/wire/records.rs"));
