//! Learned models of Headroom, each behind a feature, none on by default.
//!
//! Feature `speech`: audio from a file, a pipe or a microphone ([`audio`]) → utterances → text ([`speech`]), on the
//! processor, offline, with weights fetched once ([`models`]). Feature `text`: messages → sentiment, aspects of the
//! delivery, commands ([`text`]), with the weights of the repository. Without a feature the crate is empty and builds in
//! no time; `headroom-server` never depends on it, the binary hands results over.

#[cfg(feature = "speech")]
pub mod audio;
#[cfg(feature = "speech")]
pub mod models;
#[cfg(feature = "speech")]
pub mod speech;
#[cfg(feature = "text")]
pub mod text;
