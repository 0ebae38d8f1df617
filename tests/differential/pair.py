"""Two brokers that get the same requests."""
import socket
import struct
import time

from tests.lib import codec, wire

from . import exceptions

CLOSED, SILENT = {"connection": "closed"}, {"connection": "no answer in time"}


class Side:
    """One broker: its connections by name, what the script remembers of it, and how it numbers its ids."""

    def __init__(self, address):
        self.address, self.connections, self.memory, self.symbols = address, {}, {}, exceptions.Symbols()
        self.started = {}
        self.memory["name"] = self.symbols.name      # for savers: (value, label)

    def connection(self, name):
        if name not in self.connections:
            self.connections[name] = codec.Client(self.address, timeout=30)
        return self.connections[name]

    def drop(self, name):
        one = self.connections.pop(name, None)
        if one:
            one.close()

    def guarded(self, name, action):
        try:
            return action(self.connection(name))
        except (wire.WireError, ConnectionError):
            self.drop(name)
            return CLOSED
        except (socket.timeout, TimeoutError):
            self.drop(name)
            return SILENT

    def body(self, body):
        return body(self.memory) if callable(body) else body

    def ask(self, api, version, body, name="main"):
        return self.guarded(name, lambda c: c.ask(api, version, self.body(body)))

    def versions(self):
        answer = self.ask("ApiVersions", 0, {})
        return {k["api_key"]: (k["min_version"], k["max_version"]) for k in answer["api_keys"]}

    def close(self):
        for name in list(self.connections):
            self.drop(name)


class Pair:
    """`ask` and its kin send to both, compare, and remember the differences under the step's label."""

    def __init__(self, ours, reference, trace=False):
        self.trace = trace
        self.sides = (Side(ours), Side(reference))
        self.differences, self.steps = [], 0
        a, b = (s.versions() for s in self.sides)
        self.old = b[1][0] < 4                          # a Kafka before 4: speaks Fetch 0, and knows other configs
        self.both, self.ranges = {}, (a, b)
        for name, api in codec.apis().items():
            if api.key in a and api.key in b:
                low = max(a[api.key][0], b[api.key][0], api.request.versions[0])
                high = min(a[api.key][1], b[api.key][1], api.request.versions[1])
                if name == "Produce" and low < 3 and b[1][0] > 3:
                    low = 3                             # Kafka 4 offers 0 to 2 but closes the connection on them
                low = max([low] + [below for of, below, _ in exceptions.VERSIONS if of == name])
                if low <= high:
                    self.both[name] = low, high

    def compare(self, label, api, answers):
        self.steps += 1
        if self.trace:
            print(f"  {label}\n    ours:      {answers[0]}\n    reference: {answers[1]}")
        normal = [exceptions.normal(api, a, s.symbols) for a, s in zip(answers, self.sides)]
        found = [d for d in exceptions.differences(*normal) if not exceptions.excused(label, d, self.old)]
        self.differences += [f"{label}: {d}" for d in found]
        return not found

    def ask(self, label, api, version, body=None, name="main", save=None, check=True):
        """The two answers. save(memory, answer) keeps what later requests need; check=False: not compared."""
        answers = []
        for side in self.sides:
            answer = side.ask(api, version, body or {}, name)
            if save and "connection" not in answer:
                save(side.memory, answer)
            answers.append(answer)
        if check:
            self.compare(f"{label} [{api} {version}]", api, answers)
        return answers

    def start(self, api, version, body, name):
        """Sends on both without waiting for the answer."""
        for side in self.sides:
            side.started[name] = side.guarded(name, lambda c: (api, c.start(api, version, side.body(body))))

    def finish(self, label, name, save=None, check=True):
        answers, api = [], None
        for side in self.sides:
            begun = side.started.pop(name)
            if isinstance(begun, dict):
                answers.append(begun)
                continue
            api, started = begun
            answer = side.guarded(name, lambda c: c.finish(started))
            if save and "connection" not in answer:
                save(side.memory, answer)
            answers.append(answer)
        if check and api:
            self.compare(f"{label} [{api} {started[1]}]", api, answers)
        return answers

    def settle(self, what, api, version, body, good, timeout=20):
        """Asks each side again and again until it answers as it should: metadata reaches a broker some time after the answer."""
        for side in self.sides:
            deadline = time.monotonic() + timeout
            while True:
                answer = side.ask(api, version, body)
                try:
                    if good(answer):
                        break
                except (KeyError, IndexError, TypeError):
                    pass
                if time.monotonic() > deadline:
                    self.differences.append(f"{what}: {side.address} did not come to it within {timeout} s: {exceptions.short(answer)}")
                    break
                time.sleep(0.05)

    def topic(self, name, partitions=1, configs=None):
        """A topic on both, ready for use; memory["topic:NAME"] is its id."""
        for side in self.sides:
            wire.make_topic(side.address, name, partitions, configs)
            answer = side.ask("Metadata", min(12, self.both["Metadata"][1]), {"topics": [{"name": name}], "allow_auto_topic_creation": False})
            side.memory[f"topic:{name}"] = answer["topics"][0].get("topic_id")
            side.symbols.name(side.memory[f"topic:{name}"], f"the id of {name}")

    def settle_coordinator(self):
        """__consumer_offsets is on both."""
        self.settle("a coordinator is there", "FindCoordinator", 2, {"key_type": 0, "key": "any"}, lambda r: r["error_code"] == 0)

    def producer(self):
        """memory["pid"] on both; the first ids may be some time in coming."""
        for side in self.sides:
            deadline = time.monotonic() + 20
            while True:
                answer = side.ask("InitProducerId", self.both["InitProducerId"][1], {"transactional_id": None, "transaction_timeout_ms": 60000})
                if answer.get("error_code") == 0 or time.monotonic() > deadline:
                    side.memory["pid"] = answer.get("producer_id", -1)
                    break
                time.sleep(0.05)

    def raw(self, label, data, name="raw", answer=True):
        """Bytes as they are: both must answer with bytes, or both close."""
        found = []
        for side in self.sides:
            side.drop(name)
            try:
                c = side.connection(name)
                c.send_raw(data)
                found.append({"answer": "a frame" if c.receive_frame() else ""})
            except (wire.WireError, ConnectionError, struct.error):
                found.append(CLOSED)
            except (socket.timeout, TimeoutError):
                found.append(SILENT)
            side.drop(name)
        self.compare(label, "", found)
        return found

    def close(self):
        for side in self.sides:
            side.close()
