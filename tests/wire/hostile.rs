//! Nonsense: no decoder panics, and none takes more memory than the bytes that it was given allow.

use crate::codec::{Codec, all, from_hex};
use crate::golden;
use crate::memory::memory;
use bytes::Bytes;
use ringwood::base::random::Random;

/// Memory beyond 8 times the input that a decode may take, in bytes: the reader's own floor, and the text of an error.
const CONSTANT_BYTES: usize = 4096 + 1024;
/// Mutations of each golden message.
const MUTATIONS: u64 = 60;
/// Messages of random bytes for each decoder and version.
const RANDOM: u64 = 100;

/// Decodes; a panic fails the test by itself.
fn feed(codec: &Codec, version: i16, bytes: Vec<u8>, replay: &dyn Fn() -> String) {
    let allowed = 8 * bytes.len() + CONSTANT_BYTES;
    let bytes = Bytes::from(bytes);
    let taken = memory(|| drop((codec.decode)(bytes, version)));
    assert!(taken <= allowed, "{} {version}: {taken} bytes, allowed {allowed}: {}", codec.name, replay());
}

#[test]
fn random_bytes_harm_no_decoder() {
    for codec in all() {
        for version in codec.versions.clone() {
            for seed in 0..RANDOM {
                let mut random = Random::from_seed(seed);
                let len = random.below(if seed % 10 == 0 { 5000 } else { 80 });
                // Small bytes make plausible lengths.
                let mask = [0xff, 0x03, 0x7f, 0x01][seed as usize % 4];
                let bytes = (0..len).map(|_| random.next_u64() as u8 & mask).collect();
                feed(&codec, version, bytes, &|| format!("random bytes of seed {seed}"));
            }
        }
    }
}

/// Changes bytes as a bad client or a bad network would.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let place = random.below(bytes.len() as u64 + 1) as usize;
    match random.below(6) {
        0 => bytes.truncate(place),
        1 => bytes.splice(place..place, [0x7f, 0xff, 0xff, 0xff]).for_each(drop),
        2 => bytes.splice(place..place, [0xff, 0xff, 0xff, 0xff, 0x0f]).for_each(drop),
        3 => bytes.splice(place..place, [0, 0, random.next_u64() as u8, 0]).for_each(drop),
        4 => bytes.extend(std::iter::repeat_n(random.next_u64() as u8, 1000)),
        _ => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}

/// The golden messages are the corpus: codec, version, bytes.
fn corpus() -> Vec<(Codec, i16, Bytes)> {
    let codecs = all();
    let mut corpus = Vec::new();
    for line in golden::lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, version, bytes] = words.as_slice() else { continue };
        let (Ok(version), Some(codec)) = (version.parse(), codecs.iter().find(|c| c.name == *name)) else {
            continue;
        };
        if codec.versions.contains(&version) {
            corpus.push((codec.clone(), version, from_hex(bytes)));
        }
    }
    corpus
}

#[test]
fn mutated_messages_harm_no_decoder() {
    for (codec, version, bytes) in corpus() {
        for seed in 0..MUTATIONS {
            let mut random = Random::from_seed(seed);
            let mut changed = bytes.to_vec();
            for _ in 0..=random.below(3) {
                mutate(&mut changed, &mut random);
            }
            feed(&codec, version, changed, &|| {
                format!("mutation {seed} of {}", crate::codec::to_hex(&bytes))
            });
        }
    }
}

#[test]
fn truncated_messages_are_errors() {
    for (codec, version, bytes) in corpus() {
        for len in 0..bytes.len() {
            let read = (codec.decode)(bytes.slice(..len), version);
            assert!(read.is_err(), "{} {version} was read from {len} of {} bytes", codec.name, bytes.len());
        }
    }
}

#[test]
fn honest_messages_stay_within_their_budget() {
    for (codec, version, bytes) in corpus() {
        assert_eq!((codec.decode)(bytes, version), Ok(0), "{} {version}", codec.name);
    }
}

#[test]
fn the_counter_counts() {
    assert!(memory(|| drop(Vec::<u8>::with_capacity(100_000))) >= 100_000);
    assert!(memory(|| ()) == 0);
}
