//! From one version of the image to the next: `apply` cannot fail, so that a log that was written can be replayed.

use super::broker::BrokerImage;
use super::cluster::{ConfigResource, Image};
use super::collision_key;
use super::record::MetadataRecord;
use super::topic::TopicImage;
use crate::base::ids::{BrokerId, TopicId};
use crate::wire::records::{ClearElrRecord, ConfigRecord, TopicRecord};
use std::sync::Arc;

impl Image {
    /// Changes this version as the record says. A record about something that does not exist changes nothing; one that
    /// is not understood is kept. The offset stays: see `set_offset`.
    pub fn apply(&mut self, record: &MetadataRecord) {
        use MetadataRecord as Record;
        match record {
            Record::Topic(r) => self.add_topic(r),
            Record::RemoveTopic(r) => self.remove_topic(r.topic_id),
            Record::Partition(r) => self.with_topic(r.topic_id, |topic| topic.put(r)),
            Record::PartitionChange(r) => self.with_topic(r.topic_id, |topic| topic.change(r)),
            Record::ClearElr(r) => self.clear_eligible_leaders(r),
            Record::Config(r) => self.set_config(r),
            Record::FeatureLevel(r) => self.set_feature(&r.name, r.feature_level),
            Record::RegisterBroker(r) => {
                let broker = BrokerImage::from_record(r);
                Arc::make_mut(&mut self.brokers).insert(broker.id, Arc::new(broker));
            }
            Record::UnregisterBroker(r) => {
                Arc::make_mut(&mut self.brokers).remove(&BrokerId::new(r.broker_id));
            }
            Record::BrokerRegistrationChange(r) => self.with_broker(r.broker_id, |broker| broker.change(r)),
            Record::FenceBroker(r) => self.with_broker(r.id, |broker| broker.fenced = true),
            Record::UnfenceBroker(r) => self.with_broker(r.id, |broker| broker.fenced = false),
            Record::ProducerIds(r) => self.next_producer_id = self.next_producer_id.max(r.next_producer_id),
            Record::NoOp(_)
            | Record::BeginTransaction(_)
            | Record::EndTransaction(_)
            | Record::AbortTransaction(_) => {}
            Record::RegisterController(_)
            | Record::AccessControlEntry(_)
            | Record::RemoveAccessControlEntry(_)
            | Record::UserScramCredential(_)
            | Record::RemoveUserScramCredential(_)
            | Record::ClientQuota(_)
            | Record::DelegationToken(_)
            | Record::RemoveDelegationToken(_)
            | Record::ZkMigrationState(_)
            | Record::Unknown(_) => Arc::make_mut(&mut self.kept).apply(record),
        }
    }

    fn with_broker(&mut self, id: i32, change: impl FnOnce(&mut BrokerImage)) {
        if let Some(broker) = Arc::make_mut(&mut self.brokers).get_mut(&BrokerId::new(id)) {
            change(Arc::make_mut(broker));
        }
    }

    fn with_topic(&mut self, id: TopicId, change: impl FnOnce(&mut TopicImage)) {
        if let Some(topic) = self.topics.get_mut(&id) {
            change(Arc::make_mut(topic));
        }
    }

    fn add_topic(&mut self, record: &TopicRecord) {
        if let Some(replaced) = self.ids.get(record.name.as_str()).copied() {
            self.remove_topic(replaced);
        }
        self.remove_topic(record.topic_id);
        // Configs that came before their topic wait among those of other resources.
        let resource = ConfigResource { kind: ConfigResource::TOPIC, name: record.name.to_string() };
        let configs = match self.configs.contains_key(&resource) {
            true => Arc::make_mut(&mut self.configs).remove(&resource).unwrap_or_default(),
            false => Arc::default(),
        };
        let topic = TopicImage::new(&record.name, record.topic_id, configs);
        self.ids.insert(Arc::clone(&topic.name), topic.id);
        if let Some(key) = collision_key(&topic.name) {
            let mut names = self.similar.get(key.as_str()).cloned().unwrap_or_default();
            names.push(Arc::clone(&topic.name));
            names.sort();
            self.similar.insert(key, names);
        }
        self.topics.insert(topic.id, Arc::new(topic));
    }

    fn remove_topic(&mut self, id: TopicId) {
        let Some(topic) = self.topics.remove(&id) else {
            return;
        };
        self.ids.remove(&topic.name);
        let Some(key) = collision_key(&topic.name) else {
            return;
        };
        let mut names = self.similar.remove(key.as_str()).unwrap_or_default();
        names.retain(|name| *name != topic.name);
        if !names.is_empty() {
            self.similar.insert(key, names);
        }
    }

