//! What a request is answered with: one value from the engine to the header.

use headroom_core::units::Bitrate;
use http::HeaderValue;
use std::io::Write;

/// What a session should be told now; empty when nothing is known of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Answer {
    /// Bit rate of the largest rung to play.
    pub(crate) cap: Option<Bitrate>,
    /// The same as a player must hear it: with room for the audio beside it.
    pub(crate) suggested: Option<Bitrate>,
    /// Throughput to expect.
    pub(crate) expected_throughput: Option<Bitrate>,
    /// Round-trip time of the transport.
    pub(crate) rtt_ms: Option<u16>,
}

impl Answer {
    /// One member of a `CMSD-Dynamic` list (CTA-5006 §3): `"headroom";mb=3300;etp=8000;rtt=40`; `None` when there is
    /// nothing to say. `name` is a structured field string without its quotes.
    pub(crate) fn cmsd_dynamic(&self, name: &str) -> Option<HeaderValue> {
        if *self == Self::default() {
            return None;
        }
        let mut text = [0_u8; 192];
        let length = {
            let mut rest = &mut text[..];
            let full = rest.len();
            write!(rest, "\"{name}\"").ok()?;
            if let Some(rate) = self.suggested {
                write!(rest, ";mb={}", kbps_up(rate)).ok()?;
            }
            if let Some(rate) = self.expected_throughput.filter(|&rate| rate > Bitrate::ZERO) {
                write!(rest, ";etp={}", (rate.as_bps() / 1_000).max(1)).ok()?;
            }
            if let Some(rtt) = self.rtt_ms {
                write!(rest, ";rtt={rtt}").ok()?;
            }
            full - rest.len()
        };
        HeaderValue::from_bytes(&text[..length]).ok()
    }

    /// Value of `X-Headroom-Max-Bitrate-Kbps`.
    pub(crate) fn max_bitrate(&self) -> Option<HeaderValue> {
        self.suggested.map(|rate| HeaderValue::from(kbps_up(rate)))
    }
}

/// Rounded up: a cap of 1 199.6 kbit/s written as 1199 would shut out the rung it stands for.
fn kbps_up(rate: Bitrate) -> u64 {
    rate.as_bps().div_ceil(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_is_known() {
        let answer = Answer {
            cap: Some(Bitrate::kbps(3_000)),
            suggested: Some(Bitrate::bps(3_128_001)),
            expected_throughput: Some(Bitrate::kbps(8_000)),
            rtt_ms: Some(40),
        };
        let cases = [
            (answer, Some("\"headroom\";mb=3129;etp=8000;rtt=40")),
            (Answer { rtt_ms: None, expected_throughput: None, ..answer }, Some("\"headroom\";mb=3129")),
            (Answer::default(), None),
        ];
        for (answer, expected) in cases {
            let value = answer.cmsd_dynamic("headroom");
            assert_eq!(value.as_ref().map(|value| value.to_str().unwrap()), expected);
        }
    }
}
