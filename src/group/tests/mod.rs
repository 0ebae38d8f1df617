//! A coordinator on a bench: a hand for its clock, a list for its log.

mod commits;
mod deletion;
mod joining;
mod loading;
mod sessions;
mod simulation;
mod statics;

use super::call::{ClientContext, GroupCall, GroupReply};
use super::config::GroupConfig;
use super::coordinator::GroupCoordinator;
use crate::base::ids::PartitionIndex;
use crate::base::random::Random;
use crate::replicated::{Append, AppendFailure, CallId, Effects, KeyValue, Machine};
use crate::wire::Str;
use crate::wire::messages::*;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

pub(super) const PARTITION: PartitionIndex = PartitionIndex::new(0);

pub(super) struct Bench {
    pub(super) coordinator: GroupCoordinator,
    pub(super) now_ms: i64,
    calls: u64,
    pub(super) replies: BTreeMap<CallId, GroupReply>,
    /// Asked for and not landed.
    pub(super) appends: VecDeque<Append>,
    /// What has landed.
    pub(super) log: Vec<KeyValue>,
    /// Whether appends land at once.
    pub(super) lands: bool,
    /// Of the JoinGroups sent by `join`.
    pub(super) version: i16,
}

pub(super) fn client(api_version: i16) -> ClientContext {
    ClientContext { client_id: Str::from("c"), client_host: Str::from("/127.0.0.1"), api_version }
}

/// The subscription of a consumer.
pub(super) fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = vec![0, 0, 0, 0, 0, topics.len() as u8];
    for topic in topics {
        bytes.extend_from_slice(&(topic.len() as i16).to_be_bytes());
        bytes.extend_from_slice(topic.as_bytes());
    }
    bytes.extend_from_slice(&[0xff; 4]);
    bytes.into()
}

pub(super) fn join_request(group: &str, member: &str, instance: Option<&str>) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: Str::from(group),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        member_id: Str::from(member),
        group_instance_id: instance.map(Str::from),
        protocol_type: Str::from("consumer"),
        protocols: vec![JoinGroupRequestProtocol {
            name: Str::from("range"),
            metadata: subscription(&["t"]),
        }],
        ..JoinGroupRequest::default()
    }
}

impl Bench {
    pub(super) fn with(config: GroupConfig) -> Self {
        let mut coordinator = GroupCoordinator::new(config, Random::from_seed(1));
        coordinator.load(PARTITION);
        assert!(coordinator.load_finished(1_000, PARTITION).is_empty());
        Self {
            coordinator,
            now_ms: 1_000,
            calls: 0,
            replies: BTreeMap::new(),
            appends: VecDeque::new(),
            log: Vec::new(),
            lands: true,
            version: 5,
        }
    }

    pub(super) fn new() -> Self {
        Self::with(GroupConfig::default())
    }

    pub(super) fn perform(&mut self, effects: Effects<GroupReply>) {
        for (call, reply) in effects.replies {
            assert!(call.get() <= self.calls, "a reply to nobody");
            assert!(self.replies.insert(call, reply).is_none(), "a second reply to {call:?}");
        }
        self.appends.extend(effects.appends);
        if self.lands {
            self.land_all();
        }
    }

    pub(super) fn land_all(&mut self) {
        while self.land(Ok(())) {}
    }

    /// The oldest append ends. False if there is none.
    pub(super) fn land(&mut self, outcome: Result<(), AppendFailure>) -> bool {
        let Some(append) = self.appends.pop_front() else {
            return false;
        };
        if outcome.is_ok() {
            self.log.extend(append.records);
        }
        let effects = self.coordinator.committed(self.now_ms, append.id, outcome);
        self.perform(effects);
        true
    }

    pub(super) fn call(&mut self, call: GroupCall) -> CallId {
        self.calls += 1;
        let id = CallId::new(self.calls);
        let effects = self.coordinator.handle(self.now_ms, id, PARTITION, call);
        self.perform(effects);
        id
    }

    /// Lets time pass, ringing at each deadline on the way.
    pub(super) fn pass(&mut self, ms: i64) {
        let end_ms = self.now_ms + ms;
        while let Some(due_ms) = self.coordinator.next_deadline().filter(|due_ms| *due_ms <= end_ms) {
            self.now_ms = self.now_ms.max(due_ms);
            let effects = self.coordinator.on_timer(self.now_ms);
            self.perform(effects);
        }
        self.now_ms = end_ms;
    }

    pub(super) fn ask(&mut self, call: GroupCall) -> GroupReply {
        let id = self.call(call);
        self.replies.remove(&id).expect("an answer at once")
    }

    pub(super) fn join_with(&mut self, request: JoinGroupRequest) -> CallId {
        let context = client(self.version);
        self.call(GroupCall::JoinGroup(context, request))
    }

    pub(super) fn joined(&mut self, call: CallId) -> JoinGroupResponse {
        match self.replies.remove(&call) {
            Some(GroupReply::JoinGroup(response)) => response,
            other => panic!("no answer to the join: {other:?}"),
        }
    }

    pub(super) fn join(&mut self, group: &str, member: &str) -> CallId {
        self.join_with(join_request(group, member, None))
    }

    /// A dynamic member that has been given its id and waits for the rebalance.
    pub(super) fn enter(&mut self, group: &str) -> (String, CallId) {
        let call = self.join(group, "");
        let response = self.joined(call);
        assert_eq!(response.error_code, 79);
        let id = response.member_id.to_string();
        let call = self.join(group, &id);
        (id, call)
    }

