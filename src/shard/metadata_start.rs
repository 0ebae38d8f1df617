//! What the metadata log begins with: the newest snapshot beside it, or `bootstrap.checkpoint`.

use super::Shard;
use super::life::ShardError;
use crate::base::ids::LeaderEpoch;
use crate::controller::{bootstrap_records, checkpoint};
use crate::image::{Image, MetadataRecord};
use crate::storage::layout;
use crate::storage::log::Log;

impl Shard {
    /// The image of the newest snapshot that can be read; an empty one without any. Error: the log no longer holds the
    /// records that come after it.
    pub(super) async fn metadata_snapshot(&self, log: &Log) -> Result<Image, ShardError> {
        let (disk, dir) = self.disk_and_dir(self.dirs.metadata_dir);
        let path = dir.path.join(layout::METADATA_DIR);
        let mut names: Vec<String> =
            disk.list(&path).await.unwrap_or_default().into_iter().map(|entry| entry.name).collect();
        while let Some((name, end)) = checkpoint::latest(names.iter().map(String::as_str)) {
            let name = name.to_owned();
            let content = match disk.read(path.join(&name)).await {
                Ok(bytes) => checkpoint::decode(&bytes).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            match content {
                Ok(content) if end >= log.start_offset() && end <= log.next_offset() => {
                    let (cluster_id, last) = (&self.dirs.cluster_id, end.plus(-1));
                    return Ok(Image::from_records(cluster_id, self.node_id(), last, &content));
                }
                Ok(_) => tracing::warn!(name, "passing over a metadata snapshot that does not meet its log"),
                Err(error) => tracing::warn!(name, error, "passing over a metadata snapshot"),
            }
            names.retain(|other| *other != name);
        }
        if log.start_offset().get() > 0 {
            let missing =
                format!("the log begins at {}, and no snapshot holds what came before", log.start_offset());
            return Err(ShardError::Metadata(missing));
        }
        Ok(Image::empty(&self.dirs.cluster_id, self.node_id()))
    }

    /// What a new log begins with: the records of `bootstrap.checkpoint`, which is written where there is none.
    pub(super) async fn bootstrap(&self) -> Result<Vec<MetadataRecord>, ShardError> {
        let (disk, dir) = self.disk_and_dir(self.dirs.metadata_dir);
        let path = dir.path.join(layout::BOOTSTRAP_CHECKPOINT);
        let failed = |error: &dyn std::fmt::Display| {
            ShardError::Metadata(format!("{}: {error}", layout::BOOTSTRAP_CHECKPOINT))
        };
        if disk.exists(&path).await {
            let bytes = disk.read(&path).await.map_err(|error| failed(&error))?;
            return checkpoint::decode(&bytes).map_err(|error| failed(&error));
        }
        let records = bootstrap_records();
        let bytes = checkpoint::encode(self.clock().now_ms(), 0, LeaderEpoch::new(0), &records);
        disk.replace(&path, &bytes.map_err(|error| failed(&error))?).await.map_err(|error| failed(&error))?;
        Ok(records)
    }
}
