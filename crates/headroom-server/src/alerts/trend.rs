//! Where a series is heading: Holt's linear trend with its forecast variance.
//!
//! Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008), §6.3: for a local linear trend the
//! variance h steps ahead is σ²·[1 + (h − 1)·(α² + α·β·h + β²·h·(2h − 1)/6)]. docs/adr/0003 says why not a library.

/// Share of a new value in the level: a half-life of three values.
const ALPHA: f64 = 0.2;

/// Share of a new slope in the slope: a half-life of fourteen values, two minutes of rounds.
const BETA: f64 = 0.05;

/// Share of a new squared error in the variance.
const GAMMA: f64 = 0.05;

/// Values until a forecast is worth reading.
const WARM: u32 = 18;

/// Errors beyond this many standard deviations count as that many: one outlier must not blind the forecast to the next.
const OUTLIER: f64 = 4.0;

/// Level, slope and noise of a series of equally spaced values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Trend {
    values: u32,
    level: f64,
    slope: f64,
    variance: f64,
}

/// A threshold that will be crossed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crossing {
    /// Steps until the mean forecast crosses.
    pub(super) steps: f64,
    /// Probability of being across at the end of the horizon.
    pub(super) probability: f64,
}

impl Trend {
    /// Takes in the next value.
    pub(super) fn observe(&mut self, value: f64) {
        self.values = self.values.saturating_add(1);
        if self.values == 1 {
            self.level = value;
            return;
        }
        let error = value - (self.level + self.slope);
        let usual = self.variance.sqrt();
        // Values that never differed so far say nothing about how far the next may lie.
        let bounded =
            if self.values > WARM && usual > 0.0 { error.clamp(-OUTLIER * usual, OUTLIER * usual) } else { error };
        self.variance += GAMMA.max(1.0 / f64::from(self.values)) * (bounded * bounded - self.variance);
        self.level += self.slope + ALPHA * error;
        self.slope += ALPHA * BETA * error;
    }

    /// Mean and deviation of the value so many steps ahead; `None` while too little is known.
    pub(super) fn ahead(&self, steps: u32) -> Option<(f64, f64)> {
        if self.values < WARM {
            return None;
        }
        let h = f64::from(steps);
        let beta = ALPHA * BETA;
        let growth = 1.0 + (h - 1.0) * (ALPHA * ALPHA + ALPHA * beta * h + beta * beta * h * (2.0 * h - 1.0) / 6.0);
        Some((self.level + self.slope * h, (self.variance * growth).sqrt()))
    }

    /// Whether and when a value now below `threshold` will be above it within `horizon` steps.
    pub(super) fn crossing(&self, threshold: f64, horizon: u32) -> Option<Crossing> {
        // A value beyond the threshold already is not a prediction.
        if self.slope <= 0.0 || self.level >= threshold {
            return None;
        }
        let steps = (threshold - self.level) / self.slope;
        let (mean, deviation) = self.ahead(horizon).filter(|_| steps <= f64::from(horizon))?;
        let probability = normal_cdf((mean - threshold) / deviation.max(f64::EPSILON));
        Some(Crossing { steps, probability })
    }
}

/// Abramowitz and Stegun 7.1.26: error below 1.5e-7.
fn normal_cdf(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let erf = 1.0 - series.iter().fold(0.0, |sum, coefficient| (sum + coefficient) * t) * (-x * x).exp();
    0.5 * (1.0 + erf.copysign(z))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_seen_coming_and_noise_is_not() {
        let noise = |step: u32| f64::from(step.wrapping_mul(2_654_435_761) >> 16) / 65_536.0 - 0.5;
        let (mut ramp, mut flat) = (Trend::default(), Trend::default());
        for step in 0..120 {
            flat.observe(10.0 + noise(step));
            ramp.observe(10.0 + noise(step) + f64::from(step) * 0.1);
        }
        let crossing = ramp.crossing(24.0, 30).unwrap();
        assert!((crossing.steps - 20.0).abs() < 5.0 && crossing.probability > 0.6, "{crossing:?}");
        assert!(flat.crossing(14.0, 30).is_none_or(|crossing| crossing.probability < 0.05));
        assert_eq!(Trend::default().crossing(1.0, 30), None);
        let mut still = Trend::default();
        (0..60).for_each(|_| still.observe(1.0));
        still.observe(1.1);
        assert!(still.ahead(30).unwrap().1 > 0.0, "one change after none is no certainty");
    }

    #[test]
    fn the_normal_distribution_is_right() {
        for (z, expected) in [(0.0, 0.5), (1.0, 0.841_345), (-1.0, 0.158_655), (1.959_964, 0.975), (-4.0, 0.000_032)] {
            assert!((normal_cdf(z) - expected).abs() < 1e-5, "{z}");
        }
    }
}
