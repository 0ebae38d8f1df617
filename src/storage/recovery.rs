//! What to do about the end of a segment after a stop: the table, and the scan that finds which row applies.
//!
//! A segment whose stop was clean, or that lies below the recovery point, is trusted as far as its headers go. Any other
//! is read whole: every checksum, offsets that ascend. What ends the scan is classified (`Ending`), and the table says
//! what happens. A kill leaves up to `WRITES_IN_FLIGHT_MAX` writes of which later ones may have been performed and
//! earlier ones not: a hole of zero blocks, then batches that nobody was told about. That is no damage.

use super::appender::{GROUP_BYTES_MAX, WRITES_IN_FLIGHT_MAX};
use super::scan::{Scan, Step, WINDOW_BYTES};
use crate::base::ids::Offset;
use crate::batch::{BatchView, HEADER_BYTES, Header};
use crate::rt::disk::{BLOCK_BYTES, LogFile, Slice};
use std::io;

/// How far behind a bad place valid batches are looked for, in bytes.
pub const LOOK_AHEAD_BYTES: u64 = (WRITES_IN_FLIGHT_MAX as u64 + 4) * GROUP_BYTES_MAX as u64;

/// What ends the batches of a segment's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The end of the file.
    Clean,
    /// Nothing but zeros: preallocated space.
    Zeros,
    /// A batch that is cut off, or bytes that are none, with nothing valid behind.
    Torn,
    /// A batch with blocks of zeros in it or instead of it: a write that was not performed; behind it are valid batches.
    Hole,
    /// A bad batch without such a hole, and valid batches behind it.
    Damage,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Keep,
    /// Cut the file behind the last good batch.
    TruncateHere,
    /// Leave everything as it is and take the partition offline.
    Quarantine,
}

/// Where a segment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The stop was clean, or the bad place lies below the recovery point: all of it was synced.
    pub synced: bool,
    /// Segments with records follow.
    pub followed: bool,
}

/// The recovery table.
pub fn decide(standing: Standing, ending: Ending) -> Action {
    match (standing.synced, standing.followed, ending) {
        // Nothing is wrong.
        (_, _, Ending::Clean) => Action::Keep,
        // Preallocated space that a crash left. In a segment that others follow, the crash came before its sealing.
        (_, _, Ending::Zeros) => Action::TruncateHere,
        // It was synced once: the medium or somebody's hand.
        (true, _, Ending::Torn | Ending::Hole | Ending::Damage) => Action::Quarantine,
        // The last write of the crash; nobody was told of it.
        (false, false, Ending::Torn | Ending::Hole) => Action::TruncateHere,
        // Records in later segments are records behind a bad place.
        (false, true, Ending::Torn | Ending::Hole) => Action::Quarantine,
        (false, _, Ending::Damage) => Action::Quarantine,
    }
}

/// What a scan has found in a segment.
#[derive(Debug)]
pub struct Scanned {
    /// Bytes of whole, good batches.
    pub bytes: u64,
    /// The offset behind them.
    pub next_offset: Offset,
    /// What ended them.
    pub ending: Ending,
    /// What is wrong there, in words.
    pub reason: String,
}

/// Which batches a scan looks at, and how closely.
#[derive(Clone, Copy, Debug)]
pub struct ScanRange {
    /// The segment's base.
    pub base: Offset,
    /// Where to begin: a batch boundary.
    pub from: u64,
    /// The offset expected there at least.
    pub offset: Offset,
    /// The file's size.
    pub file_bytes: u64,
    /// Read the records and compare checksums, too.
    pub checksums: bool,
}

/// Goes through the batches and shows each to `visit` (its position, its header, its bytes if it is a control batch).
/// Errors: the disk's.
pub async fn scan_segment(
    file: &LogFile,
    range: ScanRange,
    mut visit: impl FnMut(u64, &Header, Option<&[u8]>),
) -> io::Result<Scanned> {
    let window_bytes = if range.checksums { WINDOW_BYTES } else { WINDOW_BYTES / 16 };
    let mut scan = Scan::new(file.clone(), range.from, range.file_bytes, window_bytes);
    let (mut next_offset, mut from) = (range.offset, range.from);
    let reason = loop {
        match scan.next().await? {
            Step::End => {
                let (ending, reason) = (Ending::Clean, String::new());
                return Ok(Scanned { bytes: from, next_offset, ending, reason });
            }
            Step::Bad { error, .. } => break error.to_string(),
            Step::Batch { position, header } => {
                let whole = range.checksums || header.is_control();
                let bytes =
                    if whole { scan.bytes(position, header.total_bytes()).await? } else { Slice::empty() };
                if let Some(reason) = objection(&header, &bytes, range, next_offset) {
                    break reason;
                }
                visit(position, &header, header.is_control().then_some(&bytes));
                next_offset = header.next_offset();
                from = position + header.total_bytes() as u64;
            }
        }
    };
    let ending = classify(file, from, range.file_bytes, next_offset).await?;
    Ok(Scanned { bytes: from, next_offset, ending, reason })
}

