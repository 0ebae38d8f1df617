//! Decompression that cannot be made to eat the machine: streaming, with a cap on what comes out.

use super::codec::Codec;
use super::error::{BatchError, Invalid};
use super::snappy::SnappyReader;
use super::walk::Source;
use std::io::{self, Read};

/// The most that the records of one batch may decompress to; beyond it the batch is invalid. No uncompressed Produce
/// could carry more: `socket.request.max.bytes` is 100 MiB.
pub const DECOMPRESSED_BYTES_MAX: usize = 128 * 1024 * 1024;
/// The most that compressed records may expand, as a factor; beyond it the batch is invalid.
pub const EXPANSION_MAX: usize = 1024;
/// Small batches of long runs exceed any sensible factor: up to this size the factor does not matter.
pub const EXPANSION_FREE_BYTES: usize = 16 * 1024 * 1024;
/// The largest window that a zstd frame may ask for (2^27 = 128 MiB, the library's default), touched only as data comes.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// Decompressed bytes that validation holds at a time.
const WINDOW_BYTES: usize = 32 * 1024;

const _: () = assert!(EXPANSION_FREE_BYTES <= DECOMPRESSED_BYTES_MAX);
const _: () = assert!(1 << ZSTD_WINDOW_LOG_MAX <= DECOMPRESSED_BYTES_MAX);

/// The cap on what `compressed_bytes` may become.
fn cap(compressed_bytes: usize) -> usize {
    compressed_bytes.saturating_mul(EXPANSION_MAX).clamp(EXPANSION_FREE_BYTES, DECOMPRESSED_BYTES_MAX)
}

/// A codec's decompressor over a slice.
enum Decoder<'a> {
    None(&'a [u8]),
    Gzip(Box<flate2::bufread::MultiGzDecoder<&'a [u8]>>),
    Snappy(SnappyReader<'a>),
    Lz4(Box<lz4_flex::frame::FrameDecoder<&'a [u8]>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, &'a [u8]>>),
}

impl<'a> Decoder<'a> {
    fn new(codec: Codec, bytes: &'a [u8]) -> io::Result<Self> {
        Ok(match codec {
            Codec::None => Self::None(bytes),
            Codec::Gzip => Self::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(bytes))),
            Codec::Snappy => Self::Snappy(SnappyReader::new(bytes)),
            Codec::Lz4 => Self::Lz4(Box::new(lz4_flex::frame::FrameDecoder::new(bytes))),
            Codec::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Self::Zstd(Box::new(decoder))
            }
        })
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None(bytes) => bytes.read(out),
            Self::Gzip(decoder) => decoder.read(out),
            Self::Snappy(decoder) => decoder.read(out),
            Self::Lz4(decoder) => decoder.read(out),
            Self::Zstd(decoder) => decoder.read(out),
        }
    }
}

fn damaged(codec: Codec, error: &io::Error) -> BatchError {
    Invalid::Compressed { codec: codec.name(), what: error.to_string() }.into()
}

/// All that `bytes` decompress to. Errors: Invalid if they do not, or beyond [`DECOMPRESSED_BYTES_MAX`] or
/// [`EXPANSION_MAX`] (with [`EXPANSION_FREE_BYTES`] free).
pub fn decompress(codec: Codec, bytes: &[u8]) -> Result<Vec<u8>, BatchError> {
    let mut out = Vec::new();
    if bytes.is_empty() {
        return Ok(out);
    }
    let cap = cap(bytes.len());
    out.reserve(bytes.len().saturating_mul(4).min(cap));
    let decoder = Decoder::new(codec, bytes).map_err(|error| damaged(codec, &error))?;
    // One byte more than allowed tells the cap from an end that happens to lie there.
    decoder.take(cap as u64 + 1).read_to_end(&mut out).map_err(|error| damaged(codec, &error))?;
    if out.len() > cap {
        return Err(Invalid::Expansion(cap).into());
    }
    Ok(out)
}

/// Compressed records as a source for validation: never holds more than a window of them.
pub(super) struct StreamSource<'a> {
    codec: Codec,
    decoder: Decoder<'a>,
    window: Box<[u8]>,
    /// Bytes of the window that are filled, and of those, the ones gone through.
    filled: usize,
    taken: usize,
    /// Bytes gone through in earlier windows.
    passed: usize,
    cap: usize,
    failure: Option<BatchError>,
}

