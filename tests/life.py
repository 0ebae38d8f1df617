#!/usr/bin/env python3
"""The broker's life at its edges: start-up errors, stops, listeners, limits on connections and memory, waits that nobody waits for.

    life.py [--filter WORD]
"""
import argparse
import contextlib
import ctypes
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tests.lib import broker, paths, process, records, report, wire  # noqa: E402

MIB = 1 << 20
WORK = paths.TESTS / "life"


def seccomp_without_io_uring():
    """Installs a filter on this process that answers io_uring's system calls with EPERM, as docker's default profile does."""
    libc = ctypes.CDLL(None, use_errno=True)

    class Instruction(ctypes.Structure):
        _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_uint16), ("filter", ctypes.POINTER(Instruction))]
    code = [
        Instruction(0x20, 0, 0, 0),                                             # the system call's number
        *[Instruction(0x15, 3 - at, 0, number) for at, number in enumerate((425, 426, 427))],
        Instruction(0x06, 0, 0, 0x7FFF0000),                                    # allow
        Instruction(0x06, 0, 0, 0x00050000 | 1),                                # EPERM
    ]
    filters = (Instruction * len(code))(*code)
    program = Program(len(code), filters)
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0, ctypes.get_errno()


class Errors:
    """What keeps a broker from starting is one line that says what to do, and exit code 1."""

    def __init__(self, binary):
        self.binary = binary
        self.data = WORK / "errors"

    def start(self, *overrides, prepare=None, user=None, timeout=15):
        command = [self.binary, "serve"]
        for setting in (f"log.dirs={self.data}", f"listeners=PLAINTEXT://127.0.0.1:{broker.free_port()}", *overrides):
            command += ["--override", setting]
        process_ = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=prepare, user=user)
        try:
            out, err = process_.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process_.kill()
            raise AssertionError("it started: " + process_.communicate()[1]) from None
        return process_.returncode, [line for line in err.splitlines() if " INFO " not in line and " WARN " not in line], out

    def refused(self, wanted, *overrides, **more):
        code, lines, out = self.start(*overrides, **more)
        assert code == 1, f"exit code {code}: {lines}"
        assert len(lines) == 1 and not out, f"not one line: {lines} {out}"
        assert lines[0].startswith("ringwood: ") and re.search(wanted, lines[0]), f"'{wanted}' is not in: {lines[0]}"
        print("    " + lines[0][:200])

    def wrong_value(self):
        self.refused("num.partitions.*at least 1", "num.partitions=0")

    def port_taken(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            self.refused(f"{port}.*another process listens there.*stop it or choose another port", f"listeners=PLAINTEXT://127.0.0.1:{port}")

    def no_such_address(self):
        self.refused("no network interface", "listeners=PLAINTEXT://192.0.2.1:9092")

    def privileged_port(self):
        if os.geteuid() != 0 or int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) < 82:
            raise report.Skip("needs root, and ports below 1024 that need a privilege")
        self.writable_by_all()
        self.refused("choose another port", "listeners=PLAINTEXT://127.0.0.1:81", user=65534)

    def writable_by_all(self):
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True)
        self.data.chmod(0o777)
        for folder in self.data.parents:
            if not os.stat(folder).st_mode & 0o001:
                raise report.Skip(f"other users may not enter {folder}")

    def no_permission(self):
        if os.geteuid() != 0:
            raise report.Skip("needs root, to be another user")
        self.writable_by_all()
        self.data.chmod(0o755)
        self.refused("[Pp]ermission denied.*may write", user=65534)

    def a_file_in_the_way(self):
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.data.write_text("not a directory")
        try:
            self.refused("errors.*(directory|exists)")
        finally:
            self.data.unlink()

    def locked(self):
        with broker.Ringwood(WORK / "locker", binary=self.binary) as other:
            self.refused("another broker uses this directory; stop it, or set log.dirs", f"log.dirs={other.data}")

    def other_node(self):
        first = broker.Ringwood(WORK / "node", binary=self.binary)
        with first:
            pass
        self.refused("belongs to node 1, but node.id is 7; set node.id=1", f"log.dirs={first.data}", "node.id=7")
        second = broker.Ringwood(WORK / "cluster", binary=self.binary)
        with second:
            pass
        self.refused("belongs to node 1 of cluster .*one broker", f"log.dirs={first.data},{second.data}")
        (first.data / "meta.properties").unlink()
        self.refused("no meta.properties; restore", f"log.dirs={first.data}")

    def locked_memory(self):
        def low():
            drop_capabilities()
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
        self.refused("RLIMIT_MEMLOCK is 64 KiB.*ulimit -l", prepare=low)

    def open_files(self):
        self.refused("RLIMIT_NOFILE is 100.*ulimit -n", prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))

    def seccomp(self):
        self.refused("io_uring is refused by a security filter.*seccomp", prepare=seccomp_without_io_uring)

    def direct_on_tmpfs(self):
        if not os.access("/dev/shm", os.W_OK):
            raise report.Skip("no /dev/shm here")
        data = Path("/dev/shm") / f"ringwood-life-{os.getpid()}"
        try:
            fs = subprocess.run(["stat", "-f", "-c", "%T", "/dev/shm"], capture_output=True, text=True).stdout
            if "tmpfs" not in fs:
                raise report.Skip("no tmpfs here")
            code, lines, _ = None, None, None
            try:
                code, lines, _ = self.start(f"log.dirs={data}", "ringwood.io.mode=direct", timeout=3)
            except AssertionError:
                raise report.Skip("this kernel's tmpfs takes direct writes") from None
            assert code == 1 and len(lines) == 1 and "ringwood.io.mode" in lines[0], (code, lines)
        finally:
            shutil.rmtree(data, ignore_errors=True)


