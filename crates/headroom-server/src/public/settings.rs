//! `[public]`: the listener of players and web servers.

use crate::{clients::Limits, listener::Bounds, tls};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, time::Duration};

/// `[public]`; `default.toml` says what each key means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Connections held at most.
    pub max_connections: usize,
    /// Bytes of a request's head.
    pub max_header_bytes: usize,
    /// Milliseconds a request's head may take.
    pub header_timeout_ms: u64,
    /// Milliseconds a request's body may take.
    pub body_timeout_ms: u64,
    /// Milliseconds a peer may leave data unacknowledged; 0 leaves it to the system.
    pub user_timeout_ms: u32,
    /// Bytes of one CMCD event report.
    pub max_beacon_bytes: usize,
    /// Share of the sessions whose events are taken.
    pub cmcd_share: f64,
    /// Bytes of one batch of samples.
    pub max_batch_bytes: usize,
    /// Streams of decisions held at most.
    pub max_subscribers: usize,
    /// What one client may use up, and all of them together.
    pub limits: Limits,
    /// Certificate and key; none means plain HTTP.
    pub tls: tls::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 8080)),
            max_connections: 20_000,
            max_header_bytes: 65_536,
            header_timeout_ms: 30_000,
            body_timeout_ms: 10_000,
            user_timeout_ms: 60_000,
            max_beacon_bytes: 64 * 1024,
            cmcd_share: 1.0,
            max_batch_bytes: 1024 * 1024,
            max_subscribers: 10_000,
            limits: Limits::default(),
            tls: tls::Settings::default(),
        }
    }
}

impl Settings {
    /// How long a request's body may take.
    pub(crate) const fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    /// What the listener holds its connections to.
    pub(crate) const fn bounds(&self) -> Bounds {
        Bounds {
            max_connections: self.max_connections,
            max_header_bytes: self.max_header_bytes,
            header_timeout: Duration::from_millis(self.header_timeout_ms),
            user_timeout_ms: self.user_timeout_ms,
        }
    }
}
