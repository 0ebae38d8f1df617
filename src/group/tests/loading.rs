//! Partitions in and out, and logs of any age.

use super::*;
use crate::group::records::{self, RecordError, Replayed};
use std::rc::Rc;

fn fresh() -> GroupCoordinator {
    let mut coordinator = GroupCoordinator::new(GroupConfig::default(), Random::from_seed(3));
    coordinator.load(PARTITION);
    coordinator
}

/// A coordinator on a bench of its own.
fn bench_of(coordinator: GroupCoordinator) -> Bench {
    Bench { coordinator, ..Bench::new() }
}

#[test]
fn a_partition_that_is_loading_or_not_ours_says_so() {
    let calls = || {
        let commit = Bench::commit_request("g", -1, "", "t", 1);
        [
            GroupCall::JoinGroup(client(5), join_request("g", "", None)),
            GroupCall::SyncGroup(
                client(3),
                SyncGroupRequest { group_id: Str::from("g"), ..Default::default() },
            ),
            GroupCall::LeaveGroup(
                client(3),
                LeaveGroupRequest { group_id: Str::from("g"), ..Default::default() },
            ),
            GroupCall::OffsetCommit(client(8), commit),
            GroupCall::OffsetFetch { group: OffsetFetchRequestGroup::default(), require_stable: false },
            GroupCall::DescribeGroup { group_id: Str::from("g"), api_version: 5 },
            GroupCall::DeleteGroup { group_id: Str::from("g") },
            GroupCall::OffsetDelete(OffsetDeleteRequest { group_id: Str::from("g"), ..Default::default() }),
            GroupCall::Heartbeat(HeartbeatRequest { group_id: Str::from("g"), ..Default::default() }),
        ]
    };
    let error = |reply: GroupReply| match reply {
        GroupReply::JoinGroup(response) => response.error_code,
        GroupReply::SyncGroup(response) => response.error_code,
        GroupReply::Heartbeat(response) => response.error_code,
        GroupReply::LeaveGroup(response) => response.error_code,
        GroupReply::OffsetCommit(response) => response.topics[0].partitions[0].error_code,
        GroupReply::OffsetFetch(response) => response.error_code,
        GroupReply::DescribeGroup(response) => response.error_code,
        GroupReply::ListGroups(response) => response.error_code,
        GroupReply::DeleteGroup(response) => response.error_code,
        GroupReply::OffsetDelete(response) => response.error_code,
        GroupReply::TopicsDeleted => 0,
    };
    let mut bench = bench_of(fresh());
    let errors: Vec<_> = calls().map(|call| error(bench.ask(call))).into();
    assert_eq!(errors, [14, 14, 14, 14, 14, 14, 14, 14, 0], "a heartbeat is let pass: the member is to stay");
    assert_eq!(error(bench.ask(GroupCall::ListGroups(ListGroupsRequest::default()))), 14);
    bench.coordinator.unload(0, PARTITION);
    let errors: Vec<_> = calls().map(|call| error(bench.ask(call))).into();
    assert_eq!(errors, [16; 9]);
    assert_eq!(error(bench.ask(GroupCall::ListGroups(ListGroupsRequest::default()))), 0);
}

#[test]
fn an_unloaded_partition_answers_all_who_wait() {
    let mut bench = Bench::new();
    let (_, joining) = bench.enter("g");
    let (ids, generation) = bench.stable("h", 2);
    bench.replies.clear();
    let rejoin = bench.join("h", &ids[0]);
    let other = bench.join("h", &ids[1]);
    bench.joined(rejoin);
    bench.joined(other);
    let waiting = bench.sync_call("h", generation + 1, &ids[1], &[]);
    bench.lands = false;
    let leading = bench.sync_call("h", generation + 1, &ids[0], &[]);
    let (_, static_joining) = (0, bench.join_with(join_request("i", "", Some("i1"))));
    let commit = bench.call(GroupCall::OffsetCommit(client(8), Bench::commit_request("s", -1, "", "t", 1)));
    bench.call(GroupCall::OffsetCommit(client(8), Bench::commit_request("d", -1, "", "t", 1)));
    let deleting = bench.call(GroupCall::DeleteGroup { group_id: Str::from("d") });
    let effects = bench.coordinator.unload(bench.now_ms, PARTITION);
    assert!(effects.appends.is_empty());
    bench.perform(effects);
    for call in [joining, static_joining] {
        // The first group's join phase had ended meanwhile.
        if bench.replies.contains_key(&call) {
            assert!([0, 16].contains(&bench.joined(call).error_code));
        }
    }
    for call in [waiting, leading] {
        assert!([16, 27].contains(&bench.synced(call).0));
    }
    let Some(GroupReply::OffsetCommit(response)) = bench.replies.remove(&commit) else { panic!() };
    assert_eq!(response.topics[0].partitions[0].error_code, 16);
    let Some(GroupReply::DeleteGroup(response)) = bench.replies.remove(&deleting) else { panic!() };
    assert_eq!(response.error_code, 16);
    assert_eq!(bench.coordinator.group_count(), 0);
    // What the log says of them later is nobody's business.
    bench.land_all();
    assert_eq!(bench.coordinator.group_count(), 0);
}

