//! A batch without some of its records, as compaction leaves it. Offsets never change: the range of the batch stays.

use super::builder::{BatchBuilder, BatchOptions, seal};
use super::codec::Codec;
use super::error::BatchError;
use super::header::{BatchView, HEADER_BYTES, Header, TimestampType};
use super::record::{RecordView, records};

/// When tombstones and markers that stay this time may go: written into the batch, unless it knows already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Horizon {
    /// Not now.
    Keep,
    /// At this time (milliseconds), if a tombstone stays.
    IfTombstones(i64),
    /// At this time (milliseconds): the batch is a marker whose transaction has no data left.
    Set(i64),
}

/// What is left of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Filtered {
    /// All of it: the bytes are right as they are.
    Whole,
    /// A batch with fewer records or with its horizon set.
    Part(Vec<u8>),
    /// No record. The batch may have to stay as an [`empty_batch`].
    Nothing,
}

/// Leaves out the records that `keep` does not want. Producer, sequence, flags and codec stay; the largest timestamp is
/// that of the records that stay. Errors: as [`records`]; Invalid if a record cannot be read.
pub fn filter(
    view: &BatchView<'_>,
    horizon: Horizon,
    mut keep: impl FnMut(&RecordView<'_>) -> bool,
) -> Result<Filtered, BatchError> {
    let all = records(view)?;
    let mut kept = Vec::new();
    let mut tombstones = false;
    for record in &all {
        let record = record?;
        if keep(&record) {
            tombstones |= record.value.is_none();
            kept.push(record);
        }
    }
    let known = view.delete_horizon_ms();
    let new = match horizon {
        Horizon::Set(at_ms) => Some(at_ms),
        Horizon::IfTombstones(at_ms) if tombstones => Some(at_ms),
        Horizon::IfTombstones(_) | Horizon::Keep => None,
    };
    if kept.is_empty() {
        return Ok(Filtered::Nothing);
    }
    if i32::try_from(kept.len()) == Ok(view.count) && (new.is_none() || known.is_some()) {
        return Ok(Filtered::Whole);
    }
    let options = BatchOptions { delete_horizon_ms: known.or(new), ..BatchOptions::like(view)? };
    let mut builder = BatchBuilder::new(options);
    for record in kept {
        builder.append_at(record.offset_delta, record.timestamp_ms, record.key, record.value, record.headers);
    }
    builder.set_last_offset_delta(view.last_offset_delta);
    builder.finish().map(Filtered::Part)
}

/// The batch with its header only: it keeps the offsets taken and the last sequence of its producer.
/// Errors: none in practice (TooLarge cannot be).
pub fn empty_batch(view: &BatchView<'_>) -> Result<Vec<u8>, BatchError> {
    let mut header = Header { count: 0, base_timestamp: -1, ..*view.header() };
    header.set_attributes(
        Codec::None,
        view.timestamp_type(),
        view.is_transactional(),
        view.is_control(),
        false,
    );
    seal(header, vec![0; HEADER_BYTES])
}

impl BatchOptions {
    /// What a batch says about itself, to build another one like it. Errors: UnsupportedCompression.
    pub fn like(view: &BatchView<'_>) -> Result<Self, BatchError> {
        let append_time = view.timestamp_type() == TimestampType::LogAppendTime;
        Ok(Self {
            codec: view.codec()?,
            level: None,
            base_offset: view.base_offset(),
            leader_epoch: view.leader_epoch(),
            producer_id: crate::base::ids::ProducerId::new(view.producer_id),
            producer_epoch: view.producer_epoch(),
            base_sequence: view.base_sequence,
            transactional: view.is_transactional(),
            control: view.is_control(),
            log_append_time_ms: append_time.then_some(view.max_timestamp),
            delete_horizon_ms: view.delete_horizon_ms(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::golden::golden;
    use super::*;

    fn part(name: &str, horizon: Horizon, parity: i64) -> Vec<u8> {
        let bytes = golden(name);
        let view = BatchView::parse(&bytes).unwrap();
        match filter(&view, horizon, |record| record.offset.get() % 2 == parity).unwrap() {
            Filtered::Part(bytes) => bytes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_kafka_leaves_byte_for_byte() {
        let horizon = Horizon::IfTombstones(6000);
        assert_eq!(part("java-v2-none", horizon, 0), golden("kafka-kept-even"));
        assert_eq!(part("java-v2-none", horizon, 1), golden("kafka-kept-odd-horizon"));
        assert_eq!(part("java-v2-append-time", horizon, 0), golden("kafka-kept-even-append-time"));
        let marker = golden("java-v2-commit-marker");
        let view = BatchView::parse(&marker).unwrap();
        let with_horizon = filter(&view, Horizon::Set(6000), |_| true).unwrap();
        assert_eq!(with_horizon, Filtered::Part(golden("kafka-kept-marker")));
    }

    #[test]
    fn empty_batches_are_kafkas_byte_for_byte() {
        for (name, empty) in [
            ("java-v2-transactional", "kafka-kept-none"),
            ("java-v2-append-time", "kafka-kept-none-append-time"),
        ] {
            let bytes = golden(name);
            let view = BatchView::parse(&bytes).unwrap();
            assert_eq!(filter(&view, Horizon::Keep, |_| false), Ok(Filtered::Nothing));
            assert_eq!(empty_batch(&view).unwrap(), golden(empty));
        }
    }

    #[test]
    fn a_horizon_is_set_once() {
        let bytes = golden("kafka-kept-odd-horizon");
        let view = BatchView::parse(&bytes).unwrap();
        assert_eq!(view.delete_horizon_ms(), Some(6000));
        assert_eq!(filter(&view, Horizon::IfTombstones(9000), |_| true), Ok(Filtered::Whole));
        let Ok(Filtered::Part(fewer)) =
            filter(&view, Horizon::IfTombstones(9000), |record| record.value.is_none())
        else {
            panic!("one record stays");
        };
        let fewer = BatchView::parse(&fewer).unwrap();
        assert_eq!((fewer.delete_horizon_ms(), fewer.count, fewer.last_offset_delta), (Some(6000), 1, 9));
    }

    #[test]
    fn codecs_stay() {
        for name in ["java-v2-gzip", "java-v2-snappy", "java-v2-lz4", "java-v2-zstd"] {
            let fewer = part(name, Horizon::Keep, 1);
            let (view, plain) = (BatchView::parse(&fewer).unwrap(), part("java-v2-none", Horizon::Keep, 1));
            assert!(name.ends_with(view.codec().unwrap().name()));
            assert_eq!(records(&view).unwrap().payload(), &plain[HEADER_BYTES..]);
        }
    }
}
