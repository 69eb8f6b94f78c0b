//! Writes the parts of whisper.cpp's model file, little endian.

use super::mel::{BINS, Filters, MELS};
use super::shape::Shape;
use std::io::{Result, Write};

/// "ggml"
const MAGIC: u32 = 0x6767_6d6c;

/// Numbers of ggml's element types, also of the file type "matrices are 16-bit".
const FLOAT32: u32 = 0;
const FLOAT16: u32 = 1;

pub(super) fn write_header(out: &mut impl Write, shape: &Shape) -> Result<()> {
    let heads = shape.state / 64;
    write_numbers(
        out,
        &[
            MAGIC,
            shape.vocabulary,
            shape.audio_context,
            shape.state,
            heads,
            shape.encoder_layers,
            shape.text_context,
            shape.state,
            heads,
            shape.decoder_layers,
            MELS as u32,
            FLOAT16,
        ],
    )
}

pub(super) fn write_filters(out: &mut impl Write, filters: &Filters) -> Result<()> {
    write_numbers(out, &[MELS as u32, BINS as u32])?;
    filters.iter().flatten().try_for_each(|weight| out.write_all(&weight.to_le_bytes()))
}

pub(super) fn write_vocabulary(out: &mut impl Write, tokens: &[Vec<u8>]) -> Result<()> {
    write_numbers(out, &[tokens.len() as u32])?;
    tokens.iter().try_for_each(|token| {
        write_numbers(out, &[token.len() as u32])?;
        out.write_all(token)
    })
}

/// A tensor of 16-bit floats, written as they are.
pub(super) fn write_narrow(out: &mut impl Write, name: &str, dimensions: &[u32], data: &[u8]) -> Result<()> {
    write_tensor_header(out, name, dimensions, FLOAT16)?;
    out.write_all(data)
}

/// A tensor of 16-bit floats, written as 32-bit ones.
pub(super) fn write_wide(out: &mut impl Write, name: &str, dimensions: &[u32], data: &[u8]) -> Result<()> {
    write_tensor_header(out, name, dimensions, FLOAT32)?;
    data.as_chunks::<2>().0.iter().try_for_each(|half| out.write_all(&widen(u16::from_le_bytes(*half)).to_le_bytes()))
}

fn write_tensor_header(out: &mut impl Write, name: &str, dimensions: &[u32], kind: u32) -> Result<()> {
    write_numbers(out, &[dimensions.len() as u32, name.len() as u32, kind])?;
    // ggml counts dimensions from the fastest one.
    dimensions.iter().rev().try_for_each(|dimension| write_numbers(out, &[*dimension]))?;
    out.write_all(name.as_bytes())
}

fn write_numbers(out: &mut impl Write, numbers: &[u32]) -> Result<()> {
    numbers.iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))
}

/// IEEE 754 binary16 to binary32, exact.
pub(super) fn widen(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = u32::from(half >> 10 & 0x1f);
    let fraction = u32::from(half & 0x3ff);
    match exponent {
        // Zero and subnormal numbers: fraction times 2^-24.
        0 => {
            let magnitude = fraction as f32 / 16_777_216.0;
            f32::from_bits(sign | magnitude.to_bits())
        }
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}
