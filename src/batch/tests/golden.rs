//! Bytes that real clients made: Kafka 4.3.1's Java classes, kafka-python 1.4.7, librdkafka 2.16 (through a broker's
//! log). All hold the same ten records.

use super::super::legacy::{messages, validate_and_up_convert};
use super::super::*;
use super::{Plain, plain};
use crate::base::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

pub(in crate::batch) const TIME: i64 = 1_700_000_000_000;

macro_rules! golden {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../tests/golden/batch/", $name, ".hex")))),*]
    };
}

const BATCHES: &[(&str, &str)] = golden!(
    "java-v2-none" "java-v2-gzip" "java-v2-snappy" "java-v2-lz4" "java-v2-zstd" "java-v2-transactional"
    "python-v2-none" "python-v2-gzip" "python-v2-snappy" "python-v2-lz4"
);
const LIBRDKAFKA: &[(&str, &str)] = golden!(
    "librdkafka-v2-none" "librdkafka-v2-gzip" "librdkafka-v2-snappy" "librdkafka-v2-lz4" "librdkafka-v2-zstd"
);
const SETS: &[(&str, &str)] = golden!(
    "java-v0-none" "java-v0-gzip" "java-v0-snappy" "java-v0-lz4"
    "java-v1-none" "java-v1-gzip" "java-v1-snappy" "java-v1-lz4"
    "python-v0-none" "python-v0-gzip" "python-v0-snappy" "python-v0-lz4"
    "python-v1-none" "python-v1-gzip" "python-v1-snappy" "python-v1-lz4"
);
const OTHERS: &[(&str, &str)] = golden!(
    "java-v2-append-time" "java-v2-commit-marker" "java-v2-abort-marker"
    "kafka-kept-even" "kafka-kept-odd-horizon" "kafka-kept-even-append-time" "kafka-kept-marker"
    "kafka-kept-none" "kafka-kept-none-append-time"
    "kafka-up-v0-none" "kafka-up-v0-none-append-time" "kafka-up-v1-none" "kafka-up-v1-none-append-time"
);

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

pub(in crate::batch) fn golden(name: &str) -> Vec<u8> {
    let mut all = BATCHES.iter().chain(LIBRDKAFKA).chain(SETS).chain(OTHERS);
    bytes(all.find(|(found, _)| *found == name).unwrap().1)
}

/// What every golden holds, as far as its format can.
pub(in crate::batch) fn expected(magic: i8) -> Vec<Plain> {
    let record = |n: i64| {
        let timestamp = if magic == 0 { -1 } else { TIME + n };
        let key = (n % 5 != 4).then(|| format!("key-{n}").into_bytes());
        let value = (n != 7).then(|| format!("value-{n} ").repeat(10).into_bytes());
        let mut headers = Vec::new();
        if n == 3 && magic == 2 {
            let header = |key: &str, value: Option<&str>| {
                (key.as_bytes().to_vec(), value.map(|v| v.as_bytes().to_vec()))
            };
            headers = vec![header("h", Some("1")), header("h", Some("2")), header("n", None)];
        }
        (n, timestamp, key, value, headers)
    };
    (0..10).map(record).collect()
}

fn rules() -> Rules {
    Rules { now_ms: TIME, ..Rules::default() }
}

#[test]
fn batches_of_every_client_pass_and_read_back() {
    for (name, hex) in BATCHES {
        let bytes = bytes(hex);
        let view = BatchView::parse(&bytes).unwrap();
        assert_eq!(plain(&bytes), expected(2), "{name}");
        let valid = validate_produce(&bytes, &rules()).unwrap();
        assert_eq!((valid.count, valid.last_offset_delta, valid.bytes), (10, 9, bytes.len()), "{name}");
        assert_eq!((valid.max_timestamp_ms, valid.offset_of_max_timestamp_delta), (TIME + 9, 9), "{name}");
        assert_eq!((valid.stamp, Ok(valid.codec)), (Stamp::Keep, view.codec()), "{name}");
    }
    for (name, hex) in LIBRDKAFKA {
        assert_eq!(plain(&bytes(hex)), expected(2), "{name}");
        let first = bytes(hex);
        let first = &first[..BatchView::parse(&first).unwrap().total_bytes()];
        validate_produce(first, &rules()).unwrap();
    }
}

