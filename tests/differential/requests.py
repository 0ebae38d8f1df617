"""Request bodies, for whatever version."""
from tests.lib import codec, records

ZERO = "00000000-0000-0000-0000-000000000000"
GONE = "00000000-0000-0000-0000-00000000beef"           # a topic id that nobody has
RANGE = b"\0\1\0\0\0\1\0\5topic\xff\xff\xff\xff"        # a subscription of the consumer protocol, version 1 without owned partitions


def has(api, version, field):
    """Whether the request of that version has the field at its top."""
    return any(f.name == field and f.in_version(version) for f in codec.apis()[api].request.fields)


def topic_entry(version, by_id_from, name, rest, key="topic"):
    """A topic by name, or by the id that `Pair.topic` has remembered: a function of the memory."""
    def make(memory):
        if version >= by_id_from:
            return {"topic_id": memory.get(f"topic:{name}", GONE), **rest}
        return {key: name, **rest}
    return make


def produce(version, topic, data, partition=0, acks=-1, **more):
    """data: bytes, or [(partition, bytes)]."""
    parts = data if isinstance(data, list) else [(partition, data)]
    entry = topic_entry(version, 13, topic, {"partition_data": [{"index": p, "records": d} for p, d in parts]}, "name")
    return lambda memory: {"acks": acks, "timeout_ms": 10000, "topic_data": [entry(memory)], **more}


def payload(version, values, **more):
    """What a producer of that Produce version sends."""
    if version >= 3:
        return records.batch(values, **more)
    return records.message_set(values, magic=1 if version == 2 else 0, **more)


def fetch(version, topic, offset=0, partition=0, max_bytes=1 << 20, partition_bytes=1 << 20, wait=0, least=1, isolation=0, session=(0, -1), **part):
    entry = topic_entry(version, 13, topic, {"partitions": [
        {"partition": partition, "fetch_offset": offset, "partition_max_bytes": partition_bytes, **part}]})
    body = {"max_wait_ms": wait, "min_bytes": least, "max_bytes": max_bytes, "isolation_level": isolation,
            "session_id": session[0], "session_epoch": session[1]}
    return lambda memory: {**{k: v for k, v in body.items()}, "topics": [entry(memory)]}


def list_offsets(topic, timestamps, partition=0, isolation=0, **part):
    return {"replica_id": -1, "isolation_level": isolation, "topics": [{"name": topic, "partitions": [
        {"partition_index": partition, "timestamp": t, **part} for t in timestamps]}]}


def metadata(version, names, create=False):
    """names None: all topics."""
    topics = ([] if version == 0 else None) if names is None else [{"name": n} for n in names]
    return {"topics": topics, "allow_auto_topic_creation": create}


def create_topics(topics, **more):
    """topics: [(name, partitions, replication factor, configs)]."""
    return {"topics": [{"name": n, "num_partitions": p, "replication_factor": r, "configs": [{"name": k, "value": v} for k, v in c.items()]}
                       for n, p, r, c in topics], "timeout_ms": 10000, **more}


def delete_topics(version, names):
    if version >= 6:
        return {"topics": [{"name": n} for n in names], "timeout_ms": 10000}
    return {"topic_names": names, "timeout_ms": 10000}


def find_coordinator(version, group, kind=0):
    return {"key_type": kind, **({"coordinator_keys": [group]} if version >= 4 else {"key": group})}


def join(group, member="", protocols=(("range", RANGE),), session=30000, kind="consumer", instance=None, rebalance=30000):
    def make(memory):
        m = memory.get(member, member)
        body = {"group_id": group, "session_timeout_ms": session, "rebalance_timeout_ms": rebalance, "member_id": m,
                "protocol_type": kind, "protocols": [{"name": n, "metadata": d} for n, d in protocols]}
        return {**body, **({"group_instance_id": instance} if instance else {})}
    return make


def member(memory, name, version=99, array=False):
    return memory.get(name, name)


def sync(group, name, assign=(), generation="generation", kind=None, protocol=None, instance=None):
    def make(memory):
        body = {"group_id": group, "generation_id": memory.get(generation, generation), "member_id": memory.get(name, name),
                "assignments": [{"member_id": memory.get(m, m), "assignment": a} for m, a in assign],
                "protocol_type": kind, "protocol_name": protocol}
        return {**body, **({"group_instance_id": instance} if instance else {})}
    return make


def heartbeat(group, name, generation="generation", instance=None):
    return lambda memory: {"group_id": group, "generation_id": memory.get(generation, generation), "member_id": memory.get(name, name),
                           **({"group_instance_id": instance} if instance else {})}


def leave(version, group, name, instance=None):
    def make(memory):
        who = memory.get(name, name)
        if version >= 3:
            return {"group_id": group, "members": [{"member_id": who, "group_instance_id": instance}]}
        return {"group_id": group, "member_id": who}
    return make


def commit(version, group, topic, offsets, name="", generation=-1, note="", instance=None):
    """offsets: {partition: offset}."""
    entry = topic_entry(version, 10, topic, {"partitions": [
        {"partition_index": p, "committed_offset": o, "committed_metadata": note} for p, o in offsets.items()]}, "name")
    return lambda memory: {"group_id": group, "generation_id_or_member_epoch": memory.get(generation, generation),
                           "member_id": memory.get(name, name), "topics": [entry(memory)], **({"group_instance_id": instance} if instance else {})}


def offset_fetch(version, group, topic=None, partitions=(0,)):
    """topic None: all of the group."""
    def make(memory):
        if version >= 8:
            topics = None
            if topic:
                topics = [topic_entry(version, 10, topic, {"partition_indexes": list(partitions)}, "name")(memory)]
            return {"groups": [{"group_id": group, "topics": topics}]}
        return {"group_id": group, "topics": [{"name": topic, "partition_indexes": list(partitions)}] if topic else ([] if version < 2 else None)}
    return make
