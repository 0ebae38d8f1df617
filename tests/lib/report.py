"""Results of a script: a line per test as it ends, and 'N passed, N failed, N skipped' at the end."""
import re
import sys
import time
import traceback

from . import paths


class Skip(Exception):
    """Raised by a test that cannot run here; the message says why."""


class Report:
    """Collects results under the name of a suite; `finish` prints the counts and gives the exit code."""

    def __init__(self, name, only=""):
        self.name, self.only = name, only
        self.count = {"pass": 0, "fail": 0, "skip": 0}
        self.file = open(paths.scratch("results") / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', name)}.txt", "w")

    def add(self, status, test, why="", seconds=None):
        self.count[status] += 1
        took = f" ({seconds:.1f} s)" if seconds is not None else ""
        shown = {"pass": "pass", "fail": "FAIL", "skip": "SKIP"}[status]
        print(f"{shown} {self.name} {test}{took}" + (f": {why}" if why else ""), flush=True)
        self.file.write(f"{status} {test}" + (f": {why.splitlines()[0]}" if why else "") + "\n")
        self.file.flush()

    def run(self, test, function, *args, **kwargs):
        """Runs one test; any exception but Skip is a failure. Returns what the function returned, None if it failed."""
        if self.only and self.only not in test:
            return None
        began = time.monotonic()
        try:
            value = function(*args, **kwargs)
        except Skip as why:
            self.add("skip", test, str(why))
            return None
        except AssertionError as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.add("fail", test, f"{error or where.line} [{where.filename.rpartition('/')[2]}:{where.lineno}]",
                     time.monotonic() - began)
            return None
        except Exception as error:
            self.add("fail", test, f"{type(error).__name__}: {error}", time.monotonic() - began)
            traceback.print_exc(file=sys.stdout)
            return None
        self.add("pass", test, seconds=time.monotonic() - began)
        return value

    def finish(self):
        self.file.close()
        print(f"{self.name}: {self.count['pass']} passed, {self.count['fail']} failed, {self.count['skip']} skipped", flush=True)
        return 1 if self.count["fail"] or not (self.count["pass"] + self.count["skip"]) else 0
