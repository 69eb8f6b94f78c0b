//! Why a classifier cannot be opened.

use super::network::Device;
use std::path::PathBuf;

/// A classifier cannot be made of a folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}", path = .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is damaged or of another version.
    #[error("{path} does not fit: {reason}", path = .path.display())]
    Broken {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The device needs a part that this program was built without.
    #[error("this program was built without ONNX Runtime, which {0:?} needs; build it with --features onnxruntime")]
    NotBuilt(Device),
    /// The device or its library is not there.
    #[error("{device:?} cannot be used: {reason}")]
    Unavailable {
        /// Which.
        device: Device,
        /// Why, and what to do.
        reason: String,
    },
}
