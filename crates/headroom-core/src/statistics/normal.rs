//! The normal distribution and the logarithm of the gamma function, to about 14 digits.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Probability that a standard normal variable is below `z`.
#[must_use]
pub fn probability_below(z: f64) -> f64 {
    0.5 * complementary_error(-z * FRAC_1_SQRT_2)
}

/// The value below which a standard normal variable is with this probability; infinite at 0 and 1.
#[must_use]
pub fn quantile(probability: f64) -> f64 {
    if !(0.0..=1.0).contains(&probability) {
        return f64::NAN;
    }
    if probability == 0.0 || probability == 1.0 {
        return if probability == 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    if probability > 0.5 {
        return -quantile(1.0 - probability);
    }
    // Abramowitz and Stegun 26.2.23 is within 5e-4; Halley's method makes it exact.
    let t = (-2.0 * probability.ln()).sqrt();
    let mut z = (0.010_328 * t + 0.802_853).mul_add(t, 2.515_517)
        / ((0.001_308 * t + 0.189_269).mul_add(t, 1.432_788).mul_add(t, 1.0))
        - t;
    for _ in 0..4 {
        let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        let step = (probability_below(z) - probability) / density;
        z -= step / (1.0 + 0.5 * z * step);
    }
    z
}

/// The complementary error function: a series near zero, a continued fraction (Lentz) beyond 2.
fn complementary_error(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - complementary_error(-x);
    }
    if x < 2.0 {
        let (mut term, mut sum) = (x, x);
        for n in 1..100 {
            term *= -x * x / f64::from(n);
            let part = term / f64::from(2 * n + 1);
            sum += part;
            if part.abs() < 1e-17 * sum.abs() {
                break;
            }
        }
        return 1.0 - 2.0 / PI.sqrt() * sum;
    }
    // erfc(x) = exp(-x²) / √π · 1 / (x + (1/2) / (x + 1 / (x + (3/2) / (x + …)))), from the far end.
    let fraction = (1..=120).rev().fold(x, |below, n| x + 0.5 * f64::from(n) / below);
    (-x * x).exp() / (PI.sqrt() * fraction)
}

/// Logarithm of the gamma function of a positive number (Lanczos, g = 7, nine terms).
#[must_use]
pub fn log_gamma(x: f64) -> f64 {
    #[expect(clippy::excessive_precision, reason = "as published")]
    const TERMS: [f64; 9] = [
        0.999_999_999_999_809_93,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_13,
        -176.615_029_162_140_59,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_571_6e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return (PI / (PI * x).sin()).ln() - log_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let sum = TERMS[1..].iter().zip(1..).fold(TERMS[0], |sum, (term, n)| sum + term / (x + f64::from(n)));
    let t = x + 7.5;
    0.5 * (2.0 * PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}
