//! Turns appended batches into writes: which bytes go out together, when, and what has been written. Pure: no I/O here,
//! `log/writing.rs` performs the writes that this plans.
//!
//! What arrives while a write is in flight goes out with the next one (natural grouping). On a disk that takes whole
//! blocks only, two writes in flight never share a block: under load a group is written up to its last full block and
//! the rest rides with the next one, so several writes are in flight; only when nothing follows is the partial block
//! written, zero-padded, and it is written again in place later, alone. A group's buffer begins at a block, so its first
//! bytes may repeat the partial block before it. On a disk without blocks one write per segment is in flight.
//!
//! A group has a destination, the segment file; a shared journal would be another one.

use super::tail_cache::{Chunk, Mark, TailPlace};
use crate::base::ids::{Offset, Position};
use crate::rt::disk::{Buffer, SharedBuffer};
use std::collections::VecDeque;

/// Writes of one log in flight; what arrives meanwhile waits for one of them.
pub const WRITES_IN_FLIGHT_MAX: usize = 4;
/// The largest write, in bytes, and the largest buffer of a group.
pub const GROUP_BYTES_MAX: usize = 1 << 20;
/// Under load a group is not written in parallel to others before it has this many bytes: a write has a price.
pub const PIPELINED_BYTES_MIN: usize = 64 << 10;
/// The smallest buffer.
const GROUP_BYTES_MIN: usize = 4 << 10;

/// Bytes of one segment on their way.
struct Group {
    segment: Offset,
    /// The file position of the buffer's first byte; a block's start.
    start: u64,
    /// The position of the first byte that no earlier group holds.
    fresh: u64,
    buffer: Buffer,
    marks: Vec<Mark>,
    /// The first offset of the batch to which the byte at `fresh` belongs.
    base_offset: Offset,
    /// The bytes from `start` to `fresh` are still to be read from the file.
    prefix_missing: bool,
}

impl Group {
    fn end(&self) -> u64 {
        self.start + self.buffer.len() as u64
    }
}

/// A write to be performed.
pub struct Write {
    /// Names it to `completed`.
    pub id: u64,
    /// The segment's base offset.
    pub segment: Offset,
    /// Where to.
    pub position: u64,
    /// What, padded to whole blocks.
    pub bytes: SharedBuffer,
    /// What the tail cache keeps of it.
    pub chunk: Option<Chunk>,
}

struct Flight {
    id: u64,
    segment: Offset,
    /// The end of the log's bytes in it, padding excluded.
    end: u64,
    partial: bool,
    done: bool,
}

/// The end of a batch that is not written yet.
struct Boundary {
    segment: Offset,
    end: u64,
    next_offset: Offset,
}

/// What has been written without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The segment that the last write went to.
    pub segment: Offset,
    /// Up to here.
    pub end: Position,
    /// Where the last whole batch ends and the next offset begins; `None` if no batch was completed.
    pub boundary: Option<TailPlace>,
}

/// The groups of one log.
pub struct Appender {
    block_bytes: u64,
    filling: Option<Group>,
    /// Groups that take no more bytes, in order: full buffers and the ends of segments.
    sealed: VecDeque<Group>,
    flights: VecDeque<Flight>,
    boundaries: VecDeque<Boundary>,
    /// The bytes of the log that lie in the last block begun, for the next group to repeat: where, and a copy, for a share
    /// of the group's buffer would keep all of that.
    partial_block: Option<(Offset, u64, Box<[u8]>)>,
    next_id: u64,
    next_buffer_bytes: usize,
    /// Something arrived while a write was in flight: more will.
    loaded: bool,
}

impl Appender {
    /// Nothing to write, to a disk of blocks of `block_bytes` (1 without blocks).
    pub fn new(block_bytes: usize) -> Self {
        Self {
            block_bytes: block_bytes as u64,
            filling: None,
            sealed: VecDeque::new(),
            flights: VecDeque::new(),
            boundaries: VecDeque::new(),
            partial_block: None,
            next_id: 0,
            next_buffer_bytes: GROUP_BYTES_MIN,
            loaded: false,
        }
    }

    /// Whether nothing waits and nothing is in flight.
    pub fn is_idle(&self) -> bool {
        self.filling.is_none() && self.sealed.is_empty() && self.flights.is_empty()
    }

