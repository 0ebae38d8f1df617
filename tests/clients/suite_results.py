"""pytest plugin: one line per test, `pass|fail|skip PREFIX::TEST`, written as soon as the test ends.

A test that skips.txt names is not run.
"""
import os

import pytest
import skips

PREFIX = os.environ.get("SUITE_PREFIX", "")
_state = {}
_skips = skips.load()


def _name(nodeid):
    return (f"{PREFIX}::{nodeid}" if PREFIX else nodeid).replace(" ", "_").replace("\n", "_")


def _append(variable, text):
    with open(os.environ[variable], "a") as out:
        out.write(text + "\n")


def pytest_collection_modifyitems(items):
    for item in items:
        reason = skips.reason(_skips, _name(item.nodeid))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish(session):
    if not session.config.option.collectonly:
        for item in session.items:
            _append("SUITE_PLANNED", _name(item.nodeid))


def pytest_collectreport(report):
    if report.failed:
        _append("SUITE_RESULTS", f"fail {_name(report.nodeid)}[collection]")


def pytest_runtest_logreport(report):
    worst = _state.get(report.nodeid, "pass")
    if report.failed:
        worst = "fail"
    elif report.skipped and worst != "fail":
        worst = "skip"
    _state[report.nodeid] = worst
    if report.when == "teardown":
        _append("SUITE_RESULTS", f"{worst} {_name(report.nodeid)}")
