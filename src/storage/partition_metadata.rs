//! `partition.metadata`: which topic a partition directory belongs to.
//!
//! Layout: text. `version: 0\ntopic_id: <22 characters of base64url>`, without a final newline.
//! Crash policy: authoritative and durable before the first data. A Kafka that misses it takes the partition for a
//! stray and starts an empty one. Source: files of Kafka 4.3.1.

use super::checkpoint::invalid;
use super::layout::PARTITION_METADATA;
use crate::base::ids::TopicId;
use crate::rt::disk::Disk;
use std::io;
use std::path::Path;

/// Why a `partition.metadata` was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartitionMetadataError {
    /// No `version: 0` on the first line.
    #[error("no known version in {0:?}")]
    Version(String),
    /// No topic id, or one that is zero.
    #[error("no topic id in {0:?}")]
    TopicId(String),
}

/// Writes the file's bytes.
pub fn encode(topic_id: TopicId) -> Vec<u8> {
    format!("version: 0\ntopic_id: {topic_id}").into_bytes()
}

/// Reads the file's bytes.
pub fn decode(bytes: &[u8]) -> Result<TopicId, PartitionMetadataError> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    if lines.next().and_then(|line| line.strip_prefix("version:")).map(str::trim) != Some("0") {
        return Err(PartitionMetadataError::Version(text.into_owned()));
    }
    let id =
        lines.next().and_then(|line| line.strip_prefix("topic_id:")).and_then(|id| id.trim().parse().ok());
    id.filter(|id: &TopicId| !id.is_zero()).ok_or_else(|| PartitionMetadataError::TopicId(text.into_owned()))
}

/// The topic id of a partition's directory; `None` without the file. Errors: the disk's, `InvalidData` if damaged.
pub async fn read(disk: &Disk, dir: &Path) -> io::Result<Option<TopicId>> {
    let path = dir.join(PARTITION_METADATA);
    match disk.read(&path).await {
        Ok(bytes) => decode(&bytes).map(Some).map_err(|e| invalid(&path, &e)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Writes the file durably. Errors: the disk's.
pub async fn write(disk: &Disk, dir: &Path, topic_id: TopicId) -> io::Result<()> {
    disk.replace(&dir.join(PARTITION_METADATA), &encode(topic_id)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::Uuid;

    #[test]
    fn kafkas_bytes() {
        let golden = include_bytes!("../../tests/golden/storage/txn-0/partition.metadata");
        let id = decode(golden).unwrap();
        assert_eq!(encode(id), golden);
    }

    #[test]
    fn refuses_damage() {
        assert!(matches!(decode(b"version: 1\ntopic_id: x"), Err(PartitionMetadataError::Version(_))));
        assert!(matches!(decode(b"version: 0\ntopic_id: x"), Err(PartitionMetadataError::TopicId(_))));
        assert!(decode(&encode(Uuid::ZERO)).is_err());
        assert!(decode(b"").is_err());
        assert!(decode(&[0xff, 0xfe]).is_err());
    }
}
