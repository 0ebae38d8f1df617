#!/usr/bin/env python3
"""Apache Kafka's own command line tools against the broker, and kafka-dump-log on every file it leaves behind.

    tools.py [--filter X] [--records N]
"""
import argparse
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])
from tests.kafka import kdist  # noqa: E402
from tests.lib import broker, paths, report, wire  # noqa: E402

NAMES = ["topics", "console", "console_group", "consumer_groups", "reset_and_delete_offsets", "get_offsets", "api_versions",
         "configs", "perf", "e2e_latency", "clean_stop", "dump_log"]


class Tools:
    """The tests, in order; later ones look at what earlier ones made."""

    def __init__(self, server, bin_, count):
        self.server, self.bin, self.count = server, bin_, count

    def run(self, tool, *args, timeout=120, stdin=None, check=True, bootstrap=True):
        where = ["--bootstrap-server", self.server.address] if bootstrap else []
        command = [self.bin / f"kafka-{tool}.sh", *where, *map(str, args)]
        ran = subprocess.run(command, input=stdin if stdin is not None else "", capture_output=True, text=True, timeout=timeout)
        if check and ran.returncode:
            raise AssertionError(f"kafka-{tool} {' '.join(map(str, args))} ended with {ran.returncode}: {(ran.stdout + ran.stderr)[-1500:]}")
        return ran.stdout if check else ran

    def topics(self):
        self.run("topics", "--create", "--topic", "t-one", "--partitions", 3, "--config", "segment.bytes=1048576")
        again = self.run("topics", "--create", "--topic", "t-one", check=False)
        assert again.returncode == 1 and "already exists" in again.stdout + again.stderr, again
        self.run("topics", "--create", "--topic", "t-two", "--if-not-exists")
        listed = self.run("topics", "--list").split()
        assert {"t-one", "t-two"} <= set(listed), listed
        described = self.run("topics", "--describe", "--topic", "t-one")
        assert "PartitionCount: 3" in described and "segment.bytes=1048576" in described, described
        assert len(re.findall(r"Leader: 1\s+Replicas: 1\s+Isr: 1", described)) == 3, described
        self.run("topics", "--alter", "--topic", "t-one", "--partitions", 5)
        assert "PartitionCount: 5" in self.run("topics", "--describe", "--topic", "t-one")
        fewer = self.run("topics", "--alter", "--topic", "t-one", "--partitions", 2, check=False)
        assert fewer.returncode == 1, fewer
        self.run("topics", "--delete", "--topic", "t-two")
        wire.until(lambda: "t-two" not in self.run("topics", "--list").split(), "t-two is gone", 30)
        missing = self.run("topics", "--describe", "--topic", "t-two", check=False)
        assert missing.returncode == 1 and "does not exist" in missing.stdout + missing.stderr, missing

    def console(self):
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            topic = f"console-{codec}"
            lines = "".join(f"key{i}:value {i}\n" for i in range(500))
            self.run("console-producer", "--topic", topic, "--compression-codec", codec,
                     "--reader-property", "parse.key=true", "--reader-property", "key.separator=:", stdin=lines)
            out = self.run("console-consumer", "--topic", topic, "--from-beginning", "--max-messages", 500, "--timeout-ms", 30000,
                           "--formatter-property", "print.key=true", "--formatter-property", "key.separator=:")
            assert sorted(out.splitlines()) == sorted(lines.splitlines()), f"{codec}: {len(out.splitlines())} of 500 lines"

    def console_group(self):
        """Two members of one group share what a producer sends; nothing is lost, nothing comes twice."""
        self.run("topics", "--create", "--topic", "shared", "--partitions", 4)
        common = ["--topic", "shared", "--group", "g-console", "--from-beginning", "--timeout-ms", "8000"]
        outs = [None, None]

        def consume(n):
            outs[n] = self.run("console-consumer", *common, check=False)
        threads = [threading.Thread(target=consume, args=(n,)) for n in range(2)]
        for t in threads:
            t.start()
        wire.until(lambda: len(self.members("g-console")) == 2, "two members are there", 60)
        sent = [str(i) for i in range(2000)]
        self.run("console-producer", "--topic", "shared", "--batch-size", 200,
                 "--command-property", "partitioner.ignore.keys=true", stdin="\n".join(sent) + "\n")
        for t in threads:
            t.join()
        seen = [o.stdout.split() for o in outs]
        assert sorted(seen[0] + seen[1]) == sorted(sent), f"{len(seen[0])} + {len(seen[1])} of {len(sent)}"

    def members(self, group):
        out = self.run("consumer-groups", "--describe", "--group", group, "--members", check=False).stdout
        return [l for l in out.splitlines() if l.startswith(group + " ") and "console-consumer" in l]

    def described(self, group):
        """{(topic, partition): (offset, end, lag)}."""
        found = {}
        for line in self.run("consumer-groups", "--describe", "--group", group, "--offsets").splitlines():
            f = line.split()
            if f and f[0] == group:
                found[f[1], int(f[2])] = tuple(int(x) if x != "-" else None for x in f[3:6])
        return found

    def consumer_groups(self):
        assert "g-console" in self.run("consumer-groups", "--list").split()
        state = self.run("consumer-groups", "--describe", "--group", "g-console", "--state")
        assert re.search(r"g-console\s+127\.0\.0\.1:\d+\s+\(1\).*Empty\s+0", state), state
        offsets = self.described("g-console")
        assert sum(v[0] for v in offsets.values()) == 2000 and all(v[2] == 0 for v in offsets.values()), offsets
        listed = self.run("consumer-groups", "--list", "--state", "Empty")
        assert re.search(r"g-console\s+\w*\s*Empty", listed), listed

    def reset_and_delete_offsets(self):
        self.run("consumer-groups", "--group", "g-console", "--topic", "shared", "--reset-offsets", "--to-offset", 1, "--execute")
        assert {v[0] for v in self.described("g-console").values()} == {1}
        self.run("consumer-groups", "--group", "g-console", "--topic", "shared:0", "--reset-offsets", "--to-latest", "--execute")
        offset, end, lag = self.described("g-console")["shared", 0]
        assert offset == end and lag == 0
        self.run("consumer-groups", "--group", "g-console", "--topic", "shared:1", "--reset-offsets", "--to-datetime",
                 "2000-01-01T00:00:00.000", "--execute")
        assert self.described("g-console")["shared", 1][0] == 0
        self.run("consumer-groups", "--delete-offsets", "--group", "g-console", "--topic", "shared:0")
        left = self.described("g-console")
        assert ("shared", 0) not in left or left["shared", 0][0] is None, left
        self.run("consumer-groups", "--delete", "--group", "g-console")
        assert "g-console" not in self.run("consumer-groups", "--list").split()

    def get_offsets(self):
        def ask(*args):
            return dict(l.rsplit(":", 1) for l in self.run("get-offsets", "--topic", "shared", *args).split())
        latest = ask("--time", "latest")
        assert sum(map(int, latest.values())) == 2000 and len(latest) == 4, latest
        assert set(ask("--time", "earliest").values()) == {"0"}
        newest = ask("--time", "max-timestamp")
        assert all(0 <= int(newest.get(k, 0)) < max(int(v), 1) for k, v in latest.items()), newest
        assert set(ask("--time", 0).values()) == {"0"}

    def api_versions(self):
        out = self.run("broker-api-versions")
        for wanted in ("Produce(0)", "Fetch(1): 0 to 18", "ApiVersions(18): 0 to 4", "DescribeTopicPartitions(75)"):
            assert wanted in out or self.server.kind == "kafka", (wanted, out)

    def configs(self):
        out = self.run("configs", "--describe", "--entity-type", "topics", "--entity-name", "t-one", "--all")
        assert "segment.bytes=1048576" in out and "cleanup.policy=delete" in out and "max.message.bytes=" in out, out
        out = self.run("configs", "--describe", "--entity-type", "brokers", "--entity-name", 1, "--all")
        assert "num.partitions=" in out and "auto.create.topics.enable=" in out, out

    def perf(self):
        n = self.count
        self.run("topics", "--create", "--topic", "perf", "--partitions", 4)
        out = self.run("producer-perf-test", "--topic", "perf", "--num-records", n, "--record-size", 100, "--throughput", -1,
                       "--command-property", f"bootstrap.servers={self.server.address}", timeout=300, bootstrap=False)
        assert f"{n} records sent" in out.splitlines()[-1], out[-600:]
        print("   ", out.splitlines()[-1])
        out = self.run("consumer-perf-test", "--topic", "perf", "--num-records", n, "--timeout", 60000, timeout=300)
        fields = [x.strip() for x in out.splitlines()[-1].split(",")]
        print("   ", out.splitlines()[-1])
        assert int(float(fields[4])) >= n, out

    def e2e_latency(self):
        ran = self.run("e2e-latency", self.server.address, "e2e", 2000, "all", 100, bootstrap=False)
        print("   ", ran.splitlines()[-1])
        assert "Percentiles" in ran and "99.9th" in ran, ran

    def clean_stop(self):
        code = self.server.stop()
        assert code in (0, 143), f"exit code {code} after SIGTERM"
        assert (self.server.data / ".kafka_cleanshutdown").exists()

    def dump_log(self):
        """Every file of every partition, with its contents, in one run per decoder."""
        checked = 0
        for decoder, wanted in (("--offsets-decoder", lambda d: d.startswith("__consumer_offsets-")),
                                ("--cluster-metadata-decoder", lambda d: d.startswith("__cluster_metadata-")),
                                (None, lambda d: not d.startswith("__"))):
            files = sorted(str(f) for f in self.server.data.glob("*/*") if wanted(f.parent.name)
                           and f.suffix in (".log", ".index", ".timeindex", ".txnindex", ".snapshot", ".checkpoint"))
            assert files, f"no file for {decoder}"
            # an index needs its log beside it, which it finds by itself; the decoder goes with logs only
            for group, extra in (([f for f in files if f.endswith((".log", ".checkpoint"))], [decoder] if decoder else ["--print-data-log"]),
                                 ([f for f in files if not f.endswith((".log", ".checkpoint"))], [])):
                if not group:
                    continue
                ran = self.run("dump-log", *extra, "--files", ",".join(group), check=False, timeout=400, bootstrap=False)
                text = ran.stdout + ran.stderr
                complaints = [l for l in text.splitlines() if re.search(
                    r"Exception|mismatch|Mismatches|out of order|Found timestamp|could not be|isvalid: false|Corrupt|Invalid|ERROR|not found in log", l)
                    and "isvalid: true" not in l and "payload:" not in l]
                assert ran.returncode == 0 and not complaints, f"{decoder}: {complaints[:5]} {text[-500:] if ran.returncode else ''}"
                assert text.count("Dumping ") == len(group), f"{text.count('Dumping ')} of {len(group)} files"
                assert "isvalid: true" in text or not any(f.endswith(".log") for f in group)
                if decoder == "--offsets-decoder" and group[0].endswith(".log"):
                    assert '"group"' in text and '"offset"' in text, "no commit is decoded"
                if decoder == "--cluster-metadata-decoder":
                    for kind in ("TOPIC_RECORD", "PARTITION_RECORD", "REGISTER_BROKER_RECORD", "FEATURE_LEVEL_RECORD"):
                        assert kind in text or not group[0].endswith(".log"), kind
                checked += len(group)
        print(f"    {checked} files")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    broker.add_arguments(parser)
    parser.add_argument("--filter", default="", help="only tests whose name holds this")
    parser.add_argument("--records", type=int, default=1_000_000, help="for the perf tools (default 1,000,000)")
    args = parser.parse_args()
    out = report.Report("kafka", args.filter)
    try:
        dist = Path(args.kdist) if args.kdist else kdist.ensure()
    except kdist.Unavailable as why:
        print("=" * 100 + f"\nSKIPPED: no test of Apache Kafka's Java tools ran: {why}\n" + "=" * 100)
        for name in NAMES:
            out.add("skip", name, str(why))
        out.finish()
        return 3
    server = broker.from_arguments(args, paths.TESTS / "kafka" / "broker")
    os.environ.setdefault("KAFKA_HEAP_OPTS", "-Xmx256m")
    tools = Tools(server, dist / "bin", args.records)
    with server:
        for name in NAMES:
            out.run(name, getattr(tools, name))
        if args.broker == "ringwood":
            out.run("no_panic", lambda: server.panics() and (_ for _ in ()).throw(AssertionError(server.panics())))
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
