//! Options of every subcommand that reads messages.

use anyhow::Context;
use clap::{Args, ValueEnum};
use headroom_infer::text::{Classifier, Device, find_models};
use std::path::PathBuf;

/// Which models read, and where they run.
#[derive(Args, Clone)]
pub(crate) struct ClassifierArguments {
    /// Folder of the models [default: HEADROOM_MODELS, or `models` beside the program or in the checkout].
    #[arg(long, value_name = "DIR")]
    pub(crate) models: Option<PathBuf>,
    /// What runs them: `cpu` needs nothing; the others need a build with feature `onnxruntime` and its shared library
    /// (ORT_DYLIB_PATH).
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    pub(crate) device: DeviceName,
    /// Threads of the inference engine.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: u16,
}

/// Names of the devices.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DeviceName {
    /// Pure Rust on the processor.
    Cpu,
    /// ONNX Runtime on the processor.
    Onnxruntime,
    /// ONNX Runtime on an NVIDIA card.
    Cuda,
    /// The same with TensorRT.
    Tensorrt,
}

impl DeviceName {
    pub(crate) fn device(self) -> Device {
        match self {
            Self::Cpu => Device::Cpu,
            Self::Onnxruntime => Device::OnnxRuntime,
            Self::Cuda => Device::Cuda,
            Self::Tensorrt => Device::TensorRt,
        }
    }
}

impl ClassifierArguments {
    /// The defaults, for commands whose own options have these names.
    pub(crate) fn usual() -> Self {
        Self { models: None, device: DeviceName::Cpu, threads: 1 }
    }

    /// Loads the models.
    pub(crate) fn open(&self) -> anyhow::Result<Classifier> {
        let folder = find_models(self.models.as_deref())?;
        Classifier::open(&folder, self.device.device(), usize::from(self.threads)).context("cannot load the models")
    }
}
