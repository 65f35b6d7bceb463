//! What lies inside a file as it was stored: gzip and zstd unpacked within a bound, UTF-16 turned into UTF-8.

use std::borrow::Cow;
use std::io::Read;

use plop_profile::Profile;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

use super::{ImportError, Malformed};

/// The bytes that importers read.
pub(super) struct Unpacked<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// Why unpacking ended early, if it did.
    pub(super) broke_off: Option<Malformed>,
}

/// How many bytes a file may unpack to unless the caller says otherwise.
pub const DEFAULT_LIMIT: u64 = Profile::DEFAULT_LIMIT;

/// Unpacks `bytes` to at most `limit`. Of a packed file that breaks off, what comes before is kept.
pub(super) fn unpack(bytes: &[u8], limit: u64) -> Result<Unpacked<'_>, ImportError> {
    let mut unpacked = match bytes {
        [0x1f, 0x8b, ..] => read("gzip file", limit, |plain| {
            let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(limit + 1);
            reader.read_to_end(plain).map(drop).map_err(|error| error.to_string())
        })?,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            read("zstd file", limit, |plain| unpack_zstd(bytes, limit, plain))?
        }
        _ => Unpacked { bytes: Cow::Borrowed(bytes), broke_off: None },
    };
    if let Some(text) = narrow(&unpacked.bytes) {
        unpacked.bytes = Cow::Owned(text.into_bytes());
    } else if unpacked.bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        unpacked.bytes = match unpacked.bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[3..]),
            Cow::Owned(mut bytes) => {
                bytes.drain(..3);
                Cow::Owned(bytes)
            }
        };
    }
    Ok(unpacked)
}

fn read(
    format: &'static str,
    limit: u64,
    unpack: impl FnOnce(&mut Vec<u8>) -> Result<(), String>,
) -> Result<Unpacked<'static>, ImportError> {
    let mut plain = Vec::new();
    let done = unpack(&mut plain);
    if plain.len() as u64 > limit {
        return Err(ImportError::TooLarge { limit });
    }
    let broke_off = done.err().map(|reason| Malformed { format, reason });
    match broke_off {
        Some(broken) if plain.is_empty() => Err(ImportError::Malformed(broken)),
        broke_off => Ok(Unpacked { bytes: Cow::Owned(plain), broke_off }),
    }
}

/// All frames of a zstd file, the ones to be skipped passed over.
fn unpack_zstd(mut rest: &[u8], limit: u64, plain: &mut Vec<u8>) -> Result<(), String> {
    while !rest.is_empty() && plain.len() as u64 <= limit {
        match StreamingDecoder::new(&mut rest) {
            Ok(decoder) => {
                let room = limit + 1 - plain.len() as u64;
                decoder.take(room).read_to_end(plain).map_err(|error| error.to_string())?;
            }
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                rest = rest.get(length as usize..).ok_or("ends in a frame to be skipped")?;
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}

/// UTF-16 text with its byte order mark, as UTF-8.
fn narrow(bytes: &[u8]) -> Option<String> {
    let (number, rest): (fn([u8; 2]) -> u16, _) = match bytes {
        [0xff, 0xfe, rest @ ..] => (u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => (u16::from_be_bytes, rest),
        _ => return None,
    };
    let units = rest.chunks_exact(2).map(|pair| number([pair[0], pair[1]]));
    Some(char::decode_utf16(units).map(|sign| sign.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(plain).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn gzip_and_zstd_are_unpacked_frame_after_frame() {
        let zstd = |plain: &[u8]| ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest);
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0][..], b"xx"].concat();
        let packed = [zstd(b"main "), skipped, zstd(b"1\n")].concat();
        assert_eq!(&*unpack(&packed, 100).unwrap().bytes, b"main 1\n");
        assert_eq!(&*unpack(&[gzip(b"main "), gzip(b"1\n")].concat(), 100).unwrap().bytes, b"main 1\n");
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let zeroes = vec![0; 1 << 20];
        let zstd = ruzstd::encoding::compress_to_vec(&zeroes[..], ruzstd::encoding::CompressionLevel::Fastest);
        for bomb in [gzip(&zeroes), zstd] {
            assert!(bomb.len() < 10_000);
            assert!(matches!(unpack(&bomb, 1 << 16), Err(ImportError::TooLarge { limit: 65536 })));
            assert_eq!(unpack(&bomb, 1 << 20).unwrap().bytes.len(), 1 << 20);
        }
    }

    #[test]
    fn what_comes_before_the_break_is_kept() {
        let text: String = (0..1000).map(|number| format!("main;f{number} 1\n")).collect();
        let packed = gzip(text.as_bytes());
        let unpacked = unpack(&packed[..packed.len() / 2], 1 << 20).unwrap();
        assert!(text.as_bytes().starts_with(&unpacked.bytes) && !unpacked.bytes.is_empty());
        assert!(unpacked.broke_off.is_some());
        assert!(matches!(unpack(&packed[..5], 1 << 20), Err(ImportError::Malformed(_))));
    }

    #[test]
    fn wide_text_becomes_utf_8() {
        let wide: Vec<u8> = "\u{feff}mäin 1".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(&*unpack(&wide, 100).unwrap().bytes, "mäin 1".as_bytes());
        assert_eq!(&*unpack(b"\xef\xbb\xbfmain 1", 100).unwrap().bytes, b"main 1");
    }
}
