//! ONNX Runtime through its shared library, which is found at run time: nothing is downloaded or linked.

use super::{
    Device, Network, NetworkError, OpenError, Scores,
    network::{padded, scores_of},
};
use ort::{
    environment::Environment,
    ep::{CUDA, TensorRT},
    session::Session,
    value::Tensor,
};
use std::path::Path;

/// Names the library; read by every program that uses it in this way.
const LIBRARY: &str = "ORT_DYLIB_PATH";

pub(super) struct OnnxRuntime {
    session: Session,
    /// Outlives the session.
    _environment: Environment,
}

impl OnnxRuntime {
    pub(super) fn open(path: &Path, threads: usize, device: Device) -> Result<Self, OpenError> {
        let unavailable = |reason: String| OpenError::Unavailable { device, reason };
        let library = std::env::var_os(LIBRARY).unwrap_or_else(|| "libonnxruntime.so".into());
        let shown = library.to_string_lossy().into_owned();
        let environment = ort::init_from(&library)
            .map_err(|error| unavailable(format!("{shown} does not load ({error}); {LIBRARY} names the library")))?
            .build()
            .map_err(|error| unavailable(error.to_string()))?;
        let session = Self::session(&environment, path, threads, device)
            .map_err(|error| unavailable(format!("{error} (library {shown})")))?;
        Ok(Self { session, _environment: environment })
    }

    fn session(environment: &Environment, path: &Path, threads: usize, device: Device) -> ort::Result<Session> {
        let builder = Session::builder(environment)?.with_intra_threads(threads.max(1))?;
        // A card that was asked for and is not there is an error, not a quiet detour over the processor.
        let mut builder = match device {
            Device::Cuda => builder.with_execution_providers([CUDA::default().build().error_on_failure()])?,
            Device::TensorRt => builder.with_execution_providers([
                TensorRT::default().build().error_on_failure(),
                CUDA::default().build().error_on_failure(),
            ])?,
            Device::Cpu | Device::OnnxRuntime => builder,
        };
        builder.commit_from_file(path)
    }

    fn run(&mut self, batch: &[&[u32]]) -> ort::Result<Result<Vec<Scores>, NetworkError>> {
        let (ids, mask, length) = padded::<i64>(batch);
        let shape = [batch.len(), length];
        let outputs = self.session.run(ort::inputs![
            "input_ids" => Tensor::from_array((shape, ids))?,
            "attention_mask" => Tensor::from_array((shape, mask))?,
        ])?;
        let (_, sentiment) = outputs["sentiment"].try_extract_tensor::<f32>()?;
        let (_, aspects) = outputs["aspects"].try_extract_tensor::<f32>()?;
        let (_, command) = outputs["command"].try_extract_tensor::<f32>()?;
        Ok(scores_of(batch.len(), [sentiment, aspects, command]))
    }
}

impl Network for OnnxRuntime {
    fn scores(&mut self, batch: &[&[u32]]) -> Result<Vec<Scores>, NetworkError> {
        self.run(batch).map_err(|error| NetworkError(error.to_string()))?
    }
}
