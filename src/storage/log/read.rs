//! Reading: what the tail holds is found under the borrow and shared without a copy; the rest is planned here and read
//! from the segment's file without a borrow, one window at a time.

use super::{Failure, Log, ReadError, State};
use crate::base::ids::{Offset, Position};
use crate::batch::{BatchError, HEADER_BYTES};
use crate::rt::disk::{DiskMode, LogFile, Slice};
use crate::rt::net::OutPart;
use crate::storage::layout::FileKind;
use crate::storage::scan::{Scan, Step};
use crate::storage::segment::{FileState, Index, path_of};
use crate::storage::segment_index::{IndexView, SealedIndex};
use crate::storage::tail_cache::Mark;
use bytes::Bytes;
use std::io;
use std::rc::Rc;

/// The most that one read takes from a file, in bytes, unless its first batch is larger: one window.
pub const READ_WINDOW_BYTES: usize = 1 << 20;
/// Read beyond what was asked for, so that the scan from the index entry and the answer need one read.
const READ_SLACK_BYTES: usize = 16 << 10;

/// A piece of an answer.
#[derive(Clone, Debug)]
pub enum ReadSlice {
    /// In memory.
    Memory(Slice),
    /// In the page cache, for sendfile (page-cache mode only).
    File {
        /// The segment.
        file: LogFile,
        /// Where it begins.
        position: u64,
        /// Its length in bytes.
        len: u64,
    },
}

impl ReadSlice {
    /// Its length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(slice) => slice.len(),
            Self::File { len, .. } => usize::try_from(*len).unwrap_or(usize::MAX),
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As a connection sends it: from where it lies.
    pub fn into_part(self) -> OutPart {
        match self {
            Self::Memory(slice) => OutPart::Slice(slice),
            Self::File { file, position, len } => OutPart::File { file, position, len },
        }
    }

    /// The bytes themselves, which may leave the shard: copied, unless they belong to nobody. Errors: the disk's.
    pub async fn into_bytes(self) -> io::Result<Bytes> {
        match self {
            Self::Memory(slice) => Ok(slice.to_bytes()),
            Self::File { file, position, len } => {
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                Ok(file.read(position, len).await?.to_bytes())
            }
        }
    }
}

impl From<Bytes> for ReadSlice {
    fn from(bytes: Bytes) -> Self {
        Self::Memory(Slice::Bytes(bytes))
    }
}

/// Whole batches, back to back.
#[derive(Clone, Debug)]
pub struct Read {
    /// In order.
    pub slices: Vec<ReadSlice>,
    /// The sum of their lengths.
    pub bytes: u64,
    /// The first offset of the first batch (it may be below the one asked for); the one asked for if there is no batch.
    pub first_offset: Offset,
    /// The offset behind the last batch.
    pub next_offset: Offset,
}

impl Read {
    fn empty(offset: Offset) -> Self {
        Self { slices: Vec::new(), bytes: 0, first_offset: offset, next_offset: offset }
    }
}

/// A read that has been planned: `run` it without a borrow.
#[must_use = "a plan does nothing before it is run"]
pub struct ReadPlan {
    log: Rc<Log>,
    kind: PlanKind,
}

enum PlanKind {
    Ready(Result<Read, ReadError>),
    File(FileRead),
}

/// A read from a segment's file.
struct FileRead {
    segment: Offset,
    /// From where to scan for the batch, if that is known without the sealed index.
    from: Option<Position>,
    offset: Offset,
    max_bytes: usize,
    upper: Offset,
    at_least_one: bool,
    /// The end of what is written in the segment.
    limit: Mark,
}

impl ReadPlan {
    /// The answer, if all of it is in memory.
    pub fn ready(&self) -> Option<&Result<Read, ReadError>> {
        match &self.kind {
            PlanKind::Ready(outcome) => Some(outcome),
            PlanKind::File(_) => None,
        }
    }

