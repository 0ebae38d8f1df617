#!/usr/bin/env python3
"""Kill -9 in a loop under load: nothing acknowledged is lost, nothing comes twice, offsets are contiguous, groups go on.

    run.py [--kills N] [--planted ack-before-write|drop-duplicate-window|forget-last-index-entry]

--planted starts a broker that has that bug (a build with the feature planted-bugs) and succeeds if the checker finds it.
"""
import argparse
import collections
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])
from tests.lib import broker, paths, report, venv, wire  # noqa: E402

if __name__ == "__main__":
    venv.enter()
from tests.crash import check, files  # noqa: E402
from tests.crash.worker import GROUP  # noqa: E402

HERE = Path(__file__).resolve().parent
TOPIC, PARTITIONS = "crash", 4
PLANTED = {"ack-before-write": ("lost", "gap"), "drop-duplicate-window": ("duplicate",), "forget-last-index-entry": ("no entry", "ends with")}


def committed_offsets(address, group, topic, partitions):
    """{partition: committed offset}, by OffsetFetch version 1; waits until the coordinator has loaded."""
    def ask():
        with wire.Connection(address) as c:
            o = wire.Out().string(group).put("i", 1).string(topic).put("i", partitions)
            for p in range(partitions):
                o.put("i", p)
            r = c.call(9, 1, o.data)

            def partition():
                index, offset = r.take("iq")
                r.string()
                return index, offset, r.take("h")
            (_, found), = r.array(lambda: (r.string(), r.array(partition)))
            return {i: offset for i, offset, error in found} if not any(e for _, _, e in found) else None
    return wire.until(ask, "the coordinator has the group's offsets", 60)


