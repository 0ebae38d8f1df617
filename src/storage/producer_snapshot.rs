//! `.snapshot`: the producers of a partition as they were before the offset that names the file; and its companion
//! `.producer-window` (ours), the older batches of their duplicate windows, for which Kafka's format has no room.
//!
//! Layout of `.snapshot`, big-endian: version i16 = 1, crc u32 (CRC-32C of all that follows it), count i32, entries of 46:
//! producerId i64, epoch i16, lastSequence i32, lastOffset i64, offsetDelta i32, timestamp i64, coordinatorEpoch i32,
//! currentTxnFirstOffset i64 (-1 none). One at every segment's base but the first, one at the log's end after a clean
//! stop. Source: Kafka 4.3.1.
//! Layout of `.producer-window`: version i16 = 0, crc u32 (of all that follows it), crc of its snapshot u32, count i32,
//! entries of 32: producerId i64, lastSequence i32, lastOffset i64, offsetDelta i32, timestamp i64; of one producer the
//! oldest first, without its newest batch. Kafka ignores the file and a rewritten snapshot disowns it.
//! Crash policy: rebuilt by replay from an older snapshot; one that is damaged is not used. The window is written first,
//! so a snapshot that exists has its window.

use crate::base::crc::crc32c;
use crate::base::ids::{Offset, ProducerEpoch, ProducerId};

const VERSION: i16 = 1;
const ENTRY_BYTES: usize = 46;
const WINDOW_VERSION: i16 = 0;
const WINDOW_ENTRY_BYTES: usize = 32;
const HEADER_BYTES: usize = 10;

/// One producer in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotEntry {
    /// The producer.
    pub producer_id: ProducerId,
    /// Its newest epoch.
    pub epoch: ProducerEpoch,
    /// The sequence of its newest record, -1 without one.
    pub last_sequence: i32,
    /// The offset of its newest record, -1 without one.
    pub last_offset: Offset,
    /// From the newest batch's first offset to its last.
    pub offset_delta: i32,
    /// The largest timestamp of its newest batch, in ms.
    pub timestamp: i64,
    /// The coordinator's epoch in its newest marker, -1 without one.
    pub coordinator_epoch: i32,
    /// Where its open transaction begins; `NONE` without one.
    pub current_txn_first_offset: Offset,
}

/// An older batch of a producer's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowEntry {
    /// The producer.
    pub producer_id: ProducerId,
    /// The sequence of the batch's last record.
    pub last_sequence: i32,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// From its first offset to its last.
    pub offset_delta: i32,
    /// Its largest timestamp, in ms.
    pub timestamp: i64,
}

/// Why a snapshot was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Shorter than its header says, or longer.
    #[error("{0} bytes do not fit the count")]
    Length(usize),
    /// A version that is not known.
    #[error("version {0} is not known")]
    Version(i16),
    /// The checksum does not match.
    #[error("the checksum is wrong")]
    Crc,
    /// A window that belongs to another snapshot.
    #[error("the window belongs to another snapshot")]
    Stranger,
}

/// Writes a snapshot's bytes.
pub fn encode(entries: &[SnapshotEntry]) -> Vec<u8> {
    let mut body = Vec::with_capacity(4 + entries.len() * ENTRY_BYTES);
    body.extend((entries.len() as i32).to_be_bytes());
    for e in entries {
        body.extend(e.producer_id.get().to_be_bytes());
        body.extend(e.epoch.get().to_be_bytes());
        body.extend(e.last_sequence.to_be_bytes());
        body.extend(e.last_offset.get().to_be_bytes());
        body.extend(e.offset_delta.to_be_bytes());
        body.extend(e.timestamp.to_be_bytes());
        body.extend(e.coordinator_epoch.to_be_bytes());
        body.extend(e.current_txn_first_offset.get().to_be_bytes());
    }
    framed(VERSION, &body)
}

/// Reads a snapshot's bytes.
pub fn decode(bytes: &[u8]) -> Result<Vec<SnapshotEntry>, SnapshotError> {
    let mut body = unframed(VERSION, bytes)?;
    let count = take_count(&mut body, bytes, ENTRY_BYTES)?;
    let mut entries = Vec::with_capacity(count);
    while !body.is_empty() {
        entries.push(take_entry(&mut body).ok_or(SnapshotError::Length(bytes.len()))?);
    }
    Ok(entries)
}

fn take_entry(body: &mut &[u8]) -> Option<SnapshotEntry> {
    Some(SnapshotEntry {
        producer_id: ProducerId::new(i64::from_be_bytes(take(body)?)),
        epoch: ProducerEpoch::new(i16::from_be_bytes(take(body)?)),
        last_sequence: i32::from_be_bytes(take(body)?),
        last_offset: Offset::new(i64::from_be_bytes(take(body)?)),
        offset_delta: i32::from_be_bytes(take(body)?),
        timestamp: i64::from_be_bytes(take(body)?),
        coordinator_epoch: i32::from_be_bytes(take(body)?),
        current_txn_first_offset: Offset::new(i64::from_be_bytes(take(body)?)),
    })
}

/// The checksum that a snapshot carries, by which its window knows it.
pub fn crc_of(snapshot: &[u8]) -> u32 {
    snapshot.get(2..).and_then(<[u8]>::first_chunk).map_or(0, |crc| u32::from_be_bytes(*crc))
}

