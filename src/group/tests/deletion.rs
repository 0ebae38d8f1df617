//! What goes: groups and offsets, by request and by age.

use super::*;

const DAY_MS: i64 = 24 * 3_600_000;

fn delete(bench: &mut Bench, group: &str) -> i16 {
    match bench.ask(GroupCall::DeleteGroup { group_id: Str::from(group) }) {
        GroupReply::DeleteGroup(result) => result.error_code,
        other => panic!("{other:?}"),
    }
}

fn offset_delete(bench: &mut Bench, group: &str, topic: &str) -> (i16, i16) {
    let request = OffsetDeleteRequest {
        group_id: Str::from(group),
        topics: vec![OffsetDeleteRequestTopic {
            name: Str::from(topic),
            partitions: vec![OffsetDeleteRequestPartition::default()],
        }],
    };
    match bench.ask(GroupCall::OffsetDelete(request)) {
        GroupReply::OffsetDelete(response) => {
            let partition = response.topics.first().map_or(0, |t| t.partitions[0].error_code);
            (response.error_code, partition)
        }
        other => panic!("{other:?}"),
    }
}

fn list(bench: &mut Bench, states: &[&str], types: &[&str]) -> Vec<(String, String)> {
    let request = ListGroupsRequest {
        states_filter: states.iter().map(|s| Str::from(*s)).collect(),
        types_filter: types.iter().map(|s| Str::from(*s)).collect(),
    };
    match bench.ask(GroupCall::ListGroups(request)) {
        GroupReply::ListGroups(response) => {
            assert_eq!(response.error_code, 0);
            response.groups.iter().map(|g| (g.group_id.to_string(), g.group_state.to_string())).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn groups_are_listed_and_described() {
    let mut bench = Bench::new();
    bench.commit("simple", -1, "", 1);
    bench.stable("live", 1);
    let (simple, live) = (("simple".into(), "Empty".into()), ("live".into(), "Stable".into()));
    assert_eq!(list(&mut bench, &[], &[]), [simple.clone(), live.clone()]);
    assert_eq!(list(&mut bench, &["stable"], &["Classic"]), [live]);
    assert_eq!(list(&mut bench, &["Empty", "Dead"], &[]), [simple]);
    assert!(list(&mut bench, &[], &["consumer"]).is_empty());
    let missing = bench.describe("missing", 5);
    assert_eq!((&*missing.group_state, missing.error_code), ("Dead", 0));
    let missing = bench.describe("missing", 6);
    assert_eq!((&*missing.group_state, missing.error_code), ("Dead", 69));
    let empty = bench.describe("simple", 6);
    assert_eq!((&*empty.group_state, &*empty.protocol_type, empty.error_code), ("Empty", "", 0));
}

#[test]
fn only_groups_without_members_are_deleted() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 1);
    assert_eq!(bench.commit("g", generation, &ids[0], 5), 0);
    assert_eq!((delete(&mut bench, "g"), delete(&mut bench, "missing")), (68, 69));
    bench.leave("g", &ids[0]);
    assert_eq!(delete(&mut bench, "g"), 0);
    assert_eq!((bench.offset("g"), delete(&mut bench, "g")), (-1, 69));
    let tombstones = bench.log.iter().rev().take_while(|record| record.value.is_none()).count();
    assert_eq!(tombstones, 2);
    assert_eq!(bench.replayed().group_count(), 0);
    assert_eq!(
        bench.coordinator.next_deadline().filter(|_| bench.coordinator.timers.next_ms().is_none()),
        None
    );
}

#[test]
fn nobody_gets_in_while_a_group_is_being_deleted() {
    let mut bench = Bench::new();
    bench.commit("g", -1, "", 5);
    bench.lands = false;
    let commit = GroupCall::OffsetCommit(client(8), Bench::commit_request("g", -1, "", "u", 6));
    let in_flight = bench.call(commit);
    let deleting = bench.call(GroupCall::DeleteGroup { group_id: Str::from("g") });
    assert_eq!(
        (bench.state("g"), delete(&mut bench, "g"), bench.commit("g", -1, "", 7)),
        ("Dead".into(), 69, 15)
    );
    let call = bench.join("g", "");
    assert_eq!(bench.joined(call).error_code, 15);
    bench.land(Ok(()));
    assert!(bench.replies.remove(&in_flight).is_some());
    bench.land(Err(AppendFailure::NotEnoughReplicas));
    let Some(GroupReply::DeleteGroup(result)) = bench.replies.remove(&deleting) else { panic!() };
    assert_eq!((result.error_code, bench.state("g"), bench.offset("g")), (15, "Empty".into(), 5));
    bench.call(GroupCall::OffsetCommit(client(8), Bench::commit_request("g", -1, "", "v", 6)));
    bench.call(GroupCall::DeleteGroup { group_id: Str::from("g") });
    bench.land_all();
    assert_eq!(bench.coordinator.group_count(), 0);
    assert_eq!(bench.replayed().group_count(), 0, "also the commit that was on its way has its tombstone");
}

#[test]
fn offsets_of_subscribed_topics_stay() {
    let mut bench = Bench::new();
    assert_eq!(offset_delete(&mut bench, "missing", "t"), (69, 0));
    assert_eq!(offset_delete(&mut bench, "", "t"), (24, 0));
    let (ids, generation) = bench.stable("g", 1);
    bench.commit("g", generation, &ids[0], 5);
    bench.commit_with(8, Bench::commit_request("g", generation, &ids[0], "u", 6));
    assert_eq!(offset_delete(&mut bench, "g", "t"), (0, 86));
    assert_eq!(offset_delete(&mut bench, "g", "u"), (0, 0));
    assert_eq!(offset_delete(&mut bench, "g", "unknown"), (0, 0));
    assert_eq!(bench.fetch("g", None, false).topics.len(), 1);
    bench.leave("g", &ids[0]);
    assert_eq!((offset_delete(&mut bench, "g", "t"), bench.offset("g")), ((0, 0), -1));
    // Who knows what a group of another protocol reads.
    bench.version = 3;
    let connect = JoinGroupRequest { protocol_type: Str::from("connect"), ..join_request("h", "", None) };
    bench.join_with(connect);
    assert_eq!(offset_delete(&mut bench, "h", "t"), (68, 0));
    assert_eq!(snapshot(&bench.replayed())[0], snapshot(&bench.coordinator)[0]);
}

#[test]
fn offsets_expire_when_their_group_has_been_empty_for_long_enough() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 1);
    bench.commit("g", generation, &ids[0], 5);
    for _ in 0..8 {
        // Alive, it keeps its offsets however old they are.
        for _ in 0..9_600 {
            bench.pass(9_000);
            bench.heartbeat("g", generation, &ids[0]);
        }
    }
    assert_eq!(bench.offset("g"), 5);
    bench.leave("g", &ids[0]);
    bench.pass(7 * DAY_MS - 1);
    assert_eq!(bench.offset("g"), 5);
    bench.pass(600_001);
    assert_eq!((bench.offset("g"), bench.coordinator.group_count()), (-1, 0));
    assert_eq!(bench.replayed().group_count(), 0);
    assert_eq!(bench.coordinator.next_deadline(), None);
}