/// What speaks against a batch at this place.
fn objection(header: &Header, bytes: &[u8], range: ScanRange, next_offset: Offset) -> Option<String> {
    if header.base_offset() < next_offset || header.last_offset_delta < 0 {
        return Some(format!("offset {} where {next_offset} was due", header.base_offset));
    }
    if header.last_offset().get() - range.base.get() > i64::from(i32::MAX) {
        return Some(format!("offset {} is beyond the segment's reach", header.base_offset));
    }
    let checked = range.checksums.then(|| BatchView::parse(bytes).and_then(|view| view.check_crc()));
    checked.and_then(Result::err).map(|error| error.to_string())
}

/// Tells what begins at `position`, which is no good batch.
async fn classify(file: &LogFile, position: u64, file_bytes: u64, next_offset: Offset) -> io::Result<Ending> {
    let Some(found) = next_valid(file, position, file_bytes, next_offset).await? else {
        let zeros = all_zero(file, position, file_bytes).await?;
        return Ok(if zeros { Ending::Zeros } else { Ending::Torn });
    };
    let hole = has_zero_block(file, position, found).await?;
    Ok(if hole { Ending::Hole } else { Ending::Damage })
}

/// The position of the next batch behind `position` whose checksum is right, within `LOOK_AHEAD_BYTES`.
async fn next_valid(file: &LogFile, position: u64, end: u64, next_offset: Offset) -> io::Result<Option<u64>> {
    let end = end.min(position.saturating_add(LOOK_AHEAD_BYTES));
    let mut at = position + 1;
    while at + HEADER_BYTES as u64 <= end {
        let len = usize::try_from(end - at).unwrap_or(usize::MAX).min(WINDOW_BYTES + HEADER_BYTES);
        let window = file.read(at, len).await?;
        for place in 0..window.len().saturating_sub(HEADER_BYTES - 1) {
            let Some(header) = plausible(window.get(place..).unwrap_or_default(), next_offset) else {
                continue;
            };
            let whole = file.read(at + place as u64, header.total_bytes()).await?;
            if BatchView::parse(&whole).is_ok_and(|view| view.check_crc().is_ok()) {
                return Ok(Some(at + place as u64));
            }
        }
        if window.len() < len {
            break;
        }
        at += (len - HEADER_BYTES + 1) as u64;
    }
    Ok(None)
}

/// A header that could follow in this log; cheap, for every byte is tried.
fn plausible(bytes: &[u8], next_offset: Offset) -> Option<Header> {
    // The magic byte first.
    if bytes.get(16) != Some(&2) {
        return None;
    }
    let header = Header::parse(bytes).ok()?;
    let near = header.base_offset() >= next_offset
        && header.base_offset.saturating_sub(next_offset.get()) <= i64::from(i32::MAX);
    let sizes = header.total_bytes() < (1 << 28) && header.last_offset_delta >= 0 && header.count >= 0;
    (near && sizes).then_some(header)
}

async fn all_zero(file: &LogFile, from: u64, end: u64) -> io::Result<bool> {
    let mut at = from;
    while at < end {
        let len = usize::try_from(end - at).unwrap_or(usize::MAX).min(WINDOW_BYTES);
        let window = file.read(at, len).await?;
        if window.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        if window.len() < len {
            break;
        }
        at += len as u64;
    }
    Ok(true)
}

/// Whether a whole block between `from` and `end` is zeros (or all of it, if it is less than a block).
async fn has_zero_block(file: &LogFile, from: u64, end: u64) -> io::Result<bool> {
    let len = usize::try_from(end - from).unwrap_or(usize::MAX);
    let bytes = file.read(from, len).await?;
    let block = BLOCK_BYTES as u64;
    let to_boundary = usize::try_from(from.next_multiple_of(block) - from).unwrap_or(0);
    let aligned = bytes.get(to_boundary..).unwrap_or_default();
    let whole_block = aligned.chunks_exact(BLOCK_BYTES).any(|block| block.iter().all(|b| *b == 0));
    Ok(whole_block || bytes.iter().all(|b| *b == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let at = |synced, followed| Standing { synced, followed };
        for standing in [at(false, false), at(false, true), at(true, false), at(true, true)] {
            assert_eq!(decide(standing, Ending::Clean), Action::Keep);
            assert_eq!(decide(standing, Ending::Zeros), Action::TruncateHere);
            assert_eq!(decide(standing, Ending::Damage), Action::Quarantine);
        }
        for ending in [Ending::Torn, Ending::Hole] {
            assert_eq!(decide(at(false, false), ending), Action::TruncateHere);
            assert_eq!(decide(at(false, true), ending), Action::Quarantine);
            assert_eq!(decide(at(true, false), ending), Action::Quarantine);
            assert_eq!(decide(at(true, true), ending), Action::Quarantine);
        }
    }
}
