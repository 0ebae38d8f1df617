"""The scripted part: every section takes the pair, a number that makes its names its own, and a chooser of versions."""
import time

from tests.lib import records

from . import exceptions
from . import requests as make


def api_versions(p, tag, v):
    for version in range(5):
        ours, theirs = p.ask("ask", "ApiVersions", version, {"client_software_name": "wire", "client_software_version": "1.0"})
    for version in (5, 99):                              # answered in version 0, with error 35
        p.ask("an unsupported version", "ApiVersions", version, {})
    for name in ("", "bad name", "-x", "x-", "ok.name-1"):
        p.ask(f"software name '{name}'", "ApiVersions", 3, {"client_software_name": name, "client_software_version": "1"})
        p.ask(f"software version '{name}'", "ApiVersions", 3, {"client_software_name": "a", "client_software_version": name})
    theirs_by_name = {f["name"]: f for f in theirs["finalized_features"]}
    for f in ours["finalized_features"]:
        p.compare("a finalized feature", "", (f, theirs_by_name.get(f["name"])))
    ours_keys = {k["api_key"]: k for k in ours["api_keys"]}
    for k in theirs["api_keys"]:
        mine = ours_keys.get(k["api_key"])
        if mine and mine["max_version"] < k["max_version"]:
            p.differences.append(f"api {k['api_key']}: we stop at version {mine['max_version']}, the reference at {k['max_version']}")


def unknown_requests(p, tag, v):
    from tests.lib import wire
    p.raw("an unknown API key", wire.frame(9999, 0))
    p.raw("a version that does not exist", wire.frame(3, 999))
    p.raw("a body that is too short", wire.frame(3, 1, b"\0\0"))
    p.raw("a negative size", b"\xff\xff\xff\xff")
    p.raw("a size beyond the limit", b"\x7f\xff\xff\xff" + b"x" * 64)


