//! Cutting the end off, as a follower does that has diverged from its leader.

use super::close::take_files;
use super::open::load_state;
use super::{Log, LogError, LogOptions, Opening};
use crate::base::ids::Offset;
use crate::storage::layout::{self, FileKind};
use crate::storage::scan::{Scan, Step};
use crate::storage::segment::path_of;
use std::io;
use std::path::Path;
use std::rc::Rc;

/// Bytes read at a time while looking for the place of the cut.
const CUT_WINDOW_BYTES: usize = 64 << 10;

impl Log {
    /// Removes every batch that holds `offset` or a later one, and what the producers and the epochs know of them. What was
    /// appended before the call is written first; appends during it are refused. A cut below the log's start is one at
    /// its start. Errors: the disk's; the log is offline then.
    pub async fn truncate_to(self: &Rc<Self>, offset: Offset) -> Result<(), LogError> {
        if offset >= self.next_offset() {
            return Ok(());
        }
        let offset = offset.max(self.start_offset());
        self.close().await?;
        let dir = self.dir();
        self.cut_files(&dir, offset).await.map_err(|e| LogError::io("cut", &dir, &e))?;
        let config = self.state.borrow().config.clone();
        let options = LogOptions {
            disk: self.disk.clone(),
            dir: dir.clone(),
            topic: self.topic.clone(),
            partition: self.partition,
            topic_id: self.topic_id,
            config,
            clock: self.clock.clone(),
            tail_cache: self.tail_cache.clone(),
        };
        // The files were just closed in good order, and their indexes were removed where they no longer fit.
        let opening = Opening { clean: true, recovery_point: offset, log_start_offset: self.start_offset() };
        let mut loaded = load_state(&options, opening).await?;
        loaded.epochs_dirty = true;
        let files = take_files(&mut self.state.borrow_mut().segments);
        *self.state.borrow_mut() = loaded;
        drop(files);
        self.notify();
        Ok(())
    }

    async fn cut_files(&self, dir: &Path, offset: Offset) -> io::Result<()> {
        let base = {
            let state = self.state.borrow();
            let place = state.segment_place(offset).unwrap_or(0);
            state.segments.get(place).map_or(Offset::ZERO, |s| s.base)
        };
        for entry in self.disk.list(dir).await?.into_iter().rev() {
            let Some(name) = layout::parse_segment_file(&entry.name) else { continue };
            let beyond = match name.kind {
                FileKind::Snapshot | FileKind::ProducerWindow => name.base_offset > offset,
                FileKind::Log | FileKind::OffsetIndex | FileKind::TimeIndex | FileKind::TxnIndex => {
                    name.base_offset > base
                }
            };
            if beyond {
                self.disk.remove_file(dir.join(&entry.name)).await?;
            }
        }
        self.cut_segment(dir, base, offset).await?;
        self.disk.sync_dir(dir).await
    }

    async fn cut_segment(&self, dir: &Path, base: Offset, offset: Offset) -> io::Result<()> {
        let path = path_of(dir, base, FileKind::Log);
        let file = self.disk.open_log(&path).await?;
        let mut scan = Scan::new(file.clone(), 0, file.len().await?, CUT_WINDOW_BYTES);
        while let Step::Batch { header, .. } = scan.peek().await? {
            if header.last_offset() >= offset {
                break;
            }
            scan.next().await?;
        }
        file.truncate(scan.position()).await?;
        file.sync_data().await?;
        file.close().await;
        for kind in [FileKind::OffsetIndex, FileKind::TimeIndex] {
            self.disk.remove_file(path_of(dir, base, kind)).await?;
        }
        Ok(())
    }
}
