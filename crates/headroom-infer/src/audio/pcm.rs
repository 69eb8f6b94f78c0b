//! Raw samples from a pipe: signed 16 bit, little endian, 16 kHz, mono.

use super::{ReadError, Source};
use std::io::Read;

/// What `ffmpeg -f s16le -ac 1 -ar 16000 -` or `arecord -f S16_LE -r 16000` write.
pub struct Pcm<R> {
    input: R,
    // An odd byte that waits for its other half.
    half: Option<u8>,
}

impl<R: Read> Pcm<R> {
    /// Reads samples from `input` until it ends. A single byte left over at the end is dropped.
    pub const fn new(input: R) -> Self {
        Self { input, half: None }
    }
}

impl<R: Read> Source for Pcm<R> {
    fn read(&mut self, samples: &mut Vec<f32>) -> Result<bool, ReadError> {
        // 4096 bytes are 128 ms: short enough for a live pipe, long enough to be cheap.
        let mut bytes = [0_u8; 4096];
        let count = loop {
            match self.input.read(&mut bytes) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other.map_err(ReadError::Io)?,
            }
        };
        let mut bytes = &bytes[..count];
        if let (Some(low), Some((high, rest))) = (self.half, bytes.split_first()) {
            samples.push(sample([low, *high]));
            self.half = None;
            bytes = rest;
        }
        let (pairs, odd) = bytes.as_chunks::<2>();
        samples.extend(pairs.iter().map(|pair| sample(*pair)));
        if let [low] = odd {
            self.half = Some(*low);
        }
        Ok(count > 0)
    }
}

fn sample(pair: [u8; 2]) -> f32 {
    f32::from(i16::from_le_bytes(pair)) / 32_768.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out its bytes in pieces of a given size, as a pipe may.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(self.1).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn odd_pieces_give_the_same_samples() {
        let bytes: Vec<u8> = (0..=255).chain(7..8).collect();
        let mut expected = Vec::new();
        while Pcm::new(&bytes[expected.len() * 2..]).read(&mut expected).unwrap() && expected.len() < 128 {}
        for size in [1, 2, 3, 5, 300] {
            let mut pcm = Pcm::new(Pieces(&bytes, size));
            let mut samples = Vec::new();
            while pcm.read(&mut samples).unwrap() {}
            assert_eq!(samples, expected, "pieces of {size} bytes");
            assert_eq!(samples[64], f32::from(i16::from_le_bytes([128, 129])) / 32_768.0);
        }
    }
}
