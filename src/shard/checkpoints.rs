//! The checkpoint files of the data directories: written by shard 0 from what all shards report, when something changed.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use super::Shard;
use crate::base::ids::{Offset, PartitionIndex};
use crate::rt::disk::files;
use crate::rt::run_blocking;
use crate::storage::checkpoint::{self, Offsets};
use crate::storage::layout;

/// What one partition has to say.
#[derive(Debug, Clone)]
struct Report {
    dir: usize,
    topic: String,
    index: PartitionIndex,
    recovery_point: Offset,
    high_watermark: Offset,
    /// Only if it lies above the first segment.
    log_start: Option<Offset>,
}

/// The three files of one data directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    recovery_points: Offsets,
    high_watermarks: Offsets,
    log_starts: Offsets,
}

/// What was written last, per data directory.
#[derive(Default)]
pub struct Checkpoints(RefCell<Vec<Checkpoint>>);

impl Shard {
    /// Writes the checkpoint files that have changed since they were last written. Errors: the disk's; the files are
    /// whole in any case, old or new.
    pub async fn write_checkpoints(self: &Rc<Self>) -> io::Result<()> {
        let reports = self.on_all(|shard| async move { shard.reports() }).await;
        let mut current = vec![Checkpoint::default(); self.dirs.dirs.len()];
        for report in reports.into_iter().flatten() {
            let Some(checkpoint) = current.get_mut(report.dir) else {
                continue;
            };
            let key = (report.topic, report.index);
            checkpoint.recovery_points.insert(key.clone(), report.recovery_point);
            if let Some(log_start) = report.log_start {
                checkpoint.log_starts.insert(key.clone(), log_start);
            }
            checkpoint.high_watermarks.insert(key, report.high_watermark);
        }
        let last = std::mem::replace(&mut *self.checkpoints.0.borrow_mut(), current.clone());
        for (place, checkpoint) in current.into_iter().enumerate() {
            let before = last.get(place).cloned().unwrap_or_default();
            if let Some(dir) = self.data_dir(place)
                && (checkpoint != before || last.is_empty())
            {
                run_blocking(move || write(&dir, &checkpoint)).await?;
            }
        }
        Ok(())
    }

    fn reports(&self) -> Vec<Report> {
        let report = |partition: Rc<crate::partition::Partition>| {
            let log = partition.log();
            let dir = log.dir();
            let dir = self.dirs.dirs.iter().position(|known| dir.starts_with(&known.path))?;
            Some(Report {
                dir,
                topic: log.topic().to_owned(),
                index: log.partition(),
                recovery_point: log.recovery_point(),
                high_watermark: partition.high_watermark(),
                log_start: Some(log.start_offset()).filter(|start| *start > log.first_segment_offset()),
            })
        };
        self.partitions.all().into_iter().filter_map(report).collect()
    }
}

fn write(dir: &std::path::Path, checkpoint: &Checkpoint) -> io::Result<()> {
    let files_of = [
        (layout::RECOVERY_POINT_CHECKPOINT, &checkpoint.recovery_points),
        (layout::REPLICATION_CHECKPOINT, &checkpoint.high_watermarks),
        (layout::LOG_START_CHECKPOINT, &checkpoint.log_starts),
    ];
    for (name, offsets) in files_of {
        files::replace(&dir.join(name), &checkpoint::encode(offsets))?;
    }
    Ok(())
}
