#!/usr/bin/env python3
"""Ringwood beside Apache Kafka 4.3.1 on the same machine and disk, driven by the same clients; prints a table in Markdown.

    first-figures.py [--rounds N] [--scale F] [--only NAME]

Both brokers run all the time, each with its own directory below target/; every row measures one, then the other, in turns,
after one round that is thrown away. A cell is the median of the rounds, and the lowest and highest in brackets. CPU is the
broker's user plus system time for the row's work; memory is its resident set at the end of the row.
"""
import argparse
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tests.kafka import kdist  # noqa: E402
from tests.lib import broker, codec, paths, process, venv, wire  # noqa: E402

BENCHMARK = ["kafka-python==3.0.12", "crc32c==2.8"]


class Row:
    """name; unit; higher: whether more is better; measure(server, topic) -> number."""

    def __init__(self, name, unit, higher, measure):
        self.name, self.unit, self.higher, self.measure = name, unit, higher, measure
        self.values, self.cpu, self.rss = {}, {}, {}


class Load:
    def __init__(self, bin_, python, scale):
        self.bin, self.python, self.scale = bin_, python, scale
        self.latencies = {}                             # one run of the tool gives several rows

    def count(self, n):
        return max(1000, int(n * self.scale))

    def run(self, *command, timeout=900):
        ran = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
        if ran.returncode:
            raise SystemExit(f"{' '.join(map(str, command))} ended with {ran.returncode}: {(ran.stdout + ran.stderr)[-2000:]}")
        return ran.stdout + ran.stderr

    def produce(self, size, records):
        def measure(server, topic):
            wire.make_topic(server.address, f"{topic}-{size}", 4)
            out = self.run(self.bin / "kafka-producer-perf-test.sh", "--topic", f"{topic}-{size}", "--num-records", self.count(records),
                           "--record-size", size, "--throughput", -1, "--command-property", f"bootstrap.servers={server.address}")
            return float(re.findall(r"\(([\d.]+) MB/sec\)", out)[-1])
        return measure

    def consume(self, size, records):
        def measure(server, topic):
            out = self.run(self.bin / "kafka-consumer-perf-test.sh", "--bootstrap-server", server.address, "--topic", f"{topic}-{size}",
                           "--num-records", self.count(records), "--timeout", 60000)
            fields = [f.strip() for f in out.strip().splitlines()[-1].split(",")]
            return float(fields[2]) / max(float(fields[7]) / 1000, 1e-3)   # MB by the time it fetched, without the rebalance
        return measure

    def python_produce(self, server, topic):
        wire.make_topic(server.address, f"{topic}-py", 4)
        out = self.run(self.python, "-W", "ignore", "-m", "kafka.benchmarks.producer_performance", "-b", server.address, "-t", f"{topic}-py",
                       "--num-records", self.count(200_000), "--record-size", 100, "--stats-interval", 60)
        return self.count(200_000) / self.python_seconds(out)

    def python_consume(self, server, topic):
        out = self.run(self.python, "-W", "ignore", "-m", "kafka.benchmarks.consumer_performance", "-b", server.address, "-t", f"{topic}-py",
                       "--num-records", self.count(200_000), "--stats-interval", 60)
        return self.count(200_000) / self.python_seconds(out)

    @staticmethod
    def python_seconds(out):
        found = re.findall(r"(?:in|Execution time:?|took)\s+([\d.]+)\s*(?:s|secs|seconds)", out, re.I)
        if not found:
            raise SystemExit(f"kafka.benchmarks says nothing of its time: {out[-1500:]}")
        return float(found[-1])

    def latency(self, percentile):
        def measure(server, topic):
            key = server.kind, topic
            if key not in self.latencies:
                wire.make_topic(server.address, f"{topic}-e2e", 1)
                out = self.run(self.bin / "kafka-e2e-latency.sh", server.address, f"{topic}-e2e", self.count(10_000), "all", 100)
                average = float(re.search(r"Avg latency: ([\d.]+)", out)[1])
                fifty, ninety_nine, most = map(float, re.search(r"50th = ([\d.]+), 99th = ([\d.]+), 99.9th = ([\d.]+)", out).groups())
                self.latencies[key] = {"avg": average, "50": fifty, "99": ninety_nine, "99.9": most}
            return self.latencies[key][percentile]
        return measure


