"""Where things are, whatever the current directory: the project's root, its target directory, scratch space."""
import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
TESTS = TARGET / "tests"


def scratch(*parts):
    """An existing directory below target/tests/."""
    path = TESTS.joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def empty(*parts):
    """The same, emptied."""
    path = TESTS.joinpath(*parts)
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def binary():
    """The broker under test: RINGWOOD_BINARY, else the release build."""
    return Path(os.environ.get("RINGWOOD_BINARY") or TARGET / "release" / "ringwood").resolve()
