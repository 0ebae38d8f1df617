//! `.txnindex`: the aborted transactions whose marker lies in the segment.
//!
//! Layout: entries of 34 bytes, big-endian, in the order of the markers: version i16 = 0, producer id i64, first offset
//! i64, last offset i64 (the marker's), last stable offset i64 (after the abort). The file exists exactly in segments
//! that hold an abort marker. Crash policy: rebuilt from the markers. Source: Kafka 4.3.1.

use crate::base::ids::{Offset, ProducerId};

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = 34;

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTxn {
    /// Whose it was.
    pub producer_id: ProducerId,
    /// Its first record.
    pub first_offset: Offset,
    /// Its marker.
    pub last_offset: Offset,
    /// The last stable offset once it was aborted.
    pub last_stable_offset: Offset,
}

/// Why a `.txnindex` was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TxnIndexError {
    /// An entry of a version other than 0.
    #[error("version {0} is not known")]
    Version(i16),
    /// Bytes behind the last whole entry.
    #[error("{0} bytes behind the last whole entry")]
    Torn(usize),
}

/// Writes an entry.
pub fn encode(txn: &AbortedTxn) -> [u8; ENTRY_BYTES] {
    let mut bytes = [0; ENTRY_BYTES];
    let fields =
        [txn.producer_id.get(), txn.first_offset.get(), txn.last_offset.get(), txn.last_stable_offset.get()];
    let (_version, rest) = bytes.split_at_mut(2);
    for (slot, field) in rest.chunks_exact_mut(8).zip(fields) {
        slot.copy_from_slice(&field.to_be_bytes());
    }
    bytes
}

/// Reads the whole file.
pub fn decode(bytes: &[u8]) -> Result<Vec<AbortedTxn>, TxnIndexError> {
    let (entries, torn) = bytes.as_chunks::<ENTRY_BYTES>();
    if !torn.is_empty() {
        return Err(TxnIndexError::Torn(torn.len()));
    }
    entries.iter().map(decode_entry).collect()
}

fn decode_entry(bytes: &[u8; ENTRY_BYTES]) -> Result<AbortedTxn, TxnIndexError> {
    let [v0, v1, fields @ ..] = bytes;
    let version = i16::from_be_bytes([*v0, *v1]);
    if version != 0 {
        return Err(TxnIndexError::Version(version));
    }
    let (fields, _) = fields.as_chunks::<8>();
    let mut fields = fields.iter().map(|field| i64::from_be_bytes(*field));
    let mut next = || fields.next().unwrap_or(-1); // 32 bytes hold exactly four
    Ok(AbortedTxn {
        producer_id: ProducerId::new(next()),
        first_offset: Offset::new(next()),
        last_offset: Offset::new(next()),
        last_stable_offset: Offset::new(next()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kafkas_bytes() {
        let golden = include_bytes!("../../tests/golden/storage/txn-0/00000000000000000000.txnindex");
        let txns = decode(golden).unwrap();
        assert_eq!(txns.len(), 2);
        assert_eq!(txns[1].producer_id.get(), 2);
        assert_eq!(txns[1].last_stable_offset.get(), 0x22);
        assert_eq!(txns.iter().flat_map(encode).collect::<Vec<_>>(), golden);
    }

    #[test]
    fn refuses_damage() {
        assert_eq!(decode(&[0; 35]), Err(TxnIndexError::Torn(1)));
        let mut bytes = [0; 34];
        bytes[1] = 1;
        assert_eq!(decode(&bytes), Err(TxnIndexError::Version(1)));
    }

    proptest! {
        #[test]
        fn round_trips(a: i64, b: i64, c: i64, d: i64) {
            let txn = AbortedTxn {
                producer_id: ProducerId::new(a),
                first_offset: Offset::new(b),
                last_offset: Offset::new(c),
                last_stable_offset: Offset::new(d),
            };
            prop_assert_eq!(decode(&encode(&txn)), Ok(vec![txn]));
        }
    }
}