    /// How many bytes there will be; of what has to be read from a file, how many there can be at the most.
    pub fn bytes(&self) -> usize {
        match &self.kind {
            PlanKind::Ready(Ok(read)) => usize::try_from(read.bytes).unwrap_or(usize::MAX),
            PlanKind::Ready(Err(_)) => 0,
            PlanKind::File(read) => {
                let from = read.from.unwrap_or_default().get();
                let there = usize::try_from(read.limit.position.saturating_sub(from)).unwrap_or(usize::MAX);
                there.min(read.max_bytes.max(1)).min(READ_WINDOW_BYTES)
            }
        }
    }

    /// Reads what is not in memory. Errors: out of range, the disk's, damage on the way.
    pub async fn run(self) -> Result<Read, ReadError> {
        match self.kind {
            PlanKind::Ready(outcome) => outcome,
            PlanKind::File(read) => self.log.read_file(read).await,
        }
    }
}

impl Log {
    /// Plans to read whole batches, from the one that holds `from` on: at most `max_bytes` (but the first batch whole if
    /// `at_least_one`), none that ends beyond `upper_bound`, and not more than lies together.
    pub fn read(
        self: &Rc<Self>,
        from: Offset,
        max_bytes: usize,
        upper_bound: Offset,
        at_least_one: bool,
    ) -> ReadPlan {
        let state = self.state.borrow();
        let kind = match self.plan(&state, from, max_bytes, upper_bound, at_least_one) {
            Ok(kind) => kind,
            Err(error) => PlanKind::Ready(Err(error)),
        };
        ReadPlan { log: self.clone(), kind }
    }

    fn plan(
        &self,
        state: &State,
        offset: Offset,
        max_bytes: usize,
        upper_bound: Offset,
        at_least_one: bool,
    ) -> Result<PlanKind, ReadError> {
        if let Some(failure) = &state.failure {
            return Err(failure.clone().into());
        }
        let (start, end) = (state.log_start, state.end_offset);
        if offset < start || offset > end {
            return Err(ReadError::OutOfRange { offset, start, end });
        }
        let upper = upper_bound.min(end);
        if offset >= upper || (max_bytes == 0 && !at_least_one) {
            return Ok(PlanKind::Ready(Ok(Read::empty(offset))));
        }
        let tail = self.tail.borrow();
        if let Some(place) = tail.find(offset) {
            let (base, begin) = (place.segment, place.mark.position);
            let limit = state.limit_of(base);
            let most = begin.saturating_add(max_bytes as u64);
            let first_end = || tail.next_mark(base, begin).filter(|m| m.base_offset <= end).unwrap_or(limit);
            let until = if limit.position <= most && limit.base_offset <= upper {
                Some(limit)
            } else {
                tail.boundary(base, begin, most, upper).or_else(|| at_least_one.then(first_end))
            };
            let Some(until) = until.filter(|m| m.base_offset <= upper) else {
                return Ok(PlanKind::Ready(Ok(Read::empty(offset))));
            };
            let slices = match self.disk.mode() {
                DiskMode::PageCache => state.file_slice(base, begin, until.position),
                DiskMode::Direct | DiskMode::Sim => {
                    let slices = tail.slices(base, begin, until.position);
                    slices.map(|slices| slices.into_iter().map(ReadSlice::Memory).collect())
                }
            };
            if let Some(slices) = slices {
                let (bytes, first_offset) = (until.position - begin, place.mark.base_offset);
                let read = Read { slices, bytes, first_offset, next_offset: until.base_offset };
                return Ok(PlanKind::Ready(Ok(read)));
            }
        }
        let place = state.segment_holding(offset);
        let Some(segment) = place.and_then(|place| state.segments.get(place)) else {
            return Ok(PlanKind::Ready(Ok(Read::empty(offset))));
        };
        let from = match &segment.index {
            Index::Growing(index) => Some(index.view().position_of(offset)),
            Index::Sealed(_) => None,
        };
        let limit = state.limit_of(segment.base);
        let segment = segment.base;
        Ok(PlanKind::File(FileRead { segment, from, offset, max_bytes, upper, at_least_one, limit }))
    }

