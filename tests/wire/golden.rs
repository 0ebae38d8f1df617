//! What Apache Kafka's own message classes write, recorded by `tests/kafka/golden/regenerate.sh`.

use crate::codec::{Codec, all, find, from_hex, to_hex};
use std::collections::BTreeMap;

const KAFKA_4_3_1: &str = include_str!("../golden/kafka-4.3.1.txt");
const KAFKA_3_9_1: &str = include_str!("../golden/kafka-3.9.1.txt");

/// Every golden line.
pub fn lines() -> impl Iterator<Item = &'static str> {
    KAFKA_4_3_1.lines().chain(KAFKA_3_9_1.lines())
}

/// Versions that Kafka has not released: its classes know them, its brokers do not serve them.
const UNSTABLE: &[(&str, i16)] = &[("InitProducerIdRequest", 6), ("InitProducerIdResponse", 6)];

/// Records of the metadata log that an older `metadata.version` gets without what it has no place for. Kafka's classes refuse
/// that, and its controller leaves the fields out before; here the schema says ignorable.
const SHORTENED: &[&str] = &["RegisterBrokerRecord", "PartitionRecord", "PartitionChangeRecord"];

/// What a line says against us; none if we agree.
fn disagreement(codec: &Codec, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let (versions, bytes, expected) = match words.as_slice() {
        [_, version, own] => (format!("{version}>{version}"), own, *own),
        [_, versions, own, there] => ((*versions).to_owned(), own, *there),
        _ => panic!("not a golden line: {line}"),
    };
    let (from, to) = versions.split_once('>').unwrap();
    let (from, to): (i16, i16) = (from.parse().unwrap(), to.parse().unwrap());
    if UNSTABLE.iter().any(|(name, version)| *name == codec.name && (*version == from || *version == to)) {
        return None;
    }
    match (codec.convert)(&from_hex(bytes), from, to) {
        Ok(_) if expected == "!" && SHORTENED.contains(&codec.name) => None,
        Ok(_) if expected == "!" => Some(format!("{line}\n  Kafka refuses to write it")),
        Ok(bytes) if bytes == from_hex(expected) => None,
        Ok(bytes) => Some(format!("{line}\n  we write {}", to_hex(&bytes))),
        Err(error) if expected == "!" && error.starts_with("encode") => None,
        Err(error) => Some(format!("{line}\n  {error}")),
    }
}

fn check(golden: &str) {
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in golden.lines() {
        let name = line.split(' ').next().unwrap();
        let codec = find(name).unwrap_or_else(|| panic!("no message {name}"));
        if let Some(problem) = disagreement(&codec, line) {
            wrong.entry(codec.name).or_default().push(problem);
        }
    }
    for (name, problems) in &wrong {
        println!("{name}: {} lines, the first:\n{}", problems.len(), problems[0]);
    }
    assert!(wrong.is_empty(), "{} messages differ from Kafka's", wrong.len());
}

#[test]
fn kafka_4_3_1_writes_the_same() {
    check(KAFKA_4_3_1);
}

#[test]
fn kafka_3_9_1_writes_the_same() {
    check(KAFKA_3_9_1);
}

#[test]
fn every_version_of_every_message_has_golden_bytes() {
    let golden: Vec<&str> = lines().collect();
    for codec in all() {
        for version in codec.versions {
            let start = format!("{} {version} ", codec.name);
            assert!(golden.iter().any(|line| line.starts_with(&start)), "no golden bytes for {start}");
        }
    }
}

#[test]
fn a_changed_byte_is_noticed() {
    let codec = find("HeartbeatRequest").unwrap();
    let line = KAFKA_4_3_1.lines().find(|line| line.starts_with("HeartbeatRequest 3>4 ")).unwrap();
    assert_eq!(disagreement(&codec, line), None);
    assert!(disagreement(&codec, &line.replace("3>4", "4>4")).is_some());
    let changed = format!("{}01", &line[..line.len() - 2]);
    assert!(disagreement(&codec, &changed).is_some());
}
