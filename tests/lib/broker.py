"""Starts and stops brokers: Ringwood, the one under test, and Apache Kafka, the reference. Loopback only.

A broker keeps its port over restarts, so clients find it again. Only processes started here are ever stopped.
"""
import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from . import paths, process

# What the client suites want of a broker (see tests/clients/README.md); every test here uses the same.
SUITE_SETTINGS = {
    "num.partitions": "4",
    "auto.create.topics.enable": "true",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "5",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "100",
}
KAFKA_ONLY = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "5",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
    "super.users": "User:ANONYMOUS",
}

_running = []


def _reap():
    for broker in list(_running):
        broker.kill()


atexit.register(_reap)


class BrokerError(Exception):
    """A broker did not do what was asked; the message holds the end of its log."""


def free_port():
    """A free port below the ephemeral range, so that no client socket can take it while the broker is down."""
    for _ in range(500):
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise BrokerError("no free port")


def answers(host, port, timeout=2.0):
    """Whether something there answers an ApiVersions v0 request."""
    try:
        with socket.create_connection((host, port), timeout=timeout) as s:
            s.sendall(bytes.fromhex("0000000e" "0012" "0000" "00000001" "0004" "70726f62"))
            return len(s.recv(4)) == 4
    except OSError:
        return False


def _line(value):
    return str(value).replace("\\", "\\\\").replace("\n", "\\n")


class Broker:
    """One broker with its data directory and log file. Use as a context manager; `start` waits until it answers."""

    kind = "broker"
    start_seconds = 60

    def __init__(self, work, overrides=None, env=None, port=None, data=None):
        self.work = Path(work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.data = Path(data) if data else self.work / "data"
        self.port = port or free_port()
        self.overrides = dict(overrides or {})
        self.env = dict(env or {})
        self.log = self.work / "broker.log"
        self.process = None
        self.ready_after = None

    host = "127.0.0.1"

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def settings(self):
        return {**SUITE_SETTINGS, "log.dirs": str(self.data), **self.overrides}

    def write_properties(self):
        path = self.work / "server.properties"
        path.write_text("".join(f"{k}={_line(v)}\n" for k, v in self.settings().items()))
        return path

    def command(self):
        raise NotImplementedError

    def start(self, wait=True):
        assert self.process is None
        command = self.command()
        out = open(self.log, "ab")
        out.write(f"--- start: {' '.join(map(str, command))}\n".encode())
        out.flush()
        self.log_mark = out.tell()
        began = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            env={**os.environ, **self.env})
        out.close()
        _running.append(self)
        if wait:
            self.wait_ready(began)
        return self

    def wait_ready(self, began=None):
        began = began or time.monotonic()
        while not answers(self.host, self.port):
            if self.process.poll() is not None:
                code = self.process.returncode
                self._forget()
                raise BrokerError(f"{self.kind} ended with {code} before it was ready\n{self.tail()}")
            if time.monotonic() - began > self.start_seconds:
                self.kill()
                raise BrokerError(f"{self.kind} did not answer within {self.start_seconds} s\n{self.tail()}")
            time.sleep(0.02)
        self.ready_after = time.monotonic() - began
        return self

    def tail(self, lines=40):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def log_text(self, since_start=False):
        data = self.log.read_bytes()
        return data[self.log_mark if since_start else 0:].decode(errors="replace")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def _forget(self):
        if self in _running:
            _running.remove(self)
        self.process = None

    def stop(self, timeout=60):
        """SIGTERM; the exit code. Kills and raises when it takes too long."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BrokerError(f"{self.kind} did not stop within {timeout} s\n{self.tail()}") from None
        self._forget()
        return code

    def kill(self):
        """SIGKILL."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self._forget()

    def close(self):
        """Stops it one way or the other."""
        if self.process is None:
            return
        try:
            self.stop(timeout=20)
        except BrokerError:
            self.kill()

    def rss(self):
        return process.rss_bytes(self.pid)

    def cpu(self):
        return process.cpu_seconds(self.pid)