    async fn read_file(self: &Rc<Self>, read: FileRead) -> Result<Read, ReadError> {
        let (file, index) = self.open_for_reading(read.segment).await?;
        let sealed = index.as_ref().map(|index| index.view(read.segment).position_of(read.offset));
        let from = read.from.or(sealed).unwrap_or_default();
        let window_bytes = match file.mode() {
            DiskMode::PageCache => READ_SLACK_BYTES,
            DiskMode::Direct | DiskMode::Sim => read.max_bytes.min(READ_WINDOW_BYTES) + READ_SLACK_BYTES,
        };
        let mut scan = Scan::new(file.clone(), from.get(), read.limit.position, window_bytes);
        let io = |error: &io::Error| ReadError::from(self.failed_read(read.segment, error));
        loop {
            match scan.peek().await.map_err(|e| io(&e))? {
                Step::Batch { header, .. } if header.last_offset() >= read.offset => break,
                Step::Batch { .. } => drop(scan.next().await.map_err(|e| io(&e))?),
                // Compaction has left nothing of what was here.
                Step::End => return Ok(Read::empty(read.limit.base_offset)),
                Step::Bad { position, error } => return Err(corrupt(read.segment, position, &error)),
            }
        }
        let begin = scan.position();
        if file.mode() == DiskMode::PageCache {
            self.skip_by_index(&mut scan, &read, index.as_deref(), begin).await.map_err(|e| io(&e))?;
        }
        let whole = self.whole_batches(&mut scan, &read, begin).await?;
        let Some((until, first_offset)) = whole else {
            return Ok(Read::empty(read.offset));
        };
        let bytes = until.position - begin;
        let slice = match file.mode() {
            DiskMode::PageCache => ReadSlice::File { file, position: begin, len: bytes },
            DiskMode::Direct | DiskMode::Sim => {
                let len = usize::try_from(bytes).unwrap_or(usize::MAX);
                ReadSlice::Memory(scan.bytes(begin, len).await.map_err(|e| io(&e))?)
            }
        };
        Ok(Read { slices: vec![slice], bytes, first_offset, next_offset: until.base_offset })
    }

    /// Where the batches from `begin` on end that belong to the answer, and the first one's offset.
    async fn whole_batches(
        &self,
        scan: &mut Scan,
        read: &FileRead,
        begin: u64,
    ) -> Result<Option<(Mark, Offset)>, ReadError> {
        let most = begin.saturating_add(read.max_bytes.min(READ_WINDOW_BYTES) as u64);
        let mut until: Option<Mark> = None;
        let mut first_offset = None;
        if scan.position() > begin {
            // The index has led past batches that are known to fit; what is missing is their first offset.
            let head = scan.bytes(begin, HEADER_BYTES).await;
            let head = head.map_err(|e| ReadError::from(self.failed_read(read.segment, &e)))?;
            first_offset = crate::batch::Header::decode(&head).map(|h| h.base_offset());
        }
        loop {
            match scan.peek().await.map_err(|e| ReadError::from(self.failed_read(read.segment, &e)))? {
                Step::Batch { position, header } => {
                    if position > begin && until.is_none() {
                        until = Some(Mark { base_offset: header.base_offset(), position });
                    }
                    let first = *first_offset.get_or_insert(header.base_offset());
                    let end = position + header.total_bytes() as u64;
                    let forced = until.is_none() && read.at_least_one;
                    if header.next_offset() > read.upper || (end > most && !forced) {
                        return Ok(until.map(|until| (until, first)));
                    }
                    until = Some(Mark { base_offset: header.next_offset(), position: end });
                    drop(scan.next().await);
                }
                Step::End => return Ok(until.or(Some(read.limit)).zip(first_offset)),
                Step::Bad { position, error } if until.is_none() => {
                    return Err(corrupt(read.segment, position, &error));
                }
                Step::Bad { .. } => return Ok(until.zip(first_offset)),
            }
        }
    }

