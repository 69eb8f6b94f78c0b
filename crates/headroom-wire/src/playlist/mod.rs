//! The quality ladder of a stream, read from its HLS multivariant playlist or DASH MPD, and a cap on the former.
//!
//! [`Ladder::parse`] tells the two formats apart. [`cap`] removes the variants above a bitrate from a
//! multivariant playlist and changes nothing else.

mod addition;
mod attributes;
mod cap;
mod codecs;
mod dash;
mod hls;
mod ladder;
mod media_playlist;
mod parse;
mod period;
#[cfg(test)]
mod tests;
mod values;
mod variant;

pub use addition::{CmcdParameters, SteeringAnnouncement, with_cmcd, with_steering};
pub use cap::{CappedPlaylist, cap};
pub use ladder::{
    Format, Ladder, MAX_PLAYLIST_BYTES, MAX_RENDITIONS, MAX_UNREAD, MAX_UNREAD_CHARACTERS, Media, PlaylistError,
    Rendition, SteeringServer, UnreadAttribute,
};
pub use media_playlist::{ListedObject, SegmentDurations, listed_objects};
