//! Joining and syncing, of dynamic members.

use super::*;

#[test]
fn a_group_forms() {
    let mut bench = Bench::new();
    let (one, first) = bench.enter("g");
    let (two, second) = bench.enter("g");
    assert_eq!(bench.state("g"), "PreparingRebalance");
    bench.pass(2_999);
    assert!(bench.replies.is_empty());
    bench.pass(6_000);
    let (leader, follower) = (bench.joined(first), bench.joined(second));
    assert_eq!((leader.generation_id, &*leader.leader, &*leader.member_id), (1, &*one, &*one));
    assert_eq!((follower.generation_id, &*follower.leader, &*follower.member_id), (1, &*one, &*two));
    assert_eq!((leader.members.len(), follower.members.len()), (2, 0));
    assert_eq!(leader.members[1].metadata, subscription(&["t"]));
    assert_eq!(leader.protocol_name.as_deref(), Some("range"));
    assert_eq!(leader.protocol_type.as_deref(), Some("consumer"));
    assert_eq!(bench.state("g"), "CompletingRebalance");

    bench.lands = false;
    let early = bench.sync_call("g", 1, &two, &[]);
    let late = bench.sync_call("g", 1, &one, &[(&one, "A"), (&two, "B"), ("stranger", "C")]);
    assert!(bench.replies.is_empty(), "nobody acts on an assignment that is not durable");
    bench.land_all();
    assert_eq!(bench.synced(early), (0, Bytes::from("B")));
    assert_eq!(bench.synced(late), (0, Bytes::from("A")));
    let again = bench.sync_call("g", 1, &two, &[]);
    assert_eq!(bench.synced(again), (0, Bytes::from("B")));
    let described = bench.describe("g", 5);
    assert_eq!((&*described.group_state, &*described.protocol_data), ("Stable", "range"));
    assert_eq!(described.members[0].member_assignment, Bytes::from("A"));
    assert_eq!(described.members[0].client_host, Str::from("/127.0.0.1"));
}

#[test]
fn member_ids_are_the_client_id_and_a_uuid() {
    let mut bench = Bench::new();
    let (id, _) = bench.enter("g");
    let parts: Vec<_> = id.split('-').map(str::len).collect();
    assert_eq!((parts, &id[..2]), (vec![1, 8, 4, 4, 4, 12], "c-"));
}

#[test]
fn older_clients_join_at_once() {
    let mut bench = Bench::new();
    bench.version = 3;
    let call = bench.join("g", "");
    bench.pass(3_000);
    assert_eq!(bench.joined(call).error_code, 0);
    // Version 0 lets the session timeout stand for both, and "no protocol" is empty before version 7.
    bench.version = 0;
    let call = bench.join("g", "nobody");
    let refused = bench.joined(call);
    assert_eq!((refused.error_code, refused.protocol_name.as_deref()), (25, Some("")));
    bench.version = 7;
    let call = bench.join("g", "nobody");
    assert_eq!(bench.joined(call).protocol_name, None);
}

#[test]
fn the_initial_delay_grows_with_new_members_up_to_the_rebalance_timeout() {
    let mut bench = Bench::new();
    let (_, first) = bench.enter("g");
    for _ in 0..40 {
        bench.pass(2_000);
        if bench.replies.contains_key(&first) {
            break;
        }
        bench.enter("g");
    }
    let waited_ms = bench.now_ms - 1_000;
    assert!(bench.replies.contains_key(&first));
    assert!((58_000..=64_000).contains(&waited_ms), "{waited_ms}");
}

#[test]
fn bounds_and_names() {
    let mut bench = Bench::new();
    for (timeout_ms, error) in [(5_999, 26), (1_800_001, 26), (6_000, 79), (1_800_000, 79)] {
        let request = JoinGroupRequest { session_timeout_ms: timeout_ms, ..join_request("g", "", None) };
        let call = bench.join_with(request);
        assert_eq!(bench.joined(call).error_code, error, "{timeout_ms}");
    }
    let call = bench.join("", "");
    assert_eq!(bench.joined(call).error_code, 24);
    let call = bench.join("missing", "somebody");
    assert_eq!(bench.joined(call).error_code, 25);
    let call = bench.join("g", "somebody");
    assert_eq!(bench.joined(call).error_code, 25);
    let no_protocols = JoinGroupRequest { protocols: Vec::new(), ..join_request("h", "", None) };
    let call = bench.join_with(no_protocols);
    assert_eq!(bench.joined(call).error_code, 23);
    let long = "x".repeat(32_768);
    let call = bench.join_with(join_request(&long, "", None));
    assert_eq!(bench.joined(call).error_code, 24);
    let call = bench.join_with(join_request("i", "", Some(&long)));
    assert_eq!(bench.joined(call).error_code, 42);
    assert_eq!(bench.coordinator.group_count(), 1);
}

