//! The tails of a shard's logs, in memory: the very buffers that were written, until a shared budget is used up.
//!
//! `Tail` belongs to one log: the chunks that follow one another without a gap up to what has been handed to the disk,
//! with the position of every batch that begins in them, so that a consumer at the tail needs no index and no scan.
//! `TailCache` belongs to the shard: it counts the bytes of all tails and drops the oldest chunk first. A chunk that is
//! being written is pinned.

use crate::base::ids::Offset;
use crate::rt::disk::{SharedBuffer, Slice};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

/// Chunks without a buffer (page-cache mode) are merged up to this many batches.
const MARKS_PER_CHUNK_MAX: usize = 256;
/// What a chunk costs beside its bytes, roughly.
const CHUNK_OVERHEAD_BYTES: usize = 128;

/// Where a batch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its first offset.
    pub base_offset: Offset,
    /// Its position in the segment's file.
    pub position: u64,
}

/// A piece of a log's tail.
#[derive(Debug)]
pub struct Chunk {
    /// Names it, ascending within a log.
    pub id: u64,
    /// The segment's base offset.
    pub segment: Offset,
    /// The first offset of the batch to which its first byte belongs.
    pub base_offset: Offset,
    /// The chunk answers for the positions from here ...
    pub from: u64,
    /// ... to here.
    pub to: u64,
    /// The position of the buffer's first byte.
    pub start: u64,
    /// The bytes; without it the page cache has them.
    pub buffer: Option<SharedBuffer>,
    /// The batches that begin in it.
    pub marks: Vec<Mark>,
    /// It is being written.
    pub pinned: bool,
}

impl Chunk {
    fn cost_bytes(&self) -> usize {
        let buffer = self.buffer.as_ref().map_or(0, SharedBuffer::held_bytes);
        buffer + self.marks.capacity() * size_of::<Mark>() + CHUNK_OVERHEAD_BYTES
    }
}

/// The budget of a shard's tails.
#[derive(Clone)]
pub struct TailCache {
    inner: Rc<Budget>,
}

struct Budget {
    bytes_max: Cell<usize>,
    bytes: Cell<usize>,
    order: RefCell<VecDeque<(Weak<RefCell<Tail>>, u64)>>,
}

impl TailCache {
    /// A budget of `bytes_max`; 0 keeps nothing but what is being written.
    pub fn new(bytes_max: usize) -> Self {
        let (bytes_max, bytes) = (Cell::new(bytes_max), Cell::new(0));
        Self { inner: Rc::new(Budget { bytes_max, bytes, order: RefCell::default() }) }
    }

    /// Bytes that the tails hold.
    pub fn bytes(&self) -> usize {
        self.inner.bytes.get()
    }

    /// The budget, in bytes.
    pub fn bytes_max(&self) -> usize {
        self.inner.bytes_max.get()
    }

    /// Adds a chunk to a tail and drops the oldest ones beyond the budget, of whatever log.
    pub fn insert(&self, tail: &Rc<RefCell<Tail>>, chunk: Chunk) {
        let inserted = tail.borrow_mut().insert(chunk);
        self.add(inserted.cost_delta);
        if let Some(id) = inserted.new_id {
            self.inner.order.borrow_mut().push_back((Rc::downgrade(tail), id));
        }
        self.trim();
    }

    /// Drops chunks until the budget holds, or a chunk is met that is being written.
    pub fn trim(&self) {
        while self.bytes() > self.bytes_max() {
            let Some((tail, id)) = self.inner.order.borrow_mut().pop_front() else {
                return;
            };
            let Some(tail) = tail.upgrade() else { continue };
            let freed = tail.borrow_mut().evict(id);
            match freed {
                Some(bytes) => self.add(-(bytes as isize)),
                None => {
                    self.inner.order.borrow_mut().push_front((Rc::downgrade(&tail), id));
                    return;
                }
            }
        }
    }

    /// Empties a tail: its log was cut, or goes.
    pub fn forget(&self, tail: &Rc<RefCell<Tail>>) {
        let bytes = tail.borrow_mut().clear();
        self.add(-(bytes as isize));
        let gone = Rc::downgrade(tail);
        self.inner.order.borrow_mut().retain(|(tail, _)| !tail.ptr_eq(&gone));
    }

    fn add(&self, delta: isize) {
        self.inner.bytes.set(self.bytes().saturating_add_signed(delta));
    }
}

/// What an insertion has changed.
struct Inserted {
    cost_delta: isize,
    /// The chunk's id, unless it took the place of another.
    new_id: Option<u64>,
}

