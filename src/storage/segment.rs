//! One segment of a log: its file, its indexes, its size.

use super::layout::{FileKind, segment_file_name};
use super::segment_index::{GrowingIndex, SealedIndex};
use crate::base::ids::Offset;
use crate::rt::disk::LogFile;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The first step of preallocation, in bytes; each further one is twice as large.
pub const PREALLOCATE_BYTES_MIN: u64 = 64 << 10;
/// The largest step of preallocation, in bytes.
pub const PREALLOCATE_BYTES_MAX: u64 = 64 << 20;

/// A segment's `.log`.
#[derive(Clone, Debug, Default)]
pub enum FileState {
    /// Not open: nobody has read or written since the start, or others were more in need of descriptors.
    #[default]
    Closed,
    /// Being opened or created.
    Opening,
    /// Open.
    Open(LogFile),
}

impl FileState {
    /// The file, if it is open.
    pub fn get(&self) -> Option<&LogFile> {
        match self {
            Self::Open(file) => Some(file),
            Self::Closed | Self::Opening => None,
        }
    }
}

/// A segment's indexes.
#[derive(Debug)]
pub enum Index {
    /// Of the segment that is written.
    Growing(GrowingIndex),
    /// Of one that takes no more records; mapped when first asked.
    Sealed(Option<Rc<SealedIndex>>),
}

/// One segment.
#[derive(Debug)]
pub struct Segment {
    /// Its first offset (or below it, after compaction): the name of its files.
    pub base: Offset,
    /// The bytes of its batches, those on their way included; preallocated space is not counted.
    pub bytes: u64,
    /// Its indexes.
    pub index: Index,
    /// Its `.log`.
    pub file: FileState,
    /// Its files do not exist yet.
    pub fresh: bool,
    /// Something was written since the last sync.
    pub dirty: bool,
    /// The file's name has been made durable.
    pub dir_synced: bool,
    /// The timestamp from which the age of the segment counts, in ms.
    pub first_timestamp: Option<i64>,
    /// The file's size, preallocation included.
    pub allocated: u64,
    /// When somebody last read from it, by a count of reads.
    pub last_used: u64,
    allocate_step: u64,
}

impl Segment {
    /// A segment whose files are still to be made.
    pub fn fresh(base: Offset) -> Self {
        Self {
            fresh: true,
            dir_synced: false,
            ..Self::existing(base, 0, Index::Growing(GrowingIndex::new(base)))
        }
    }

    /// A segment found on disk.
    pub fn existing(base: Offset, bytes: u64, index: Index) -> Self {
        Self {
            base,
            bytes,
            index,
            file: FileState::Closed,
            fresh: false,
            dirty: false,
            dir_synced: true,
            first_timestamp: None,
            allocated: bytes,
            last_used: 0,
            allocate_step: PREALLOCATE_BYTES_MIN,
        }
    }

    /// The path of one of its files.
    pub fn path(&self, dir: &Path, kind: FileKind) -> PathBuf {
        path_of(dir, self.base, kind)
    }

    /// The range to preallocate before a write that ends at `end`, so that it stays within the file's size: grows with the
    /// rate, and not beyond `segment_bytes` by much. `None` if there is room.
    pub fn preallocate_for(&mut self, end: u64, segment_bytes: u64) -> Option<(u64, u64)> {
        if end <= self.allocated {
            return None;
        }
        let from = self.allocated;
        let wanted = from.saturating_add(self.allocate_step).min(segment_bytes).max(end);
        self.allocate_step = (self.allocate_step * 2).min(PREALLOCATE_BYTES_MAX);
        self.allocated = wanted.next_multiple_of(PREALLOCATE_BYTES_MIN);
        Some((from, self.allocated))
    }

    /// The growing indexes, unless it is sealed.
    pub fn growing(&mut self) -> Option<&mut GrowingIndex> {
        match &mut self.index {
            Index::Growing(index) => Some(index),
            Index::Sealed(_) => None,
        }
    }
}

/// The path of a segment's file.
pub fn path_of(dir: &Path, base: Offset, kind: FileKind) -> PathBuf {
    dir.join(segment_file_name(base, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preallocation_starts_small_and_doubles_up_to_the_segment() {
        let mut segment = Segment::fresh(Offset::new(0));
        let max = 1 << 20;
        assert_eq!(segment.preallocate_for(100, max), Some((0, 64 << 10)));
        assert_eq!(segment.preallocate_for(64 << 10, max), None);
        assert_eq!(segment.preallocate_for((64 << 10) + 1, max), Some((64 << 10, 192 << 10)));
        assert_eq!(segment.preallocate_for(193 << 10, max), Some((192 << 10, 448 << 10)));
        assert_eq!(segment.preallocate_for(449 << 10, max), Some((448 << 10, 960 << 10)));
        assert_eq!(segment.preallocate_for(961 << 10, max), Some((960 << 10, max)));
        // A batch larger than the segment still gets its room.
        assert_eq!(segment.preallocate_for(max + 1, max), Some((max, max + (64 << 10))));
    }
}
