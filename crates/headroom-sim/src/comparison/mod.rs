//! A comparison of contenders over the same windows: means, differences to the client alone, intervals, and how much of the gap to
//! the oracle each closes.

mod paired;
mod row;
mod scores;
#[cfg(test)]
mod tests;
mod traces;

pub use paired::Delta;
pub use row::Row;
pub use scores::{Comparison, ContenderScores};
