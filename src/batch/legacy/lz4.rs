//! The LZ4 frames of message format 0. Kafka's first implementation computed the header checksum over the frame's magic
//! as well; it was put right for format 1, and clients still expect the wrong one in format 0.

use std::borrow::Cow;

const FRAME_MAGIC: [u8; 4] = 0x184d_2204u32.to_le_bytes();
const CONTENT_SIZE_FLAG: u8 = 1 << 3;
const DICTIONARY_FLAG: u8 = 1;

/// The length of the frame's header before its checksum. `None` for what is no frame, or has a dictionary.
fn header_len(frame: &[u8]) -> Option<usize> {
    let flags = *frame.strip_prefix(&FRAME_MAGIC)?.first()?;
    if flags & DICTIONARY_FLAG != 0 {
        return None;
    }
    let len = if flags & CONTENT_SIZE_FLAG != 0 { 14 } else { 6 };
    (frame.len() > len).then_some(len)
}

/// The checksum byte over `covered`: the second byte of its XXH32.
fn checksum(covered: &[u8]) -> u8 {
    (xxh32_short(covered) >> 8) as u8
}

/// The frame with the right header checksum, if it has the wrong one of format 0; any other as it is.
pub(super) fn mended(frame: &[u8]) -> Cow<'_, [u8]> {
    let Some(len) = header_len(frame) else { return Cow::Borrowed(frame) };
    let header = frame.get(..len).unwrap_or_default();
    if frame.get(len) != Some(&checksum(header)) {
        return Cow::Borrowed(frame);
    }
    let right = checksum(header.get(FRAME_MAGIC.len()..).unwrap_or_default());
    let mut frame = frame.to_vec();
    if let Some(place) = frame.get_mut(len) {
        *place = right;
    }
    Cow::Owned(frame)
}

/// Gives the frame the wrong header checksum that format 0 wants.
pub(super) fn break_checksum(frame: &mut [u8]) {
    let Some(len) = header_len(frame) else { return };
    let wrong = checksum(frame.get(..len).unwrap_or_default());
    if let Some(place) = frame.get_mut(len) {
        *place = wrong;
    }
}

/// XXH32 with seed 0 of fewer than 16 bytes, which is all that a frame header has.
fn xxh32_short(bytes: &[u8]) -> u32 {
    const PRIMES: [u32; 5] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1];
    let [p1, p2, p3, p4, p5] = PRIMES;
    debug_assert!(bytes.len() < 16, "longer inputs are hashed in four lanes");
    let mut hash = p5.wrapping_add(bytes.len() as u32);
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        hash = hash.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(p3)).rotate_left(17).wrapping_mul(p4);
    }
    for byte in rest {
        hash = hash.wrapping_add(u32::from(*byte).wrapping_mul(p5)).rotate_left(11).wrapping_mul(p1);
    }
    hash = (hash ^ (hash >> 15)).wrapping_mul(p2);
    hash = (hash ^ (hash >> 13)).wrapping_mul(p3);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Codec, compress};

    #[test]
    fn check_values() {
        assert_eq!(xxh32_short(b""), 0x02cc_5d05);
        assert_eq!(xxh32_short(b"a"), 0x550d_7456);
        assert_eq!(xxh32_short(b"abc"), 0x32d1_53ff);
    }

    #[test]
    fn breaks_and_mends() {
        let mut frame = Vec::new();
        compress(Codec::Lz4, 0, b"some bytes", &mut frame).unwrap();
        assert_eq!(frame[6], checksum(&frame[4..6]), "the library's frame has the right one");
        let right = frame.clone();
        assert_eq!(*mended(&frame), right);
        break_checksum(&mut frame);
        assert_ne!(frame, right);
        assert_eq!(*mended(&frame), right);
        for short in 0..right.len() {
            let _ = mended(&right[..short]);
        }
    }
}