class Crash:
    def __init__(self, args, work):
        self.args, self.work, self.random = args, work, random.Random(args.seed)
        env = {"RINGWOOD_PLANTED_BUG": args.planted} if args.planted else {}
        self.server = broker.from_arguments(args, work / "broker", env=env)
        self.logs = work / "workers"
        self.logs.mkdir()
        self.workers, self.histories, self.read = {}, collections.defaultdict(check.History), {}
        self.complaints = []

    def launch(self, role, name, *more):
        out = open(self.logs / f"{name}.out", "ab")
        self.workers[name] = subprocess.Popen(
            [sys.executable, HERE / "worker.py", role, name, self.server.address, TOPIC, str(PARTITIONS), self.logs, *map(str, more)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def refresh(self):
        """Reads what the workers have written since the last time."""
        for name in self.workers:
            path = self.logs / f"{name}.log"
            if path.exists():
                with open(path) as f:
                    f.seek(self.read.get(name, 0))
                    text = f.read()
                whole = text[:text.rfind("\n") + 1]
                self.read[name] = self.read.get(name, 0) + len(whole)
                self.histories[name].feed(whole.splitlines())
        return sum(len(h.acks) for h in self.histories.values()), sum(len(h.commits) for h in self.histories.values())

    def progress(self, timeout=60):
        """Waits until every producer has new acknowledgements and the group a new commit."""
        self.refresh()
        before = {n: (len(h.acks), len(h.commits)) for n, h in self.histories.items()}

        def moved(name):
            h, (acks, commits) = self.histories[name], before.get(name, (0, 0))
            return len(h.acks) > acks or len(h.commits) > commits
        deadline = time.monotonic() + timeout
        while True:
            self.refresh()
            producers = [n for n in self.workers if not n.startswith("member")]
            members = [n for n in self.workers if n.startswith("member")]
            stuck = [n for n in producers if not moved(n)] + ([] if any(map(moved, members)) else ["the group"])
            if not stuck:
                return
            if time.monotonic() > deadline:
                self.complaints.append(f"no progress within {timeout} s after a start: {', '.join(stuck)}")
                return
            if not self.server.alive():
                self.complaints.append(f"the broker ended by itself with {self.server.process.returncode}")
                return
            time.sleep(0.05)

    def ends(self):
        def ask():
            with wire.Connection(self.server.address) as c:
                found = {p: c.list_offset(TOPIC, p) for p in range(PARTITIONS)}
            return {p: f[2] for p, f in found.items()} if not any(f[0] for f in found.values()) else None
        return wire.until(ask, "the partitions are there", 60)

    def kill(self, number):
        self.server.kill()
        time.sleep(0.2)                                 # what the kernel had still to deliver is read and written down
        self.refresh()
        offsets, commits = check.acknowledged(self.histories)
        if number % 5 == 4:                             # now and then in the middle of a start
            self.server.start(wait=False)
            time.sleep(self.random.uniform(0, 0.08 if self.server.kind == "ringwood" else 3))
            self.server.kill()
        self.server.start()
        # the workers append at once, so the true end at the start may be a little lower than this
        ends, after = self.ends(), committed_offsets(self.server.address, GROUP, TOPIC, PARTITIONS)
        later = self.ends()
        for p in range(PARTITIONS):
            if offsets.get(p, -1) >= ends[p]:
                self.complaints.append(f"kill {number}: lost: partition {p} ends at {ends[p]}, offset {offsets[p]} was acknowledged")
            if after[p] < commits.get(p, -1):
                self.complaints.append(f"kill {number}: the group's offset in partition {p} is {after[p]}, {commits[p]} was acknowledged")
            if after[p] > later[p]:
                self.complaints.append(f"kill {number}: the group's offset in partition {p} is {after[p]}, the log ends at {later[p]}")

    def run(self):
        self.server.start()
        wire.make_topic(self.server.address, TOPIC, PARTITIONS, {"segment.bytes": 1 << 20})
        self.launch("librdkafka", "rd", self.args.rate)
        self.launch("kafka-python", "py", self.args.rate / 5)
        self.launch("raw", "raw", 100, 4 if self.server.kind == "ringwood" else 1)
        self.launch("member", "member1")
        self.launch("member", "member2")
        self.progress()
        for number in range(self.args.kills):
            time.sleep(self.random.uniform(0.2, 2.0))
            self.kill(number)
            if self.complaints and self.args.planted:
                return                                  # found; a log that lost records would keep its producers trying for ever
            self.progress()
            acks, commits = self.refresh()
            print(f"    kill {number + 1}: up again after {self.server.ready_after:.2f} s, {acks} records and {commits} commits acknowledged so far"
                  + (f", {len(self.complaints)} complaints" if self.complaints else ""), flush=True)
            if self.complaints and not self.args.keep_going:
                break
        self.wind_down()

    def wind_down(self):
        (self.logs / "stop").touch()
        for name in [n for n in self.workers if not n.startswith("member")]:
            self.wait(name, 150)
        ends = self.ends()
        self.refresh()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and committed_offsets(self.server.address, GROUP, TOPIC, PARTITIONS) != ends:
            time.sleep(0.2)
        (self.logs / "halt").touch()
        for name in [n for n in self.workers if n.startswith("member")]:
            self.wait(name, 30)
        self.refresh()
        final = committed_offsets(self.server.address, GROUP, TOPIC, PARTITIONS)
        if final != ends:
            self.complaints.append(f"the group's offsets are {final}, the logs end at {ends}")
        self.examine(ends)

    def wait(self, name, timeout):
        try:
            self.workers[name].wait(timeout)
        except subprocess.TimeoutExpired:
            self.workers[name].kill()
            self.complaints.append(f"{name} did not end within {timeout} s")

    def examine(self, ends):
        self.refresh()
        for name, history in self.histories.items():
            self.complaints += [f"{name}: {w}" for w in history.wrong]
            if not history.ended:
                self.complaints.append(f"{name} died: {(self.logs / (name + '.out')).read_text()[-500:]}")
        producers = {n: h for n, h in self.histories.items() if not n.startswith("member")}
        members = {n: h for n, h in self.histories.items() if n.startswith("member")}
        for p in range(PARTITIONS):
            found = [(r[0], r[3]) for r in wire.read_all(self.server.address, TOPIC, p)]
            self.complaints += check.check_partition(p, found, producers)
        self.complaints += check.check_commits(members, ends)
        code = self.server.stop()
        if code not in (0, 143):
            self.complaints.append(f"the broker ended with {code} after SIGTERM")
        for p in range(PARTITIONS):
            wrong, end, _ = files.check_partition(self.server.data / f"{TOPIC}-{p}")
            self.complaints += wrong
            if end != ends[p]:
                self.complaints.append(f"partition {p}: the files end at {end}, the broker said {ends[p]}")
        if self.server.kind == "ringwood":
            self.complaints += self.server.panics()

    def close(self):
        for worker in self.workers.values():
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        self.server.close()


def planted_binary():
    """A build with the planted bugs in it, apart from the release build."""
    made = paths.scratch("planted") / "ringwood"
    subprocess.run(["cargo", "build", "-q", "--features", "planted-bugs"], cwd=paths.ROOT, check=True)
    shutil.copy(paths.TARGET / "debug" / "ringwood", made)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    broker.add_arguments(parser)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--rate", type=float, default=1500, help="records a second of the librdkafka producer (default 1500)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--planted", choices=sorted(PLANTED))
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first complaint")
    args = parser.parse_args()
    name = f"planted-{args.planted}" if args.planted else "kills"
    out = report.Report("crash-planted-" + args.planted if args.planted else "crash")
    if args.planted and not args.binary:
        args.binary = planted_binary()
    crash = Crash(args, paths.empty("crash", name))
    print(f"    seed {args.seed}", flush=True)

    def test():
        try:
            crash.run()
        finally:
            crash.close()
        shown = crash.complaints[:20]
        if args.planted:
            print("\n".join(f"    found: {c}" for c in shown[:5]))
            assert any(word in c for c in crash.complaints for word in PLANTED[args.planted]), f"the checker did not find the planted bug; it says: {shown}"
        else:
            assert not crash.complaints, f"{len(crash.complaints)} complaints, seed {args.seed}:\n  " + "\n  ".join(shown)
    out.run(f"{args.kills}_kills", test)
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
