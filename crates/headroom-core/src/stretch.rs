//! Slower playback while the buffer is low: a stall that does not happen.
//!
//! Playing at 0.92 of the rate makes what is in the buffer last a twelfth longer, which viewers hardly notice while the pitch is
//! kept. The client applies it continuously. It only slows down: catching up stays the page's own business.

use crate::time::Duration;

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Largest reduction of the playback rate.
    pub deepest: f64,
    /// Share of the target latency below which the buffer counts as low. The reduction grows to `deepest` at half of it.
    pub low_share: f64,
}

impl Default for Stretch {
    /// Down to 0.92 below two thirds of the target latency: own choice, within the ±0.1 that live players allow themselves.
    fn default() -> Self {
        Self { deepest: 0.08, low_share: 2.0 / 3.0 }
    }
}

impl Stretch {
    /// The playback rate at this buffer, where the page would play at `page_rate`: that itself where the buffer is not low.
    #[must_use]
    pub fn rate(&self, page_rate: f64, buffer: Duration, target_latency: Duration) -> f64 {
        let low_s = self.low_share * target_latency.as_secs_f64();
        let missing_s = low_s - buffer.as_secs_f64();
        if missing_s <= 0.0 {
            return page_rate;
        }
        page_rate.min(1.0 - self.deepest * (missing_s / (low_s / 2.0)).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_as_the_buffer_does() {
        // (buffer s, target latency s, rate of the page, rate)
        for (buffer_s, target_s, page_rate, expected) in [
            (6.0, 6.0, 1.05, 1.05),
            (4.0, 6.0, 1.0, 1.0),
            (3.0, 6.0, 1.05, 0.96),
            (3.0, 6.0, 0.9, 0.9),
            (2.0, 6.0, 1.0, 0.92),
            (0.0, 6.0, 1.0, 0.92),
            (2.0, 3.0, 1.05, 1.05),
            (1.5, 3.0, 1.0, 0.96),
            (1.0, 3.0, 1.0, 0.92),
            (1.0, 0.0, 1.05, 1.05),
        ] {
            let (buffer, target) = (Duration::from_secs_f64(buffer_s), Duration::from_secs_f64(target_s));
            let rate = Stretch::default().rate(page_rate, buffer, target);
            assert!((rate - expected).abs() < 1e-9, "{buffer_s} s of {target_s} s: {rate}");
        }
    }
}
