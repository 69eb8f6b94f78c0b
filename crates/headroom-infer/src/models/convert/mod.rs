//! Whisper's weights from CTranslate2's format to whisper.cpp's (ggml), 16-bit floats in both.
//!
//! Both formats hold the same matrices under other names. CTranslate2 stacks the query, key and value projections of
//! self-attention (key and value of cross-attention) by rows, and gives keys a bias that is zero; ggml wants them apart
//! and without it. Matrices stay 16-bit; biases, layer norms and positional embeddings become 32-bit, as whisper.cpp's
//! own converter makes them. The mel filter bank and the vocabulary travel inside the ggml file.

mod ctranslate2;
mod error;
mod ggml;
mod mel;
mod shape;
#[cfg(test)]
mod tests;
mod vocabulary;

pub use error::ConvertError;

use ctranslate2::{Checkpoint, Matrix};
use shape::Shape;
use std::io::Write;

/// Converts `model` (the bytes of `model.bin`) and `vocabulary` (one token a line) into `out`.
pub(super) fn convert(model: &[u8], vocabulary: &str, out: &mut impl Write) -> Result<(), ConvertError> {
    let checkpoint = Checkpoint::parse(model)?;
    let shape = Shape::of(&checkpoint)?;
    ggml::write_header(out, &shape)?;
    ggml::write_filters(out, &mel::filters())?;
    ggml::write_vocabulary(out, &vocabulary::tokens(vocabulary)?)?;
    Tensors { checkpoint: &checkpoint, shape: &shape, out }.write()
}

struct Tensors<'a, W> {
    checkpoint: &'a Checkpoint<'a>,
    shape: &'a Shape,
    out: &'a mut W,
}

impl<W: Write> Tensors<'_, W> {
    fn write(mut self) -> Result<(), ConvertError> {
        self.wide("encoder.positional_embedding", "encoder/position_encodings/encodings")?;
        for i in [1, 2] {
            let weight = self.checkpoint.tensor(&format!("encoder/conv{i}/weight"))?;
            ggml::write_narrow(self.out, &format!("encoder.conv{i}.weight"), &weight.dimensions, weight.data)?;
            // whisper.cpp adds it to a matrix of one column a step.
            let bias = self.checkpoint.vector(&format!("encoder/conv{i}/bias"), self.shape.state)?;
            ggml::write_wide(self.out, &format!("encoder.conv{i}.bias"), &[self.shape.state, 1], bias)?;
        }
        for layer in 0..self.shape.encoder_layers {
            self.layer("encoder", layer, false)?;
        }
        self.norm("encoder.ln_post", "encoder/layer_norm")?;

        self.wide("decoder.positional_embedding", "decoder/position_encodings/encodings")?;
        let embeddings = self.checkpoint.matrix("decoder/embeddings/weight")?;
        self.narrow("decoder.token_embedding.weight", &embeddings)?;
        for layer in 0..self.shape.decoder_layers {
            self.layer("decoder", layer, true)?;
        }
        self.norm("decoder.ln", "decoder/layer_norm")
    }

    fn layer(&mut self, side: &str, layer: u32, crosses: bool) -> Result<(), ConvertError> {
        let (from, to) = (format!("{side}/layer_{layer}"), format!("{side}.blocks.{layer}"));
        self.linear(&format!("{to}.attn"), &["query", "key", "value"], &format!("{from}/self_attention/linear_0"))?;
        self.linear(&format!("{to}.attn"), &["out"], &format!("{from}/self_attention/linear_1"))?;
        self.norm(&format!("{to}.attn_ln"), &format!("{from}/self_attention/layer_norm"))?;
        if crosses {
            self.linear(&format!("{to}.cross_attn"), &["query"], &format!("{from}/attention/linear_0"))?;
            self.linear(&format!("{to}.cross_attn"), &["key", "value"], &format!("{from}/attention/linear_1"))?;
            self.linear(&format!("{to}.cross_attn"), &["out"], &format!("{from}/attention/linear_2"))?;
            self.norm(&format!("{to}.cross_attn_ln"), &format!("{from}/attention/layer_norm"))?;
        }
        self.linear(&format!("{to}.mlp"), &["0"], &format!("{from}/ffn/linear_0"))?;
        self.linear(&format!("{to}.mlp"), &["2"], &format!("{from}/ffn/linear_1"))?;
        self.norm(&format!("{to}.mlp_ln"), &format!("{from}/ffn/layer_norm"))
    }

    /// A projection, or several of them stacked by rows, each with its part of the bias; keys have none.
    fn linear(&mut self, to: &str, parts: &[&str], from: &str) -> Result<(), ConvertError> {
        let weight = self.checkpoint.matrix(&format!("{from}/weight"))?;
        let bias = self.checkpoint.vector(&format!("{from}/bias"), weight.rows)?;
        let count = parts.len() as u32;
        if !weight.rows.is_multiple_of(count) {
            return Err(ConvertError::Shape(format!("{from}/weight")));
        }
        let bias_part = bias.len() / parts.len();
        for (i, part) in parts.iter().enumerate() {
            self.narrow(&format!("{to}.{part}.weight"), &weight.part(i as u32, count))?;
            if *part != "key" {
                let bias = &bias[i * bias_part..(i + 1) * bias_part];
                ggml::write_wide(self.out, &format!("{to}.{part}.bias"), &[weight.rows / count], bias)?;
            }
        }
        Ok(())
    }

    fn norm(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        for (to_part, from_part) in [("weight", "gamma"), ("bias", "beta")] {
            let data = self.checkpoint.vector(&format!("{from}/{from_part}"), self.shape.state)?;
            ggml::write_wide(self.out, &format!("{to}.{to_part}"), &[self.shape.state], data)?;
        }
        Ok(())
    }

    fn wide(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        let matrix = self.checkpoint.matrix(from)?;
        Ok(ggml::write_wide(self.out, to, &[matrix.rows, matrix.columns], matrix.data)?)
    }

    fn narrow(&mut self, to: &str, matrix: &Matrix<'_>) -> Result<(), ConvertError> {
        Ok(ggml::write_narrow(self.out, to, &[matrix.rows, matrix.columns], matrix.data)?)
    }
}
