//! The door: one `Disk` per log directory and shard.
#![expect(clippy::disallowed_methods, reason = "this module is the door to the file system")]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::files::{self, Entry, MappedFile};
use super::sim::SimDisk;
use super::{BLOCK_BYTES, Buffer, DiskMode, IoMode, LogFile};
use crate::rt::run_blocking;

/// A log directory as this shard reaches it. Paths are whole paths, not relative to it. Clones are cheap.
#[derive(Clone)]
pub struct Disk {
    kind: Kind,
    refusal: Option<Rc<str>>,
}

#[derive(Clone)]
enum Kind {
    System(DiskMode),
    Sim(SimDisk),
}

impl Disk {
    /// Looks at `dir` (created if need be) by writing a small file into it the way `mode` asks for, and removing it.
    /// With `Auto`, a file system that refuses O_DIRECT makes it PageCache, and `refusal` says why. Synchronous, some
    /// milliseconds: for start-up. Errors: a directory that cannot be written; O_DIRECT refused where it was demanded.
    pub fn open(dir: &Path, mode: IoMode) -> io::Result<Self> {
        files::create_dir(dir)?;
        if mode == IoMode::PageCache {
            probe(dir, DiskMode::PageCache)?;
            return Ok(Self { kind: Kind::System(DiskMode::PageCache), refusal: None });
        }
        let refused = if mode == IoMode::Auto && is_tmpfs(dir)? {
            Some("tmpfs keeps its files in the page cache".to_owned())
        } else {
            match probe(dir, DiskMode::Direct) {
                Ok(()) => None,
                Err(error) if refuses_direct(&error) => {
                    Some(format!("the file system refuses O_DIRECT: {error}"))
                }
                Err(error) => return Err(error),
            }
        };
        match refused {
            None => Ok(Self { kind: Kind::System(DiskMode::Direct), refusal: None }),
            Some(reason) if mode == IoMode::Auto => {
                probe(dir, DiskMode::PageCache)?;
                Ok(Self { kind: Kind::System(DiskMode::PageCache), refusal: Some(reason.into()) })
            }
            Some(reason) => Err(io::Error::new(io::ErrorKind::Unsupported, reason)),
        }
    }

    /// A disk in memory.
    pub fn sim(sim: SimDisk) -> Self {
        Self { kind: Kind::Sim(sim), refusal: None }
    }

    /// How segment files are read and written.
    pub fn mode(&self) -> DiskMode {
        match self.kind {
            Kind::System(mode) => mode,
            Kind::Sim(_) => DiskMode::Sim,
        }
    }

    /// Why `IoMode::Auto` did not choose Direct, for one line in the log.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Creates a segment file, or empties the one there is.
    pub async fn create(&self, path: impl AsRef<Path>) -> io::Result<LogFile> {
        self.open_file(path.as_ref().to_path_buf(), true).await
    }

    /// Opens a segment file for reading and writing.
    pub async fn open_log(&self, path: impl AsRef<Path>) -> io::Result<LogFile> {
        self.open_file(path.as_ref().to_path_buf(), false).await
    }

    async fn open_file(&self, path: PathBuf, create: bool) -> io::Result<LogFile> {
        match &self.kind {
            Kind::System(mode) => {
                let mode = *mode;
                let file = run_blocking(move || open_system(&path, mode, create)).await?;
                Ok(LogFile::system(file, mode))
            }
            Kind::Sim(sim) => Ok(LogFile::sim(sim.open(&path, create)?)),
        }
    }

    /// The whole file.
    pub async fn read(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        self.run(path, files::read, SimDisk::read).await
    }

    /// Puts `bytes` in the file's place so that a crash leaves the old or the new (`files::replace`).
    pub async fn replace(&self, path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
        let copy = bytes.to_vec();
        self.run(path, move |path| files::replace(path, &copy), |sim, path| sim.write_file(path, bytes, true))
            .await
    }

    /// Writes the file anew, without a sync.
    pub async fn write_file(&self, path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
        let copy = bytes.to_vec();
        self.run(path, move |path| files::write(path, &copy), |sim, path| sim.write_file(path, bytes, false))
            .await
    }

    /// Adds to the end of the file, which is created if need be; without a sync.
    pub async fn append_file(&self, path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
        let copy = bytes.to_vec();
        self.run(path, move |path| files::append(path, &copy), |sim, path| sim.append_file(path, bytes)).await
    }

