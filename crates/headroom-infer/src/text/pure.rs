//! rten: ONNX in pure Rust.

use super::{
    Network, NetworkError, OpenError, Scores,
    network::{padded, scores_of},
};
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use std::{path::Path, sync::Arc};

pub(super) struct Rten {
    model: Model,
    inputs: [NodeId; 2],
    outputs: [NodeId; 3],
    options: RunOptions,
}

impl Rten {
    pub(super) fn open(path: &Path, threads: usize) -> Result<Self, OpenError> {
        let broken = |reason: String| OpenError::Broken { path: path.to_owned(), reason };
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load_file(path)
            .map_err(|error| broken(error.to_string()))?;
        let node = |name| model.node_id(name).map_err(|error| broken(error.to_string()));
        Ok(Self {
            inputs: [node("input_ids")?, node("attention_mask")?],
            outputs: [node("sentiment")?, node("aspects")?, node("command")?],
            options: RunOptions::default()
                .with_thread_pool(Some(Arc::new(ThreadPool::with_num_threads(threads.max(1))))),
            model,
        })
    }
}

impl Network for Rten {
    fn scores(&mut self, batch: &[&[u32]]) -> Result<Vec<Scores>, NetworkError> {
        let (ids, mask, length) = padded::<i32>(batch);
        let failed = |error: &dyn std::fmt::Display| NetworkError(error.to_string());
        let shape = [batch.len(), length];
        let ids = Value::from_shape(shape, ids).map_err(|error| failed(&error))?;
        let mask = Value::from_shape(shape, mask).map_err(|error| failed(&error))?;
        let inputs = vec![(self.inputs[0], ids.into()), (self.inputs[1], mask.into())];
        let outputs =
            self.model.run_n(inputs, self.outputs, Some(self.options.clone())).map_err(|error| failed(&error))?;
        let mut flat = Vec::with_capacity(3);
        for output in outputs {
            flat.push(output.into_shape_vec::<f32, 2>().map_err(|error| failed(&error))?.1);
        }
        scores_of(batch.len(), [&flat[0], &flat[1], &flat[2]])
    }
}
