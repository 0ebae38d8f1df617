//! Every rule for a Produce, broken one at a time. What Kafka says was asked of Kafka 4.3.1's own validator.

use super::super::header::reseal;
use super::super::*;
use super::golden::{TIME, golden};
use super::plain;

const CODECS: [&str; 5] = ["java-v2-none", "java-v2-gzip", "java-v2-snappy", "java-v2-lz4", "java-v2-zstd"];

fn rules() -> Rules {
    Rules { now_ms: TIME, ..Rules::default() }
}

fn judge(bytes: &[u8]) -> Result<Validated, BatchError> {
    validate_produce(bytes, &rules())
}

/// The verdict on a golden after a change, with the length and the checksum made right again.
fn changed(name: &str, change: impl Fn(&mut Vec<u8>)) -> Result<Validated, BatchError> {
    let mut bytes = golden(name);
    change(&mut bytes);
    let length = bytes.len() as i32 - LENGTH_OVERHEAD as i32;
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    reseal(&mut bytes);
    judge(&bytes)
}

#[test]
fn exactly_one_batch() {
    let one = golden("java-v2-none");
    let version = rules().produce_version;
    assert_eq!(judge(&one.repeat(2)), Err(Invalid::SeveralBatches(version).into()));
    assert_eq!(judge(&[]), Err(Invalid::NoBatch(version).into()));
    assert_eq!(judge(&one[..one.len() - 1]), Err(Invalid::NoBatch(version).into()));
    assert_eq!(judge(&golden("java-v1-none")), Err(Invalid::OldMagic(version).into()));
    assert_eq!(judge(&golden("java-v0-gzip")), Err(Invalid::OldMagic(version).into()));
    let with_part = [&one[..], &one[..70]].concat();
    assert_eq!(judge(&with_part).map(|valid| valid.bytes), Ok(one.len()));
    let accepted = accept(&with_part.into(), &rules()).unwrap();
    assert_eq!(accepted.batch, one);
}

#[test]
fn magic_length_and_checksum() {
    let one = golden("java-v2-none");
    let mut bad = one.clone();
    bad[16] = 3;
    assert_eq!(judge(&bad), Err(Corruption::Magic(3).into()));
    let mut bad = one.clone();
    bad[8..12].copy_from_slice(&48i32.to_be_bytes());
    assert_eq!(judge(&bad), Err(Corruption::Length(48).into()));
    bad[8..12].copy_from_slice(&(-1i32).to_be_bytes());
    assert_eq!(judge(&bad), Err(Corruption::Length(-1).into()));
    for at in [17, 21, 30, 61, one.len() - 1] {
        let mut bad = one.clone();
        bad[at] ^= 0x40;
        assert!(matches!(judge(&bad), Err(BatchError::Corrupt(Corruption::Crc { .. }))), "byte {at}");
    }
}

#[test]
fn header_fields() {
    let delta = |value: i32| value.to_be_bytes();
    let field = |from: usize, bytes: &[u8]| {
        let bytes = bytes.to_vec();
        changed("java-v2-none", move |batch| batch[from..from + bytes.len()].copy_from_slice(&bytes))
    };
    assert_eq!(field(0, &5i64.to_be_bytes()), Err(Invalid::BaseOffset(5).into()));
    assert_eq!(field(23, &delta(10)), Err(Invalid::OffsetRange { last_offset_delta: 10, count: 10 }.into()));
    assert_eq!(field(57, &delta(0)), Err(Invalid::Count(0).into()));
    assert_eq!(field(57, &delta(-4)), Err(Invalid::Count(-4).into()));
    assert_eq!(field(22, &[0x20]), Err(Invalid::Control.into()));
    assert_eq!(
        field(43, &5i64.to_be_bytes()),
        Err(Invalid::Sequence { sequence: -1, producer_id: 5 }.into())
    );
    assert!(matches!(field(22, &[6]), Err(BatchError::UnsupportedCompression(_))));
    assert!(matches!(field(22, &[1]), Err(BatchError::Invalid(Invalid::Compressed { codec: "gzip", .. }))));
    let all = changed("java-v2-none", |batch| {
        batch[23..27].copy_from_slice(&i32::MAX.to_be_bytes());
        batch[57..61].copy_from_slice(&i32::MIN.to_be_bytes());
    });
    assert!(matches!(all, Err(BatchError::Invalid(Invalid::Count(i32::MIN)))));
}