#[test]
fn a_pending_id_holds_the_others_up_until_it_expires() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 1);
    let call = bench.join("g", "");
    let pending = bench.joined(call).member_id.to_string();
    // The leader asks for a rebalance; the id that was handed out is waited for.
    let rejoin = bench.join("g", &ids[0]);
    assert!(bench.replies.is_empty());
    bench.pass(9_999);
    assert!(bench.replies.is_empty());
    bench.pass(1);
    assert_eq!(bench.joined(rejoin).generation_id, generation + 1);
    let call = bench.join("g", &pending);
    assert_eq!(bench.joined(call).error_code, 25);
}

#[test]
fn protocols_are_chosen_by_vote_among_those_that_all_support() {
    let mut bench = Bench::new();
    bench.version = 3;
    let join = |names: &[&str]| JoinGroupRequest {
        protocols: names
            .iter()
            .map(|name| JoinGroupRequestProtocol {
                name: Str::from(*name),
                metadata: Bytes::from_static(b"\xff"),
            })
            .collect(),
        ..join_request("g", "", None)
    };
    let calls = [&["a", "b", "c"][..], &["b", "c"], &["c", "b"], &["x", "b", "c"]]
        .map(|names| bench.join_with(join(names)));
    let odd = bench.join_with(join(&["z", "a"]));
    assert_eq!(bench.joined(odd).error_code, 23);
    let other_type =
        bench.join_with(JoinGroupRequest { protocol_type: Str::from("connect"), ..join(&["b"]) });
    assert_eq!(bench.joined(other_type).error_code, 23);
    bench.pass(20_000);
    for call in calls {
        let response = bench.joined(call);
        assert_eq!((response.error_code, response.protocol_name.as_deref()), (0, Some("b")));
    }
}

#[test]
fn who_rejoins_in_a_stable_group() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 2);
    // A follower with nothing new to say gets what it has.
    let call = bench.join("g", &ids[1]);
    let response = bench.joined(call);
    assert_eq!(
        (response.generation_id, response.members.len(), &*response.leader),
        (generation, 0, &*ids[0])
    );
    assert_eq!(bench.state("g"), "Stable");
    // One with another subscription makes everybody join.
    let changed = JoinGroupRequest {
        protocols: vec![JoinGroupRequestProtocol {
            name: Str::from("range"),
            metadata: subscription(&["u"]),
        }],
        ..join_request("g", &ids[1], None)
    };
    let follower = bench.join_with(changed);
    assert_eq!(bench.state("g"), "PreparingRebalance");
    assert_eq!(bench.heartbeat("g", generation, &ids[0]), 27);
    let leader = bench.join("g", &ids[0]);
    assert_eq!(bench.joined(leader).generation_id, generation + 1);
    assert_eq!(bench.joined(follower).generation_id, generation + 1);
    // In the sync phase a lost answer is given again, also to the leader.
    let call = bench.join("g", &ids[0]);
    let response = bench.joined(call);
    assert_eq!((response.generation_id, response.members.len()), (generation + 1, 2));
    assert_eq!(bench.state("g"), "CompletingRebalance");
    let sync = bench.sync_call("g", generation + 1, &ids[0], &[]);
    assert_eq!(bench.synced(sync), (0, Bytes::new()));
    // And a leader's join in a stable group is a rebalance.
    bench.join("g", &ids[0]);
    assert_eq!(bench.state("g"), "PreparingRebalance");
}

#[test]
fn members_that_do_not_rejoin_in_time_are_dropped() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 2);
    let call = bench.join("g", &ids[0]);
    for _ in 0..7 {
        bench.pass(8_000);
        assert_eq!(bench.heartbeat("g", generation, &ids[1]), 27, "it lives, but does not come");
    }
    assert!(bench.replies.is_empty());
    bench.pass(4_000);
    let response = bench.joined(call);
    assert_eq!((response.generation_id, response.members.len()), (generation + 1, 1));
    assert_eq!(bench.heartbeat("g", generation, &ids[1]), 25);
}

