//! The public listener: what players, their agents and web servers may ask.
//!
//! `endpoint` says which paths are ours; all others belong to the edge. `reports` take in, `answers` give out. Where
//! tokens are asked for, reports and questions need one; media, `/decide` and steering never do: without a token they
//! are answered as if nothing had been said.

mod advice;
mod answers;
mod decisions;
mod endpoint;
mod reports;
mod router;
mod settings;
mod state;

pub(crate) use router::described;
#[cfg(test)]
pub(crate) use router::operations;
pub(crate) use state::Public;

pub(crate) use settings::Settings;
