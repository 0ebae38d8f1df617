#!/usr/bin/env python3
"""Bad input: random bytes, truncated frames, hostile lengths, 10,000 silent connections, a client that never reads.

All the while a well-behaved client produces and fetches; it must never fail and never wait long. The broker's memory stays
bounded, it gives back what it took, and its log shows no panic.
"""
import argparse
import contextlib
import os
import random
import resource
import socket
import struct
import sys
import threading
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])
from tests.lib import broker, codec, paths, process, records, report, wire  # noqa: E402

MIB = 1 << 20
WAIT_MAX_S = 3.0                                        # what the well-behaved client may wait for one answer


class Neighbour(threading.Thread):
    """A client that does everything right, and measures."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.worst, self.rounds, self.failures, self.halt = address, 0.0, 0, [], threading.Event()
        wire.make_topic(address, "neighbour", 1)

    def run(self):
        batch, offset = records.batch([b"x" * 100]), 0
        c = wire.Connection(self.address, timeout=30)
        while not self.halt.is_set():
            began = time.monotonic()
            try:
                error, base, _ = c.produce("neighbour", 0, batch)
                fetched, _, data = c.fetch("neighbour", 0, base, max_wait_ms=0)
                if error or fetched or not data or base != offset:
                    self.failures.append(f"errors {error} and {fetched}, offset {base} where {offset} was due, {len(data)} bytes")
                    offset = base
                offset += 1
            except (OSError, wire.WireError) as problem:
                self.failures.append(repr(problem))
                time.sleep(0.2)
                with contextlib.suppress(OSError):
                    c = wire.Connection(self.address, timeout=30)
            self.rounds += 1
            self.worst = max(self.worst, time.monotonic() - began)
            time.sleep(0.01)

    def verdict(self):
        worst, rounds, self.worst, self.rounds = self.worst, self.rounds, 0.0, 0
        assert not self.failures, f"the well-behaved client failed {len(self.failures)} times: {self.failures[0]}"
        assert rounds, "the well-behaved client got nothing done"
        assert worst < WAIT_MAX_S, f"the well-behaved client waited {worst:.1f} s"
        return worst


def sample(api):
    """A request's body with something in every field, for mutation."""
    def value(f, depth=0):
        if f.array:
            return [one(f, depth)] * 2
        return one(f, depth)

    def one(f, depth):
        if f.fields is not None:
            return {g.name: value(g, depth + 1) for g in f.fields}
        return {"bool": True, "string": "name", "uuid": "01234567-89ab-cdef-0123-456789abcdef", "bytes": b"bytes",
                "records": records.batch([b"x"])}.get(f.type, 1)
    return {f.name: value(f) for f in api.request.fields}


