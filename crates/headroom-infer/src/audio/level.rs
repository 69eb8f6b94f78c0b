//! How loud a piece of audio is.

/// Root mean square level in decibels relative to full scale; -100 for digital silence and for no samples.
#[must_use]
pub fn decibels(samples: &[f32]) -> f32 {
    const FLOOR: f32 = -100.0;
    if samples.is_empty() {
        return FLOOR;
    }
    let mean_square = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
    (10.0 * mean_square.log10()).max(FLOOR)
}

#[cfg(test)]
mod tests {
    use super::decibels;

    #[test]
    fn full_scale_sine_is_minus_three_decibels() {
        let sine: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.1).sin()).collect();
        assert!((decibels(&sine) + 3.01).abs() < 0.01, "{}", decibels(&sine));
        assert_eq!(decibels(&[]), -100.0);
        assert_eq!(decibels(&[0.0; 64]), -100.0);
    }
}
