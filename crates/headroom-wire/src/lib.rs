//! Formats that players, packagers and delivery networks speak: bytes in, types out, and back.
//!
//! - [`cmcd`]: Common Media Client Data, versions 1 and 2 (CTA-5004, CTA-5004-B).
//! - [`cmsd`]: Common Media Server Data (CTA-5006).
//! - [`steering`]: Content Steering of HLS and DASH.
//! - [`playlist`]: ladders of HLS and DASH, and a cap on HLS multivariant playlists.
//! - [`irc`], [`youtube`]: live chats.
//!
//! No sockets, files, clocks or threads; no input panics, and work is bounded by the length of the input.
//!
//! ```
//! use headroom_wire::cmcd::{self, ObjectType, PlayerState, Scratch};
//!
//! let mut scratch = Scratch::default();
//! let query = "CMCD=bl%3D(1600%3Bv)%2Cbr%3D(1200%3Bv%2064%3Ba)%2Csid%3D%22a1%22%2Csta%3Dr%2Cv%3D2";
//! let parsed = cmcd::parse_query(query, &mut scratch)?.expect("the query has a CMCD argument");
//! assert_eq!(parsed.cmcd.encoded_bitrate.get(ObjectType::Audio), Some(64));
//! assert_eq!(parsed.cmcd.player_state, Some(PlayerState::Rebuffering));
//! assert_eq!(parsed.summary.dropped, 0);
//! # Ok::<(), cmcd::ParseError>(())
//! ```

pub mod cmcd;
pub mod cmsd;
pub mod irc;
mod percent;
pub mod playlist;
pub mod steering;
mod structured;
pub mod youtube;

pub use structured::SyntaxError;

/// Holds the example of the README to the compiler.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