/// A place in a tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailPlace {
    /// The segment's base offset.
    pub segment: Offset,
    /// Where a batch begins.
    pub mark: Mark,
}

/// The tail of one log.
#[derive(Debug, Default)]
pub struct Tail {
    chunks: VecDeque<Chunk>,
}

impl Tail {
    fn insert(&mut self, mut chunk: Chunk) -> Inserted {
        let mut delta = 0;
        let mut replaced = None;
        // A group that begins with its predecessor's partial block holds all that the predecessor held.
        while let Some(last) = self.chunks.pop_back_if(|last| absorbs(&chunk, last)) {
            delta -= last.cost_bytes() as isize;
            replaced = Some(last.id);
            chunk.from = last.from;
            chunk.base_offset = last.base_offset;
            chunk.marks.splice(0..0, last.marks);
        }
        let new_id = if replaced.is_none() { Some(chunk.id) } else { None };
        chunk.id = replaced.unwrap_or(chunk.id);
        delta += chunk.cost_bytes() as isize;
        self.chunks.push_back(chunk);
        Inserted { cost_delta: delta, new_id }
    }

    /// The bytes freed; 0 if the chunk is gone already, `None` if it is being written.
    fn evict(&mut self, id: u64) -> Option<usize> {
        let mut freed = 0;
        // Chunks go in their order, so that what remains has no gap.
        while let Some(first) = self.chunks.front() {
            if first.id > id {
                break;
            }
            if first.pinned {
                return None;
            }
            freed += first.cost_bytes();
            self.chunks.pop_front();
        }
        Some(freed)
    }

    fn clear(&mut self) -> usize {
        self.chunks.drain(..).map(|chunk| chunk.cost_bytes()).sum()
    }

    /// What lies in `segment` up to `to`, and before it, has been written.
    pub fn written(&mut self, segment: Offset, to: u64) {
        // What is being written is the end of the tail.
        for chunk in self.chunks.iter_mut().rev().take_while(|chunk| chunk.pinned) {
            chunk.pinned = (chunk.segment, chunk.to) > (segment, to);
        }
    }

    /// Where the tail begins: the first batch whose place it knows.
    pub fn start(&self) -> Option<TailPlace> {
        self.chunks.iter().find_map(|c| Some(TailPlace { segment: c.segment, mark: *c.marks.first()? }))
    }

    /// The batch that holds `offset`, if it begins in the tail.
    pub fn find(&self, offset: Offset) -> Option<TailPlace> {
        let above = self.chunks.partition_point(|c| c.base_offset <= offset);
        self.chunks.range(..above).rev().find_map(|chunk| {
            let mark = chunk.marks.partition_point(|m| m.base_offset <= offset).checked_sub(1)?;
            Some(TailPlace { segment: chunk.segment, mark: *chunk.marks.get(mark)? })
        })
    }

    /// The last batch of `segment` that begins behind `after`, at or before `position`, with an offset of at most `offset`.
    pub fn boundary(&self, segment: Offset, after: u64, position: u64, offset: Offset) -> Option<Mark> {
        let chunks = self.chunks.iter().rev().filter(|c| c.segment == segment && c.from <= position);
        for chunk in chunks.take_while(|c| c.to > after) {
            let known = chunk.marks.partition_point(|m| m.position <= position && m.base_offset <= offset);
            if let Some(mark) = known.checked_sub(1).and_then(|i| chunk.marks.get(i)) {
                return Some(*mark).filter(|m| m.position > after);
            }
        }
        None
    }

    /// The first batch of `segment` that begins behind `after`.
    pub fn next_mark(&self, segment: Offset, after: u64) -> Option<Mark> {
        let first = self.chunks.partition_point(|c| (c.segment, c.to) <= (segment, after));
        let mut chunks = self.chunks.range(first..).take_while(|c| c.segment == segment);
        chunks.find_map(|c| c.marks.get(c.marks.partition_point(|m| m.position <= after)).copied())
    }

    /// The bytes from `from` to `to` of `segment`, without a copy; `None` if they are not all in memory.
    pub fn slices(&self, segment: Offset, from: u64, to: u64) -> Option<Vec<Slice>> {
        let first = self.chunks.partition_point(|c| (c.segment, c.to) <= (segment, from));
        let (mut slices, mut at) = (Vec::new(), from);
        for chunk in self.chunks.range(first..) {
            if at >= to {
                break;
            }
            if chunk.segment != segment || chunk.from > at {
                return None;
            }
            let end = chunk.to.min(to);
            let range = (at - chunk.start) as usize..(end - chunk.start) as usize;
            slices.push(Slice::from(chunk.buffer.as_ref()?.slice(range)));
            at = end;
        }
        (at == to).then_some(slices)
    }

