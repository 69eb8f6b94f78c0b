//! Why a classifier cannot be opened.

use super::network::Device;
use std::path::PathBuf;

/// Why a classifier cannot be loaded from a folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// A file is damaged or of another version.
    #[error("{path} does not fit: {reason}", path = .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The device needs a part that this program was built without.
    #[error("this program was built without ONNX Runtime, which {0:?} needs; build it with --features onnxruntime")]
    NotBuilt(Device),
    /// The device or its library is missing.
    #[error("{device:?} cannot be used: {reason}")]
    Unavailable {
        /// The device.
        device: Device,
        /// The cause, and what to do about it.
        reason: String,
    },
}
