//! The records of `__consumer_offsets`: what is written, and what old logs may hold.
//!
//! A key is its type (i16; 0 and 1 offset commit, 2 group metadata) and a body; a value its version (i16) and a body; no
//! value is a tombstone. Written: commits with key 1 and value 4 (value 1 if the client set a retention, which later
//! versions cannot hold), groups with key 2 and value 3, byte for byte as Kafka 4.3. Read: commit values 0-4, group
//! values 0-4. Keys of other types (KIP-848 and later) are skipped, and stay in the log as they are.
//!
//! After a crash: the log is authoritative; its torn tail is cut before anything is replayed. Batches are written
//! without a producer, and carry base sequence 0 as Kafka's do: see [`super::GroupCoordinator`].

use super::after::TopicPartition;
use super::member::Member;
use super::offsets::Committed;
use super::state::Group;
use super::sync::Assignment;
use crate::replicated::KeyValue;
use crate::wire::records::{
    GroupMetadataKey, GroupMetadataValue, GroupMetadataValueMemberMetadata, OffsetCommitKey,
    OffsetCommitValue,
};
use crate::wire::{DecodeError, Message, Reader, Str, Writer};
use bytes::Bytes;

/// The longest string that a record can hold. Longer ones are refused at the door.
pub(super) const STRING_BYTES_MAX: usize = i16::MAX as usize;

const OFFSET_COMMIT_KEY: i16 = 1;
const GROUP_METADATA_KEY: i16 = 2;
const OFFSET_COMMIT_VERSION: i16 = 4;
const OFFSET_COMMIT_VERSION_WITH_EXPIRY: i16 = 1;
const GROUP_METADATA_VERSION: i16 = 3;

