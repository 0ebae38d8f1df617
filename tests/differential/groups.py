"""The scripted part about classic groups: one member, two members, static members, simple consumers, admin."""
from . import requests as make


def keep_member(name):
    def save(memory, answer):
        if answer.get("member_id"):
            memory[name] = answer["member_id"]
            memory["name"](memory[name], f"the id of {name}")
        if answer.get("generation_id", -1) >= 0:
            memory["generation"] = answer["generation_id"]
    return save


def joined(p, label, v, group, name, conn, start=False, **how):
    """Joins, by way of MEMBER_ID_REQUIRED where the version has it. start: leaves the last request without its answer."""
    x = v("JoinGroup")
    if name not in p.sides[0].memory and x >= 4 and not how.get("instance"):
        p.ask(f"{label}: is told its id", "JoinGroup", x, make.join(group, "", **how), conn, save=keep_member(name))
    for side in p.sides:
        side.memory.setdefault(name, "")
    if start:
        p.start("JoinGroup", x, make.join(group, name, **how), conn)
        return None
    return p.ask(f"{label}: joins", "JoinGroup", x, make.join(group, name, **how), conn, save=keep_member(name))


def sync_body(v, group, name, assign=(), **more):
    x = v("SyncGroup")
    return x, make.sync(group, name, assign, kind="consumer" if x >= 5 else None, protocol="range" if x >= 5 else None, **more)


