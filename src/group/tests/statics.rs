//! Static members.

use super::*;

/// A stable group of one static member, `i1`, and one dynamic one; the static one leads.
fn stable(bench: &mut Bench) -> (Str, String, i32) {
    let fixed = bench.join_with(join_request("g", "", Some("i1")));
    let (other, call) = bench.enter("g");
    bench.pass(10_000);
    let (fixed, generation) = {
        let response = bench.joined(fixed);
        (response.member_id, response.generation_id)
    };
    assert_eq!(&*bench.joined(call).leader, &*fixed);
    bench.sync_call("g", generation, &other, &[]);
    bench.sync_call("g", generation, &fixed, &[(&fixed, "A"), (&other, "B")]);
    bench.replies.clear();
    assert_eq!(bench.state("g"), "Stable");
    (fixed, other, generation)
}

#[test]
fn the_member_id_begins_with_the_instance_id_and_is_given_at_once() {
    let mut bench = Bench::new();
    bench.version = 9;
    let call = bench.join_with(join_request("g", "", Some("i1")));
    assert!(bench.replies.is_empty());
    bench.pass(3_000);
    assert!(bench.joined(call).member_id.starts_with("i1-"));
}

#[test]
fn a_restart_keeps_assignment_and_generation_and_fences_the_old_id() {
    for version in [5, 9] {
        let mut bench = Bench::new();
        let (old, other, generation) = stable(&mut bench);
        bench.version = version;
        bench.lands = false;
        let call = bench.join_with(join_request("g", "", Some("i1")));
        assert!(bench.replies.is_empty(), "the new id is durable before it is told");
        bench.land_all();
        let response = bench.joined(call);
        assert_ne!(response.member_id, old);
        assert_eq!((response.error_code, response.generation_id), (0, generation));
        assert_eq!(bench.state("g"), "Stable");
        if version >= 9 {
            assert!(response.skip_assignment && response.leader == response.member_id);
            assert_eq!(response.members.len(), 2);
        } else {
            assert!(!response.skip_assignment && response.leader == old && response.members.is_empty());
        }
        let sync = bench.sync_call("g", generation, &response.member_id, &[]);
        assert_eq!(bench.synced(sync), (0, Bytes::from("A")));
        assert_eq!(bench.heartbeat_as("g", generation, &old, Some("i1")), 82);
        assert_eq!(bench.heartbeat("g", generation, &old), 25);
        assert_eq!(bench.heartbeat_as("g", generation, &response.member_id, Some("i2")), 25);
        assert_eq!(bench.heartbeat_as("g", generation, &response.member_id, Some("i1")), 0);
        assert_eq!(bench.heartbeat("g", generation, &other), 0);
        assert_eq!(snapshot(&bench.replayed()), snapshot(&bench.coordinator));
    }
}

#[test]
fn duplicates_fence_each_other() {
    let mut bench = Bench::new();
    let (_, other, generation) = stable(&mut bench);
    bench.join("g", &other);
    let changed = JoinGroupRequest {
        protocols: vec![JoinGroupRequestProtocol {
            name: Str::from("range"),
            metadata: subscription(&["u"]),
        }],
        ..join_request("g", &other, None)
    };
    bench.replies.clear();
    bench.join_with(changed);
    assert_eq!(bench.state("g"), "PreparingRebalance");
    // Two processes with the same instance id: the second takes the place, the first one's parked join fails. All have
    // joined then, and the phase ends.
    bench.lands = false;
    let first = bench.join_with(join_request("g", "", Some("i1")));
    let response = bench.joined(first);
    assert_eq!(response.generation_id, generation + 1);
    let parked = bench.sync_call("g", generation + 1, &response.member_id, &[]);
    let second = bench.join_with(join_request("g", "", Some("i1")));
    assert_eq!(bench.synced(parked).0, 82);
    let third = bench.join_with(join_request("g", "", Some("i1")));
    assert_eq!(bench.joined(second).error_code, 82);
    let call = bench.join("g", &other);
    assert_eq!((bench.joined(third).error_code, bench.joined(call).error_code), (0, 0));
}

