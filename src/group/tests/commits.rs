//! Committing and fetching offsets.

use super::*;
use crate::base::ids::{ProducerId, Uuid};

#[test]
fn who_may_commit() {
    let mut bench = Bench::new();
    let simple = |bench: &mut Bench, version| {
        bench.commit_with(version, Bench::commit_request("missing", 3, "x", "t", 1))
    };
    assert_eq!((simple(&mut bench, 8), simple(&mut bench, 9)), (22, 69));
    assert_eq!(bench.commit("simple", -1, "", 7), 0);
    assert_eq!((bench.offset("simple"), bench.state("simple")), (7, "Empty".into()));
    assert_eq!(bench.commit("simple", 0, "x", 8), 25);
    assert_eq!(bench.commit("", -1, "", 9), 0, "old clients have no group");
    assert_eq!(bench.offset(""), 9);

    let (one, call) = bench.enter("g");
    assert_eq!(bench.commit("g", 0, &one, 1), 0, "a rejoining member saves its work");
    bench.pass(3_000);
    bench.joined(call);
    assert_eq!(bench.commit("g", 1, &one, 1), 27, "it does not know yet what it owns");
    let sync = bench.sync_call("g", 1, &one, &[]);
    bench.synced(sync);
    assert_eq!(bench.commit("g", 1, &one, 2), 0);
    assert_eq!(bench.commit("g", -1, "", 3), 25, "the group has members");
    assert_eq!(bench.commit("g", -1, &one, 3), 22);
    assert_eq!(bench.commit("g", 0, &one, 3), 22);
    assert_eq!(bench.commit("g", 1, "other", 3), 25);
    let fenced = OffsetCommitRequest {
        group_instance_id: Some(Str::from("i")),
        ..Bench::commit_request("g", 1, &one, "t", 3)
    };
    assert_eq!(bench.commit_with(8, fenced), 25);
    assert_eq!(bench.offset("g"), 2);
    assert_eq!(bench.leave("g", &one), 0);
    assert_eq!(bench.commit("g", 2, &one, 4), 25);
    assert_eq!(bench.commit("g", -1, &one, 4), 0, "an empty group takes what comes without a generation");
}

#[test]
fn a_commit_keeps_the_session_alive() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 1);
    for offset in 0..5 {
        bench.pass(9_000);
        assert_eq!(bench.commit("g", generation, &ids[0], offset), 0);
    }
}

#[test]
fn offsets_show_when_they_are_durable() {
    let mut bench = Bench::new();
    bench.lands = false;
    let commit = |offset| GroupCall::OffsetCommit(client(8), Bench::commit_request("g", -1, "", "t", offset));
    let (first, second) = (bench.call(commit(1)), bench.call(commit(2)));
    assert_eq!(bench.offset("g"), -1);
    bench.land(Ok(()));
    assert!(bench.replies.contains_key(&first) && !bench.replies.contains_key(&second));
    assert_eq!(bench.offset("g"), 1);
    bench.land(Err(AppendFailure::TooLarge));
    let Some(GroupReply::OffsetCommit(response)) = bench.replies.remove(&second) else { panic!() };
    assert_eq!(response.topics[0].partitions[0].error_code, 28);
    assert_eq!(bench.offset("g"), 1);
    bench.call(GroupCall::OffsetCommit(client(8), Bench::commit_request("h", -1, "", "t", 1)));
    bench.land(Err(AppendFailure::NotLeader));
    assert_eq!(bench.coordinator.group_count(), 1, "a group without a record leaves no trace");
}

#[test]
fn long_metadata_fails_its_partition_only() {
    let mut bench = Bench::new();
    let mut request = Bench::commit_request("g", -1, "", "t", 1);
    let partition = |index: i32, metadata: Option<String>| OffsetCommitRequestPartition {
        partition_index: index,
        committed_offset: 5,
        committed_metadata: metadata.map(Str::from),
        ..OffsetCommitRequestPartition::default()
    };
    request.topics[0].partitions = vec![
        partition(0, Some("x".repeat(4_097))),
        partition(1, Some("x".repeat(4_096))),
        partition(2, None),
    ];
    let GroupReply::OffsetCommit(response) = bench.ask(GroupCall::OffsetCommit(client(8), request.clone()))
    else {
        panic!()
    };
    let errors: Vec<_> = response.topics[0].partitions.iter().map(|p| p.error_code).collect();
    assert_eq!(errors, [12, 0, 0]);
    assert_eq!(bench.log.len(), 2);
    request.group_id = Str::from("h");
    request.topics[0].partitions.truncate(1);
    assert_eq!(bench.commit_with(8, request), 12);
    assert_eq!(bench.coordinator.group_count(), 1);
}