class Hostile:
    def __init__(self, server, seed):
        self.server, self.random = server, random.Random(seed)
        with wire.Connection(server.address) as c:
            self.served = c.api_versions()[1]

    def throw(self, data, wait=0.0):
        """Sends and closes; what the broker thinks of it is its own affair."""
        with contextlib.suppress(OSError):
            with socket.create_connection((self.server.host, self.server.port), timeout=5) as s:
                s.sendall(data)
                if wait:
                    s.settimeout(wait)
                    s.recv(1 << 16)

    def random_bytes(self):
        for _ in range(300):
            self.throw(self.random.randbytes(self.random.randrange(1, 2000)), 0.01)
        for _ in range(300):
            body = self.random.randbytes(self.random.randrange(0, 300))
            self.throw(struct.pack(">i", len(body)) + body, 0.01)

    def mutated(self):
        """Every API in every version: well-formed requests with bytes changed, cut, or said to be longer than they are."""
        for api in codec.apis().values():
            if api.key not in self.served:
                continue
            low, high = self.served[api.key]
            body = sample(api)
            for version in range(max(low, api.request.versions[0]), min(high, api.request.versions[1]) + 1):
                good = wire.frame(api.key, version, codec.encode(api, version, body), flexible=version >= api.request.flexible)
                for _ in range(6):
                    data, kind = bytearray(good), self.random.randrange(4)
                    if kind == 0:
                        data[self.random.randrange(12, len(data))] = self.random.randrange(256)
                    elif kind == 1:
                        data = data[:self.random.randrange(4, len(data))]
                        data[:4] = struct.pack(">i", len(data) - 4)
                    elif kind == 2:
                        at = self.random.randrange(12, max(len(data) - 4, 13))
                        data[at:at + 4] = self.random.choice([b"\x7f\xff\xff\xff", b"\xff\xff\xff\xfe", b"\xff\xff\xff\xff", b"\x80\0\0\0"])
                        data[:4] = struct.pack(">i", len(data) - 4)
                    else:
                        data = data[:self.random.randrange(1, len(data))]
                    self.throw(bytes(data), 0.01)

    def lengths(self):
        """Arrays and strings that claim far more than the frame holds must not reserve it."""
        before = process.peak_rss_bytes(self.server.pid)
        huge = [struct.pack(">i", n) for n in (2**31 - 1, 10**9, 10**8, 10**7)]
        for h in huge:
            self.throw(wire.frame(3, 1, h), 0.05)                               # Metadata: topics
            self.throw(wire.frame(19, 2, h), 0.05)                              # CreateTopics: topics
            self.throw(wire.frame(0, 3, struct.pack(">hhi", -1, 1, 100) + h), 0.05)     # Produce: topics
            self.throw(wire.frame(1, 4, struct.pack(">iiiib", -1, 0, 0, 0, 0) + h), 0.05)
            self.throw(h + b"x" * 100, 0.05)                                    # the frame itself
        compact = b"\xff\xff\xff\xff\x0f"
        for key, version in ((3, 12), (19, 7), (18, 3), (11, 9), (8, 9)):
            self.throw(wire.frame(key, version, compact + b"\0" * 8, flexible=True), 0.05)
        body = struct.pack(">i", 90 * MIB)                                       # a large frame that never comes
        slow = []
        for _ in range(50):
            s = socket.create_connection((self.server.host, self.server.port), timeout=5)
            s.sendall(body + wire.frame(3, 1)[4:])
            slow.append(s)
        time.sleep(1)
        grown = process.peak_rss_bytes(self.server.pid) - before
        for s in slow:
            s.close()
        assert grown < 128 * MIB, f"claimed lengths took {grown / MIB:.0f} MiB"

    def bombs(self):
        """Batches that unpack into far more than they are, on a topic whose codec makes the broker unpack them."""
        wire.make_topic(self.server.address, "bombs", 1, {"compression.type": "zstd", "max.message.bytes": 4 * MIB})
        before = process.peak_rss_bytes(self.server.pid)
        import gzip
        bomb = gzip.compress(b"\0" * (1 << 30), 9) if self.server.kind == "ringwood" else gzip.compress(b"\0" * (64 * MIB), 9)
        head = bytearray(records.batch([b"x"], attributes=1))[:records.HEADER_BYTES]
        tail = head[21:] + bomb
        data = bytes(head[:8]) + struct.pack(">i", 9 + len(tail)) + bytes(head[12:17]) + struct.pack(">I", records.crc32c(bytes(tail))) + bytes(tail)
        with wire.Connection(self.server.address, timeout=60) as c:
            for _ in range(3):
                with contextlib.suppress(wire.WireError):
                    error, _, _ = c.produce("bombs", 0, data)
                    assert error, "a bomb was taken"
        grown = process.peak_rss_bytes(self.server.pid) - before
        assert grown < 256 * MIB, f"a bomb took {grown / MIB:.0f} MiB"

    def silent_connections(self, count):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        want = count + 200
        if hard < want:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (want, want))
                hard = want
        if hard < want:
            raise report.Skip(f"only {hard} open files are allowed here, {want} needed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, want), hard))
        before, held = self.server.rss(), []
        try:
            for _ in range(count):
                held.append(socket.create_connection((self.server.host, self.server.port), timeout=10))
            time.sleep(1)
            grown = self.server.rss() - before
            with wire.Connection(self.server.address) as c:
                assert c.api_versions()[0] == 0
            print(f"    {count} connections: {grown / MIB:.0f} MiB more, {grown / count / 1024:.1f} KiB each")
            assert grown < 200 * MIB, f"{count} silent connections took {grown / MIB:.0f} MiB"
        finally:
            for s in held:
                s.close()
        wire.until(lambda: process.open_files(self.server.pid) < count // 2, "the broker has closed its ends", 30)

    def never_reads(self):
        """Clients that ask for 50 MiB again and again and read nothing."""
        wire.make_topic(self.server.address, "large", 1)
        batch = records.batch([self.random.randbytes(900_000)])
        with wire.Connection(self.server.address) as c:
            for _ in range(60):
                assert c.produce("large", 0, batch)[0] == 0
        before, greedy = self.server.rss(), []
        for _ in range(20):
            c = wire.Connection(self.server.address, timeout=5)
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            o = wire.Out().put("iiiib", -1, 0, 1, 50 * MIB, 0).put("i", 1).string("large").put("iiqi", 1, 0, 0, 50 * MIB)
            c.socket.settimeout(0.2)
            with contextlib.suppress(OSError):
                for _ in range(200):
                    c.send(1, 4, o.data)
            greedy.append(c)
        highest = 0
        for _ in range(30):
            time.sleep(0.1)
            highest = max(highest, self.server.rss() - before)
        print(f"    20 clients that never read 200 x 50 MiB: {highest / MIB:.0f} MiB more")
        for c in greedy:
            c.close()
        time.sleep(3)
        print(f"    and {(self.server.rss() - before) / MIB:.0f} MiB more three seconds after they have gone")
        assert highest < 400 * MIB, f"clients that do not read took {highest / MIB:.0f} MiB"

    def pipelined(self):
        """Thousands of requests on one connection without reading are answered in order in the end, or stopped at; not forgotten."""
        with wire.Connection(self.server.address, timeout=30) as c:
            count = 5000

            def send():
                for i in range(count):
                    c.socket.sendall(wire.frame(18, 0, correlation=i))
            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            for i in range(count):
                got, _ = c.receive_frame()
                assert got == i, f"answer {got} where {i} was due"
            sender.join()

    def half_closed(self):
        for _ in range(200):
            with contextlib.suppress(OSError):
                s = socket.create_connection((self.server.host, self.server.port), timeout=5)
                s.sendall(wire.frame(1, 4, struct.pack(">iiiib", -1, 30000, 1 << 20, 1 << 20, 0) + b"\0\0\0\1\0\x09neighbour\0\0\0\1" + struct.pack(">iqi", 0, 1 << 30, 1 << 20)))
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    broker.add_arguments(parser)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--filter", default="")
    args = parser.parse_args()
    out = report.Report("hostile", args.filter)
    server = broker.from_arguments(args, paths.TESTS / "hostile" / "broker")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with server:
        neighbour = Neighbour(server.address)
        neighbour.start()
        time.sleep(0.5)
        calm = neighbour.verdict()
        print(f"    seed {args.seed}; the well-behaved client waits at most {calm * 1000:.1f} ms when nothing happens")
        hostile = Hostile(server, args.seed)

        def with_neighbour(test, *more):
            neighbour.worst, neighbour.rounds, neighbour.failures = 0.0, 0, []
            try:
                test(*more)
            finally:
                print(f"    resident: {server.rss() >> 20} MiB; the well-behaved client waited at most {neighbour.worst * 1000:.0f} ms")
            time.sleep(0.2)
            assert server.alive(), f"the broker ended with {server.process.returncode}: {server.tail(10)}"
            neighbour.verdict()
            if server.kind == "ringwood":
                assert not server.panics(), server.panics()[:3]
        for name in ("random_bytes", "mutated", "lengths", "bombs", "pipelined", "half_closed", "never_reads"):
            out.run(name, with_neighbour, getattr(hostile, name))
        out.run("silent_connections", with_neighbour, hostile.silent_connections, args.connections)
        neighbour.halt.set()
        neighbour.join(40)

        def stops():
            code = server.stop()
            assert code in (0, 143), f"exit code {code}"
        out.run("stops_cleanly", stops)
    return out.finish()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
