//! The image itself: look-ups without allocation, versions that share what they have in common.

use super::broker::BrokerImage;
use super::kept::Kept;
use super::topic::{PartitionImage, TopicImage};
use crate::base::ids::{BrokerId, Offset, PartitionIndex, ProducerId, TopicId};
use crate::base::shared_map::SharedMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a config override belongs to, besides topics (theirs are in `TopicImage`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigResource {
    /// Kafka's number: 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.
    pub kind: i8,
    /// Its name; empty for the default of all brokers.
    pub name: String,
}

impl ConfigResource {
    /// The kind of topics.
    pub const TOPIC: i8 = 2;
    /// The kind of brokers.
    pub const BROKER: i8 = 4;
}

/// Names and values of overrides.
pub type Configs = BTreeMap<String, String>;

/// The cluster at one offset of the metadata log. A clone costs some reference counts and is a version of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    pub(super) offset: Offset,
    pub(super) cluster_id: Arc<str>,
    pub(super) controller_id: BrokerId,
    pub(super) brokers: Arc<BTreeMap<BrokerId, Arc<BrokerImage>>>,
    pub(super) features: Arc<BTreeMap<String, i16>>,
    pub(super) topics: SharedMap<TopicId, Arc<TopicImage>>,
    pub(super) ids: SharedMap<Arc<str>, TopicId>,
    /// Names by their collision key.
    pub(super) similar: SharedMap<String, Vec<Arc<str>>>,
    pub(super) configs: Arc<BTreeMap<ConfigResource, Arc<Configs>>>,
    pub(super) next_producer_id: i64,
    pub(super) kept: Arc<Kept>,
}

impl Image {
    /// A cluster of which the log says nothing yet.
    pub fn empty(cluster_id: &str, controller_id: BrokerId) -> Self {
        Self {
            offset: Offset::NONE,
            cluster_id: Arc::from(cluster_id),
            controller_id,
            brokers: Arc::default(),
            features: Arc::default(),
            topics: SharedMap::new(),
            ids: SharedMap::new(),
            similar: SharedMap::new(),
            configs: Arc::default(),
            next_producer_id: 0,
            kept: Arc::default(),
        }
    }

    /// The last offset of the metadata log that it reflects; `Offset::NONE` before any.
    pub fn offset(&self) -> Offset {
        self.offset
    }

    /// Says up to which offset the log has been applied.
    pub fn set_offset(&mut self, offset: Offset) {
        self.offset = offset;
    }

    /// The id of the cluster, from `meta.properties`.
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// The node whose controller leads.
    pub fn controller_id(&self) -> BrokerId {
        self.controller_id
    }

    /// All registered brokers, by id.
    pub fn brokers(&self) -> impl Iterator<Item = &BrokerImage> {
        self.brokers.values().map(AsRef::as_ref)
    }

    /// The brokers that are not fenced.
    pub fn live_brokers(&self) -> impl Iterator<Item = &BrokerImage> {
        self.brokers().filter(|broker| !broker.fenced)
    }

    /// A registered broker.
    pub fn broker(&self, id: BrokerId) -> Option<&BrokerImage> {
        self.brokers.get(&id).map(AsRef::as_ref)
    }

    /// The finalized features, by name.
    pub fn features(&self) -> impl Iterator<Item = (&str, i16)> {
        self.features.iter().map(|(name, level)| (name.as_str(), *level))
    }

    /// The level at which a feature is finalized; 0 if it is not.
    pub fn feature(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    /// How many topics there are.
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// All topics, in no order.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<TopicImage>> {
        self.topics.values()
    }

    /// The topic of a name.
    pub fn topic(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.topics.get(self.ids.get(name)?)
    }

    /// The topic of an id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<TopicImage>> {
        self.topics.get(&id)
    }

    /// The id of a name.
    pub fn topic_id(&self, name: &str) -> Option<TopicId> {
        self.ids.get(name).copied()
    }

    /// A partition of the topic of an id.
    pub fn partition(&self, id: TopicId, partition: PartitionIndex) -> Option<&PartitionImage> {
        self.topic_by_id(id)?.partition(partition)
    }

    /// Topics whose names metrics cannot tell from `name` ('.' and '_' look the same), without `name` itself.
    pub fn colliding_topics(&self, name: &str) -> impl Iterator<Item = &str> {
        let key = super::collision_key(name);
        let same = key.and_then(|key| self.similar.get(key.as_str())).into_iter().flatten();
        same.map(AsRef::as_ref).filter(move |other: &&str| *other != name)
    }

    /// The overrides of something that is not a topic; for a topic see `TopicImage::configs`.
    pub fn configs(&self, resource: &ConfigResource) -> Option<&Configs> {
        self.configs.get(resource).map(AsRef::as_ref)
    }

    /// The overrides of one broker; none names the default of all brokers.
    pub fn broker_configs(&self, id: Option<BrokerId>) -> Option<&Configs> {
        let name = id.map_or_else(String::new, |id| id.to_string());
        self.configs(&ConfigResource { kind: ConfigResource::BROKER, name })
    }

    /// The first producer id that no block holds yet.
    pub fn next_producer_id(&self) -> ProducerId {
        ProducerId::new(self.next_producer_id)
    }

    /// Records of the log that this broker only keeps.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }
}
