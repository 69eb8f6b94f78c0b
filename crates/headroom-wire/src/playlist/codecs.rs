//! What codecs hold: RFC 6381 names them by their sample entry.

use super::ladder::Media;

/// The kind of media that a list of RFC 6381 codecs stands for, by the sample entry names.
pub(super) fn media_of_codecs(codecs: &str) -> Media {
    const VIDEO: [&str; 12] = ["avc", "hvc", "hev", "dvh", "dva", "vp8", "vp9", "vp08", "vp09", "av01", "vvc", "mp4v"];
    const AUDIO: [&str; 9] = ["mp4a", "ac-3", "ec-3", "ac-4", "opus", "flac", "alac", "dts", "vorbis"];
    const TEXT: [&str; 3] = ["wvtt", "stpp", "tx3g"];
    let has = |names: &[&str]| {
        let mut codecs = codecs.split(',').map(|codec| codec.trim().to_ascii_lowercase());
        codecs.any(|codec| names.iter().any(|name| codec.starts_with(name)))
    };
    if has(&VIDEO) {
        Media::Video
    } else if has(&AUDIO) {
        Media::Audio
    } else if has(&TEXT) {
        Media::Text
    } else {
        Media::Unknown
    }
}