def drop_capabilities():
    """No privilege to raise one's own limits, as outside of a test."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (24,):                                                    # CAP_SYS_RESOURCE
        libc.prctl(24, capability, 0, 0, 0)                                     # out of the bounding set, and so lost at exec


class Life:
    def __init__(self, args):
        self.args = args

    def broker(self, name, **overrides):
        settings = {key.replace("_", "."): value for key, value in overrides.items()}
        return broker.from_arguments(self.args, WORK / name, overrides=settings)

    def stop_with_waiting_fetches(self):
        """Consumers that wait do not hold a stop up; they are answered."""
        with self.broker("stop") as server:
            wire.make_topic(server.address, "t", 8)
            waiting = [wire.Connection(server.address) for _ in range(20)]
            for n, c in enumerate(waiting):
                c.send(1, 4, fetch("t", n % 8, 0, max_wait_ms=60_000))
            time.sleep(0.3)
            began = time.monotonic()
            code = server.stop()
            took = time.monotonic() - began
            for c in waiting:
                c.receive_frame()
        print(f"    stopped after {took * 1000:.0f} ms with 20 fetches waiting")
        assert code == 0 and took < 1.5, f"code {code} after {took:.1f} s"
        assert (server.data / ".kafka_cleanshutdown").exists()

    def stop_under_load(self):
        """What was acknowledged before a stop is there after it; the next start finds a clean directory."""
        server = self.broker("load")
        with server:
            wire.make_topic(server.address, "t", 4)
            acknowledged, halt = [0] * 4, threading.Event()

            def work(n):
                with contextlib.suppress(OSError, wire.WireError), wire.Connection(server.address) as c:
                    while not halt.is_set():
                        error, _, _ = c.produce("t", n, records.batch([b"x" * 1000]))
                        if error == 0:
                            acknowledged[n] += 1
            threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
            for t in threads:
                t.start()
            time.sleep(1)
            code = server.stop()
            halt.set()
            for t in threads:
                t.join()
            assert code == 0, code
            assert (server.data / ".kafka_cleanshutdown").exists()
            server.start()
            with wire.Connection(server.address) as c:
                for n in range(4):
                    end = c.list_offset("t", n)[2]
                    assert end >= acknowledged[n] > 0, f"{end} records, {acknowledged[n]} acknowledged"

    def two_signals(self):
        """A second SIGTERM ends a stop at once; the start after it recovers."""
        server = self.broker("signals")
        with server:
            wire.make_topic(server.address, "t", 1)
            group = wire.Connection(server.address)
            with wire.Connection(server.address) as c:
                assert c.produce("t", 0, records.batch([b"kept"]))[0] == 0
            # A stop takes a while for a client that has asked for much and reads nothing.
            assert group
            os.kill(server.pid, signal.SIGSTOP)
            os.kill(server.pid, signal.SIGTERM)
            os.kill(server.pid, signal.SIGINT)
            os.kill(server.pid, signal.SIGCONT)
            code = server.process.wait(10)
            server._forget()
            assert code in (0, 1), code
            server.start()
            assert [r[3] for r in wire.read_all(server.address, "t", 0)] == [b"kept"]

    def listeners(self):
        """Two listeners, IPv6, a port of the system's choice, any advertised host."""
        port = broker.free_port()
        hosts = [f"A://127.0.0.1:{port}", "B://127.0.0.1:0"]
        if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
            hosts.append("C://[::1]:0")
        server = self.broker("listeners", **{
            "listeners": ",".join(hosts), "listener.security.protocol.map": "A:PLAINTEXT,B:PLAINTEXT,C:PLAINTEXT",
            "inter.broker.listener.name": "A", "advertised.listeners": ",".join(
                [f"A://kafka.example.com:{port}", "B://localhost:0", "C://[::1]:0"][:len(hosts)])})
        server.port = port
        with server:
            time.sleep(0.2)
            line = re.sub(r"\x1b\[[0-9;]*m", "", [l for l in server.log_text(since_start=True).splitlines() if "listeners=" in l][-1])
            found = dict(re.findall(r"(\w)://(\S+?)(?=[, ])", line))
            assert len(found) == len(hosts), line
            for name, address in found.items():
                with wire.Connection(address.replace("[", "").replace("]", "")) as c:
                    got = metadata_broker(c)
                bound = int(address.rpartition(":")[2])
                want = {"A": ("kafka.example.com", port), "B": ("localhost", bound), "C": ("::1", bound)}[name]
                assert got == want and bound, f"{name}: {got}, not {want}"

    def limits_per_address(self):
        with self.broker("per-ip", max_connections_per_ip="5") as server:
            time.sleep(0.2)
            held = [wire.Connection(server.address) for _ in range(5)]
            assert all(c.api_versions()[0] == 0 for c in held)
            expect_closed(server)
            held.pop().close()
            wire.until(lambda: broker.answers(server.host, server.port), "a place is free again", 5)

    def limit_of_all(self):
        with self.broker("max", max_connections="4") as server:
            time.sleep(0.2)
            held = [wire.Connection(server.address) for _ in range(4)]
            assert all(c.api_versions()[0] == 0 for c in held)
            expect_closed(server)
            for c in held:
                c.close()
            wire.until(lambda: broker.answers(server.host, server.port), "places are free again", 5)

    def idle_connections(self):
        """Silent ones go after connections.max.idle.ms; those with part of a request too; busy ones stay."""
        with self.broker("idle", connections_max_idle_ms="1000") as server:
            silent, partial, busy = (wire.Connection(server.address) for _ in range(3))
            partial.socket.sendall(wire.frame(18, 0)[:7])
            began = time.monotonic()
            while time.monotonic() - began < 3:
                assert busy.api_versions()[0] == 0
                time.sleep(0.1)
            for c in (silent, partial):
                c.socket.settimeout(1)
                assert c.socket.recv(1) == b"", "still open"

    def request_memory(self):
        """Large requests share ringwood.request.memory; half of a request for ever does not lock the others out."""
        with self.broker("memory", **{"ringwood.request.memory.bytes": str(8 * MIB), "message.max.bytes": str(6 * MIB)}) as server:
            wire.make_topic(server.address, "t", 1)
            stuck = []
            for _ in range(6):
                c = wire.Connection(server.address)
                c.socket.sendall(struct.pack(">i", 90 * MIB) + wire.frame(0, 3)[4:] + b"\0" * MIB)
                stuck.append(c)
            time.sleep(0.3)
            batch = records.batch([os.urandom(4 * MIB)])
            answers = []

            def work():
                with wire.Connection(server.address) as c:
                    for _ in range(3):
                        answers.append(c.produce("t", 0, batch)[0])
            threads = [threading.Thread(target=work) for _ in range(4)]
            began = time.monotonic()
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            took = time.monotonic() - began
            peak = process.peak_rss_bytes(server.pid) / MIB
            print(f"    12 x 4 MiB beside six stuck requests: {took:.1f} s, at most {peak:.0f} MiB resident")
            assert answers == [0] * 12, answers
            assert took < 25 and peak < 200
            for c in stuck:
                c.close()

    def gone_clients(self):
        """Fetches with a huge max_wait whose clients go: their connections, and all that waits for them, go as well."""
        with self.broker("gone") as server:
            wire.make_topic(server.address, "t", 8)
            with wire.Connection(server.address) as c:
                c.api_versions()
            time.sleep(0.5)
            files = process.open_files(server.pid)
            for ending in ("reset", "close", "full pipeline", "full pipeline"):
                before = server.rss()
                for n in range(300):
                    c = wire.Connection(server.address)
                    for _ in range(70 if ending == "full pipeline" else 1):
                        c.send(1, 4, fetch("t", n % 8, 0, max_wait_ms=2**31 - 1))
                    if ending == "reset":
                        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    c.close()
                began = time.monotonic()
                wire.until(lambda: process.open_files(server.pid) <= files + 2, f"the connections are closed ({ending})", 25)
                grown = (server.rss() - before) / MIB
                print(f"    {ending}: gone after {time.monotonic() - began:.1f} s, {grown:.0f} MiB more")
            with wire.Connection(server.address) as c:
                for n in range(8):
                    assert c.produce("t", n, records.batch([b"x"]))[0] == 0
            assert grown < 20, f"the same once more takes {grown:.0f} MiB more"

    def half_closed(self):
        """A client that has sent all it had to say still gets its answers."""
        with self.broker("half") as server:
            wire.make_topic(server.address, "t", 2)
            with wire.Connection(server.address) as c:
                c.send(1, 4, fetch("t", 0, 0, max_wait_ms=1500))
                for _ in range(200):
                    c.send(18, 0, b"")
                c.socket.shutdown(socket.SHUT_WR)
                for _ in range(201):
                    c.receive_frame()
                assert c.socket.recv(1) == b""

    def idle_consumers(self):
        """A hundred consumers that poll as librdkafka does cost little."""
        with self.broker("consumers") as server:
            wire.make_topic(server.address, "t", 8)
            halt = threading.Event()
            held = [wire.Connection(server.address) for _ in range(100)]

            def poll():
                for n, c in enumerate(held):
                    c.send(1, 4, fetch("t", n % 8, 0, max_wait_ms=500))
                while not halt.is_set():
                    for n, c in enumerate(held):
                        c.receive_frame()
                        c.send(1, 4, fetch("t", n % 8, 0, max_wait_ms=500))
            thread = threading.Thread(target=poll, daemon=True)
            thread.start()
            time.sleep(2)
            cpu, began = process.cpu_nanoseconds(server.pid), time.monotonic()
            time.sleep(4)
            spent = (process.cpu_nanoseconds(server.pid) - cpu) / 1e6 / (time.monotonic() - began)
            halt.set()
            thread.join()
            print(f"    200 long polls a second: {spent:.1f} ms of CPU a second, {spent / 200 * 1000:.0f} us each")
            assert spent < 40, f"{spent:.1f} ms of CPU a second"

    def many_topics(self):
        """Thousands of partitions, small ones: start, stop and memory stay in bounds."""
        server = self.broker("topics")
        with server:
            began = time.monotonic()
            for n in range(10):
                create_topics(server, [(f"t-{n}-{i}", 4) for i in range(50)])
            made = time.monotonic() - began
            rss = server.rss() / MIB
            began = time.monotonic()
            assert server.stop() == 0
            stopped = time.monotonic() - began
            began = time.monotonic()
            server.start()
            started = time.monotonic() - began
            print(f"    500 topics of 4 partitions: made in {made:.1f} s, {rss:.0f} MiB; stopped in {stopped:.1f} s, started in {started:.1f} s")
            assert rss < 256 and stopped < 20 and started < 20


