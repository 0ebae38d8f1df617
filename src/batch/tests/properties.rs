//! Random batches survive the round trip; random damage never panics.

use super::super::header::reseal;
use super::super::legacy::{down_convert, messages, validate_and_up_convert};
use super::super::*;
use super::golden::golden;
use super::{Plain, plain};
use crate::base::ids::{Offset, ProducerEpoch, ProducerId};
use proptest::prelude::*;

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..max),
        (0..max, any::<u8>()).prop_map(|(n, b)| vec![b; n])
    ]
}

type Input = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(Vec<u8>, Option<Vec<u8>>)>);

fn record() -> impl Strategy<Value = Input> {
    let headers = prop::collection::vec((bytes(20), prop::option::of(bytes(20))), 0..4);
    (-1i64..1 << 42, prop::option::of(bytes(100)), prop::option::of(bytes(3000)), headers)
}

fn codec() -> impl Strategy<Value = Codec> {
    prop::sample::select(Codec::ALL.to_vec())
}

fn build(options: BatchOptions, input: &[Input]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(options);
    for (timestamp, key, value, headers) in input {
        let headers: Vec<_> = headers.iter().map(|(k, v)| (k.as_slice(), v.as_deref())).collect();
        builder.append(*timestamp, key.as_deref(), value.as_deref(), &headers);
    }
    builder.finish().unwrap()
}

fn as_plain(input: &[Input]) -> Vec<Plain> {
    let numbered = input.iter().cloned().enumerate();
    numbered.map(|(n, (timestamp, key, value, headers))| (n as i64, timestamp, key, value, headers)).collect()
}

fn any_time() -> Rules {
    Rules { timestamp_after_max_ms: i64::MAX, max_message_bytes: usize::MAX, ..Rules::default() }
}

/// Whatever the bytes are: every reader comes to an end.
fn read_everything(bytes: &[u8]) {
    let rules = any_time();
    let _ = validate_produce(bytes, &rules);
    let _ = validate_and_up_convert(bytes, &rules);
    let _ = accept(&bytes::Bytes::copy_from_slice(bytes), &Rules { produce_version: 1, ..rules });
    let _ = messages(bytes).count();
    for view in batches(bytes).flatten() {
        let _ = recompress(&view, Codec::Lz4, 0);
        for magic in [0, 1] {
            let _ = down_convert(&view, magic, Offset::ZERO);
        }
        if let Ok(records) = records(&view) {
            let _ = records.iter().flatten().map(|record| record.headers.count()).sum::<usize>();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn build_validate_iterate(input in prop::collection::vec(record(), 1..40), codec in codec(), id in -1i64..9) {
        let options = BatchOptions {
            codec,
            producer_id: ProducerId::new(id),
            producer_epoch: ProducerEpoch::new(1),
            base_sequence: 3,
            ..BatchOptions::default()
        };
        let batch = build(options, &input);
        let valid = validate_produce(&batch, &any_time()).unwrap();
        prop_assert_eq!(valid.stamp, Stamp::Keep);
        prop_assert_eq!(valid.count as usize, input.len());
        prop_assert_eq!((valid.codec, valid.producer_id, valid.base_sequence), (codec, id, 3));
        let max = input.iter().map(|record| record.0).max().unwrap();
        prop_assert_eq!(valid.max_timestamp_ms, max);
        let place = input.iter().position(|record| record.0 == max).unwrap();
        prop_assert_eq!(valid.offset_of_max_timestamp_delta as usize, if max == -1 { 0 } else { place });
        prop_assert_eq!(plain(&batch), as_plain(&input));
    }

    #[test]
    fn down_and_up(input in prop::collection::vec(record(), 1..20), codec in codec(), magic in 0i8..2) {
        let codec = if codec == Codec::Zstd { Codec::Gzip } else { codec };
        let batch = build(BatchOptions { codec, ..BatchOptions::default() }, &input);
        let set = down_convert(&BatchView::parse(&batch).unwrap(), magic, Offset::ZERO).unwrap();
        let again = validate_and_up_convert(&set, &any_time()).unwrap();
        let mut want = as_plain(&input);
        for record in &mut want {
            record.4.clear();
            if magic == 0 {
                record.1 = -1;
            }
        }
        prop_assert_eq!(plain(&again.batch), want);
        prop_assert_eq!(again.summary.codec, codec);
    }

    #[test]
    fn damage_never_panics(
        input in prop::collection::vec(record(), 1..10),
        codec in codec(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        header_only: bool,
    ) {
        let mut batch = build(BatchOptions { codec, ..BatchOptions::default() }, &input);
        for (at, value) in &hits {
            let at = at.index(if header_only { HEADER_BYTES } else { batch.len() });
            batch[at] = *value;
        }
        read_everything(&batch);
        // Once more with a checksum that fits: the damage reaches the record loop and the decompressors.
        reseal(&mut batch);
        read_everything(&batch);
    }

    #[test]
    fn damaged_sets_never_panic(
        name in prop::sample::select(vec!["java-v0-gzip", "java-v1-lz4", "python-v0-snappy", "python-v1-none"]),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut set = golden(name);
        for (at, value) in &hits {
            let at = at.index(set.len());
            set[at] = *value;
        }
        read_everything(&set);
        let size = i32::from_be_bytes(set[8..12].try_into().unwrap());
        if let Some(body) = usize::try_from(size).ok().and_then(|size| set.get(16..12 + size)) {
            let crc = crate::base::crc::crc32(body);
            set[12..16].copy_from_slice(&crc.to_be_bytes());
            read_everything(&set);
        }
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..300), magic in 0u8..4) {
        read_everything(&noise);
        let mut framed = noise.clone();
        if framed.len() > 17 {
            let length = framed.len() as i32 - 12;
            framed[8..12].copy_from_slice(&length.to_be_bytes());
            framed[16] = magic;
            reseal(&mut framed);
            read_everything(&framed);
        }
        for codec in Codec::ALL {
            let _ = decompress(codec, &noise);
        }
    }
}
