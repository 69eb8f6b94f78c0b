//! What a playlist offers: the renditions of a stream.

use thiserror::Error;

/// Longest playlist or MPD read, in bytes.
pub const MAX_PLAYLIST_BYTES: usize = 4 * 1024 * 1024;

/// Most renditions kept of a ladder; the rest is left out.
pub const MAX_RENDITIONS: usize = 256;

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

/// The renditions of a stream and its steering server.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// Format of the playlist it was read from.
    pub format: Format,
    /// The renditions in the order of the playlist, each one once.
    pub renditions: Vec<Rendition>,
    /// The steering server, where there is one.
    pub steering: Option<SteeringServer>,
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

impl Ladder {
    pub(super) fn new(format: Format) -> Self {
        Self { format, renditions: Vec::new(), steering: None }
    }

    /// Adds a rendition unless it is there already, as in the next period of an MPD.
    pub(super) fn add(&mut self, rendition: Rendition) {
        if self.renditions.len() < MAX_RENDITIONS && !self.renditions.contains(&rendition) {
            self.renditions.push(rendition);
        }
    }
}
