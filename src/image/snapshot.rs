//! The records that make an image again: what a snapshot of the metadata log holds.

use super::cluster::{ConfigResource, Configs, Image};
use super::record::MetadataRecord;
use crate::base::ids::{BrokerId, Offset};
use crate::wire::records::{ConfigRecord, FeatureLevelRecord, ProducerIdsRecord, TopicRecord};

/// Kafka applies this one first: it decides how the others are read.
const METADATA_VERSION: &str = "metadata.version";

impl Image {
    /// The image that a snapshot's records make; `offset` is the last that the snapshot covers (its end offset - 1).
    pub fn from_records(
        cluster_id: &str,
        controller_id: BrokerId,
        offset: Offset,
        records: &[MetadataRecord],
    ) -> Self {
        let mut image = Self::empty(cluster_id, controller_id);
        records.iter().for_each(|record| image.apply(record));
        image.set_offset(offset);
        image
    }

    /// The records that make this image from an empty one, in an order that Kafka can load too: features, brokers,
    /// topics, configs, producer ids, and what is only kept.
    pub fn records(&self) -> Vec<MetadataRecord> {
        let mut records = Vec::new();
        let (first, rest): (Vec<_>, Vec<_>) =
            self.features().partition(|(name, _)| *name == METADATA_VERSION);
        for (name, feature_level) in first.into_iter().chain(rest) {
            records.push(FeatureLevelRecord { name: name.into(), feature_level }.into());
        }
        records.extend(self.brokers().map(|broker| broker.to_record().into()));
        let mut topics: Vec<_> = self.topics().collect();
        topics.sort_by(|left, right| left.name.cmp(&right.name));
        for topic in &topics {
            records.push(TopicRecord { name: topic.name.as_ref().into(), topic_id: topic.id }.into());
            records.extend(topic.partition_records().map(MetadataRecord::from));
        }
        for (resource, configs) in self.configs.iter() {
            push_configs(&mut records, resource.kind, &resource.name, configs);
        }
        for topic in &topics {
            push_configs(&mut records, ConfigResource::TOPIC, &topic.name, &topic.configs);
        }
        if self.next_producer_id > 0 {
            let next_producer_id = self.next_producer_id;
            records.push(ProducerIdsRecord { broker_id: -1, broker_epoch: -1, next_producer_id }.into());
        }
        records.extend(self.kept().records());
        records
    }
}

fn push_configs(
    records: &mut Vec<MetadataRecord>,
    resource_type: i8,
    resource_name: &str,
    configs: &Configs,
) {
    for (name, value) in configs {
        let (name, value) = (name.as_str().into(), Some(value.as_str().into()));
        records.push(ConfigRecord { resource_type, resource_name: resource_name.into(), name, value }.into());
    }
}