#[test]
fn topics_that_members_stopped_reading_expire_by_commit() {
    let mut bench = Bench::with(GroupConfig { offsets_retention_ms: 60_000, ..GroupConfig::default() });
    let (ids, generation) = bench.stable("g", 1);
    bench.commit("g", generation, &ids[0], 5);
    bench.commit_with(8, Bench::commit_request("g", generation, &ids[0], "old", 6));
    for _ in 0..100 {
        bench.pass(9_000);
        assert_eq!(bench.heartbeat("g", generation, &ids[0]), 0);
    }
    let topics: Vec<_> = bench.fetch("g", None, false).topics.iter().map(|t| t.name.to_string()).collect();
    assert_eq!(topics, ["t"]);
}

#[test]
fn offsets_of_simple_consumers_expire_by_commit() {
    let mut bench = Bench::new();
    bench.commit("g", -1, "", 5);
    bench.pass(4 * DAY_MS);
    bench.commit_with(8, Bench::commit_request("g", -1, "", "u", 6));
    bench.pass(4 * DAY_MS);
    assert_eq!(bench.fetch("g", None, false).topics.len(), 1);
    bench.pass(4 * DAY_MS);
    assert_eq!(bench.coordinator.group_count(), 0);
    // A client of old may say itself how long.
    let request =
        OffsetCommitRequest { retention_time_ms: 1_000, ..Bench::commit_request("h", -1, "", "t", 1) };
    bench.commit_with(4, request);
    bench.pass(1_200_000);
    assert_eq!(bench.coordinator.group_count(), 0);
}

#[test]
fn a_commit_on_its_way_does_not_expire() {
    let mut bench = Bench::with(GroupConfig { offsets_retention_ms: 1_000, ..GroupConfig::default() });
    bench.commit("g", -1, "", 5);
    bench.lands = false;
    bench.now_ms += 599_000;
    bench.call(GroupCall::OffsetCommit(client(8), Bench::commit_request("g", -1, "", "t", 6)));
    bench.pass(1_001);
    assert_eq!(bench.appends.len(), 1);
    bench.land_all();
    assert_eq!(bench.offset("g"), 6);
    bench.pass(600_000);
    bench.call(GroupCall::OffsetFetch { group: OffsetFetchRequestGroup::default(), require_stable: false });
    bench.land_all();
    assert_eq!(bench.coordinator.group_count(), 0);
}

#[test]
fn groups_that_never_came_to_anything_go() {
    let mut bench = Bench::new();
    bench.join("g", "");
    assert_eq!(bench.log.len(), 1, "the group is in the log from its first join on");
    bench.pass(600_000);
    assert_eq!((bench.coordinator.group_count(), bench.replayed().group_count()), (0, 0));
}

#[test]
fn offsets_of_deleted_topics_go() {
    let mut bench = Bench::new();
    bench.commit("g", -1, "", 5);
    bench.commit("h", -1, "", 5);
    bench.commit_with(8, Bench::commit_request("g", -1, "", "u", 6));
    let reply = bench.ask(GroupCall::TopicsDeleted(vec![Str::from("t"), Str::from("unknown")]));
    assert_eq!(reply, GroupReply::TopicsDeleted);
    assert_eq!((bench.offset("g"), bench.offset("h")), (-1, -1));
    assert_eq!(list(&mut bench, &[], &[]).len(), 1, "a group of nothing is no group");
    assert_eq!(snapshot(&bench.replayed()), snapshot(&bench.coordinator));
}
