"""The named exceptions: fields that may differ, and how.

A rule is (API or *, path, treatment, reason); the path is that of the field, its parents joined by dots, * for any start.
Treatments: ignore (not compared), symbol (compared by identity: the n-th value of its kind that a broker shows is #n on both),
set (only whether there is something), words (there must be some where the reference has some), time (a wall clock: compared as -1, 0 or "time").
"""
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
    ("*", "*error_message", "words", "each broker has its own words, and Ringwood some where Kafka has none"),
    ("*", "*documentation", "ignore", "each broker has its own words"),
    ("ApiVersions", "api_keys", "ignore", "compared by the test itself, for the APIs that Ringwood serves"),
    ("ApiVersions", "finalized_features_epoch", "set", "an offset of the metadata log"),
    ("ApiVersions", "supported_features", "ignore", "compared by the test itself, for the features that Ringwood has"),
    ("ApiVersions", "finalized_features", "ignore", "compared by the test itself, for the features that Ringwood has"),
    ("ApiVersions", "zk_migration_ready", "ignore", "only Kafka below 4 sends it"),
    ("Fetch", "responses.partitions.records", "whole", "a cut batch at the end may be there or not; compressors differ"),
    ("DescribeGroups", "groups.members.client_host", "set", "/127.0.0.1 on both, but for the way of writing it"),
    ("Metadata", "cluster_authorized_operations", "ignore", "Ringwood has no authorizer yet; Kafka lists by its own"),
    ("Metadata", "topics.topic_authorized_operations", "ignore", "Ringwood has no authorizer yet"),
    ("DescribeCluster", "cluster_authorized_operations", "ignore", "Ringwood has no authorizer yet"),
    ("DescribeTopicPartitions", "topics.topic_authorized_operations", "ignore", "Ringwood has no authorizer yet"),
    ("DescribeGroups", "groups.authorized_operations", "ignore", "Ringwood has no authorizer yet"),
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


class Words:
    """A text for people: ours may say something where the reference says nothing."""

    def __init__(self, some):
        self.some = bool(some)

    def __eq__(self, other):
        return self.some or not other.some

    def __repr__(self):
        return "words" if self.some else "no words"


class Prefix(list):
    """Converted messages: how many of them a broker packs into one answer is its own affair, not which."""

    def __eq__(self, other):
        short = min(len(self), len(other))
        return list(self)[:short] == list(other)[:short] and bool(self or not other)

    __hash__ = None


def whole(data):
    """Records without the batch that is cut off at their end; compressed ones unpacked, since no two compressors agree."""
    if not data:
        return data
    if len(data) > 16 and data[16] < 2:
        return Prefix(list(m) for m in records.messages(data))
    found = []
    for h in records.headers(data):
        if h.attributes & 7:
            found.append([*(getattr(h, n) for n in HEADER), *map(list, records.records(data, h))])
        else:
            found.append(data[h.position:h.end])
    return found


HEADER = ("base_offset", "attributes", "last_offset_delta", "base_timestamp", "max_timestamp", "producer_id", "producer_epoch",
          "base_sequence", "count")
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
                made[name] = one not in (None, "", -1)
            elif how == "words":
                made[name] = Words(one)
            elif how == "whole":
                made[name] = whole(one)
            elif how == "time":
                made[name] = one if one in (-1, 0) else "time"
            else:
                made[name] = normal(api, one, symbols, where)
        return made
    if isinstance(value, list):
        made = [normal(api, one, symbols, path) for one in value]
        if (api, path) not in ORDERED and all(isinstance(m, dict) for m in made):
            made.sort(key=order)
        return made
    return value


def order(entry):
    """By whatever names an entry, then by all of it."""
    names = ("name", "topic", "group_id", "resource_name", "member_id", "node_id", "broker_id", "partition_index", "partition", "api_key", "key")
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
    if isinstance(ours, Prefix) or isinstance(theirs, Prefix):
        return [] if ours == (theirs or []) else [f"{path}: {short(ours)} != {short(theirs)}"]
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return [f"{path}: {len(ours)} entries {short(ours)} != {len(theirs)} entries {short(theirs)}"]
        return [d for i, (a, b) in enumerate(zip(ours, theirs)) for d in differences(a, b, f"{path}[{i}]")]
    return [] if ours == theirs else [f"{path}: {short(ours)} != {short(theirs)}"]


def short(value):
    text = value.hex() if isinstance(value, (bytes, bytearray)) else repr(value)
    return text if len(text) < 160 else text[:150] + f"... ({len(text)})"