#[test]
fn members_live_on_over_a_restart() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 2);
    bench.commit("g", generation, &ids[0], 5);
    assert_eq!(snapshot(&bench.replayed()), snapshot(&bench.coordinator));
    let mut bench = Bench { coordinator: bench.replayed(), now_ms: bench.now_ms, ..Bench::new() };
    assert_eq!((bench.state("g"), bench.offset("g")), ("Stable".into(), 5));
    assert_eq!(bench.heartbeat("g", generation, &ids[0]), 0);
    let sync = bench.sync_call("g", generation, &ids[1], &[]);
    assert_eq!(bench.synced(sync), (0, Bytes::from(ids[1].clone())));
    bench.pass(10_000);
    assert_eq!(bench.state("g"), "Empty", "their sessions began when the log had been read");
}

#[test]
fn a_group_that_has_become_too_large_shrinks() {
    let mut bench = Bench::new();
    let (ids, generation) = bench.stable("g", 3);
    bench.coordinator.reconfigure(GroupConfig { members_max: 2, ..GroupConfig::default() });
    let mut bench = Bench { coordinator: bench.replayed(), now_ms: bench.now_ms, ..Bench::new() };
    assert_eq!(bench.state("g"), "PreparingRebalance");
    let calls: Vec<_> = ids.iter().map(|id| bench.join("g", id)).collect();
    assert_eq!(bench.joined(calls[2]).error_code, 81);
    bench.pass(60_000);
    assert_eq!(bench.joined(calls[0]).generation_id, generation + 1);
}

#[test]
fn records_of_every_version_are_read() {
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend_from_slice(&(text.len() as i16).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    };
    for version in 0..=3i16 {
        let mut key = vec![0, (version % 2) as u8];
        text(&mut key, "g");
        text(&mut key, "t");
        key.extend_from_slice(&0i32.to_be_bytes());
        let mut value = version.to_be_bytes().to_vec();
        value.extend_from_slice(&42i64.to_be_bytes());
        if version == 3 {
            value.extend_from_slice(&7i32.to_be_bytes());
        }
        text(&mut value, "meta");
        value.extend_from_slice(&1_000i64.to_be_bytes());
        if version == 1 {
            value.extend_from_slice(&9_000i64.to_be_bytes());
        }
        let mut coordinator = fresh();
        coordinator.replay(PARTITION, &key, Some(&value)).unwrap();
        let committed = coordinator.groups["g"].offsets.get("t", 0).cloned().unwrap();
        assert_eq!(
            (committed.offset, &*committed.metadata, committed.commit_timestamp_ms),
            (42, "meta", 1_000)
        );
        assert_eq!(committed.leader_epoch, if version == 3 { 7 } else { -1 });
        assert_eq!(committed.expire_timestamp_ms, (version == 1).then_some(9_000));
        coordinator.replay(PARTITION, &key, None).unwrap();
        assert_eq!(coordinator.group_count(), 0);
    }
    for version in 0..=3i16 {
        let mut key = vec![0, 2];
        text(&mut key, "g");
        let mut value = version.to_be_bytes().to_vec();
        text(&mut value, "consumer");
        value.extend_from_slice(&4i32.to_be_bytes());
        text(&mut value, "range");
        text(&mut value, "m1");
        if version >= 2 {
            value.extend_from_slice(&5_000i64.to_be_bytes());
        }
        value.extend_from_slice(&1i32.to_be_bytes());
        text(&mut value, "m1");
        if version >= 3 {
            text(&mut value, "i1");
        }
        text(&mut value, "client");
        text(&mut value, "/host");
        if version >= 1 {
            value.extend_from_slice(&60_000i32.to_be_bytes());
        }
        value.extend_from_slice(&10_000i32.to_be_bytes());
        value.extend_from_slice(&subscription(&["t"]).len().to_be_bytes()[4..]);
        value.extend_from_slice(&subscription(&["t"]));
        value.extend_from_slice(&1i32.to_be_bytes());
        value.push(b'A');
        let mut coordinator = fresh();
        coordinator.replay(PARTITION, &key, Some(&value)).unwrap();
        let group = &coordinator.groups["g"];
        let member = group.member("m1").unwrap();
        assert_eq!(
            (group.generation, group.state().name(), &member.assignment[..]),
            (4, "Stable", &b"A"[..])
        );
        assert_eq!(member.terms.rebalance_timeout_ms, if version == 0 { 10_000 } else { 60_000 });
        assert_eq!(member.instance_id.as_deref(), (version >= 3).then_some("i1"));
        assert_eq!(group.state_since_ms, (version >= 2).then_some(5_000));
        assert!(group.is_subscribed_to("t") && !group.is_subscribed_to("u"));
    }
}

