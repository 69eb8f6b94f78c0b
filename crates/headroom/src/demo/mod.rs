//! `headroom demo`: the whole loop on loopback, with real HTTP and virtual viewers.
//!
//! An origin with a moving live edge, the edge of `headroom serve` in front of it, and pairs of virtual players. Both of a
//! pair play over the same link from the same moment; one asks Headroom before every segment, the other plays alone. What the demo
//! says at the end compares the two halves pair by pair.

mod chat;
mod link;
mod origin;
mod playback;
mod player;
mod progress;
mod screen;
mod seeds;
mod transfer;
mod verdict;

pub(crate) use chat::{Chat, Echo};
pub(crate) use link::Link;
pub(crate) use origin::Origin;
pub(crate) use player::{Player, Steering};
pub(crate) use progress::Progress;
pub(crate) use screen::{Pair, Screen};
pub(crate) use seeds::{SeedRange, SeedTable};
pub(crate) use verdict::Verdict;