    /// Takes a batch (in pieces: header, rest) that begins at `position` of `segment`.
    pub fn push(
        &mut self,
        segment: Offset,
        position: Position,
        pieces: [&[u8]; 2],
        base: Offset,
        next: Offset,
    ) {
        self.loaded |= !self.flights.is_empty();
        let mut at = position.get();
        let end = at + pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        let mut mark = Some(Mark { base_offset: base, position: at });
        for mut piece in pieces {
            while !piece.is_empty() {
                let group = self.group_at(segment, at, (end - at) as usize, base);
                group.marks.extend(mark.take());
                let room = group.buffer.remaining().min(piece.len());
                let (now, later) = piece.split_at_checked(room).unwrap_or((piece, &[]));
                group.buffer.extend_from_slice(now);
                at += now.len() as u64;
                piece = later;
            }
        }
        self.boundaries.push_back(Boundary { segment, end, next_offset: next });
    }

    /// The group that takes the bytes at `at`, with room for one at least.
    fn group_at(&mut self, segment: Offset, at: u64, wanted: usize, base_offset: Offset) -> &mut Group {
        let full = self.filling.as_ref().is_some_and(|group| group.buffer.remaining() == 0);
        if full && let Some(group) = self.filling.take() {
            // Buffers are whole blocks, so nothing of a full one rides with the next.
            self.next_buffer_bytes = (self.next_buffer_bytes * 2).min(GROUP_BYTES_MAX);
            self.sealed.push_back(group);
            self.partial_block = None;
        }
        let start = at - at % self.block_bytes;
        let partial = self.partial_block.take();
        let wanted = (wanted + (at - start) as usize).min(GROUP_BYTES_MAX).max(self.next_buffer_bytes);
        let capacity = wanted.next_multiple_of(GROUP_BYTES_MIN);
        self.filling.get_or_insert_with(|| new_group(segment, start, at, base_offset, capacity, partial))
    }

    /// The last bytes of `segment` have come: what follows belongs to another file.
    pub fn end_segment(&mut self) {
        if let Some(group) = self.filling.take() {
            self.sealed.push_back(group);
        }
        self.partial_block = None;
    }

    /// Which bytes of `segment` must be read from its file before anything can be written: the beginning of the block
    /// in which a reopened log goes on.
    pub fn missing_prefix(&self, segment: Offset) -> Option<(Position, usize)> {
        let group =
            self.sealed.iter().chain(&self.filling).find(|g| g.segment == segment && g.prefix_missing)?;
        Some((Position::new(group.start), (group.fresh - group.start) as usize))
    }

    /// Brings the missing beginning of the block.
    pub fn set_prefix(&mut self, segment: Offset, bytes: &[u8]) {
        let mut groups = self.sealed.iter_mut().chain(&mut self.filling);
        let Some(group) = groups.find(|g| g.segment == segment && g.prefix_missing) else {
            return;
        };
        for (place, byte) in group.buffer.as_mut_slice().iter_mut().zip(bytes) {
            *place = *byte;
        }
        group.prefix_missing = false;
    }

    /// The segment that the next write goes to, if something waits.
    pub fn next_segment(&self) -> Option<Offset> {
        self.sealed.front().or(self.filling.as_ref()).map(|group| group.segment)
    }

    /// The next write, if one may start now.
    pub fn next_write(&mut self) -> Option<Write> {
        let segment = self.next_segment()?;
        if self.flights.len() >= WRITES_IN_FLIGHT_MAX || self.is_blocked(segment) {
            return None;
        }
        if let Some(group) = self.sealed.pop_front() {
            return Some(self.launch(group));
        }
        let block = usize::try_from(self.block_bytes).unwrap_or(1);
        let len = self.filling.as_ref()?.buffer.len();
        let whole = len - len % block;
        let idle = self.flights.is_empty();
        if block > 1 && self.loaded && whole >= PIPELINED_BYTES_MIN {
            self.loaded = false;
            return self.launch_whole_blocks(whole);
        }
        if !idle {
            return None;
        }
        self.loaded = false;
        let group = self.filling.take()?;
        self.next_buffer_bytes =
            group.buffer.len().next_power_of_two().clamp(GROUP_BYTES_MIN, GROUP_BYTES_MAX);
        Some(self.launch(group))
    }

    /// Whether the next write of `segment` must wait: one in flight may share a block with it, or belongs to the segment
    /// before (so that a crash leaves no records behind a segment that lacks its end).
    fn is_blocked(&self, segment: Offset) -> bool {
        self.flights.iter().any(|f| f.partial || self.block_bytes == 1 || f.segment != segment)
    }

    /// Writes the whole blocks of the filling group; the rest begins the next one.
    fn launch_whole_blocks(&mut self, whole: usize) -> Option<Write> {
        let mut group = self.filling.take()?;
        let cut = group.start + whole as u64;
        let rest = group.buffer.as_slice().get(whole..).unwrap_or_default();
        if !rest.is_empty() {
            let mut buffer = Buffer::with_capacity(self.next_buffer_bytes);
            buffer.extend_from_slice(rest);
            let marks = group.marks.split_off(group.marks.partition_point(|m| m.position < cut));
            let base_offset = match marks.first() {
                Some(first) if first.position == cut => first.base_offset,
                _ => group.marks.last().map_or(group.base_offset, |m| m.base_offset),
            };
            let (segment, start, fresh, prefix_missing) = (group.segment, cut, cut, false);
            self.filling = Some(Group { segment, start, fresh, buffer, marks, base_offset, prefix_missing });
        }
        group.buffer.resize_zeroed(whole);
        Some(self.launch(group))
    }

