//! The schema files themselves: what the parser refuses, and that the files keep the house's rules.

use crate::draw::{messages, schemas};
use crate::model::{Kind, Versions};
use crate::parser::parse;
use std::collections::BTreeMap;

/// What the parser says against a schema.
fn refusal(text: &str) -> String {
    match parse("x.schema", "x", text) {
        Err(error) => error,
        Ok(_) => panic!("the schema should have been refused"),
    }
}

#[test]
fn mistakes_are_named_with_their_line() {
    let cases = [
        ("api 1 A\nrequest 0-2\n  a: int33\n", "x.schema:3: `int33` is no type"),
        ("api 1 A\nrequest 2-0\n", "x.schema:2: `2-0` is no version range"),
        ("request 0-2\n", "x.schema:1: no `api KEY NAME` line"),
        ("api 1 A\nrequest 0\n   a: int8\n", "x.schema:3: indentation"),
        ("api 1 A\nrequest 0\n    a: int8\n", "x.schema:3: indented too far"),
        ("api 1 A\nrequest 0\n  a: int8\n    b: int8\n", "x.schema:4: only a struct has fields"),
        ("api 1 A\nrequest 0\n  a: int8\n  a: int8\n", "x.schema:4: `a` is there twice"),
        ("api 1 A\nrequest 0\n  a: int8 nullable\n", "x.schema:3: `a` cannot be nullable"),
        ("api 1 A\nrequest 0\n  a: string = null\n", "x.schema:3: `a` is null by default"),
        ("api 1 A\nrequest 0\n  a int8\n", "x.schema:3: expected NAME:"),
        ("api 1 A\nrequest 0\n  a: []B\n", "x.schema: ARequest: B has no fields"),
        (
            "api 1 A\nrequest 0-2 flexible 2+\n  a: int8 1+ tag 0\n",
            "`a` is tagged where versions are not flexible",
        ),
        ("api 1 A\nrequest 0 flexible 0+\n  a: int8 tag 1\n", "tags must be 0, 1, 2"),
        ("api 1 A\nrequest 0-2\n  a: int8 3+\n", "`a` is in no version"),
    ];
    for (text, expected) in cases {
        let said = refusal(text);
        assert!(said.contains(expected), "expected {expected:?}, got {said:?}");
    }
}

#[test]
fn every_file_is_one_api_with_its_two_halves() {
    for (name, text) in schemas("schema") {
        let schema = parse(&name, "x", &text).unwrap();
        let kinds: Vec<Kind> = schema.messages.iter().map(|message| message.kind).collect();
        assert_eq!(kinds, [Kind::Request, Kind::Response], "{name}");
        let [request, response] = schema.messages.as_slice() else { panic!("{name}") };
        assert_eq!(request.versions, response.versions, "{name}");
        assert_eq!(request.flexible, response.flexible, "{name}");
    }
}

/// The newest version of each API; the oldest is 0, without exception.
const NEWEST: [(&str, i16); 24] = [
    ("Produce", 13),
    ("Fetch", 18),
    ("ListOffsets", 11),
    ("Metadata", 13),
    ("OffsetCommit", 10),
    ("OffsetFetch", 10),
    ("FindCoordinator", 6),
    ("JoinGroup", 9),
    ("SyncGroup", 5),
    ("Heartbeat", 4),
    ("LeaveGroup", 5),
    ("DescribeGroups", 6),
    ("ListGroups", 5),
    ("ApiVersions", 4),
    ("CreateTopics", 7),
    ("DeleteTopics", 6),
    ("InitProducerId", 5),
    ("OffsetForLeaderEpoch", 4),
    ("DescribeConfigs", 4),
    ("CreatePartitions", 3),
    ("DeleteGroups", 2),
    ("OffsetDelete", 0),
    ("DescribeCluster", 2),
    ("DescribeTopicPartitions", 0),
];

#[test]
fn every_api_goes_from_0_to_what_kafka_4_3_serves() {
    let apis: BTreeMap<String, Versions> =
        messages(&["schema"]).into_iter().map(|message| (message.api, message.versions)).collect();
    for (api, last) in NEWEST {
        assert_eq!(apis.get(api), Some(&Versions { first: 0, last }), "{api}");
    }
    assert_eq!(apis.len(), NEWEST.len());
}