def topics(p, tag, v):
    a, b, other = f"{tag}-a", f"{tag}.b", f"{tag}-other"
    create = lambda label, version, *entries, **more: p.ask(label, "CreateTopics", version, make.create_topics(list(entries), **more))  # noqa: E731
    x = v("CreateTopics")
    create("two topics", x, (a, 3, 1, {"retention.ms": "3600000"}), (b, 1, 1, {}))
    p.settle("the topics are there", "Metadata", 4, make.metadata(4, [a, b]),
             lambda r: all(t["error_code"] == 0 and all(q["leader_id"] == 1 for q in t["partitions"]) for t in r["topics"]))
    create("again", x, (a, 3, 1, {}))
    create("the same name twice", x, (other, 1, 1, {}), (other, 1, 1, {}))
    create("a name that collides", x, (f"{tag}_b", 1, 1, {}))
    for name in ("", ".", "..", "no space", "x" * 250, "ü"):
        create(f"the name '{name[:12]}'", x, (name, 1, 1, {}))
    create("too many replicas", x, (other, 1, 9, {}))
    create("no replica", x, (other, 1, 0, {}))
    create("no partition", x, (other, 0, 1, {}))
    create("minus two partitions", x, (other, -2, 1, {}))
    for key, value in (("no.such", "1"), ("retention.ms", "soon"), ("cleanup.policy", "burn"), ("segment.bytes", "1"), ("retention.ms", None),
                       ("max.message.bytes", "-1"), ("compression.type", "lzma"), ("min.insync.replicas", "0")):
        create(f"config {key}={value}", x, (other, 1, 1, {key: value}))
    if x >= 1:
        create("only validated", x, (other, 2, 1, {}), validate_only=True)
        create("only validated, and it exists", x, (a, 2, 1, {}), validate_only=True)
    if x >= 4:
        create("default partitions and replicas", x, (f"{tag}-default", -1, -1, {}))
    for assignment in ([[1], [1]], [[7]], [[1, 1]], [[]]):
        body = make.create_topics([(f"{tag}-assigned", -1, -1, {})])
        body["topics"][0]["assignments"] = [{"partition_index": i, "broker_ids": ids} for i, ids in enumerate(assignment)]
        p.ask(f"assignment {assignment}", "CreateTopics", x, body)
    m = v("Metadata")
    for names in ([a], [a, b], [other], ["no such"], [a, "no-such"], [".."]):
        if m >= 4 or names[-1] not in (other, "no-such"):   # older versions would create them
            p.ask(f"metadata of {names}", "Metadata", m, make.metadata(m, names))
    if m >= 1:
        p.ask("metadata of nothing", "Metadata", m, make.metadata(m, []))
    if m >= 10:
        for side in p.sides:
            for name in (a, b):
                answer = side.ask("Metadata", 12 if m >= 12 else m, make.metadata(12, [name]))
                side.memory[f"topic:{name}"] = answer["topics"][0]["topic_id"]
                side.symbols.name(side.memory[f"topic:{name}"], f"the id of {name}")
        p.ask("by an id that nobody has", "Metadata", m, {"topics": [{"topic_id": make.GONE, "name": None}], "allow_auto_topic_creation": False})
    if m >= 12:
        p.ask("by id", "Metadata", m, lambda memory: {"topics": [{"topic_id": memory[f"topic:{a}"], "name": None}], "allow_auto_topic_creation": False})
    for duplicate in ([a, a], [a, b, a]):
        p.ask("a topic twice", "Metadata", m, make.metadata(m, duplicate))
    if m >= 8:
        p.ask("what one may do", "Metadata", m, {**make.metadata(m, [a]), "include_topic_authorized_operations": True, "include_cluster_authorized_operations": m <= 10})
    if m >= 10:
        p.ask("no name and no id", "Metadata", m, {"topics": [{"topic_id": make.ZERO, "name": None}], "allow_auto_topic_creation": False})
        p.ask("name and id", "Metadata", m, lambda memory: {"topics": [{"topic_id": memory[f"topic:{a}"], "name": b}], "allow_auto_topic_creation": False})
    p.settle_coordinator()
    p.ask("internal topics", "Metadata", m, make.metadata(m, ["__consumer_offsets"]))
    auto = f"{tag}-auto"
    p.ask("asks for a topic to be made", "Metadata", m, make.metadata(m, [auto], create=True), check=False)
    p.settle("it has been made", "Metadata", 4, make.metadata(4, [auto]), lambda r: r["topics"][0]["error_code"] == 0)
    p.ask("the topic that was made", "Metadata", m, make.metadata(m, [auto], create=True))
    p.ask("a topic whose name cannot be", "Metadata", m, make.metadata(m, ["no such"], create=True))
    x = v("DescribeCluster")
    p.ask("the cluster", "DescribeCluster", x, {})
    p.ask("the cluster and what one may do", "DescribeCluster", x, {"include_cluster_authorized_operations": True})
    if x >= 1:
        for kind in (2, 0, 9):
            p.ask(f"endpoints of kind {kind}", "DescribeCluster", x, {"endpoint_type": kind})
    if x >= 2:
        p.ask("fenced brokers too", "DescribeCluster", x, {"include_fenced_brokers": True})
    for names, limit in (([a, b], 2000), ([a, b], 2), (["no-such", a], 2000), ([b], 1), ([a], 0), ([a, a], 2000), ([a, "no such", "no-such"], 2), ([b, a, "no-such"], 3), ([], 2)):
        p.ask(f"describe {names}, at most {limit}", "DescribeTopicPartitions", 0, {"topics": [{"name": n} for n in names], "response_partition_limit": limit})
    for where, index in ((a, 1), (a, 3), (a, 9), (a, -1), (b, 0), ("zzz", 0), ("", 0), (f"{tag}-a-and-more", 0)):
        p.ask(f"from a cursor on: {where} {index}", "DescribeTopicPartitions", 0, {
            "topics": [{"name": a}, {"name": b}], "response_partition_limit": 2000, "cursor": {"topic_name": where, "partition_index": index}})
    c = v("CreatePartitions")
    for name, count in ((a, 2), (a, 3), (a, 5), ("no-such", 4), (b, 0), (b, -1)):
        p.ask(f"{name} to {count} partitions", "CreatePartitions", c, {"topics": [{"name": name, "count": count, "assignments": None}], "timeout_ms": 10000})
    p.ask("partitions with assignments", "CreatePartitions", c, {"topics": [{"name": b, "count": 2, "assignments": [{"broker_ids": [1]}]}], "timeout_ms": 10000})
    p.ask("partitions with bad assignments", "CreatePartitions", c, {"topics": [{"name": b, "count": 3, "assignments": [{"broker_ids": [9]}]}], "timeout_ms": 10000})
    p.ask("partitions, only validated", "CreatePartitions", c, {"topics": [{"name": b, "count": 9, "assignments": None}], "timeout_ms": 10000, "validate_only": True})
    p.ask("the same topic twice", "CreatePartitions", c, {"topics": [{"name": b, "count": 2, "assignments": None}] * 2, "timeout_ms": 10000})
    p.ask("a count and too few assignments", "CreatePartitions", c, {"topics": [{"name": b, "count": 4, "assignments": [{"broker_ids": [1]}]}], "timeout_ms": 10000})
    p.ask("no topic", "CreatePartitions", c, {"topics": [], "timeout_ms": 10000})
    p.settle("the partitions are there", "Metadata", 4, make.metadata(4, [a]), lambda r: len(r["topics"][0]["partitions"]) == 5)
    configs(p, a, v("DescribeConfigs"))
    d = v("DeleteTopics")
    p.ask("delete what is there twice", "DeleteTopics", d, make.delete_topics(d, [a, a]))
    p.ask("delete what cannot be", "DeleteTopics", d, make.delete_topics(d, ["no such", ""]))
    p.ask("delete nothing", "DeleteTopics", d, make.delete_topics(d, []))
    p.ask("delete", "DeleteTopics", d, make.delete_topics(d, [a, "no-such"]))
    if d >= 6:
        p.ask("delete by id", "DeleteTopics", d, lambda memory: {"topics": [{"name": None, "topic_id": memory.get(f"topic:{b}", make.GONE)}], "timeout_ms": 10000})
        p.ask("delete by name and id", "DeleteTopics", d, lambda memory: {"topics": [{"name": a, "topic_id": make.GONE}], "timeout_ms": 10000})
        p.ask("delete by an unknown id", "DeleteTopics", d, {"topics": [{"name": None, "topic_id": make.GONE}], "timeout_ms": 10000})
    p.settle("the topic is gone", "Metadata", 4, make.metadata(4, [a]), lambda r: r["topics"][0]["error_code"] == 3)
    p.ask("delete twice", "DeleteTopics", d, make.delete_topics(d, [a]))


