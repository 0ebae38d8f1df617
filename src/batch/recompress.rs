//! The same records with another codec: for a topic whose `compression.type` is not the producer's.

use super::builder::seal;
use super::codec::Codec;
use super::compress::compress;
use super::error::BatchError;
use super::header::{BatchView, HEADER_BYTES};
use super::record::records;

/// The batch with its records compressed by `codec` at `level`. Offsets, timestamps, sequence and flags stay.
/// Errors: as [`records`]; Invalid if the compressor fails.
pub fn recompress(view: &BatchView<'_>, codec: Codec, level: i32) -> Result<Vec<u8>, BatchError> {
    let records = records(view)?;
    let plain = records.payload();
    let mut out = Vec::with_capacity(HEADER_BYTES + plain.len());
    out.resize(HEADER_BYTES, 0);
    compress(codec, level, plain, &mut out)?;
    let mut header = *view.header();
    header.attributes = header.attributes & !7 | i16::from(codec.id());
    seal(header, out)
}

#[cfg(test)]
mod tests {
    use super::super::builder::{BatchBuilder, BatchOptions};
    use super::*;

    #[test]
    fn records_and_header_stay() {
        let options = BatchOptions { base_sequence: 7, transactional: true, ..BatchOptions::default() };
        let mut builder = BatchBuilder::new(options);
        for n in 0..100 {
            builder.append(1_000_000 + n, Some(b"key"), Some(&[n as u8; 50]), &[(b"h", Some(b"x"))]);
        }
        let original = builder.finish().unwrap();
        let mut bytes = original.clone();
        for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd, Codec::None] {
            bytes = recompress(&BatchView::parse(&bytes).unwrap(), codec, codec.default_level()).unwrap();
            let view = BatchView::parse(&bytes).unwrap();
            assert_eq!(view.codec(), Ok(codec));
            assert_eq!(view.check_crc(), Ok(()));
        }
        assert_eq!(bytes, original);
    }
}
