//! Creating and loading. Loading after a clean stop trusts the files and rebuilds what is missing; after any other it
//! reads everything from the recovery point's segment on, and `recovery` says what to make of the end.

use super::append::producer_batch;
use super::sync::SyncState;
use super::{Log, LogError, LogOptions, Opening, State, block_bytes};
use crate::base::ids::{Offset, Position};
use crate::base::planted;
use crate::batch::{self, BatchView, Header, control_type};
use crate::rt::disk::LogFile;
use crate::storage::appender::Appender;
use crate::storage::layout::{self, FileKind, FilePhase, LEADER_EPOCH_CHECKPOINT, PARTITION_METADATA};
use crate::storage::leader_epochs::LeaderEpochs;
use crate::storage::offset_index;
use crate::storage::partition_metadata;
use crate::storage::producer_state::Producers;
use crate::storage::recovery::{Action, Ending, ScanRange, Scanned, Standing, decide, scan_segment};
use crate::storage::segment::{Index, Segment, path_of};
use crate::storage::segment_index::{GrowingIndex, IndexedBatch};
use crate::storage::tail_cache::{Mark, TailPlace};
use crate::storage::time_index;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The files of a partition's directory, by segment.
struct Files {
    by_base: BTreeMap<Offset, BTreeMap<FileKind, u64>>,
    has_metadata: bool,
    has_epochs: bool,
}

impl Files {
    fn len(&self, base: Offset, kind: FileKind) -> Option<u64> {
        self.by_base.get(&base)?.get(&kind).copied()
    }

    fn bases(&self, kind: FileKind) -> impl DoubleEndedIterator<Item = Offset> {
        self.by_base.iter().filter(move |(_, kinds)| kinds.contains_key(&kind)).map(|(base, _)| *base)
    }
}

impl Log {
    /// Creates an empty log: directory, `partition.metadata` and the first segment's files are durable on return.
    /// Errors: the disk's.
    pub async fn create(options: LogOptions) -> Result<Rc<Self>, LogError> {
        let dir = options.dir.clone();
        let created = async {
            options.disk.create_dir(&dir).await?;
            for kind in [FileKind::Log, FileKind::OffsetIndex, FileKind::TimeIndex] {
                options.disk.write_file(path_of(&dir, Offset::ZERO, kind), &[]).await?;
            }
            partition_metadata::write(&options.disk, &dir, options.topic_id).await?;
            match dir.parent() {
                Some(parent) => options.disk.sync_dir(parent).await,
                None => Ok(()),
            }
        };
        created.await.map_err(|e| LogError::io("create", &dir, &e))?;
        let index = Index::Growing(GrowingIndex::new(Offset::ZERO));
        let first = Segment::existing(Offset::ZERO, 0, index);
        let state = new_state(&options, VecDeque::from([first]), Offset::ZERO, Offset::ZERO);
        Ok(Self::new(options, state))
    }

    /// Opens the log of a partition's directory. Errors: the disk's; a directory of another topic; damage (`Damaged`), in
    /// which case nothing was changed.
    pub async fn open(options: LogOptions, opening: Opening) -> Result<Rc<Self>, LogError> {
        let state = load_state(&options, opening).await?;
        Ok(Self::new(options, state))
    }
}

/// Loads what a directory holds.
pub(super) async fn load_state(options: &LogOptions, opening: Opening) -> Result<State, LogError> {
    let dir = &options.dir;
    let io = |error: &io::Error| LogError::io("open", dir, error);
    let files = tidy_files(options, dir).await.map_err(|e| io(&e))?;
    check_topic_id(options, &files).await?;
    let epochs = read_epochs(options, &files).await.map_err(|e| io(&e))?;
    let mut loader = Loader { options, dir, opening, files, epochs };
    let loaded = loader.load().await?;
    let mut state = new_state(options, loaded.segments, opening.log_start_offset, loaded.end_offset);
    state.producers = loaded.producers;
    state.epochs = loader.epochs;
    let before = state.epochs.clone();
    state.epochs.truncate_from_end(loaded.end_offset);
    state.epochs.truncate_from_start(state.log_start);
    state.epochs_dirty = !opening.clean || state.epochs != before;
    Ok(state)
}