def configs(p, topic, x):
    def ask(label, kind, name, keys=None):
        p.ask(label, "DescribeConfigs", x, {"resources": [{"resource_type": kind, "resource_name": name, "configuration_keys": keys}],
                                            "include_synonyms": True})
    ask("one config", 2, topic, ["retention.ms"])
    ask("a broker that is not there", 4, "77")
    ask("a broker that is no number", 4, "seven")
    if p.old:
        return                                          # other sets of configs, other defaults
    ask("a topic name that cannot be", 2, "no such", ["retention.ms"])
    ask("some configs", 2, topic, ["cleanup.policy", "segment.bytes", "max.message.bytes", "no.such", "min.insync.replicas"])
    ask("no config", 2, topic, [])
    ask("all brokers", 4, "")
    ask("one config twice", 2, topic, ["retention.ms", "retention.ms"])
    ask("every config", 2, topic)
    ask("an unknown topic", 2, "no-such")
    ask("some of the broker's configs", 4, "1", ["num.partitions", "auto.create.topics.enable", "message.max.bytes", "no.such"])
    ask("a kind that does not exist", 99, "x")


def produce(p, tag, v):
    x, topic = v("Produce"), f"{tag}-p"
    p.topic(topic, 2)
    pay = lambda values, **more: make.payload(x, values, **more)  # noqa: E731
    send = lambda label, data, **more: p.ask(label, "Produce", x, make.produce(x, topic, data, **more))  # noqa: E731
    for acks in (1, -1):
        send(f"acks={acks}", pay([b"a", b"b"]), acks=acks)
    send("both partitions", [(0, pay([b"0"])), (1, pay([b"1", b"2"]))])
    send("acks=5", pay([b"x"]), acks=5)
    send("a partition that is not there", pay([b"x"]), partition=7)
    send("a partition below 0", pay([b"x"]), partition=-1)
    p.ask("a topic that is not there", "Produce", x, make.produce(x, f"{tag}-none", pay([b"x"])))
    p.ask("no topic", "Produce", x, {"acks": 1, "timeout_ms": 1000, "topic_data": []})
    send("a bad CRC", pay([b"x"], spoil_crc=True))
    send("keys and the time of day", pay([b"v", b"w", b"x"], keys=[b"k", None, b""], timestamp=int(time.time() * 1000)))
    send("null keys and values", pay([None, b""], keys=[None, b""]))
    send("gzip", pay([b"z" * 1000] * 10, **({"attributes": 1} if x >= 3 else {"codec": 1})))
    send("too large", pay([b"x" * 1_200_000]))
    send("no records", b"")
    if x >= 3:
        batches(p, tag, x, send)
    p.ask("unknown partitions and acks=5", "Produce", x, make.produce(x, topic, [(0, pay([b"x"])), (9, pay([b"x"]))], acks=5))
    p.ask("a partition twice in one produce", "Produce", x, make.produce(x, topic, [(1, pay([b"one"])), (1, pay([b"two"]))]))
    p.settle_coordinator()
    if x < 13:
        p.ask("to an internal topic", "Produce", x, make.produce(x, "__consumer_offsets", pay([b"x"], keys=[b"k"])))
    if x >= 3:
        send("a transactional id, plain records", pay([b"t"]), transactional_id="tx")
        p.ask("transactional records, and others", "Produce", x, make.produce(x, topic, [(0, pay([b"x"])), (1, pay([b"x"], attributes=0x10))]))
    p.ask("acks=0, no answer", "ApiVersions", 0, {}, "zero")
    for side in p.sides:
        side.guarded("zero", lambda c: c.start("Produce", x, side.body(make.produce(x, topic, pay([b"zero"]), acks=0))))
    p.ask("the next request on that connection", "ApiVersions", 0, {}, "zero")
    for side in p.sides:
        side.guarded("zero", lambda c: c.start("Produce", x, side.body(make.produce(x, f"{tag}-none", pay([b"zero"]), acks=0))))
    p.ask("after an error with acks=0", "ApiVersions", 0, {}, "zero")
    time.sleep(0.1)
    f = v("Fetch")
    p.ask("everything", "Fetch", max(f, 4), make.fetch(max(f, 4), topic, 0))   # the other one has what is excused above


