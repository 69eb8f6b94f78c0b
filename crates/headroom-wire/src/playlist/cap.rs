//! A cap on a multivariant playlist.

use super::hls::attribute;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A multivariant playlist after [`cap`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capped<'a> {
    /// The playlist; borrowed when nothing was removed.
    pub text: Cow<'a, str>,
    /// Variants that stayed.
    pub kept: usize,
    /// Variants that were removed.
    pub removed: usize,
}

/// Removes the variants whose peak bitrate is above `cap_bps` from a multivariant playlist.
///
/// Every other byte stays as it is: other tags, comments, line ends, variants whose bitrate cannot be read, trick-play
/// variants. The lowest variant of each pathway stays whatever its bitrate, so that no player is left without one. What
/// is no multivariant playlist comes back unchanged.
pub fn cap(playlist: &str, cap_bps: u64) -> Capped<'_> {
    let variants = variants(playlist);
    let mut lowest: BTreeMap<&str, u64> = BTreeMap::new();
    for variant in &variants {
        let entry = lowest.entry(variant.pathway).or_insert(variant.peak_bitrate_bps);
        *entry = variant.peak_bitrate_bps.min(*entry);
    }
    let above = |variant: &&Variant<'_>| {
        variant.peak_bitrate_bps > cap_bps && lowest.get(variant.pathway) != Some(&variant.peak_bitrate_bps)
    };
    let removed: Vec<_> = variants.iter().filter(above).collect();
    let kept = variants.len() - removed.len();
    if removed.is_empty() {
        return Capped { text: Cow::Borrowed(playlist), kept, removed: 0 };
    }
    let mut text = String::with_capacity(playlist.len());
    let mut copied = 0;
    for variant in &removed {
        text.push_str(&playlist[copied..variant.start]);
        copied = variant.end;
    }
    text.push_str(&playlist[copied..]);
    Capped { text: Cow::Owned(text), kept, removed: removed.len() }
}

/// A variant and the bytes of the playlist it takes, from its tag to the end of the line of its URI.
struct Variant<'a> {
    start: usize,
    end: usize,
    peak_bitrate_bps: u64,
    pathway: &'a str,
}

/// RFC 8216bis §4.4.6.2: the tag, and the next line that is neither a tag, a comment nor empty.
fn variants(playlist: &str) -> Vec<Variant<'_>> {
    let mut variants = Vec::new();
    let mut open: Option<Variant<'_>> = None;
    let mut end = 0;
    for line in playlist.split_inclusive('\n') {
        let start = end;
        end += line.len();
        let content = line.trim();
        if let Some(attributes) = content.strip_prefix("#EXT-X-STREAM-INF:") {
            let peak = attribute(attributes, "BANDWIDTH").and_then(|value| value.parse().ok());
            // By RFC 8216bis §4.4.6.2 a variant without a pathway belongs to the pathway ".".
            let pathway = attribute(attributes, "PATHWAY-ID").unwrap_or(".");
            open = peak.map(|peak_bitrate_bps| Variant { start, end, peak_bitrate_bps, pathway });
        } else if !content.is_empty() && !content.starts_with('#') {
            variants.extend(open.take().map(|variant| Variant { end, ..variant }));
        }
    }
    variants
}
