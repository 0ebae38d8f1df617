"""The tests that skips.txt leaves out. As a command: `skips.py TEST` says (status 0) whether the suite SUITE_NAME skips it.

A line is `SUITE TEST REASON`; in TEST a * stands for anything (a test runs in many passes), all else for itself.
"""
import os
import re
import sys


def load(path=None, suite=None):
    """[(compiled pattern, pattern, reason)] of one suite."""
    suite = suite or os.environ.get("SUITE_NAME", "")
    path = path or os.environ.get("SUITE_SKIPS") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "skips.txt")
    found = []
    with open(path) as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                of, pattern, reason = line.split(None, 2)
                if of == suite:
                    found.append((re.compile(".*".join(map(re.escape, pattern.split("*")))), pattern, reason.strip()))
    return found


def reason(skips, test):
    """Why a test is left out, or None."""
    return next((why for compiled, _, why in skips if compiled.fullmatch(test)), None)


if __name__ == "__main__":
    sys.exit(0 if reason(load(), sys.argv[1]) else 1)
