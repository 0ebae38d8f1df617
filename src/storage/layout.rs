//! Every path, file name and suffix of a data directory, as Kafka names them. Source: a data directory of Kafka 4.3.1.
//!
//! ```text
//! <log dir>/meta.properties  .lock  .kafka_cleanshutdown  bootstrap.checkpoint
//!           recovery-point-offset-checkpoint  replication-offset-checkpoint  log-start-offset-checkpoint
//!           cleaner-offset-checkpoint
//!           <topic>-<n>/partition.metadata  leader-epoch-checkpoint
//!                       <base, 20 digits>.log .index .timeindex .txnindex .snapshot .producer-window (ours)
//!           <topic>-<n>.<32 hex>-delete  -stray  -future
//! ```

use crate::base::ids::{Offset, PartitionIndex, Uuid};

/// The directory's identity, beside the partitions.
pub const META_PROPERTIES: &str = "meta.properties";
/// Locked for as long as a broker runs on the directory.
pub const LOCK: &str = ".lock";
/// Present only after a clean stop.
pub const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
/// The first records of the metadata log, from `format`.
pub const BOOTSTRAP_CHECKPOINT: &str = "bootstrap.checkpoint";
/// Up to where each partition's log is known to be on the device.
pub const RECOVERY_POINT_CHECKPOINT: &str = "recovery-point-offset-checkpoint";
/// High watermarks.
pub const REPLICATION_CHECKPOINT: &str = "replication-offset-checkpoint";
/// Log starts that lie above the first segment's base.
pub const LOG_START_CHECKPOINT: &str = "log-start-offset-checkpoint";
/// Up to where each compacted partition was cleaned.
pub const CLEANER_CHECKPOINT: &str = "cleaner-offset-checkpoint";
/// The topic id of a partition directory.
pub const PARTITION_METADATA: &str = "partition.metadata";
/// The leader epochs of a partition and where they begin.
pub const LEADER_EPOCH_CHECKPOINT: &str = "leader-epoch-checkpoint";
/// The metadata log's directory.
pub const METADATA_DIR: &str = "__cluster_metadata-0";
/// The longest file name that the file systems of Linux take, in bytes.
pub const FILE_NAME_BYTES_MAX: usize = 255;

/// What a file of a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// Record batches.
    Log,
    /// Offset to position, sparse.
    OffsetIndex,
    /// Timestamp to offset, sparse.
    TimeIndex,
    /// Aborted transactions.
    TxnIndex,
    /// Producer state before the offset that names the file.
    Snapshot,
    /// The older batches of the producers' windows: ours, Kafka ignores it.
    ProducerWindow,
}

impl FileKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Log, Self::OffsetIndex, Self::TimeIndex, Self::TxnIndex, Self::Snapshot, Self::ProducerWindow];

    /// The suffix with its dot.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Log => ".log",
            Self::OffsetIndex => ".index",
            Self::TimeIndex => ".timeindex",
            Self::TxnIndex => ".txnindex",
            Self::Snapshot => ".snapshot",
            Self::ProducerWindow => ".producer-window",
        }
    }
}

/// What a file of a segment is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilePhase {
    /// In use.
    Plain,
    /// Its segment was replaced or retired: to be removed.
    Deleted,
    /// A compaction's unfinished output: to be removed.
    Cleaned,
    /// A compaction's finished output: to be renamed to its plain name.
    Swap,
}

/// A segment file's name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentFileName {
    /// The segment's first offset, or the snapshot's.
    pub base_offset: Offset,
    /// Which of the segment's files.
    pub kind: FileKind,
    /// In use or on its way.
    pub phase: FilePhase,
}

/// The name of a segment's file: 20 digits and the suffix.
pub fn segment_file_name(base_offset: Offset, kind: FileKind) -> String {
    format!("{:020}{}", base_offset.get(), kind.suffix())
}

/// Takes a file name apart; `None` if it belongs to no segment.
pub fn parse_segment_file(name: &str) -> Option<SegmentFileName> {
    let (name, phase) =
        [(".deleted", FilePhase::Deleted), (".cleaned", FilePhase::Cleaned), (".swap", FilePhase::Swap)]
            .into_iter()
            .find_map(|(suffix, phase)| name.strip_suffix(suffix).map(|rest| (rest, phase)))
            .unwrap_or((name, FilePhase::Plain));
    let (digits, _) = name.split_once('.')?;
    let suffix = name.strip_prefix(digits)?;
    let kind = FileKind::ALL.into_iter().find(|kind| kind.suffix() == suffix)?;
    if digits.len() != 20 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let base_offset = Offset::new(digits.parse().ok()?);
    Some(SegmentFileName { base_offset, kind, phase })
}

