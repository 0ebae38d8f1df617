#!/usr/bin/env python3
"""Ready in under 100 ms after exec with an empty directory; idle, under 64 MiB resident and under 2 ms of CPU a second.

    start.py [--seconds N]
"""
import argparse
import re
import shutil
import socket
import statistics
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tests.lib import broker, paths, process, report, wire  # noqa: E402

READY_MS, RSS_MIB, CPU_MS_PER_S = 100, 64, 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    broker.add_arguments(parser)
    parser.add_argument("--seconds", type=float, default=10, help="how long to watch it idle (default 10)")
    args = parser.parse_args()
    out = report.Report("start")
    work = paths.TESTS / "start"
    server = broker.from_arguments(args, work)

    def ready():
        """Best and median of seven starts, each with an empty directory: exec to the first answered request."""
        times = []
        for _ in range(7):
            shutil.rmtree(server.data, ignore_errors=True)
            began = time.monotonic()
            server.start(wait=False)
            while True:
                try:
                    with socket.create_connection((server.host, server.port), timeout=5) as s:
                        s.sendall(wire.frame(18, 0))
                        if s.recv(4):
                            break
                except OSError:
                    pass
                if time.monotonic() - began > 30:
                    raise broker.BrokerError("not ready after 30 s: " + server.tail())
                time.sleep(0.001)
            times.append((time.monotonic() - began) * 1000)
            code = server.stop()
            assert code in (0, 143), f"exit code {code}"
        print(f"    ready after {statistics.median(times):.0f} ms (median; best {min(times):.0f}, worst {max(times):.0f})")
        assert statistics.median(times) < READY_MS, f"ready after {statistics.median(times):.0f} ms, not under {READY_MS}"
    out.run("ready", ready)

    def ready_line():
        shutil.rmtree(server.data, ignore_errors=True)
        server.start()
        time.sleep(0.3)
        lines = [l for l in server.log_text(since_start=True).splitlines() if l.strip()]
        about = [l for l in lines if str(server.port) in l]
        assert len(about) == 1, f"one line that names the address when ready, not {lines}"
        line = re.sub(r"\x1b\[[0-9;]*m", "", about[0])
        for what, pattern in (("shards", r"shards?\D{0,3}\d|\d+ shards?"), ("the io mode", "direct|page-cache"), ("the data directory", "data")):
            assert re.search(pattern, line, re.I), f"the ready line does not name {what}: {line}"
        print(f"    {line}")
    if args.broker == "ringwood":
        out.run("ready_line", ready_line)
    elif not server.alive():
        server.start()

    def idle():
        time.sleep(2)
        cpu, ticks, began = process.cpu_nanoseconds(server.pid), process.cpu_seconds(server.pid), time.monotonic()
        time.sleep(args.seconds)
        took = time.monotonic() - began
        spent = (process.cpu_nanoseconds(server.pid) - cpu) / 1e6 / took
        rss = server.rss() / (1 << 20)
        print(f"    idle: {rss:.0f} MiB resident, {spent:.2f} ms of CPU a second ({process.cpu_seconds(server.pid) - ticks:.2f} s by the clock ticks)")
        assert rss < RSS_MIB, f"{rss:.0f} MiB resident when idle"
        assert spent < CPU_MS_PER_S, f"{spent:.2f} ms of CPU a second when idle"
    out.run("idle", idle)

    def idle_after_work():
        """The same with topics and a consumer that waits: nothing polls."""
        for i in range(10):
            wire.make_topic(server.address, f"idle-{i}", 4)
        with wire.Connection(server.address) as c:
            for i in range(10):
                assert c.produce(f"idle-{i}", 0, _batch())[0] == 0
        idle()
    if args.broker == "ringwood":
        out.run("idle_after_work", idle_after_work)
    server.close()
    return out.finish()


def _batch():
    from tests.lib import records
    return records.batch([b"x" * 100] * 10)


if __name__ == "__main__":
    sys.exit(main())
