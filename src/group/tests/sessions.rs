//! Heartbeats, leaving and sessions that end.

use super::*;

#[test]
fn heartbeats_answer_by_state() {
    let mut bench = Bench::new();
    assert_eq!(bench.heartbeat("missing", 1, "x"), 25);
    assert_eq!(bench.heartbeat("", 1, "x"), 24);
    let (one, call) = bench.enter("g");
    assert_eq!(bench.heartbeat("g", 0, &one), 27);
    bench.pass(3_000);
    assert_eq!(bench.joined(call).generation_id, 1);
    assert_eq!(bench.heartbeat("g", 1, &one), 0, "also before the assignment is there");
    let sync = bench.sync_call("g", 1, &one, &[]);
    bench.synced(sync);
    assert_eq!(bench.heartbeat("g", 1, &one), 0);
    assert_eq!(bench.heartbeat("g", 0, &one), 22);
    assert_eq!(bench.heartbeat("g", 2, &one), 22);
    assert_eq!(bench.heartbeat("g", 1, "other"), 25);
    assert_eq!(bench.leave("g", &one), 0);
    assert_eq!(bench.state("g"), "Empty");
    assert_eq!(bench.heartbeat("g", 2, &one), 25);
}

#[test]
fn a_session_lasts_from_one_heartbeat_to_the_next() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 2);
    for _ in 0..5 {
        bench.pass(9_999);
        assert_eq!(
            bench.heartbeat("g", generation, &ids[0]),
            if bench.state("g") == "Stable" { 0 } else { 27 }
        );
    }
    assert_eq!(bench.heartbeat("g", generation, &ids[1]), 25, "it was silent for longer than its session");
    bench.pass(10_000);
    assert_eq!(bench.state("g"), "Empty");
    assert_eq!(bench.heartbeat("g", generation, &ids[0]), 25);
    bench.pass(300_000);
    assert_eq!(bench.coordinator.timers.next_ms(), None, "nothing left to wake up for");
}

#[test]
fn a_dead_member_makes_the_others_rejoin() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 2);
    bench.pass(5_000);
    assert_eq!(bench.heartbeat("g", generation, &ids[1]), 0);
    bench.pass(5_000);
    assert_eq!(bench.heartbeat("g", generation, &ids[1]), 27);
    let call = bench.join("g", &ids[1]);
    let response = bench.joined(call);
    assert_eq!(
        (&*response.leader, response.members.len()),
        (&*ids[1], 1),
        "the leader was the one that died"
    );
}

#[test]
fn who_waits_for_the_broker_does_not_expire_unless_new() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 2);
    let waiting = bench.join("g", &ids[0]);
    bench.pass(9_000);
    assert_eq!(bench.heartbeat("g", generation, &ids[1]), 27);
    bench.pass(9_000);
    assert!(bench.replies.is_empty());
    bench.pass(1_000);
    assert_eq!(bench.joined(waiting).members.len(), 1, "the silent one expired, not the one that waits");

    // A new member has nobody to speak for it for five minutes.
    let mut bench =
        Bench::with(GroupConfig { initial_rebalance_delay_ms: 400_000, ..GroupConfig::default() });
    let (_, call) = bench.enter("g");
    bench.pass(299_999);
    assert!(bench.replies.is_empty());
    bench.pass(1);
    let refused = bench.joined(call);
    assert_eq!((refused.error_code, &*refused.member_id), (25, ""));
}

#[test]
fn leaving_one_by_one() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 2);
    assert_eq!(bench.leave("g", "other"), 25);
    assert_eq!(bench.leave("missing", "other"), 25);
    assert_eq!(bench.leave("", "other"), 24);
    assert_eq!(bench.leave("g", &ids[0]), 0);
    assert_eq!(bench.leave("g", &ids[0]), 25);
    assert_eq!(bench.heartbeat("g", generation, &ids[1]), 27);
    let call = bench.join("g", &ids[1]);
    assert_eq!(bench.joined(call).generation_id, generation + 1);
    assert_eq!(bench.leave("g", &ids[1]), 0);
    assert_eq!(bench.state("g"), "Empty");
    assert_eq!(bench.describe("g", 5).protocol_type, Str::from("consumer"));
}

#[test]
fn a_parked_request_of_a_leaver_is_answered() {
    let mut bench = Bench::new();
    let (ids, _) = bench.stable("g", 2);
    let parked = bench.join("g", &ids[0]);
    assert_eq!(bench.leave("g", &ids[0]), 0);
    assert_eq!(bench.joined(parked).error_code, 25);
    let call = bench.join("g", &ids[1]);
    let generation = bench.joined(call).generation_id;
    let (_, newcomer) = bench.enter("g");
    let again = bench.join("g", &ids[1]);
    bench.joined(newcomer);
    bench.joined(again);
    let parked = bench.sync_call("g", generation + 1, &ids[1], &[]);
    assert_eq!(bench.synced(parked).0, 0);
}

#[test]
fn leaving_in_numbers() {
    let mut bench = Bench::new();
    let (ids, _) = bench.stable("g", 2);
    let call = bench.join_with(join_request("g", "", Some("i1")));
    for id in &ids {
        bench.join("g", id);
    }
    let fixed = bench.joined(call).member_id;
    let call = bench.join("g", "");
    let pending = bench.joined(call).member_id;
    let member = |member_id: &str, instance_id: Option<&str>| LeaveGroupRequestMember {
        member_id: Str::from(member_id),
        group_instance_id: instance_id.map(Str::from),
        ..LeaveGroupRequestMember::default()
    };
    let request = LeaveGroupRequest {
        group_id: Str::from("g"),
        members: vec![
            member(&ids[0], None),
            member("stranger", None),
            member("stale", Some("i1")),
            member("", Some("i2")),
            member("", None),
            member("", Some("i1")),
            member(&fixed, Some("i1")),
            member(&pending, None),
        ],
        ..LeaveGroupRequest::default()
    };
    let GroupReply::LeaveGroup(response) = bench.ask(GroupCall::LeaveGroup(client(5), request.clone()))
    else {
        panic!()
    };
    let errors: Vec<_> = response.members.iter().map(|m| m.error_code).collect();
    assert_eq!((response.error_code, errors), (0, vec![0, 25, 82, 25, 25, 0, 25, 0]));
    assert_eq!(response.members[2].group_instance_id.as_deref(), Some("i1"));
    assert_eq!(bench.state("g"), "PreparingRebalance");
    let missing = LeaveGroupRequest { group_id: Str::from("missing"), ..request };
    let GroupReply::LeaveGroup(response) = bench.ask(GroupCall::LeaveGroup(client(3), missing)) else {
        panic!()
    };
    assert_eq!(response.error_code, 0);
    assert!(response.members.iter().all(|m| m.error_code == 25));
}

#[test]
fn a_pending_id_that_leaves_lets_the_others_go_on() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 1);
    let call = bench.join("g", "");
    let pending = bench.joined(call).member_id;
    assert_eq!(bench.leave("g", &pending), 0);
    assert_eq!(bench.heartbeat("g", generation, &ids[0]), 0, "it was no member: nothing changes");
    let call = bench.join("g", "");
    let pending = bench.joined(call).member_id;
    let rejoin = bench.join("g", &ids[0]);
    assert!(bench.replies.is_empty());
    assert_eq!(bench.leave("g", &pending), 0);
    assert_eq!(bench.joined(rejoin).generation_id, generation + 1);
}
