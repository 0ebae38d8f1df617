#!/usr/bin/env python3
"""Runs every test outside cargo against target/release/ringwood and counts them all.

    run.py [--lanes N] [STEP...]

Steps run in two lanes at a time; each writes target/tests/logs/STEP.log. A step that fails shows the end of its log. The
steps bring what they need (see tests/README.md); what cannot be brought is skipped by name.
"""
import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tests.lib import paths  # noqa: E402

HERE = Path(__file__).resolve().parent
PLANTED = ("ack-before-write", "drop-duplicate-window", "forget-last-index-entry")
COUNTS = re.compile(r"^[\w-]*:? ?(\d+) passed, (\d+) failed, (\d+) skipped$")
NEEDS_JAVA = 3                                          # the exit code of a step that was skipped for want of Java or Maven

# name: (command below tests/, limit in seconds). Steps of a lane run one after another, lanes side by side.
FIRST = {"checker": (["crash/self_test.py"], 60), "start": (["start.py"], 120)}
LANES = [
    {"clients": (["clients/run.py", "--jobs", "2"], 1800)},
    {"crash": (["crash/run.py", "--kills", "20"], 600),
     **{f"planted-{bug}": (["crash/run.py", "--kills", "6", "--planted", bug], 400) for bug in PLANTED},
     "kafka": (["kafka/tools.py"], 900),
     "matrix": (["matrix.py"], 600),
     "life": (["life.py"], 300),
     "differential": (["differential/run.py", "--seed", "1"], 900),
     "hostile": (["hostile/run.py"], 600),
     "life": (["life.py"], 300)},
]


def kill_group(group):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


class Runner:
    def __init__(self):
        self.lock, self.totals, self.bad, self.without_java = threading.Lock(), [0, 0, 0], [], []
        self.groups = set()                             # the running steps, each a process group with its brokers and clients
        self.began = time.monotonic()

    def step(self, name, command, limit):
        log = paths.scratch("logs") / f"{name}.log"
        began = time.monotonic()
        with open(log, "wb") as out:
            process = subprocess.Popen([sys.executable, HERE / command[0], *command[1:]], stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT, cwd=paths.ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
                                       start_new_session=True)
            self.groups.add(process.pid)
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                kill_group(process.pid)
                process.wait()
                code = "no end"
                out.write(f"\nstopped after {limit} s\n".encode())
            kill_group(process.pid)                     # whatever a crashed script has left of its own
            self.groups.discard(process.pid)
        lines = log.read_text(errors="replace").splitlines()
        counts = next((tuple(map(int, m.groups())) for m in map(COUNTS.match, reversed(lines)) if m), (0, 0, 0))
        failed = code not in (0, NEEDS_JAVA)
        if failed and not counts[1]:
            counts = counts[0], 1, counts[2]
        with self.lock:
            self.totals = [a + b for a, b in zip(self.totals, counts)]
            print(f"{'FAIL' if failed else 'skip' if code == NEEDS_JAVA else 'pass'} {name} ({time.monotonic() - began:.0f} s): "
                  f"{counts[0]} passed, {counts[1]} failed, {counts[2]} skipped", flush=True)
            if failed:
                self.bad.append(name)
                worst = [l for l in lines if re.match(r"FAIL|REGRESSED", l)]
                print("\n".join(f"  | {l[:600]}" for l in worst[:20] + lines[-40:]), flush=True)
            if code == NEEDS_JAVA:
                self.without_java.append(name)
                print("\n".join(f"  | {l}" for l in lines if "SKIP" in l), flush=True)

    def lane(self, steps):
        for name, (command, limit) in steps.items():
            self.step(name, command, limit)


def main():
    every = [name for lane in [FIRST, *LANES] for name in lane]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, choices=[1, 2], default=2, help="1: one step at a time")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=" ".join(every))
    args = parser.parse_args()
    unknown = set(args.steps) - set(every)
    if unknown:
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    if not paths.binary().exists():
        sys.exit(f"{paths.binary()} is not there: cargo build --release")

    def chosen(steps):
        return {n: s for n, s in steps.items() if not args.steps or n in args.steps}
    runner = Runner()

    def stop(*_):
        for group in list(runner.groups):
            kill_group(group)
        os._exit(130)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    runner.lane(chosen(FIRST))                          # alone: they measure time
    threads = [threading.Thread(target=runner.lane, args=(chosen(lane),)) for lane in LANES]
    for thread in threads:
        thread.start()
        if args.lanes == 1:
            thread.join()
    for thread in threads:
        thread.join()
    if runner.without_java:
        print("=" * 100 + f"\nSKIPPED for want of Java or Maven: {', '.join(runner.without_java)}\n" + "=" * 100)
    if runner.bad:
        print(f"failed: {', '.join(runner.bad)}; logs in {paths.TESTS / 'logs'}")
    (paths.scratch("results") / "skipped-java").write_text("\n".join(runner.without_java))
    print(f"took {time.monotonic() - runner.began:.0f} s")
    print("{} passed, {} failed, {} skipped".format(*runner.totals), flush=True)
    return 1 if runner.bad or runner.totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
