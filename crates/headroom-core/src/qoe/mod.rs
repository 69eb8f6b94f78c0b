//! Quality of experience as numbers: what a session was worth, and how likely it is to stall next.

mod linear;
mod live;
mod opinion;
mod risk;

pub use linear::Linear;
pub use live::{Live, LiveSegment};
pub use opinion::{Opinion, picture};
pub use risk::{RISK_SEGMENTS, carried_at, stall_risk};