    /// Chunks held.
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

/// Whether `next` holds all that `last` answers for.
fn absorbs(next: &Chunk, last: &Chunk) -> bool {
    if last.segment != next.segment || last.to != next.from || last.pinned {
        return false;
    }
    match (&last.buffer, &next.buffer) {
        (Some(_), Some(_)) => last.from >= next.start,
        (None, None) => last.marks.len() + next.marks.len() <= MARKS_PER_CHUNK_MAX,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rt::disk::Buffer;

    /// A chunk of whole batches of 100 bytes each, one offset per batch, from `first` to `last`.
    fn chunk(id: u64, start: u64, first: i64, last: i64) -> Chunk {
        let mut buffer = Buffer::with_capacity(4096);
        let (from, to) = (first as u64 * 100, (last as u64 + 1) * 100);
        buffer.resize_zeroed((from - start) as usize);
        let offsets = first..=last;
        offsets.clone().for_each(|offset| buffer.extend_from_slice(&[offset as u8; 100]));
        let mark = |offset: i64| Mark { base_offset: Offset::new(offset), position: offset as u64 * 100 };
        Chunk {
            id,
            segment: Offset::ZERO,
            base_offset: Offset::new(first),
            from,
            to,
            start,
            buffer: Some(buffer.freeze()),
            marks: offsets.map(mark).collect(),
            pinned: true,
        }
    }

    fn tail() -> Rc<RefCell<Tail>> {
        Rc::default()
    }

    #[test]
    fn finds_and_slices_without_a_copy() {
        let (cache, tail) = (TailCache::new(1 << 20), tail());
        cache.insert(&tail, chunk(0, 0, 0, 39));
        cache.insert(&tail, chunk(1, 4000, 40, 59));
        let tail = tail.borrow();
        assert_eq!(tail.find(Offset::new(41)).unwrap().mark.position, 4100);
        let slices = tail.slices(Offset::ZERO, 3_900, 4_200).unwrap();
        assert_eq!(slices.iter().map(|s| s.len()).collect::<Vec<_>>(), [100, 200]);
        assert_eq!((slices[0][0], slices[1][0], slices[1][199]), (39, 40, 41));
        assert!(tail.slices(Offset::ZERO, 3_900, 6_001).is_none());
        assert_eq!(tail.boundary(Offset::ZERO, 100, 4_050, Offset::new(99)).unwrap().position, 4_000);
        assert_eq!(tail.boundary(Offset::ZERO, 100, 4_050, Offset::new(7)).unwrap().position, 700);
        assert_eq!(tail.boundary(Offset::ZERO, 100, 150, Offset::new(99)), None);
        assert_eq!(tail.next_mark(Offset::ZERO, 3_900).unwrap().position, 4_000);
        assert_eq!(tail.next_mark(Offset::ZERO, 5_900), None);
    }

    #[test]
    fn a_rewritten_block_takes_the_place_of_its_predecessors() {
        let (cache, tail) = (TailCache::new(1 << 20), tail());
        for offset in 0..30 {
            let mut next = chunk(offset as u64, 0, 0, offset);
            next.from = offset as u64 * 100;
            next.marks = next.marks.split_off(offset as usize);
            next.base_offset = Offset::new(offset);
            cache.insert(&tail, next);
            tail.borrow_mut().written(Offset::ZERO, (offset as u64 + 1) * 100);
        }
        assert_eq!(tail.borrow().len(), 1);
        assert_eq!(tail.borrow().find(Offset::new(3)).unwrap().mark.position, 300);
        assert!(cache.bytes() < 4096 + 2048);
        assert_eq!(cache.inner.order.borrow().len(), 1);
    }

    #[test]
    fn the_budget_drops_the_oldest_of_all_logs_but_not_what_is_being_written() {
        let (cache, first, second) = (TailCache::new(3 * 5_000), tail(), tail());
        for i in 0..4 {
            let tail = if i % 2 == 0 { &first } else { &second };
            cache.insert(tail, chunk(i, 4000 * (i / 2), 40 * (i as i64 / 2), 40 * (i as i64 / 2) + 39));
        }
        assert!(cache.bytes() > cache.bytes_max(), "all are being written");
        first.borrow_mut().written(Offset::ZERO, 4_000);
        cache.trim();
        assert!(cache.bytes() <= cache.bytes_max());
        assert_eq!((first.borrow().len(), second.borrow().len()), (1, 2));
        assert_eq!(first.borrow().find(Offset::new(39)), None);
        cache.forget(&first);
        cache.forget(&second);
        assert_eq!(cache.bytes(), 0);
    }
}