    fn launch(&mut self, mut group: Group) -> Write {
        assert!(!group.prefix_missing, "the block's beginning is read before it is written");
        let end = group.end();
        let block = usize::try_from(self.block_bytes).unwrap_or(1);
        let data_bytes = group.buffer.len();
        let partial = !data_bytes.is_multiple_of(block);
        group.buffer.resize_zeroed(data_bytes.next_multiple_of(block));
        let bytes = group.buffer.freeze();
        // A group that ended its segment leaves nothing for the next one to repeat.
        if partial && self.filling.is_none() && self.sealed.is_empty() {
            let begun = data_bytes - data_bytes % block;
            let copy = bytes.get(begun..data_bytes).unwrap_or_default().into();
            self.partial_block = Some((group.segment, group.start + begun as u64, copy));
        }
        let id = self.next_id;
        self.next_id += 1;
        self.flights.push_back(Flight { id, segment: group.segment, end, partial, done: false });
        let chunk = Chunk {
            id,
            segment: group.segment,
            base_offset: group.base_offset,
            from: group.fresh,
            to: end,
            start: group.start,
            buffer: (block > 1).then(|| bytes.clone()),
            marks: group.marks,
            pinned: true,
        };
        Write { id, segment: group.segment, position: group.start, bytes, chunk: Some(chunk) }
    }

    /// A write is done. Says how far the log is now written without a gap, if that has moved.
    pub fn completed(&mut self, id: u64) -> Option<Written> {
        self.flights.iter_mut().find(|f| f.id == id)?.done = true;
        let mut written = None;
        while let Some(flight) = self.flights.pop_front_if(|f| f.done) {
            let mut boundary = written.and_then(|w: Written| w.boundary);
            let reached = |b: &mut Boundary| (b.segment, b.end) <= (flight.segment, flight.end);
            while let Some(b) = self.boundaries.pop_front_if(reached) {
                let mark = Mark { base_offset: b.next_offset, position: b.end };
                boundary = Some(TailPlace { segment: b.segment, mark });
            }
            written = Some(Written { segment: flight.segment, end: Position::new(flight.end), boundary });
        }
        written
    }

    /// Forgets everything: the log has failed, or was cut.
    pub fn clear(&mut self) {
        *self = Self { next_id: self.next_id, ..Self::new(usize::try_from(self.block_bytes).unwrap_or(1)) };
    }
}