def one_member(p, tag, v):
    group, topic = f"{tag}-g1", f"{tag}-gt"
    for side in p.sides:
        for name in ("m1", "generation"):
            side.memory.pop(name, None)
    p.topic(topic, 2)
    f = v("FindCoordinator")
    p.ask("the coordinator before its topic", "FindCoordinator", f, make.find_coordinator(f, group))
    p.settle("the coordinator is there", "FindCoordinator", 2, make.find_coordinator(2, group), lambda r: r["error_code"] == 0)
    p.settle("the coordinator has loaded", "Heartbeat", 0, make.heartbeat(group, "x", -1), lambda r: r["error_code"] not in (14, 15, 16))
    p.ask("coordinator", "FindCoordinator", f, make.find_coordinator(f, group))
    if f >= 1:
        p.ask("coordinator of a strange kind", "FindCoordinator", f, make.find_coordinator(f, group, 9))
    p.ask("coordinator of an empty group id", "FindCoordinator", f, make.find_coordinator(f, ""))
    j, h, o, g = v("JoinGroup"), v("Heartbeat"), v("OffsetCommit"), v("OffsetFetch")
    # Before the joins that are refused: Kafka keeps a group that such a join has made.
    p.ask("heartbeat without a group", "Heartbeat", h, make.heartbeat(group, "x", 1))
    p.ask("sync without a group", "SyncGroup", *sync_body(v, group, "x", generation=1))
    p.ask("leave without a group", "LeaveGroup", v("LeaveGroup"), make.leave(v("LeaveGroup"), group, "x"))
    p.ask("commit to no group with a generation", "OffsetCommit", o, make.commit(o, group, topic, {0: 1}, "x", 3))
    p.ask("offsets of no group", "OffsetFetch", g, make.offset_fetch(g, group, topic, (0, 1)))
    described(p, v, group)
    p.ask("an empty group id", "JoinGroup", j, make.join(""))
    p.ask("a session too short", "JoinGroup", j, make.join(group, session=1))
    p.ask("a session too long", "JoinGroup", j, make.join(group, session=100_000_000))
    p.ask("a member id nobody gave", "JoinGroup", j, make.join(group, "stranger"))
    p.ask("no protocol", "JoinGroup", j, make.join(group, protocols=()))
    p.ask("no protocol type", "JoinGroup", j, make.join(group, kind=""))
    joined(p, "one member", v, group, "m1", "c1")
    p.ask("heartbeat before the sync", "Heartbeat", h, make.heartbeat(group, "m1"))
    p.ask("commit before the sync", "OffsetCommit", o, make.commit(o, group, topic, {0: 1}, "m1", "generation"))
    p.ask("sync with a wrong generation", "SyncGroup", *sync_body(v, group, "m1", generation=77))
    p.ask("sync of a stranger", "SyncGroup", *sync_body(v, group, "stranger"))
    if v("SyncGroup") >= 5:
        p.ask("sync without a protocol", "SyncGroup", 5, make.sync(group, "m1"))
        p.ask("sync with another kind", "SyncGroup", 5, make.sync(group, "m1", kind="connect", protocol="range"))
        p.ask("sync with another protocol", "SyncGroup", 5, make.sync(group, "m1", kind="consumer", protocol="roundrobin"))
    p.ask("sync", "SyncGroup", *sync_body(v, group, "m1", [("m1", b"all of it")]), "c1")
    p.ask("sync again", "SyncGroup", *sync_body(v, group, "m1"), "c1")
    for generation in ("generation", 0, 99, -1):
        p.ask(f"heartbeat with generation {generation}", "Heartbeat", h, make.heartbeat(group, "m1", generation))
    p.ask("heartbeat of a stranger", "Heartbeat", h, make.heartbeat(group, "stranger"))
    commits(p, group, topic, o, g)
    described(p, v, group)
    p.ask("the same member joins again", "JoinGroup", j, make.join(group, "m1"), "c1", save=keep_member("m1"))
    p.ask("sync after it", "SyncGroup", *sync_body(v, group, "m1", [("m1", b"more")]), "c1")
    p.ask("another kind of group", "JoinGroup", j, make.join(group, kind="connect"))
    p.ask("no common protocol", "JoinGroup", j, make.join(group, protocols=(("other", b""),)))
    d, e = v("DeleteGroups"), 0
    p.ask("delete a group with members", "DeleteGroups", d, {"groups_names": [group, "no-such"]})
    p.ask("delete an offset that is subscribed", "OffsetDelete", e, {"group_id": group, "topics": [{"name": topic, "partitions": [{"partition_index": 0}]}]})
    left = v("LeaveGroup")
    p.ask("a stranger leaves", "LeaveGroup", left, make.leave(left, group, "stranger"))
    p.ask("leaves", "LeaveGroup", left, make.leave(left, group, "m1"))
    p.ask("leaves again", "LeaveGroup", left, make.leave(left, group, "m1"))
    p.ask("heartbeat after it has left", "Heartbeat", h, make.heartbeat(group, "m1"))
    described(p, v, group)
    p.ask("the empty group's offsets", "OffsetFetch", g, make.offset_fetch(g, group, topic, (0, 1)))
    p.ask("delete one offset", "OffsetDelete", e, {"group_id": group, "topics": [{"name": topic, "partitions": [{"partition_index": 0}, {"partition_index": 9}]}]})
    p.ask("delete an offset of no group", "OffsetDelete", e, {"group_id": "no-such", "topics": [{"name": topic, "partitions": [{"partition_index": 0}]}]})
    p.ask("the offsets that are left", "OffsetFetch", g, make.offset_fetch(g, group, topic, (0, 1)))
    p.ask("delete the group", "DeleteGroups", d, {"groups_names": [group]})
    p.ask("delete it again", "DeleteGroups", d, {"groups_names": [group]})
    described(p, v, group)
    p.ask("its offsets", "OffsetFetch", g, make.offset_fetch(g, group, topic, (0, 1)))


def commits(p, group, topic, o, g):
    ask = lambda label, *a, **k: p.ask(label, "OffsetCommit", o, make.commit(o, group, *a, **k))  # noqa: E731
    mine = ("m1", "generation") if o >= 1 else ("", -1)
    ask("commit", topic, {0: 5, 1: 6}, *mine, note="a note")
    ask("a partition that is not there", topic, {9: 5}, *mine)
    ask("a topic that is not there", "no-such", {0: 5}, *mine)
    ask("a note that is too long", topic, {0: 6, 1: 7}, *mine, note="x" * 5000)
    ask("no note", topic, {1: 8}, *mine, note=None)
    ask("an offset below 0", topic, {1: -5}, *mine)
    if o >= 1:
        ask("a wrong generation", topic, {0: 6}, "m1", 55)
        ask("a stranger", topic, {0: 6}, "stranger", "generation")
        ask("a simple consumer while there are members", topic, {0: 6}, "", -1)
    p.ask("the offsets", "OffsetFetch", g, make.offset_fetch(g, group, topic, (0, 1, 9)))
    p.ask("offsets of a topic that is not there", "OffsetFetch", g, make.offset_fetch(g, group, "no-such", (0,)))
    if g >= 2:
        p.ask("all offsets", "OffsetFetch", g, make.offset_fetch(g, group))
    p.ask("offsets of no group", "OffsetFetch", g, make.offset_fetch(g, "no-such", topic, (0,)))


