//! The one table of keys, put together from its areas. It serves the reading of `server.properties`, DescribeConfigs,
//! and `ringwood config`. Every key of Kafka 4.3 is in it; names that Kafka has dropped are in `legacy`.

use super::key::Key;
use super::keys;

const BROKER_AREAS: &[&[Key]] = &[
    keys::ringwood::KEYS,
    keys::network::KEYS,
    keys::log::KEYS,
    keys::group::KEYS,
    keys::transaction::KEYS,
    keys::cluster::KEYS,
    keys::share::KEYS,
    keys::security::KEYS,
    keys::oauth::KEYS,
    keys::quota::KEYS,
    keys::remote::KEYS,
];

/// All broker keys, area by area.
pub fn broker_keys() -> impl Iterator<Item = &'static Key> {
    BROKER_AREAS.iter().flat_map(|area| area.iter())
}

/// All topic keys, in alphabetical order.
pub fn topic_keys() -> impl Iterator<Item = &'static Key> {
    keys::topic::KEYS.iter().map(|topic| &topic.key)
}

/// The broker key of that name.
pub fn broker_key(name: &str) -> Option<&'static Key> {
    broker_keys().find(|key| key.name == name)
}

/// The topic key of that name.
pub fn topic_key(name: &str) -> Option<&'static keys::topic::TopicKey> {
    keys::topic::KEYS.iter().find(|topic| topic.key.name == name)
}

/// The known broker key that looks most like an unknown one, if any is near enough to be meant.
pub fn nearest_broker_key(unknown: &str) -> Option<&'static str> {
    nearest(unknown, broker_keys().filter(|key| !key.internal).map(|key| key.name))
}

/// The known topic key that looks most like an unknown one, if any is near enough to be meant.
pub fn nearest_topic_key(unknown: &str) -> Option<&'static str> {
    nearest(unknown, topic_keys().filter(|key| !key.internal).map(|key| key.name))
}

fn nearest(unknown: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let far = (unknown.chars().count() / 3).clamp(1, 8);
    names
        .map(|name| (edits(unknown, name), name))
        .min()
        .filter(|(edits, _)| *edits <= far)
        .map(|(_, name)| name)
}

/// How many insertions, deletions and replacements turn one text into the other (Levenshtein). A dot, a dash and an
/// underscore count as the same: they are what people mix up.
fn edits(one: &str, other: &str) -> usize {
    let plain = |text: &str| -> Vec<char> {
        text.to_ascii_lowercase().chars().map(|c| if c == '_' || c == '-' { '.' } else { c }).collect()
    };
    let (one, other) = (plain(one), plain(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, left) in one.iter().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (right, cell) in other.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = replaced.min(*cell + 1).min(before + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distance() {
        for (one, other, want) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("num_partitions", "num.partitions", 0)]
        {
            assert_eq!((edits(one, other), edits(other, one)), (want, want), "{one} {other}");
        }
    }

    #[test]
    fn names_are_unique_and_defaults_lie_within_their_bounds() {
        let mut seen = std::collections::BTreeSet::new();
        for key in broker_keys() {
            assert!(seen.insert(key.name), "{} is there twice", key.name);
        }
        for key in broker_keys().chain(topic_keys()) {
            let empty_by_default = matches!(key.bounds, super::super::key::Bounds::NotEmpty);
            if let Some(default) = key.default.filter(|text| !(empty_by_default && text.is_empty())) {
                assert!(key.check(default).is_ok(), "{}: {default}", key.name);
            }
        }
    }

    #[test]
    fn a_slip_of_the_finger_finds_its_key() {
        assert_eq!(nearest_broker_key("num.partition"), Some("num.partitions"));
        assert_eq!(nearest_broker_key("log_dirs"), Some("log.dirs"));
        assert_eq!(nearest_broker_key("completely.different.thing"), None);
        assert_eq!(nearest_topic_key("retention.mss"), Some("retention.ms"));
    }
}
