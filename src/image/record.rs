//! One record of the metadata log.
//!
//! Layout of a value (the key is null): uvarint 1 (frame version), uvarint type, uvarint version, then the body, always
//! flexible. Source: Apache Kafka 4.3.1's kafka-metadata; types and versions in `schema/records/cluster_metadata.schema`.
//! Crash policy: authoritative; the batch's checksum guards it. A record that this code does not know is kept as it is.

use crate::wire::records::{
    AbortTransactionRecord, AccessControlEntryRecord, BeginTransactionRecord, BrokerRegistrationChangeRecord,
    ClearElrRecord, ClientQuotaRecord, ConfigRecord, DelegationTokenRecord, EndTransactionRecord,
    FeatureLevelRecord, FenceBrokerRecord, NoOpRecord, PartitionChangeRecord, PartitionRecord,
    ProducerIdsRecord, RegisterBrokerRecord, RegisterControllerRecord, RemoveAccessControlEntryRecord,
    RemoveDelegationTokenRecord, RemoveTopicRecord, RemoveUserScramCredentialRecord, TopicRecord,
    UnfenceBrokerRecord, UnregisterBrokerRecord, UserScramCredentialRecord, ZkMigrationStateRecord,
};
use crate::wire::{EncodeError, Message, Reader, Record, Writer};
use bytes::Bytes;

/// The only version of the frame around a record.
const FRAME_VERSION: u32 = 1;

