//! The edge: a reverse proxy in front of the origin that listens to players and answers them.
//!
//! Bodies stream through; only manifests are read. Whatever goes wrong in here costs the answer's extra headers, never
//! the media.

pub(crate) mod declared_streams;
mod growing;
mod manifest;
mod metrics;
mod objects;
mod origin;
mod proxy;
mod settings;
mod tcp_info;
mod transfer;

pub(crate) use metrics::EdgeMetrics;
pub(crate) use origin::Origin;
pub(crate) use proxy::Edge;
pub(crate) use settings::Settings;
