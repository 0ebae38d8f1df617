//! Begins segments and seals the ones before: what must be durable before the recovery point may pass a segment.

use super::{Log, State};
use crate::base::ids::Offset;
use crate::batch::Header;
use crate::storage::layout::{FileKind, LEADER_EPOCH_CHECKPOINT};
use crate::storage::segment::{FileState, Index, Segment, path_of};
use std::io;
use std::path::Path;
use std::rc::Rc;

/// A segment that takes no more records, with the producers as they were at its end.
pub(super) struct Seal {
    segment: Offset,
    /// The base of the next one.
    next: Offset,
    snapshot: Vec<u8>,
    window: Option<Vec<u8>>,
}

impl State {
    /// Whether the batch must go to a new segment: the size, an index, the age, or the reach of relative offsets.
    pub(super) fn must_roll(&mut self, header: &Header) -> bool {
        let (segment_bytes, index_bytes) = (self.config.segment_bytes, self.config.segment_index_bytes);
        let segment_ms = self.config.segment_ms;
        let last_offset = self.next_offset.plus(i64::from(header.last_offset_delta));
        let segment = self.active();
        if segment.bytes == 0 {
            return false;
        }
        let too_large = segment.bytes + header.total_bytes() as u64 > segment_bytes;
        let too_far = last_offset.get() - segment.base.get() > i64::from(i32::MAX);
        // A first batch without a timestamp tells nothing about the age of its segment.
        let first = segment.first_timestamp.filter(|first| *first >= 0);
        let age_ms = first.map_or(0, |first| header.max_timestamp.saturating_sub(first));
        let index_full = segment.growing().is_some_and(|index| index.is_full(index_bytes));
        too_large || too_far || age_ms > segment_ms || index_full
    }

    /// Begins a segment at the next offset. Its files are made when it is first written; the one before is sealed once
    /// its last byte has been.
    pub(super) fn begin_segment(&mut self) {
        let next = self.next_offset;
        let (snapshot, window) = self.producers.encode();
        let segment = self.active();
        if let Some(index) = segment.growing() {
            index.finish();
        }
        let segment = segment.base;
        self.sealing.push_back(Seal { segment, next, snapshot, window });
        self.appender.end_segment();
        self.segments.push_back(Segment::fresh(next));
    }

    /// The next segment to seal, once all of it is written.
    fn next_seal(&mut self) -> Option<Seal> {
        let end = self.end_offset;
        self.sealing.pop_front_if(|seal| seal.next <= end)
    }
}

impl Log {
    /// Seals what can be sealed, in a task, one segment after the other.
    pub(super) fn schedule_sealing(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        let end = state.end_offset;
        if state.sealing_runs || state.sealing.front().is_none_or(|seal| seal.next > end) {
            return;
        }
        state.sealing_runs = true;
        drop(state);
        let log = self.clone();
        self.tasks.spawn(async move {
            log.seal_all().await;
            log.state.borrow_mut().sealing_runs = false;
        });
    }

    async fn seal_all(self: &Rc<Self>) {
        loop {
            let seal = self.state.borrow_mut().next_seal();
            let Some(seal) = seal else { return };
            if let Err(error) = self.seal(&seal).await {
                self.fail_file("seal", seal.segment, FileKind::Log, &error);
                return;
            }
        }
    }

    async fn seal(self: &Rc<Self>, seal: &Seal) -> io::Result<()> {
        let dir = self.dir();
        self.finish_segment(&dir, seal.segment).await?;
        self.write_snapshot(&dir, seal.next, &seal.snapshot, seal.window.as_deref()).await?;
        self.write_epochs(&dir).await?;
        self.disk.sync_dir(&dir).await?;
        let mut state = self.state.borrow_mut();
        if let Some(segment) = state.segment_mut(seal.segment) {
            segment.dirty = false;
            segment.dir_synced = true;
            segment.index = Index::Sealed(None);
        }
        state.recovery_point = state.recovery_point.max(seal.next);
        state.synced_offset = state.synced_offset.max(seal.next);
        let answered = state.answered();
        drop(state);
        answered.iter().for_each(|waiting| waiting.resolve(None));
        Ok(())
    }

    /// Trims a segment's log to what is in it, syncs it, and writes its indexes.
    pub(super) async fn finish_segment(&self, dir: &Path, base: Offset) -> io::Result<()> {
        let taken = self.state.borrow().segment(base).map(|segment| {
            let indexes = match &segment.index {
                Index::Growing(index) => Some((index.offset_bytes().to_vec(), index.time_bytes().to_vec())),
                Index::Sealed(_) => None,
            };
            (segment.file.get().cloned(), segment.bytes, segment.allocated, indexes)
        });
        let Some((file, bytes, allocated, indexes)) = taken else { return Ok(()) };
        if let Some(file) = &file {
            if allocated != bytes {
                file.truncate(bytes).await?;
            }
            file.sync_data().await?;
        }
        if let Some((offsets, times)) = indexes {
            self.write_synced(&path_of(dir, base, FileKind::OffsetIndex), &offsets).await?;
            self.write_synced(&path_of(dir, base, FileKind::TimeIndex), &times).await?;
        }
        if let Some(segment) = self.state.borrow_mut().segment_mut(base) {
            segment.allocated = bytes;
        }
        Ok(())
    }

    /// Writes a file anew and syncs it. It may be torn by a crash: for files that recovery rebuilds.
    async fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.disk.write_file(path, bytes).await?;
        self.disk.sync_file(path).await
    }

    /// Writes a producer snapshot; its window first, so that a snapshot that exists has its window.
    pub(super) async fn write_snapshot(
        &self,
        dir: &Path,
        offset: Offset,
        snapshot: &[u8],
        window: Option<&[u8]>,
    ) -> io::Result<()> {
        let path = path_of(dir, offset, FileKind::ProducerWindow);
        match window {
            Some(window) => self.write_synced(&path, window).await?,
            None => self.disk.remove_file(&path).await?,
        }
        self.write_synced(&path_of(dir, offset, FileKind::Snapshot), snapshot).await
    }

    /// Writes the leader epochs if they have changed.
    pub(super) async fn write_epochs(&self, dir: &Path) -> io::Result<()> {
        let epochs = {
            let mut state = self.state.borrow_mut();
            if !std::mem::take(&mut state.epochs_dirty) {
                return Ok(());
            }
            state.epochs.encode()
        };
        self.disk.replace(dir.join(LEADER_EPOCH_CHECKPOINT), &epochs).await
    }

    /// Closes the files of sealed segments beyond the few that are kept open.
    pub(super) fn close_unused(&self) {
        let mut state = self.state.borrow_mut();
        let sealed = state.segments.len().saturating_sub(1);
        let open = |s: &Segment| s.file.get().is_some() && matches!(s.index, Index::Sealed(_));
        while state.segments.iter().take(sealed).filter(|s| open(s)).count() > super::OPEN_SEALED_MAX {
            let sealed = state.segments.iter_mut().take(sealed).filter(|s| open(s));
            let Some(oldest) = sealed.min_by_key(|s| s.last_used) else { return };
            oldest.file = FileState::Closed;
            oldest.index = Index::Sealed(None);
        }
    }
}
