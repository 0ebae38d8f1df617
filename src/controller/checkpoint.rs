//! Snapshots of the metadata log: `bootstrap.checkpoint` and `<end offset>-<epoch>.checkpoint`.
//!
//! Layout: record batches with offsets of their own, from 0: a control batch with SnapshotHeader, batches of records, a
//! control batch with SnapshotFooter. Crash policy: authoritative, written beside and renamed; a file without its footer
//! is none. Source: files of Apache Kafka 4.3.1.

use crate::base::ids::{LeaderEpoch, Offset};
use crate::batch::{
    BatchBuilder, BatchError, BatchOptions, ControlType, batches, control_batch, control_type, records,
};
use crate::image::MetadataRecord;
use crate::wire::records::{SnapshotFooterRecord, SnapshotHeaderRecord};
use crate::wire::{EncodeError, encode_to_bytes};
use bytes::Bytes;

/// A batch of a snapshot is closed when it has grown over this size; Kafka reads batches up to 8 MiB.
const BATCH_BYTES: usize = 1 << 20;

/// Why bytes are no snapshot, or records make none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// A batch cannot be read.
    #[error("a batch of the snapshot cannot be read: {0}")]
    Batch(#[from] BatchError),
    /// A record is longer than a length field can say.
    #[error(transparent)]
    Record(#[from] EncodeError),
    /// It does not begin as a snapshot does.
    #[error("the snapshot has no header")]
    NoHeader,
    /// It does not end as a snapshot does: its writer was killed.
    #[error("the snapshot has no footer")]
    NoFooter,
}

/// The name of a snapshot that holds everything before `end` and whose last record has `epoch`.
pub fn checkpoint_name(end: Offset, epoch: LeaderEpoch) -> String {
    format!("{:020}-{:010}.checkpoint", end.get(), epoch.get())
}

/// The end offset and epoch in a snapshot's name. None: another file.
pub fn parse_checkpoint_name(name: &str) -> Option<(Offset, LeaderEpoch)> {
    let (end, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(end, 20) || !digits(epoch, 10) {
        return None;
    }
    Some((Offset::new(end.parse().ok()?), LeaderEpoch::new(epoch.parse().ok()?)))
}

/// The newest snapshot among the files of the metadata log's directory: its name, and its end offset.
pub fn latest<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<(&'n str, Offset)> {
    let snapshots =
        names.into_iter().filter_map(|name| parse_checkpoint_name(name).map(|place| (place, name)));
    snapshots.max().map(|((end, _), name)| (name, end))
}

/// A snapshot's bytes. `last_timestamp_ms` is that of the last log record in it, 0 for `bootstrap.checkpoint`; `epoch`
/// likewise. Errors: a record too long to be encoded (none that came from a log).
pub fn encode(
    now_ms: i64,
    last_timestamp_ms: i64,
    epoch: LeaderEpoch,
    content: &[MetadataRecord],
) -> Result<Vec<u8>, CheckpointError> {
    let at = |offset: i64| {
        let base_offset = Offset::new(offset);
        BatchOptions { base_offset, leader_epoch: epoch, ..BatchOptions::default() }
    };
    let header = SnapshotHeaderRecord { version: 0, last_contained_log_timestamp: last_timestamp_ms };
    let header = encode_to_bytes(&header, 0).unwrap_or_default();
    let mut out = control_batch(at(0), now_ms, ControlType::SnapshotHeader, &header)?;
    let mut next = 1;
    let mut batch = BatchBuilder::new(at(next));
    for record in content {
        if batch.bytes() > BATCH_BYTES {
            let full = std::mem::replace(&mut batch, BatchBuilder::new(at(next)));
            out.extend(full.finish()?);
        }
        let value = record.encode()?;
        batch.append(now_ms, None, Some(&value), &[]);
        next += 1;
    }
    if !batch.is_empty() {
        out.extend(batch.finish()?);
    }
    let footer = encode_to_bytes(&SnapshotFooterRecord { version: 0 }, 0).unwrap_or_default();
    out.extend(control_batch(at(next), now_ms, ControlType::SnapshotFooter, &footer)?);
    Ok(out)
}

/// The records of a snapshot. Control records between header and footer (voters) are passed over.
/// Errors: as the enum; checksums are verified.
pub fn decode(bytes: &[u8]) -> Result<Vec<MetadataRecord>, CheckpointError> {
    let mut content = Vec::new();
    let (mut begun, mut ended) = (false, false);
    for batch in batches(bytes) {
        let batch = batch?;
        batch.check_crc()?;
        for record in &records(&batch)? {
            let record = record?;
            let control = record.key.filter(|_| batch.is_control()).and_then(control_type);
            begun |= control == Some(ControlType::SnapshotHeader);
            if !begun {
                return Err(CheckpointError::NoHeader);
            }
            ended = control == Some(ControlType::SnapshotFooter);
            if !batch.is_control() {
                let value = Bytes::copy_from_slice(record.value.unwrap_or_default());
                content.push(MetadataRecord::decode(&value));
            }
        }
    }
    match (begun, ended) {
        (false, _) => Err(CheckpointError::NoHeader),
        (true, false) => Err(CheckpointError::NoFooter),
        (true, true) => Ok(content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::records::TopicRecord;

    #[test]
    fn kafkas_bootstrap_is_read_and_written() {
        let golden = include_bytes!("../../tests/golden/metadata/bootstrap.checkpoint");
        let content = decode(golden).unwrap();
        assert_eq!(content.len(), 6);
        let parts = |bytes: &[u8]| -> Vec<Vec<u8>> {
            batches(bytes).map(|batch| batch.unwrap().bytes().to_vec()).collect()
        };
        let theirs = parts(golden);
        assert_eq!(theirs.len(), 3);
        for (place, batch) in theirs.iter().enumerate() {
            // Kafka stamps each batch by itself.
            let now_ms = crate::batch::BatchView::parse(batch).unwrap().max_timestamp;
            let ours = encode(now_ms, 0, LeaderEpoch::new(0), &content).unwrap();
            assert_eq!(parts(&ours)[place], *batch);
        }
    }

    #[test]
    fn a_large_snapshot_has_several_batches() {
        let topic = |n: i32| {
            let topic_id = crate::base::ids::Uuid::from_u128(n as u128);
            MetadataRecord::from(TopicRecord { name: format!("topic-{n}").into(), topic_id })
        };
        let content: Vec<_> = (0..50_000).map(topic).collect();
        let bytes = encode(5, 4, LeaderEpoch::new(3), &content).unwrap();
        assert!(batches(&bytes).count() > 3);
        assert_eq!(decode(&bytes).unwrap(), content);
        let last = batches(&bytes).last().unwrap().unwrap();
        assert_eq!((last.base_offset(), last.leader_epoch()), (Offset::new(50_001), LeaderEpoch::new(3)));
    }

    #[test]
    fn what_is_cut_or_damaged_is_refused() {
        let content = super::super::features::bootstrap_records();
        let bytes = encode(5, 0, LeaderEpoch::new(0), &content).unwrap();
        assert_eq!(decode(&bytes), Ok(content));
        assert_eq!(decode(b""), Err(CheckpointError::NoHeader));
        assert_eq!(decode(&bytes[..bytes.len() - 1]), Err(CheckpointError::NoFooter));
        let after_header = batches(&bytes).next().unwrap().unwrap().bytes().len();
        assert_eq!(decode(&bytes[after_header..]), Err(CheckpointError::NoHeader));
        for place in 17..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            let _ = decode(&damaged);
        }
        let mut damaged = bytes.clone();
        damaged[after_header + 70] ^= 1;
        assert!(matches!(decode(&damaged), Err(CheckpointError::Batch(_))));
    }

    #[test]
    fn names() {
        let name = checkpoint_name(Offset::new(125), LeaderEpoch::new(3));
        assert_eq!(name, "00000000000000000125-0000000003.checkpoint");
        assert_eq!(parse_checkpoint_name(&name), Some((Offset::new(125), LeaderEpoch::new(3))));
        for other in
            ["bootstrap.checkpoint", "1-2.checkpoint", "0000000000000000012-50000000003.checkpoint", ""]
        {
            assert_eq!(parse_checkpoint_name(other), None, "{other}");
        }
        let older = checkpoint_name(Offset::new(99), LeaderEpoch::new(3));
        let files = [older.as_str(), "quorum-state", name.as_str(), "00000000000000000000.log"];
        assert_eq!(latest(files), Some((name.as_str(), Offset::new(125))));
        assert_eq!(latest(["quorum-state"]), None);
    }
}