def rows(load):
    made = []
    for size, records in ((100, 2_000_000), (1000, 500_000)):
        made += [Row(f"producer-perf-test, {size:,} B", "MB/s", True, load.produce(size, records)),
                 Row(f"consumer-perf-test, {size:,} B", "MB/s", True, load.consume(size, records))]
    made += [Row("kafka-python producer, 100 B", "records/s", True, load.python_produce),
             Row("kafka-python consumer, 100 B", "records/s", True, load.python_consume),
             Row("e2e-latency, average", "ms", False, load.latency("avg")),
             Row("e2e-latency, 99 %", "ms", False, load.latency("99")),
             Row("e2e-latency, 99.9 %", "ms", False, load.latency("99.9"))]
    return made


def delete(server, topic):
    """What a round has written, so that the disk does not fill."""
    with codec.Client(server.address) as c:
        names = [t["name"] for t in c.ask("Metadata", 4, {"topics": None})["topics"] if t["name"].startswith(topic + "-")]
        c.ask("DeleteTopics", 4, {"topic_names": names, "timeout_ms": 30000})


def cell(values, unit):
    digits = 0 if statistics.median(values) >= 100 else 1 if statistics.median(values) >= 10 else 2
    return f"{statistics.median(values):,.{digits}f} {unit} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def table(done, rounds):
    print(f"\n| what (median of {rounds}, lowest–highest) | Ringwood | Apache Kafka {kdist.VERSION} | ratio | CPU s | Kafka's CPU s | MiB | Kafka's MiB |")
    print("|---|---|---|---|---|---|---|---|")
    for row in done:
        ours, theirs = row.values["ringwood"], row.values["kafka"]
        a, b = statistics.median(ours), statistics.median(theirs)
        a, b = (a, b) if row.higher else (b, a)
        ratio = f"{a / b:.2f} x" if b else "-"           # e2e-latency counts in whole milliseconds: 0 happens
        shared = row.name.startswith("e2e-latency") and "average" not in row.name      # one run gives all three rows
        costs = ["", ""] if shared else [f"{statistics.median(row.cpu[k]):.2f}" for k in ("ringwood", "kafka")]
        memory = [f"{max(row.rss[k]) / (1 << 20):,.0f}" for k in ("ringwood", "kafka")]
        print(f"| {row.name} | {cell(ours, row.unit)} | {cell(theirs, row.unit)} | {ratio} | {' | '.join(costs + memory)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    broker.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the numbers of records")
    parser.add_argument("--heap", default="1g", help="Kafka's heap, minimum and maximum (default 1g, as its own scripts)")
    parser.add_argument("--only", default="", help="only rows whose name holds this (a consumer's row needs its producer's)")
    args = parser.parse_args()
    dist = Path(args.kdist) if args.kdist else kdist.ensure()
    load = Load(dist / "bin", venv.ensure("benchmark", BENCHMARK), args.scale)
    settings = {"num.partitions": "4"}
    servers = {"ringwood": broker.from_arguments(args, paths.TESTS / "figures" / "ringwood", overrides=settings),
               "kafka": broker.Kafka(paths.empty("figures", "kafka"), dist, heap=args.heap, overrides=settings)}
    done = [r for r in rows(load) if args.only in r.name]
    try:
        for server in servers.values():
            server.start()
        for number in range(-1, args.rounds):           # the first round warms both up
            order = list(servers) if number % 2 else list(reversed(servers))
            for row in done:
                for kind in order:
                    server = servers[kind]
                    cpu = server.cpu()
                    value = row.measure(server, f"r{number + 1}")
                    if number >= 0:
                        row.values.setdefault(kind, []).append(value)
                        row.cpu.setdefault(kind, []).append(server.cpu() - cpu)
                        row.rss.setdefault(kind, []).append(server.rss())
                    print(f"round {number + 1} {kind:8} {row.name}: {value:,.2f} {row.unit}, {server.cpu() - cpu:.2f} s of CPU, {server.rss() >> 20} MiB",
                          file=sys.stderr, flush=True)
            for server in servers.values():
                delete(server, f"r{number + 1}")
        peaks = {k: process.peak_rss_bytes(s.pid) >> 20 for k, s in servers.items()}
    finally:
        for server in servers.values():
            server.close()
    table(done, args.rounds)
    print(f"\nMost memory ever resident: Ringwood {peaks['ringwood']:,} MiB, Kafka {peaks['kafka']:,} MiB (heap {args.heap}).")
    shutil.rmtree(paths.TESTS / "figures", ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
