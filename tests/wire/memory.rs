//! The memory that a piece of code takes, by an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

/// From this size on memory is only reserved, in bytes. The `kafka-protocol` crates reserve whatever a message claims, and
/// would end the whole test when there is not so much.
const HUGE_BYTES: usize = 1 << 28;

/// Counts what the thread has allocated, now and at most.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    NOW.set(NOW.get() + bytes);
    MOST.set(MOST.get().max(NOW.get()));
}

/// Addresses with no memory behind them until they are written to; null if there are none.
fn reserve(bytes: usize) -> *mut u8 {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping touches no other; page alignment is enough for any layout in these tests.
    let pointer = unsafe { libc::mmap(ptr::null_mut(), bytes, access, flags, -1, 0) };
    if pointer == libc::MAP_FAILED { ptr::null_mut() } else { pointer.cast() }
}

// SAFETY: small layouts are passed on to the system's allocator, large ones mapped; the counters take no memory of their own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        if layout.size() >= HUGE_BYTES {
            return reserve(layout.size());
        }
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        if layout.size() >= HUGE_BYTES {
            // SAFETY: so large a layout came from `reserve`.
            unsafe { libc::munmap(pointer.cast(), layout.size()) };
            return;
        }
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The most memory that `run` held at a time, in bytes.
pub fn memory(run: impl FnOnce()) -> usize {
    let before = NOW.get();
    MOST.set(before);
    run();
    (MOST.get() - before) as usize
}
