//! A cap on a multivariant playlist.

use super::attributes::{attribute, whole_number};
use super::variant::{Variant, variants};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A multivariant playlist after [`cap`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CappedPlaylist<'a> {
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
pub fn cap(playlist: &str, cap_bps: u64) -> CappedPlaylist<'_> {
    let variants: Vec<_> = variants(playlist).filter_map(Candidate::of).collect();
    let mut lowest: BTreeMap<&str, u64> = BTreeMap::new();
    for variant in &variants {
        let entry = lowest.entry(variant.pathway).or_insert(variant.peak_bitrate_bps);
        *entry = variant.peak_bitrate_bps.min(*entry);
    }
    let above = |variant: &&Candidate<'_>| {
        variant.peak_bitrate_bps > cap_bps && lowest.get(variant.pathway) != Some(&variant.peak_bitrate_bps)
    };
    let removed: Vec<_> = variants.iter().filter(above).map(|candidate| &candidate.variant).collect();
    let kept = variants.len() - removed.len();
    if removed.is_empty() {
        return CappedPlaylist { text: Cow::Borrowed(playlist), kept, removed: 0 };
    }
    let mut text = String::with_capacity(playlist.len());
    let mut copied = 0;
    for variant in &removed {
        text.push_str(&playlist[copied..variant.start]);
        copied = variant.end;
    }
    text.push_str(&playlist[copied..]);
    CappedPlaylist { text: Cow::Owned(text), kept, removed: removed.len() }
}

/// A variant that may be removed.
struct Candidate<'a> {
    variant: Variant<'a>,
    peak_bitrate_bps: u64,
    pathway: &'a str,
}

impl<'a> Candidate<'a> {
    /// `None` when its bitrate cannot be read.
    fn of(variant: Variant<'a>) -> Option<Self> {
        let peak_bitrate_bps = attribute(variant.attributes, "BANDWIDTH").and_then(whole_number)?;
        // By RFC 8216bis §4.4.6.2 a variant without a pathway belongs to the pathway ".".
        let pathway = attribute(variant.attributes, "PATHWAY-ID").unwrap_or(".");
        Some(Self { variant, peak_bitrate_bps, pathway })
    }
}
