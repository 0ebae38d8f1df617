//! One open segment file.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;

use super::sim::SimHandle;
use super::{BLOCK_BYTES, Buffer, DiskMode, SharedBuffer, Slice};
use crate::rt::memory::Memory;
use crate::rt::{ring, run_blocking};

/// An open segment file of this shard; clones are the same file. It closes when the last clone goes, `close` does so off
/// the shard's thread.
#[derive(Clone)]
pub struct LogFile {
    inner: Rc<Inner>,
}

enum Inner {
    System { fd: Arc<OwnedFd>, mode: DiskMode },
    Sim(SimHandle),
}

/// An open file on its way to another shard (`LogFile::handle`, `LogFile::from`).
#[derive(Clone, Debug)]
pub struct FileHandle {
    fd: Arc<OwnedFd>,
    mode: DiskMode,
}

impl LogFile {
    pub(super) fn system(file: File, mode: DiskMode) -> Self {
        Self { inner: Rc::new(Inner::System { fd: Arc::new(file.into()), mode }) }
    }

    pub(super) fn sim(handle: SimHandle) -> Self {
        Self { inner: Rc::new(Inner::Sim(handle)) }
    }

    /// How it is read and written.
    pub fn mode(&self) -> DiskMode {
        match &*self.inner {
            Inner::System { mode, .. } => *mode,
            Inner::Sim(_) => DiskMode::Sim,
        }
    }

    /// Positions and lengths of writes are multiples of this many bytes: 4096 for Direct, 1 for PageCache, as chosen for Sim.
    pub fn block_bytes(&self) -> usize {
        match &*self.inner {
            Inner::System { mode: DiskMode::Direct, .. } => BLOCK_BYTES,
            Inner::System { .. } => 1,
            Inner::Sim(handle) => handle.block_bytes(),
        }
    }

    /// The descriptor, for sendfile; none in memory.
    pub fn fd(&self) -> Option<RawFd> {
        match &*self.inner {
            Inner::System { fd, .. } => Some(fd.as_raw_fd()),
            Inner::Sim(_) => None,
        }
    }

    /// Brings a range into the page cache, if it does not seem to be there, without holding the shard. Sending a range
    /// that is not there would hold it for milliseconds. Does nothing for files that bypass the page cache.
    pub async fn warm(&self, position: u64, len: u64) -> io::Result<()> {
        match &*self.inner {
            Inner::System { fd, mode: DiskMode::PageCache } if len > 0 && !is_cached(fd, position, len) => {
                ring::warm(fd, position, len).await
            }
            _ => Ok(()),
        }
    }

    /// The file in a form that may go to another shard; none in memory.
    pub fn handle(&self) -> Option<FileHandle> {
        match &*self.inner {
            Inner::System { fd, mode } => Some(FileHandle { fd: fd.clone(), mode: *mode }),
            Inner::Sim(_) => None,
        }
    }