def fetch(topic, partition, offset, max_wait_ms, min_bytes=1):
    return wire.Out().put("iiiib", -1, max_wait_ms, min_bytes, 50 * MIB, 0).put("i", 1).string(topic).put("iiqi", 1, partition, offset, MIB).data


def metadata_broker(connection):
    return connection.metadata([])[0][1]


def create_topics(server, topics):
    body = wire.Out().put("i", len(topics))
    for name, count in topics:
        body.string(name).put("ihii", count, 1, 0, 0)
    body.put("ib", 30_000, 0)
    with wire.Connection(server.address, timeout=60) as c:
        answer = c.call(19, 2, body.data)
    answer.take("i")
    for name, error, _ in answer.array(lambda: (answer.string(), answer.take("h"), answer.string())):
        assert error == 0, (name, error)


def expect_closed(server):
    with contextlib.suppress(OSError), socket.create_connection((server.host, server.port), timeout=5) as s:
        s.sendall(wire.frame(18, 0))
        assert s.recv(4) == b"", "a connection too many is served"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    broker.add_arguments(parser)
    parser.add_argument("--filter", default="")
    args = parser.parse_args()
    out = report.Report("life", args.filter)
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    for kind, tests in (("error", Errors(Path(args.binary) if args.binary else paths.binary())), ("life", Life(args))):
        for name, test in vars(type(tests)).items():
            if callable(test) and not name.startswith("_") and name not in ("start", "refused", "writable_by_all", "broker"):
                out.run(f"{kind}/{name}", getattr(tests, name))
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
