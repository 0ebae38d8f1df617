//! The offset checkpoints of a log directory: recovery points, high watermarks, log starts, cleaner offsets.
//!
//! Layout: text. `0\n` (version), the number of entries `\n`, then `topic partition offset\n` each, in no order.
//! Crash policy: replaced whole (temporary file, fsync, rename, directory fsync). A lost file costs a longer scan, or
//! deleted records that return (log starts); a damaged one is an error, never a guess. Source: files of Kafka 4.3.1.

use crate::base::ids::{Offset, PartitionIndex};
use crate::rt::disk::Disk;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::path::Path;

/// An offset of each partition that has one.
pub type Offsets = BTreeMap<(String, PartitionIndex), Offset>;

/// Why a text checkpoint was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// A version that is not 0.
    #[error("version {0:?} is not known")]
    Version(String),
    /// Too few or too many entries for the count in the second line.
    #[error("{expected} entries announced, {found} found")]
    Count {
        /// As announced.
        expected: usize,
        /// As found.
        found: usize,
    },
    /// A line of the wrong form.
    #[error("line {line} is malformed: {text:?}")]
    Line {
        /// From 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// Bytes that are no UTF-8.
    #[error("not a text")]
    Encoding,
}

/// Writes the file's bytes.
pub fn encode(offsets: &Offsets) -> Vec<u8> {
    let mut text = format!("0\n{}\n", offsets.len());
    for ((topic, partition), offset) in offsets {
        let _ = writeln!(text, "{topic} {partition} {offset}"); // writing into a String cannot fail
    }
    text.into_bytes()
}

/// Reads the file's bytes.
pub fn decode(bytes: &[u8]) -> Result<Offsets, CheckpointError> {
    let mut offsets = Offsets::new();
    decode_lines(bytes, |line| {
        let mut words = line.split_whitespace();
        let topic = words.next()?.to_owned();
        let partition = PartitionIndex::new(words.next()?.parse().ok()?);
        let offset = Offset::new(words.next()?.parse().ok()?);
        offsets.insert((topic, partition), offset);
        words.next().is_none().then_some(())
    })?;
    Ok(offsets)
}

/// The frame that all of Kafka's text checkpoints share: version, count, one entry per line.
pub(super) fn decode_lines(
    bytes: &[u8],
    mut entry: impl FnMut(&str) -> Option<()>,
) -> Result<(), CheckpointError> {
    let text = std::str::from_utf8(bytes).map_err(|_| CheckpointError::Encoding)?;
    let mut lines = text.lines();
    let version = lines.next().unwrap_or_default();
    if version.trim() != "0" {
        return Err(CheckpointError::Version(version.to_owned()));
    }
    let count = lines.next().unwrap_or_default();
    let malformed = |line: usize, text: &str| CheckpointError::Line { line, text: text.to_owned() };
    let expected: usize = count.trim().parse().map_err(|_| malformed(2, count))?;
    let mut found = 0;
    for line in lines {
        found += 1;
        entry(line).ok_or_else(|| malformed(found + 2, line))?;
    }
    if found != expected {
        return Err(CheckpointError::Count { expected, found });
    }
    Ok(())
}

/// Reads a checkpoint; an absent file is empty. Errors: the disk's, and `InvalidData` for a damaged file.
pub async fn read(disk: &Disk, path: &Path) -> io::Result<Offsets> {
    match disk.read(path).await {
        Ok(bytes) => decode(&bytes).map_err(|e| invalid(path, &e)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Offsets::new()),
        Err(e) => Err(e),
    }
}

/// Replaces a checkpoint durably. Errors: the disk's.
pub async fn write(disk: &Disk, path: &Path, offsets: &Offsets) -> io::Result<()> {
    disk.replace(path, &encode(offsets)).await
}

/// A damaged small file, with its name.
pub(super) fn invalid(path: &Path, why: &dyn std::error::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_kafkas() {
        let golden = include_bytes!("../../tests/golden/storage/recovery-point-offset-checkpoint");
        let offsets = decode(golden).unwrap();
        assert!(offsets.len() > 10);
        assert_eq!(offsets[&("txn".to_owned(), PartitionIndex::new(0))].get(), 126);
        assert_eq!(decode(&encode(&offsets)), Ok(offsets));
    }

    #[test]
    fn refuses_damage() {
        assert_eq!(decode(b"1\n0\n"), Err(CheckpointError::Version("1".into())));
        assert_eq!(decode(b"0\n2\na 0 1\n"), Err(CheckpointError::Count { expected: 2, found: 1 }));
        for bad in ["0\n1\na 0\n", "0\n1\na 0 x\n", "0\n1\na 0 1 2\n", "0\nx\n"] {
            assert!(matches!(decode(bad.as_bytes()), Err(CheckpointError::Line { .. })), "{bad}");
        }
        assert_eq!(decode(&[0xff]), Err(CheckpointError::Encoding));
        assert!(decode(b"").is_err());
    }

    proptest! {
        #[test]
        fn round_trips(entries in proptest::collection::btree_map(("[a-zA-Z0-9._-]{1,20}", 0i32..100), any::<i64>(), 0..20)) {
            let offsets: Offsets = entries
                .into_iter()
                .map(|((t, p), o)| ((t, PartitionIndex::new(p)), Offset::new(o)))
                .collect();
            prop_assert_eq!(decode(&encode(&offsets)), Ok(offsets));
        }

        #[test]
        fn any_bytes_are_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
