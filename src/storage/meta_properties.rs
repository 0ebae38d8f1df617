//! `meta.properties`: to which cluster and node a log directory belongs.
//!
//! Layout: Java properties; two comment lines (`#` and `#<date>`), then `version=1`, `cluster.id`, `node.id` and
//! `directory.id` in any order. Crash policy: authoritative, written once, when the directory is new; Kafka refuses to
//! start without it. Source: files of Kafka 4.3.1.

use super::checkpoint::invalid;
use super::layout::META_PROPERTIES;
use crate::base::ids::{BrokerId, Uuid};
use crate::rt::disk::Disk;
use std::io;
use std::path::Path;

/// The identity of a log directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// The cluster, 22 characters of base64url in Kafka's own; any text is accepted.
    pub cluster_id: String,
    /// The broker.
    pub node_id: BrokerId,
    /// This directory among the broker's; absent in files of Kafka before 3.7.
    pub directory_id: Option<Uuid>,
}

/// Why a `meta.properties` was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaPropertiesError {
    /// A version other than 1 (0 is ZooKeeper's).
    #[error("version {0:?} is not supported, only 1 is")]
    Version(String),
    /// A key that must be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value of the wrong form.
    #[error("{key} has the malformed value {value:?}")]
    Malformed {
        /// The key.
        key: &'static str,
        /// As found.
        value: String,
    },
}

/// Writes the file's bytes. The date that Kafka puts into the second comment line is left out.
pub fn encode(meta: &MetaProperties) -> Vec<u8> {
    let mut text = String::from("#\n");
    text.push_str(&format!("node.id={}\n", meta.node_id));
    if let Some(id) = meta.directory_id {
        text.push_str(&format!("directory.id={id}\n"));
    }
    text.push_str("version=1\n");
    text.push_str(&format!("cluster.id={}\n", escape(&meta.cluster_id)));
    text.into_bytes()
}

/// Reads the file's bytes.
pub fn decode(bytes: &[u8]) -> Result<MetaProperties, MetaPropertiesError> {
    let text = String::from_utf8_lossy(bytes);
    let value = |key: &'static str| {
        text.lines()
            .map(str::trim)
            .filter(|line| !line.starts_with(['#', '!']))
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| name.trim() == key)
            .map(|(_, value)| value.trim().replace('\\', ""))
    };
    let version = value("version").ok_or(MetaPropertiesError::Missing("version"))?;
    if version != "1" {
        return Err(MetaPropertiesError::Version(version));
    }
    let node = value("node.id").ok_or(MetaPropertiesError::Missing("node.id"))?;
    let node_id = node.parse().map_err(|_| MetaPropertiesError::Malformed { key: "node.id", value: node })?;
    let directory_id = match value("directory.id") {
        None => None,
        Some(text) => match text.parse() {
            Ok(id) => Some(id),
            Err(_) => return Err(MetaPropertiesError::Malformed { key: "directory.id", value: text }),
        },
    };
    let cluster_id = value("cluster.id").ok_or(MetaPropertiesError::Missing("cluster.id"))?;
    Ok(MetaProperties { cluster_id, node_id: BrokerId::new(node_id), directory_id })
}

/// Java's escapes within a value.
fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '=' | ':' | '#' | '!' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The identity of a log directory; `None` if it has none yet. Errors: the disk's, `InvalidData` if damaged.
pub async fn read(disk: &Disk, log_dir: &Path) -> io::Result<Option<MetaProperties>> {
    let path = log_dir.join(META_PROPERTIES);
    match disk.read(&path).await {
        Ok(bytes) => decode(&bytes).map(Some).map_err(|e| invalid(&path, &e)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Writes the identity durably. Errors: the disk's.
pub async fn write(disk: &Disk, log_dir: &Path, meta: &MetaProperties) -> io::Result<()> {
    disk.replace(&log_dir.join(META_PROPERTIES), &encode(meta)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_kafkas() {
        let meta = decode(include_bytes!("../../tests/golden/storage/meta.properties")).unwrap();
        assert_eq!(meta.node_id.get(), 1);
        assert_eq!(meta.cluster_id, "UmluZ3dvb2RGaXh0dXJlcw");
        assert!(meta.directory_id.is_some());
        assert_eq!(decode(&encode(&meta)), Ok(meta));
    }

    #[test]
    fn round_trips_odd_values() {
        let meta = MetaProperties {
            cluster_id: "a=b:c".to_owned(),
            node_id: BrokerId::new(i32::MAX),
            directory_id: None,
        };
        assert_eq!(decode(&encode(&meta)), Ok(meta));
    }

    #[test]
    fn refuses_damage() {
        assert_eq!(decode(b""), Err(MetaPropertiesError::Missing("version")));
        assert_eq!(decode(b"version=0\n"), Err(MetaPropertiesError::Version("0".into())));
        assert!(matches!(decode(b"version=1\nnode.id=x\n"), Err(MetaPropertiesError::Malformed { .. })));
        assert_eq!(decode(b"version=1\nnode.id=1\n"), Err(MetaPropertiesError::Missing("cluster.id")));
    }
}