/// Writes the bytes of the window that belongs to the snapshot with `snapshot_crc`.
pub fn encode_window(snapshot_crc: u32, entries: &[WindowEntry]) -> Vec<u8> {
    let mut body = Vec::with_capacity(8 + entries.len() * WINDOW_ENTRY_BYTES);
    body.extend(snapshot_crc.to_be_bytes());
    body.extend((entries.len() as i32).to_be_bytes());
    for e in entries {
        body.extend(e.producer_id.get().to_be_bytes());
        body.extend(e.last_sequence.to_be_bytes());
        body.extend(e.last_offset.get().to_be_bytes());
        body.extend(e.offset_delta.to_be_bytes());
        body.extend(e.timestamp.to_be_bytes());
    }
    framed(WINDOW_VERSION, &body)
}

/// Reads the bytes of the window that belongs to the snapshot with `snapshot_crc`.
pub fn decode_window(snapshot_crc: u32, bytes: &[u8]) -> Result<Vec<WindowEntry>, SnapshotError> {
    let length = SnapshotError::Length(bytes.len());
    let mut body = unframed(WINDOW_VERSION, bytes)?;
    if u32::from_be_bytes(take(&mut body).ok_or(length)?) != snapshot_crc {
        return Err(SnapshotError::Stranger);
    }
    let count = take_count(&mut body, bytes, WINDOW_ENTRY_BYTES)?;
    let mut entries = Vec::with_capacity(count);
    while !body.is_empty() {
        entries.push(take_window_entry(&mut body).ok_or(length)?);
    }
    Ok(entries)
}

fn take_window_entry(body: &mut &[u8]) -> Option<WindowEntry> {
    Some(WindowEntry {
        producer_id: ProducerId::new(i64::from_be_bytes(take(body)?)),
        last_sequence: i32::from_be_bytes(take(body)?),
        last_offset: Offset::new(i64::from_be_bytes(take(body)?)),
        offset_delta: i32::from_be_bytes(take(body)?),
        timestamp: i64::from_be_bytes(take(body)?),
    })
}

fn framed(version: i16, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(6 + body.len());
    bytes.extend(version.to_be_bytes());
    bytes.extend(crc32c(body).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn unframed(version: i16, bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    let length = SnapshotError::Length(bytes.len());
    if bytes.len() < HEADER_BYTES {
        return Err(length);
    }
    let mut rest = bytes;
    let found = i16::from_be_bytes(take(&mut rest).ok_or(length)?);
    if found != version {
        return Err(SnapshotError::Version(found));
    }
    let crc = u32::from_be_bytes(take(&mut rest).ok_or(length)?);
    if crc32c(rest) == crc { Ok(rest) } else { Err(SnapshotError::Crc) }
}

/// The count, if exactly so many entries follow it.
fn take_count(body: &mut &[u8], file: &[u8], entry_bytes: usize) -> Result<usize, SnapshotError> {
    let length = SnapshotError::Length(file.len());
    let count = i32::from_be_bytes(take(body).ok_or(length)?);
    let count = usize::try_from(count).map_err(|_| length)?;
    if count.checked_mul(entry_bytes) == Some(body.len()) { Ok(count) } else { Err(length) }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kafkas_bytes() {
        let golden = include_bytes!("../../tests/golden/storage/txn-0/00000000000000000044.snapshot");
        let entries = decode(golden).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1].current_txn_first_offset.get(), 40);
        assert_eq!((entries[0].last_sequence, entries[0].last_offset.get()), (23, 39));
        assert_eq!(encode(&entries), golden);
        let golden = include_bytes!("../../tests/golden/storage/idem-0/00000000000000000080.snapshot");
        assert_eq!(encode(&decode(golden).unwrap()), golden);
    }

    #[test]
    fn an_empty_one_has_ten_bytes() {
        assert_eq!(encode(&[]).len(), 10);
        assert_eq!(decode(&encode(&[])), Ok(vec![]));
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let golden = include_bytes!("../../tests/golden/storage/idem-0/00000000000000000030.snapshot");
        for i in 0..golden.len() {
            let mut bytes = golden.to_vec();
            bytes[i] ^= 1;
            assert!(decode(&bytes).is_err(), "byte {i}");
            assert!(decode(&golden[..i]).is_err(), "cut at {i}");
        }
        let window = encode_window(7, &[]);
        assert_eq!(decode_window(8, &window), Err(SnapshotError::Stranger));
    }

    proptest! {
        #[test]
        fn round_trips(entries in proptest::collection::vec(any::<(i64, i16, i32, i64, i32, i64, i32, i64)>(), 0..10)) {
            let entries: Vec<_> = entries
                .into_iter()
                .map(|(id, epoch, last_sequence, offset, offset_delta, timestamp, coordinator_epoch, txn)| SnapshotEntry {
                    producer_id: ProducerId::new(id),
                    epoch: ProducerEpoch::new(epoch),
                    last_sequence,
                    last_offset: Offset::new(offset),
                    offset_delta,
                    timestamp,
                    coordinator_epoch,
                    current_txn_first_offset: Offset::new(txn),
                })
                .collect();
            let bytes = encode(&entries);
            prop_assert_eq!(decode(&bytes), Ok(entries.clone()));
            let window: Vec<_> = entries
                .iter()
                .map(|e| WindowEntry {
                    producer_id: e.producer_id,
                    last_sequence: e.last_sequence,
                    last_offset: e.last_offset,
                    offset_delta: e.offset_delta,
                    timestamp: e.timestamp,
                })
                .collect();
            let crc = crc_of(&bytes);
            prop_assert_eq!(decode_window(crc, &encode_window(crc, &window)), Ok(window));
        }

        #[test]
        fn any_bytes_are_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
            let _ = decode_window(0, &bytes);
        }
    }
}