/// The state of a log that ends at `end`, all of it written and synced.
fn new_state(options: &LogOptions, segments: VecDeque<Segment>, log_start: Offset, end: Offset) -> State {
    let first = segments.front().map_or(Offset::ZERO, |s| s.base);
    let (segment, position) = segments.back().map_or((Offset::ZERO, 0), |s| (s.base, s.bytes));
    State {
        config: options.config.clone(),
        segments,
        // A start beyond the end is that of records that a crash has taken.
        log_start: log_start.max(first).min(end),
        next_offset: end,
        end_offset: end,
        written: TailPlace { segment, mark: Mark { base_offset: end, position } },
        synced_offset: end,
        recovery_point: end,
        epochs: LeaderEpochs::default(),
        epochs_dirty: false,
        producers: Producers::default(),
        appender: Appender::new(block_bytes(&options.disk)),
        waiting: VecDeque::new(),
        sealing: VecDeque::new(),
        sealing_runs: false,
        sync: SyncState::default(),
        failure: None,
        closing: false,
        reads: 0,
    }
}

/// Lists the directory; finishes what a compaction or a deletion had begun, removes what belongs to no segment.
async fn tidy_files(options: &LogOptions, dir: &Path) -> io::Result<Files> {
    let disk = &options.disk;
    let mut files = Files { by_base: BTreeMap::new(), has_metadata: false, has_epochs: false };
    for entry in disk.list(dir).await?.into_iter().filter(|entry| !entry.is_dir) {
        files.has_metadata |= entry.name == PARTITION_METADATA;
        files.has_epochs |= entry.name == LEADER_EPOCH_CHECKPOINT;
        let Some(name) = layout::parse_segment_file(&entry.name) else { continue };
        let path = dir.join(&entry.name);
        match name.phase {
            FilePhase::Deleted | FilePhase::Cleaned => {
                disk.remove_file(&path).await?;
                continue;
            }
            FilePhase::Swap => disk.rename(&path, path_of(dir, name.base_offset, name.kind)).await?,
            FilePhase::Plain => {}
        }
        files.by_base.entry(name.base_offset).or_default().insert(name.kind, entry.len);
    }
    for (base, kinds) in &mut files.by_base {
        if !kinds.contains_key(&FileKind::Log) {
            for kind in [FileKind::OffsetIndex, FileKind::TimeIndex, FileKind::TxnIndex] {
                if kinds.remove(&kind).is_some() {
                    disk.remove_file(path_of(dir, *base, kind)).await?;
                }
            }
        }
    }
    Ok(files)
}

async fn check_topic_id(options: &LogOptions, files: &Files) -> Result<(), LogError> {
    let dir = &options.dir;
    let io = |error: &io::Error| LogError::io("read the topic id of", dir, error);
    let found = if files.has_metadata {
        partition_metadata::read(&options.disk, dir).await.map_err(|e| io(&e))?
    } else {
        None
    };
    match found {
        Some(found) if found != options.topic_id => {
            Err(LogError::TopicId { path: dir.clone(), found, expected: options.topic_id })
        }
        Some(_) => Ok(()),
        None => partition_metadata::write(&options.disk, dir, options.topic_id).await.map_err(|e| io(&e)),
    }
}

/// The epochs' file; one that is damaged counts as lost, for the batches bring the epochs back.
async fn read_epochs(options: &LogOptions, files: &Files) -> io::Result<LeaderEpochs> {
    if !files.has_epochs {
        return Ok(LeaderEpochs::default());
    }
    let bytes = options.disk.read(options.dir.join(LEADER_EPOCH_CHECKPOINT)).await?;
    Ok(LeaderEpochs::decode(&bytes).unwrap_or_else(|error| {
        tracing::warn!(dir = %options.dir.display(), %error, "leader-epoch-checkpoint is damaged, and rebuilt");
        LeaderEpochs::default()
    }))
}

/// What loading brings.
struct Loaded {
    segments: VecDeque<Segment>,
    end_offset: Offset,
    producers: Producers,
}

struct Loader<'a> {
    options: &'a LogOptions,
    dir: &'a Path,
    opening: Opening,
    files: Files,
    epochs: LeaderEpochs,
}

