//! The rules of the controller, each with the code and the text that Apache Kafka 4.3.1 answered when it was asked the
//! same, and random calls against replay.

use super::*;
use crate::base::ids::{BrokerId, Offset, PartitionIndex, ProducerId, TopicId, Uuid};
use crate::base::random::Random;
use crate::image::{Endpoint, Image, LogEnd, MetadataRecord, PartitionImage, Replay};
use crate::replicated::{Append, AppendFailure, CallId, Effects, Machine};
use crate::wire::records::{BrokerRegistrationChangeRecord, FeatureLevelRecord, PartitionChangeRecord};

const P0: PartitionIndex = PartitionIndex::new(0);

/// A controller and the log that takes its records.
struct Cluster {
    controller: Controller,
    log: Vec<MetadataRecord>,
    calls: u64,
}

fn rules() -> Rules {
    let check_configs =
        Box::new(|configs: &Configs| match configs.keys().find(|name| name.starts_with("bad")) {
            Some(name) => Err(format!("Unknown topic config name: {name}")),
            None => Ok(()),
        });
    Rules { num_partitions: 4, default_replication_factor: 1, delete_topic_enable: true, check_configs }
}

fn empty() -> Image {
    Image::empty("cluster", BrokerId::new(1))
}

fn registration(id: i32) -> Registration {
    let endpoint = Endpoint { name: "PLAINTEXT".into(), host: "h".into(), port: 9092, security_protocol: 0 };
    let log_dirs = vec![Uuid::from_u128(1_000 + id as u128)];
    Registration { id: BrokerId::new(id), endpoints: vec![endpoint], log_dirs, ..Registration::default() }
}

impl Cluster {
    fn new(brokers: i32, rules: Rules) -> Self {
        let controller = Controller::new(rules, Random::from_seed(1), empty());
        let mut cluster = Self { controller, log: Vec::new(), calls: 0 };
        for id in 1..=brokers {
            cluster.call(ControllerCall::RegisterBroker(registration(id)));
        }
        cluster
    }

    fn start(&mut self, call: ControllerCall) -> Effects<ControllerReply> {
        self.calls += 1;
        self.controller.handle(0, CallId::new(self.calls), P0, call)
    }

    fn take(&mut self, append: &Append, outcome: Result<(), AppendFailure>) -> Vec<ControllerReply> {
        if outcome.is_ok() {
            let values = append.records.iter().map(|record| record.value.clone().unwrap());
            self.log.extend(values.map(|value| MetadataRecord::decode(&value)));
        }
        self.controller.committed(0, append.id, outcome).replies.into_iter().map(|(_, reply)| reply).collect()
    }

    /// A call from beginning to end.
    fn call(&mut self, call: ControllerCall) -> ControllerReply {
        let effects = self.start(call);
        let mut replies: Vec<_> = effects.replies.into_iter().map(|(_, reply)| reply).collect();
        for append in &effects.appends {
            assert!(!append.records.is_empty() && replies.is_empty());
            replies.extend(self.take(append, Ok(())));
        }
        assert_eq!(replies.len(), 1);
        self.check();
        replies.remove(0)
    }

    fn replayed(&self) -> Image {
        let mut replay = Replay::new(empty());
        for (offset, record) in self.log.iter().enumerate() {
            replay.apply(Offset::new(offset as i64), record.clone());
        }
        replay.finish().0
    }

    fn check(&self) {
        assert_eq!(**self.controller.image(), self.replayed());
    }

    fn create(&mut self, topics: Vec<NewTopic>) -> Vec<(String, Result<CreatedTopic, TopicError>)> {
        match self.call(ControllerCall::CreateTopics { topics, validate_only: false }) {
            ControllerReply::TopicsCreated(results) => results,
            other => panic!("{other:?}"),
        }
    }

    fn create_one(&mut self, topic: NewTopic) -> Result<CreatedTopic, TopicError> {
        self.create(vec![topic]).remove(0).1
    }

    fn refused(&mut self, topic: NewTopic) -> (i16, String) {
        let before = self.log.len();
        let error = self.create_one(topic).unwrap_err();
        assert_eq!(self.log.len(), before);
        (error.code().code(), error.to_string())
    }

