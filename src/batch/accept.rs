//! The one door for what a Produce brings: validate, convert up, recompress.

use super::codec::Codec;
use super::error::BatchError;
use super::header::BatchView;
use super::legacy;
use super::recompress::recompress;
use super::validate::{Rules, Validated, check_size, magic, validate_batch, validate_produce};
use bytes::Bytes;

/// The first Produce version whose records are batches; before it they are message sets.
const BATCHES_VERSION: i16 = 3;

/// A batch ready for the log: [`super::patch_offsets`] and [`super::Stamp::apply`] are all that is left to do to a copy.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Exactly one record batch; the client's own bytes, uncopied, unless they had to be converted or recompressed.
    pub batch: Bytes,
    /// What is known of it; `bytes` and `codec` are those of `batch`.
    pub summary: Validated,
}

/// Judges the records of one partition of a Produce of any version and makes one record batch of them.
/// Errors: all of [`BatchError`].
pub fn accept(records: &Bytes, rules: &Rules) -> Result<Accepted, BatchError> {
    if rules.produce_version < BATCHES_VERSION && matches!(magic(records), Some(0 | 1) | None) {
        let accepted = legacy::validate_and_up_convert(records, rules)?;
        return recompressed(accepted, rules);
    }
    let summary = validate_produce(records, rules)?;
    let batch = records.slice(..summary.bytes);
    recompressed(Accepted { batch, summary }, rules)
}

/// Applies `compression.type`. Control batches stay as they are, as in Kafka.
fn recompressed(accepted: Accepted, rules: &Rules) -> Result<Accepted, BatchError> {
    let Some((codec, level)) = rules.recompress.filter(|(codec, _)| *codec != accepted.summary.codec) else {
        return Ok(accepted);
    };
    if accepted.summary.control && accepted.summary.codec == Codec::None {
        return Ok(accepted);
    }
    let batch = Bytes::from(recompress(&BatchView::parse(&accepted.batch)?, codec, level)?);
    check_size(batch.len(), rules)?;
    let summary = Validated { bytes: batch.len(), codec, ..accepted.summary };
    Ok(Accepted { batch, summary })
}

/// Judges a batch that this crate built itself out of a message set.
pub(super) fn judged(batch: Vec<u8>, rules: &Rules) -> Result<Accepted, BatchError> {
    let batch = Bytes::from(batch);
    let summary = validate_batch(&BatchView::parse(&batch)?, rules)?;
    Ok(Accepted { batch, summary })
}
