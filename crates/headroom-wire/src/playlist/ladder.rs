//! What a playlist offers: the renditions of a stream.

use thiserror::Error;

/// Longest playlist or MPD read, in bytes.
pub const MAX_PLAYLIST_BYTES: usize = 4 * 1024 * 1024;

/// Most renditions kept of a ladder; the rest is left out.
pub const MAX_RENDITIONS: usize = 256;

/// Most unread attributes named.
pub const MAX_UNREAD: usize = 8;

/// Longest value of an unread attribute that is kept, in characters.
pub const MAX_UNREAD_CHARACTERS: usize = 64;

/// The format a ladder was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// HLS multivariant playlist (RFC 8216bis §4.4.6).
    Hls,
    /// DASH media presentation description (ISO/IEC 23009-1).
    Dash,
}

/// What a rendition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Media {
    /// Video, with or without sound in the same segments.
    Video,
    /// Sound without a picture.
    Audio,
    /// Subtitles or captions.
    Text,
    /// Still pictures, as thumbnails are.
    Image,
    /// Pictures for fast forward and rewind, which are never played at normal speed.
    TrickMode,
    /// The playlist does not say.
    Unknown,
}

/// One step of a ladder: an HLS variant or a DASH representation.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendition {
    /// The variant's URI, or the representation's `@id`.
    pub id: String,
    /// What it holds.
    pub media: Media,
    /// Highest bitrate of any segment, bits per second: `BANDWIDTH`, `@bandwidth`.
    pub peak_bitrate_bps: u64,
    /// Mean bitrate, bits per second: `AVERAGE-BANDWIDTH`; DASH has none.
    pub average_bitrate_bps: Option<u64>,
    /// Picture width, pixels.
    pub width: Option<u32>,
    /// Picture height, pixels.
    pub height: Option<u32>,
    /// Frames per second.
    pub frame_rate: Option<f64>,
    /// Codecs as RFC 6381 writes them.
    pub codecs: Option<String>,
    /// Pathway or service location it belongs to, where the playlist says (HLS `PATHWAY-ID`).
    pub pathway: Option<String>,
}

/// Where a playlist tells players to ask for steering; see [`crate::steering`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SteeringServer {
    /// Address of the steering manifest.
    pub uri: String,
    /// Pathway to begin with: `PATHWAY-ID`, `@defaultServiceLocation`.
    pub default_pathway: Option<String>,
    /// Players are to ask before they begin; DASH only.
    pub query_before_start: bool,
}

/// An attribute of a rendition whose value cannot be read. It counts as absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadAttribute {
    /// The rendition's [`Rendition::id`].
    pub rendition: String,
    /// Name of the attribute.
    pub name: &'static str,
    /// The value as it was sent, cut to [`MAX_UNREAD_CHARACTERS`].
    pub value: String,
}

/// The renditions of a stream and its steering server.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// Format of the playlist it was read from.
    pub format: Format,
    /// The renditions in the order of the playlist, each one once.
    pub renditions: Vec<Rendition>,
    /// The steering server, where there is one.
    pub steering: Option<SteeringServer>,
    /// Longest video segment that the document announces, seconds. Multivariant playlists announce none.
    pub segment_duration_s: Option<f64>,
    /// The first [`MAX_UNREAD`] attributes that cannot be read.
    pub unread: Vec<UnreadAttribute>,
    /// Number of attributes that cannot be read.
    pub unread_count: usize,
}

/// Why a ladder cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlaylistError {
    /// When the text is longer than [`MAX_PLAYLIST_BYTES`].
    #[error("playlist of {length} bytes is over the limit of {limit}", limit = MAX_PLAYLIST_BYTES)]
    TooLong {
        /// Length of the text, bytes.
        length: usize,
    },
    /// When the text is neither a playlist nor an MPD.
    #[error("neither an HLS playlist nor a DASH MPD")]
    UnknownFormat,
    /// When an HLS playlist lists segments, not variants.
    #[error("an HLS media playlist, which has no variants")]
    MediaPlaylist,
    /// When the text begins like one of the formats and cannot be parsed.
    #[error("malformed {format:?} document: {message}")]
    Malformed {
        /// The format it begins like.
        format: Format,
        /// Message of the parser.
        message: String,
    },
}

impl Rendition {
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            media: Media::Unknown,
            peak_bitrate_bps: 0,
            average_bitrate_bps: None,
            width: None,
            height: None,
            frame_rate: None,
            codecs: None,
            pathway: None,
        }
    }

    /// Whether it can be a rung: it holds moving pictures, or may do so, and has a bitrate.
    ///
    /// What an MPD does not name a type for holds pictures only where it has a size.
    fn is_rung(&self, format: Format) -> bool {
        let has_pictures = match self.media {
            Media::Video => true,
            Media::Unknown => self.height.is_some() || format == Format::Hls,
            Media::Audio | Media::Text | Media::Image | Media::TrickMode => false,
        };
        has_pictures && self.peak_bitrate_bps > 0
    }
}

impl Ladder {
    /// The renditions that differ in what a link must carry: those with moving pictures, one of each bitrate, ascending,
    /// at most `limit` of them (at least two).
    ///
    /// Of several with one bitrate, on several pathways or in several codecs, the first stands for all. Beyond the limit
    /// the lowest and the highest stay, and of those between the ones nearest to the next below (by ratio) are left out.
    pub fn rungs(&self, limit: usize) -> Vec<&Rendition> {
        let mut rungs: Vec<_> = self.renditions.iter().filter(|rendition| rendition.is_rung(self.format)).collect();
        rungs.sort_by_key(|rendition| rendition.peak_bitrate_bps);
        rungs.dedup_by_key(|rendition| rendition.peak_bitrate_bps);
        while rungs.len() > limit.max(2) {
            let ratio = |at: usize| rungs[at].peak_bitrate_bps as f64 / rungs[at - 1].peak_bitrate_bps as f64;
            let Some(closest) = (1..rungs.len()).min_by(|&a, &b| ratio(a).total_cmp(&ratio(b))) else { break };
            // The highest stays: its lower neighbour goes instead.
            let last = rungs.len() - 1;
            rungs.remove(if closest == last { last - 1 } else { closest });
        }
        rungs
    }

    pub(super) fn new(format: Format) -> Self {
        let (renditions, unread) = (Vec::new(), Vec::new());
        Self { format, renditions, steering: None, segment_duration_s: None, unread, unread_count: 0 }
    }

    /// Adds a rendition unless it is there already, as in the next period of an MPD.
    pub(super) fn add(&mut self, rendition: Rendition) {
        if self.renditions.len() < MAX_RENDITIONS && !self.renditions.contains(&rendition) {
            self.renditions.push(rendition);
        }
    }

    /// Notes an attribute that cannot be read.
    pub(super) fn note_unread(&mut self, rendition: &str, name: &'static str, value: &str) {
        self.unread_count += 1;
        if self.unread.len() < MAX_UNREAD {
            let value = value.chars().take(MAX_UNREAD_CHARACTERS).collect();
            self.unread.push(UnreadAttribute { rendition: rendition.to_owned(), name, value });
        }
    }
}