    fn grow(
        &mut self,
        name: &str,
        count: i32,
        assignments: Option<Vec<Vec<i32>>>,
    ) -> Result<(), (i16, String)> {
        let ids = |ids: Vec<i32>| ids.into_iter().map(BrokerId::new).collect();
        let assignments = assignments.map(|all| all.into_iter().map(ids).collect());
        let topics = vec![MorePartitions { name: name.into(), count, assignments }];
        match self.call(ControllerCall::CreatePartitions { topics, validate_only: false }) {
            ControllerReply::PartitionsCreated(mut results) => {
                results.remove(0).1.map_err(|error| (error.code().code(), error.to_string()))
            }
            other => panic!("{other:?}"),
        }
    }

    fn delete(&mut self, references: &[(Option<&str>, TopicId)]) -> Vec<i16> {
        let reference =
            |(name, id): &(Option<&str>, TopicId)| TopicReference { name: name.map(Into::into), id: *id };
        let references = references.iter().map(reference).collect();
        match self.call(ControllerCall::DeleteTopics(references)) {
            ControllerReply::TopicsDeleted(results) => results
                .into_iter()
                .map(|(_, result)| result.map_or_else(|e| e.code().code(), |_| 0))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn partition(&self, name: &str, index: i32) -> PartitionImage {
        let topic = self.controller.image().topic(name).unwrap();
        topic.partition(PartitionIndex::new(index)).unwrap().clone()
    }
}

fn topic(name: &str, num_partitions: i32, replication_factor: i16) -> NewTopic {
    NewTopic { name: name.into(), num_partitions, replication_factor, ..NewTopic::default() }
}

fn assigned(name: &str, assignments: &[(i32, &[i32])]) -> NewTopic {
    let replicas = |ids: &[i32]| ids.iter().copied().map(BrokerId::new).collect();
    let assignments = assignments.iter().map(|(index, ids)| (*index, replicas(ids))).collect();
    NewTopic { assignments, ..topic(name, -1, -1) }
}

#[test]
fn a_topic_is_created_with_what_was_asked_or_the_defaults() {
    let mut cluster = Cluster::new(1, rules());
    let created = cluster.create_one(topic("t", 2, 1)).unwrap();
    assert_eq!((created.num_partitions, created.replication_factor), (2, 1));
    assert_eq!(cluster.controller.image().topic("t").unwrap().id, created.id);
    let partition = cluster.partition("t", 1);
    assert_eq!(
        (partition.leader, partition.leader_epoch.get(), partition.partition_epoch),
        (BrokerId::new(1), 0, 0)
    );
    assert_eq!(partition.directories, [Uuid::from_u128(1_001)]);
    let created = cluster.create_one(NewTopic::automatic("d")).unwrap();
    assert_eq!((created.num_partitions, created.replication_factor), (4, 1));
    let created = cluster.create_one(NewTopic::consumer_offsets(3, 1, 104_857_600)).unwrap();
    assert_eq!(created.configs.get("cleanup.policy").map(String::as_str), Some("compact"));
    assert!(cluster.controller.image().topic("__consumer_offsets").unwrap().is_internal());
}

#[test]
fn names_are_checked() {
    let mut cluster = Cluster::new(1, rules());
    assert_eq!(cluster.refused(topic("a b", 1, 1)).0, 17);
    assert_eq!(cluster.refused(topic("", 0, 0)).0, 17);
    cluster.create_one(topic("x.y", 1, 1)).unwrap();
    assert_eq!(cluster.refused(topic("x.y", 1, 1)), (36, "Topic 'x.y' already exists.".into()));
    assert_eq!(
        cluster.refused(topic("x_y", 1, 1)),
        (17, "Topic 'x_y' collides with existing topic: x.y".into())
    );
    let prohibited = "Creation of internal topic __cluster_metadata is prohibited.";
    assert_eq!(cluster.refused(topic("__cluster_metadata", 1, 1)), (42, prohibited.into()));
    // Kafka lets both in when one request creates both; metrics could not tell them apart.
    let results = cluster.create(vec![topic("q.y", 1, 1), topic("q_y", 1, 1)]);
    assert!(results[0].1.is_ok() && results[1].1.is_err());
}

#[test]
fn a_name_that_stands_there_twice_is_not_created() {
    let mut cluster = Cluster::new(1, rules());
    let results = cluster.create(vec![topic("d", 1, 1), topic("e", 1, 1), topic("d", 2, 1)]);
    let names: Vec<_> = results.iter().map(|(name, result)| (name.as_str(), result.is_ok())).collect();
    assert_eq!(names, [("d", false), ("e", true)]);
    assert_eq!(results[0].1, Err(TopicError::DuplicateName));
}

#[test]
fn counts_are_checked() {
    let mut cluster = Cluster::new(1, rules());
    let positive = "Number of partitions was set to an invalid non-positive value.";
    assert_eq!(cluster.refused(topic("t", 0, 1)), (37, positive.into()));
    assert_eq!(cluster.refused(topic("t", -2, 2)), (37, positive.into()));
    let factor = "Replication factor must be larger than 0, or -1 to use the default value.";
    assert_eq!(cluster.refused(topic("t", 0, 0)), (38, factor.into()));
    assert_eq!(cluster.refused(topic("t", 1, -2)), (38, factor.into()));
    let few = "Unable to replicate the partition 2 time(s): The target replication factor of 2 cannot be reached because \
               only 1 broker(s) are registered or some brokers have all their log directories cordoned.";
    assert_eq!(cluster.refused(topic("t", 1, 2)), (38, few.into()));
    let many = "Excessively large number of partitions per request.";
    assert_eq!(cluster.refused(topic("t", 10_001, 1)), (44, many.into()));
    assert!(cluster.create_one(topic("t", 10_000, 1)).is_ok());
    let results = cluster.create(vec![topic("u", 9_997, 1), NewTopic::automatic("v")]);
    assert!(results.iter().all(|(_, result)| *result == Err(TopicError::TooManyPartitions)));
}

#[test]
fn assignments_are_checked() {
    let mut cluster = Cluster::new(2, rules());
    let created = cluster.create_one(assigned("ok", &[(1, &[2, 1]), (0, &[1, 2])])).unwrap();
    assert_eq!((created.num_partitions, created.replication_factor), (2, 2));
    assert_eq!(cluster.partition("ok", 1).leader, BrokerId::new(2));
    let refused = |cluster: &mut Cluster, assignments: &[(i32, &[i32])]| {
        let (code, message) = cluster.refused(assigned("t", assignments));
        assert_eq!(code, 39);
        message
    };
    let consecutive = "partitions should be a consecutive 0-based integer sequence";
    assert_eq!(refused(&mut cluster, &[(0, &[1]), (2, &[1])]), consecutive);
    assert_eq!(refused(&mut cluster, &[(1, &[1])]), consecutive);
    assert_eq!(refused(&mut cluster, &[(-1, &[1]), (0, &[1])]), consecutive);
    let duplicate = "Found multiple manual partition assignments for partition 0";
    assert_eq!(refused(&mut cluster, &[(0, &[1]), (0, &[1])]), duplicate);
    let twice = "The manual partition assignment includes the broker 1 more than once.";
    assert_eq!(refused(&mut cluster, &[(0, &[1, 1])]), twice);
    let unknown = "The manual partition assignment includes broker 7, but no such broker is registered.";
    assert_eq!(refused(&mut cluster, &[(0, &[7])]), unknown);
    let none = "The manual partition assignment includes an empty replica list.";
    assert_eq!(refused(&mut cluster, &[(0, &[])]), none);
    let uneven = "The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with \
                  previous partitions, which have 1 replica(s).";
    assert_eq!(refused(&mut cluster, &[(0, &[1]), (1, &[1, 2])]), uneven);
    let both = "A manual partition assignment was specified, but numPartitions was not set to -1.";
    let new = NewTopic { num_partitions: 1, ..assigned("t", &[(0, &[1])]) };
    assert_eq!(cluster.refused(new), (42, both.into()));
    let both = "A manual partition assignment was specified, but replication factor was not set to -1.";
    let new = NewTopic { num_partitions: 1, replication_factor: 1, ..assigned("t", &[(0, &[1])]) };
    assert_eq!(cluster.refused(new), (42, both.into()));
}

#[test]
fn configs_are_checked_before_counts() {
    let mut cluster = Cluster::new(1, rules());
    let with = |configs: &[(&str, Option<&str>)]| {
        let config = |(name, value): &(&str, Option<&str>)| (name.to_string(), value.map(Into::into));
        NewTopic { configs: configs.iter().map(config).collect(), ..topic("t", 1, 1) }
    };
    let mut wrong = with(&[("bad", Some("1"))]);
    wrong.num_partitions = 0;
    assert_eq!(cluster.refused(wrong), (40, "Unknown topic config name: bad".into()));
    let null = "Null value not supported for topic configs: retention.ms";
    assert_eq!(cluster.refused(with(&[("retention.ms", None)])), (40, null.into()));
    let created =
        cluster.create_one(with(&[("retention.ms", Some("1")), ("retention.ms", Some("2"))])).unwrap();
    assert_eq!(created.configs.get("retention.ms").map(String::as_str), Some("2"));
    assert_eq!(cluster.controller.image().topic("t").unwrap().config("retention.ms"), Some("2"));
}

#[test]
fn validate_only_writes_nothing() {
    let mut cluster = Cluster::new(1, rules());
    let before = cluster.log.len();
    let call =
        |name: &str| ControllerCall::CreateTopics { topics: vec![topic(name, 2, 1)], validate_only: true };
    let ControllerReply::TopicsCreated(results) = cluster.call(call("t")) else { panic!() };
    assert_eq!(results[0].1.as_ref().unwrap().num_partitions, 2);
    assert_eq!(cluster.log.len(), before);
    cluster.create_one(topic("t", 1, 1)).unwrap();
    let ControllerReply::TopicsCreated(results) = cluster.call(call("t")) else { panic!() };
    assert_eq!(results[0].1, Err(TopicError::Exists("t".into())));
}

#[test]
fn partitions_are_added_and_keep_what_is_there() {
    let mut cluster = Cluster::new(1, rules());
    cluster.create_one(topic("t", 2, 1)).unwrap();
    cluster.grow("t", 4, None).unwrap();
    assert_eq!(cluster.controller.image().topic("t").unwrap().partitions.len(), 4);
    assert_eq!(cluster.grow("t", 4, None), Err((37, "Topic already has 4 partition(s).".into())));
    let less = "The topic t currently has 4 partition(s); -1 would not be an increase.";
    assert_eq!(cluster.grow("t", -1, None), Err((37, less.into())));
    assert_eq!(cluster.grow("nope", 4, None).unwrap_err().0, 3);
    assert_eq!(cluster.grow("t", 200_000, None).unwrap_err().0, 44);
    let few = "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.";
    assert_eq!(cluster.grow("t", 6, Some(vec![vec![1]])), Err((39, few.into())));
    assert_eq!(cluster.grow("t", 5, Some(vec![vec![9]])).unwrap_err().0, 39);
    assert_eq!(cluster.grow("t", 5, Some(vec![vec![]])).unwrap_err().0, 39);
    cluster.grow("t", 5, Some(vec![vec![1]])).unwrap();
    let more = |count| MorePartitions { name: "t".into(), count, assignments: None };
    let call = ControllerCall::CreatePartitions { topics: vec![more(6), more(7)], validate_only: false };
    let ControllerReply::PartitionsCreated(results) = cluster.call(call) else { panic!() };
    assert_eq!(results, [("t".to_string(), Err(TopicError::DuplicateName))]);
}

#[test]
fn topics_are_deleted_by_name_or_id() {
    let mut cluster = Cluster::new(1, rules());
    let id = cluster.create_one(topic("a.b", 1, 1)).unwrap().id;
    let none = TopicId::ZERO;
    let other = TopicId::from_u128(77);
    let asked = [(Some("nope"), none), (None, other), (None, none), (Some("a.b"), id)];
    assert_eq!(cluster.delete(&asked), [3, 100, 42, 42]);
    assert_eq!(cluster.delete(&[(Some("a.b"), none), (Some("a.b"), none)]), [42]);
    assert_eq!(cluster.delete(&[(None, id), (None, id)]), [42]);
    assert!(cluster.controller.image().topic("a.b").is_some());
    assert_eq!(cluster.delete(&[(None, id)]), [0]);
    assert!(cluster.controller.image().topic("a.b").is_none());
    let again = cluster.create_one(topic("a_b", 1, 1)).unwrap().id;
    assert_ne!(again, id);
    assert_eq!(cluster.delete(&[(Some("a_b"), none), (None, again)]), [42, 0]);
}

#[test]
fn deletion_can_be_disabled() {
    let mut cluster = Cluster::new(1, Rules { delete_topic_enable: false, ..rules() });
    cluster.create_one(topic("t", 1, 1)).unwrap();
    assert_eq!(cluster.delete(&[(Some("t"), TopicId::ZERO), (Some("u"), TopicId::ZERO)]), [73, 73]);
}

#[test]
fn producer_id_blocks_never_overlap_even_when_one_is_lost() {
    let mut cluster = Cluster::new(1, rules());
    let call = || ControllerCall::AllocateProducerIds(BrokerId::new(1));
    let first = |reply: &ControllerReply| match reply {
        ControllerReply::ProducerIds(Ok(block)) => (block.first.get(), block.count),
        other => panic!("{other:?}"),
    };
    assert_eq!(first(&cluster.call(call())), (0, 1_000));
    let (lost, kept) = (cluster.start(call()), cluster.start(call()));
    assert!(lost.replies.is_empty() && kept.replies.is_empty());
    let replies = cluster.take(&lost.appends[0], Err(AppendFailure::Storage));
    assert_eq!(replies, [ControllerReply::ProducerIds(Err(ControllerError::Log(AppendFailure::Storage)))]);
    let replies = cluster.take(&kept.appends[0], Ok(()));
    assert_eq!(first(&replies[0]), (2_000, 1_000));
    assert_eq!(cluster.controller.image().next_producer_id(), ProducerId::new(3_000));
    assert_eq!(first(&cluster.call(call())), (3_000, 1_000));
}

#[test]
fn what_is_pending_counts_but_is_not_shown() {
    let mut cluster = Cluster::new(1, rules());
    let call =
        |name: &str| ControllerCall::CreateTopics { topics: vec![topic(name, 1, 1)], validate_only: false };
    let first = cluster.start(call("t"));
    let second = cluster.start(call("t"));
    assert!(first.replies.is_empty());
    assert!(matches!(&second.replies[0].1, ControllerReply::TopicsCreated(r) if r[0].1.is_err()));
    assert!(cluster.controller.image().topic("t").is_none());
    let third = cluster.start(call("u"));
    let replies = cluster.take(&first.appends[0], Err(AppendFailure::Storage));
    let ControllerReply::TopicsCreated(results) = &replies[0] else { panic!() };
    assert_eq!(results[0].1.as_ref().unwrap_err().code().code(), 56);
    cluster.take(&third.appends[0], Ok(()));
    let image = cluster.controller.image();
    assert!(image.topic("t").is_none() && image.topic("u").is_some());
    cluster.check();
    cluster.create_one(topic("t", 1, 1)).unwrap();
}

#[test]
fn a_broker_takes_over_what_it_can_lead() {
    let mut cluster = Cluster::new(1, rules());
    cluster.create_one(topic("t", 3, 1)).unwrap();
    let topic_id = cluster.controller.image().topic("t").unwrap().id;
    // As Kafka leaves them when it stops: without a leader, out of sync, but eligible.
    let change = PartitionChangeRecord { topic_id, partition_id: 0, leader: -1, ..Default::default() };
    let mut image = Image::clone(cluster.controller.image());
    let eligible = Some(vec![1]);
    let stopped =
        PartitionChangeRecord { isr: Some(vec![]), eligible_leader_replicas: eligible, ..change.clone() };
    image.apply(&stopped.into());
    image.apply(&PartitionChangeRecord { partition_id: 1, ..change }.into());
    image.apply(&BrokerRegistrationChangeRecord { broker_id: 1, fenced: 1, ..Default::default() }.into());
    for raise_leader_epochs in [false, true] {
        cluster.controller = Controller::new(rules(), Random::from_seed(1), image.clone());
        let call = ControllerCall::RegisterBroker(Registration { raise_leader_epochs, ..registration(1) });
        let effects = cluster.start(call);
        assert_eq!(effects.appends[0].records.len(), if raise_leader_epochs { 4 } else { 3 });
        let replies = cluster.take(&effects.appends[0], Ok(()));
        assert_eq!(replies, [ControllerReply::Registered(Ok(image.offset().next().get()))]);
        let epochs = |index| {
            let partition = cluster.partition("t", index);
            assert_eq!((partition.leader, partition.isr.len()), (BrokerId::new(1), 1));
            assert!(partition.eligible_leader_replicas.is_empty());
            partition.leader_epoch.get()
        };
        assert_eq!([epochs(0), epochs(1), epochs(2)], [2, 2, i32::from(raise_leader_epochs)]);
        assert!(!cluster.controller.image().broker(BrokerId::new(1)).unwrap().fenced);
    }
}

#[test]
fn another_brokers_partitions_are_left_alone() {
    let mut cluster = Cluster::new(3, rules());
    cluster.create_one(assigned("t", &[(0, &[2, 3]), (1, &[1, 2])])).unwrap();
    let before = (cluster.partition("t", 0), cluster.partition("t", 1));
    let reply = cluster.call(ControllerCall::RegisterBroker(registration(1)));
    assert_eq!(reply, ControllerReply::Registered(Ok(cluster.log.len() as i64 - 1)));
    assert_eq!((cluster.partition("t", 0), cluster.partition("t", 1)), before);
}

#[test]
fn replicas_spread_over_brokers_and_racks() {
    let mut cluster = Cluster::new(0, rules());
    for id in 1..=4 {
        let rack = Some(if id <= 2 { "a" } else { "b" }.to_string());
        cluster.call(ControllerCall::RegisterBroker(Registration { rack, ..registration(id) }));
    }
    cluster.create_one(topic("t", 12, 2)).unwrap();
    let mut leaders = [0; 4];
    for index in 0..12 {
        let partition = cluster.partition("t", index);
        leaders[partition.leader.get() as usize - 1] += 1;
        assert_eq!((partition.replicas.len(), partition.isr.len()), (2, 2));
        assert_ne!(partition.replicas[0], partition.replicas[1]);
    }
    assert_eq!(leaders, [3; 4]);
}

#[test]
fn a_new_log_begins_with_the_features_and_an_old_one_with_the_end_of_a_transaction() {
    let feature: MetadataRecord =
        FeatureLevelRecord { name: "metadata.version".into(), feature_level: 30 }.into();
    let activate =
        |log_end| ControllerCall::Activate(Activation { bootstrap: vec![feature.clone()], log_end });
    let mut cluster = Cluster::new(0, rules());
    assert_eq!(cluster.call(activate(LogEnd::Clean)), ControllerReply::Activated(Ok(())));
    assert_eq!((cluster.log.len(), cluster.controller.image().feature("metadata.version")), (3, 30));
    assert_eq!(cluster.call(activate(LogEnd::Clean)), ControllerReply::Activated(Ok(())));
    assert_eq!(cluster.log.len(), 3);
    cluster.call(activate(LogEnd::InTransaction));
    assert!(matches!(cluster.log.last(), Some(MetadataRecord::AbortTransaction(_))));
}

#[test]
fn ten_thousand_topics_one_by_one_and_at_once() {
    let mut cluster = Cluster::new(1, rules());
    for n in 0..10_000 {
        let topics = vec![topic(&format!("topic.{n}"), 1, 1)];
        let effects = cluster.start(ControllerCall::CreateTopics { topics, validate_only: false });
        cluster.take(&effects.appends[0], Ok(()));
    }
    let topics = (0..10_000).map(|n| topic(&format!("more-{n}"), 1, 1)).collect();
    assert!(cluster.create(topics).iter().all(|(_, result)| result.is_ok()));
    assert_eq!(cluster.controller.image().topic_count(), 20_000);
    let references: Vec<_> = (0..10_000).map(|n| format!("topic.{n}")).collect();
    let references: Vec<_> = references.iter().map(|name| (Some(name.as_str()), TopicId::ZERO)).collect();
    assert!(cluster.delete(&references).iter().all(|code| *code == 0));
    assert_eq!(cluster.controller.image().topic_count(), 10_000);
}

/// A random call; names repeat, so that calls meet each other's topics.
fn random_call(random: &mut Random, known: &[TopicId]) -> ControllerCall {
    let name =
        |random: &mut Random| format!("t{}{}", ["", ".", "_"][random.below(3) as usize], random.below(12));
    let count = random.below(3) + 1;
    match random.below(10) {
        0..=4 => {
            let new = |random: &mut Random| NewTopic {
                configs: vec![("retention.ms".into(), Some(random.below(9).to_string()))],
                ..topic(&name(random), random.below(5) as i32 - 1, random.below(4) as i16 - 1)
            };
            let topics = (0..count).map(|_| new(random)).collect();
            ControllerCall::CreateTopics { topics, validate_only: random.below(5) == 0 }
        }
        5 | 6 => {
            let more = |random: &mut Random| MorePartitions {
                name: name(random),
                count: random.below(9) as i32,
                assignments: (random.below(3) == 0).then(|| vec![vec![BrokerId::new(1)]]),
            };
            let topics = (0..count).map(|_| more(random)).collect();
            ControllerCall::CreatePartitions { topics, validate_only: random.below(5) == 0 }
        }
        7 | 8 => {
            let reference = |random: &mut Random| match known.get(random.below(40) as usize) {
                Some(id) => TopicReference { name: None, id: *id },
                None => TopicReference { name: Some(name(random)), id: TopicId::ZERO },
            };
            ControllerCall::DeleteTopics((0..count).map(|_| reference(random)).collect())
        }
        _ if random.below(2) == 0 => ControllerCall::AllocateProducerIds(BrokerId::new(1)),
        _ => ControllerCall::RegisterBroker(Registration {
            raise_leader_epochs: random.below(2) == 0,
            ..registration(random.below(2) as i32 + 1)
        }),
    }
}

#[test]
fn the_image_is_what_the_log_says_whatever_is_asked_and_whatever_fails() {
    for seed in 0..60 {
        let mut random = Random::from_seed(seed);
        let mut cluster = Cluster::new(2, rules());
        let (mut waiting, mut replies, mut calls) = (std::collections::VecDeque::new(), 0, 0);
        for _ in 0..150 {
            if random.below(2) == 0 {
                let known: Vec<_> = cluster.controller.image().topics().map(|topic| topic.id).collect();
                let call = random_call(&mut random, &known);
                let effects = cluster.start(call);
                calls += 1;
                replies += effects.replies.len();
                waiting.extend(effects.appends);
            } else if let Some(append) = waiting.pop_front() {
                let outcome = if random.below(10) == 0 { Err(AppendFailure::Storage) } else { Ok(()) };
                replies += cluster.take(&append, outcome).len();
                assert_eq!(**cluster.controller.image(), cluster.replayed(), "seed {seed}");
            }
        }
        for append in waiting {
            replies += cluster.take(&append, Ok(())).len();
        }
        assert_eq!(replies, calls, "seed {seed}: one reply per call");
        let image = Image::clone(cluster.controller.image());
        assert_eq!(image, cluster.replayed(), "seed {seed}");
        let again = Image::from_records("cluster", BrokerId::new(1), image.offset(), &image.records());
        assert_eq!(again, image, "seed {seed}: a snapshot says the same");
        for topic in image.topics() {
            assert_eq!(image.topic(&topic.name).map(|t| t.id), Some(topic.id), "seed {seed}");
        }
    }
}