/// A record, read.
#[derive(Debug, PartialEq)]
pub(super) enum Replayed {
    Offset {
        key: OffsetCommitKey,
        value: Option<OffsetCommitValue>,
    },
    Group {
        key: GroupMetadataKey,
        value: Option<GroupMetadataValue>,
    },
    /// Of a type that is not ours.
    Other,
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// Key or value ends before its version.
    #[error("a key or a value of a group record is shorter than its version")]
    Short,
    /// The value is of a version that Kafka 4.3 does not have either.
    #[error("value version {version} of {name} is not known")]
    Version {
        /// The record.
        name: &'static str,
        /// The version found.
        version: i16,
    },
    /// The body is not what the version says.
    #[error("a group record cannot be read: {0}")]
    Body(#[from] DecodeError),
}

/// Reads a record of any age.
pub(super) fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Replayed, RecordError> {
    let (kind, body) = version_and_body(key)?;
    Ok(match kind {
        0 | OFFSET_COMMIT_KEY => Replayed::Offset {
            key: OffsetCommitKey::decode(&mut Reader::new(body), 0)?,
            value: value.map(decode_value).transpose()?,
        },
        GROUP_METADATA_KEY => Replayed::Group {
            key: GroupMetadataKey::decode(&mut Reader::new(body), 0)?,
            value: value.map(decode_value).transpose()?,
        },
        _ => Replayed::Other,
    })
}

fn version_and_body(bytes: &[u8]) -> Result<(i16, Bytes), RecordError> {
    let (version, body) = bytes.split_first_chunk::<2>().ok_or(RecordError::Short)?;
    Ok((i16::from_be_bytes(*version), Bytes::copy_from_slice(body)))
}

fn decode_value<M: Message>(bytes: &[u8]) -> Result<M, RecordError> {
    let (version, body) = version_and_body(bytes)?;
    if !M::VERSIONS.contains(&version) {
        return Err(RecordError::Version { name: M::NAME, version });
    }
    Ok(M::decode(&mut Reader::new(body), version)?)
}

/// `version`, then the message as version `layout`. Every string was measured when it came in.
fn encode<M: Message>(prefix: i16, message: &M, layout: i16) -> Bytes {
    let mut writer = Writer::new();
    writer.int16(prefix);
    let encoded = message.encode(&mut writer, layout);
    assert!(encoded.is_ok(), "{} does not fit its record: {encoded:?}", M::NAME);
    writer.into_bytes().unwrap_or_default()
}

fn offset_key(group: &str, (topic, partition): &TopicPartition) -> Bytes {
    let key = OffsetCommitKey { group: Str::from(group), topic: Str::from(&**topic), partition: *partition };
    encode(OFFSET_COMMIT_KEY, &key, 0)
}

/// The record of a commit.
pub(super) fn offset_commit(group: &str, at: &TopicPartition, committed: &Committed) -> KeyValue {
    let expires = committed.expire_timestamp_ms.is_some();
    let version = if expires { OFFSET_COMMIT_VERSION_WITH_EXPIRY } else { OFFSET_COMMIT_VERSION };
    let value = OffsetCommitValue {
        offset: committed.offset,
        leader_epoch: committed.leader_epoch,
        metadata: Str::from(&*committed.metadata),
        commit_timestamp: committed.commit_timestamp_ms,
        expire_timestamp: committed.expire_timestamp_ms.unwrap_or(-1),
        // Version 1 cannot name the topic.
        topic_id: if expires { Default::default() } else { committed.topic_id },
    };
    KeyValue { key: Some(offset_key(group, at)), value: Some(encode(version, &value, version)) }
}

/// What a commit record says.
pub(super) fn committed(value: &OffsetCommitValue) -> Committed {
    Committed {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: (*value.metadata).into(),
        commit_timestamp_ms: value.commit_timestamp,
        expire_timestamp_ms: (value.expire_timestamp != -1).then_some(value.expire_timestamp),
        topic_id: value.topic_id,
    }
}

/// Deletes a committed offset.
pub(super) fn offset_tombstone(group: &str, at: &TopicPartition) -> KeyValue {
    KeyValue { key: Some(offset_key(group, at)), value: None }
}

fn group_key(group: &str) -> Bytes {
    encode(GROUP_METADATA_KEY, &GroupMetadataKey { group: Str::from(group) }, 0)
}

/// The state of a group. The assignment is that of `assignment`, or else what the members have.
pub(super) fn group_metadata(group: &Group, assignment: Option<&Assignment>) -> KeyValue {
    let protocol = group.protocol.as_deref();
    let member = |m: &Member| GroupMetadataValueMemberMetadata {
        member_id: Str::from(&*m.id),
        group_instance_id: m.instance_id.as_deref().map(Str::from),
        client_id: Str::from(&*m.client_id),
        client_host: Str::from(&*m.client_host),
        rebalance_timeout: m.terms.rebalance_timeout_ms,
        session_timeout: m.terms.session_timeout_ms,
        subscription: protocol.and_then(|p| m.metadata(p)).cloned().unwrap_or_default(),
        assignment: match assignment {
            Some(assignment) => assignment.get(&m.id).cloned().unwrap_or_default(),
            None => m.assignment.clone(),
        },
    };
    let value = GroupMetadataValue {
        protocol_type: Str::from(group.protocol_type.as_deref().unwrap_or_default()),
        generation: group.generation,
        protocol: protocol.map(Str::from),
        leader: group.leader.as_deref().map(Str::from),
        current_state_timestamp: group.state_since_ms.unwrap_or(-1),
        members: group.members().map(member).collect(),
    };
    let value = encode(GROUP_METADATA_VERSION, &value, GROUP_METADATA_VERSION);
    KeyValue { key: Some(group_key(&group.id)), value: Some(value) }
}

/// A group that has just been created: no protocol, no members, generation 0.
pub(super) fn new_group(group: &str, since_ms: Option<i64>) -> KeyValue {
    let value = GroupMetadataValue {
        current_state_timestamp: since_ms.unwrap_or(-1),
        ..GroupMetadataValue::default()
    };
    let value = encode(GROUP_METADATA_VERSION, &value, GROUP_METADATA_VERSION);
    KeyValue { key: Some(group_key(group)), value: Some(value) }
}

/// Deletes a group.
pub(super) fn group_tombstone(group: &str) -> KeyValue {
    KeyValue { key: Some(group_key(group)), value: None }
}