#[test]
fn what_is_not_ours_is_skipped_and_damage_is_reported() {
    let mut coordinator = fresh();
    for kind in [3u8, 5, 6, 7, 8, 10, 16, 99] {
        assert_eq!(coordinator.replay(PARTITION, &[0, kind, 1, 2, 3], Some(&[0, 0, 9])), Ok(()));
    }
    assert_eq!(coordinator.replay(PARTITION, &[0], None), Err(RecordError::Short));
    let key = [0, 2, 0, 1, b'g'];
    assert_eq!(coordinator.replay(PARTITION, &key, Some(&[0])), Err(RecordError::Short));
    let unknown = coordinator.replay(PARTITION, &key, Some(&[0, 9, 0]));
    assert_eq!(unknown, Err(RecordError::Version { name: "GroupMetadataValue", version: 9 }));
    assert!(matches!(coordinator.replay(PARTITION, &key, Some(&[0, 3, 0])), Err(RecordError::Body(_))));
    assert_eq!(coordinator.group_count(), 0);
}

#[test]
fn the_bytes_of_the_records() {
    let mut bench = Bench::new();
    let mut request = Bench::commit_request("g", -1, "", "t", 42);
    request.topics[0].topic_id = crate::base::ids::Uuid::from_u128(7);
    bench.commit_with(8, request);
    let record = bench.log[0].clone();
    assert_eq!(&record.key.unwrap()[..], b"\0\x01\0\x01g\0\x01t\0\0\0\0");
    let value = record.value.unwrap();
    // offset, leader epoch, compact metadata, commit timestamp, one tagged field: the topic's id.
    assert_eq!(&value[..14], b"\0\x04\0\0\0\0\0\0\0\x2a\xff\xff\xff\xff");
    assert_eq!(&value[14..24], b"\x02m\0\0\0\0\0\0\x03\xe8");
    assert_eq!(&value[24..27], b"\x01\0\x10");
    assert_eq!(value.len(), 27 + 16);
    bench.join("h", "");
    let record = bench.log[1].clone();
    assert_eq!(&record.key.unwrap()[..], b"\0\x02\0\x01h");
    // protocol type "", generation 0, no protocol, no leader, the time, no members.
    let value = record.value.unwrap();
    assert_eq!(&value[..], b"\0\x03\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\x03\xe8\0\0\0\0");
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

#[test]
fn kafkas_own_records_are_read_and_written_byte_for_byte() {
    let text = include_str!("kafka-4.3.1.records");
    let mut coordinator = fresh();
    let mut compared = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (key, value) = line.split_once(' ').unwrap();
        let (key, value) = (bytes_of(key), (value != "-").then(|| bytes_of(value)));
        coordinator.replay(PARTITION, &key, value.as_deref()).unwrap();
        let again = match records::decode(&key, value.as_deref()).unwrap() {
            Replayed::Offset { key, value } => {
                let at = (Rc::from(&*key.topic), key.partition);
                match value {
                    Some(value) => records::offset_commit(&key.group, &at, &records::committed(&value)),
                    None => records::offset_tombstone(&key.group, &at),
                }
            }
            Replayed::Group { key, value: Some(_) } => {
                records::group_metadata(&coordinator.groups[&*key.group], None)
            }
            Replayed::Group { key, value: None } => records::group_tombstone(&key.group),
            Replayed::Other => continue,
        };
        assert_eq!(again, KeyValue { key: Some(key.into()), value: value.map(Bytes::from) }, "{line}");
        compared += 1;
    }
    assert_eq!(compared, 38);
    let mut names: Vec<_> = coordinator.groups.keys().map(|id| id.to_string()).collect();
    names.sort();
    assert_eq!(names, ["e", "g", "k", "s"]);
}
