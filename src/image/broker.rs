//! Brokers as the metadata log describes them.

use crate::base::ids::{BrokerId, Uuid};
use crate::wire::Str;
use crate::wire::records::{
    BrokerRegistrationChangeRecord, RegisterBrokerRecord, RegisterBrokerRecordBrokerEndpoint,
    RegisterBrokerRecordBrokerFeature,
};

/// Where clients reach a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name, such as `PLAINTEXT`.
    pub name: String,
    /// The advertised host.
    pub host: String,
    /// The advertised port.
    pub port: u16,
    /// Kafka's number: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
    pub security_protocol: i16,
}

/// The versions of a feature that a broker can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureRange {
    /// The feature, such as `metadata.version`.
    pub name: String,
    /// The lowest level.
    pub min: i16,
    /// The highest level.
    pub max: i16,
}

/// One registered broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerImage {
    /// Its `node.id`.
    pub id: BrokerId,
    /// The offset of its registration.
    pub epoch: i64,
    /// Another for every start.
    pub incarnation_id: Uuid,
    /// Where clients reach it.
    pub endpoints: Vec<Endpoint>,
    /// What it can do.
    pub features: Vec<FeatureRange>,
    /// Its rack.
    pub rack: Option<String>,
    /// Whether it may lead nothing, for now.
    pub fenced: bool,
    /// Whether it is about to stop.
    pub in_controlled_shutdown: bool,
    /// The ids of its log directories.
    pub log_dirs: Vec<Uuid>,
    /// Those of them that take no new partitions; none if it never said.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl BrokerImage {
    /// The endpoint of a listener.
    pub fn endpoint(&self, listener: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == listener)
    }

    pub(super) fn from_record(record: &RegisterBrokerRecord) -> Self {
        let endpoint = |from: &RegisterBrokerRecordBrokerEndpoint| Endpoint {
            name: from.name.to_string(),
            host: from.host.to_string(),
            port: from.port,
            security_protocol: from.security_protocol,
        };
        let feature = |from: &RegisterBrokerRecordBrokerFeature| FeatureRange {
            name: from.name.to_string(),
            min: from.min_supported_version,
            max: from.max_supported_version,
        };
        Self {
            id: BrokerId::new(record.broker_id),
            epoch: record.broker_epoch,
            incarnation_id: record.incarnation_id,
            endpoints: record.end_points.iter().map(endpoint).collect(),
            features: record.features.iter().map(feature).collect(),
            rack: record.rack.as_ref().map(Str::to_string),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            log_dirs: record.log_dirs.clone(),
            cordoned_log_dirs: record.cordoned_log_dirs.clone(),
        }
    }

    /// The record that makes this broker again.
    pub fn to_record(&self) -> RegisterBrokerRecord {
        let endpoint = |from: &Endpoint| RegisterBrokerRecordBrokerEndpoint {
            name: from.name.as_str().into(),
            host: from.host.as_str().into(),
            port: from.port,
            security_protocol: from.security_protocol,
        };
        let feature = |from: &FeatureRange| RegisterBrokerRecordBrokerFeature {
            name: from.name.as_str().into(),
            min_supported_version: from.min,
            max_supported_version: from.max,
        };
        RegisterBrokerRecord {
            broker_id: self.id.get(),
            is_migrating_zk_broker: false,
            incarnation_id: self.incarnation_id,
            broker_epoch: self.epoch,
            end_points: self.endpoints.iter().map(endpoint).collect(),
            features: self.features.iter().map(feature).collect(),
            rack: self.rack.as_deref().map(Str::from),
            fenced: self.fenced,
            in_controlled_shutdown: self.in_controlled_shutdown,
            log_dirs: self.log_dirs.clone(),
            cordoned_log_dirs: self.cordoned_log_dirs.clone(),
        }
    }

    pub(super) fn change(&mut self, record: &BrokerRegistrationChangeRecord) {
        let switch = |place: &mut bool, value: i8| match value {
            0 => {}
            value => *place = value > 0,
        };
        switch(&mut self.fenced, record.fenced);
        switch(&mut self.in_controlled_shutdown, record.in_controlled_shutdown);
        if !record.log_dirs.is_empty() {
            self.log_dirs.clone_from(&record.log_dirs);
        }
        if record.cordoned_log_dirs.is_some() {
            self.cordoned_log_dirs.clone_from(&record.cordoned_log_dirs);
        }
    }
}
