//! Compression, in the forms that Kafka's own Java code writes.

use super::codec::Codec;
use super::error::{BatchError, Invalid};
use super::snappy;
use std::io::{self, Write};

/// Appends `input` to `out`, compressed at `level` ([`Codec::default_level`] if unsure). Gzip takes 1-9 and -1 (the
/// library's default), zstd -131072 to 22; snappy has no levels and lz4 only one here: both ignore it. Other levels
/// count as the nearest one. Errors: Invalid if the library fails (out of memory).
pub fn compress(codec: Codec, level: i32, input: &[u8], out: &mut Vec<u8>) -> Result<(), BatchError> {
    let done = match codec {
        Codec::None => out.write_all(input),
        Codec::Gzip => gzip(level, input, out),
        Codec::Snappy => snappy::compress(input, out),
        Codec::Lz4 => lz4(input, out),
        Codec::Zstd => zstd::stream::copy_encode(input, out, level.clamp(-131_072, 22)),
    };
    done.map_err(|error| Invalid::Compressed { codec: codec.name(), what: error.to_string() }.into())
}

fn gzip(level: i32, input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let level = match u32::try_from(level) {
        Ok(level) => flate2::Compression::new(level.clamp(1, 9)),
        Err(_) => flate2::Compression::default(),
    };
    let mut encoder = flate2::write::GzEncoder::new(out, level);
    encoder.write_all(input)?;
    encoder.finish()?;
    Ok(())
}

/// Independent blocks of 64 KiB without checksums: the only frames that Kafka's Java reader has to know.
fn lz4(input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(info, out);
    encoder.write_all(input)?;
    encoder.finish().map_err(io::Error::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::decompress::decompress;
    use super::*;

    #[test]
    fn levels_out_of_range_count_as_the_nearest() {
        for codec in Codec::ALL {
            for level in [i32::MIN, -1, 0, 1, 9, 23, i32::MAX] {
                let mut out = vec![1, 2];
                compress(codec, level, b"some bytes some bytes", &mut out).unwrap();
                assert_eq!(out[..2], [1, 2]);
                assert_eq!(
                    decompress(codec, &out[2..]).unwrap(),
                    b"some bytes some bytes",
                    "{codec} {level}"
                );
            }
        }
    }
}