// One list makes the enumeration, decode and encode, so that no type can be forgotten in one of them.
macro_rules! metadata_records {
    ($($(#[$doc:meta])* $name:ident($record:ident) written as $version:literal,)*) => {
        /// A record of the metadata log.
        #[derive(Clone, Debug, PartialEq)]
        pub enum MetadataRecord {
            $($(#[$doc])* $name($record),)*
            /// A type or version that this code does not know: the whole value.
            Unknown(Bytes),
        }

        $(impl From<$record> for MetadataRecord {
            fn from(record: $record) -> Self {
                Self::$name(record)
            }
        })*

        impl MetadataRecord {
            /// The version in which `encode` writes this record: what Kafka 4.3 writes at metadata.version 30.
            pub fn version(&self) -> i16 {
                match self {
                    $(Self::$name(_) => $version,)*
                    Self::Unknown(_) => 0,
                }
            }

            /// The value in the given version. Error: the version lacks a field that is set.
            pub fn encode_at(&self, version: i16) -> Result<Bytes, EncodeError> {
                match self {
                    $(Self::$name(record) => frame(record, version),)*
                    Self::Unknown(value) => Ok(value.clone()),
                }
            }

            fn decode_body(record_type: u32, version: i16, reader: &mut Reader) -> Option<Self> {
                $(if record_type == $record::TYPE as u32 && $record::VERSIONS.contains(&version) {
                    return $record::decode(reader, version).ok().map(Self::$name);
                })*
                None
            }
        }
    };
}

metadata_records! {
    /// A broker came, with these endpoints.
    RegisterBroker(RegisterBrokerRecord) written as 4,
    /// A broker went for good.
    UnregisterBroker(UnregisterBrokerRecord) written as 0,
    /// A topic exists.
    Topic(TopicRecord) written as 0,
    /// A partition of a topic exists.
    Partition(PartitionRecord) written as 2,
    /// A config override was set or removed.
    Config(ConfigRecord) written as 0,
    /// Leader, ISR or replicas of a partition changed.
    PartitionChange(PartitionChangeRecord) written as 2,
    /// A broker may lead nothing (old form).
    FenceBroker(FenceBrokerRecord) written as 0,
    /// A broker may lead again (old form).
    UnfenceBroker(UnfenceBrokerRecord) written as 0,
    /// A topic and its configs are gone.
    RemoveTopic(RemoveTopicRecord) written as 0,
    /// A delegation token.
    DelegationToken(DelegationTokenRecord) written as 0,
    /// A SCRAM credential of a user.
    UserScramCredential(UserScramCredentialRecord) written as 0,
    /// A feature is finalized at a level; 0 removes it.
    FeatureLevel(FeatureLevelRecord) written as 0,
    /// A quota was set or removed.
    ClientQuota(ClientQuotaRecord) written as 0,
    /// A block of producer ids was handed to a broker.
    ProducerIds(ProducerIdsRecord) written as 0,
    /// A broker was fenced or unfenced, is about to stop, or its log directories changed.
    BrokerRegistrationChange(BrokerRegistrationChangeRecord) written as 3,
    /// An ACL.
    AccessControlEntry(AccessControlEntryRecord) written as 0,
    /// An ACL is gone.
    RemoveAccessControlEntry(RemoveAccessControlEntryRecord) written as 0,
    /// Nothing: keeps the log moving.
    NoOp(NoOpRecord) written as 0,
    /// A leftover of migrations from ZooKeeper.
    ZkMigrationState(ZkMigrationStateRecord) written as 0,
    /// A SCRAM credential is gone.
    RemoveUserScramCredential(RemoveUserScramCredentialRecord) written as 0,
    /// The records up to `EndTransaction` are one change.
    BeginTransaction(BeginTransactionRecord) written as 0,
    /// The change takes effect.
    EndTransaction(EndTransactionRecord) written as 0,
    /// The change never happened.
    AbortTransaction(AbortTransactionRecord) written as 0,
    /// A delegation token is gone.
    RemoveDelegationToken(RemoveDelegationTokenRecord) written as 0,
    /// A controller came, with these endpoints.
    RegisterController(RegisterControllerRecord) written as 0,
    /// The eligible leader replicas of a topic, or of all, are forgotten.
    ClearElr(ClearElrRecord) written as 0,
}

fn frame<R: Record>(record: &R, version: i16) -> Result<Bytes, EncodeError> {
    let mut writer = Writer::new();
    writer.uvarint(FRAME_VERSION);
    writer.uvarint(u32::from(R::TYPE.unsigned_abs()));
    writer.uvarint(u32::from(version.unsigned_abs()));
    record.encode(&mut writer, version)?;
    let total = writer.total_len();
    writer.into_bytes().ok_or(EncodeError::TooLong { len: total })
}

impl MetadataRecord {
    /// Reads a value. Total: what cannot be read is `Unknown`.
    pub fn decode(value: &Bytes) -> Self {
        Self::decode_versioned(value).0
    }

    /// As `decode`, with the version in which the record was written (0 if it is unknown).
    pub fn decode_versioned(value: &Bytes) -> (Self, i16) {
        Self::decode_known(value).unwrap_or_else(|| (Self::Unknown(value.clone()), 0))
    }

    fn decode_known(value: &Bytes) -> Option<(Self, i16)> {
        let mut reader = Reader::new(value.clone());
        if reader.uvarint().ok()? != FRAME_VERSION {
            return None;
        }
        let record_type = reader.uvarint().ok()?;
        let version = i16::try_from(reader.uvarint().ok()?).ok()?;
        let record = Self::decode_body(record_type, version, &mut reader)?;
        (reader.remaining() == 0).then_some((record, version))
    }

    /// The value at the newest metadata.version. Error: a string or array longer than its length can say.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        self.encode_at(self.version())
    }

    /// The value as Kafka writes it while `metadata.version` is finalized at this level: an older Kafka of that level
    /// reads it. What that version has no place for is left out. Error: as `encode`.
    pub fn encode_for(&self, metadata_version: i16) -> Result<Bytes, EncodeError> {
        self.encode_at(self.version_for(metadata_version))
    }

    fn version_for(&self, metadata_version: i16) -> i16 {
        match (self, metadata_version) {
            (Self::RegisterBroker(_), 30..) => 4, // 4.3-IV0: cordoned log directories
            (Self::RegisterBroker(_), 17..) => 3, // 3.7-IV2: log directories
            (Self::RegisterBroker(_), 8..) => 2,  // 3.4-IV0
            (Self::RegisterBroker(_), _) => 1,    // 3.3-IV3, the oldest that Kafka 4 starts from
            (Self::Partition(_) | Self::PartitionChange(_), 23..) => 2, // 4.0-IV1: eligible leader replicas
            (Self::Partition(_) | Self::PartitionChange(_), 17..) => 1, // 3.7-IV2: directories
            (Self::Partition(_) | Self::PartitionChange(_), _) => 0,
            _ => self.version(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_hex(text: &str) -> Bytes {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn kafkas_own_bytes_are_read_and_written() {
        let golden = include_str!("../../tests/golden/metadata/records.txt");
        let mut seen = 0;
        for line in golden.lines().filter(|line| !line.starts_with('#')) {
            let [record_type, version, _, hex] = line.splitn(5, ' ').take(4).collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            let value = from_hex(hex);
            let (record, read) = MetadataRecord::decode_versioned(&value);
            assert!(!matches!(record, MetadataRecord::Unknown(_)), "{line}");
            assert_eq!(read.to_string(), version, "{record_type}");
            assert_eq!(record.encode_at(read).unwrap(), value, "{line}\n{record:?}");
            seen += 1;
        }
        assert!(seen > 60, "{seen}");
    }

    #[test]
    fn an_older_cluster_gets_older_versions() {
        let directories = vec![crate::base::ids::Uuid::from_u128(7)];
        let eligible_leader_replicas = Some(vec![1]);
        let record = PartitionRecord { directories, eligible_leader_replicas, ..PartitionRecord::default() };
        let record = MetadataRecord::from(record);
        for (metadata_version, version, left) in
            [(30, 2, 2), (23, 2, 2), (22, 1, 1), (17, 1, 1), (16, 0, 0), (7, 0, 0)]
        {
            let (read, read_version) =
                MetadataRecord::decode_versioned(&record.encode_for(metadata_version).unwrap());
            let MetadataRecord::Partition(read) = read else { panic!("{read:?}") };
            let kept = read.directories.len() + usize::from(read.eligible_leader_replicas.is_some());
            assert_eq!((read_version, kept), (version, left));
        }
    }

    #[test]
    fn what_is_unknown_is_kept() {
        for hex in [
            "",
            "01",
            "02020001000000",
            "01630000",
            "010263",
            "0102000161",
            "011400ff",
            "01140000ff",
            "ffffffffff",
        ] {
            let value = from_hex(hex);
            let record = MetadataRecord::decode(&value);
            assert_eq!(record, MetadataRecord::Unknown(value.clone()), "{hex}");
            assert_eq!(record.encode().unwrap(), value);
        }
    }

    #[test]
    fn a_field_is_where_it_belongs() {
        let topic = TopicRecord { name: "t".into(), topic_id: crate::base::ids::Uuid::from_u128(5) };
        let value = MetadataRecord::from(topic.clone()).encode().unwrap();
        assert_eq!(value, from_hex("0102000274000000000000000000000000000000050000").slice(..22));
        assert_eq!(MetadataRecord::decode(&value), MetadataRecord::Topic(topic));
    }
}
