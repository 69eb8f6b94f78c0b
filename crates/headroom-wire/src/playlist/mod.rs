//! The quality ladder of a stream, read from its HLS multivariant playlist or DASH MPD, and a cap on the former.
//!
//! [`Ladder::parse`] tells the two formats apart. [`cap`] removes the variants above a bitrate from a
//! multivariant playlist and changes nothing else.

mod cap;
mod dash;
mod hls;
#[cfg(test)]
mod tests;

pub use cap::{Capped, cap};

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
    /// Sound only.
    Audio,
    /// Subtitles or captions.
    Text,
    /// Not said.
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

/// What a stream offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// What it was read from.
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
        /// Bytes given.
        length: usize,
    },
    /// When the text is neither a playlist nor an MPD.
    #[error("neither an HLS playlist nor a DASH MPD")]
    UnknownFormat,
    /// When an HLS playlist lists segments, not variants.
    #[error("an HLS media playlist, which has no variants")]
    MediaPlaylist,
    /// When the text claims to be one of them and is not.
    #[error("malformed {format:?} document: {message}")]
    Malformed {
        /// What it claims to be.
        format: Format,
        /// What the parser found.
        message: String,
    },
}

impl Ladder {
    /// Reads the ladder of a multivariant playlist or MPD.
    ///
    /// # Errors
    /// When the text is too long, of neither format, malformed, or a media playlist.
    pub fn parse(text: &str) -> Result<Self, PlaylistError> {
        if text.len() > MAX_PLAYLIST_BYTES {
            return Err(PlaylistError::TooLong { length: text.len() });
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.starts_with("#EXTM3U") {
            hls::ladder(text)
        } else if text.trim_start().starts_with('<') {
            dash::ladder(text)
        } else {
            Err(PlaylistError::UnknownFormat)
        }
    }

    fn new(format: Format) -> Self {
        Self { format, renditions: Vec::new(), steering: None }
    }

    /// Adds a rendition unless it is there already, as in the next period of an MPD.
    fn add(&mut self, rendition: Rendition) {
        if self.renditions.len() < MAX_RENDITIONS && !self.renditions.contains(&rendition) {
            self.renditions.push(rendition);
        }
    }
}

/// What a list of RFC 6381 codecs holds, by the codecs' sample entry names.
fn media_of_codecs(codecs: &str) -> Media {
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
