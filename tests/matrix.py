#!/usr/bin/env python3
"""The end-to-end tests with 1, 2 and 4 shards in both io modes, and the choice of the io mode where direct writes are refused.

    matrix.py [--shards 1,2,4]
"""
import argparse
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tests.lib import broker, paths, records, report, venv, wire  # noqa: E402

if __name__ == "__main__":
    venv.enter()

ROOT = Path(__file__).resolve().parents[1]


def librdkafka(server):
    """Many partitions from one producer, every codec, read by a group of two whose members come and go."""
    import confluent_kafka
    topic, parts = "rd", 8
    wire.make_topic(server.address, topic, parts)
    sent, failed = 0, []
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        p = confluent_kafka.Producer({"bootstrap.servers": server.address, "enable.idempotence": True, "compression.type": codec, "linger.ms": 2})
        for i in range(2000):
            p.produce(topic, f"{codec}-{i}".encode(), partition=i % parts, on_delivery=lambda e, m: e and failed.append(e))
            p.poll(0)
            sent += 1
        assert p.flush(30) == 0 and not failed, failed[:3]
    conf = {"bootstrap.servers": server.address, "group.id": "g-rd", "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "session.timeout.ms": 6000, "heartbeat.interval.ms": 300, "fetch.wait.max.ms": 50}
    seen, lock, halt = set(), threading.Lock(), threading.Event()

    def member():
        c = confluent_kafka.Consumer(conf)
        c.subscribe([topic])
        while not halt.is_set():
            got = [m for m in c.consume(500, 0.2) if not m.error()]
            with lock:
                seen.update((m.partition(), m.offset(), m.value()) for m in got)
            if got:
                with contextlib.suppress(confluent_kafka.KafkaException):
                    c.commit(asynchronous=False)
        c.close()
    threads = [threading.Thread(target=member) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        wire.until(lambda: len({v for _, _, v in seen}) == sent, f"{sent} records are read", 40)
    finally:
        halt.set()
        for t in threads:
            t.join()
    assert len(seen) == sent, f"{len(seen)} positions for {sent} records"


def many_connections(server):
    """Connections on every shard write and read partitions on every shard; answers come in order."""
    wire.make_topic(server.address, "spread", 6)
    wrong, written = [], {p: [] for p in range(6)}
    lock = threading.Lock()

    def work(n):
        rand = random.Random(n)
        with wire.Connection(server.address) as c:
            for i in range(100):
                partition, value = rand.randrange(6), b"%d/%d/" % (n, i) + rand.randbytes(rand.choice([10, 300, 9000]))
                error, base, _ = c.produce("spread", partition, records.batch([value]), acks=rand.choice([1, -1]))
                if error:
                    wrong.append(f"produce: error {error}")
                    continue
                with lock:
                    written[partition].append((base, value))
                error, high, data = c.fetch("spread", partition, base)
                got = next((r[2:] for h in records.headers(data) for r in records.records(data, h) if r[0] == base), None)
                if error or high <= base or got != (None, value):
                    wrong.append(f"fetch: error {error}, high watermark {high}, offset {base}")
    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong, wrong[:5]
    for partition, entries in written.items():
        found = [(r[0], r[3]) for r in wire.read_all(server.address, "spread", partition)]
        assert found == sorted(entries), f"partition {partition}: {len(found)} records, {len(entries)} written"
    for partition in range(6):
        with wire.Connection(server.address) as c:
            before = time.monotonic()
            end = c.list_offset("spread", partition)[2]
            waiting = c.send(1, 4, wire.Out().put("iiiib", -1, 10000, 1, 1 << 20, 0).put("i", 1).string("spread").put("iiqi", 1, partition, end, 1 << 20).data)
            with wire.Connection(server.address) as other:
                other.produce("spread", partition, records.batch([b"wake"]))
            assert c.receive_frame()[0] == waiting and time.monotonic() - before < 5, "an append does not wake a waiting fetch"


def restart(server):
    """A clean stop and a kill: everything is there after both, offsets go on."""
    ends = {}

    def look():
        with wire.Connection(server.address) as c:
            return {(t, p): c.list_offset(t, p)[1:] for t, n in (("spread", 6), ("rd", 8)) for p in range(n)}
    ends = look()
    code = server.stop()
    assert code in (0, 143), f"exit code {code}"
    server.start()
    wire.until(lambda: look() == ends, "everything is there after a clean stop", 20)
    with wire.Connection(server.address) as c:
        error, base, _ = c.produce("spread", 0, records.batch([b"after the stop"]))
    assert (error, base) == (0, ends["spread", 0][1]), (error, base)
    server.kill()
    server.start()
    wire.until(lambda: look()["spread", 0][1] == base + 1, "everything is there after a kill", 20)
    values = [r[3] for r in wire.read_all(server.address, "spread", 0)]
    assert values[-1] == b"after the stop"


def chooses_page_cache(out, args):
    """On tmpfs direct writes are refused: page-cache by itself, with one line."""
    if not os.path.isdir("/dev/shm") or not os.access("/dev/shm", os.W_OK):
        raise report.Skip("no /dev/shm here")
    work = paths.empty("matrix", "tmpfs")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as shm:
        server = broker.Ringwood(work, binary=args.binary, data=Path(shm) / "data")
        with server:
            mode = subprocess.run(["stat", "-f", "-c", "%T", shm], capture_output=True, text=True).stdout.strip()
            log = re.sub(r"\x1b\[[0-9;]*m", "", server.log_text(since_start=True))
            lines = [l for l in log.splitlines() if re.search("page.?cache", l, re.I)]
            many_connections(server)
        assert lines, f"no line says that {mode} gets the page cache: {log[-500:]}"
        print("    " + "\n    ".join(lines))
        if "tmpfs" in mode:
            about = [l for l in lines if re.search("O_DIRECT|refuse|direct", l, re.I)]
            assert len(about) == 1, f"{len(about)} lines, not one: {lines}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    broker.add_arguments(parser)
    parser.set_defaults(shards=None)
    parser.add_argument("--counts", default="1,2,4", help="numbers of shards (default 1,2,4)")
    parser.add_argument("--filter", default="")
    args = parser.parse_args()
    out = report.Report("matrix", args.filter)
    for mode in ("direct", "page-cache"):
        for shards in map(int, args.counts.split(",")):
            args.shards, args.io_mode = shards, mode
            name = f"{shards}-{mode}"
            server = broker.from_arguments(args, paths.empty("matrix", name))
            try:
                out.run(f"{name}/start", server.start)
                if not server.alive():
                    continue
                for test in (librdkafka, many_connections, restart):
                    out.run(f"{name}/{test.__name__}", test, server)
                if args.broker == "ringwood":
                    out.run(f"{name}/no_panic", lambda: [][len(server.panics())] if server.panics() else None)
            finally:
                server.close()
                shutil.rmtree(server.data, ignore_errors=True)
            if args.broker != "ringwood":
                return out.finish()
    out.run("tmpfs", chooses_page_cache, out, args)
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
