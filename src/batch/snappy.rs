//! Snappy as Kafka's clients write it: raw (librdkafka) or in the framing of `snappy-java` (Java, kafka-python).
//!
//! Framing: magic `82 'SNAPPY' 00`, version i32 = 1, compatible version i32 = 1, then blocks of length i32 + raw snappy.
//! A magic in place of a length starts over: streams may be concatenated.

use std::io::{self, Read};

const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
/// Magic and the two versions.
const HEADER_BYTES: usize = 16;
/// Uncompressed bytes in a block that we write: the Java library's default.
const BLOCK_BYTES: usize = 32 * 1024;
/// The format cannot expand further: a tag of at least two bytes makes at most 64.
const EXPANSION_MAX: usize = 64;

fn bad(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Decompresses block by block.
pub(super) struct SnappyReader<'a> {
    rest: &'a [u8],
    framed: bool,
    block: Vec<u8>,
    taken: usize,
}

impl<'a> SnappyReader<'a> {
    /// Reads either form; the magic tells them apart.
    pub fn new(bytes: &'a [u8]) -> Self {
        match bytes.strip_prefix(&MAGIC) {
            Some(rest) => {
                let rest = rest.get(HEADER_BYTES - MAGIC.len()..).unwrap_or_default();
                Self { rest, framed: true, block: Vec::new(), taken: 0 }
            }
            None => Self { rest: bytes, framed: false, block: Vec::new(), taken: 0 },
        }
    }

    /// Decompresses the next block; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            if self.rest.is_empty() {
                return Ok(false);
            }
            if !self.framed {
                let all = std::mem::take(&mut self.rest);
                self.decompress(all)?;
                return Ok(true);
            }
            if self.rest.starts_with(&MAGIC) {
                self.rest = self.rest.get(HEADER_BYTES..).unwrap_or_default();
                continue;
            }
            let (len, rest) =
                self.rest.split_first_chunk::<4>().ok_or_else(|| bad("truncated block length"))?;
            let len = usize::try_from(i32::from_be_bytes(*len)).map_err(|_| bad("negative block length"))?;
            let (block, rest) = rest.split_at_checked(len).ok_or_else(|| bad("truncated block"))?;
            self.rest = rest;
            self.decompress(block)?;
            return Ok(true);
        }
    }

    fn decompress(&mut self, block: &[u8]) -> io::Result<()> {
        let len = snap::raw::decompress_len(block).map_err(bad)?;
        if len > block.len().saturating_mul(EXPANSION_MAX) {
            return Err(bad("a block claims more than it can hold"));
        }
        self.block.resize(len, 0);
        self.taken = 0;
        let written = snap::raw::Decoder::new().decompress(block, &mut self.block).map_err(bad)?;
        self.block.truncate(written);
        Ok(())
    }
}

impl Read for SnappyReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.block.get(self.taken..).unwrap_or_default();
            let len = left.len().min(out.len());
            if let (Some(to), Some(from)) = (out.get_mut(..len), left.get(..len))
                && len > 0
            {
                to.copy_from_slice(from);
                self.taken += len;
                return Ok(len);
            }
            if out.is_empty() || !self.advance()? {
                return Ok(0);
            }
        }
    }
}

/// Appends `input` in the Java library's framing.
pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&1i32.to_be_bytes());
    out.extend_from_slice(&1i32.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    let mut block = Vec::new();
    for chunk in input.chunks(BLOCK_BYTES) {
        block.resize(snap::raw::max_compress_len(chunk.len()), 0);
        let len = encoder.compress(chunk, &mut block).map_err(bad)?;
        // A block is at most 38 KiB, so the length always fits.
        out.extend_from_slice(&(len as i32).to_be_bytes());
        out.extend_from_slice(block.get(..len).unwrap_or_default());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        SnappyReader::new(bytes).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn reads_raw_framed_and_concatenated() {
        let data: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
        let raw = snap::raw::Encoder::new().compress_vec(&data).unwrap();
        assert_eq!(read(&raw).unwrap(), data);
        let mut framed = Vec::new();
        compress(&data, &mut framed).unwrap();
        assert_eq!(framed[..8], MAGIC);
        assert_eq!(read(&framed).unwrap(), data);
        assert_eq!(read(&framed.repeat(2)).unwrap(), data.repeat(2));
    }

    #[test]
    fn refuses_what_claims_too_much() {
        // Four bytes that claim 256 MiB.
        assert!(read(&[0x80, 0x80, 0x80, 0x80, 0x01]).is_err());
        let mut framed = Vec::new();
        compress(b"hello hello hello", &mut framed).unwrap();
        assert!(read(&framed[..framed.len() - 1]).is_err());
        framed[16] = 0xff;
        assert!(read(&framed).is_err());
    }
}
