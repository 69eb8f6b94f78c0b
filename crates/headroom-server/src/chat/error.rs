//! Why a chat cannot be followed.

use crate::tls_client::ClientTlsError;
use std::path::PathBuf;

/// Why a chat cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// Encrypted connections cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] ClientTlsError),
    /// A file that is named cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system or the parser reports.
        source: std::io::Error,
    },
}
