//! Learned models of Headroom, each behind a feature, none on by default.
//!
//! Feature `speech`: audio from a file, a pipe or a microphone → utterances → text, on the processor, offline.
//! Without a feature the crate is empty and builds in no time; `headroom-server` never depends on it, the binary hands
//! results over.
