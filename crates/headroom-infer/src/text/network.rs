//! The interface of inference engines, and the devices they run on.

/// Raw scores (logits) of one message, in the order of the label files.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// Negative, neutral, positive.
    pub sentiment: [f32; 3],
    /// Buffering, picture, latency, audio, availability.
    pub aspects: [f32; 5],
    /// None, lower quality, raise quality, set quality, lower latency, more buffer, status.
    pub command: [f32; 7],
}

/// A loaded model. One per thread: it may keep state between runs.
pub trait Network: Send {
    /// Scores of every sequence of token ids, in order. A batch is computed at once, padded to its longest sequence.
    ///
    /// int8 models scale activations by the largest of the batch, so the same message scores a little differently
    /// beside others (about 0.003 was seen); a batch of one is exactly repeatable.
    ///
    /// # Errors
    /// When the engine fails: the model does not fit, or memory is short.
    fn scores(&mut self, batch: &[&[u32]]) -> Result<Vec<Scores>, NetworkError>;
}

/// An inference engine failed on a batch.
#[derive(Debug, thiserror::Error)]
#[error("inference failed: {0}")]
pub struct NetworkError(pub(super) String);

/// Where a network runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// Pure Rust on the processor (rten); part of every build.
    #[default]
    Cpu,
    /// ONNX Runtime on the processor.
    OnnxRuntime,
    /// ONNX Runtime on an NVIDIA card.
    Cuda,
    /// The same with kernels compiled for the card.
    TensorRt,
}

/// Token ids and mask of a batch, row after row, padded with 0, and the length of a row.
pub(super) fn padded<T: From<bool> + TryFrom<u32> + Clone>(batch: &[&[u32]]) -> (Vec<T>, Vec<T>, usize) {
    let length = batch.iter().map(|ids| ids.len()).max().unwrap_or(0);
    let (mut tokens, mut mask) = (Vec::new(), Vec::new());
    for ids in batch {
        tokens.extend(ids.iter().map(|&id| T::try_from(id).unwrap_or_else(|_| T::from(false))));
        mask.extend(ids.iter().map(|_| T::from(true)));
        tokens.resize(tokens.len() + length - ids.len(), T::from(false));
        mask.resize(tokens.len(), T::from(false));
    }
    (tokens, mask, length)
}

/// Splits the three flat outputs of a batch into one [`Scores`] a message.
pub(super) fn scores_of(rows: usize, flat: [&[f32]; 3]) -> Result<Vec<Scores>, NetworkError> {
    let row = |output: usize, width: usize, row: usize| flat[output].get(row * width..(row + 1) * width);
    (0..rows)
        .map(|at| {
            Some(Scores {
                sentiment: row(0, 3, at)?.try_into().ok()?,
                aspects: row(1, 5, at)?.try_into().ok()?,
                command: row(2, 7, at)?.try_into().ok()?,
            })
        })
        .collect::<Option<_>>()
        .ok_or_else(|| NetworkError("the model's outputs have other shapes than its labels".into()))
}
