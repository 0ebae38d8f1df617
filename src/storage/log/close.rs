//! Ends: a clean close, a deletion.

use super::{Failure, Log, LogError};
use crate::base::ids::{Offset, Uuid};
use crate::rt::disk::LogFile;
use crate::storage::layout::{DirPhase, FileKind, partition_dir_name_in};
use crate::storage::segment::{FileState, path_of};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

impl Log {
    /// Closes the log as a clean stop does: everything written and synced, preallocated space trimmed, indexes and a
    /// producer snapshot at the end. Appends that were taken are answered, later ones refused. Errors: the disk's.
    pub async fn close(self: &Rc<Self>) -> Result<(), LogError> {
        self.state.borrow_mut().closing = true;
        self.schedule_pump();
        self.state.borrow_mut().sync.wake_waiters(None);
        self.tasks.join_all().await;
        if let Some(failure) = self.failure() {
            return Err(failure.into());
        }
        let dir = self.dir();
        let closed = async {
            let (base, end, (snapshot, window)) = {
                let mut state = self.state.borrow_mut();
                let end = state.end_offset;
                let base = state.active().base;
                if let Some(index) = state.active().growing() {
                    index.finish();
                }
                (base, end, state.producers.encode())
            };
            self.make_sure_it_exists(base).await?;
            self.finish_segment(&dir, base).await?;
            if end > Offset::ZERO {
                self.write_snapshot(&dir, end, &snapshot, window.as_deref()).await?;
            }
            self.write_epochs(&dir).await?;
            self.disk.sync_dir(&dir).await
        };
        closed.await.map_err(|e| LogError::io("close", &dir, &e))?;
        let files = {
            let mut state = self.state.borrow_mut();
            state.synced_offset = state.end_offset;
            state.recovery_point = state.end_offset;
            take_files(&mut state.segments)
        };
        self.tail_cache.forget(&self.tail);
        for file in files {
            file.close().await;
        }
        Ok(())
    }

    /// Stops without a clean end, as a crash would: what is in flight may or may not be written.
    pub fn abandon(&self) {
        self.state.borrow_mut().closing = true;
        self.tasks.cancel_all();
        self.tail_cache.forget(&self.tail);
    }

    /// A segment that was begun and never written has no files yet.
    async fn make_sure_it_exists(&self, base: Offset) -> io::Result<()> {
        let fresh = self.state.borrow().segment(base).is_some_and(|s| s.fresh);
        if fresh {
            self.disk.write_file(path_of(&self.dir(), base, FileKind::Log), &[]).await?;
            if let Some(segment) = self.state.borrow_mut().segment_mut(base) {
                segment.fresh = false;
            }
        }
        Ok(())
    }

    /// Deletes the log: its directory is renamed to `<topic>-<n>.<unique>-delete`, which is durable on return; what is
    /// returned is the directory, to be removed by `remove` at leisure. Errors: the disk's.
    pub async fn delete(self: &Rc<Self>, unique: Uuid) -> Result<PathBuf, LogError> {
        self.stop(Failure::new("use", &self.dir(), &io::Error::other("the partition is deleted")));
        self.state.borrow_mut().closing = true;
        self.state.borrow_mut().sync.wake_waiters(None);
        self.tasks.join_all().await;
        let dir = self.dir();
        let renamed =
            dir.with_file_name(partition_dir_name_in(&self.topic, self.partition, unique, DirPhase::Delete));
        let moved = async {
            self.trim_active().await?;
            self.disk.rename(&dir, &renamed).await?;
            match dir.parent() {
                Some(parent) => self.disk.sync_dir(parent).await,
                None => Ok(()),
            }
        };
        moved.await.map_err(|e| LogError::io("delete", &dir, &e))?;
        *self.dir.borrow_mut() = renamed.clone();
        self.tail_cache.forget(&self.tail);
        let files = take_files(&mut self.state.borrow_mut().segments);
        for file in files {
            file.close().await;
        }
        Ok(renamed)
    }

    /// Gives preallocated space back: a deleted directory stays for a while.
    async fn trim_active(&self) -> io::Result<()> {
        let active = {
            let state = self.state.borrow();
            let last = state.segments.back();
            last.and_then(|s| Some((s.file.get()?.clone(), state.limit_of(s.base).position)))
        };
        match active {
            Some((file, bytes)) => file.truncate(bytes).await,
            None => Ok(()),
        }
    }

    /// Removes the files of a deleted log. Errors: the disk's.
    pub async fn remove(self: &Rc<Self>) -> Result<(), LogError> {
        let dir = self.dir();
        self.disk.remove_dir_all(&dir).await.map_err(|e| LogError::io("remove", &dir, &e))
    }
}

pub(super) fn take_files(
    segments: &mut std::collections::VecDeque<crate::storage::segment::Segment>,
) -> Vec<LogFile> {
    let taken = segments.iter_mut().map(|segment| std::mem::take(&mut segment.file));
    taken
        .filter_map(|file| match file {
            FileState::Open(file) => Some(file),
            FileState::Closed | FileState::Opening => None,
        })
        .collect()
}