    /// Leads a scan in the page cache to the last batch boundary before the end of the answer that the index knows, so
    /// that what is sent by sendfile is not read as well.
    async fn skip_by_index(
        &self,
        scan: &mut Scan,
        read: &FileRead,
        sealed: Option<&SealedIndex>,
        begin: u64,
    ) -> io::Result<()> {
        let most =
            begin.saturating_add(read.max_bytes.min(READ_WINDOW_BYTES) as u64).min(read.limit.position);
        let boundary = |view: IndexView<'_>| {
            let by_bytes = view.boundary_at_or_below(Position::new(most));
            by_bytes.min(view.position_of(read.upper)).get()
        };
        let known = match sealed {
            Some(index) => boundary(index.view(read.segment)),
            None => match self.state.borrow().segment(read.segment).map(|s| &s.index) {
                Some(Index::Growing(index)) => boundary(index.view()),
                _ => 0,
            },
        };
        if known > begin && known < read.limit.position {
            scan.jump(known);
        }
        Ok(())
    }

    /// The open file of a segment and, if it is sealed, its indexes.
    pub(super) async fn open_for_reading(
        self: &Rc<Self>,
        base: Offset,
    ) -> Result<(LogFile, Option<Rc<SealedIndex>>), Failure> {
        let (mut file, mut index, sealed) = {
            let mut state = self.state.borrow_mut();
            state.reads += 1;
            let reads = state.reads;
            let Some(segment) = state.segment_mut(base) else {
                return Err(self.failed_read(base, &io::ErrorKind::NotFound.into()));
            };
            segment.last_used = reads;
            let (index, sealed) = match &segment.index {
                Index::Growing(_) => (None, false),
                Index::Sealed(index) => (index.clone(), true),
            };
            (segment.file.get().cloned(), index, sealed)
        };
        let (missing_file, missing_index) = (file.is_none(), sealed && index.is_none());
        let dir = self.dir();
        if missing_file {
            let opened = self.disk.open_log(path_of(&dir, base, FileKind::Log)).await;
            file = Some(opened.map_err(|e| self.failed_read(base, &e))?);
        }
        if missing_index {
            index = Some(Rc::new(self.map_index(base).await.map_err(|e| self.failed_read(base, &e))?));
        }
        let Some(file) = file else {
            return Err(self.failed_read(base, &io::ErrorKind::NotFound.into()));
        };
        if missing_file || missing_index {
            let mut state = self.state.borrow_mut();
            if let Some(segment) = state.segment_mut(base) {
                if matches!(segment.file, FileState::Closed) {
                    segment.file = FileState::Open(file.clone());
                }
                if let Index::Sealed(place) = &mut segment.index {
                    *place = index.clone();
                }
            }
            drop(state);
            self.close_unused();
        }
        Ok((file, index))
    }

    async fn map_index(&self, base: Offset) -> io::Result<SealedIndex> {
        let dir = self.dir();
        let offsets = self.disk.map_readonly(path_of(&dir, base, FileKind::OffsetIndex)).await?;
        let times = self.disk.map_readonly(path_of(&dir, base, FileKind::TimeIndex)).await?;
        Ok(SealedIndex { offsets, times })
    }

    pub(super) fn failed_read(&self, segment: Offset, error: &io::Error) -> Failure {
        Failure::new("read", &path_of(&self.dir.borrow(), segment, FileKind::Log), error)
    }
}

pub(super) fn corrupt(segment: Offset, position: u64, error: &BatchError) -> ReadError {
    ReadError::Corrupt { segment, position: Position::new(position), reason: error.to_string() }
}

impl State {
    /// The end of what is written in a segment, and the offset that follows.
    pub(super) fn limit_of(&self, base: Offset) -> Mark {
        let next = self.segment_place(base).and_then(|place| self.segments.get(place + 1));
        match next.filter(|_| base < self.written.segment) {
            Some(next) => {
                let position = self.segment(base).map_or(0, |s| s.bytes);
                Mark { base_offset: next.base, position }
            }
            None if base == self.written.segment => self.written.mark,
            None => Mark { base_offset: base, position: 0 },
        }
    }

    /// The place of the segment in which to look for `offset`; the next one if compaction has emptied that.
    fn segment_holding(&self, offset: Offset) -> Option<usize> {
        let place = self.segment_place(offset).unwrap_or(0);
        (place..self.segments.len()).find(|place| self.segments.get(*place).is_some_and(|s| s.bytes > 0))
    }

    fn file_slice(&self, base: Offset, position: u64, end: u64) -> Option<Vec<ReadSlice>> {
        let file = self.segment(base)?.file.get()?.clone();
        Some(vec![ReadSlice::File { file, position, len: end - position }])
    }
}