def batches(p, tag, x, send):
    batch = records.batch
    send("two batches in one", batch([b"a"]) + batch([b"b"]))
    send("a base offset that is not 0", batch([b"a", b"b"], base_offset=17))
    send("a count that is too large", batch([b"a"], count=2))
    send("a last delta that does not fit the count", batch([b"a", b"b"], last_delta=5))
    send("a count of zero", batch([], count=0, last_delta=-1))
    send("a control batch", batch([b"a"], keys=[b"\0\0\0\1"], attributes=0x20))
    send("a transactional batch without an id", batch([b"a"], attributes=0x10))
    send("cut off", batch([b"abcdef"])[:-3])
    send("garbage", b"\0" * 80)
    send("magic 1 in a new request", records.message_set([b"a"], magic=1))
    send("a negative sequence", batch([b"a"], producer_id=1234567, producer_epoch=0, base_sequence=-1))
    send("headers", batch([b"a"], headers=[(b"h", b"1"), (b"h", None), (b"", b"")]))
    send("an unknown codec", batch([b"a"], attributes=7))
    if x < 7:
        send("zstd too early", batch([b"a"], attributes=4))
    compacted, limited, stamped = f"{tag}-compacted", f"{tag}-limited", f"{tag}-stamped"
    p.topic(compacted, 1, {"cleanup.policy": "compact"})
    p.topic(limited, 1, {"max.message.bytes": "1000", "message.timestamp.after.max.ms": "1000"})
    p.topic(stamped, 1, {"message.timestamp.type": "LogAppendTime"})
    to = lambda label, topic, data: p.ask(label, "Produce", x, make.produce(x, topic, data))  # noqa: E731
    to("a key where one is needed", compacted, batch([b"a"], keys=[b"k"]))
    to("a null key where one is needed", compacted, batch([b"a", b"b"], keys=[b"k", None]))
    to("larger than the topic allows", limited, batch([b"x" * 2000]))
    to("from the future", limited, batch([b"x"], timestamp=4_000_000_000_000))
    to("no timestamp", limited, batch([b"x"], timestamp=-1))
    to("append time", stamped, batch([b"x", b"y"], timestamp=5))
    to("a client's append time", limited, batch([b"x"], attributes=8))
    to("a client's append time, from the future", limited, batch([b"x"], attributes=8, timestamp=4_000_000_000_000))
    to("a client's append time without a time", limited, batch([b"x"], attributes=8, timestamp=-1))
    to("a client's append time where it is the broker's", stamped, batch([b"x"], attributes=8))
    f = min(12, p.both["Fetch"][1])
    for name in (limited, compacted):
        p.ask(f"what is in {name}", "Fetch", f, make.fetch(f, name))
    answers = p.ask("what is stamped", "Fetch", f, make.fetch(f, stamped), check=False)
    p.compare("what is stamped", "", [[(h.attributes, h.base_timestamp, h.base_offset, h.max_timestamp > 1 << 40, records.crc_ok(d, h)) for h in records.headers(d)]
                                      for d in (a["responses"][0]["partitions"][0]["records"] for a in answers)])
    recompressed = f"{tag}-gzip"
    p.topic(recompressed, 1, {"compression.type": "gzip"})
    to("to be compressed", recompressed, batch([b"a" * 100, b"b" * 100]))
    uncompressed = f"{tag}-plain"
    p.topic(uncompressed, 1, {"compression.type": "uncompressed"})
    to("to be uncompressed", uncompressed, batch([b"a" * 100, b"b" * 100], attributes=1))
    p.ask("uncompressed", "Fetch", f, make.fetch(f, uncompressed))
    small = f"{tag}-small"
    p.topic(small, 1, {"segment.bytes": "1048576", "max.message.bytes": "3000000"})
    to("larger than a segment", small, batch([b"x" * 1_500_000]))
    idempotence(p, tag, x)


