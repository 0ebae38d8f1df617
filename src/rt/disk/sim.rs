//! A disk in memory for tests: it fails when told to, and forgets what was not synced when it "crashes".
//!
//! What is synced: a file's bytes by `sync`, `sync_file` and `replace`. Names (create, rename, remove) are durable at once.
//! Operations on open files let other tasks run once, so that they interleave; they need no runtime.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use futures_lite::future::yield_now;

use super::files::Entry;
use super::{BLOCK_BYTES, Buffer, Slice};

/// What is to go wrong. Countdowns count operations on open files from when the faults are set: 1 fails the next one, and only it.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Fails the n-th write from now with EIO; half of it has been written.
    pub write_error_in: Option<u64>,
    /// Fails the n-th sync from now with EIO; nothing becomes durable.
    pub sync_error_in: Option<u64>,
    /// Fails the n-th read from now with EIO.
    pub read_error_in: Option<u64>,
    /// The space there is, in bytes; ENOSPC beyond.
    pub space_bytes_max: Option<u64>,
}

/// Files in memory; clones share them.
#[derive(Clone)]
pub struct SimDisk {
    state: Rc<RefCell<State>>,
}

struct State {
    files: BTreeMap<PathBuf, Rc<RefCell<Contents>>>,
    dirs: BTreeSet<PathBuf>,
    faults: Faults,
    block_bytes: usize,
}

#[derive(Default)]
struct Contents {
    current: Vec<u8>,
    durable: Vec<u8>,
}

/// An open file of a `SimDisk`.
#[derive(Clone)]
pub(super) struct SimHandle {
    disk: SimDisk,
    contents: Rc<RefCell<Contents>>,
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new(BLOCK_BYTES)
    }
}

impl SimDisk {
    /// An empty disk whose writes are multiples of `block_bytes` (1 for any).
    pub fn new(block_bytes: usize) -> Self {
        let state = State {
            files: BTreeMap::new(),
            dirs: BTreeSet::new(),
            faults: Faults::default(),
            block_bytes: block_bytes.max(1),
        };
        Self { state: Rc::new(RefCell::new(state)) }
    }