impl Loader<'_> {
    fn io(&self, base: Offset) -> impl Fn(io::Error) -> LogError {
        let path = path_of(self.dir, base, FileKind::Log);
        move |error| LogError::io("load", &path, &error)
    }

    /// Loads all segments, ascending; the last one is open for appends.
    async fn load(&mut self) -> Result<Loaded, LogError> {
        let bases: Vec<Offset> = self.files.bases(FileKind::Log).collect();
        let Some(last) = bases.last().copied() else {
            let base = self.opening.log_start_offset.max(Offset::ZERO);
            let segments = VecDeque::from([Segment::fresh(base)]);
            return Ok(Loaded { segments, end_offset: base, producers: Producers::default() });
        };
        let recover_from = self.recover_from(&bases);
        let (mut producers, replay_from) = self.read_producers(&bases, recover_from.unwrap_or(last)).await?;
        let mut segments = VecDeque::with_capacity(bases.len());
        let mut end_offset = bases.first().copied().unwrap_or(Offset::ZERO);
        for (place, base) in bases.iter().copied().enumerate() {
            let next = bases.get(place + 1).copied();
            let recover = recover_from.is_some_and(|from| base >= from);
            let mut load = SegmentLoad { base, next, recover, producers: &mut producers, replay_from };
            let (segment, end) = self.load_segment(&mut load).await?;
            end_offset = end.max(base);
            segments.push_back(segment);
            if let Some(next) = next.filter(|next| end < *next && recover && !self.has_records_from(*next)) {
                // A crash amid a roll: the new segment was made, the end of this one never came.
                self.remove_segments_from(next).await.map_err(self.io(base))?;
                self.reopen_last(&mut segments).await.map_err(self.io(base))?;
                break;
            }
        }
        self.remove_stray_snapshots(&bases, end_offset).await.map_err(self.io(last))?;
        if planted::is("drop-duplicate-window") {
            producers = Producers::default();
        }
        Ok(Loaded { segments, end_offset, producers })
    }

    /// From which segment on every batch is read: the recovery point's. `None` after a clean stop.
    fn recover_from(&self, bases: &[Offset]) -> Option<Offset> {
        if self.opening.clean {
            return None;
        }
        let below = bases.iter().rev().find(|base| **base <= self.opening.recovery_point);
        below.or(bases.first()).copied()
    }

    /// The newest usable snapshot at or below `limit` (any, after a clean stop), and from which offset on its producers are
    /// brought up to date. Without one, after a clean stop, that is the last segment: a bounded scan.
    async fn read_producers(&self, bases: &[Offset], limit: Offset) -> Result<(Producers, Offset), LogError> {
        let usable = |offset: &Offset| self.opening.clean || *offset <= limit;
        for offset in self.files.bases(FileKind::Snapshot).rev().filter(usable) {
            let path = path_of(self.dir, offset, FileKind::Snapshot);
            let snapshot = self.options.disk.read(&path).await.map_err(self.io(offset))?;
            let window = match self.files.len(offset, FileKind::ProducerWindow) {
                Some(_) => {
                    self.options.disk.read(path_of(self.dir, offset, FileKind::ProducerWindow)).await.ok()
                }
                None => None,
            };
            match Producers::decode(&snapshot, window.as_deref()) {
                Ok(producers) => return Ok((producers, offset)),
                Err(error) => tracing::warn!(path = %path.display(), %error, "the snapshot is not used"),
            }
        }
        let first = bases.first().copied().unwrap_or(Offset::ZERO);
        Ok((Producers::default(), if self.opening.clean { limit.max(first) } else { first }))
    }

    /// Loads one segment and says where it ends.
    async fn load_segment(&mut self, load: &mut SegmentLoad<'_>) -> Result<(Segment, Offset), LogError> {
        let base = load.base;
        let file_bytes = self.files.len(base, FileKind::Log).unwrap_or(0);
        let indexes = if load.recover { None } else { self.read_indexes(load, file_bytes).await? };
        let replay = load.replay_from < load.next.unwrap_or(Offset::new(i64::MAX));
        if let (Some(Indexes::Trusted), Some(next), false) = (&indexes, load.next, replay) {
            return Ok((Segment::existing(base, file_bytes, Index::Sealed(None)), next));
        }
        let path = path_of(self.dir, base, FileKind::Log);
        let file = self.options.disk.open_log(&path).await.map_err(self.io(base))?;
        let scanned = self.scan(load, &file, file_bytes, indexes).await.map_err(self.io(base))?;
        let (scanned, index) = scanned;
        let position = Position::new(scanned.bytes);
        let synced = self.opening.clean || scanned.next_offset < self.opening.recovery_point;
        let followed = load.next.is_some_and(|next| self.has_records_from(next));
        if followed && scanned.ending == Ending::Zeros && load.next > Some(scanned.next_offset) {
            let reason =
                format!("the records up to the next segment, from {} on, are missing", scanned.next_offset);
            return Err(LogError::Damaged { path, position, reason });
        }
        match decide(Standing { synced, followed }, scanned.ending) {
            Action::Keep => {}
            Action::TruncateHere => {
                let (from, to, reason) = (file_bytes, scanned.bytes, &scanned.reason);
                tracing::info!(path = %path.display(), from, to, reason, "cut behind the last whole batch");
                file.truncate(scanned.bytes).await.map_err(self.io(base))?;
            }
            Action::Quarantine => return Err(LogError::Damaged { path, position, reason: scanned.reason }),
        }
        if load.recover {
            file.sync_data().await.map_err(self.io(base))?;
        }
        file.close().await;
        let end_offset = scanned.next_offset;
        if load.next.is_none() {
            return Ok((Segment::existing(base, scanned.bytes, Index::Growing(index)), end_offset));
        }
        if load.recover || self.indexes_are_missing(base, file_bytes) {
            self.write_indexes(base, index).await.map_err(self.io(base))?;
        }
        if let Some(next) = load.next.filter(|_| load.recover) {
            self.restore_snapshot(next, load.producers).await.map_err(self.io(base))?;
        }
        Ok((Segment::existing(base, scanned.bytes, Index::Sealed(None)), end_offset))
    }

    /// Writes the snapshot at a segment's base that the crash has forestalled.
    async fn restore_snapshot(&mut self, offset: Offset, producers: &Producers) -> io::Result<()> {
        let (snapshot, window) = producers.encode();
        let has = |kind| self.files.len(offset, kind).is_some();
        if has(FileKind::Snapshot) && (window.is_none() || has(FileKind::ProducerWindow)) {
            return Ok(());
        }
        let window = window.map(|window| (FileKind::ProducerWindow, window));
        for (kind, bytes) in window.into_iter().chain([(FileKind::Snapshot, snapshot)]) {
            let path = path_of(self.dir, offset, kind);
            self.options.disk.write_file(&path, &bytes).await?;
            self.options.disk.sync_file(&path).await?;
            self.files.by_base.entry(offset).or_default().insert(kind, bytes.len() as u64);
        }
        Ok(())
    }

    /// Removes segments without records.
    async fn remove_segments_from(&self, next: Offset) -> io::Result<()> {
        for (base, kinds) in self.files.by_base.range(next..) {
            for kind in kinds.keys() {
                self.options.disk.remove_file(path_of(self.dir, *base, *kind)).await?;
            }
        }
        Ok(())
    }

    /// Lets the last of the loaded segments, which has just been sealed, go on.
    async fn reopen_last(&self, segments: &mut VecDeque<Segment>) -> io::Result<()> {
        let Some(last) = segments.back_mut() else { return Ok(()) };
        let offsets = self.options.disk.read(path_of(self.dir, last.base, FileKind::OffsetIndex)).await?;
        let times = self.options.disk.read(path_of(self.dir, last.base, FileKind::TimeIndex)).await?;
        last.index = Index::Growing(GrowingIndex::resume(last.base, offsets, times));
        Ok(())
    }

    fn has_records_from(&self, next: Offset) -> bool {
        let later = self.files.by_base.range(next..);
        later.into_iter().any(|(_, kinds)| kinds.get(&FileKind::Log).is_some_and(|bytes| *bytes > 0))
    }

    fn indexes_are_missing(&self, base: Offset, log_bytes: u64) -> bool {
        let times = self.files.len(base, FileKind::TimeIndex);
        self.files.len(base, FileKind::OffsetIndex).is_none()
            // Every segment with records ends with its largest timestamp; Kafka leaves a lost index empty.
            || times.is_none_or(|times| log_bytes > 0 && times < time_index::ENTRY_BYTES as u64)
    }

    /// The indexes of a segment that is trusted: of the last one its entries, if they are plausible.
    async fn read_indexes(
        &self,
        load: &SegmentLoad<'_>,
        log_bytes: u64,
    ) -> Result<Option<Indexes>, LogError> {
        let base = load.base;
        if self.indexes_are_missing(base, log_bytes) {
            return Ok(None);
        }
        if load.next.is_some() {
            return Ok(Some(Indexes::Trusted));
        }
        let disk = &self.options.disk;
        let offsets =
            disk.read(path_of(self.dir, base, FileKind::OffsetIndex)).await.map_err(self.io(base))?;
        let times = disk.read(path_of(self.dir, base, FileKind::TimeIndex)).await.map_err(self.io(base))?;
        let plausible =
            offset_index::plausible(&offsets, log_bytes) && time_index::plausible(&times, 1 << 31);
        Ok(plausible.then(|| Indexes::Resumed(GrowingIndex::resume(base, offsets, times))))
    }

    /// Goes through a segment: from its last index entry if that is enough, else from its start.
    async fn scan(
        &mut self,
        load: &mut SegmentLoad<'_>,
        file: &LogFile,
        file_bytes: u64,
        indexes: Option<Indexes>,
    ) -> io::Result<(Scanned, GrowingIndex)> {
        let base = load.base;
        let interval_bytes = self.options.config.index_interval_bytes;
        let (mut index, from, rebuild) = match indexes {
            Some(Indexes::Resumed(index)) => {
                let replay = load.replay_from.max(base);
                let end = index.view().boundary_at_or_below(Position::new(file_bytes));
                let from = end.min(index.view().position_of(replay));
                (index, from.get(), false)
            }
            Some(Indexes::Trusted) | None => (GrowingIndex::new(base), 0, true),
        };
        let (epochs, producers, replay_from) = (&mut self.epochs, &mut *load.producers, load.replay_from);
        let range = ScanRange { base, from, offset: base, file_bytes, checksums: load.recover };
        let scanned = scan_segment(file, range, |position, header, control| {
            if rebuild {
                index.add(&indexed(position, header), interval_bytes);
            }
            if epochs.epoch_at(header.base_offset()) != header.leader_epoch() {
                epochs.assign(header.leader_epoch(), header.base_offset());
            }
            if header.base_offset() >= replay_from {
                replay(producers, header, control);
            }
        });
        let scanned = scanned.await?;
        if load.next.is_some() {
            index.finish();
        }
        Ok((scanned, index))
    }

    async fn write_indexes(&self, base: Offset, index: GrowingIndex) -> io::Result<()> {
        for (kind, bytes) in
            [(FileKind::OffsetIndex, index.offset_bytes()), (FileKind::TimeIndex, index.time_bytes())]
        {
            let path: PathBuf = path_of(self.dir, base, kind);
            self.options.disk.write_file(&path, bytes).await?;
            self.options.disk.sync_file(&path).await?;
        }
        Ok(())
    }

    /// Removes the snapshots beyond the end, and those that are neither at a segment's base nor the newest.
    async fn remove_stray_snapshots(&self, bases: &[Offset], end: Offset) -> io::Result<()> {
        let newest = self.files.bases(FileKind::Snapshot).rev().find(|offset| *offset <= end);
        for offset in self.files.by_base.keys().copied() {
            let kept = offset <= end && (bases.contains(&offset) || Some(offset) == newest);
            let has = |kind| self.files.len(offset, kind).is_some();
            if has(FileKind::Snapshot) && !kept {
                self.options.disk.remove_file(path_of(self.dir, offset, FileKind::Snapshot)).await?;
            }
            if has(FileKind::ProducerWindow) && !(kept && has(FileKind::Snapshot)) {
                self.options.disk.remove_file(path_of(self.dir, offset, FileKind::ProducerWindow)).await?;
            }
        }
        Ok(())
    }
}

