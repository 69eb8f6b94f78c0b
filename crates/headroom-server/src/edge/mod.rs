//! The edge: a reverse proxy in front of the origin that listens to players and answers them.
//!
//! Bodies stream through; only manifests are read. Whatever goes wrong in here costs the answer's extra headers, never
//! the media.

mod additions;
pub(crate) mod declared_streams;
mod decode;
mod directory;
mod fetch;
mod forward;
mod growing;
mod health;
mod manifest;
mod metrics;
mod objects;
mod origin;
mod proxy;
mod redirect;
mod servers;
mod settings;
mod shared_cache;
mod tcp_info;
mod transfer;
mod tunnel;

pub(crate) use fetch::Fetch;
pub(crate) use metrics::EdgeMetrics;
pub(crate) use origin::Origin;
pub(crate) use proxy::Edge;
pub(crate) use settings::Settings;