/// The state of a partition's directory, told by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirPhase {
    /// In use.
    Plain,
    /// Deleted, its files still to be removed.
    Delete,
    /// Of a topic that the metadata does not know.
    Stray,
    /// A replica on its way to this log directory.
    Future,
}

impl DirPhase {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Delete => "-delete",
            Self::Stray => "-stray",
            Self::Future => "-future",
        }
    }
}

/// A partition directory's name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionDirName {
    /// The topic; cut short in a long `-delete` or `-stray` name.
    pub topic: String,
    /// The partition.
    pub partition: PartitionIndex,
    /// In use or on its way.
    pub phase: DirPhase,
}

/// The directory of a partition in use: `<topic>-<n>`.
pub fn partition_dir_name(topic: &str, partition: PartitionIndex) -> String {
    format!("{topic}-{partition}")
}

/// The directory of a partition on its way out or in: `<topic>-<n>.<32 hex><suffix>`, the topic cut to fit 255 bytes.
/// `unique` tells the deletions of one name apart. In use (`Plain`), it has no part in the name.
pub fn partition_dir_name_in(
    topic: &str,
    partition: PartitionIndex,
    unique: Uuid,
    phase: DirPhase,
) -> String {
    if phase == DirPhase::Plain {
        return partition_dir_name(topic, partition);
    }
    let hex = u128::from_be_bytes(unique.get());
    let tail = format!("-{partition}.{hex:032x}{}", phase.suffix());
    let room = FILE_NAME_BYTES_MAX - tail.len();
    let topic = topic.get(..topic.len().min(room)).unwrap_or(topic); // legal topic names are ASCII
    format!("{topic}{tail}")
}

/// Takes a directory name apart; `None` if it is no partition's (Kafka refuses to start on such a directory).
pub fn parse_partition_dir(name: &str) -> Option<PartitionDirName> {
    for phase in [DirPhase::Delete, DirPhase::Stray, DirPhase::Future] {
        if let Some(rest) = name.strip_suffix(phase.suffix()) {
            let (rest, hex) = rest.rsplit_once('.')?;
            if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            return parse_plain(rest, phase);
        }
    }
    parse_plain(name, DirPhase::Plain)
}

fn parse_plain(name: &str, phase: DirPhase) -> Option<PartitionDirName> {
    let (topic, partition) = name.rsplit_once('-')?;
    if topic.is_empty() || partition.is_empty() || !partition.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let partition = PartitionIndex::new(partition.parse().ok()?);
    Some(PartitionDirName { topic: topic.to_owned(), partition, phase })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_names_round_trip() {
        for base in [0, 7, 12_345, i64::MAX] {
            for kind in FileKind::ALL {
                let name = segment_file_name(Offset::new(base), kind);
                let parsed = parse_segment_file(&name).unwrap();
                assert_eq!((parsed.base_offset.get(), parsed.kind), (base, kind));
                assert_eq!(parsed.phase, FilePhase::Plain);
                let parsed = parse_segment_file(&format!("{name}.swap")).unwrap();
                assert_eq!(parsed.phase, FilePhase::Swap);
            }
        }
        assert_eq!(segment_file_name(Offset::new(42), FileKind::Log), "00000000000000000042.log");
    }

    #[test]
    fn what_is_no_segment_file() {
        for name in
            ["1.log", "leader-epoch-checkpoint", "0000000000000000000a.log", "99999999999999999999.log", ""]
        {
            assert_eq!(parse_segment_file(name), None, "{name}");
        }
        let deleted = parse_segment_file("00000000000000000000.timeindex.deleted").unwrap();
        assert_eq!((deleted.kind, deleted.phase), (FileKind::TimeIndex, FilePhase::Deleted));
    }

    #[test]
    fn directory_names() {
        let parsed = parse_partition_dir("my-topic-12").unwrap();
        assert_eq!((parsed.topic.as_str(), parsed.partition.get()), ("my-topic", 12));
        assert_eq!(parsed.phase, DirPhase::Plain);
        for name in ["lost+found", "t", "t-", "-1", "t-x", "t-0.abc-delete"] {
            assert_eq!(parse_partition_dir(name), None, "{name}");
        }
    }

    #[test]
    fn a_long_topic_is_cut_when_deleted() {
        let topic = "t".repeat(249);
        let unique = Uuid::from_u128(0xab);
        let name = partition_dir_name_in(&topic, PartitionIndex::new(3), unique, DirPhase::Delete);
        assert_eq!(name.len(), FILE_NAME_BYTES_MAX);
        assert!(name.ends_with("-3.000000000000000000000000000000ab-delete"));
        assert_eq!(parse_partition_dir(&name).unwrap().phase, DirPhase::Delete);
        let short = partition_dir_name_in("t", PartitionIndex::new(0), unique, DirPhase::Stray);
        assert_eq!(short, "t-0.000000000000000000000000000000ab-stray");
    }
}