/// The indexes of a segment that need not be rebuilt.
enum Indexes {
    /// Of a sealed segment: mapped when somebody asks.
    Trusted,
    /// Of the last one.
    Resumed(GrowingIndex),
}

struct SegmentLoad<'a> {
    base: Offset,
    /// The next segment's base.
    next: Option<Offset>,
    /// Read every batch.
    recover: bool,
    producers: &'a mut Producers,
    /// Batches from here on change the producers.
    replay_from: Offset,
}

fn indexed(position: u64, header: &Header) -> IndexedBatch {
    IndexedBatch {
        last_offset: header.last_offset(),
        position: Position::new(position),
        bytes: header.total_bytes() as u64,
        max_timestamp: header.max_timestamp,
    }
}

/// What a batch that is on disk means for the producers: the same `apply` as when it was appended.
pub(super) fn replay(producers: &mut Producers, header: &Header, control: Option<&[u8]>) {
    if let Some(batch) = producer_batch(header) {
        producers.apply(&batch, header.base_offset(), 0);
    } else if let (Some(id), Some(bytes)) = (header.producer_id(), control)
        && let Some(coordinator_epoch) = marker(bytes)
    {
        producers.apply_marker(id, header.producer_epoch(), coordinator_epoch, header.max_timestamp);
    }
}

/// The coordinator's epoch, if the control batch ends a transaction.
fn marker(bytes: &[u8]) -> Option<i32> {
    let view = BatchView::parse(bytes).ok()?;
    let records = batch::records(&view).ok()?;
    let record = records.iter().next()?.ok()?;
    match control_type(record.key?)? {
        batch::ControlType::Abort | batch::ControlType::Commit => {}
        _ => return None,
    }
    // Version i16, then the epoch.
    let epoch = record.value?.get(2..)?.first_chunk()?;
    Some(i32::from_be_bytes(*epoch))
}