def described(p, v, group):
    x, y = v("DescribeGroups"), v("ListGroups")
    p.ask("described", "DescribeGroups", x, {"groups": [group, "no-such", "", group], "include_authorized_operations": True})
    for answers in (p.ask("listed", "ListGroups", y, {}, check=False),):
        p.compare("listed, this group", "ListGroups", [{"error_code": a.get("error_code"), "groups": [g for g in a.get("groups", []) if g["group_id"] == group]} for a in answers])
    if y >= 4:
        for state in ("Stable", "Empty", "Nonsense"):
            answers = p.ask(f"listed if {state}", "ListGroups", y, {"states_filter": [state]}, check=False)
            p.compare(f"listed if {state}", "ListGroups", [{"groups": [g for g in a.get("groups", []) if g["group_id"] == group]} for a in answers])
    if y >= 5:
        for kind in ("classic", "consumer", "Nonsense"):
            answers = p.ask(f"listed if {kind}", "ListGroups", y, {"types_filter": [kind]}, check=False)
            p.compare(f"listed if {kind}", "ListGroups", [{"groups": [g for g in a.get("groups", []) if g["group_id"] == group]} for a in answers])


def two_members(p, tag, v):
    group, h = f"{tag}-g2", v("Heartbeat")
    for side in p.sides:
        for name in ("m1", "m2", "generation"):
            side.memory.pop(name, None)
    both = (("range", make.RANGE), ("roundrobin", make.RANGE))
    joined(p, "the first", v, group, "m1", "c1", protocols=both)
    p.ask("the first syncs", "SyncGroup", *sync_body(v, group, "m1", [("m1", b"1")]), "c1")
    joined(p, "the second", v, group, "m2", "c2", start=True, protocols=both[:1])
    p.settle("the first is told to rejoin", "Heartbeat", h, make.heartbeat(group, "m1"), lambda r: r["error_code"] == 27)
    p.ask("sync while it rebalances", "SyncGroup", *sync_body(v, group, "m1", [("m1", b"1")]))
    p.ask("described while it rebalances", "DescribeGroups", v("DescribeGroups"), {"groups": [group]})
    p.start("JoinGroup", v("JoinGroup"), make.join(group, "m1", protocols=both), "c1")
    p.finish("the first is in", "c1", save=keep_member("m1"))
    p.finish("the second is in", "c2", save=keep_member("m2"))
    p.start("SyncGroup", *sync_body(v, group, "m2"), "c2")
    p.ask("the leader assigns", "SyncGroup", *sync_body(v, group, "m1", [("m1", b"one"), ("m2", b"two")]), "c1")
    p.finish("the follower gets its part", "c2")
    p.ask("both are there", "DescribeGroups", v("DescribeGroups"), {"groups": [group]})
    p.ask("a follower joins again, nothing new", "JoinGroup", v("JoinGroup"), make.join(group, "m2", protocols=both[:1]), "c2", save=keep_member("m2"))
    p.ask("and syncs", "SyncGroup", *sync_body(v, group, "m2"), "c2")
    left = v("LeaveGroup")
    p.ask("the second leaves", "LeaveGroup", left, make.leave(left, group, "m2"))
    p.ask("the first is told to rejoin", "Heartbeat", h, make.heartbeat(group, "m1"))
    p.ask("the first joins", "JoinGroup", v("JoinGroup"), make.join(group, "m1", protocols=both), "c1", save=keep_member("m1"))
    p.ask("and syncs", "SyncGroup", *sync_body(v, group, "m1", [("m1", b"all")]), "c1")
    p.ask("and leaves", "LeaveGroup", left, make.leave(left, group, "m1"))
    timeouts(p, tag, v)


