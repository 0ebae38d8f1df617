//! `server.properties` and topic configs: key, documentation, default, bounds and Kafka's name, all in one table.
