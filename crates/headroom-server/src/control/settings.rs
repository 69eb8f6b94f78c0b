//! `[control]`: the listener of operators.

use super::role::Role;
use crate::{identity::ForwardedFrom, tls};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// `[control]`; `default.toml` says what each key means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// File with the bearer token; empty: none.
    pub token_file: PathBuf,
    /// File with named tokens and their roles; empty: none.
    pub tokens_file: PathBuf,
    /// Wrong tokens of one address a minute, and at once, before it has to wait; 0: no limit.
    pub token_attempts_per_min: u32,
    /// Whose word on the address of a client counts for that: a proxy's in front of this listener.
    pub forwarded_from: ForwardedFrom,
    /// The token itself, meant for the environment. Never printed.
    #[serde(skip_serializing)]
    pub token: String,
    /// Encryption, and the roots of client certificates.
    pub tls: tls::Settings,
    /// What a client certificate allows.
    pub certificate_role: Role,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            token_file: PathBuf::new(),
            tokens_file: PathBuf::new(),
            token_attempts_per_min: 10,
            forwarded_from: ForwardedFrom::None,
            token: String::new(),
            tls: tls::Settings::default(),
            certificate_role: Role::View,
        }
    }
}
