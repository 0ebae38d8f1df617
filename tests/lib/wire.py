"""A small blocking Kafka client on raw sockets, for what no client library would send. Old, inflexible versions by hand;
tests/lib/codec.py speaks every version."""
import socket
import struct
import time

from . import records


class WireError(Exception):
    """The connection was closed, or the answer makes no sense."""


class Out:
    """Builds a request body."""

    def __init__(self):
        self.data = bytearray()

    def put(self, layout, *values):
        self.data += struct.pack(">" + layout, *values)
        return self

    def string(self, value):
        if value is None:
            return self.put("h", -1)
        raw = value.encode()
        self.put("h", len(raw))
        self.data += raw
        return self

    def bytes(self, value):
        if value is None:
            return self.put("i", -1)
        self.put("i", len(value))
        self.data += value
        return self


class In:
    """Reads a response body."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        values = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(">" + layout)
        return values if len(values) > 1 else values[0]

    def string(self):
        size = self.take("h")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def bytes(self):
        size = self.take("i")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at]

    def array(self, read):
        return [read() for _ in range(max(self.take("i"), 0))]


def frame(key, version, body=b"", correlation=0, client="wire", flexible=False):
    """A request with its length prefix. flexible: header version 2."""
    raw = client.encode() if client is not None else b""
    head = struct.pack(">hhih", key, version, correlation, -1 if client is None else len(raw)) + raw + (b"\0" if flexible else b"")
    return struct.pack(">i", len(head) + len(body)) + head + bytes(body)


class Connection:
    """One connection; requests one at a time, or pipelined with `send` and `receive`."""

    def __init__(self, address, timeout=30):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.next = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, key, version, body=b"", flexible=False):
        self.next += 1
        self.socket.sendall(frame(key, version, body, self.next, flexible=flexible))
        return self.next

    def _exactly(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(min(count - len(data), 1 << 20))
            if not piece:
                raise WireError("the broker closed the connection")
            data += piece
        return bytes(data)

    def receive_frame(self):
        """Correlation id and all that follows it."""
        size, = struct.unpack(">i", self._exactly(4))
        if not 4 <= size <= 1 << 30:
            raise WireError(f"a response of {size} bytes")
        data = self._exactly(size)
        return struct.unpack_from(">i", data)[0], data[4:]

    def call(self, key, version, body=b"", flexible=False):
        sent = self.send(key, version, body, flexible)
        got, data = self.receive_frame()
        if got != sent:
            raise WireError(f"asked with correlation id {sent}, answered with {got}")
        return In(data)

    # -- the requests that more than one test needs --

    def api_versions(self):
        r = self.call(18, 0)
        error = r.take("h")
        return error, {k: (a, b) for k, a, b in r.array(lambda: r.take("hhh"))}

    def create_topic(self, name, partitions=1, configs=None, timeout_ms=30000):
        o = Out().put("i", 1).string(name).put("ihi", partitions, 1, 0).put("i", len(configs or {}))
        for key, value in (configs or {}).items():
            o.string(key).string(str(value))
        r = self.call(19, 2, o.put("i", timeout_ms).put("b", 0).data)
        r.take("i")
        return r.array(lambda: (r.string(), r.take("h"), r.string()))[0][1]

    def metadata(self, topics=None):
        """({node: (host, port)}, {topic: (error, {partition: (error, leader)})}), version 1."""
        o = Out()
        if topics is None:
            o.put("i", -1)
        else:
            o.put("i", len(topics))
            for t in topics:
                o.string(t)
        r = self.call(3, 1, o.data)
        brokers = {n: (h, p) for n, h, p, _ in r.array(lambda: (r.take("i"), r.string(), r.take("i"), r.string()))}
        r.take("i")

        def partition():
            error, index, leader = r.take("hii")
            r.array(lambda: r.take("i")), r.array(lambda: r.take("i"))
            return index, (error, leader)
        found = r.array(lambda: (r.take("h"), r.string(), r.take("b"), dict(r.array(partition))))
        return brokers, {name: (error, parts) for error, name, _, parts in found}

    def produce(self, topic, partition, batch, acks=-1, timeout_ms=30000):
        """(error, base offset, log append time), version 3; None for acks=0."""
        o = Out().string(None).put("hii", acks, timeout_ms, 1).string(topic).put("ii", 1, partition).bytes(batch)
        if acks == 0:
            self.send(0, 3, o.data)
            return None
        r = self.call(0, 3, o.data)
        r.take("i"), r.string(), r.take("i")
        _, error, base, time_ms = r.take("ihqq")
        return error, base, time_ms

    def fetch(self, topic, partition, offset, max_bytes=1 << 20, max_wait_ms=0, min_bytes=1, isolation=0):
        """(error, high watermark, record bytes), version 4."""
        o = Out().put("iiiib", -1, max_wait_ms, min_bytes, max_bytes, isolation)
        o.put("i", 1).string(topic).put("iiqi", 1, partition, offset, max_bytes)
        r = self.call(1, 4, o.data)
        r.take("i"), r.take("i"), r.string(), r.take("i")
        _, error, high, _ = r.take("ihqq")
        r.array(lambda: r.take("qq"))
        return error, high, r.bytes() or b""

    def list_offset(self, topic, partition, timestamp=-1):
        """(error, timestamp, offset), version 1."""
        o = Out().put("ii", -1, 1).string(topic).put("iiq", 1, partition, timestamp)
        r = self.call(2, 1, o.data)
        r.take("i"), r.string(), r.take("i")
        _, error, stamp, offset = r.take("ihqq")
        return error, stamp, offset

    def init_producer_id(self, transactional_id=None):
        r = self.call(22, 0, Out().string(transactional_id).put("i", 60000).data)
        _, error, producer, epoch = r.take("ihqh")
        return error, producer, epoch


def read_all(address, topic, partition, start=0):
    """Every record of a partition, in order, as (offset, timestamp, key, value, batch header)."""
    with Connection(address) as c:
        while True:
            error, high, data = c.fetch(topic, partition, start, max_bytes=4 << 20)
            if error:
                raise WireError(f"fetch {topic}-{partition} at {start}: error {error}")
            got = False
            for header in records.headers(data):
                if not records.crc_ok(data, header):
                    raise WireError(f"fetch {topic}-{partition}: bad CRC in the batch at offset {header.base_offset}")
                got = True
                if header.is_control:
                    continue
                for one in records.records(data, header):
                    if one[0] >= start:
                        yield *one, header
                start = header.last_offset + 1
            if start >= high:
                return
            if not got:
                raise WireError(f"fetch {topic}-{partition} at {start} of {high}: nothing came")


def until(condition, what, timeout=30, every=0.05):
    """Waits for a true value; exceptions of a connection count as not yet."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
        except (OSError, WireError, struct.error) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"timed out after {timeout} s waiting until {what}" + (f" ({last})" if last else ""))
        time.sleep(every)


def make_topic(address, name, partitions=1, configs=None, timeout=30):
    """Creates a topic and waits until every partition has a leader that takes a fetch."""
    def create():
        with Connection(address) as c:
            return c.create_topic(name, partitions, configs) in (0, 36)

    def ready():
        with Connection(address) as c:
            error, parts = c.metadata([name])[1][name]
            return not error and len(parts) == partitions and all(
                c.list_offset(name, p)[0] == 0 for p in parts)
    until(create, f"topic {name} is created", timeout)
    until(ready, f"topic {name} has leaders", timeout)