#[test]
fn members_that_do_not_sync_in_time_are_dropped() {
    let mut bench = Bench::new();
    let (_, first) = bench.enter("g");
    let (two, second) = bench.enter("g");
    bench.pass(6_000);
    let one = bench.joined(first).member_id.to_string();
    bench.joined(second);
    let waiting = bench.sync_call("g", 1, &two, &[]);
    for _ in 0..7 {
        bench.pass(8_000);
        assert_eq!(bench.heartbeat("g", 1, &one), 0);
    }
    assert!(bench.replies.is_empty());
    bench.pass(4_000);
    assert_eq!(bench.synced(waiting).0, 27);
    assert_eq!(bench.heartbeat("g", 1, &one), 25);
    let call = bench.join("g", &two);
    assert_eq!(&*bench.joined(call).leader, &*two);
}

#[test]
fn sync_refuses() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 2);
    let sync = |bench: &mut Bench, group: &str, generation, member: &str| {
        let call = bench.sync_call(group, generation, member, &[]);
        bench.synced(call).0
    };
    assert_eq!(sync(&mut bench, "missing", 0, "x"), 25);
    assert_eq!(sync(&mut bench, "", 0, "x"), 24);
    assert_eq!(sync(&mut bench, "g", generation, "x"), 25);
    assert_eq!(sync(&mut bench, "g", generation - 1, &ids[0]), 22);
    for (protocol_type, protocol, error) in
        [(Some("connect"), None, 23), (None, Some("sticky"), 23), (Some("consumer"), Some("range"), 0)]
    {
        let request = SyncGroupRequest {
            group_id: Str::from("g"),
            generation_id: generation,
            member_id: Str::from(&*ids[1]),
            protocol_type: protocol_type.map(Str::from),
            protocol_name: protocol.map(Str::from),
            ..SyncGroupRequest::default()
        };
        let GroupReply::SyncGroup(response) = bench.ask(GroupCall::SyncGroup(client(5), request)) else {
            panic!()
        };
        assert_eq!(response.error_code, error);
        assert_eq!(response.protocol_name.as_deref(), (error == 0).then_some("range"));
    }
    bench.join("g", &ids[0]);
    assert_eq!(sync(&mut bench, "g", generation, &ids[1]), 27);
}

#[test]
fn an_assignment_that_cannot_be_written_starts_over() {
    let mut bench = Bench::new();
    let (one, call) = bench.enter("g");
    bench.pass(3_000);
    bench.joined(call);
    bench.lands = false;
    for (failure, error) in [
        (AppendFailure::NotLeader, 16),
        (AppendFailure::Storage, 16),
        (AppendFailure::NotEnoughReplicas, 15),
        (AppendFailure::TooLarge, -1),
    ] {
        let generation = bench.coordinator.groups["g"].generation;
        let sync = bench.sync_call("g", generation, &one, &[(&one, "A")]);
        bench.land(Err(failure));
        assert_eq!(bench.synced(sync).0, error);
        assert_eq!(bench.state("g"), "PreparingRebalance");
        let call = bench.join("g", &one);
        assert_eq!(bench.joined(call).generation_id, generation + 1);
    }
}

#[test]
fn a_rebalance_overtakes_an_assignment_on_its_way() {
    let mut bench = Bench::new();
    let (one, call) = bench.enter("g");
    bench.pass(3_000);
    bench.joined(call);
    bench.lands = false;
    let sync = bench.sync_call("g", 1, &one, &[(&one, "A")]);
    let (_, newcomer) = bench.enter("g");
    assert_eq!(bench.synced(sync).0, 27);
    bench.land_all();
    assert_eq!(bench.state("g"), "PreparingRebalance");
    let call = bench.join("g", &one);
    assert_eq!((bench.joined(call).generation_id, bench.joined(newcomer).generation_id), (2, 2));
}

#[test]
fn a_full_group_takes_nobody_else() {
    let mut bench = Bench::with(GroupConfig { members_max: 2, ..GroupConfig::default() });
    let (ids, generation) = bench.stable("g", 2);
    let call = bench.join("g", "");
    let refused = bench.joined(call);
    assert_eq!((refused.error_code, &*refused.member_id), (81, ""));
    let call = bench.join("g", &ids[1]);
    assert_eq!(bench.joined(call).generation_id, generation);
    // While a new group forms, seats are counted by those who wait.
    let calls = [bench.enter("h").1, bench.enter("h").1];
    let call = bench.join("h", "");
    assert_eq!(bench.joined(call).error_code, 81);
    bench.pass(9_000);
    calls.into_iter().for_each(|call| assert_eq!(bench.joined(call).error_code, 0));
}

#[test]
fn a_second_join_of_a_member_answers_the_first() {
    let mut bench = Bench::new();
    let (id, first) = bench.enter("g");
    let second = bench.join("g", &id);
    assert_eq!(bench.joined(first).error_code, 27);
    bench.pass(3_000);
    assert_eq!(bench.joined(second).error_code, 0);
}