    /// Says what is to go wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state.borrow_mut().faults = faults;
    }

    /// A power cut: every file falls back to what was synced last. Files open before keep working on the new state.
    pub fn crash(&self) {
        for contents in self.state.borrow().files.values() {
            let mut contents = contents.borrow_mut();
            contents.current = contents.durable.clone();
        }
    }

    /// The contents of a file as a reader sees them.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(self.contents(path)?.borrow().current.clone())
    }

    /// Whether there is a file or directory.
    pub fn exists(&self, path: &Path) -> bool {
        let state = self.state.borrow();
        state.files.contains_key(path) || state.dirs.contains(path)
    }

    /// Writes a whole file, durably or not: also how a test damages one.
    pub fn write_file(&self, path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
        let contents = self.create(path);
        let mut contents = contents.borrow_mut();
        contents.current = bytes.to_vec();
        if durable {
            contents.durable = bytes.to_vec();
        }
        Ok(())
    }

    pub(super) fn append_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.create(path).borrow_mut().current.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn sync_file(&self, path: &Path) -> io::Result<()> {
        let contents = self.contents(path)?;
        let mut contents = contents.borrow_mut();
        contents.durable = contents.current.clone();
        Ok(())
    }

    pub(super) fn create_dir(&self, path: &Path) -> io::Result<()> {
        let dirs = path.ancestors().map(Path::to_path_buf);
        self.state.borrow_mut().dirs.extend(dirs);
        Ok(())
    }

    pub(super) fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let state = self.state.borrow();
        if !state.dirs.contains(path) && !state.files.keys().any(|file| file.parent() == Some(path)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let name = |child: &Path| Some(child.file_name()?.to_str()?.to_owned());
        let mut entries = Vec::new();
        for (file, contents) in state.files.iter().filter(|(file, _)| file.parent() == Some(path)) {
            let len = contents.borrow().current.len() as u64;
            entries.extend(name(file).map(|name| Entry { name, len, is_dir: false }));
        }
        let dirs = state.dirs.iter().filter(|dir| dir.parent() == Some(path));
        entries.extend(dirs.filter_map(|dir| name(dir)).map(|name| Entry { name, len: 0, is_dir: true }));
        entries.sort_unstable();
        Ok(entries)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        if let Some(contents) = state.files.remove(from) {
            state.files.insert(to.to_path_buf(), contents);
            return Ok(());
        }
        if !state.dirs.contains(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let moved = |path: &Path| {
            path.strip_prefix(from)
                .map(|rest| if rest.as_os_str().is_empty() { to.to_path_buf() } else { to.join(rest) })
        };
        let dirs = std::mem::take(&mut state.dirs);
        state.dirs = dirs.into_iter().map(|dir| moved(&dir).unwrap_or(dir)).collect();
        let files = std::mem::take(&mut state.files);
        state.files =
            files.into_iter().map(|(file, contents)| (moved(&file).unwrap_or(file), contents)).collect();
        Ok(())
    }

    pub(super) fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.state.borrow_mut().files.remove(path);
        Ok(())
    }

    pub(super) fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.files.retain(|file, _| !file.starts_with(path));
        state.dirs.retain(|dir| !dir.starts_with(path));
        Ok(())
    }

    pub(super) fn open(&self, path: &Path, create: bool) -> io::Result<SimHandle> {
        let contents = if create { self.create(path) } else { self.contents(path)? };
        if create {
            contents.borrow_mut().current.clear();
        }
        Ok(SimHandle { disk: self.clone(), contents })
    }

    fn contents(&self, path: &Path) -> io::Result<Rc<RefCell<Contents>>> {
        self.state.borrow().files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create(&self, path: &Path) -> Rc<RefCell<Contents>> {
        self.state.borrow_mut().files.entry(path.to_path_buf()).or_default().clone()
    }

    /// Whether this operation is the one to fail.
    fn strikes(&self, which: impl FnOnce(&mut Faults) -> &mut Option<u64>) -> bool {
        let mut state = self.state.borrow_mut();
        let countdown = which(&mut state.faults);
        *countdown = countdown.map(|left| left.saturating_sub(1));
        if *countdown == Some(0) {
            *countdown = None;
            return true;
        }
        false
    }

    /// ENOSPC if `grown` more bytes are beyond the space there is.
    fn check_space(&self, grown: u64) -> io::Result<()> {
        let state = self.state.borrow();
        let Some(space) = state.faults.space_bytes_max else { return Ok(()) };
        let used: u64 = state.files.values().map(|contents| contents.borrow().current.len() as u64).sum();
        if grown > 0 && used + grown > space {
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        Ok(())
    }
}

impl SimHandle {
    pub(super) fn block_bytes(&self) -> usize {
        self.disk.state.borrow().block_bytes
    }

    pub(super) fn len(&self) -> u64 {
        self.contents.borrow().current.len() as u64
    }

    pub(super) async fn write(&self, from: &[u8], position: u64) -> io::Result<()> {
        yield_now().await;
        let end = position + from.len() as u64;
        self.disk.check_space(end.saturating_sub(self.len()))?;
        if self.disk.strikes(|faults| &mut faults.write_error_in) {
            self.put(from.get(..from.len() / 2).unwrap_or_default(), position);
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        self.put(from, position);
        Ok(())
    }

    fn put(&self, from: &[u8], position: u64) {
        let mut contents = self.contents.borrow_mut();
        let start = usize::try_from(position).unwrap_or(usize::MAX);
        let end = start.saturating_add(from.len());
        if contents.current.len() < end {
            contents.current.resize(end, 0);
        }
        if let Some(place) = contents.current.get_mut(start..end) {
            place.copy_from_slice(from);
        }
    }

    pub(super) async fn read(&self, position: u64, len: usize) -> io::Result<Slice> {
        yield_now().await;
        if self.disk.strikes(|faults| &mut faults.read_error_in) {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        let contents = self.contents.borrow();
        let start = usize::try_from(position).unwrap_or(usize::MAX).min(contents.current.len());
        let end = start.saturating_add(len).min(contents.current.len());
        let bytes = contents.current.get(start..end).unwrap_or_default();
        Ok(Buffer::from(bytes).freeze().into())
    }

    pub(super) fn preallocate(&self, to: u64) -> io::Result<()> {
        if to > self.len() { self.truncate(to) } else { Ok(()) }
    }

    pub(super) fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.check_space(len.saturating_sub(self.len()))?;
        self.contents.borrow_mut().current.resize(usize::try_from(len).unwrap_or(usize::MAX), 0);
        Ok(())
    }

    pub(super) async fn sync(&self) -> io::Result<()> {
        yield_now().await;
        if self.disk.strikes(|faults| &mut faults.sync_error_in) {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        let mut contents = self.contents.borrow_mut();
        contents.durable = contents.current.clone();
        Ok(())
    }
}
