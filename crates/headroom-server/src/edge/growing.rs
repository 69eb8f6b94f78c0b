//! Files of a directory that are still being written: low-latency packagers name a segment before it is whole.

use super::objects::ListedObjects;
use axum::body::{Body, Bytes};
use http::{Method, Request, Response, header};
use percent_encoding::percent_decode_str;
use std::{
    io,
    path::{Component, Path, PathBuf},
    time::Duration,
};
use tokio::{
    fs::{self, File},
    io::AsyncReadExt,
    time::Instant,
};

/// A file that nobody wrote to for this long is whole.
const FRESH: Duration = Duration::from_secs(1);

/// A file that is followed and has not grown for this long is whole: longer than the chunks of low-latency packagers.
const QUIET: Duration = Duration::from_millis(600);

/// How often a file is looked at.
const STEP: Duration = Duration::from_millis(20);

/// Longest time that a file is followed.
const LONGEST: Duration = Duration::from_secs(60);

/// Most read at a time.
const CHUNK: usize = 64 * 1024;

/// Media that low-latency packagers write bit by bit: CMAF (ISO/IEC 23000-19).
const MEDIA: [&str; 6] = ["cmfa", "cmfv", "m4a", "m4s", "m4v", "mp4"];

/// The file a request asks for, with all that is still written to it; `None` when it is whole, as far as can be told, or no
/// file of media.
pub(crate) async fn follow<B>(root: &Path, request: &Request<B>, objects: &ListedObjects) -> Option<Response<Body>> {
    let asked = request.uri().path();
    let whole = request.headers().get(header::RANGE).is_none_or(|range| range.as_bytes() == b"bytes=0-");
    if request.method() != Method::GET || !whole || objects.is_complete(asked) {
        return None;
    }
    let path = below(root, asked)?;
    if !MEDIA.contains(&path.extension()?.to_str()?) {
        return None;
    }
    let written = fs::metadata(&path).await.ok()?.modified().ok()?;
    // A time ahead of the clock is fresh too.
    if written.elapsed().is_ok_and(|since| since > FRESH) || has_successor(&path).await {
        return None;
    }
    let file = File::open(&path).await.ok()?;
    let now = Instant::now();
    let growing = Growing { file, path, opened: now, grown: now };
    Some(Response::new(Body::from_stream(futures_util::stream::try_unfold(growing, Growing::next))))
}

/// A file that is followed.
struct Growing {
    file: File,
    path: PathBuf,
    opened: Instant,
    grown: Instant,
}

impl Growing {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let is_whole = self.grown.elapsed() >= QUIET || has_successor(&self.path).await;
            let length = self.file.read(&mut chunk).await?;
            if length > 0 {
                self.grown = Instant::now();
                chunk.truncate(length);
                return Ok(Some((chunk.into(), self)));
            }
            if is_whole || self.opened.elapsed() > LONGEST {
                return Ok(None);
            }
            tokio::time::sleep(STEP).await;
        }
    }
}

/// Whether the next file of the same numbering is there: packagers begin it when this one is whole.
async fn has_successor(path: &Path) -> bool {
    let successor = || {
        let (stem, extension) = (path.file_stem()?.to_str()?, path.extension()?.to_str()?);
        let digits = stem.len() - stem.trim_end_matches(|last: char| last.is_ascii_digit()).len();
        let (name, number) = stem.split_at(stem.len() - digits);
        let next = number.parse::<u64>().ok()?.checked_add(1)?;
        Some(path.with_file_name(format!("{name}{next:0digits$}.{extension}")))
    };
    match successor() {
        Some(successor) => fs::try_exists(successor).await.unwrap_or(false),
        None => false,
    }
}

/// The file below `root` that a path of a request names.
fn below(root: &Path, asked: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(asked.trim_start_matches('/')).decode_utf8().ok()?;
    let relative = Path::new(decoded.as_ref());
    let plain = relative.components().all(|component| matches!(component, Component::Normal(_)));
    (plain && !decoded.contains('\0')).then(|| root.join(relative))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_still_written_is_followed_and_what_is_whole_is_not() {
        let root = std::env::temp_dir().join(format!("headroom-growing-{}", std::process::id()));
        fs::create_dir_all(&root).await.unwrap();
        let ask = |path: &str| Request::get(path).body(()).unwrap();
        let objects = ListedObjects::default();
        for name in ["seg-9.m4s", "seg-10.m4s", "live.m3u8"] {
            fs::write(root.join(name), "first").await.unwrap();
        }
        assert!(follow(&root, &ask("/seg-9.m4s"), &objects).await.is_none(), "the next one is there");
        for path in ["/live.m3u8", "/none.m4s", "/../seg-10.m4s", "/%2e%2e/seg-10.m4s"] {
            assert!(follow(&root, &ask(path), &objects).await.is_none(), "{path}");
        }
        let ranged = Request::get("/seg-10.m4s").header("range", "bytes=2-3").body(()).unwrap();
        assert!(follow(&root, &ranged, &objects).await.is_none());
        let response = follow(&root, &ask("/seg-10.m4s"), &objects).await.unwrap();
        let body = tokio::spawn(axum::body::to_bytes(response.into_body(), usize::MAX));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!body.is_finished());
        fs::write(root.join("seg-10.m4s"), "first and last").await.unwrap();
        fs::write(root.join("seg-11.m4s"), "").await.unwrap();
        assert_eq!(body.await.unwrap().unwrap(), "first and last");
        objects.learn_playlist("/live.m3u8", "#EXTM3U\n#EXTINF:2,\nseg-11.m4s\n");
        assert!(follow(&root, &ask("/seg-11.m4s"), &objects).await.is_none(), "a playlist lists it");
        fs::remove_dir_all(root).await.unwrap();
    }
}
