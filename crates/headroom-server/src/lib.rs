//! The server around the engine: two listeners, an edge proxy, CMCD in, CMSD and decisions out.
//!
//! The way of one request: `listener` → `public` → `ingest` (CMCD → sample) → headroom-cluster (shard, engine, one answer) →
//! `http::cmsd` (header). Operators use `control`. Nothing here decides: that is the engine's part.

pub mod alerts;
pub mod api;
mod backoff;
mod bounded;
pub mod calendar;
mod chat;
mod clients;
pub mod config;
mod constant_time;
mod control;
mod dashboard;
mod edge;
mod feedback;
mod fleet;
mod history;
mod http;
mod identity;
mod inference;
mod ingest;
mod listener;
mod metrics;
mod network;
mod open_requests;
mod openapi;
mod places;
pub mod plan;
mod public;
mod random;
mod reload;
mod request_line;
mod server;
mod steering;
mod stream;
mod tls;
pub mod tls_client;
pub mod token;
mod whole_file;

pub use chat::ChatError;
pub use config::Config;
pub use control::TokensError;
pub use feedback::SpeechSettings;
pub use headroom_cluster::input_log::{ReplayError, ReplaySummary, replay};
pub use history::{GroupBy, MadeUpError, make_up_history};
pub use inference::{
    MessageShed, OnUtterance, Reader, Reply, TranscribeError, Transcriber, TranscriptReply, VoiceChat,
};
pub use network::TableError;
pub use server::{Server, StartError};
pub use tls::ListenerTlsError;
pub use tls_client::ClientTlsError;
