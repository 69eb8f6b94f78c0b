//! How the loss changes with the weights of one layer, and with what went into it.

use headroom_core::network::Dense;

/// Adds to `gradient` what `slopes` (loss by output) means for the weights of `layer`, and returns loss by input.
pub fn backward<const IN: usize, const OUT: usize>(
    layer: &Dense<IN, OUT>,
    input: &[f32; IN],
    slopes: &[f32; OUT],
    gradient: &mut Dense<IN, OUT>,
) -> [f32; IN] {
    for (sum, slope) in gradient.bias.iter_mut().zip(slopes) {
        *sum += slope;
    }
    backward_weights(layer, input, slopes, gradient)
}

/// The same without the bias: for a layer whose inputs come in two parts with one bias.
pub(super) fn backward_weights<const IN: usize, const OUT: usize>(
    layer: &Dense<IN, OUT>,
    input: &[f32; IN],
    slopes: &[f32; OUT],
    gradient: &mut Dense<IN, OUT>,
) -> [f32; IN] {
    let mut by_input = [0.0; IN];
    let rows = layer.weights.iter().zip(&mut gradient.weights);
    for ((weights, sums), (value, back)) in rows.zip(input.iter().zip(&mut by_input)) {
        for ((weight, sum), slope) in weights.iter().zip(sums).zip(slopes) {
            *sum += value * slope;
            *back += weight * slope;
        }
    }
    by_input
}

/// Lets slopes through where the rectified unit was above zero.
pub(super) fn through_rectified<const N: usize>(mut slopes: [f32; N], outputs: &[f32; N]) -> [f32; N] {
    for (slope, output) in slopes.iter_mut().zip(outputs) {
        if *output <= 0.0 {
            *slope = 0.0;
        }
    }
    slopes
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_core::network::rectified;

    /// Loss: Σ rectified(layer(input)) × target.
    fn loss(layer: &Dense<3, 2>, input: &[f32; 3]) -> f32 {
        let [first, second] = rectified(layer.apply(input));
        1.5 * first - 0.5 * second
    }

    #[test]
    fn gradients_agree_with_differences() {
        let layer = Dense { weights: [[0.5, -0.3], [0.1, 0.9], [-0.7, 0.4]], bias: [0.2, -0.1] };
        let input = [1.0, 2.0, -0.5];
        let mut gradient = Dense::zero();
        let outputs = rectified(layer.apply(&input));
        let by_input = backward(&layer, &input, &through_rectified([1.5, -0.5], &outputs), &mut gradient);
        let step = 1e-2;
        for row in 0..3 {
            for column in 0..2 {
                let mut moved = layer.clone();
                moved.weights[row][column] += step;
                let difference = (loss(&moved, &input) - loss(&layer, &input)) / step;
                assert!((difference - gradient.weights[row][column]).abs() < 1e-3, "{row} {column}");
            }
            let mut moved = input;
            moved[row] += step;
            let difference = (loss(&layer, &moved) - loss(&layer, &input)) / step;
            assert!((difference - by_input[row]).abs() < 1e-3, "{row}");
        }
    }
}
