//! The data directories, before any shard starts: locked, known to belong to this node, and read for how the last run
//! ended.

use std::io;
use std::path::{Path, PathBuf};

use crate::base::ids::{BrokerId, Uuid};
use crate::base::random::Random;
use crate::config::broker::BrokerConfig;
use crate::rt::disk::FileLock;
use crate::rt::disk::files;
use crate::storage::checkpoint::{self, CheckpointError, Offsets};
use crate::storage::layout;
use crate::storage::meta_properties::{self, MetaProperties, MetaPropertiesError};

/// One of `log.dirs`.
pub struct LogDir {
    /// Where it is.
    pub path: PathBuf,
    /// Its own id, told to the controller.
    pub directory_id: Uuid,
    /// Whether the last run flushed everything before it ended.
    pub clean: bool,
    /// Up to where each log is known to be on the disk.
    pub recovery_points: Offsets,
    /// First offsets that lie above their first segment.
    pub log_starts: Offsets,
    _lock: FileLock,
}

/// All of `log.dirs`.
pub struct DataDirs {
    /// The cluster that they belong to.
    pub cluster_id: String,
    /// The node that they belong to.
    pub node_id: BrokerId,
    /// In the order of the configuration; never empty.
    pub dirs: Vec<LogDir>,
    /// The place of the one that holds `__cluster_metadata-0`.
    pub metadata_dir: usize,
    /// Whether there was no `meta.properties` anywhere: a new cluster.
    pub is_new: bool,
}

/// Why the data directories cannot be used; one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Reading or writing failed.
    #[error("{}: {action}: {error}; check that the directory is there and that this user may write to it", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// Another process holds the lock.
    #[error("{}: another broker uses this directory; stop it, or set log.dirs to another one", .0.display())]
    Locked(PathBuf),
    /// `meta.properties` is damaged.
    #[error("{}: {error}", path.display())]
    Meta {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: MetaPropertiesError,
    },
    /// A checkpoint file is damaged.
    #[error("{}: {error}; remove the file to recover from the logs instead", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: CheckpointError,
    },
    /// Partitions without `meta.properties`.
    #[error("{}: holds partitions but no meta.properties; restore that file, or set log.dirs to an empty directory", .0.display())]
    NoMeta(PathBuf),
    /// Two directories of different clusters or nodes.
    #[error("{}: belongs to {found}, but {other} belongs to {wanted}; log.dirs must name directories of one broker", path.display())]
    Mixed {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        found: String,
        /// The first directory.
        other: String,
        /// That one's owner.
        wanted: String,
    },
    /// Another node's directory.
    #[error("{}: belongs to node {found}, but node.id is {wanted}; set node.id={found}, or set log.dirs to another directory", path.display())]
    OtherNode {
        /// The directory.
        path: PathBuf,
        /// Its `node.id`.
        found: BrokerId,
        /// Ours.
        wanted: BrokerId,
    },
}

/// Locks and reads all of `log.dirs`; makes those that are new. The clean-shutdown markers are gone when this returns: a
/// crash from here on is a crash.
pub fn open(config: &BrokerConfig, random: &mut Random) -> Result<DataDirs, DataDirError> {
    let mut found = Vec::with_capacity(config.log_dirs.len());
    for path in &config.log_dirs {
        found.push((path.clone(), lock(path)?, read_meta(path)?));
    }
    let owner = owner(config, &found)?;
    let is_new = owner.is_none();
    let (cluster_id, node_id) = owner.unwrap_or_else(|| (random.uuid().to_string(), config.node_id));
    let mut dirs = Vec::with_capacity(found.len());
    for (path, lock, meta) in found {
        dirs.push(open_dir(path, lock, meta, &cluster_id, node_id, random)?);
    }
    let wanted = config.metadata_log_dir.as_deref();
    let metadata_dir = dirs.iter().position(|dir| Some(dir.path.as_path()) == wanted).unwrap_or(0);
    Ok(DataDirs { cluster_id, node_id, dirs, metadata_dir, is_new })
}

