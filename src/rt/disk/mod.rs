//! The one door to the disk. `Disk` opens segment files and handles whole small files; `LogFile` is one open segment.
//!
//! Three kinds stand behind both: Direct (O_DIRECT), PageCache (ordinary buffered files), Sim (memory, with faults).

mod buffer;
pub mod files;
mod log_file;
mod open;
mod sim;

pub use buffer::{Buffer, SharedBuffer, Slice, copied_bytes};
pub use files::{Entry, FileLock, MappedFile};
pub use log_file::{FileHandle, LogFile};
pub use open::Disk;
pub use sim::{Faults, SimDisk};

pub use super::memory::{BLOCK_BYTES, retained_bytes, set_retained_bytes_max};

/// How segment files are asked to be read and written: `ringwood.io.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IoMode {
    /// Direct where the file system takes it, the page cache elsewhere.
    #[default]
    Auto,
    /// O_DIRECT or an error.
    Direct,
    /// The page cache.
    PageCache,
}

/// How segment files are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskMode {
    /// O_DIRECT through io_uring: writes are whole blocks.
    Direct,
    /// Buffered io_uring writes; the page cache serves reads.
    PageCache,
    /// In memory.
    Sim,
}
