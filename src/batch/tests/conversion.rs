//! Record batches down to message sets and up again.

use super::super::legacy::{Messages, down_convert, messages, validate_and_up_convert};
use super::super::*;
use super::golden::{TIME, expected, golden};
use super::plain;
use crate::base::ids::{LeaderEpoch, Offset};

fn down(bytes: &[u8], magic: i8, from: i64) -> Result<Vec<u8>, BatchError> {
    down_convert(&BatchView::parse(bytes).unwrap(), magic, Offset::new(from))
}

#[test]
fn uncompressed_sets_are_kafkas_byte_for_byte() {
    let batch = golden("java-v2-none");
    assert_eq!(down(&batch, 0, 0).unwrap(), golden("java-v0-none"));
    assert_eq!(down(&batch, 1, 0).unwrap(), golden("java-v1-none"));
}

#[test]
fn compressed_sets_hold_the_records_and_come_up_again() {
    for name in ["java-v2-gzip", "java-v2-snappy", "java-v2-lz4", "librdkafka-v2-snappy"] {
        for magic in [0, 1] {
            let mut batch = golden(name);
            let whole = BatchView::parse(&batch).unwrap().total_bytes();
            batch.truncate(whole);
            let records = plain(&batch);
            patch_offsets(&mut batch, Offset::new(500), LeaderEpoch::new(1));
            let set = down(&batch, magic, 505).unwrap();
            let wrappers: Vec<_> = messages(&set).map(Result::unwrap).collect();
            assert_eq!(wrappers.len(), 1);
            assert_eq!(wrappers[0].offset, 500 + records.len() as i64 - 1, "{name}");
            assert_eq!(wrappers[0].timestamp_ms, if magic == 0 { -1 } else { records.last().unwrap().1 });
            let rules = Rules { now_ms: TIME, ..Rules::default() };
            let again = validate_and_up_convert(&set, &rules).unwrap();
            let mut want = expected(magic);
            want.truncate(records.len());
            assert_eq!(plain(&again.batch), want, "{name} {magic}");
        }
    }
}

#[test]
fn inner_offsets_are_absolute_in_0_and_relative_in_1() {
    for (magic, first) in [(0, 500), (1, 0)] {
        let mut batch = golden("java-v2-gzip");
        patch_offsets(&mut batch, Offset::new(500), LeaderEpoch::new(1));
        let set = down(&batch, magic, 0).unwrap();
        let inner = decompress(Codec::Gzip, messages(&set).next().unwrap().unwrap().value.unwrap()).unwrap();
        let offsets: Vec<_> = messages(&inner).map(|message| message.unwrap().offset).collect();
        assert_eq!(offsets, (first..first + 10).collect::<Vec<_>>());
    }
}

#[test]
fn lz4_of_format_0_has_the_checksum_that_old_clients_expect() {
    let frame = |set: &[u8]| messages(set).next().unwrap().unwrap().value.unwrap()[..7].to_vec();
    for magic in [0, 1] {
        let set = down(&golden("java-v2-lz4"), magic, 0).unwrap();
        assert_eq!(frame(&set), frame(&golden(&format!("java-v{magic}-lz4"))));
    }
    assert_ne!(frame(&golden("java-v0-lz4")), frame(&golden("java-v1-lz4")));
}

#[test]
fn records_before_the_fetch_offset_are_left_out() {
    let set = down(&golden("java-v2-none"), 1, 7).unwrap();
    let offsets: Vec<_> = messages(&set).map(|message| message.unwrap().offset).collect();
    assert_eq!(offsets, [7, 8, 9]);
}

#[test]
fn log_append_time_goes_along() {
    let mut batch = golden("java-v2-gzip");
    set_log_append_time(&mut batch, 42);
    let set = down(&batch, 1, 0).unwrap();
    let wrapper = messages(&set).next().unwrap().unwrap();
    assert!(wrapper.log_append_time);
    assert_eq!(wrapper.timestamp_ms, 42);
    // A client may not send such a set.
    assert!(matches!(validate_and_up_convert(&set, &Rules::default()), Err(BatchError::InvalidTimestamp(_))));
}