fn new_group(
    segment: Offset,
    start: u64,
    at: u64,
    base_offset: Offset,
    capacity: usize,
    partial: Option<(Offset, u64, Box<[u8]>)>,
) -> Group {
    let mut buffer = Buffer::with_capacity(capacity);
    let prefix = usize::try_from(at - start).unwrap_or(0);
    let known =
        partial.filter(|(of, position, bytes)| *of == segment && *position == start && bytes.len() == prefix);
    match &known {
        Some((_, _, bytes)) => buffer.extend_from_slice(bytes),
        None => buffer.resize_zeroed(prefix),
    }
    let prefix_missing = prefix > 0 && known.is_none();
    Group { segment, start, fresh: at, buffer, marks: Vec::new(), base_offset, prefix_missing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use std::collections::BTreeMap;

    /// Files by segment, as the writes leave them.
    #[derive(Default)]
    struct Files(BTreeMap<Offset, Vec<u8>>);

    impl Files {
        fn write(&mut self, write: &Write) {
            let file = self.0.entry(write.segment).or_default();
            let end = write.position as usize + write.bytes.len();
            file.resize(file.len().max(end), 0);
            file[write.position as usize..end].copy_from_slice(&write.bytes);
        }
    }

    struct Run {
        random: Random,
        appender: Appender,
        files: Files,
        expected: BTreeMap<Offset, Vec<u8>>,
        in_flight: Vec<Write>,
        most_in_flight: usize,
        segment: Offset,
        next: i64,
        /// Offsets below it were reported as written.
        reached: i64,
    }

    impl Run {
        fn push(&mut self) {
            let bytes = match self.random.below(40) {
                0 => self.random.below(3 << 20) as usize,
                1..=9 => self.random.below(100_000) as usize,
                _ => self.random.below(3_000) as usize,
            } + 61;
            let fill = self.next as u8;
            let batch = vec![fill; bytes];
            let file = self.expected.entry(self.segment).or_default();
            let position = Position::new(file.len() as u64);
            file.extend_from_slice(&batch);
            let (head, rest) = batch.split_at(61);
            let (base, next) = (Offset::new(self.next), Offset::new(self.next + 1));
            self.appender.push(self.segment, position, [head, rest], base, next);
            self.next += 1;
        }

        fn launch(&mut self) {
            while let Some(write) = self.appender.next_write() {
                let range = |w: &Write| (w.segment, w.position, w.position + w.bytes.len() as u64);
                let (segment, start, end) = range(&write);
                for other in self.in_flight.iter().map(range) {
                    assert_eq!(other.0, segment, "a segment's end comes before the next one's beginning");
                    assert!(other.2 <= start || end <= other.1, "two writes in flight share a block");
                }
                self.in_flight.push(write);
                self.most_in_flight = self.most_in_flight.max(self.in_flight.len());
            }
        }

        fn complete(&mut self) {
            if self.in_flight.is_empty() {
                return;
            }
            let any = self.random.below(self.in_flight.len() as u64) as usize;
            let write = self.in_flight.swap_remove(any);
            self.files.write(&write);
            let Some(written) = self.appender.completed(write.id) else { return };
            if let Some(boundary) = written.boundary {
                let mark = boundary.mark;
                assert!(mark.base_offset.get() > self.reached);
                self.reached = mark.base_offset.get();
                let file = &self.files.0[&boundary.segment];
                let expected = &self.expected[&boundary.segment];
                let end = mark.position as usize;
                assert!(file[..end] == expected[..end], "what is reported as written is there");
            }
        }
    }

    fn run(seed: u64, block_bytes: usize) -> usize {
        let mut run = Run {
            random: Random::from_seed(seed),
            appender: Appender::new(block_bytes),
            files: Files::default(),
            expected: BTreeMap::new(),
            in_flight: Vec::new(),
            most_in_flight: 0,
            segment: Offset::ZERO,
            next: 0,
            reached: 0,
        };
        for _ in 0..300 {
            match run.random.below(10) {
                0..=4 => run.push(),
                5 if run.random.below(10) == 0 => {
                    run.appender.end_segment();
                    run.segment = Offset::new(run.next);
                }
                6..=7 => run.launch(),
                _ => run.complete(),
            }
        }
        while !run.appender.is_idle() {
            run.launch();
            run.complete();
        }
        assert_eq!(run.reached, run.next, "everything was reported, seed {seed}");
        for (segment, expected) in &run.expected {
            let file = &run.files.0[segment];
            assert!(file[..expected.len()] == expected[..], "seed {seed}");
            assert!(file[expected.len()..].iter().all(|b| *b == 0), "padding is zeros, seed {seed}");
        }
        run.most_in_flight
    }

    #[test]
    fn whatever_the_order_of_completion_the_file_is_right() {
        let most = (0..25).map(|seed| run(seed, 4096)).max();
        assert_eq!(most, Some(WRITES_IN_FLIGHT_MAX), "a busy log has several writes in flight");
        let most = (0..10).map(|seed| run(seed, 1)).max();
        assert_eq!(most, Some(1), "without blocks one at a time");
    }

    #[test]
    fn a_reopened_log_reads_the_beginning_of_its_block() {
        let mut appender = Appender::new(4096);
        let (base, next) = (Offset::new(3), Offset::new(4));
        appender.push(Offset::ZERO, Position::new(5_000), [&[1; 61], &[2; 10]], base, next);
        assert_eq!(appender.missing_prefix(Offset::ZERO), Some((Position::new(4096), 904)));
        appender.set_prefix(Offset::ZERO, &[9; 904]);
        let write = appender.next_write().unwrap();
        assert_eq!((write.position, write.bytes.len()), (4096, 4096));
        assert_eq!((write.bytes[903], write.bytes[904], write.bytes[974], write.bytes[975]), (9, 1, 2, 0));
    }

    #[test]
    fn one_small_append_at_a_time_is_one_write_each() {
        let mut appender = Appender::new(4096);
        for i in 0..10u64 {
            let (base, next) = (Offset::new(i as i64), Offset::new(i as i64 + 1));
            appender.push(Offset::ZERO, Position::new(i * 100), [&[1; 61], &[2; 39]], base, next);
            let write = appender.next_write().unwrap();
            assert_eq!((write.position, write.bytes.len()), (0, 4096), "in place");
            assert!(appender.next_write().is_none());
            let written = appender.completed(write.id).unwrap();
            assert_eq!(written.boundary.unwrap().mark, Mark { base_offset: next, position: (i + 1) * 100 });
        }
    }
}
