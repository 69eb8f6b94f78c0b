//! Plain HTTPS from the model hub, taken up again where it broke off.

use super::catalogue::HubFile;
use super::digest;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

/// The hub whose address `HF_ENDPOINT` replaces, as in the hub's own client.
pub(super) const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// Times a broken download is taken up again without a byte of progress in between.
const ATTEMPTS: u32 = 4;

/// Why a file could not be fetched from the hub.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// No connection, or it kept breaking.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// The last failure.
        reason: String,
    },
    /// The hub answered with an error.
    #[error("{url} answered with status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The hub sends more than the file should have.
    #[error("{url} is larger than the {expected} bytes it should have")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// Size by the catalogue.
        expected: u64,
    },
    /// The file cannot be written here.
    #[error("cannot write the download")]
    Io(#[from] std::io::Error),
}

/// Completes `part`, which may hold the beginning of the file already. Checks the size, not the digest.
pub(super) fn fetch(
    endpoint: &str,
    file: &HubFile,
    bytes: u64,
    part: &Path,
    tell: &mut dyn FnMut(u64),
) -> Result<(), HubError> {
    let url = format!("{}/{}/resolve/{}/{}", endpoint.trim_end_matches('/'), file.repository, file.revision, file.file);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .http_status_as_error(false)
        .user_agent(concat!("headroom/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut part = OpenOptions::new().read(true).append(true).create(true).open(part)?;
    if part.metadata()?.len() > bytes {
        part.set_len(0)?;
    }
    let mut failures = 0;
    loop {
        let before = part.metadata()?.len();
        if before == bytes {
            return Ok(());
        }
        match resume(&agent, &url, bytes, &mut part, tell) {
            Ok(()) => {}
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Broken(reason)) => {
                failures = if part.metadata()?.len() > before { 0 } else { failures + 1 };
                if failures >= ATTEMPTS {
                    return Err(HubError::Unreachable { url, reason });
                }
                std::thread::sleep(Duration::from_millis(250 << failures));
            }
        }
    }
}

enum Failure {
    /// Trying again may help.
    Broken(String),
    Final(HubError),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Final(error.into())
    }
}

fn resume(
    agent: &ureq::Agent,
    url: &str,
    bytes: u64,
    part: &mut File,
    tell: &mut dyn FnMut(u64),
) -> Result<(), Failure> {
    let mut have = part.metadata()?.len();
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let mut response = request.call().map_err(|error| Failure::Broken(error.to_string()))?;
    match response.status().as_u16() {
        206 if have > 0 && continues_at(&response, have) => {}
        // A server that knows no ranges, or answers with another one, starts over.
        200 | 206 | 416 if have > 0 => {
            let all = response.status() == 200;
            part.set_len(0)?;
            have = 0;
            if !all {
                return Err(Failure::Broken("the server cannot continue where the download broke off".to_owned()));
            }
        }
        200 => {}
        status @ (429 | 500..=599) => return Err(Failure::Broken(format!("status {status}"))),
        status => return Err(Failure::Final(HubError::Status { url: url.to_owned(), status })),
    }
    part.seek(SeekFrom::End(0))?;
    // One byte more than expected is enough to know.
    let mut body = response.body_mut().as_reader().take(bytes - have + 1);
    let copied = digest::copy(&mut body, part, |copied| tell(have + copied));
    if part.metadata()?.len() > bytes {
        part.set_len(0)?;
        return Err(Failure::Final(HubError::TooLarge { url: url.to_owned(), expected: bytes }));
    }
    match copied {
        Ok(copied) if have + copied == bytes => Ok(()),
        Ok(_) => Err(Failure::Broken("the connection closed early".to_owned())),
        Err(error) => Err(Failure::Broken(error.to_string())),
    }
}

fn continues_at(response: &ureq::http::Response<ureq::Body>, offset: u64) -> bool {
    let range = response.headers().get("content-range").and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
}
