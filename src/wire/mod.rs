//! Kafka's wire format: frames, headers, versions, error codes and generated messages (schemas in `schema/`).
