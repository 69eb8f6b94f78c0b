//! Which engine a device runs on, loaded from a file.

#[cfg(feature = "onnxruntime")]
use super::onnxruntime;
use super::{
    error::OpenError,
    network::{Device, Network},
    pure,
};
use std::path::Path;

impl Device {
    /// Loads the ONNX file at `path` for `threads` threads.
    pub(super) fn open(self, path: &Path, threads: usize) -> Result<Box<dyn Network>, OpenError> {
        if self == Self::Cpu {
            return Ok(Box::new(pure::Rten::open(path, threads)?));
        }
        #[cfg(feature = "onnxruntime")]
        return Ok(Box::new(onnxruntime::OnnxRuntime::open(path, threads, self)?));
        #[cfg(not(feature = "onnxruntime"))]
        Err(OpenError::NotBuilt(self))
    }
}