    fn clear_eligible_leaders(&mut self, record: &ClearElrRecord) {
        let named = self.topic_id(&record.topic_name);
        let all =
            record.topic_name.is_empty().then(|| self.topics.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        for id in all.unwrap_or_default().into_iter().chain(named) {
            self.with_topic(id, TopicImage::clear_eligible_leaders);
        }
    }

    fn set_feature(&mut self, name: &str, level: i16) {
        let features = Arc::make_mut(&mut self.features);
        if level == 0 {
            features.remove(name);
        } else {
            features.insert(name.to_owned(), level);
        }
    }

    fn set_config(&mut self, record: &ConfigRecord) {
        if record.resource_type == ConfigResource::TOPIC
            && let Some(id) = self.topic_id(&record.resource_name)
        {
            return self.with_topic(id, |topic| set(Arc::make_mut(&mut topic.configs), record));
        }
        let resource = ConfigResource { kind: record.resource_type, name: record.resource_name.to_string() };
        let all = Arc::make_mut(&mut self.configs);
        let configs = Arc::make_mut(all.entry(resource.clone()).or_default());
        set(configs, record);
        if configs.is_empty() {
            all.remove(&resource);
        }
    }
}

fn set(configs: &mut super::Configs, record: &ConfigRecord) {
    match &record.value {
        Some(value) => configs.insert(record.name.to_string(), value.to_string()),
        None => configs.remove(record.name.as_str()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::{LeaderEpoch, PartitionIndex, ProducerId};
    use crate::wire::records::*;

    fn image() -> Image {
        Image::empty("cluster", BrokerId::new(1))
    }

    fn topic(name: &str, id: u128) -> MetadataRecord {
        TopicRecord { name: name.into(), topic_id: TopicId::from_u128(id) }.into()
    }

    fn partition(id: u128, partition_id: i32) -> MetadataRecord {
        let (replicas, isr) = (vec![1], vec![1]);
        let topic_id = TopicId::from_u128(id);
        let record =
            PartitionRecord { topic_id, partition_id, replicas, isr, leader: 1, ..Default::default() };
        PartitionRecord { leader_epoch: 0, partition_epoch: 0, ..record }.into()
    }

    fn config(resource_type: i8, resource: &str, name: &str, value: Option<&str>) -> MetadataRecord {
        let (resource_name, name, value) = (resource.into(), name.into(), value.map(Into::into));
        ConfigRecord { resource_type, resource_name, name, value }.into()
    }

    #[test]
    fn a_version_does_not_see_later_changes() {
        let mut image = image();
        image.apply(&topic("a", 1));
        image.apply(&partition(1, 0));
        let before = image.clone();
        image.apply(&partition(1, 1));
        image.apply(&topic("b", 2));
        assert_eq!(before.topic("a").unwrap().partitions.len(), 1);
        assert_eq!(before.topic_count(), 1);
        assert_eq!(image.topic("a").unwrap().partitions.len(), 2);
        image.apply(&RemoveTopicRecord { topic_id: TopicId::from_u128(1) }.into());
        assert!(image.topic("a").is_none() && image.topic_by_id(TopicId::from_u128(1)).is_none());
        assert!(before.topic("a").is_some());
    }

    #[test]
    fn leader_epoch_counts_leaders_and_partition_epoch_changes() {
        let mut image = image();
        image.apply(&topic("a", 1));
        image.apply(&partition(1, 0));
        let change =
            PartitionChangeRecord { partition_id: 0, topic_id: TopicId::from_u128(1), ..Default::default() };
        image.apply(&PartitionChangeRecord { isr: Some(vec![]), ..change.clone() }.into());
        let at =
            |image: &Image| image.partition(TopicId::from_u128(1), PartitionIndex::new(0)).unwrap().clone();
        assert_eq!((at(&image).leader_epoch, at(&image).partition_epoch), (LeaderEpoch::new(0), 1));
        assert!(at(&image).isr.is_empty());
        image.apply(&PartitionChangeRecord { leader: -1, ..change.clone() }.into());
        assert_eq!((at(&image).leader_epoch, at(&image).leader()), (LeaderEpoch::new(1), None));
        image.apply(&PartitionChangeRecord { leader: 1, ..change }.into());
        assert_eq!(
            (at(&image).leader_epoch, at(&image).leader()),
            (LeaderEpoch::new(2), Some(BrokerId::new(1)))
        );
    }

    #[test]
    fn configs_go_with_their_topic_whatever_the_order() {
        let mut image = image();
        image.apply(&config(2, "a", "retention.ms", Some("1")));
        image.apply(&topic("a", 1));
        image.apply(&config(2, "a", "cleanup.policy", Some("compact")));
        assert_eq!(image.topic("a").unwrap().config("retention.ms"), Some("1"));
        assert_eq!(image.topic("a").unwrap().config("cleanup.policy"), Some("compact"));
        image.apply(&config(2, "a", "retention.ms", None));
        assert_eq!(image.topic("a").unwrap().config("retention.ms"), None);
        image.apply(&RemoveTopicRecord { topic_id: TopicId::from_u128(1) }.into());
        image.apply(&topic("a", 2));
        assert!(image.topic("a").unwrap().configs.is_empty());
        image.apply(&config(4, "", "min.insync.replicas", Some("1")));
        assert_eq!(image.broker_configs(None).unwrap().len(), 1);
        image.apply(&config(4, "", "min.insync.replicas", None));
        assert_eq!(image.broker_configs(None), None);
    }

    #[test]
    fn colliding_names_are_known() {
        let mut image = image();
        image.apply(&topic("a.b", 1));
        image.apply(&topic("a_b", 2));
        assert_eq!(image.colliding_topics("a.b").collect::<Vec<_>>(), ["a_b"]);
        image.apply(&RemoveTopicRecord { topic_id: TopicId::from_u128(2) }.into());
        assert_eq!(image.colliding_topics("a_b").collect::<Vec<_>>(), ["a.b"]);
        image.apply(&RemoveTopicRecord { topic_id: TopicId::from_u128(1) }.into());
        assert_eq!(image.colliding_topics("a_b").count(), 0);
    }

    #[test]
    fn records_about_nothing_change_nothing() {
        let mut image = image();
        image.apply(&topic("a", 1));
        let before = image.clone();
        image.apply(&partition(9, 0));
        image.apply(&partition(1, -1));
        image.apply(&partition(1, i32::MAX));
        image.apply(&RemoveTopicRecord { topic_id: TopicId::from_u128(9) }.into());
        image.apply(&PartitionChangeRecord { topic_id: TopicId::from_u128(1), ..Default::default() }.into());
        image.apply(&FenceBrokerRecord { id: 7, epoch: 1 }.into());
        image.apply(&UnregisterBrokerRecord { broker_id: 7, broker_epoch: 1 }.into());
        image.apply(&NoOpRecord {}.into());
        assert_eq!(image, before);
    }

    #[test]
    fn a_hole_among_partitions_is_no_partition() {
        let mut image = image();
        image.apply(&topic("a", 1));
        image.apply(&partition(1, 2));
        let indexes: Vec<_> = image.topic("a").unwrap().partitions().map(|(index, _)| index.get()).collect();
        assert_eq!(indexes, [2]);
        assert!(image.partition(TopicId::from_u128(1), PartitionIndex::new(0)).is_none());
        assert!(image.partition(TopicId::from_u128(1), PartitionIndex::new(3)).is_none());
    }

    #[test]
    fn brokers_come_change_and_go() {
        let mut image = image();
        image.apply(&RegisterBrokerRecord { broker_id: 3, broker_epoch: 5, ..Default::default() }.into());
        assert!(image.broker(BrokerId::new(3)).unwrap().fenced && image.live_brokers().count() == 0);
        let change = BrokerRegistrationChangeRecord { broker_id: 3, broker_epoch: 5, ..Default::default() };
        image.apply(&BrokerRegistrationChangeRecord { fenced: -1, ..change.clone() }.into());
        assert_eq!(image.live_brokers().count(), 1);
        image.apply(&change.into());
        assert_eq!(image.live_brokers().count(), 1);
        image.apply(&FenceBrokerRecord { id: 3, epoch: 5 }.into());
        assert_eq!(image.live_brokers().count(), 0);
        image.apply(&UnregisterBrokerRecord { broker_id: 3, broker_epoch: 5 }.into());
        assert_eq!(image.brokers().count(), 0);
    }

    #[test]
    fn a_golden_record_of_every_type_can_be_applied_and_summed_up() {
        let mut image = image();
        image.apply(&topic("a", 1));
        image.apply(&partition(1, 0));
        for line in
            include_str!("../../tests/golden/metadata/records.txt").lines().filter(|l| !l.starts_with('#'))
        {
            let hex = line.split(' ').nth(3).unwrap();
            let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            let value: bytes::Bytes = (0..hex.len()).step_by(2).map(byte).collect();
            image.apply(&MetadataRecord::decode(&value));
        }
        image.apply(&MetadataRecord::Unknown(bytes::Bytes::from_static(b"\x01\x63\x00\x00")));
        let mut again = Image::empty("cluster", BrokerId::new(1));
        for record in image.records() {
            again.apply(&MetadataRecord::decode(&record.encode().unwrap()));
        }
        assert_eq!(again, image);
        assert!(image.next_producer_id() > ProducerId::new(1_000_000_000_000));
        assert!(image.kept().len() > 3);
    }
}