def idempotence(p, tag, x):
    topic = f"{tag}-idem"
    p.topic(topic, 1)
    p.producer()

    def send(label, sequence, count=1, epoch=0):
        def body(memory):
            data = records.batch([b"%d" % (sequence + i) for i in range(count)], producer_id=memory["pid"], producer_epoch=epoch, base_sequence=sequence)
            return make.produce(x, topic, data)(memory)
        p.ask(f"{label}: epoch {epoch}, sequence {sequence} and {count - 1} more", "Produce", x, body)
    send("first", 0, 2)
    send("next", 2)
    for s in (3, 4, 5, 6, 7):
        send("next", s)
    send("again", 7)
    send("again, the oldest of the window", 3)
    send("again, before the window", 2)
    send("a gap", 10)
    send("a new epoch not at 0", 5, epoch=1)
    send("a new epoch", 0, epoch=1)
    send("the old epoch", 8, epoch=0)
    send("another length", 0, 2, epoch=1)
    send("next", 1, 3, epoch=1)
    send("a part of a batch", 2, 1, epoch=1)


def fetch(p, tag, v):
    x, topic = v("Fetch"), f"{tag}-f"
    p.topic(topic, 2)
    write = min(12, p.both["Produce"][1])
    for i in range(4):
        p.ask("fill", "Produce", write, make.produce(write, topic, records.batch([b"%d-%d" % (i, j) for j in range(5)], timestamp=1000 * i)))
    ask = lambda label, **how: p.ask(label, "Fetch", x, make.fetch(x, topic, **how))  # noqa: E731
    for offset in (0, 5, 7, 19, 20, 21, -1, -2, 1 << 40):
        ask(f"from offset {offset}", offset=offset)
    ask("a little", max_bytes=10)
    ask("a little of the partition", partition_bytes=1)
    ask("nothing of the partition", partition_bytes=0)
    ask("two batches", partition_bytes=200)
    ask("an empty partition", partition=1)
    ask("a partition that is not there", partition=9)
    p.ask("a topic that is not there", "Fetch", x, make.fetch(x, f"{tag}-none"))
    began = time.monotonic()
    ask("waits", offset=20, wait=300)
    if time.monotonic() - began < 0.6:
        p.differences.append(f"a fetch at the end with max_wait 300 ms came back from both within {time.monotonic() - began:.2f} s")
    ask("min bytes that are there", wait=5000, least=100)
    ask("an error does not wait", offset=500, wait=20000, least=100)
    ask("more is there than the limit allows", wait=300, least=1000, partition_bytes=200)
    ask("min bytes beyond max bytes", wait=5000 if x >= 3 else 100, least=1000, max_bytes=200)
    p.ask("nothing", "Fetch", x, {"topics": [], "max_wait_ms": 5000, "min_bytes": 1, "max_bytes": 1000, "session_epoch": -1})
    many(p, x, topic)
    if x >= 4:
        ask("read committed", isolation=1)
        ask("read committed, the end", isolation=1, offset=20)
        ask("read committed, beyond", isolation=1, offset=30)
    if x >= 9:
        for epoch in (-1, 0, 5):
            ask(f"current leader epoch {epoch}", current_leader_epoch=epoch)
    if x >= 12:
        for epoch in (-1, 0, 3):
            ask(f"last fetched epoch {epoch}", offset=5, last_fetched_epoch=epoch)
    if x >= 7:
        sessions(p, x, topic, write)


