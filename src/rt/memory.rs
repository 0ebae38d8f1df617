//! Aligned memory that the shard recycles: a page's first touch costs far more than copying into it.
//!
//! `Memory` is one allocation of a size class; when the last owner lets go, it returns to the thread's pool.

use std::alloc::{self, Layout};
use std::cell::RefCell;
use std::ptr::NonNull;

/// Alignment of every allocation, and the unit of its size, in bytes: what O_DIRECT asks for on every common device.
pub const BLOCK_BYTES: usize = 4096;
/// The largest size class, in bytes; more is allocated exactly and never recycled.
pub const CLASS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Free bytes that a thread keeps for later, unless `set_retained_bytes_max` says otherwise; what comes back beyond is freed.
pub const RETAINED_BYTES_MAX: usize = 32 * 1024 * 1024;

const CLASSES: usize = (CLASS_BYTES_MAX / BLOCK_BYTES).ilog2() as usize + 1;
const _: () = assert!(BLOCK_BYTES << (CLASSES - 1) == CLASS_BYTES_MAX);

/// One aligned allocation; its bytes are uninitialised or stale until written.
pub(super) struct Memory {
    start: NonNull<u8>,
    capacity: usize,
}

impl Memory {
    /// At least `bytes` (and one block), from the thread's pool when it has some.
    pub(super) fn take(bytes: usize) -> Self {
        let capacity = class_bytes(bytes);
        let recycled = class_of(capacity)
            .and_then(|class| POOL.try_with(|pool| pool.borrow_mut().take(class)).ok().flatten());
        let start = recycled.unwrap_or_else(|| allocate(capacity));
        Self { start, capacity }
    }

    /// Its size in bytes, a multiple of a block.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Its first byte.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let kept = class_of(self.capacity)
            .and_then(|class| POOL.try_with(|pool| pool.borrow_mut().give(class, self.start)).ok())
            .unwrap_or(false);
        if !kept {
            free(self.start, self.capacity);
        }
    }
}

/// Sets how many free bytes this thread's pool keeps; frees what is above.
pub fn set_retained_bytes_max(bytes: usize) {
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        pool.retained_bytes_max = bytes;
        pool.shrink();
    });
}

/// Free bytes that this thread's pool holds now.
pub fn retained_bytes() -> usize {
    POOL.try_with(|pool| pool.borrow().retained_bytes).unwrap_or(0)
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

struct Pool {
    free: [Vec<NonNull<u8>>; CLASSES],
    retained_bytes: usize,
    retained_bytes_max: usize,
}

impl Pool {
    const fn new() -> Self {
        Self {
            free: [const { Vec::new() }; CLASSES],
            retained_bytes: 0,
            retained_bytes_max: RETAINED_BYTES_MAX,
        }
    }

    fn take(&mut self, class: usize) -> Option<NonNull<u8>> {
        let start = self.free.get_mut(class)?.pop()?;
        self.retained_bytes -= BLOCK_BYTES << class;
        Some(start)
    }

    /// Whether it was kept.
    fn give(&mut self, class: usize, start: NonNull<u8>) -> bool {
        let bytes = BLOCK_BYTES << class;
        let Some(free) = self.free.get_mut(class) else { return false };
        if self.retained_bytes + bytes > self.retained_bytes_max {
            return false;
        }
        free.push(start);
        self.retained_bytes += bytes;
        true
    }

    fn shrink(&mut self) {
        for (class, list) in self.free.iter_mut().enumerate().rev() {
            while self.retained_bytes > self.retained_bytes_max {
                let Some(start) = list.pop() else { break };
                free(start, BLOCK_BYTES << class);
                self.retained_bytes -= BLOCK_BYTES << class;
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.retained_bytes_max = 0;
        self.shrink();
    }
}

/// The size that `bytes` are given: the next power of two of blocks, or whole blocks above the largest class.
fn class_bytes(bytes: usize) -> usize {
    let blocks = bytes.div_ceil(BLOCK_BYTES).max(1);
    if blocks * BLOCK_BYTES <= CLASS_BYTES_MAX {
        blocks.next_power_of_two() * BLOCK_BYTES
    } else {
        blocks * BLOCK_BYTES
    }
}

fn class_of(capacity: usize) -> Option<usize> {
    let class = (capacity / BLOCK_BYTES).ilog2() as usize;
    (class < CLASSES && BLOCK_BYTES << class == capacity).then_some(class)
}

#[expect(clippy::expect_used, reason = "a size within isize::MAX and a constant power of two make a layout")]
fn layout(capacity: usize) -> Layout {
    Layout::from_size_align(capacity, BLOCK_BYTES).expect("a layout")
}

fn allocate(capacity: usize) -> NonNull<u8> {
    let layout = layout(capacity);
    // SAFETY: the size is at least one block, never zero.
    NonNull::new(unsafe { alloc::alloc(layout) }).unwrap_or_else(|| alloc::handle_alloc_error(layout))
}

fn free(start: NonNull<u8>, capacity: usize) {
    // SAFETY: `start` came from `allocate(capacity)` and nobody refers to it any more.
    unsafe { alloc::dealloc(start.as_ptr(), layout(capacity)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_up_to_classes() {
        for (asked, given) in [
            (0, 4096),
            (1, 4096),
            (4096, 4096),
            (4097, 8192),
            (700_000, 1 << 20),
            (CLASS_BYTES_MAX, CLASS_BYTES_MAX),
        ] {
            assert_eq!(Memory::take(asked).capacity(), given);
        }
        let big = Memory::take(CLASS_BYTES_MAX + 1);
        assert_eq!(big.capacity(), CLASS_BYTES_MAX + BLOCK_BYTES);
        assert_eq!(class_of(big.capacity()), None);
        assert_eq!(big.start().as_ptr() as usize % BLOCK_BYTES, 0);
    }

    #[test]
    fn memory_comes_back_and_the_pool_is_bounded() {
        std::thread::spawn(|| {
            set_retained_bytes_max(64 * 1024);
            let first = Memory::take(10_000);
            let place = first.start();
            drop(first);
            assert_eq!(retained_bytes(), 16384);
            assert_eq!(Memory::take(9_000).start(), place);
            let many: Vec<_> = (0..20).map(|_| Memory::take(8192)).collect();
            drop(many);
            assert!(retained_bytes() <= 64 * 1024);
            set_retained_bytes_max(0);
            assert_eq!(retained_bytes(), 0);
        })
        .join()
        .unwrap();
    }
}
