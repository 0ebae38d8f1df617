"""The same requests to Ringwood and to Apache Kafka; the answers must agree."""
