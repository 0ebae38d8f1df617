//! A partition's log: segments of record batches, appended at the end, read anywhere.
//!
//! A `Log` belongs to one shard. Everything that decides is synchronous and happens before a call returns: `append` checks
//! the sequence, assigns the offsets and copies the batch into a group; `read` finds what is in memory and plans the rest.
//! What needs the disk happens in futures and in tasks that the log owns (`tasks`), never under a borrow.
//!
//! `append` takes batches · `writing` performs the groups' writes · `roll` begins segments and seals them · `sync` makes
//! durable · `read`, `lookup` answer · `open` creates, loads and recovers · `close` ends and
//! deletes · `truncate` cuts.

mod append;
mod close;
mod error;
mod lookup;
mod open;
mod read;
mod roll;
mod sync;
#[cfg(test)]
mod tests;
mod truncate;
mod writing;

pub use append::{Append, AppendBatch, Appended};
pub use error::{AppendError, Failure, LogError, ReadError};
pub use lookup::TimestampOffset;
pub use read::{Read, ReadPlan, ReadSlice};

use super::appender::Appender;
use super::leader_epochs::LeaderEpochs;
use super::producer_state::Producers;
use super::segment::Segment;
use super::tail_cache::{Tail, TailCache, TailPlace};
use crate::base::clock::Clock;
use crate::base::ids::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use crate::rt::TaskSet;
use crate::rt::disk::{BLOCK_BYTES, Disk, DiskMode};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::Rc;

/// Sealed segments of one log whose files are open at a time; the one read longest ago is closed beyond.
const OPEN_SEALED_MAX: usize = 4;

/// How a log behaves: topic configs, by Kafka's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: a segment is rolled before it would grow beyond.
    pub segment_bytes: u64,
    /// `segment.ms`: a segment is rolled when records are this much younger than its first.
    pub segment_ms: i64,
    /// `segment.index.bytes`: a segment is rolled when an index is full.
    pub segment_index_bytes: u64,
    /// `index.interval.bytes` between two index entries.
    pub index_interval_bytes: u64,
    /// `flush.messages`: with 1 an append is answered after an fdatasync; with more, one is begun after so many records.
    pub flush_messages: u64,
    /// The background fdatasync comes at latest so long after a write, in ms ...
    pub sync_interval_ms: u64,
    /// ... or when so many bytes wait for it.
    pub sync_bytes: u64,
    /// `producer.id.expiration.ms`.
    pub producer_expiration_ms: i64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3600 * 1000,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            flush_messages: u64::MAX,
            sync_interval_ms: 1000,
            sync_bytes: 64 << 20,
            producer_expiration_ms: 24 * 3600 * 1000,
        }
    }
}

/// What a log is and where.
#[derive(Clone)]
pub struct LogOptions {
    /// The disk of the log directory.
    pub disk: Disk,
    /// The partition's directory.
    pub dir: PathBuf,
    /// The topic's name.
    pub topic: String,
    /// The partition.
    pub partition: PartitionIndex,
    /// The topic's id, as `partition.metadata` says or will say.
    pub topic_id: TopicId,
    /// Topic configs.
    pub config: LogConfig,
    /// Time.
    pub clock: Clock,
    /// The shard's tail cache.
    pub tail_cache: TailCache,
}

/// What is known of a log before it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The last stop was clean (`.kafka_cleanshutdown`): the files are trusted.
    pub clean: bool,
    /// From `recovery-point-offset-checkpoint`, else 0.
    pub recovery_point: Offset,
    /// From `log-start-offset-checkpoint`, else 0: the start is this, or the first segment's base if that is higher.
    pub log_start_offset: Offset,
}

/// A partition's log.
pub struct Log {
    disk: Disk,
    dir: RefCell<PathBuf>,
    topic: String,
    partition: PartitionIndex,
    topic_id: TopicId,
    clock: Clock,
    tail_cache: TailCache,
    tail: Rc<RefCell<Tail>>,
    state: RefCell<State>,
    tasks: TaskSet,
    on_progress: RefCell<Option<Rc<dyn Fn()>>>,
    pump_scheduled: Cell<bool>,
}

/// What changes.
struct State {
    config: LogConfig,
    /// By base, never empty; the last one is written.
    segments: VecDeque<Segment>,
    log_start: Offset,
    /// The next offset to assign.
    next_offset: Offset,
    /// Below it everything is written, and readable.
    end_offset: Offset,
    /// Where in the files the end offset is.
    written: TailPlace,
    /// Below it everything is synced.
    synced_offset: Offset,
    recovery_point: Offset,
    epochs: LeaderEpochs,
    epochs_dirty: bool,
    producers: Producers,
    appender: Appender,
    waiting: VecDeque<Rc<append::Waiting>>,
    sealing: VecDeque<roll::Seal>,
    sealing_runs: bool,
    sync: sync::SyncState,
    failure: Option<Failure>,
    closing: bool,
    /// Counts reads from segment files.
    reads: u64,
}