#[test]
fn counts_that_the_records_do_not_have() {
    for name in CODECS {
        let with_count = |count: u8| {
            changed(name, |batch| {
                batch[26] = count - 1;
                batch[60] = count;
            })
        };
        assert_eq!(with_count(9), Err(Invalid::Size(9).into()), "{name}");
        let Err(BatchError::Invalid(Invalid::Record { index: 10, .. })) = with_count(11) else {
            panic!("{name}: {:?}", with_count(11));
        };
        assert!(with_count(10).is_ok());
    }
}

#[test]
fn bytes_after_the_records() {
    assert_eq!(changed("java-v2-none", |batch| batch.push(0)), Err(Invalid::Size(10).into()));
    // Behind an LZ4 frame Kafka does not look either.
    for name in ["java-v2-gzip", "java-v2-snappy", "java-v2-zstd"] {
        let verdict = changed(name, |batch| batch.extend_from_slice(b"garbage"));
        assert!(matches!(verdict, Err(BatchError::Invalid(_))), "{name}: {verdict:?}");
    }
}

#[test]
fn offsets_count_from_zero() {
    // The second byte of the second record's offset delta lies behind its length, attributes and timestamp.
    let verdict = changed("java-v2-none", |batch| batch[65] = 2);
    assert_eq!(verdict, Err(Invalid::Record { index: 0, what: "its offset is not the one expected" }.into()));
}

#[test]
fn sizes() {
    let one = golden("java-v2-none");
    let limit = |max_message_bytes| validate_produce(&one, &Rules { max_message_bytes, ..rules() });
    assert!(limit(one.len()).is_ok());
    assert_eq!(limit(one.len() - 1), Err(BatchError::TooLarge { bytes: one.len(), max: one.len() - 1 }));
}

#[test]
fn zstd_needs_version_7() {
    let zstd = golden("java-v2-zstd");
    let version = |produce_version| validate_produce(&zstd, &Rules { produce_version, ..rules() });
    assert!(matches!(version(6), Err(BatchError::UnsupportedCompression(_))));
    assert!(version(7).is_ok());
}

#[test]
fn keys_in_compacted_topics() {
    for name in CODECS {
        let error = validate_produce(&golden(name), &Rules { compacted: true, ..rules() }).unwrap_err();
        let BatchError::InvalidRecords(errors) = &error else { panic!("{error}") };
        assert_eq!(errors.iter().map(|error| error.batch_index).collect::<Vec<_>>(), [4, 9]);
        assert_eq!(error.record_errors().len(), 2);
        assert!(error.to_string().contains("due to 2 record errors in total"), "{error}");
        assert!(
            error.to_string().contains("[RecordError(batchIndex=4, message='Compacted topic cannot accept")
        );
    }
}