    pub(super) fn sync_call(
        &mut self,
        group: &str,
        generation: i32,
        member: &str,
        assignments: &[(&str, &str)],
    ) -> CallId {
        let assignments = assignments.iter().map(|(member, assignment)| SyncGroupRequestAssignment {
            member_id: Str::from(*member),
            assignment: Bytes::copy_from_slice(assignment.as_bytes()),
        });
        let request = SyncGroupRequest {
            group_id: Str::from(group),
            generation_id: generation,
            member_id: Str::from(member),
            assignments: assignments.collect(),
            ..SyncGroupRequest::default()
        };
        self.call(GroupCall::SyncGroup(client(3), request))
    }

    pub(super) fn synced(&mut self, call: CallId) -> (i16, Bytes) {
        match self.replies.remove(&call) {
            Some(GroupReply::SyncGroup(response)) => (response.error_code, response.assignment),
            other => panic!("no answer to the sync: {other:?}"),
        }
    }

    /// A stable group of `count` dynamic members; the first leads. Answers their ids and the generation.
    pub(super) fn stable(&mut self, group: &str, count: usize) -> (Vec<String>, i32) {
        let entered: Vec<_> = (0..count).map(|_| self.enter(group)).collect();
        self.pass(10_000);
        let mut generation = 0;
        for (_, call) in &entered {
            let response = self.joined(*call);
            assert_eq!((response.error_code, &*response.leader), (0, &*entered[0].0));
            generation = response.generation_id;
        }
        let assignments: Vec<_> = entered.iter().map(|(id, _)| (&**id, &**id)).collect();
        for (id, _) in entered.iter().rev() {
            let assignments = if *id == entered[0].0 { &*assignments } else { &[] };
            self.sync_call(group, generation, id, assignments);
        }
        self.land_all();
        self.replies.clear();
        (entered.into_iter().map(|(id, _)| id).collect(), generation)
    }

    pub(super) fn heartbeat(&mut self, group: &str, generation: i32, member: &str) -> i16 {
        self.heartbeat_as(group, generation, member, None)
    }

    pub(super) fn heartbeat_as(
        &mut self,
        group: &str,
        generation: i32,
        member: &str,
        instance: Option<&str>,
    ) -> i16 {
        let request = HeartbeatRequest {
            group_id: Str::from(group),
            generation_id: generation,
            member_id: Str::from(member),
            group_instance_id: instance.map(Str::from),
        };
        match self.ask(GroupCall::Heartbeat(request)) {
            GroupReply::Heartbeat(response) => response.error_code,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn leave(&mut self, group: &str, member: &str) -> i16 {
        let request = LeaveGroupRequest {
            group_id: Str::from(group),
            member_id: Str::from(member),
            ..LeaveGroupRequest::default()
        };
        match self.ask(GroupCall::LeaveGroup(client(1), request)) {
            GroupReply::LeaveGroup(response) => response.error_code,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn commit_request(
        group: &str,
        generation: i32,
        member: &str,
        topic: &str,
        offset: i64,
    ) -> OffsetCommitRequest {
        OffsetCommitRequest {
            group_id: Str::from(group),
            generation_id_or_member_epoch: generation,
            member_id: Str::from(member),
            topics: vec![OffsetCommitRequestTopic {
                name: Str::from(topic),
                partitions: vec![OffsetCommitRequestPartition {
                    committed_offset: offset,
                    committed_metadata: Some(Str::from("m")),
                    ..OffsetCommitRequestPartition::default()
                }],
                ..OffsetCommitRequestTopic::default()
            }],
            ..OffsetCommitRequest::default()
        }
    }

    pub(super) fn commit_with(&mut self, version: i16, request: OffsetCommitRequest) -> i16 {
        match self.ask(GroupCall::OffsetCommit(client(version), request)) {
            GroupReply::OffsetCommit(response) => response.topics[0].partitions[0].error_code,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn commit(&mut self, group: &str, generation: i32, member: &str, offset: i64) -> i16 {
        self.commit_with(8, Self::commit_request(group, generation, member, "t", offset))
    }

    pub(super) fn fetch(
        &mut self,
        group: &str,
        topics: Option<&[&str]>,
        stable: bool,
    ) -> OffsetFetchResponseGroup {
        let topic = |name: &&str| OffsetFetchRequestGroupTopic {
            name: Str::from(*name),
            partition_indexes: vec![0],
            ..OffsetFetchRequestGroupTopic::default()
        };
        let group = OffsetFetchRequestGroup {
            group_id: Str::from(group),
            topics: topics.map(|topics| topics.iter().map(topic).collect()),
            ..OffsetFetchRequestGroup::default()
        };
        match self.ask(GroupCall::OffsetFetch { group, require_stable: stable }) {
            GroupReply::OffsetFetch(response) => response,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn offset(&mut self, group: &str) -> i64 {
        self.fetch(group, Some(&["t"]), false).topics[0].partitions[0].committed_offset
    }

    pub(super) fn describe(&mut self, group: &str, api_version: i16) -> DescribeGroupsResponseGroup {
        match self.ask(GroupCall::DescribeGroup { group_id: Str::from(group), api_version }) {
            GroupReply::DescribeGroup(description) => description,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn state(&mut self, group: &str) -> String {
        self.describe(group, 0).group_state.to_string()
    }

    /// What a coordinator makes of the log.
    pub(super) fn replayed(&self) -> GroupCoordinator {
        let mut fresh = GroupCoordinator::new(self.coordinator.config.clone(), Random::from_seed(2));
        fresh.load(PARTITION);
        for record in &self.log {
            fresh.replay(PARTITION, record.key.as_deref().unwrap(), record.value.as_deref()).unwrap();
        }
        fresh.load_finished(self.now_ms, PARTITION);
        fresh
    }
}

/// All groups in words, by name.
pub(super) fn snapshot(coordinator: &GroupCoordinator) -> Vec<String> {
    let mut all: Vec<_> = coordinator.groups.values().map(|group| group.snapshot()).collect();
    all.sort();
    all
}