impl<'a> StreamSource<'a> {
    /// Errors: Invalid if the decompressor cannot even start.
    pub fn new(codec: Codec, bytes: &'a [u8]) -> Result<Self, BatchError> {
        Ok(Self {
            codec,
            decoder: Decoder::new(codec, bytes).map_err(|error| damaged(codec, &error))?,
            window: vec![0; WINDOW_BYTES].into_boxed_slice(),
            filled: 0,
            taken: 0,
            passed: 0,
            cap: cap(bytes.len()),
            failure: None,
        })
    }

    /// Replaces a window that has been gone through; false at the end.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) -> bool {
        self.passed += self.filled;
        (self.filled, self.taken) = (0, 0);
        if self.failure.is_some() {
            return false;
        }
        if self.passed > self.cap {
            self.failure = Some(Invalid::Expansion(self.cap).into());
            return false;
        }
        loop {
            match self.decoder.read(&mut self.window) {
                Ok(len) => self.filled = len.min(self.window.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => self.failure = Some(damaged(self.codec, &error)),
            }
            return self.filled > 0;
        }
    }
}

impl Source for StreamSource<'_> {
    #[inline(always)]
    fn byte(&mut self) -> Option<u8> {
        if self.taken == self.filled && !self.refill() {
            return None;
        }
        let byte = *self.window.get(self.taken)?;
        self.taken += 1;
        Some(byte)
    }

    #[inline(always)]
    fn skip(&mut self, len: usize) -> Option<()> {
        let mut left = len;
        loop {
            let here = self.filled - self.taken;
            if left <= here {
                self.taken += left;
                return Some(());
            }
            left -= here;
            self.taken = self.filled;
            if !self.refill() {
                return None;
            }
        }
    }

    #[inline(always)]
    fn position(&self) -> usize {
        self.passed + self.taken
    }

    fn failure(&mut self) -> Option<BatchError> {
        self.failure.take()
    }
}

#[cfg(test)]
mod tests {
    use super::super::compress::compress;
    use super::*;

    fn packed(codec: Codec, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        compress(codec, codec.default_level(), data, &mut out).unwrap();
        out
    }

    #[test]
    fn every_codec_round_trips() {
        let data: Vec<u8> = (0..300_000u32).map(|n| (n / 7 % 256) as u8).collect();
        for codec in Codec::ALL {
            for data in [&data[..], &data[..1], &data[..WINDOW_BYTES]] {
                assert_eq!(decompress(codec, &packed(codec, data)).unwrap(), data, "{codec}");
            }
        }
    }

    #[test]
    fn the_stream_gives_the_same_bytes() {
        let data: Vec<u8> = (0..200_000u32).map(|n| (n / 3 % 256) as u8).collect();
        for codec in Codec::ALL {
            let bytes = packed(codec, &data);
            let mut source = StreamSource::new(codec, &bytes).unwrap();
            assert_eq!(source.byte(), Some(data[0]));
            source.skip(150_000).unwrap();
            assert_eq!(source.byte(), Some(data[150_001]), "{codec}");
            assert_eq!(source.position(), 150_002);
            assert_eq!(source.skip(50_000), None);
            assert_eq!(source.failure(), None);
        }
    }

    #[test]
    fn bombs_are_refused() {
        let zeros = vec![0u8; EXPANSION_FREE_BYTES + 1];
        let bytes = packed(Codec::Zstd, &zeros);
        assert!(bytes.len() * EXPANSION_MAX < EXPANSION_FREE_BYTES);
        assert_eq!(decompress(Codec::Zstd, &bytes), Err(Invalid::Expansion(EXPANSION_FREE_BYTES).into()));
        let mut source = StreamSource::new(Codec::Zstd, &bytes).unwrap();
        assert_eq!(source.skip(usize::MAX), None);
        assert_eq!(source.failure(), Some(Invalid::Expansion(EXPANSION_FREE_BYTES).into()));
        assert!(decompress(Codec::Zstd, &packed(Codec::Zstd, &zeros[1..])).is_ok());
    }

    #[test]
    fn damage_is_an_error() {
        let data = vec![7u8; 10_000];
        for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            let mut bytes = packed(codec, &data);
            bytes.truncate(bytes.len() / 2);
            assert!(matches!(decompress(codec, &bytes), Err(BatchError::Invalid(_))), "{codec}");
        }
    }
}
