#!/usr/bin/env python3
"""Runs the client suites, each against a broker of its own with an empty data directory.

    run.py [--jobs N] [SUITE...]

A test that an .expected list names and skips.txt does not must pass. The last line counts all suites together.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])
from tests.clients import skips  # noqa: E402
from tests.lib import broker, paths  # noqa: E402

HERE = Path(__file__).resolve().parent
# The longest first, so that the rest fits beside it.
SUITES = {"old-kafka-python": 1500, "kafka-python": 900, "rskafka": 1500, "confluent-kafka-python": 900, "kcat": 400, "aiokafka": 400}
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


def stale_skips(suite):
    """Lines of skips.txt that match no expected test."""
    expected = [l.strip() for l in (HERE / f"{suite}.expected").read_text().splitlines() if l.strip() and l[0] != "#"]
    return [pattern for compiled, pattern, _ in skips.load(HERE / "skips.txt", suite)
            if not any(compiled.fullmatch(t) for t in expected)]


def install_kcat():
    """kcat comes from the distribution; brought by apt where this is root."""
    if subprocess.run(["sh", "-c", "command -v kcat"], capture_output=True).returncode == 0:
        return True
    if os.geteuid() == 0:
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", "--no-install-recommends", "kcat"]):
            subprocess.run(command, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    return subprocess.run(["sh", "-c", "command -v kcat"], capture_output=True).returncode == 0


def environment(args):
    env = dict(os.environ)
    if args.broker == "ringwood":
        # what kafka-python 3.0.12 takes a broker for that offers ListOffsets 11 but not DescribeLogDirs 5
        env.setdefault("KAFKA_VERSION", "4.2")
    if args.no_skips:
        env["SUITE_SKIPS"] = "/dev/null"
    return env


def run(suite, args):
    """(suite, exit code, counts, output, seconds, what the broker did wrong)."""
    began, wrong = time.monotonic(), []
    work = paths.TESTS / "clients" / suite
    server = broker.from_arguments(args, work)
    output = paths.scratch("clients", "logs") / f"{suite}.log"
    try:
        server.start()
        with open(output, "w") as out:
            try:
                code = subprocess.run([HERE / f"{suite}.sh", server.address, str(paths.scratch("suites"))], stdin=subprocess.DEVNULL,
                                      stdout=out, stderr=subprocess.STDOUT, env=environment(args), timeout=SUITES[suite]).returncode
            except subprocess.TimeoutExpired:
                code = 124
        if not server.alive():
            wrong.append(f"the broker died with {server.process.returncode}")
        if args.broker == "ringwood":
            wrong += server.panics()
    except broker.BrokerError as error:
        code = 2
        output.write_text(str(error))
    finally:
        server.close()
    text = output.read_text(errors="replace")
    found = [COUNTS.match(l) for l in text.splitlines()]
    counts = next((tuple(map(int, m.groups())) for m in reversed(found) if m), (0, 1, 0))
    return suite, code, counts, text, time.monotonic() - began, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    broker.add_arguments(parser)
    parser.add_argument("--jobs", type=int, default=2, help="suites at a time (default 2)")
    parser.add_argument("--no-skips", action="store_true", help="also run what skips.txt names")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=" ".join(SUITES))
    args = parser.parse_args()
    suites = [s for s in SUITES if not args.suites or s in args.suites]
    if set(args.suites) - set(SUITES):
        parser.error(f"no such suite: {', '.join(sorted(set(args.suites) - set(SUITES)))}")
    stale = [f"{s} {p}" for s in suites for p in stale_skips(s)]
    for line in stale:
        print(f"FAIL clients skips.txt: matches no expected test: {line}")
    totals, failed, skipped = [0, 0, 0], len(stale), 0
    if "kcat" in suites and not install_kcat():
        print("SKIP clients kcat: kcat is not installed, and apt-get could not bring it", flush=True)
        suites.remove("kcat")
        skipped += 1
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, s, args) for s in suites]):
            suite, code, counts, text, seconds, wrong = done.result()
            bad = [l for l in text.splitlines() if l.startswith(("REGRESSED", "failed, and not"))]
            print("\n".join(bad or (text.splitlines()[-15:] if code else [])))
            for line in wrong:
                print(f"FAIL clients {suite}: {line}")
            print(f"{'pass' if code == 0 and not wrong else 'FAIL'} clients {suite} ({seconds:.0f} s): "
                  f"{counts[0]} passed, {counts[1]} failed, {counts[2]} skipped", flush=True)
            failed += 1 if (code or wrong) and not counts[1] else 0
            # a failure that is not expected to pass does not fail the run, and is not counted as one
            regressed = sum(l.startswith("REGRESSED") for l in bad)
            totals = [totals[0] + counts[0], totals[1] + regressed, totals[2] + counts[2]]
            failed += 1 if code and counts[1] and not regressed else 0
    print(f"clients: {totals[0]} passed, {totals[1] + failed} failed, {totals[2] + skipped} skipped", flush=True)
    return 1 if totals[1] + failed else 0


if __name__ == "__main__":
    sys.exit(main())
