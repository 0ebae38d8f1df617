//! Keys of listeners, connections and requests.

use crate::config::key::Kind::{Int, List, Long, String};
use crate::config::key::{Key, key};

/// The rows.
pub const KEYS: &[Key] = &[
    key(List, "advertised.listeners", "").null().high().doc(
        "The addresses that clients are told, by listener name. Without it: the host of the \
             listener, or localhost where it listens on every interface.",
    ),
    key(Int, "background.threads", "10").min(1).high().cluster_wide(),
    key(Long, "connections.max.idle.ms", "600000")
        .doc("A connection without a request for so many milliseconds is closed; negative: never."),
    key(Int, "delete.records.purgatory.purge.interval.requests", "1"),
    key(List, "early.start.listeners", "").null().high(),
    key(Int, "fetch.max.bytes", "57671680")
        .min(1024)
        .doc("The most bytes that a fetch is answered with, whatever it asks for."),
    key(Int, "fetch.purgatory.purge.interval.requests", "1000"),
    key(String, "inter.broker.listener.name", "")
        .null()
        .doc("The listener that brokers use among each other; a single node only checks that it exists."),
    key(
        String,
        "listener.security.protocol.map",
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
    )
    .low()
    .per_broker()
    .doc("Which protocol each listener name speaks. Only PLAINTEXT so far."),
    key(List, "listeners", "PLAINTEXT://:9092").high().per_broker().doc(
        "Where to listen: NAME://host:port, separated by commas. No host: every interface, IPv4 \
             and IPv6; port 0: a free one.",
    ),
    key(Int, "max.connection.creation.rate", "2147483647").min(0).cluster_wide(),
    key(Int, "max.connections", "2147483647")
        .min(0)
        .cluster_wide()
        .doc("Connections over all shards; further ones are closed at once."),
    key(Int, "max.connections.per.ip", "2147483647")
        .min(0)
        .cluster_wide()
        .doc("Connections from one address; further ones are closed at once."),
    key(String, "max.connections.per.ip.overrides", "")
        .cluster_wide()
        .doc("Other limits for some addresses: host:number, separated by commas."),
    key(Int, "max.incremental.fetch.session.cache.slots", "1000")
        .min(0)
        .doc("Incremental fetch sessions that are remembered over all shards."),
    key(Int, "max.request.partition.size.limit", "2000")
        .min(1)
        .doc("Partitions in one DescribeTopicPartitions answer; the rest comes by its cursor."),
    key(Int, "num.io.threads", "8").min(1).high().cluster_wide(),
    key(Int, "num.network.threads", "3").min(1).high().cluster_wide(),
    key(Int, "producer.purgatory.purge.interval.requests", "1000"),
    key(Long, "queued.max.request.bytes", "-1").doc(
        "Bytes of requests that may be in memory at once over all shards; -1: what \
             ringwood.request.memory.bytes says. No more is read from connections until some are \
             answered.",
    ),
    key(Int, "queued.max.requests", "500").min(1).high(),
    key(Int, "request.timeout.ms", "30000")
        .high()
        .doc("How long the broker waits for its own appends that a request depends on, in milliseconds."),
    key(Long, "socket.connection.setup.timeout.max.ms", "30000"),
    key(Long, "socket.connection.setup.timeout.ms", "10000"),
    key(Int, "socket.listen.backlog.size", "50").min(1).doc("Connections that may wait to be accepted."),
    key(Int, "socket.receive.buffer.bytes", "102400")
        .high()
        .doc("SO_RCVBUF of client sockets, in bytes; -1 leaves it to the kernel."),
    key(Int, "socket.request.max.bytes", "104857600")
        .min(1)
        .high()
        .doc("The largest request, in bytes; a larger one closes the connection."),
    key(Int, "socket.send.buffer.bytes", "102400")
        .high()
        .doc("SO_SNDBUF of client sockets, in bytes; -1 leaves it to the kernel."),
];
