//! What a shard asks of its ring.

use std::io;
use std::os::fd::AsRawFd;

use io_uring::{opcode, squeue, types};

use super::{Fd, Keep, Ring};
use crate::rt::disk::SharedBuffer;
use crate::rt::memory::Memory;

/// The page cache's unit, in bytes, for touching a range's last page.
const PAGE_BYTES: u64 = 4096;

/// Writes `from` at `position`; the bytes written may be fewer.
pub(in crate::rt) async fn write(fd: &Fd, from: &SharedBuffer, position: u64) -> io::Result<usize> {
    let length = u32::try_from(from.len()).unwrap_or(u32::MAX);
    let entry = opcode::Write::new(types::Fd(fd.as_raw_fd()), from.as_ptr(), length).offset(position).build();
    let keep = Keep::Write { _fd: fd.clone(), _from: from.clone() };
    Ring::current()?.submit(entry, keep).await.0
}

/// Reads up to `length` bytes at `position` into `into` from its byte `skip` on, and gives the memory back. Zero bytes: end of file.
pub(in crate::rt) async fn read(
    fd: &Fd,
    into: Memory,
    skip: usize,
    length: usize,
    position: u64,
) -> io::Result<(usize, Memory)> {
    let length = u32::try_from(length.min(into.capacity().saturating_sub(skip))).unwrap_or(u32::MAX);
    // SAFETY: `skip` is within the allocation, or `length` is zero and the place is never used.
    let place = unsafe { into.start().as_ptr().add(skip.min(into.capacity())) };
    let entry = opcode::Read::new(types::Fd(fd.as_raw_fd()), place, length).offset(position).build();
    match Ring::current()?.submit(entry, Keep::Read { _fd: fd.clone(), into }).await {
        (Ok(bytes), Some(Keep::Read { into, .. })) => Ok((bytes, into)),
        (Err(error), _) => Err(error),
        (Ok(_), _) => Err(io::Error::other("a read without its memory")),
    }
}

/// fdatasync.
pub(in crate::rt) async fn sync_data(fd: &Fd) -> io::Result<()> {
    let entry = opcode::Fsync::new(types::Fd(fd.as_raw_fd())).flags(types::FsyncFlags::DATASYNC).build();
    Ring::current()?.submit(entry, Keep::Fd { _fd: fd.clone() }).await.0.map(drop)
}

/// fallocate with mode 0: the blocks exist, read as zeros, and the file's size covers them.
pub(in crate::rt) async fn allocate(fd: &Fd, position: u64, length: u64) -> io::Result<()> {
    let entry = opcode::Fallocate::new(types::Fd(fd.as_raw_fd()), length).offset(position).build();
    Ring::current()?.submit(entry, Keep::Fd { _fd: fd.clone() }).await.0.map(drop)
}

/// Brings a range of a buffered file into the page cache without holding the shard: reads ahead, and waits for the last page.
pub(in crate::rt) async fn warm(fd: &Fd, position: u64, length: u64) -> io::Result<()> {
    let ring = Ring::current()?;
    let ahead = opcode::Fadvise::new(
        types::Fd(fd.as_raw_fd()),
        libc::off_t::try_from(length).unwrap_or(0),
        libc::POSIX_FADV_WILLNEED,
    );
    let ahead = ahead.offset(position).build().flags(squeue::Flags::IO_LINK);
    drop(ring.submit(ahead, Keep::Fd { _fd: fd.clone() }));
    let last_page = (position + length).saturating_sub(1) / PAGE_BYTES * PAGE_BYTES;
    read(fd, Memory::take(1), 0, 1, last_page.max(position)).await.map(drop)
}

/// Waits until one of `events` (POLLIN, POLLOUT) or an error or hang-up stands on the descriptor.
pub(in crate::rt) async fn ready(fd: &Fd, events: libc::c_short) -> io::Result<()> {
    let mask = u32::from(events.cast_unsigned());
    let entry = opcode::PollAdd::new(types::Fd(fd.as_raw_fd()), mask).build();
    let mut operation = Ring::current()?.submit(entry, Keep::Fd { _fd: fd.clone() });
    operation.cancel = true;
    operation.await.0.map(drop)
}
