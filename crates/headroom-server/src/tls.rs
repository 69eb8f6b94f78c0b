//! Encrypted listeners: rustls with certificates that are read again when their files change.

use crate::reload::Reloadable;
use headroom_cluster::lock::{read_locked, write_locked};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{VerifierBuilderError, WebPkiClientVerifier},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// `tls = { … }` of a listener in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Certificate and those between it and the root (PEM); empty: no encryption.
    pub certificate_file: PathBuf,
    /// Its private key (PEM).
    pub key_file: PathBuf,
    /// Roots of client certificates (PEM); empty: none is asked for.
    pub client_ca_file: PathBuf,
}

impl Settings {
    /// Whether the listener speaks TLS.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.certificate_file.as_os_str().is_empty()
    }

    /// Whether client certificates are asked for.
    #[must_use]
    pub fn asks_for_certificates(&self) -> bool {
        !self.client_ca_file.as_os_str().is_empty()
    }
}

/// Why a listener cannot be encrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenerTlsError {
    /// A file is not what it should be.
    #[error("{path} cannot be read as PEM")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system or the parser reports.
        source: pem::Error,
    },
    /// A file holds no certificate.
    #[error("{0} holds no certificate")]
    Empty(PathBuf),
    /// Certificate and key do not fit each other or the library.
    #[error("certificate and key cannot be used")]
    Certificate(#[from] rustls::Error),
    /// The roots of client certificates cannot be used.
    #[error("the roots of client certificates cannot be used")]
    Roots(#[from] VerifierBuilderError),
}

/// The certificate a client proved to own, as the SHA-256 of its DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// A name for the audit: the beginning in hexadecimal digits.
    pub(crate) fn name(self) -> String {
        self.0[..8].iter().fold("certificate ".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    }
}

/// The encryption of one listener.
pub(crate) struct Tls {
    settings: Settings,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files; `None` when the listener speaks plain HTTP.
    pub(crate) fn load(settings: &Settings) -> Result<Option<Arc<Self>>, ListenerTlsError> {
        if !settings.is_on() {
            return Ok(None);
        }
        let current = RwLock::new(read(settings)?);
        Ok(Some(Arc::new(Self { settings: settings.clone(), current })))
    }

    /// Shakes hands with a client.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Option<Fingerprint>)> {
        let config = Arc::clone(&read_locked(&self.current));
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = certificate.map(|certificate| Fingerprint(Sha256::digest(certificate).into()));
        Ok((stream, certificate))
    }
}

impl Reloadable for Tls {
    fn files(&self) -> Vec<PathBuf> {
        let Settings { certificate_file, key_file, client_ca_file } = &self.settings;
        let files = [certificate_file, key_file, client_ca_file];
        files.into_iter().filter(|path| !path.as_os_str().is_empty()).cloned().collect()
    }

    fn reload(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let new = read(&self.settings)?;
        *write_locked(&self.current) = new;
        Ok(())
    }
}

fn read(settings: &Settings) -> Result<Arc<ServerConfig>, ListenerTlsError> {
    let provider = Arc::new(ring::default_provider());
    let chain = certificates(&settings.certificate_file)?;
    let key = PrivateKeyDer::from_pem_file(&settings.key_file)
        .map_err(|source| ListenerTlsError::File { path: settings.key_file.clone(), source })?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = if settings.asks_for_certificates() {
        let mut roots = RootCertStore::empty();
        for root in certificates(&settings.client_ca_file)? {
            roots.add(root)?;
        }
        // Not demanded at the handshake: a bearer token is the alternative, and probes need neither.
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.allow_unauthenticated().build()?)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ListenerTlsError> {
    let broken = |source| ListenerTlsError::File { path: path.to_owned(), source };
    let found = CertificateDer::pem_file_iter(path).map_err(broken)?;
    let found = found.collect::<Result<Vec<_>, _>>().map_err(broken)?;
    if found.is_empty() { Err(ListenerTlsError::Empty(path.to_owned())) } else { Ok(found) }
}
