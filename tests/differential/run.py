#!/usr/bin/env python3
"""The same requests to Ringwood and to Apache Kafka 4.3.1 (and to 3.9.1 for the versions that 4 has dropped); answers must agree.

    run.py [--rounds N] [--requests N] [--seed N] [--only SECTION] [--all]

Each round runs every section with other versions of each API, so that the rounds together use all of them. What may differ
is named in exceptions.py. --all prints every difference.
"""
import argparse
import collections
import random
import re
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])
from tests.lib import broker, paths, report, venv  # noqa: E402

if __name__ == "__main__":
    venv.enter()
from tests.differential import groups, pair, randomly, script  # noqa: E402
from tests.kafka import kdist  # noqa: E402

SECTIONS = {**script.SECTIONS, **groups.SECTIONS}


def chooser(ranges, number, upward):
    """Versions for a round: counted from the newest down, or from the oldest up."""
    def version(api):
        low, high = ranges[api]
        return low + number % (high - low + 1) if upward else high - number % (high - low + 1)
    return version


class Summary:
    """Every difference once, whatever the round and the version: the last thing that is printed when there are some."""

    def __init__(self):
        self.seen = collections.Counter()

    def add(self, found):
        for text in set(re.sub(r"(\[\w+) \d+\]", r"\1]", re.sub(r"\b[wud]\d+\w*-", "", d)) for d in found):
            self.seen[text] += 1

    def show(self):
        for text, times in self.seen.most_common(60):
            print(f"  {times:4} x {text[:220]}")


def against(out, args, ours, reference, name, rounds, upward, summary):
    both = pair.Pair(ours.address, reference.address, args.trace)

    def checked(what, function, *more):
        both.differences.clear()
        for side in both.sides:
            side.symbols.seen.clear()                   # one difference must not shift the numbers of later sections
        before = both.steps

        def test():
            function(both, *more)
            found, total = list(dict.fromkeys(both.differences)), both.steps - before
            summary.add(found)
            shown = found if args.all else found[:8]
            assert not found, f"{len(found)} differences in {total} answers:\n    " + "\n    ".join(
                shown + ["..."] * (len(found) > len(shown)))
        out.run(what, test)
        for side in both.sides:
            for connection in list(side.connections):
                if connection != "main":
                    side.drop(connection)
            side.started.clear()
    for number in range(rounds):
        version = chooser(both.both, number, upward)
        for section, function in SECTIONS.items():
            once = section in ("api_versions", "unknown_requests")
            if once and (number or both.old) or args.only not in section:
                continue
            checked(f"{name}/{section}/{number}", function, f"{'u' if upward else 'd'}{number}{section[0]}", version)
    for walk in range(args.walks if args.only in "random" else 0):
        seed = args.seed + walk
        checked(f"{name}/random/{seed}", lambda p: randomly.Walk(p, f"w{seed}", seed).run(args.requests))
    both.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    broker.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=19, help="19 use every version (default)")
    parser.add_argument("--walks", type=int, default=3, help="random sequences (default 3)")
    parser.add_argument("--requests", type=int, default=400, help="requests in a random sequence (default 400)")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default="", help="only sections whose name holds this ('random': only the random part)")
    parser.add_argument("--reference", choices=["4.3.1", "3.9.1", "both"], default="both")
    parser.add_argument("--all", action="store_true", help="print every difference")
    parser.add_argument("--trace", action="store_true", help="print every answer")
    args = parser.parse_args()
    args.seed = random.randrange(1 << 30) if args.seed is None else args.seed
    out = report.Report("differential")
    if kdist.missing():
        print(f"SKIPPED: no differential run: {kdist.missing()}")
        out.add("skip", "everything", kdist.missing())
        out.finish()
        return 3
    print(f"    seed {args.seed}", flush=True)
    summary = Summary()
    for version, rounds, upward in (("4.3.1", args.rounds, False), ("3.9.1", min(args.rounds, 4), True)):
        if args.reference not in ("both", version):
            continue
        work = paths.empty("differential", version)
        # records of 1970 and 2023 must not fall to retention during the run
        overrides = {"log.retention.ms": "-1"}
        ours = broker.from_arguments(args, work / "ours", overrides=overrides)
        dist = Path(args.kdist) if args.kdist and version == kdist.VERSION else kdist.ensure(version)
        with ours, broker.Kafka(work / "reference", dist, overrides=overrides) as reference:
            against(out, args, ours, reference, version, rounds, upward, summary)
            if args.broker == "ringwood":
                out.run(f"{version}/no_panic", no_panic, ours)
    summary.show()
    return out.finish()


def no_panic(ours):
    assert ours.alive(), f"the broker ended with {ours.process.returncode}"
    assert not ours.panics(), ours.panics()


if __name__ == "__main__":
    sys.exit(main())
