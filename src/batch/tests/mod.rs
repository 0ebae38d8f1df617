//! Tests that need several parts of `batch` at once.

mod conversion;
pub(super) mod golden;
mod oracle;
mod properties;
mod rules;

use super::{BatchView, batches, records};

/// A record as the tests compare it: offset, timestamp, key, value, headers.
pub(super) type Plain = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(Vec<u8>, Option<Vec<u8>>)>);

/// The records of all batches in `bytes`, checksums compared.
pub(super) fn plain(bytes: &[u8]) -> Vec<Plain> {
    let mut all = Vec::new();
    let mut found = batches(bytes);
    for view in found.by_ref() {
        let view = view.unwrap();
        view.check_crc().unwrap();
        all.extend(plain_batch(&view));
    }
    assert!(found.remainder().is_empty());
    all
}

/// The records of one batch.
pub(super) fn plain_batch(view: &BatchView<'_>) -> Vec<Plain> {
    let owned = |bytes: &[u8]| bytes.to_vec();
    let records = records(view).unwrap();
    let plain = records.iter().map(|record| {
        let record = record.unwrap();
        let headers = record.headers.map(|(key, value)| (key.to_vec(), value.map(owned))).collect();
        (record.offset.get(), record.timestamp_ms, record.key.map(owned), record.value.map(owned), headers)
    });
    plain.collect()
}