#[test]
fn what_a_fetch_says() {
    let mut bench = Bench::new();
    let none = bench.fetch("missing", Some(&["t"]), true);
    let partition = &none.topics[0].partitions[0];
    assert_eq!((none.error_code, partition.error_code, partition.committed_offset), (0, 0, -1));
    assert_eq!((partition.metadata.as_deref(), partition.committed_leader_epoch), (Some(""), -1));
    assert!(bench.fetch("missing", None, false).topics.is_empty());
    let mut request = Bench::commit_request("g", -1, "", "t", 42);
    request.topics[0].topic_id = Uuid::from_u128(7);
    request.topics[0].partitions[0].committed_leader_epoch = 3;
    assert_eq!(bench.commit_with(10, request), 0);
    let all = bench.fetch("g", None, false);
    assert_eq!((&*all.topics[0].name, all.topics[0].topic_id), ("t", Uuid::from_u128(7)));
    let partition = &all.topics[0].partitions[0];
    assert_eq!((partition.committed_offset, partition.committed_leader_epoch), (42, 3));
    assert_eq!(partition.metadata.as_deref(), Some("m"));
    let some = bench.fetch("g", Some(&["other", "t"]), false);
    let offsets: Vec<_> = some.topics.iter().map(|t| t.partitions[0].committed_offset).collect();
    assert_eq!(offsets, [-1, 42]);
    assert!(bench.fetch("g", Some(&[]), false).topics.is_empty());
}

#[test]
fn old_versions_bring_their_own_times() {
    let mut bench = Bench::new();
    let mut request = Bench::commit_request("g", -1, "", "t", 1);
    request.topics[0].partitions[0].commit_timestamp = 17;
    assert_eq!(bench.commit_with(1, request), 0);
    let at =
        |bench: &Bench, group: &str| bench.coordinator.groups[group].offsets.get("t", 0).cloned().unwrap();
    assert_eq!(at(&bench, "g").commit_timestamp_ms, 17);
    let request =
        OffsetCommitRequest { retention_time_ms: 500, ..Bench::commit_request("h", -1, "", "t", 1) };
    assert_eq!(bench.commit_with(2, request), 0);
    assert_eq!(at(&bench, "h").expire_timestamp_ms, Some(1_500));
    assert_eq!(bench.log.last().unwrap().value.as_ref().unwrap()[..2], [0, 1]);
    assert_eq!(snapshot(&bench.replayed()), snapshot(&bench.coordinator));
}

#[test]
fn pending_transactional_offsets_are_unstable() {
    let mut bench = Bench::new();
    bench.commit("g", -1, "", 1);
    bench.commit("other", -1, "", 99);
    let mut record = bench.log[1].clone();
    record.key = bench.log[0].key.clone();
    let replay = |bench: &mut Bench, producer: i64| {
        let (key, value) = (record.key.clone().unwrap(), record.value.clone());
        let producer = ProducerId::new(producer);
        bench.coordinator.replay_transactional(PARTITION, producer, &key, value.as_deref()).unwrap();
    };
    let stable = |bench: &mut Bench| {
        let partition = bench.fetch("g", Some(&["t"]), true).topics[0].partitions[0].clone();
        (partition.error_code, partition.committed_offset)
    };
    replay(&mut bench, 5);
    assert_eq!((stable(&mut bench), bench.offset("g")), ((88, -1), 1));
    bench.coordinator.end_transaction(PARTITION, ProducerId::new(5), false);
    assert_eq!(stable(&mut bench), (0, 1));
    replay(&mut bench, 6);
    bench.coordinator.end_transaction(PARTITION, ProducerId::new(6), true);
    assert_eq!(stable(&mut bench), (0, 99));
}
