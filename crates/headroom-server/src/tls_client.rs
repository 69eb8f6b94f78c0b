//! Encrypted connections: rustls with the roots of the platform, or of a file.

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem, pem::PemObject},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why encrypted connections cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientTlsError {
    /// The file of root certificates cannot be read.
    #[error("root certificates of {path} cannot be read")]
    Roots {
        /// The file.
        path: PathBuf,
        /// What the system or the parser reports.
        source: pem::Error,
    },
    /// The platform has no root certificates.
    #[error("no root certificates were found; name a file of them or install ca-certificates")]
    NoRoots,
    /// The library refuses its own defaults.
    #[error("the TLS library cannot be set up")]
    Library(#[from] rustls::Error),
}

/// What is needed to connect; `roots` empty takes the platform's.
///
/// # Errors
/// When the roots cannot be read, or there are none.
pub fn client(roots: &Path) -> Result<Arc<ClientConfig>, ClientTlsError> {
    let mut store = RootCertStore::empty();
    if roots.as_os_str().is_empty() {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        let broken = |source| ClientTlsError::Roots { path: roots.to_owned(), source };
        let found = CertificateDer::pem_file_iter(roots).map_err(broken)?;
        store.add_parsable_certificates(found.collect::<Result<Vec<_>, _>>().map_err(broken)?);
    }
    if store.is_empty() {
        return Err(ClientTlsError::NoRoots);
    }
    with_roots(store)
}

/// For connections that are not encrypted after all.
pub(crate) fn without_roots() -> Result<Arc<ClientConfig>, ClientTlsError> {
    with_roots(RootCertStore::empty())
}

fn with_roots(store: RootCertStore) -> Result<Arc<ClientConfig>, ClientTlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(store).with_no_client_auth()))
}
