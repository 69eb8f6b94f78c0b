//! Exponentially weighted moving average over transfer time, as hls.js and dash.js estimate throughput.

/// An average whose memory fades by half every `half_life` seconds of transfer.
///
/// Weighting by transfer time, with a correction for the zero start, follows hls.js `utils/ewma.ts` and
/// dash.js `EwmaThroughputRule` (both: estimate / (1 − α^total weight)).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ewma {
    estimate: f32,
    total_weight: f32,
}

impl Ewma {
    /// Adds `value`, observed for `weight` seconds, to an average that halves every `half_life` seconds.
    pub fn observe(&mut self, value: f32, weight: f32, half_life: f32) {
        let fade = (-std::f32::consts::LN_2 * weight / half_life).exp();
        self.estimate = fade * self.estimate + (1.0 - fade) * value;
        self.total_weight += weight;
    }

    /// The average; `None` before the first observation.
    #[must_use]
    pub fn value(&self, half_life: f32) -> Option<f32> {
        if self.total_weight <= 0.0 {
            return None;
        }
        let unseen = (-std::f32::consts::LN_2 * self.total_weight / half_life).exp();
        Some(self.estimate / (1.0 - unseen).max(f32::EPSILON))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_value_counts_in_full_and_later_ones_fade() {
        let mut average = Ewma::default();
        assert_eq!(average.value(3.0), None);
        average.observe(10.0, 0.5, 3.0);
        assert!((average.value(3.0).unwrap() - 10.0).abs() < 1e-3);
        average.observe(0.0, 3.0, 3.0);
        let halved = average.value(3.0).unwrap();
        assert!(halved > 0.0 && halved < 5.0, "one half-life of zeros after little evidence: {halved}");
    }
}
