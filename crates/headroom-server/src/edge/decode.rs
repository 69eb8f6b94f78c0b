//! Compressed manifests, made readable within bounds.

use axum::body::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use headroom_wire::playlist::MAX_PLAYLIST_BYTES;
use http::{HeaderMap, header};
use std::io::{self, Read};

/// Codings applied at most, one inside the other.
const MAX_LAYERS: usize = 2;

/// The text of a manifest that came with `headers`; `None` where its coding is unknown, broken or hides too much.
pub(super) fn plain(headers: &HeaderMap, body: &Bytes) -> Option<Bytes> {
    let mut codings = Vec::new();
    for value in headers.get_all(header::CONTENT_ENCODING) {
        codings.extend(value.to_str().ok()?.split(',').map(|coding| coding.trim().to_ascii_lowercase()));
    }
    codings.retain(|coding| !coding.is_empty() && coding != "identity");
    if codings.len() > MAX_LAYERS {
        return None;
    }
    // The last one was applied last.
    codings.iter().rev().try_fold(body.clone(), |body, coding| decoded(coding, &body).ok())
}

fn decoded(coding: &str, body: &[u8]) -> io::Result<Bytes> {
    let mut reader: Box<dyn Read + '_> = match coding {
        "gzip" | "x-gzip" => Box::new(MultiGzDecoder::new(body)),
        "deflate" => Box::new(ZlibDecoder::new(body)),
        "br" => Box::new(brotli_decompressor::Decompressor::new(body, 4_096)),
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let mut text = Vec::new();
    reader.by_ref().take(MAX_PLAYLIST_BYTES as u64 + 1).read_to_end(&mut text)?;
    if text.len() > MAX_PLAYLIST_BYTES { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gzip(text: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn what_is_compressed_is_read_within_bounds() {
        // "#EXTM3U\n" as the brotli tool writes it: one uncompressed block.
        let brotli: &[u8] = b"\x8b\x03\x80#EXTM3U\n\x03";
        let bomb = gzip(&vec![b'a'; MAX_PLAYLIST_BYTES + 1]);
        let cases: [(&str, Bytes, Option<&[u8]>); 8] = [
            ("", Bytes::from_static(b"#EXTM3U\n"), Some(b"#EXTM3U\n")),
            ("identity", Bytes::from_static(b"#EXTM3U\n"), Some(b"#EXTM3U\n")),
            ("gzip", gzip(b"#EXTM3U\n"), Some(b"#EXTM3U\n")),
            ("GZIP, gzip", gzip(&gzip(b"#EXTM3U\n")), Some(b"#EXTM3U\n")),
            ("br", Bytes::from_static(brotli), Some(b"#EXTM3U\n")),
            ("gzip", Bytes::from_static(b"no gzip"), None),
            ("gzip", bomb, None),
            ("zstd", Bytes::new(), None),
        ];
        for (coding, body, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_ENCODING, coding.parse().unwrap());
            assert_eq!(plain(&headers, &body).as_deref(), expected, "{coding}");
        }
    }
}
