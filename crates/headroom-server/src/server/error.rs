//! Why a server does not start.

use crate::{
    alerts::RuleError, chat::ChatError, control::TokensError, network::TableError, tls::ListenerTlsError,
    tls_client::ClientTlsError, token::KeysError,
};
use std::{io, net::SocketAddr};

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address of the configuration.
        address: SocketAddr,
        /// What the system or the parser reports.
        source: io::Error,
    },
    /// A log file cannot be created.
    #[error("log files cannot be created")]
    Log(#[source] io::Error),
    /// The alert rules cannot be used.
    #[error("alert rules")]
    Rules(#[source] RuleError),
    /// The secret of a webhook cannot be read.
    #[error("a webhook's secret file cannot be read")]
    Secret(#[source] io::Error),
    /// The tokens of the control listener cannot be used.
    #[error("tokens of the control listener")]
    Tokens(#[from] TokensError),
    /// Connections to the origin cannot be encrypted.
    #[error("edge.origin_ca_file")]
    OriginTls(#[source] ClientTlsError),
    /// A listener cannot be encrypted.
    #[error("{listener}.tls")]
    Tls {
        /// `public` or `control`, as in the configuration.
        listener: &'static str,
        /// What the system or the parser reports.
        source: ListenerTlsError,
    },
    /// The table of autonomous systems cannot be used.
    #[error("history.autonomous_systems_file")]
    AutonomousSystems(#[from] TableError),
    /// The keys of tokens cannot be used.
    #[error("tokens.keys_file")]
    Keys(#[from] KeysError),
    /// A configured chat cannot be followed.
    #[error("a configured chat cannot be followed")]
    Chat(#[from] ChatError),
}
