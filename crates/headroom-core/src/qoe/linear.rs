//! The linear QoE of the adaptation literature.
//!
//! Yin, Jindal, Sekar, Sinopoli, SIGCOMM 2015, eq. 5 with q(R) = R: Σ R − μ Σ stall − λ Σ |R − R′|.

use crate::{time::Duration, units::Bitrate};

/// Weights of the linear model, all in Mbit/s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linear {
    /// What one second of stall costs.
    pub stall_penalty: f64,
    /// What one Mbit/s of change costs.
    pub switch_penalty: f64,
}

impl Default for Linear {
    /// Penalties 4.3 and 1: Pensieve's `QoE_lin` for a ladder that ends at 4.3 Mbit/s.
    fn default() -> Self {
        Self { stall_penalty: 4.3, switch_penalty: 1.0 }
    }
}

impl Linear {
    /// Score of one segment played at `bitrate` after one at `previous`, with `stall` before it.
    #[must_use]
    pub fn segment(&self, bitrate: Bitrate, previous: Option<Bitrate>, stall: Duration) -> f64 {
        let mbps = bitrate.as_mbps();
        let change = previous.map_or(0.0, |previous| (mbps - previous.as_mbps()).abs());
        mbps - self.stall_penalty * stall.as_secs_f64() - self.switch_penalty * change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_formula() {
        let qoe = Linear::default();
        let score = qoe.segment(Bitrate::kbps(2_850), Some(Bitrate::kbps(4_300)), Duration::from_millis(500));
        assert!((score - (2.85 - 4.3 * 0.5 - 1.45)).abs() < 1e-9);
        assert!((qoe.segment(Bitrate::kbps(300), None, Duration::ZERO) - 0.3).abs() < 1e-9);
    }
}