impl Log {
    fn new(options: LogOptions, state: State) -> Rc<Self> {
        Rc::new(Self {
            disk: options.disk,
            dir: RefCell::new(options.dir),
            topic: options.topic,
            partition: options.partition,
            topic_id: options.topic_id,
            clock: options.clock,
            tail_cache: options.tail_cache,
            tail: Rc::default(),
            state: RefCell::new(state),
            tasks: TaskSet::new(),
            on_progress: RefCell::new(None),
            pump_scheduled: Cell::new(false),
        })
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The partition.
    pub fn partition(&self) -> PartitionIndex {
        self.partition
    }

    /// The topic's id.
    pub fn topic_id(&self) -> TopicId {
        self.topic_id
    }

    /// The partition's directory.
    pub fn dir(&self) -> PathBuf {
        self.dir.borrow().clone()
    }

    /// The first offset that may be read.
    pub fn start_offset(&self) -> Offset {
        self.state.borrow().log_start
    }

    /// Below it everything is written and may be read.
    pub fn end_offset(&self) -> Offset {
        self.state.borrow().end_offset
    }

    /// The offset that the next record gets.
    pub fn next_offset(&self) -> Offset {
        self.state.borrow().next_offset
    }

    /// Up to here everything is known to be on the device: for `recovery-point-offset-checkpoint`.
    pub fn recovery_point(&self) -> Offset {
        self.state.borrow().recovery_point
    }

    /// The base of the first segment; `log-start-offset-checkpoint` lists the log if its start is above it.
    pub fn first_segment_offset(&self) -> Offset {
        self.state.borrow().segments.front().map_or(Offset::ZERO, |s| s.base)
    }

    /// The bytes of all batches, those on their way included, without indexes and preallocated space.
    pub fn size_bytes(&self) -> u64 {
        self.state.borrow().segments.iter().map(|s| s.bytes).sum()
    }

    /// The number of segments.
    pub fn segment_count(&self) -> usize {
        self.state.borrow().segments.len()
    }

    /// The newest leader epoch, or `NONE`.
    pub fn latest_epoch(&self) -> LeaderEpoch {
        self.state.borrow().epochs.latest()
    }

    /// Notes that `epoch` begins at the next offset, as a leader does when it takes over.
    pub fn assign_epoch(&self, epoch: LeaderEpoch) {
        let mut state = self.state.borrow_mut();
        let start = state.next_offset;
        state.epochs_dirty |= state.epochs.assign(epoch, start);
    }

    /// The epochs and where each begins.
    pub fn epochs(&self) -> LeaderEpochs {
        self.state.borrow().epochs.clone()
    }

    /// Looks at the idempotent producers.
    pub fn with_producers<T>(&self, look: impl FnOnce(&Producers) -> T) -> T {
        look(&self.state.borrow().producers)
    }

    /// Forgets producers that have been silent for `producer.id.expiration.ms`.
    pub fn expire_producers(&self) {
        let now_ms = self.clock.now_ms();
        let mut state = self.state.borrow_mut();
        let expiration_ms = state.config.producer_expiration_ms;
        state.producers.expire(now_ms, expiration_ms);
    }

    /// Changes the topic configs; the next append follows them.
    pub fn set_config(&self, config: LogConfig) {
        self.state.borrow_mut().config = config;
    }

    /// Why the log is offline, if it is: every call fails with this.
    pub fn failure(&self) -> Option<Failure> {
        self.state.borrow().failure.clone()
    }

    /// Calls `callback` whenever the end offset has moved or the log has failed: for the waiting fetches. Replaces the
    /// callback before. It is called without a borrow, from the log's own tasks.
    pub fn on_progress(&self, callback: Rc<dyn Fn()>) {
        *self.on_progress.borrow_mut() = Some(callback);
    }

    fn notify(&self) {
        let callback = self.on_progress.borrow().clone();
        if let Some(callback) = callback {
            callback();
        }
    }
}

/// The blocks that a disk's writes consist of.
fn block_bytes(disk: &Disk) -> usize {
    match disk.mode() {
        DiskMode::Direct | DiskMode::Sim => BLOCK_BYTES,
        DiskMode::PageCache => 1,
    }
}

impl State {
    /// The segment that is written.
    #[expect(
        clippy::expect_used,
        reason = "a log has a segment from the start, and the last one is never removed"
    )]
    fn active(&mut self) -> &mut Segment {
        self.segments.back_mut().expect("a log has a segment")
    }

    /// The place of the segment that holds `offset`.
    fn segment_place(&self, offset: Offset) -> Option<usize> {
        self.segments.partition_point(|s| s.base <= offset).checked_sub(1)
    }

    /// The segment with that base.
    fn segment(&self, base: Offset) -> Option<&Segment> {
        self.segments.get(self.segment_place(base)?).filter(|s| s.base == base)
    }

    /// The segment with that base.
    fn segment_mut(&mut self, base: Offset) -> Option<&mut Segment> {
        let place = self.segment_place(base)?;
        self.segments.get_mut(place).filter(|s| s.base == base)
    }

    /// One owner of the order of the log's offsets.
    fn check(&self) {
        assert!(self.log_start <= self.end_offset, "the log starts before it ends");
        assert!(self.end_offset <= self.next_offset, "what is written has been assigned");
        assert!(self.synced_offset <= self.end_offset, "what is synced has been written");
    }
}
