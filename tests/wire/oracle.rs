//! Both releases of the `kafka-protocol` crate read and write random messages as we do, byte for byte.

use crate::codec;
use crate::draw::{Draw, messages, versions};
use crate::model::{Field, Message};
use bytes::Bytes;
use ringwood::wire::Writer;
use ringwood::wire::header::{RequestHeader, encode_request_header, encode_response_header};
use ringwood::wire::messages::APIS;

/// Random messages for each message, version and bareness.
const SAMPLES: u64 = 40;
/// How much of a message is null, empty or left out, of 100.
const BARENESS: [u64; 3] = [0, 35, 90];

/// What neither release knows. Golden bytes of Kafka 4.3.1 judge it (`golden.rs`).
const TOO_NEW: [(&str, i16); 4] = [
    ("ListOffsetsRequest", 11),
    ("ListOffsetsResponse", 11),
    ("OffsetCommitRequest", 10),
    ("OffsetFetchRequest", 10),
];

/// What a release of the crate makes of bytes: its own bytes for the value that it read. None if it does not know the
/// message in this version.
type Oracle = fn(&str, i16, &Bytes) -> Option<Result<Bytes, String>>;

/// Kafka 4.1's schemas.
mod kafka_4_1 {
    use bytes::{Bytes, BytesMut};
    use kafka_protocol::messages::*;
    use kafka_protocol::protocol::{Decodable, Encodable, Message};
    include!("oracle_crate.rs");
}

/// Kafka 3.9's schemas, which still have the versions that Kafka 4 dropped.
mod kafka_3_9 {
    use bytes::{Bytes, BytesMut};
    use kafka_protocol_3_9::messages::*;
    use kafka_protocol_3_9::protocol::{Decodable, Encodable, Message};
    include!("oracle_crate.rs");
}

const ORACLES: [(&str, Oracle); 2] = [("4.1", kafka_4_1::again), ("3.9", kafka_3_9::again)];

/// What we write for what we read.
fn ours(name: &str, version: i16, bytes: &Bytes) -> Option<Result<Bytes, String>> {
    let codec = codec::find(name)?;
    codec.versions.contains(&version).then(|| (codec.convert)(bytes, version, version))
}

/// Draws messages of a version and asks the oracle; the first complaint, if there is one. None if it does not know
/// the version.
fn complaint(oracle: Oracle, message: &Message, version: i16) -> Option<Result<(), String>> {
    let name = message.name();
    for sample in 0..SAMPLES * BARENESS.len() as u64 {
        let bareness = BARENESS[sample as usize % BARENESS.len()];
        let seed = sample * 1000 + version as u64;
        let bytes = Bytes::from(Draw::new(message, version, seed, bareness).bytes());
        let problem = match oracle(&name, version, &bytes)? {
            Ok(again) if again == bytes => continue,
            Ok(again) => format!("writes {}", codec::to_hex(&again)),
            Err(error) => error,
        };
        let hex = codec::to_hex(&bytes);
        return Some(Err(format!(
            "{name} {version}, seed {seed}, bareness {bareness}: {problem}\n  for {hex}"
        )));
    }
    Some(Ok(()))
}

#[test]
fn random_messages_are_read_and_written_as_the_crates_do() {
    let mut wrong = Vec::new();
    let mut alone = Vec::new();
    for message in messages(&["schema"]) {
        for version in versions(&message) {
            let own = complaint(ours, &message, version).expect("every version of a schema is compiled");
            wrong.extend(own.err());
            let judged = ORACLES.map(|(_, oracle)| complaint(oracle, &message, version));
            if judged.iter().all(Option::is_none) {
                alone.push((message.name(), version));
            }
            for ((release, _), judgement) in ORACLES.iter().zip(judged) {
                wrong.extend(judgement.and_then(Result::err).map(|error| format!("{release}: {error}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} disagreements, the first:\n{}", wrong.len(), wrong[0]);
    let alone: Vec<_> = alone.iter().map(|(name, version)| (name.as_str(), *version)).collect();
    assert_eq!(alone, TOO_NEW);
}

#[test]
fn headers_have_the_versions_that_the_crates_say() {
    let mut compared = 0;
    for api in APIS {
        for version in api.versions.0..=api.versions.1 {
            for headers in [kafka_4_1::headers(api.key, version), kafka_3_9::headers(api.key, version)] {
                let Some((request, response)) = headers else { continue };
                let what = format!("{} {version}", api.name);
                // Request headers 1 and 2, and response headers 0 and 1, differ by the tagged fields at the end.
                let mut writer = Writer::new();
                let header = RequestHeader {
                    api_key: api.key,
                    api_version: version,
                    correlation_id: 1,
                    client_id: None,
                };
                encode_request_header(&mut writer, &header).unwrap();
                assert_eq!(writer.total_len(), 10 + request as usize - 1, "request header of {what}");
                let mut writer = Writer::new();
                encode_response_header(&mut writer, api.key, version, 1);
                assert_eq!(writer.total_len(), 4 + response as usize, "response header of {what}");
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "only {compared} versions were compared");
}

#[test]
fn persisted_records_come_back_as_they_were() {
    for message in messages(&["schema/records"]) {
        for version in versions(&message) {
            assert_eq!(complaint(ours, &message, version), Some(Ok(())));
        }
    }
}

#[test]
fn unknown_tagged_fields_are_skipped() {
    for message in messages(&["schema", "schema/records"]) {
        for version in versions(&message).filter(|version| message.flexible.contains(*version)) {
            let plain = Draw::new(&message, version, 7, 30).bytes();
            let mut draw = Draw::new(&message, version, 7, 30);
            draw.unknown_tags = true;
            let tagged = draw.bytes();
            assert_ne!(tagged, plain);
            let again = ours(&message.name(), version, &Bytes::from(tagged)).unwrap();
            assert_eq!(again, Ok(Bytes::from(plain)), "{} {version}", message.name());
        }
    }
}

/// Every schema with the first version of one field one too high: what a slip of the pen would do.
fn planted(message: &Message) -> Vec<(Message, i16, String)> {
    let mut slips = Vec::new();
    for (place, part) in message.structs.iter().enumerate() {
        for (index, field) in part.fields.iter().enumerate().filter(|(_, f)| f.tag.is_none()) {
            let mut slip = message.clone();
            let wrong: &mut Field = &mut slip.structs[place].fields[index];
            let version = wrong.versions.first.max(message.versions.first);
            wrong.versions.first = version + 1;
            slips.push((slip, version, format!("{} {}.{}", message.name(), part.name, field.name)));
        }
    }
    slips
}

#[test]
fn a_wrong_version_range_is_noticed() {
    let (mut caught, mut missed) = (0, Vec::new());
    for message in messages(&["schema"]) {
        for (slip, version, what) in planted(&message) {
            if changes_nothing(&message, &slip, version) {
                continue;
            }
            for (release, oracle) in ORACLES {
                match complaint(oracle, &slip, version) {
                    Some(Ok(())) => missed.push(format!("{release}: {what} in version {version}")),
                    Some(Err(_)) => caught += 1,
                    None => {}
                }
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(caught > 500, "only {caught} planted mistakes were tried");
}

/// Whether the version lacks the field anyway, because it lacks the struct that the field is in.
fn changes_nothing(message: &Message, slip: &Message, version: i16) -> bool {
    let draw = |message, seed| Draw::new(message, version, seed, 0).bytes();
    (0..SAMPLES).all(|seed| draw(message, seed) == draw(slip, seed))
}