def timeouts(p, tag, v):
    """A member that says nothing for its session timeout is gone."""
    group = f"{tag}-g3"
    for side in p.sides:
        for name in ("m1", "generation"):
            side.memory.pop(name, None)
    joined(p, "a short session", v, group, "m1", "c1", session=600)
    p.ask("syncs", "SyncGroup", *sync_body(v, group, "m1", [("m1", b"1")]), "c1")
    p.settle("the silent member is gone", "DescribeGroups", v("DescribeGroups"), {"groups": [group]}, lambda r: r["groups"][0]["group_state"] == "Empty")
    p.ask("its heartbeat", "Heartbeat", v("Heartbeat"), make.heartbeat(group, "m1"))


def static_members(p, tag, v):
    j, s, h, left = v("JoinGroup"), v("SyncGroup"), v("Heartbeat"), v("LeaveGroup")
    if j < 5 or s < 3 or h < 3:
        return
    group = f"{tag}-g4"
    for side in p.sides:
        for name in ("m1", "m2", "old", "generation"):
            side.memory.pop(name, None)
    joined(p, "a static member", v, group, "m1", "c1", instance="one")
    p.ask("syncs", "SyncGroup", *sync_body(v, group, "m1", [("m1", b"1")], instance="one"), "c1")
    for side in p.sides:
        side.memory["old"] = side.memory.get("m1")
        side.memory["m1"] = ""
    joined(p, "it comes again without its id", v, group, "m1", "c2", instance="one")
    p.ask("syncs", "SyncGroup", *sync_body(v, group, "m1", [("m1", b"1")], instance="one"), "c2")
    p.ask("the old id's heartbeat", "Heartbeat", h, make.heartbeat(group, "old", instance="one"))
    p.ask("the old id's join", "JoinGroup", j, make.join(group, "old", instance="one"), "c3")
    p.ask("the old id's sync", "SyncGroup", *sync_body(v, group, "old", instance="one"))
    p.ask("an unknown instance's heartbeat", "Heartbeat", h, make.heartbeat(group, "m1", instance="nobody"))
    p.ask("described", "DescribeGroups", v("DescribeGroups"), {"groups": [group]})
    if left >= 3:
        p.ask("an unknown instance leaves", "LeaveGroup", left, make.leave(left, group, "", "nobody"))
        p.ask("the old id leaves", "LeaveGroup", left, make.leave(left, group, "old", "one"))
        p.ask("it leaves by its name alone", "LeaveGroup", left, make.leave(left, group, "", "one"))
    p.ask("described", "DescribeGroups", v("DescribeGroups"), {"groups": [group]})


def simple_consumers(p, tag, v):
    group, topic = f"{tag}-g5", f"{tag}-st"
    p.topic(topic, 3)
    o, g = v("OffsetCommit"), v("OffsetFetch")
    p.settle("the coordinator has loaded", "Heartbeat", 0, make.heartbeat(group, "x", -1), lambda r: r["error_code"] not in (14, 15, 16))
    p.ask("a commit makes a group", "OffsetCommit", o, make.commit(o, group, topic, {0: 1, 2: 3}, note="n"))
    p.ask("with a member id", "OffsetCommit", o, make.commit(o, group, topic, {0: 2}, "somebody", 4))
    p.ask("its offsets", "OffsetFetch", g, make.offset_fetch(g, group, topic, (0, 1, 2)))
    described(p, v, group)
    p.ask("join it with a member id", "JoinGroup", v("JoinGroup"), make.join(group, "stranger"))
    p.ask("an empty group id", "OffsetCommit", o, make.commit(o, "", topic, {0: 1}))
    p.ask("an empty group id's offsets", "OffsetFetch", g, make.offset_fetch(g, "", topic, (0,)))
    p.ask("delete an offset", "OffsetDelete", 0, {"group_id": group, "topics": [{"name": topic, "partitions": [{"partition_index": 0}]}]})
    p.ask("its offsets", "OffsetFetch", g, make.offset_fetch(g, group, topic, (0, 1, 2)))
    p.ask("delete the rest", "OffsetDelete", 0, {"group_id": group, "topics": [{"name": topic, "partitions": [{"partition_index": 2}]}]})
    p.ask("delete the group whose offsets are deleted", "DeleteGroups", v("DeleteGroups"), {"groups_names": [group]})


SECTIONS = {f.__name__: f for f in (one_member, two_members, static_members, simple_consumers)}
