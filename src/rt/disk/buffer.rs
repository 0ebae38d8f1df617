//! Bytes on their way to and from the disk: `Buffer` is written, `SharedBuffer` and `Slice` are read and passed around.
//!
//! All of them live in aligned memory from the shard's pool, and none leaves its shard.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, Range};
use std::rc::Rc;

use bytes::Bytes;

use crate::rt::memory::Memory;

thread_local! {
    static COPIED_BYTES: Cell<u64> = const { Cell::new(0) };
}

/// Bytes that `Slice::to_bytes` has copied on this thread since it began.
pub fn copied_bytes() -> u64 {
    COPIED_BYTES.with(Cell::get)
}

/// Bytes being assembled; becomes a `SharedBuffer`. Grows as a `Vec` does, but a copy into larger memory is dear: ask for
/// enough at the start.
pub struct Buffer {
    memory: Memory,
    len: usize,
}

impl Buffer {
    /// An empty buffer with room for at least `bytes` (rounded up to the pool's size class).
    pub fn with_capacity(bytes: usize) -> Self {
        Self { memory: Memory::take(bytes), len: 0 }
    }

    /// Bytes it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes it can hold without moving.
    pub fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    /// Bytes that can be added without moving.
    pub fn remaining(&self) -> usize {
        self.capacity() - self.len
    }

    /// Copies `bytes` to the end.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        // SAFETY: `reserve` made room for `bytes.len()` after `len`; `bytes` cannot overlap memory that we own alone.
        unsafe {
            let end = self.memory.start().as_ptr().add(self.len);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), end, bytes.len());
        }
        self.len += bytes.len();
    }

    /// Sets the length: cuts off what is beyond, or fills up with zeros.
    pub fn resize_zeroed(&mut self, len: usize) {
        if let Some(more) = len.checked_sub(self.len) {
            self.reserve(more);
            // SAFETY: `reserve` made room for `more` bytes after `len`.
            unsafe { std::ptr::write_bytes(self.memory.start().as_ptr().add(self.len), 0, more) };
        }
        self.len = len;
    }

    /// Empties it and keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// What it holds.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the first `len` bytes are initialised, and borrowed with `self`.
        unsafe { std::slice::from_raw_parts(self.memory.start().as_ptr(), self.len) }
    }

    /// What it holds, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: the first `len` bytes are initialised, and `self` is their only owner.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start().as_ptr(), self.len) }
    }

    /// Gives it up for sharing, without a copy.
    pub fn freeze(self) -> SharedBuffer {
        SharedBuffer::new(self.memory, 0..self.len)
    }

    /// Takes memory whose first `len` bytes somebody else has filled.
    pub(in crate::rt) fn filled(memory: Memory, len: usize) -> Self {
        let len = len.min(memory.capacity());
        Self { memory, len }
    }

    fn reserve(&mut self, more: usize) {
        if more <= self.remaining() {
            return;
        }
        let mut larger = Self::with_capacity((self.len + more).max(self.capacity() * 2));
        larger.extend_from_slice(self.as_slice());
        *self = larger;
    }
}

impl From<&[u8]> for Buffer {
    fn from(bytes: &[u8]) -> Self {
        let mut buffer = Self::with_capacity(bytes.len());
        buffer.extend_from_slice(bytes);
        buffer
    }
}

/// Immutable bytes in aligned memory; clones and slices share it, and the last one returns it to the pool.
#[derive(Clone)]
pub struct SharedBuffer {
    memory: Rc<Memory>,
    start: usize,
    len: usize,
}

impl SharedBuffer {
    /// SAFETY: the range is initialised, and nobody writes to the memory any more.
    fn new(memory: Memory, range: Range<usize>) -> Self {
        Self { memory: Rc::new(memory), start: range.start, len: range.len() }
    }

    /// The part `range`, sharing the memory; cut to what there is.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let start = range.start.min(self.len);
        let end = range.end.clamp(start, self.len);
        Self { memory: self.memory.clone(), start: self.start + start, len: end - start }
    }

    /// Bytes of memory that it keeps from the pool, however small the slice.
    pub fn held_bytes(&self) -> usize {
        self.memory.capacity()
    }
}

impl Deref for SharedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the range is initialised, inside the allocation, and never written to while shared.
        unsafe { std::slice::from_raw_parts(self.memory.start().as_ptr().add(self.start), self.len) }
    }
}

impl fmt::Debug for SharedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedBuffer({} of {} bytes)", self.len, self.memory.capacity())
    }
}

/// Bytes to be sent: a range of shared aligned memory, or `Bytes` that came from elsewhere. Not `Send`.
#[derive(Clone, Debug)]
pub enum Slice {
    /// Memory of this shard.
    Shared(SharedBuffer),
    /// Memory of anybody.
    Bytes(Bytes),
}

impl Slice {
    /// No bytes.
    pub const fn empty() -> Self {
        Self::Bytes(Bytes::new())
    }

    /// The part `range`, sharing the memory; cut to what there is.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        match self {
            Self::Shared(shared) => Self::Shared(shared.slice(range)),
            Self::Bytes(bytes) => {
                let start = range.start.min(bytes.len());
                Self::Bytes(bytes.slice(start..range.end.clamp(start, bytes.len())))
            }
        }
    }

    /// The bytes in a form that may leave the shard: copies shared memory, and counts it (`copied_bytes`).
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Shared(shared) => {
                COPIED_BYTES.with(|copied| copied.set(copied.get() + shared.len() as u64));
                Bytes::copy_from_slice(shared)
            }
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl Deref for Slice {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Shared(shared) => shared,
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl From<SharedBuffer> for Slice {
    fn from(shared: SharedBuffer) -> Self {
        Self::Shared(shared)
    }
}

impl From<Bytes> for Slice {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_grows_shrinks_and_pads() {
        let mut buffer = Buffer::with_capacity(100);
        assert_eq!((buffer.capacity(), buffer.is_empty()), (4096, true));
        buffer.extend_from_slice(&[7; 4000]);
        buffer.extend_from_slice(&[8; 200]);
        assert_eq!((buffer.len(), buffer.capacity()), (4200, 8192));
        assert_eq!((buffer.as_slice()[3999], buffer.as_slice()[4000]), (7, 8));
        buffer.resize_zeroed(2);
        buffer.resize_zeroed(5);
        assert_eq!(buffer.as_slice(), [7, 7, 0, 0, 0]);
        buffer.as_mut_slice()[4] = 9;
        assert_eq!(&buffer.freeze()[..], [7, 7, 0, 0, 9]);
    }

    #[test]
    fn slices_share_and_are_cut_to_what_there_is() {
        let shared = Buffer::from(&b"hello world"[..]).freeze();
        let part = shared.slice(6..99);
        assert_eq!(&part[..], b"world");
        assert_eq!(&part.slice(1..3)[..], b"or");
        assert_eq!(part.as_ptr(), shared[6..].as_ptr());
        assert!(part.slice(7..9).is_empty());
        let before = copied_bytes();
        let slice = Slice::from(part);
        assert_eq!(slice.to_bytes(), "world");
        assert_eq!(copied_bytes() - before, 5);
        assert_eq!(&Slice::from(Bytes::from_static(b"abc")).slice(1..9)[..], b"bc");
    }
}
