//! A cap on a multivariant playlist.

use super::attributes::attribute;
use super::codecs::families;
use super::ladder::Media;
use super::values::whole_number;
use super::variant::{Variant, variants};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

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
/// variants. Players choose among variants by what they can decode and where they fetch from, so the lowest of every such
/// choice stays whatever its bitrate: of each pathway, video codec, dynamic range, layout, audio codec and audio group, with
/// and without pictures. Audio groups that offer the same renditions differ in bitrate alone and count as one. What is no
/// multivariant playlist comes back unchanged.
pub fn cap(playlist: &str, cap_bps: u64) -> CappedPlaylist<'_> {
    let mut groups = audio_groups(playlist);
    if groups.values().collect::<BTreeSet<_>>().len() < 2 {
        // No group offers what another does not.
        groups.clear();
    }
    let variants: Vec<_> = variants(playlist).filter_map(|variant| Candidate::of(variant, &groups)).collect();
    let mut lowest: BTreeMap<&Choice<'_>, u64> = BTreeMap::new();
    for variant in &variants {
        let entry = lowest.entry(&variant.choice).or_insert(variant.peak_bitrate_bps);
        *entry = variant.peak_bitrate_bps.min(*entry);
    }
    let above = |variant: &&Candidate<'_>| {
        variant.peak_bitrate_bps > cap_bps && lowest.get(&variant.choice) != Some(&variant.peak_bitrate_bps)
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

/// What a rendition of audio is to its listener: language, name, channels, purpose.
type AudioRendition<'a> = [&'a str; 4];

/// What every audio group offers (RFC 8216bis §4.4.6.1.1), by its name.
fn audio_groups(playlist: &str) -> BTreeMap<&str, BTreeSet<AudioRendition<'_>>> {
    let mut groups: BTreeMap<&str, BTreeSet<AudioRendition<'_>>> = BTreeMap::new();
    for line in playlist.lines() {
        let Some(list) = line.trim().strip_prefix("#EXT-X-MEDIA:") else { continue };
        if attribute(list, "TYPE").is_some_and(|kind| kind.eq_ignore_ascii_case("AUDIO"))
            && let Some(group) = attribute(list, "GROUP-ID")
        {
            let said = ["LANGUAGE", "NAME", "CHANNELS", "CHARACTERISTICS"];
            groups.entry(group).or_default().insert(said.map(|name| attribute(list, name).unwrap_or_default()));
        }
    }
    groups
}

/// A variant that may be removed.
struct Candidate<'a> {
    variant: Variant<'a>,
    peak_bitrate_bps: u64,
    choice: Choice<'a>,
}

/// What a player needs to be able to play a variant; those that differ in it are no alternatives in bitrate.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Choice<'a> {
    pathway: &'a str,
    has_pictures: bool,
    codecs: Vec<&'a str>,
    dynamic_range: &'a str,
    layout: &'a str,
    audio: Audio<'a>,
}

/// The sound of a variant.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Audio<'a> {
    /// Its own by its codecs, or that of a group which is known by its name alone.
    Named(&'a str),
    /// That of a group, by what it offers.
    Group(BTreeSet<AudioRendition<'a>>),
}

impl<'a> Candidate<'a> {
    /// `None` when its bitrate cannot be read.
    fn of(variant: Variant<'a>, groups: &BTreeMap<&'a str, BTreeSet<AudioRendition<'a>>>) -> Option<Self> {
        let peak_bitrate_bps = attribute(variant.attributes, "BANDWIDTH").and_then(whole_number)?;
        let choice = Choice::of(variant.attributes, groups);
        Some(Self { variant, peak_bitrate_bps, choice })
    }
}

impl<'a> Choice<'a> {
    /// Of the attributes of a variant; what is left out has the value RFC 8216bis §4.4.6.2 gives it.
    fn of(attributes: &'a str, groups: &BTreeMap<&'a str, BTreeSet<AudioRendition<'a>>>) -> Self {
        let listed = attribute(attributes, "CODECS").unwrap_or_default();
        let played = families(listed).filter(|(media, _)| *media != Media::Text);
        let mut codecs: Vec<&str> = played.map(|(_, family)| family).collect();
        codecs.sort_unstable();
        codecs.dedup();
        let holds = |wanted| families(listed).any(|(media, _)| media == wanted);
        let group = attribute(attributes, "AUDIO").unwrap_or_default();
        let unsaid = if holds(Media::Audio) { "" } else { group };
        Self {
            pathway: attribute(attributes, "PATHWAY-ID").unwrap_or("."),
            has_pictures: holds(Media::Video)
                || attribute(attributes, "RESOLUTION").is_some_and(|size| !size.is_empty()),
            codecs,
            dynamic_range: attribute(attributes, "VIDEO-RANGE").unwrap_or("SDR"),
            layout: attribute(attributes, "REQ-VIDEO-LAYOUT").unwrap_or("CH-MONO"),
            audio: groups.get(group).map_or(Audio::Named(unsaid), |offered| Audio::Group(offered.clone())),
        }
    }
}