#[test]
fn timestamps_out_of_range() {
    for name in CODECS {
        let at = |now_ms, before, after| {
            let rules = Rules {
                now_ms,
                timestamp_before_max_ms: before,
                timestamp_after_max_ms: after,
                ..Rules::default()
            };
            match validate_produce(&golden(name), &rules) {
                Ok(_) => vec![],
                Err(BatchError::InvalidTimestamp(errors)) => {
                    errors.iter().map(|error| error.batch_index).collect()
                }
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(at(TIME, 0, 9), [0i32; 0]);
        assert_eq!(at(TIME, 0, 8), [9], "{name}");
        assert_eq!(at(TIME + 2, 0, 6), [0, 1, 9], "{name}");
        assert_eq!(at(0, i64::MAX, i64::MAX), [0i32; 0]);
        assert_eq!(at(i64::MAX, i64::MAX, 0), [0i32; 0]);
    }
}

#[test]
fn log_append_time() {
    for name in CODECS {
        let topic =
            Rules { timestamp_type: TimestampType::LogAppendTime, timestamp_after_max_ms: 0, ..rules() };
        let mut bytes = golden(name);
        let valid = validate_produce(&bytes, &Rules { now_ms: 77, ..topic }).unwrap();
        assert_eq!((valid.stamp, valid.max_timestamp_ms), (Stamp::LogAppendTime(77), 77));
        assert_eq!(valid.offset_of_max_timestamp_delta, 0);
        valid.stamp.apply(&mut bytes);
        assert!(plain(&bytes).iter().all(|record| record.1 == 77));
        // The same bit from a client is an error here, and is taken back where the time is the client's to say.
        let refused = validate_produce(&bytes, &topic);
        assert!(matches!(refused, Err(BatchError::InvalidTimestamp(errors)) if errors.len() == 10));
        let valid = judge(&bytes).unwrap();
        assert_eq!((valid.stamp, valid.max_timestamp_ms), (Stamp::MaxTimestamp(77), 77));
        valid.stamp.apply(&mut bytes);
        assert_eq!(BatchView::parse(&bytes).unwrap().timestamp_type(), TimestampType::CreateTime);
        set_log_append_time(&mut bytes, -1);
        assert!(matches!(judge(&bytes), Err(BatchError::InvalidTimestamp(_))), "no time at all");
    }
}

#[test]
fn a_wrong_max_timestamp_is_corrected() {
    let right = golden("java-v2-gzip");
    let mut bytes = right.clone();
    bytes[35..43].copy_from_slice(&5i64.to_be_bytes());
    reseal(&mut bytes);
    let valid = judge(&bytes).unwrap();
    assert_eq!(valid.stamp, Stamp::MaxTimestamp(TIME + 9));
    valid.stamp.apply(&mut bytes);
    assert_eq!(bytes, right);
}

#[test]
fn coordinators_may_write_control_batches_anywhere() {
    let marker = golden("java-v2-commit-marker");
    assert_eq!(judge(&marker), Err(Invalid::BaseOffset(7).into()));
    let coordinator = Rules { origin: Origin::Coordinator, ..rules() };
    let valid = validate_produce(&marker, &coordinator).unwrap();
    assert!(valid.control && valid.transactional);
}

#[test]
fn compression_type_recompresses() {
    for from in CODECS {
        for codec in Codec::ALL {
            let rules = Rules { recompress: Some((codec, codec.default_level())), ..rules() };
            let bytes = bytes::Bytes::from(golden(from));
            let accepted = accept(&bytes, &rules).unwrap();
            assert_eq!(accepted.summary.codec, codec);
            assert_eq!(accepted.summary.bytes, accepted.batch.len());
            assert_eq!(plain(&accepted.batch), plain(&bytes));
            let kept = accepted.batch.as_ptr() == bytes.as_ptr();
            assert_eq!(kept, from.ends_with(codec.name()), "the client's own bytes unless the codec changes");
        }
    }
}

#[test]
fn a_recompressed_batch_must_fit_too() {
    let rules = Rules { recompress: Some((Codec::None, 0)), max_message_bytes: 500, ..rules() };
    assert!(matches!(accept(&golden("java-v2-gzip").into(), &rules), Err(BatchError::TooLarge { .. })));
}

#[test]
fn records_larger_than_any_window() {
    let value: Vec<u8> = (0..300_000u32).map(|n| (n.wrapping_mul(n) / 7) as u8).collect();
    for codec in Codec::ALL {
        let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
        for n in 0..4 {
            builder.append(
                TIME + n,
                Some(&value[..40_000]),
                Some(&value),
                &[(&value[..70_000], Some(&value[..9]))],
            );
        }
        let batch = builder.finish().unwrap();
        let valid = validate_produce(&batch, &Rules { max_message_bytes: usize::MAX, ..rules() }).unwrap();
        assert_eq!((valid.count, valid.max_timestamp_ms), (4, TIME + 3), "{codec}");
        assert_eq!(plain(&batch).pop().unwrap().3, Some(value.clone()));
    }
}
