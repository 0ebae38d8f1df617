"""The named exceptions: fields that may differ, and how.

A rule is (API or *, path, treatment, reason); the path is that of the field, its parents joined by dots, * for any start.
Treatments: ignore (not compared), symbol (compared by identity: the n-th value of its kind that a broker shows is #n on both),
set (null, empty, or something), batches (a last batch that is cut off does not count), time (a wall clock: compared as -1, 0 or "time").
"""
import re

from tests.lib import records

RULES = [
    ("*", "*throttle_time_ms", "ignore", "throttling depends on quotas and load"),
    ("*", "*port", "ignore", "two brokers, two ports"),
    ("*", "*cluster_id", "set", "each cluster has its own id"),
    ("*", "*topic_id", "symbol", "random"),
    ("*", "*session_id", "symbol", "random"),
    ("*", "*member_id", "symbol", "ends in a random id"),
    ("JoinGroup", "leader", "symbol", "a member id"),
    ("*", "*producer_id", "symbol", "handed out in blocks"),
    ("*", "*log_append_time_ms", "time", "the broker's clock"),
    ("*", "*error_message", "set", "each broker has its own words"),
    ("*", "*batch_index_error_message", "set", "each broker has its own words"),
    ("*", "*documentation", "ignore", "each broker has its own words"),
    ("ApiVersions", "api_keys", "ignore", "compared by the test itself, for the APIs that Ringwood serves"),
    ("ApiVersions", "finalized_features_epoch", "set", "an offset of the metadata log"),
    ("ApiVersions", "supported_features", "ignore", "compared by the test itself, for the features that Ringwood has"),
    ("ApiVersions", "finalized_features", "ignore", "compared by the test itself, for the features that Ringwood has"),
    ("ApiVersions", "zk_migration_ready", "ignore", "only Kafka below 4 sends it"),
    ("DescribeGroups", "groups.members.client_host", "set", "/127.0.0.1 on both, but for the way of writing it"),
    ("Fetch", "responses.partitions.records", "batches", "Kafka cuts at the limit, Ringwood behind the last whole batch; gzip has many "
     "encoders; for Fetch 0-3 Kafka converts down at most as many bytes as the batches had, and below 3 sends a part of a message rather than a large one"),
]
# Single answers, by the label of their step: (label, path, reason). * stands for anything; the label may go on with
# [API version].
STEPS = [
    ("the coordinator before its topic", "*", "Kafka answers 15 until __consumer_offsets is there; Ringwood answers when it is"),
    ("no name and no id", "*", "Kafka fails over it, and answers -1 for everything"),
    ("garbage", "responses[0].partition_responses[0].error_message", "Kafka stumbles over it before it looks at partitions"),
    ("an unknown codec", "*", "Kafka answers -1, which clients repeat for ever; Ringwood 76, as for a codec that it does not know"),
    ("a partition twice in one produce", "*", "Kafka drops the first of the two without a word; Ringwood appends both"),
]
# The same, against a Kafka before 4 only.
OLD_STEPS = [
    ("described while it rebalances", "groups[0].members[*", "Kafka before 4 leaves the assignment out"),
    ("described", "groups[*].authorized_operations", "before 4 there were no operations on the configs of groups"),
    ("delete the group whose offsets are deleted", "*", "before 4 such a group went with its last offset"),
    ("a partition twice", "*", "before 4 each mention got an answer, in version 0 even a good one"),
    ("*[ListOffsets 0]", "*old_style_offsets", "version 0 told of segments: by the time of their files, or several; Ringwood finds the record"),
    ("commit to *[OffsetCommit 9]", "*error_code", "before 4 a missing group had no code of its own here"),
]
# Versions that are not compared: (API, below, reason).
VERSIONS = [
    ("OffsetCommit", 1, "version 0 went to ZooKeeper: Kafka 3.9 without it answers 35; Ringwood keeps these offsets with the group"),
    ("OffsetFetch", 1, "the same"),
]
# Entries that are left out, by their name: (API, path of the list, name, reason).
ENTRIES = [
    ("CreateTopics", "topics.configs", "min.insync.replicas", "Kafka's controller writes it as a dynamic default of the cluster when ELR comes on"),
    ("DescribeConfigs", "results.configs", "min.insync.replicas", "the same"),
]
# Arrays whose order is part of the answer.
ORDERED = {("Fetch", "responses"), ("Fetch", "responses.partitions"), ("ListOffsets", "topics.partitions.old_style_offsets")}