    /// fsync of a file.
    pub async fn sync_file(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.run(path, files::sync_file, SimDisk::sync_file).await
    }

    /// Creates the directory and its parents; no error if it exists.
    pub async fn create_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.run(path, files::create_dir, SimDisk::create_dir).await
    }

    /// The directory's entries by name.
    pub async fn list(&self, path: impl AsRef<Path>) -> io::Result<Vec<Entry>> {
        self.run(path, files::list, SimDisk::list).await
    }

    /// Renames a file or directory, over what is there.
    pub async fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        let to = to.as_ref().to_path_buf();
        let copy = to.clone();
        self.run(from, move |from| files::rename(from, &copy), |sim, from| sim.rename(from, &to)).await
    }

    /// Removes a file; no error if there is none.
    pub async fn remove_file(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.run(path, files::remove_file, SimDisk::remove_file).await
    }

    /// Removes a directory and all in it; no error if there is none.
    pub async fn remove_dir_all(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.run(path, files::remove_dir_all, SimDisk::remove_dir_all).await
    }

    /// fsync of a directory: its entries survive a power cut.
    pub async fn sync_dir(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.run(path, files::sync_dir, |_, _| Ok(())).await
    }

    /// Sets the length of a file that is not open here.
    pub async fn truncate_file(&self, path: impl AsRef<Path>, len: u64) -> io::Result<()> {
        self.run(
            path,
            move |path| files::truncate(path, len),
            |sim, path| sim.open(path, false)?.truncate(len),
        )
        .await
    }

    /// Size in bytes of a file.
    pub async fn file_len(&self, path: impl AsRef<Path>) -> io::Result<u64> {
        self.run(path, files::file_len, |sim, path| Ok(sim.open(path, false)?.len())).await
    }

    /// Whether there is something at `path`.
    pub async fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.run(path, |path| Ok(files::exists(path)), |sim, path| Ok(sim.exists(path)))
            .await
            .unwrap_or(false)
    }

    /// Maps a sealed file for reading (`files::map_readonly`).
    pub async fn map_readonly(&self, path: impl AsRef<Path>) -> io::Result<MappedFile> {
        self.run(path, files::map_readonly, |sim, path| Ok(MappedFile::Owned(sim.read(path)?))).await
    }

    /// On the system's disk `system` runs on the shard's helper thread; in memory `sim` runs at once.
    async fn run<T: Send + 'static>(
        &self,
        path: impl AsRef<Path>,
        system: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
        sim: impl FnOnce(&SimDisk, &Path) -> io::Result<T>,
    ) -> io::Result<T> {
        match &self.kind {
            Kind::System(_) => {
                let path = path.as_ref().to_path_buf();
                run_blocking(move || system(&path)).await
            }
            Kind::Sim(disk) => sim(disk, path.as_ref()),
        }
    }
}

fn open_system(path: &Path, mode: DiskMode, create: bool) -> io::Result<File> {
    let flags = if mode == DiskMode::Direct { libc::O_DIRECT } else { 0 };
    OpenOptions::new().read(true).write(true).create(create).truncate(create).custom_flags(flags).open(path)
}

/// Writes two blocks to a file of its own, and removes it.
fn probe(dir: &Path, mode: DiskMode) -> io::Result<()> {
    // Several shards may probe one directory at a time.
    let place = Buffer::with_capacity(2 * BLOCK_BYTES);
    let path = dir.join(format!(".probe-{}-{:x}", std::process::id(), place.as_slice().as_ptr() as usize));
    let mut zeros = place;
    zeros.resize_zeroed(2 * BLOCK_BYTES);
    let written = open_system(&path, mode, true).and_then(|file| {
        file.write_all_at(zeros.as_slice(), 0)?;
        file.read_exact_at(zeros.as_mut_slice(), 0)
    });
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => written.and(Err(error)),
        _ => written,
    }
}

fn refuses_direct(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
}

fn is_tmpfs(dir: &Path) -> io::Result<bool> {
    let dir = File::open(dir)?;
    let mut stat = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: fstatfs fills `stat` when it returns 0, and only then is it read.
    let stat = unsafe {
        if libc::fstatfs(dir.as_raw_fd(), stat.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        stat.assume_init()
    };
    Ok(stat.f_type == libc::TMPFS_MAGIC)
}

#[cfg(test)]
mod tests;
