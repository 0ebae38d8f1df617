//! Performs the writes that the appender plans, in tasks of their own.

use super::{Failure, Log, State};
use crate::base::ids::Offset;
use crate::base::planted;
use crate::rt;
use crate::rt::disk::{DiskMode, LogFile};
use crate::storage::appender::{Write, Written};
use crate::storage::layout::FileKind;
use crate::storage::segment::{FileState, path_of};
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// What a turn of the pump starts.
enum Work {
    Write { file: LogFile, write: Write, preallocate: Option<(u64, u64)> },
    OpenFile { segment: Offset, fresh: bool },
}

impl Log {
    /// Has the pump run when the caller next waits, so that what else arrives in this turn joins the same group.
    pub(super) fn schedule_pump(self: &Rc<Self>) {
        if !self.pump_scheduled.replace(true) {
            let log = self.clone();
            self.tasks.spawn(async move {
                log.pump_scheduled.set(false);
                log.pump();
            });
        }
    }

    /// Starts every write that may start.
    pub(super) fn pump(self: &Rc<Self>) {
        loop {
            let work = self.state.borrow_mut().next_work(self.disk.mode());
            match work {
                None => return,
                Some(Work::OpenFile { segment, fresh }) => {
                    let log = self.clone();
                    self.tasks.spawn(async move { log.open_for_writing(segment, fresh).await });
                }
                Some(Work::Write { file, mut write, preallocate }) => {
                    let chunk = write.chunk.take();
                    if let Some(chunk) = chunk {
                        self.tail_cache.insert(&self.tail, chunk);
                    }
                    let log = self.clone();
                    self.tasks.spawn(async move { log.perform(file, write, preallocate).await });
                }
            }
        }
    }

    async fn perform(self: Rc<Self>, file: LogFile, write: Write, preallocate: Option<(u64, u64)>) {
        if planted::is("ack-before-write") {
            rt::sleep(Duration::from_millis(20)).await;
        }
        let bytes = write.bytes.len() as u64;
        let allocated = match preallocate {
            Some((from, to)) => file.preallocate(from, to).await,
            None => Ok(()),
        };
        let result = match allocated {
            // There may still be room for the write itself, if not for all that comes after it.
            Err(error) if error.kind() != io::ErrorKind::StorageFull => Err(error),
            _ => file.write(write.bytes, write.position).await,
        };
        match result {
            Ok(()) => self.write_done(write.id, write.segment, bytes),
            Err(error) => self.fail_file("write", write.segment, FileKind::Log, &error),
        }
    }

    fn write_done(self: &Rc<Self>, id: u64, segment: Offset, bytes: u64) {
        let mut state = self.state.borrow_mut();
        if state.failure.is_some() {
            return;
        }
        if let Some(segment) = state.segment_mut(segment) {
            segment.dirty = true;
        }
        state.sync.dirty_bytes += bytes;
        let written = state.appender.completed(id);
        let answered = match written {
            Some(written) => {
                self.tail.borrow_mut().written(written.segment, written.end.get());
                state.note_written(&written);
                state.answered()
            }
            None => Vec::new(),
        };
        drop(state);
        answered.iter().for_each(|waiting| waiting.resolve(None));
        self.pump();
        if written.is_some() {
            self.notify();
            self.schedule_sync();
            self.schedule_sealing();
        }
    }

    /// Opens the file of a segment that is to be written, creates it if need be, and reads what lies before the first
    /// byte in its block.
    async fn open_for_writing(self: Rc<Self>, segment: Offset, fresh: bool) {
        match self.try_open_for_writing(segment, fresh).await {
            Ok((file, prefix)) => {
                let mut state = self.state.borrow_mut();
                if let Some(prefix) = prefix {
                    state.appender.set_prefix(segment, &prefix);
                }
                if let Some(segment) = state.segment_mut(segment) {
                    segment.file = FileState::Open(file);
                    segment.fresh = false;
                }
                drop(state);
                self.pump();
            }
            Err(error) => self.fail_file("open", segment, FileKind::Log, &error),
        }
    }

    async fn try_open_for_writing(
        &self,
        segment: Offset,
        fresh: bool,
    ) -> io::Result<(LogFile, Option<crate::rt::disk::Slice>)> {
        let dir = self.dir();
        let path = path_of(&dir, segment, FileKind::Log);
        let file = if fresh {
            let file = self.disk.create(&path).await?;
            // Kafka's tools expect the indexes of every segment, be they empty.
            self.disk.write_file(path_of(&dir, segment, FileKind::OffsetIndex), &[]).await?;
            self.disk.write_file(path_of(&dir, segment, FileKind::TimeIndex), &[]).await?;
            file
        } else {
            self.disk.open_log(&path).await?
        };
        let missing = self.state.borrow().appender.missing_prefix(segment);
        let Some((position, len)) = missing else {
            return Ok((file, None));
        };
        let prefix = file.read(position.get(), len).await?;
        if prefix.len() < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok((file, Some(prefix)))
    }

    /// Takes the log offline because of one of a segment's files.
    pub(super) fn fail_file(&self, action: &'static str, segment: Offset, kind: FileKind, error: &io::Error) {
        self.fail(Failure::new(action, &path_of(&self.dir.borrow(), segment, kind), error));
    }

    /// Takes the log offline: nothing that waits, and nothing that comes, is acknowledged.
    pub(super) fn fail(&self, failure: Failure) {
        if self.failure().is_none() {
            tracing::error!(topic = %self.topic, partition = %self.partition, %failure, "the log goes offline");
            self.stop(failure);
        }
    }

    /// Answers everything, from now on, with `failure`.
    pub(super) fn stop(&self, failure: Failure) {
        let mut state = self.state.borrow_mut();
        state.failure.get_or_insert(failure.clone());
        state.appender.clear();
        let waiting = std::mem::take(&mut state.waiting);
        state.sync.wake_waiters(Some(&failure));
        drop(state);
        waiting.iter().for_each(|waiting| waiting.resolve(Some(failure.clone())));
        self.notify();
    }
}

impl State {
    fn next_work(&mut self, mode: DiskMode) -> Option<Work> {
        let segment_bytes = self.config.segment_bytes;
        let base = self.appender.next_segment()?;
        let segment = self.segment_mut(base)?;
        let fresh = segment.fresh;
        let file = match &segment.file {
            FileState::Opening => return None,
            FileState::Closed => {
                segment.file = FileState::Opening;
                return Some(Work::OpenFile { segment: base, fresh });
            }
            FileState::Open(file) => file.clone(),
        };
        if self.appender.missing_prefix(base).is_some() {
            // The file was opened by a reader: read the beginning of the block now.
            let segment = self.segment_mut(base)?;
            segment.file = FileState::Opening;
            return Some(Work::OpenFile { segment: base, fresh });
        }
        let write = self.appender.next_write()?;
        let end = write.position + write.bytes.len() as u64;
        let segment = self.segment_mut(base)?;
        // The page cache allocates when it writes back; asking it earlier gains nothing.
        let preallocate = match mode {
            DiskMode::PageCache => None,
            DiskMode::Direct | DiskMode::Sim => segment.preallocate_for(end, segment_bytes),
        };
        Some(Work::Write { file, write, preallocate })
    }

    fn note_written(&mut self, written: &Written) {
        if let Some(boundary) = written.boundary {
            self.sync.dirty_records += (boundary.mark.base_offset.get() - self.end_offset.get()) as u64;
            self.end_offset = boundary.mark.base_offset;
            self.written = boundary;
        }
        self.check();
    }
}
