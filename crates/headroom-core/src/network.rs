//! Small dense networks with plain arithmetic: the learned forecast and the learned policy are made of these.
//!
//! No runtime and no heap: sizes are part of the type, weights are read from a few kilobytes beside the code, and the
//! order of every sum is fixed, so the same input gives the same output on every machine. Training lives in
//! `headroom-sim`; it writes the bytes that [`Network::from_bytes`] reads.

/// One dense layer: `output = bias + Σ input[i] × weights[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense<const IN: usize, const OUT: usize> {
    /// `weights[input][output]`.
    pub weights: [[f32; OUT]; IN],
    /// What an input of zeros gives.
    pub bias: [f32; OUT],
}

impl<const IN: usize, const OUT: usize> Dense<IN, OUT> {
    /// All weights zero.
    #[must_use]
    pub const fn zero() -> Self {
        Self { weights: [[0.0; OUT]; IN], bias: [0.0; OUT] }
    }

    /// The output for `input`.
    #[must_use]
    pub fn apply(&self, input: &[f32; IN]) -> [f32; OUT] {
        self.apply_onto(self.bias, input)
    }

    /// The output for `input` on top of `start` in place of the bias: for layers whose inputs come in two parts.
    #[must_use]
    pub fn apply_onto(&self, start: [f32; OUT], input: &[f32; IN]) -> [f32; OUT] {
        let mut output = start;
        for (value, weights) in input.iter().zip(&self.weights) {
            for (sum, weight) in output.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
        output
    }

    /// The numbers of this layer, weights first.
    #[must_use]
    pub fn parameters(&self) -> [&[f32]; 2] {
        [self.weights.as_flattened(), &self.bias]
    }

    /// The numbers of this layer, to be changed.
    pub fn parameters_mut(&mut self) -> [&mut [f32]; 2] {
        [self.weights.as_flattened_mut(), &mut self.bias]
    }
}

/// Replaces what is below zero by zero (rectified linear unit).
#[must_use]
pub fn rectified<const N: usize>(mut values: [f32; N]) -> [f32; N] {
    // Not `map`, which is compiled to a call for arrays of this size.
    for value in &mut values {
        *value = value.max(0.0);
    }
    values
}

/// A network of fixed shape whose weights can be read and written.
pub trait Network: Clone {
    /// First four bytes of its file.
    const MAGIC: [u8; 4];

    /// All weights zero.
    fn zero() -> Self;

    /// Every number, in the order of the file.
    fn parameters(&self) -> Vec<&[f32]>;

    /// Every number, to be changed.
    fn parameters_mut(&mut self) -> Vec<&mut [f32]>;

    /// Reads a file: the magic, then every number as a little-endian 32-bit float.
    ///
    /// # Errors
    /// See [`NetworkError`].
    fn from_bytes(bytes: &[u8]) -> Result<Self, NetworkError> {
        let numbers = bytes.strip_prefix(&Self::MAGIC).ok_or(NetworkError::WrongKind)?;
        let mut network = Self::zero();
        let expected: usize = network.parameters().iter().map(|part| part.len() * 4).sum();
        if numbers.len() != expected {
            return Err(NetworkError::WrongLength { expected, got: numbers.len() });
        }
        let (numbers, _) = numbers.as_chunks::<4>();
        let mut numbers = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes));
        for part in network.parameters_mut() {
            for (parameter, number) in part.iter_mut().zip(numbers.by_ref()) {
                if !number.is_finite() {
                    return Err(NetworkError::NotFinite);
                }
                *parameter = number;
            }
        }
        Ok(network)
    }

    /// The file that [`Network::from_bytes`] reads.
    fn to_bytes(&self) -> Vec<u8> {
        let numbers = self.parameters().into_iter().flatten().flat_map(|number| number.to_le_bytes());
        Self::MAGIC.into_iter().chain(numbers).collect()
    }
}

/// Why bytes are not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// When the file does not begin with the magic of this network.
    #[error("not the weights of this kind of network")]
    WrongKind,
    /// When it holds more or fewer numbers than the shape has.
    #[error("expected {expected} bytes of weights, got {got}")]
    WrongLength {
        /// Bytes that the shape needs.
        expected: usize,
        /// Bytes found.
        got: usize,
    },
    /// When a weight is infinite or not a number.
    #[error("a weight is not finite")]
    NotFinite,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Pair(Dense<2, 3>);

    impl Network for Pair {
        const MAGIC: [u8; 4] = *b"TEST";
        fn zero() -> Self {
            Self(Dense::zero())
        }
        fn parameters(&self) -> Vec<&[f32]> {
            self.0.parameters().into()
        }
        fn parameters_mut(&mut self) -> Vec<&mut [f32]> {
            self.0.parameters_mut().into()
        }
    }

    #[test]
    fn a_layer_is_a_weighted_sum() {
        let layer = Dense { weights: [[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]], bias: [0.0, 1.0, 0.5] };
        assert_eq!(layer.apply(&[2.0, 4.0]), [4.0, 9.0, -1.5]);
        assert_eq!(rectified([4.0, -1.5]), [4.0, 0.0]);
    }

    #[test]
    fn weights_survive_the_file_and_damage_is_refused() {
        let network = Pair(Dense { weights: [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], bias: [7.0, 8.0, f32::MIN_POSITIVE] });
        let bytes = network.to_bytes();
        assert_eq!(Pair::from_bytes(&bytes), Ok(network));
        assert_eq!(Pair::from_bytes(b"ABCD"), Err(NetworkError::WrongKind));
        assert_eq!(Pair::from_bytes(&bytes[..20]), Err(NetworkError::WrongLength { expected: 36, got: 16 }));
        let mut damaged = bytes;
        damaged[4..8].copy_from_slice(&f32::NAN.to_le_bytes());
        assert_eq!(Pair::from_bytes(&damaged), Err(NetworkError::NotFinite));
    }
}
