//! Whole small files and directories, synchronously: for start-up, and behind `Disk`'s asynchronous calls.
#![expect(clippy::disallowed_methods, reason = "this module is the door to the file system")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// Appended to a file's name while its replacement is written; left behind by a crash, and ignored.
pub const TEMPORARY_SUFFIX: &str = ".tmp";

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name; entries whose name is not UTF-8 are left out.
    pub name: String,
    /// Its size in bytes; of no meaning for a directory.
    pub len: u64,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// The whole file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// Puts `bytes` in the file's place so that a crash leaves the old or the new: temporary file, fsync, rename, fsync of
/// the directory.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_path(path);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Writes the file anew, without a sync: a crash may leave part of it.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)
}

/// Adds to the end of the file, which is created if need be; without a sync.
pub fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?.write_all(bytes)
}

/// Creates the directory and its parents; no error if it exists.
pub fn create_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// The directory's entries by name.
pub fn list(path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        match entry.metadata() {
            Ok(metadata) => entries.push(Entry { name, len: metadata.len(), is_dir: metadata.is_dir() }),
            // Removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    entries.sort_unstable();
    Ok(entries)
}

/// Renames a file or directory, over what is there.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Removes a file; no error if there is none.
pub fn remove_file(path: &Path) -> io::Result<()> {
    ignore_missing(fs::remove_file(path))
}

/// Removes a directory and all in it; no error if there is none.
pub fn remove_dir_all(path: &Path) -> io::Result<()> {
    ignore_missing(fs::remove_dir_all(path))
}

/// fsync of a directory: its entries survive a power cut.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// fsync of a file.
pub fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Sets the length of a file.
pub fn truncate(path: &Path, len: u64) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_len(len)
}

/// Whether there is something at `path`.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// Size in bytes of the file.
pub fn file_len(path: &Path) -> io::Result<u64> {
    Ok(fs::metadata(path)?.len())
}

/// An exclusive advisory lock (flock) on a file; released when dropped, and by the kernel when the process dies.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

/// Takes the lock of `path`, creating the file. Errors: `WouldBlock` when another process holds it.
pub fn lock_file(path: &Path) -> io::Result<FileLock> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    // SAFETY: a plain system call on a descriptor that `file` keeps open.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(FileLock { _file: file })
}

/// A file's contents in the address space, read only.
#[derive(Debug)]
pub enum MappedFile {
    /// Mapped from the page cache.
    Mapped(memmap2::Mmap),
    /// An empty or simulated file.
    Owned(Vec<u8>),
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// Maps a whole file for reading. For files that nobody truncates while they are mapped (sealed indexes): reading a
/// page beyond the end would kill the process. A page that is not cached blocks the thread that touches it.
pub fn map_readonly(path: &Path) -> io::Result<MappedFile> {
    let file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(MappedFile::Owned(Vec::new()));
    }
    // SAFETY: the caller keeps the file from being changed or truncated (above); log directories are locked.
    Ok(MappedFile::Mapped(unsafe { memmap2::Mmap::map(&file)? }))
}

fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY_SUFFIX);
    PathBuf::from(name)
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replace_leaves_no_temporary_and_lists_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meta.properties");
        replace(&path, b"one").unwrap();
        replace(&path, b"two!").unwrap();
        append(&path, b"?").unwrap();
        create_dir(&dir.path().join("a/b")).unwrap();
        assert_eq!(read(&path).unwrap(), b"two!?");
        let names: Vec<_> =
            list(dir.path()).unwrap().into_iter().map(|entry| (entry.name, entry.is_dir)).collect();
        assert_eq!(names, [("a".to_owned(), true), ("meta.properties".to_owned(), false)]);
        assert_eq!(file_len(&path).unwrap(), 5);
        remove_dir_all(&dir.path().join("a")).unwrap();
        remove_file(&path).unwrap();
        remove_file(&path).unwrap();
        assert!(!exists(&path));
        assert!(replace(&dir.path().join("none/x"), b"").is_err());
    }

    #[test]
    fn a_lock_is_held_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".lock");
        let held = lock_file(&path).unwrap();
        assert_eq!(lock_file(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(held);
        lock_file(&path).unwrap();
    }

    #[test]
    fn maps_contents_and_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        write(&path, b"abc").unwrap();
        assert_eq!(&map_readonly(&path).unwrap()[..], b"abc");
        truncate(&path, 0).unwrap();
        assert!(map_readonly(&path).unwrap().is_empty());
    }
}
