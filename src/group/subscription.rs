//! What a member of the `consumer` protocol says about itself when it joins. Opaque to the broker but for the topic
//! names, which keep their offsets from expiring. Clients write it by themselves, and not all of them well: garbage is
//! an answer ("unknown"), never an error.
//!
//! Layout: version i16; topics: i32 count, each i16 length + bytes; user data: i32 length (-1 null) + bytes; version 1+:
//! owned partitions; 2+: generation; 3+: rack. Source: ConsumerProtocolSubscription.

/// The name of the protocol type whose metadata this is.
pub(super) const PROTOCOL_TYPE: &str = "consumer";

/// The topics of a subscription, in the order given; none if the bytes are no subscription.
pub(super) fn topics(metadata: &[u8]) -> Option<Vec<&str>> {
    let (version, rest) = metadata.split_first_chunk::<2>()?;
    if i16::from_be_bytes(*version) < 0 {
        return None;
    }
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let count = usize::try_from(i32::from_be_bytes(*count)).ok()?;
    // Each name takes two bytes at least: no claim makes us allocate more than the bytes can hold.
    if count > rest.len() / 2 {
        return None;
    }
    let mut topics = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let length = usize::try_from(i16::from_be_bytes(*length)).ok()?;
        let (name, after) = after.split_at_checked(length)?;
        topics.push(std::str::from_utf8(name).ok()?);
        rest = after;
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_topics_of_every_version() {
        for version in 0..4u8 {
            let mut bytes = vec![0, version, 0, 0, 0, 2, 0, 1, b'a', 0, 2, b'b', b'c'];
            bytes.extend_from_slice(&[0xff; 4]);
            assert_eq!(topics(&bytes), Some(vec!["a", "bc"]));
        }
    }

    #[test]
    fn garbage_is_unknown() {
        let bytes = [0, 0, 0, 0, 0, 1, 0, 3, b'a', b'b', b'c'];
        for end in 0..bytes.len() {
            assert_eq!(topics(&bytes[..end]), None, "cut at {end}");
        }
        assert_eq!(topics(&[0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0]), None);
        assert_eq!(topics(&[0, 0, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(topics(&[0, 0, 0, 0, 0, 1, 0, 1, 0xff]), None);
        assert_eq!(topics(&[0x80, 0, 0, 0, 0, 0]), None);
    }
}
