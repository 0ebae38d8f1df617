//! Goes through the batches of a segment's file from a position on, a window of bytes at a time.

use crate::batch::{BatchError, Corruption, HEADER_BYTES, Header};
use crate::rt::disk::{LogFile, Slice};
use std::io;

/// Bytes read at a time, unless a batch is larger.
pub const WINDOW_BYTES: usize = 1 << 20;

/// A forward scan.
pub struct Scan {
    file: LogFile,
    position: u64,
    /// The end of what may be read.
    limit: u64,
    window_bytes: usize,
    window: Slice,
    window_start: u64,
}

/// What lies at a position.
#[derive(Debug)]
pub enum Step {
    /// A batch whose header is plausible and which ends before the limit.
    Batch {
        /// Where it begins.
        position: u64,
        /// Its header.
        header: Header,
    },
    /// The limit.
    End,
    /// Something else.
    Bad {
        /// Where it begins.
        position: u64,
        /// What is wrong.
        error: BatchError,
    },
}

impl Scan {
    /// Scans `file` from the batch at `position` up to `limit`, `window_bytes` at a time.
    pub fn new(file: LogFile, position: u64, limit: u64, window_bytes: usize) -> Self {
        Self { file, position, limit, window_bytes, window: Slice::empty(), window_start: position }
    }

    /// Where the next batch begins.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Goes on at another batch boundary.
    pub fn jump(&mut self, position: u64) {
        self.position = position;
    }

    /// The next batch, without looking at its records. Errors: the disk's.
    pub async fn next(&mut self) -> io::Result<Step> {
        let step = self.peek().await?;
        if let Step::Batch { header, .. } = &step {
            self.position += header.total_bytes() as u64;
        }
        Ok(step)
    }

    /// As `next`, but stays where it is.
    pub async fn peek(&mut self) -> io::Result<Step> {
        let (position, left) = (self.position, self.limit.saturating_sub(self.position));
        if left == 0 {
            return Ok(Step::End);
        }
        self.fill(position, HEADER_BYTES).await?;
        let error = match Header::parse(self.in_window(position, HEADER_BYTES)) {
            Ok(header) if header.total_bytes() as u64 <= left => return Ok(Step::Batch { position, header }),
            Ok(header) => {
                let have = usize::try_from(left).unwrap_or(usize::MAX);
                Corruption::Truncated { need: header.total_bytes(), have }.into()
            }
            Err(error) => error,
        };
        Ok(Step::Bad { position, error })
    }

    /// The bytes from `position` on, at most `len` and at most to the limit; one read if they are not in the window.
    /// Errors: the disk's.
    pub async fn bytes(&mut self, position: u64, len: usize) -> io::Result<Slice> {
        self.fill(position, len).await?;
        let start = usize::try_from(position - self.window_start).unwrap_or(usize::MAX);
        Ok(self.window.slice(start..start.saturating_add(len)))
    }

    /// Has `len` bytes from `position` on in the window, or as many as there are.
    async fn fill(&mut self, position: u64, len: usize) -> io::Result<()> {
        let left = self.limit.saturating_sub(position);
        let len = len.min(usize::try_from(left).unwrap_or(usize::MAX));
        let window_end = self.window_start + self.window.len() as u64;
        if len == 0 || position >= self.window_start && position + len as u64 <= window_end {
            return Ok(());
        }
        let wanted = len.max(self.window_bytes).min(usize::try_from(left).unwrap_or(usize::MAX));
        self.window = self.file.read(position, wanted).await?;
        self.window_start = position;
        Ok(())
    }

    fn in_window(&self, position: u64, len: usize) -> &[u8] {
        let start = usize::try_from(position - self.window_start).unwrap_or(usize::MAX);
        let from = self.window.get(start..).unwrap_or_default();
        from.get(..len).unwrap_or(from)
    }
}