class Ringwood(Broker):
    """The broker under test. shards and io_mode None: its own defaults."""

    kind = "ringwood"
    start_seconds = 30

    def __init__(self, work, shards=None, io_mode=None, binary=None, **more):
        super().__init__(work, **more)
        self.shards, self.io_mode = shards, io_mode
        self.binary = Path(binary) if binary else paths.binary()
        if not self.binary.exists():
            raise BrokerError(f"{self.binary} is not there: cargo build --release")

    def settings(self):
        own = {"listeners": f"PLAINTEXT://{self.address}", "node.id": "1",
               "advertised.listeners": f"PLAINTEXT://{self.address}"}
        if self.shards:
            own["ringwood.shards"] = str(self.shards)
        if self.io_mode:
            own["ringwood.io.mode"] = self.io_mode
        return {**super().settings(), **own, **self.overrides}

    def command(self):
        return [self.binary, "serve", self.write_properties()]

    def panics(self):
        """Lines of its log that tell of a panic or an abort."""
        return [l for l in self.log_text().splitlines() if "panicked at" in l or "stack overflow" in l or "SIGABRT" in l]


class Kafka(Broker):
    """Apache Kafka, one combined KRaft node, from a directory with bin/kafka-*.sh (tests/kafka/kdist.py makes one)."""

    kind = "kafka"
    start_seconds = 120

    def __init__(self, work, kdist, heap="512m", **more):
        super().__init__(work, **more)
        self.kdist, self.heap = Path(kdist), heap
        self.controller_port = free_port()

    def settings(self):
        own = {
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{self.host}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.quorum.voters": f"1@{self.host}:{self.controller_port}",
        }
        return {**super().settings(), **KAFKA_ONLY, **own, **self.overrides}

    def command(self):
        properties = self.write_properties()
        if not (self.data / "meta.properties").exists():
            bin_, env = self.kdist / "bin", {**os.environ, "KAFKA_HEAP_OPTS": "-Xmx256m"}
            uuid = subprocess.run([bin_ / "kafka-storage.sh", "random-uuid"], env=env, capture_output=True, text=True, check=True)
            format_ = [bin_ / "kafka-storage.sh", "format", "-t", uuid.stdout.strip(), "-c", properties]
            # without this feature, as Ringwood has it; with it min.insync.replicas is a dynamic config. 3.9 does not know it.
            made = subprocess.run([*format_, "--feature", "eligible.leader.replicas.version=0"], env=env, capture_output=True, text=True)
            if made.returncode:
                made = subprocess.run(format_, env=env, capture_output=True, text=True)
            if made.returncode:
                raise BrokerError("kafka-storage.sh format: " + made.stdout + made.stderr)
        self.env.setdefault("KAFKA_HEAP_OPTS", f"-Xmx{self.heap} -Xms{self.heap}")
        return [self.kdist / "bin" / "kafka-server-start.sh", properties]

    def start(self, wait=True):
        # 3.9 and 4.x open the listener before the first topic can be made; the callers' first requests retry.
        return super().start(wait)


def add_arguments(parser):
    """--broker, --shards, --io-mode, --binary, --kdist, shared by every script that starts a broker."""
    parser.add_argument("--broker", default="ringwood", choices=["ringwood", "kafka", "kafka-3.9"],
                        help="kafka: run against the reference instead, to test the test")
    parser.add_argument("--shards", type=int, help="ringwood.shards (default: its own)")
    parser.add_argument("--io-mode", choices=["direct", "page-cache"], help="ringwood.io.mode (default: its own)")
    parser.add_argument("--binary", help="the ringwood to test (default: target/release/ringwood, or RINGWOOD_BINARY)")
    parser.add_argument("--kdist", help="a directory with Apache Kafka's bin/ (default: made below target/ by Maven)")


def from_arguments(args, work, **more):
    """The broker that the arguments describe, not started, with an empty directory."""
    shutil.rmtree(work, ignore_errors=True)
    if args.broker == "ringwood":
        return Ringwood(work, shards=args.shards, io_mode=args.io_mode, binary=args.binary, **more)
    from tests.kafka import kdist
    version = "3.9.1" if args.broker == "kafka-3.9" else kdist.VERSION
    return Kafka(work, args.kdist or kdist.ensure(version), **more)
