//! What codecs stand for: RFC 6381 names them by their sample entry.

use super::ladder::Media;

/// Beginnings of sample entries, the medium, and the family: codecs of one family are decoded by the same player.
const FAMILIES: [(&str, Media, &str); 25] = [
    ("avc", Media::Video, "avc"),
    ("hvc", Media::Video, "hevc"),
    ("hev", Media::Video, "hevc"),
    ("dvh", Media::Video, "dolby-vision"),
    ("dva", Media::Video, "dolby-vision"),
    ("dav", Media::Video, "dolby-vision"),
    ("vp8", Media::Video, "vp8"),
    ("vp08", Media::Video, "vp8"),
    ("vp9", Media::Video, "vp9"),
    ("vp09", Media::Video, "vp9"),
    ("av01", Media::Video, "av1"),
    ("vvc", Media::Video, "vvc"),
    ("mp4v", Media::Video, "mpeg4"),
    ("mp4a", Media::Audio, "aac"),
    ("ac-3", Media::Audio, "ac-3"),
    ("ec-3", Media::Audio, "ec-3"),
    ("ac-4", Media::Audio, "ac-4"),
    ("opus", Media::Audio, "opus"),
    ("flac", Media::Audio, "flac"),
    ("alac", Media::Audio, "alac"),
    ("dts", Media::Audio, "dts"),
    ("vorbis", Media::Audio, "vorbis"),
    ("wvtt", Media::Text, "text"),
    ("stpp", Media::Text, "text"),
    ("tx3g", Media::Text, "text"),
];

/// Medium and family of every codec in an RFC 6381 list that is known.
pub(super) fn families(codecs: &str) -> impl Iterator<Item = (Media, &'static str)> {
    codecs.split(',').filter_map(|codec| {
        let codec = codec.trim().to_ascii_lowercase();
        let known = FAMILIES.iter().find(|(start, _, _)| codec.starts_with(start));
        known.map(|&(_, media, family)| (media, family))
    })
}

/// The medium that an RFC 6381 list stands for: video where one of the codecs is, else audio, else text.
pub(super) fn media_of_codecs(codecs: &str) -> Media {
    let has = |wanted| families(codecs).any(|(media, _)| media == wanted);
    [Media::Video, Media::Audio, Media::Text].into_iter().find(|&media| has(media)).unwrap_or(Media::Unknown)
}
