"""The random part: a seed gives the same sequence of requests every time."""
import random

from tests.lib import records

from . import requests as make


class Walk:
    """One connection, a few topics and groups, requests that mostly make sense."""

    def __init__(self, pair, tag, seed):
        self.p, self.tag, self.random = pair, tag, random.Random(seed)
        self.topics = [f"{tag}-{i}" for i in range(3)]
        self.groups = [f"{tag}-g{i}" for i in range(3)]
        self.members = {}

    def version(self, api):
        return self.random.randint(*self.p.both[api])

    def prepare(self):
        for i, name in enumerate(self.topics):
            self.p.topic(name, i + 1, [{}, {"cleanup.policy": "compact"}, {"max.message.bytes": "3000"}][i])
        for group in self.groups:
            self.p.settle("the coordinator is there", "FindCoordinator", 2, make.find_coordinator(2, group), lambda r: r["error_code"] == 0)
            self.p.settle("it has loaded", "Heartbeat", 0, make.heartbeat(group, "x", -1), lambda r: r["error_code"] not in (14, 15, 16))
        self.p.producer()
        self.sequences = {}

    def where(self):
        r = self.random
        topic = r.choice(self.topics + self.topics + [f"{self.tag}-none"])
        known = self.topics.index(topic) + 1 if topic in self.topics else 1
        return topic, r.choice([*range(known)] * 3 + [known, -1])

    def values(self):
        r = self.random
        return [r.choice([None, b"", b"v" * r.randrange(200), r.randbytes(r.randrange(50))]) for _ in range(r.randint(1, 8))]

    def produce(self):
        r, x = self.random, self.version("Produce")
        topic, partition = self.where()
        values = self.values() if r.random() < 0.9 else [b"x" * 4000]
        keys = [r.choice([None, b"k%d" % r.randrange(5)]) if r.random() < 0.1 else b"k%d" % r.randrange(5) for _ in values]
        more = {"keys": keys, "timestamp": r.choice([1_600_000_000_000 + r.randrange(100_000), 0, 5])}
        if x >= 3 and r.random() < 0.4:
            # Kafka rolls a segment for the time of a batch that it then refuses for its sequence: none that would.
            more["timestamp"] = r.choice([0, 5])
            return self.idempotent(x, topic, partition, values, more)
        if r.random() < 0.2:
            more |= {"attributes": 1} if x >= 3 else {"codec": 1}
        data = make.payload(x, values, **more)
        if r.random() < 0.05:
            data = data[:r.randrange(len(data))]
        if r.random() < 0.05 and len(data) > 17:
            data = bytearray(data)
            data[r.randrange(17, len(data))] ^= 1 << r.randrange(8)
            data = bytes(data)
        self.p.ask(f"produce to {topic}-{partition}", "Produce", x, make.produce(x, topic, data, partition, r.choice([1, -1, -1])))

    def idempotent(self, x, topic, partition, values, more):
        r = self.random
        epoch, sequence = self.sequences.get((topic, partition), (0, 0))
        if r.random() < 0.1:
            epoch, sequence = epoch + 1, r.choice([0, 0, 3])
        at = max(0, sequence + r.choice([0, 0, 0, 0, -1, -len(values), 1, 5]))

        def body(memory):
            data = records.batch(values, producer_id=memory["pid"], producer_epoch=epoch, base_sequence=at, **more)
            return make.produce(x, topic, data, partition)(memory)
        answers = self.p.ask(f"produce to {topic}-{partition}, epoch {epoch}, sequence {at}, {len(values)} records", "Produce", x, body)
        try:
            if answers[1]["responses"][0]["partition_responses"][0]["error_code"] == 0 and at == sequence:
                self.sequences[topic, partition] = epoch, at + len(values)
        except (KeyError, IndexError):
            pass

    def fetch(self):
        r, x = self.random, self.version("Fetch")
        topic, partition = self.where()
        more = {}
        if x >= 9 and r.random() < 0.2:
            more["current_leader_epoch"] = r.choice([0, 3, -1])
        if x >= 12 and r.random() < 0.2:
            more["last_fetched_epoch"] = r.choice([0, 2, -1])
        self.p.ask(f"fetch {topic}-{partition}", "Fetch", x, make.fetch(
            x, topic, r.choice([0, 0, 1, 2, 5, 10, 30, 1000, -1]), partition, max_bytes=r.choice([1, 500, 1 << 20]),
            partition_bytes=r.choice([1, 300, 1 << 20]), isolation=r.randint(0, 1) if x >= 4 else 0, **more))

    def list_offsets(self):
        x = self.version("ListOffsets")
        topic, partition = self.where()
        stamps = [-1, -2, 0, 5, 1_600_000_000_000 + self.random.randrange(100_000)] + ([-3] if x >= 7 else [])
        self.p.ask(f"offsets of {topic}-{partition}", "ListOffsets", x, make.list_offsets(topic, [self.random.choice(stamps)], partition))

    def epochs(self):
        topic, partition = self.where()
        self.p.ask(f"epochs of {topic}-{partition}", "OffsetForLeaderEpoch", self.version("OffsetForLeaderEpoch"), {"topics": [
            {"topic": topic, "partitions": [{"partition": partition, "leader_epoch": self.random.choice([0, 0, 1, -1])}]}]})

    def metadata(self):
        x = self.version("Metadata")
        names = self.random.sample(self.topics, self.random.randint(1, 3))
        if x >= 4 and self.random.random() < 0.3:
            names.append(f"{self.tag}-none")
        self.p.ask(f"metadata of {names}", "Metadata", x, make.metadata(x, names))

    def describe_configs(self):
        topic, _ = self.where()
        keys = self.random.sample(["retention.ms", "cleanup.policy", "max.message.bytes", "segment.bytes", "flush.ms", "no.such"], 2)
        self.p.ask(f"configs of {topic}", "DescribeConfigs", self.version("DescribeConfigs"), {"resources": [
            {"resource_type": 2, "resource_name": topic, "configuration_keys": keys}], "include_synonyms": self.random.random() < 0.5})

    def join(self):
        """A group of one member, so that nothing waits for anyone."""
        group, x = self.random.choice(self.groups), self.version("JoinGroup")
        name = f"{group}-m"
        if group in self.members and self.random.random() < 0.7:
            return
        for side in self.p.sides:
            side.memory.setdefault(name, "")

        def save(memory, answer):
            memory[name] = answer["member_id"]
            if memory[name]:
                memory["name"](memory[name], f"the id of {name}")
            if answer["error_code"] == 0:
                memory[f"{group}-generation"] = answer["generation_id"]
        for _ in range(2):
            ours, theirs = self.p.ask(f"join {group}", "JoinGroup", x, make.join(group, name), save=save)
            if theirs.get("error_code") != 79:
                break
        if theirs.get("error_code") == 0:
            self.members[group] = name
            s = self.version("SyncGroup")
            self.p.ask(f"sync {group}", "SyncGroup", s, make.sync(group, name, [(name, b"assigned")], f"{group}-generation",
                                                              **({"kind": "consumer", "protocol": "range"} if self.random.random() < 0.9 else {})))

    def leave(self):
        group, x = self.random.choice(self.groups), self.version("LeaveGroup")
        name = self.members.pop(group, "nobody")
        self.p.ask(f"leave {group}", "LeaveGroup", x, make.leave(x, group, name))
        for side in self.p.sides:
            side.memory.pop(name, None)

    def member_requests(self):
        group = self.random.choice(self.groups)
        name = self.members.get(group, "nobody")
        generation = self.random.choice([f"{group}-generation"] * 4 + [77]) if group in self.members else self.random.choice([0, -1, 3])
        topic, partition = self.where()
        kind = self.random.randrange(3)
        if kind == 0:
            self.p.ask(f"heartbeat in {group}", "Heartbeat", self.version("Heartbeat"), make.heartbeat(group, name, generation))
        elif kind == 1:
            x = self.version("OffsetCommit")
            if x == 0:
                x = 1
            self.p.ask(f"commit to {group}", "OffsetCommit", x, make.commit(
                x, group, topic, {partition: self.random.randrange(100)}, name if group in self.members else "", generation, note=self.random.choice(["", "n", None])))
        else:
            x = self.version("OffsetFetch")
            self.p.ask(f"offsets of {group}", "OffsetFetch", x, make.offset_fetch(x, group, topic, (partition,)))

    def admin(self):
        group = self.random.choice(self.groups + ["no-such"])
        kind = self.random.randrange(3)
        if kind == 0:
            self.p.ask(f"describe {group}", "DescribeGroups", self.version("DescribeGroups"), {"groups": [group]})
        elif kind == 1 and not self.p.old:              # before 4 a group went with its last offset
            topic, partition = self.where()
            self.p.ask(f"delete an offset of {group}", "OffsetDelete", 0, {"group_id": group, "topics": [{"name": topic, "partitions": [{"partition_index": partition}]}]})
        elif group not in self.members or self.random.random() < 0.2:
            self.p.ask(f"delete {group}", "DeleteGroups", self.version("DeleteGroups"), {"groups_names": [group]})

    def run(self, count):
        self.prepare()
        weights = {self.produce: 8, self.fetch: 8, self.list_offsets: 4, self.epochs: 1, self.metadata: 2, self.describe_configs: 1,
                   self.join: 2, self.leave: 1, self.member_requests: 6, self.admin: 3}
        for _ in range(count):
            self.random.choices(list(weights), list(weights.values()))[0]()