#[test]
fn a_record_that_cannot_be_written_takes_the_new_id_back() {
    let mut bench = Bench::new();
    let (old, _, generation) = stable(&mut bench);
    bench.lands = false;
    let call = bench.join_with(join_request("g", "", Some("i1")));
    bench.land(Err(AppendFailure::Storage));
    let refused = bench.joined(call);
    assert_eq!((refused.error_code, &*refused.member_id), (16, ""));
    assert_eq!(bench.heartbeat_as("g", generation, &old, Some("i1")), 0);
}

#[test]
fn a_rebalance_answers_a_restart_whose_record_is_on_its_way() {
    let mut bench = Bench::new();
    let (_, other, generation) = stable(&mut bench);
    bench.lands = false;
    let call = bench.join_with(join_request("g", "", Some("i1")));
    let (_, newcomer) = bench.enter("g");
    let rejoin = bench.join("g", &other);
    bench.land_all();
    for call in [call, newcomer, rejoin] {
        assert_eq!(bench.joined(call).generation_id, generation + 1);
    }
}

#[test]
fn static_members_keep_their_place_until_their_session_ends() {
    let mut bench = Bench::new();
    let (fixed, other, generation) = stable(&mut bench);
    let call = bench.join_with(join_request("g", "", Some("i3")));
    let rejoin = bench.join("g", &other);
    for _ in 0..6 {
        bench.pass(9_000);
        assert_eq!(bench.heartbeat_as("g", generation, &fixed, Some("i1")), 27);
    }
    bench.pass(6_000);
    assert_eq!(bench.joined(call).generation_id, generation + 1);
    let response = bench.joined(rejoin);
    assert_eq!((response.members.len(), &*response.leader), (3, &*other), "one that has joined leads");
}

#[test]
fn a_restart_with_another_choice_of_protocol_rebalances() {
    let mut bench = Bench::new();
    let (_, _, _) = stable(&mut bench);
    let request = JoinGroupRequest {
        protocols: vec![
            JoinGroupRequestProtocol { name: Str::from("sticky"), metadata: Bytes::new() },
            JoinGroupRequestProtocol { name: Str::from("range"), metadata: Bytes::new() },
        ],
        ..join_request("g", "", Some("i1"))
    };
    bench.join_with(request);
    assert_eq!(bench.state("g"), "Stable", "range is still what all support");

    let mut bench = Bench::new();
    let call = bench.join_with(join_request("g", "", Some("i1")));
    bench.pass(3_000);
    let id = bench.joined(call).member_id;
    let sync = bench.sync_call("g", 1, &id, &[]);
    bench.synced(sync);
    let request = JoinGroupRequest {
        protocols: vec![
            JoinGroupRequestProtocol { name: Str::from("sticky"), metadata: Bytes::new() },
            JoinGroupRequestProtocol { name: Str::from("range"), metadata: Bytes::new() },
        ],
        ..join_request("g", "", Some("i1"))
    };
    let call = bench.join_with(request);
    let response = bench.joined(call);
    assert_eq!((response.generation_id, response.protocol_name.as_deref()), (2, Some("sticky")));
}

#[test]
fn a_group_waits_for_static_members_that_are_all_away() {
    let mut bench = Bench::new();
    let request = |member: &str| JoinGroupRequest {
        session_timeout_ms: 1_000_000,
        rebalance_timeout_ms: 0,
        ..join_request("g", member, Some("i1"))
    };
    let call = bench.join_with(request(""));
    let other = bench.join_with(join_request("g", "", Some("i2")));
    bench.pass(10_000);
    let id = bench.joined(call).member_id;
    let other = bench.joined(other).member_id;
    let sync = bench.sync_call("g", 1, &id, &[]);
    bench.synced(sync);
    let leave = LeaveGroupRequest {
        group_id: Str::from("g"),
        members: vec![LeaveGroupRequestMember { member_id: other, ..LeaveGroupRequestMember::default() }],
        ..LeaveGroupRequest::default()
    };
    bench.ask(GroupCall::LeaveGroup(client(4), leave));
    bench.pass(100_000);
    assert_eq!(bench.state("g"), "PreparingRebalance");
    let call = bench.join_with(request(&id));
    assert_eq!(bench.joined(call).generation_id, 2);
}