def many(p, x, topic):
    """Several partitions share the limits."""
    part = lambda partition, offset=0, most=1 << 20: {"partition": partition, "fetch_offset": offset, "partition_max_bytes": most}  # noqa: E731

    def ask(label, parts, most, **more):
        entry = make.topic_entry(x, 13, topic, {"partitions": parts})
        p.ask(label, "Fetch", x, lambda memory: {"max_wait_ms": 0, "min_bytes": 1, "max_bytes": most, "session_epoch": -1, "topics": [entry(memory)], **more})
    ask("both, the empty one first", [part(1), part(0)], 1 << 20)
    ask("both, a small limit", [part(0), part(1)], 1)
    ask("both, and one that is not there", [part(0), part(7), part(1)], 1 << 20, max_wait_ms=5000, min_bytes=1 << 20)
    ask("an empty one, and one at its end", [part(1, 0), part(0, 20)], 1 << 20)
    ask("one partition beyond its end", [part(0, 77), part(1)], 1 << 20, max_wait_ms=5000)


def sessions(p, x, topic, write):
    def body(offset, epoch, **more):
        def build(memory):
            made = make.fetch(x, topic, offset, session=(memory.get("session", 0), epoch))(memory)
            return {**made, **more}
        return build
    nothing = {"topics": []}
    keep = lambda m, r: m.update(session=r["session_id"])  # noqa: E731
    for side in p.sides:
        side.memory["session"] = 0
    p.ask("a new session", "Fetch", x, body(0, 0), save=keep)
    p.ask("incremental, nothing named", "Fetch", x, body(0, 1, **nothing))
    p.ask("incremental, at the end", "Fetch", x, body(20, 2))
    p.ask("incremental, nothing new", "Fetch", x, body(0, 3, **nothing))
    p.ask("a record comes", "Produce", write, make.produce(write, topic, records.batch([b"new"])))
    p.ask("incremental, the new record", "Fetch", x, body(0, 4, **nothing))
    p.ask("a wrong epoch", "Fetch", x, body(0, 9, **nothing))
    p.ask("a session that is not there", "Fetch", x, {**make.fetch(x, topic)({}), "topics": [], "session_id": 987654321, "session_epoch": 1, "max_bytes": 1000})
    forget = (lambda m: [{"topic_id": m[f"topic:{topic}"], "partitions": [0]}]) if x >= 13 else (lambda m: [{"topic": topic, "partitions": [0]}])
    p.ask("forget", "Fetch", x, lambda m: {**body(0, 5, **nothing)(m), "forgotten_topics_data": forget(m)})
    p.ask("nothing is left", "Fetch", x, body(0, 6, **nothing))
    p.ask("the last request of the session", "Fetch", x, body(0, -1))
    p.ask("after it", "Fetch", x, body(0, 7, **nothing))