fn lock(path: &Path) -> Result<FileLock, DataDirError> {
    files::create_dir(path).map_err(|error| failed(path, "cannot make the directory", error))?;
    let lock = path.join(layout::LOCK);
    files::lock_file(&lock).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => DataDirError::Locked(path.to_owned()),
        _ => failed(&lock, "cannot lock", error),
    })
}

fn read_meta(path: &Path) -> Result<Option<MetaProperties>, DataDirError> {
    let file = path.join(layout::META_PROPERTIES);
    if files::exists(&file) {
        let bytes = files::read(&file).map_err(|error| failed(&file, "cannot read", error))?;
        let meta = meta_properties::decode(&bytes);
        return meta.map(Some).map_err(|error| DataDirError::Meta { path: file, error });
    }
    let entries = files::list(path).map_err(|error| failed(path, "cannot list", error))?;
    let partition = |entry: &files::Entry| entry.is_dir && layout::parse_partition_dir(&entry.name).is_some();
    if entries.iter().any(partition) {
        return Err(DataDirError::NoMeta(path.to_owned()));
    }
    Ok(None)
}

type Found = (PathBuf, FileLock, Option<MetaProperties>);

/// The one cluster and node that all directories with a `meta.properties` belong to.
fn owner(config: &BrokerConfig, found: &[Found]) -> Result<Option<(String, BrokerId)>, DataDirError> {
    let mut known = found.iter().filter_map(|(path, _, meta)| Some((path, meta.as_ref()?)));
    let Some((first_path, first)) = known.next() else {
        return Ok(None);
    };
    let name = |meta: &MetaProperties| format!("node {} of cluster {}", meta.node_id, meta.cluster_id);
    for (path, meta) in known {
        if (&meta.cluster_id, meta.node_id) != (&first.cluster_id, first.node_id) {
            let (found, wanted) = (name(meta), name(first));
            return Err(DataDirError::Mixed {
                path: path.clone(),
                found,
                other: first_path.display().to_string(),
                wanted,
            });
        }
    }
    if config.node_id_is_written && first.node_id != config.node_id {
        let (found, wanted) = (first.node_id, config.node_id);
        return Err(DataDirError::OtherNode { path: first_path.clone(), found, wanted });
    }
    Ok(Some((first.cluster_id.clone(), first.node_id)))
}

fn open_dir(
    path: PathBuf,
    lock: FileLock,
    meta: Option<MetaProperties>,
    cluster_id: &str,
    node_id: BrokerId,
    random: &mut Random,
) -> Result<LogDir, DataDirError> {
    let directory_id = match meta.as_ref().and_then(|meta| meta.directory_id) {
        Some(id) => id,
        None => {
            let directory_id = random.uuid();
            let meta = MetaProperties {
                cluster_id: cluster_id.to_owned(),
                node_id,
                directory_id: Some(directory_id),
            };
            let file = path.join(layout::META_PROPERTIES);
            let written = files::replace(&file, &meta_properties::encode(&meta));
            written.map_err(|error| failed(&file, "cannot write", error))?;
            directory_id
        }
    };
    let marker = path.join(layout::CLEAN_SHUTDOWN);
    let clean = meta.is_none() || files::exists(&marker);
    if files::exists(&marker) {
        let removed = files::remove_file(&marker).and_then(|()| files::sync_dir(&path));
        removed.map_err(|error| failed(&marker, "cannot remove", error))?;
    }
    let recovery_points = read_checkpoint(&path.join(layout::RECOVERY_POINT_CHECKPOINT))?;
    let log_starts = read_checkpoint(&path.join(layout::LOG_START_CHECKPOINT))?;
    Ok(LogDir { path, directory_id, clean, recovery_points, log_starts, _lock: lock })
}

fn read_checkpoint(file: &Path) -> Result<Offsets, DataDirError> {
    if !files::exists(file) {
        return Ok(Offsets::new());
    }
    let bytes = files::read(file).map_err(|error| failed(file, "cannot read", error))?;
    checkpoint::decode(&bytes).map_err(|error| DataDirError::Checkpoint { path: file.to_owned(), error })
}

fn failed(path: &Path, action: &'static str, error: io::Error) -> DataDirError {
    DataDirError::Io { path: path.to_owned(), action, error }
}
