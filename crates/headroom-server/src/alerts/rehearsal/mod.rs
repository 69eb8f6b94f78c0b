//! How good the rules are: simulated days with incidents put in, and quiet days on which no alert should fire.

mod chat;
mod days;
mod incident;
mod rehearse;

pub use incident::IncidentKind;
pub use rehearse::{KindResult, Rehearsal, rehearse};