def offsets(p, tag, v):
    x, topic = v("ListOffsets"), f"{tag}-o"
    p.topic(topic, 2)
    write = min(12, p.both["Produce"][1])
    for i, stamp in enumerate((1000, 3000, 2000, 5000)):
        p.ask("fill", "Produce", write, make.produce(write, topic, records.batch([b"a", b"b"], timestamp=stamp)))
    for stamp in (-1, -2, 0, 999, 1000, 1001, 2500, 3000, 4000, 5000, 5001):
        p.ask(f"at {stamp}", "ListOffsets", x, make.list_offsets(topic, [stamp]))
        p.ask(f"at {stamp} of an empty partition", "ListOffsets", x, make.list_offsets(topic, [stamp], partition=1))
    for stamp, since in ((-3, 7), (-4, 8), (-5, 9), (-6, 11), (-7, 99)):
        p.ask(f"the special {stamp}", "ListOffsets", x, make.list_offsets(topic, [stamp]), check=x >= since or since == 99 or x >= 1)
    p.ask("a partition twice", "ListOffsets", x, make.list_offsets(topic, [-1, -2]))
    p.ask("several times", "ListOffsets", x, {"replica_id": -1, "topics": [
        {"name": topic, "partitions": [{"partition_index": i, "timestamp": t} for i, t in ((0, -1), (1, -2), (7, -1))]},
        {"name": f"{tag}-none", "partitions": [{"partition_index": 0, "timestamp": -1}]}]})
    p.ask("a topic that is not there", "ListOffsets", x, make.list_offsets(f"{tag}-none", [-1]))
    p.ask("a partition that is not there", "ListOffsets", x, make.list_offsets(topic, [-1], partition=5))
    if x >= 2:
        p.ask("read committed", "ListOffsets", x, make.list_offsets(topic, [-1], isolation=1))
    if x >= 4:
        for epoch in (0, 7):
            p.ask(f"leader epoch {epoch}", "ListOffsets", x, make.list_offsets(topic, [-1], current_leader_epoch=epoch))
    if x == 0:
        p.ask("several offsets", "ListOffsets", 0, make.list_offsets(topic, [-1], max_num_offsets=5))
    e = v("OffsetForLeaderEpoch")
    for epoch in (0, 1, 99, -1):
        for current in (-1, 0, 6) if e >= 2 else (-1,):
            p.ask(f"the end of epoch {epoch}, current {current}", "OffsetForLeaderEpoch", e, {"topics": [{"topic": topic, "partitions": [
                {"partition": 0, "leader_epoch": epoch, "current_leader_epoch": current}]}]})
    p.ask("epoch of a topic that is not there", "OffsetForLeaderEpoch", e, {"topics": [{"topic": f"{tag}-none", "partitions": [{"partition": 0, "leader_epoch": 0}]}]})
    p.producer()
    i = v("InitProducerId")
    p.ask("a producer id", "InitProducerId", i, {"transactional_id": None, "transaction_timeout_ms": 60000})
    p.ask("timeout 0", "InitProducerId", i, {"transactional_id": None, "transaction_timeout_ms": 0})
    p.ask("an empty transactional id", "InitProducerId", i, {"transactional_id": "", "transaction_timeout_ms": 60000})
    if i >= 3:
        p.ask("a producer id for one that has one", "InitProducerId", i, {"transactional_id": None, "transaction_timeout_ms": 1, "producer_id": 5, "producer_epoch": 3})


SECTIONS = {f.__name__: f for f in (api_versions, unknown_requests, topics, produce, fetch, offsets)}
short = exceptions.short