def matches(pattern, path):
    return path.endswith(pattern[1:]) if pattern.startswith("*") else path == pattern


def treatment(api, path):
    return next((how for of, pattern, how, _ in RULES if of in ("*", api) and matches(pattern, path)), None)


class Symbols:
    """Numbers the values of each kind in the order in which they are first seen."""

    def __init__(self):
        self.seen, self.named = {}, {}

    def name(self, value, label):
        """A value that both sides know by the same label."""
        self.named[value] = label

    def of(self, kind, value):
        if value in (None, "", 0, -1, "00000000-0000-0000-0000-000000000000"):
            return value
        if value in self.named:
            return self.named[value]
        known = self.seen.setdefault(kind, {})
        return f"{kind}#{known.setdefault(value, len(known) + 1)}"


KIND = {"leader": "member_id"}


def normal(api, value, symbols, path=""):
    """The answer with its exceptions taken out."""
    if isinstance(value, dict):
        made = {}
        for name, one in value.items():
            where = f"{path}.{name}" if path else name
            how = treatment(api, where)
            if how == "ignore":
                continue
            if how == "symbol":
                made[name] = symbols.of(KIND.get(name, name), one)
            elif how == "set":
                made[name] = one if one in (None, "", -1) else "something"
            elif how == "batches":
                made[name] = whole_batches(one)
            elif how == "time":
                made[name] = one if one in (-1, 0) else "time"
            else:
                made[name] = normal(api, one, symbols, where)
        return made
    if isinstance(value, list):
        left_out = {name for of, where, name, _ in ENTRIES if (of, where) == (api, path)}
        made = [normal(api, one, symbols, path) for one in value if not (left_out and one.get("name") in left_out)]
        if (api, path) not in ORDERED and all(isinstance(m, dict) for m in made):
            made.sort(key=order)
        return made
    return value


class Messages(list):
    """Messages of an old format: Ringwood may send more of them."""


def whole_batches(data):
    """What the bytes hold, without a part of a batch or message at the end, unless that is all there is."""
    if data and len(data) > 16 and data[16] < 2:
        return Messages((o, magic, stamp, k, v) for o, magic, _, stamp, k, v in records.messages(data))
    found = []
    for header in records.headers(data or b""):
        raw = bytes(data[header.position:header.end])
        if header.attributes & 7:
            raw = raw[:8] + raw[12:17] + raw[21:records.HEADER_BYTES], list(records.records(data, header))
        found.append(raw)
    return found or data


def excused(label, difference, old):
    """Whether a difference of a step is a named exception."""
    path = difference.partition(": ")[0]

    def fits(pattern, text):
        return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text)
    return any((fits(step, label) or fits(step, label.partition(" [")[0])) and fits(where, path) for step, where, _ in STEPS + (OLD_STEPS if old else []))


def order(entry):
    """By whatever names an entry, then by all of it."""
    names = ("name", "topic", "group_id", "resource_name", "node_id", "broker_id", "partition_index", "partition", "api_key", "key", "member_id")
    return [repr(entry.get(n)) if not isinstance(entry.get(n), int) else f"{entry[n]:12}" for n in names], repr(sorted(entry.items()))


def differences(ours, theirs, path=""):
    """['path: ours != theirs']"""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for name in {**theirs, **ours}:
            where = f"{path}.{name}" if path else name
            if name not in ours or name not in theirs:
                found.append(f"{where}: {'missing' if name not in ours else 'not in the reference: ' + short(ours[name])}")
            else:
                found += differences(ours[name], theirs[name], where)
        return found
    if isinstance(ours, Messages) and theirs is not None and list(theirs) == ours[:len(theirs)]:
        return []
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return [f"{path}: {len(ours)} entries {short(ours)} != {len(theirs)} entries {short(theirs)}"]
        return [d for i, (a, b) in enumerate(zip(ours, theirs)) for d in differences(a, b, f"{path}[{i}]")]
    return [] if ours == theirs else [f"{path}: {short(ours)} != {short(theirs)}"]


def short(value):
    text = value.hex() if isinstance(value, (bytes, bytearray)) else repr(value)
    return text if len(text) < 160 else text[:150] + f"... ({len(text)})"
