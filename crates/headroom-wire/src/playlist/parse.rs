//! Telling the formats apart.

use super::ladder::{Ladder, MAX_PLAYLIST_BYTES, PlaylistError};
use super::{dash, hls};

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
}
