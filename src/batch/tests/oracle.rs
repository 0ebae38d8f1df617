//! Another implementation of the format, by other people, reads what we write and writes what we read.

use super::super::*;
use super::golden::{TIME, expected, golden};
use super::plain;
use bytes::{Bytes, BytesMut};
use kafka_protocol::records::{
    Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType as Time,
};

#[test]
fn it_reads_ours() {
    let mut bytes = Bytes::from(golden("java-v2-none"));
    let read = RecordBatchDecoder::decode(&mut bytes).unwrap();
    let read: Vec<_> =
        read.records.iter().map(|r| (r.offset, r.timestamp, r.key.clone(), r.value.clone())).collect();
    let bytes = |field: Option<Vec<u8>>| field.map(Bytes::from);
    let want: Vec<_> = expected(2).into_iter().map(|r| (r.0, r.1, bytes(r.2), bytes(r.3))).collect();
    assert_eq!(read, want);
}

#[test]
fn we_read_its() {
    let records: Vec<_> = expected(2)
        .into_iter()
        .map(|(offset, timestamp, key, value, _)| Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 0,
            producer_id: -1,
            producer_epoch: -1,
            timestamp_type: Time::Creation,
            offset,
            sequence: offset as i32 - 1,
            timestamp,
            key: key.map(Bytes::from),
            value: value.map(Bytes::from),
            headers: Default::default(),
        })
        .collect();
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, &records, &options).unwrap();
    let valid = validate_produce(&out, &Rules { now_ms: TIME, ..Rules::default() }).unwrap();
    assert_eq!(valid.count, 10);
    let mut want = expected(2);
    want.iter_mut().for_each(|record| record.4.clear());
    assert_eq!(plain(&out), want);
}
