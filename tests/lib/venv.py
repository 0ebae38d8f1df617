"""Virtual environments below target/tests/venvs, with pinned packages; made once, made anew when the pins change."""
import fcntl
import os
import shutil
import subprocess
import sys

from . import paths

CLIENTS = ["confluent-kafka==2.16.1", "kafka-python==3.0.12", "crc32c==2.8", "lz4==4.4.5", "zstandard==0.25.0",
           "python-snappy==0.7.3", "cramjam==2.11.0"]


def ensure(name, requirements):
    """The python of the environment."""
    root = paths.scratch("venvs")
    path, wanted = root / name, "\n".join(requirements)
    with open(root / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = path / ".requirements"
        if not mark.exists() or mark.read_text() != wanted:
            shutil.rmtree(path, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", path], check=True)
            subprocess.run([path / "bin" / "pip", "install", "-q", "--disable-pip-version-check", *requirements], check=True)
            mark.write_text(wanted)
    return path / "bin" / "python"


def enter(name="clients", requirements=CLIENTS):
    """Runs the calling script again inside the environment, unless it is there already."""
    python = ensure(name, requirements)
    if os.environ.get("RINGWOOD_TESTS_VENV") != name:
        os.environ["RINGWOOD_TESTS_VENV"] = name
        os.execv(python, [str(python), *sys.argv])
