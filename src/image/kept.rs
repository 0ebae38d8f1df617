//! What the metadata log says that this broker does not act on (yet): kept whole, so that nothing is lost when the log
//! is summed up, and Kafka finds it again.

use super::record::MetadataRecord;
use crate::base::ids::Uuid;
use crate::wire::Str;
use crate::wire::records::ClientQuotaRecord;
use bytes::Bytes;
use std::collections::BTreeMap;

/// What a kept record is about: a later record about the same replaces it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Controller(i32),
    Acl(Uuid),
    ScramCredential(String, i8),
    Quota(Vec<(String, Option<String>)>, String),
    DelegationToken(String),
    ZkMigration,
}

/// Kept records: their values, as they stood in the log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Kept {
    by_subject: BTreeMap<Subject, Bytes>,
    /// Of unknown types, in log order.
    unknown: Vec<Bytes>,
}

impl Kept {
    /// Keeps or forgets. Records that are not for keeping are ignored.
    pub(super) fn apply(&mut self, record: &MetadataRecord) {
        use MetadataRecord as Record;
        match record {
            Record::RegisterController(r) => self.put(Subject::Controller(r.controller_id), record),
            Record::AccessControlEntry(r) => self.put(Subject::Acl(r.id), record),
            Record::RemoveAccessControlEntry(r) => self.remove(&Subject::Acl(r.id)),
            Record::UserScramCredential(r) => {
                self.put(Subject::ScramCredential(r.name.to_string(), r.mechanism), record);
            }
            Record::RemoveUserScramCredential(r) => {
                self.remove(&Subject::ScramCredential(r.name.to_string(), r.mechanism));
            }
            Record::ClientQuota(r) if r.remove => self.remove(&quota(r)),
            Record::ClientQuota(r) => self.put(quota(r), record),
            Record::DelegationToken(r) => self.put(Subject::DelegationToken(r.token_id.to_string()), record),
            Record::RemoveDelegationToken(r) => {
                self.remove(&Subject::DelegationToken(r.token_id.to_string()))
            }
            Record::ZkMigrationState(_) => self.put(Subject::ZkMigration, record),
            // A copy: the record must not pin the batch that it came in.
            Record::Unknown(value) => self.unknown.push(Bytes::copy_from_slice(value)),
            _ => {}
        }
    }

    fn put(&mut self, subject: Subject, record: &MetadataRecord) {
        // What was decoded can be encoded; a record too long for its own length never came from a log.
        if let Ok(value) = record.encode() {
            self.by_subject.insert(subject, value);
        }
    }

    fn remove(&mut self, subject: &Subject) {
        self.by_subject.remove(subject);
    }

    /// The kept records, in an order that makes the same again.
    pub fn records(&self) -> impl Iterator<Item = MetadataRecord> {
        self.by_subject.values().chain(&self.unknown).map(MetadataRecord::decode)
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.by_subject.len() + self.unknown.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn quota(record: &ClientQuotaRecord) -> Subject {
    let part = |of: &crate::wire::records::ClientQuotaRecordEntityData| {
        (of.entity_type.to_string(), of.entity_name.as_ref().map(Str::to_string))
    };
    let mut entity: Vec<_> = record.entity.iter().map(part).collect();
    entity.sort();
    Subject::Quota(entity, record.key.to_string())
}