    /// Writes all of `from` at `position`; both multiples of a block. When it returns, the device (or the page cache)
    /// has it. Errors leave the range undefined: ENOSPC, EIO, `InvalidInput` for a range that is not aligned.
    /// Dropping the future does not stop the write.
    pub async fn write(&self, from: SharedBuffer, position: u64) -> io::Result<()> {
        let block = self.block_bytes() as u64;
        let aligned = (from.len() as u64).is_multiple_of(block) && position.is_multiple_of(block);
        let placed = self.mode() != DiskMode::Direct || (from.as_ptr() as usize).is_multiple_of(BLOCK_BYTES);
        if !(aligned && placed) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a write that is not a whole number of blocks",
            ));
        }
        match &*self.inner {
            Inner::System { fd, .. } => write_all(fd, from, position).await,
            Inner::Sim(handle) => handle.write(&from, position).await,
        }
    }

    /// Reads `len` bytes at `position`, neither of which need be aligned; fewer at the end of the file.
    pub async fn read(&self, position: u64, len: usize) -> io::Result<Slice> {
        match &*self.inner {
            Inner::System { fd, mode } => {
                let block = if *mode == DiskMode::Direct { BLOCK_BYTES as u64 } else { 1 };
                read_range(fd, position, len, block).await
            }
            Inner::Sim(handle) => handle.read(position, len).await,
        }
    }

    /// Makes the blocks of the range exist, so that writes into it need no worker and cannot fail for space: the size
    /// grows to `to` at least, and what was not written reads as zeros. Errors: ENOSPC.
    pub async fn preallocate(&self, from: u64, to: u64) -> io::Result<()> {
        let Some(length) = to.checked_sub(from).filter(|length| *length > 0) else { return Ok(()) };
        match &*self.inner {
            Inner::System { fd, .. } => match ring::allocate(fd, from, length).await {
                Err(error) if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOSYS)) => {
                    if self.len().await? < to { self.truncate(to).await } else { Ok(()) }
                }
                other => other,
            },
            Inner::Sim(handle) => handle.preallocate(to),
        }
    }

    /// Sets the size: cuts off what is beyond, or adds a hole of zeros.
    pub async fn truncate(&self, len: u64) -> io::Result<()> {
        match &*self.inner {
            Inner::System { fd, .. } => {
                let file = fd.clone();
                run_blocking(move || set_len(&file, len)).await
            }
            Inner::Sim(handle) => handle.truncate(len),
        }
    }

    /// fdatasync: what was written before survives a power cut.
    pub async fn sync_data(&self) -> io::Result<()> {
        match &*self.inner {
            Inner::System { fd, .. } => ring::sync_data(fd).await,
            Inner::Sim(handle) => handle.sync().await,
        }
    }

    /// The file's size in bytes, preallocation included.
    pub async fn len(&self) -> io::Result<u64> {
        match &*self.inner {
            Inner::System { fd, .. } => file_len(fd),
            Inner::Sim(handle) => Ok(handle.len()),
        }
    }

    /// Closes the file off the shard's thread, if this is its last user: closing a removed file frees its blocks.
    pub async fn close(self) {
        if let Ok(Inner::System { fd, .. }) = Rc::try_unwrap(self.inner) {
            run_blocking(move || drop(fd)).await;
        }
    }
}

impl From<FileHandle> for LogFile {
    fn from(handle: FileHandle) -> Self {
        Self { inner: Rc::new(Inner::System { fd: handle.fd, mode: handle.mode }) }
    }
}

impl std::fmt::Debug for LogFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogFile({:?}, fd {:?})", self.mode(), self.fd())
    }
}

async fn write_all(fd: &Arc<OwnedFd>, mut from: SharedBuffer, mut position: u64) -> io::Result<()> {
    while !from.is_empty() {
        match ring::write(fd, &from, position).await {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                position += written as u64;
                from = from.slice(written..from.len());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn read_range(fd: &Arc<OwnedFd>, position: u64, len: usize, block: u64) -> io::Result<Slice> {
    if len == 0 {
        return Ok(Slice::empty());
    }
    let start = position - position % block;
    let skip = usize::try_from(position - start).unwrap_or(0);
    let wanted = (skip + len).next_multiple_of(usize::try_from(block).unwrap_or(1));
    let mut memory = Memory::take(wanted);
    let mut filled = 0;
    while filled < skip + len {
        let (bytes, back) = ring::read(fd, memory, filled, wanted - filled, start + filled as u64).await?;
        memory = back;
        filled += bytes;
        // An end within a block is the end of the file: a direct read could not go on from there either.
        if bytes == 0 || !(filled as u64).is_multiple_of(block) {
            break;
        }
    }
    Ok(Buffer::filled(memory, filled).freeze().slice(skip..skip + len).into())
}

/// Whether the range's first and last page are in the page cache: a good sign for the rest. True where one cannot ask.
fn is_cached(fd: &OwnedFd, position: u64, len: u64) -> bool {
    let cached = |position: u64| {
        let mut byte = 0_u8;
        let vector = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let position = libc::off_t::try_from(position).unwrap_or(libc::off_t::MAX);
        // SAFETY: the vector has room for one byte, and lives through the call.
        let read = unsafe { libc::preadv2(fd.as_raw_fd(), &raw const vector, 1, position, libc::RWF_NOWAIT) };
        read >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::WouldBlock
    };
    cached(position + len - 1) && cached(position)
}

fn set_len(fd: &OwnedFd, len: u64) -> io::Result<()> {
    let len = i64::try_from(len).map_err(io::Error::other)?;
    // SAFETY: a plain system call on an open descriptor.
    if unsafe { libc::ftruncate(fd.as_raw_fd(), len) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn file_len(fd: &OwnedFd) -> io::Result<u64> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: fstat fills `stat` when it returns 0, and only then is it read.
    let stat = unsafe {
        if libc::fstat(fd.as_raw_fd(), stat.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        stat.assume_init()
    };
    u64::try_from(stat.st_size).map_err(io::Error::other)
}