#[test]
fn control_batches_vanish_and_zstd_is_refused() {
    assert_eq!(down(&golden("java-v2-commit-marker"), 1, 0), Ok(vec![]));
    assert!(matches!(down(&golden("java-v2-zstd"), 1, 0), Err(BatchError::UnsupportedCompression(_))));
    assert_eq!(down(&golden("java-v2-transactional"), 1, 0).map(|set| set.is_empty()), Ok(false));
}

fn up(set: &[u8]) -> Result<Accepted, BatchError> {
    validate_and_up_convert(set, &Rules { now_ms: TIME, ..Rules::default() })
}

#[test]
fn broken_sets_are_refused() {
    let v1 = golden("java-v1-gzip");
    let mixed = [golden("java-v0-none"), golden("java-v1-none")].concat();
    assert_eq!(up(&mixed).unwrap_err(), Invalid::MixedMagic { first: 0, found: 1 }.into());
    assert_eq!(up(&[]).unwrap_err(), Invalid::NoBatch(i16::MAX).into());
    assert_eq!(up(&v1[..v1.len() - 1]).unwrap_err(), Invalid::NoBatch(i16::MAX).into());
    let mut bad = v1.clone();
    *bad.last_mut().unwrap() ^= 1;
    assert!(matches!(up(&bad), Err(BatchError::Corrupt(Corruption::Crc { .. }))));
    // Batches do not come in message sets here; `accept` takes them by the other door.
    assert!(up(&golden("java-v2-none")).is_err());
    let accepted = accept(&golden("java-v2-none").into(), &Rules { produce_version: 2, ..Rules::default() });
    assert!(matches!(accepted, Err(BatchError::InvalidTimestamp(_))), "in the far future of the epoch");
}

#[test]
fn a_partial_message_at_the_end_is_left_out() {
    let mut set = golden("python-v1-none");
    set.truncate(set.len() - 3);
    assert_eq!(up(&set).unwrap().summary.count, 9);
}

#[test]
fn several_wrappers_and_codecs_become_one_batch() {
    let set = [golden("java-v1-gzip"), golden("java-v1-none"), golden("java-v1-lz4")].concat();
    let accepted = up(&set).unwrap();
    assert_eq!((accepted.summary.count, accepted.summary.codec), (30, Codec::Lz4));
    let rules = Rules { now_ms: TIME, recompress: Some((Codec::Zstd, 3)), ..Rules::default() };
    let accepted = validate_and_up_convert(&set, &rules).unwrap();
    assert_eq!((accepted.summary.count, accepted.summary.codec), (30, Codec::Zstd));
}

#[test]
fn limits_hold_for_sets() {
    let set = golden("java-v1-none");
    let one = messages(&set).next().unwrap().unwrap().bytes;
    let rules = |max| Rules { now_ms: TIME, max_message_bytes: max, ..Rules::default() };
    assert!(matches!(validate_and_up_convert(&set, &rules(one - 1)), Err(BatchError::TooLarge { .. })));
    assert!(matches!(validate_and_up_convert(&set, &rules(one * 4)), Err(BatchError::TooLarge { .. })));
    assert!(validate_and_up_convert(&set, &rules(set.len())).is_ok());
}

#[test]
fn a_key_is_needed_in_compacted_topics() {
    let rules = Rules { now_ms: TIME, compacted: true, ..Rules::default() };
    let Err(BatchError::InvalidRecords(errors)) = validate_and_up_convert(&golden("java-v0-gzip"), &rules)
    else {
        panic!("keyless records must be refused");
    };
    assert_eq!(errors.iter().map(|error| error.batch_index).collect::<Vec<_>>(), [4, 9]);
}

#[test]
fn remainder_is_told() {
    let set = golden("java-v1-none");
    let mut all: Messages<'_> = messages(&set[..set.len() - 1]);
    assert_eq!(all.by_ref().count(), 9);
    assert!(!all.remainder().is_empty());
}