#[test]
fn the_builder_writes_what_java_writes() {
    for (name, codec) in [("java-v2-none", Codec::None), ("java-v2-lz4", Codec::Lz4)] {
        let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
        for (_, timestamp, key, value, headers) in expected(2) {
            let headers: Vec<_> = headers.iter().map(|(k, v)| (k.as_slice(), v.as_deref())).collect();
            builder.append(timestamp, key.as_deref(), value.as_deref(), &headers);
        }
        let built = builder.finish().unwrap();
        if codec == Codec::None {
            assert_eq!(built, golden(name));
        } else {
            // Compressors may differ in their choices, not in the frame's header.
            assert_eq!(built[HEADER_BYTES..HEADER_BYTES + 7], golden(name)[HEADER_BYTES..HEADER_BYTES + 7]);
        }
    }
}

#[test]
fn flags_are_read() {
    let bytes = golden("java-v2-transactional");
    let view = BatchView::parse(&bytes).unwrap();
    assert!(view.is_transactional() && !view.is_control());
    assert_eq!(view.producer_id(), Some(ProducerId::new(4711)));
    assert_eq!(
        (view.producer_epoch(), view.base_sequence, view.last_sequence()),
        (ProducerEpoch::new(3), 20, 29)
    );
    let bytes = golden("java-v2-append-time");
    let view = BatchView::parse(&bytes).unwrap();
    assert_eq!(view.timestamp_type(), TimestampType::LogAppendTime);
    assert!(plain(&bytes).iter().all(|record| record.1 == 1_800_000_000_000));
    assert_eq!(plain(&bytes).last().unwrap().0, 1009);
    let valid = validate_produce(&bytes, &Rules { origin: Origin::Coordinator, ..rules() }).unwrap();
    assert_eq!((valid.stamp, valid.max_timestamp_ms), (Stamp::Keep, 1_800_000_000_000));
}

#[test]
fn markers_are_read_and_written_as_java_does() {
    for (name, control, epoch, offset) in [
        ("java-v2-commit-marker", ControlType::Commit, 5, 7),
        ("java-v2-abort-marker", ControlType::Abort, 6, 8),
    ] {
        let java = golden(name);
        let (_, _, key, value, _) = plain(&java).remove(0);
        assert_eq!(control_type(&key.unwrap()), Some(control));
        assert_eq!(marker_epoch(&value.unwrap()), Some(epoch));
        let header = BatchView::parse(&java).unwrap();
        let options = BatchOptions {
            base_offset: Offset::new(offset),
            leader_epoch: LeaderEpoch::new(2),
            producer_id: ProducerId::new(4711),
            producer_epoch: ProducerEpoch::new(3),
            transactional: true,
            base_sequence: header.base_sequence,
            ..BatchOptions::default()
        };
        assert_eq!(control_batch(options, TIME, control, &marker_value(epoch)).unwrap(), java);
    }
}

#[test]
fn message_sets_of_every_client_convert_up() {
    for (name, hex) in SETS {
        let set = bytes(hex);
        assert!(messages(&set).all(|message| message.is_ok()), "{name}");
        let magic = i8::from(name.contains("-v1-"));
        let rules = Rules { produce_version: 2, ..rules() };
        let accepted = accept(&bytes::Bytes::from(set), &rules).unwrap();
        assert_eq!(plain(&accepted.batch), expected(magic), "{name}");
        assert!(name.ends_with(accepted.summary.codec.name()));
        assert_eq!(accepted.summary.max_timestamp_ms, if magic == 0 { -1 } else { TIME + 9 });
    }
}

#[test]
fn up_conversion_is_kafkas_byte_for_byte() {
    for (set, up) in [("java-v0-none", "kafka-up-v0-none"), ("java-v1-none", "kafka-up-v1-none")] {
        for timestamp_type in [TimestampType::CreateTime, TimestampType::LogAppendTime] {
            let rules = Rules { timestamp_type, ..rules() };
            let accepted = validate_and_up_convert(&golden(set), &rules).unwrap();
            let mut bytes = accepted.batch.to_vec();
            patch_offsets(&mut bytes, Offset::new(100), LeaderEpoch::new(5));
            accepted.summary.stamp.apply(&mut bytes);
            let suffix = if timestamp_type == TimestampType::CreateTime { "" } else { "-append-time" };
            assert_eq!(bytes, golden(&format!("{up}{suffix}")));
        }
    }
}
