//! Messages read by fine-tuned transformers: sentiment, aspects of the delivery, commands.
//!
//! The way of a message: [`Classifier`] cleans it (`normalise`), guesses its language and with it one of two models
//! (`language`), cuts it into tokens, runs the [`Network`], and turns scores into a [`Prediction`] (`command` reads the
//! resolution out of the words, `report` whether trouble is reported). [`Queue`] does this on threads of its own, in batches, and sheds what it cannot do.

mod cache;
mod classifier;
mod command;
mod error;
mod folder;
mod language;
mod network;
mod normalise;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
mod open;
mod pure;
mod queue;
mod report;

pub use classifier::{Classifier, Prediction, ReadError};
pub use error::OpenError;
pub use folder::{ModelsError, find_models};
pub use language::Language;
pub use network::{Device, Network, NetworkError, Scores};
pub use normalise::MAX_CHARACTERS;
pub use queue::{Counters, Queue, QueueError, QueueSettings};
