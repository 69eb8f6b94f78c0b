//! The sizes of a model, read off its tensors.

use super::ctranslate2::Checkpoint;
use super::error::ConvertError;

/// Sizes of a Whisper model, read off its tensors.
pub(super) struct Shape {
    pub(super) vocabulary: u32,
    pub(super) audio_context: u32,
    pub(super) text_context: u32,
    pub(super) state: u32,
    pub(super) encoder_layers: u32,
    pub(super) decoder_layers: u32,
}

impl Shape {
    pub(super) fn of(checkpoint: &Checkpoint<'_>) -> Result<Self, ConvertError> {
        let embeddings = checkpoint.matrix("decoder/embeddings/weight")?;
        let layers = |side: &str| {
            (0_u32..).take_while(|i| checkpoint.has(&format!("{side}/layer_{i}/ffn/linear_0/weight"))).count() as u32
        };
        let shape = Self {
            vocabulary: embeddings.rows,
            audio_context: checkpoint.matrix("encoder/position_encodings/encodings")?.rows,
            text_context: checkpoint.matrix("decoder/position_encodings/encodings")?.rows,
            state: embeddings.columns,
            encoder_layers: layers("encoder"),
            decoder_layers: layers("decoder"),
        };
        // Every Whisper has heads of 64 columns.
        if shape.encoder_layers == 0 || shape.decoder_layers == 0 || !shape.state.is_multiple_of(64) {
            return Err(ConvertError::Malformed("no layers"));
        }
        Ok(shape)
    }
}
