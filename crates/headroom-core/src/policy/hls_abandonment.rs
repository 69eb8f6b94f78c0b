//! When hls.js gives a running transfer up.
//!
//! `AbrController._abandonRulesCheck` of hls.js 1.7, asked every 100 ms: after half a segment, where the rest of the transfer
//! outlasts the buffer, the highest lower rung that arrives in time; the lowest where none does, if even that arrives before the
//! rest would. The delay of the lowest rung is never computed, so a transfer of the second rung is not given up.

use super::{Progress, View};
use crate::ladder::RungIndex;

/// A transfer of another rung that takes more segments than this is not begun (`_abandonRulesCheck`: ten).
const MOST_SEGMENTS: f64 = 10.0;

/// The rung to fetch in place of the running transfer, if any. `estimate_kbps` is the player's own throughput estimate, for a
/// transfer that has brought nothing yet.
pub(super) fn lower(view: &View<'_>, progress: &Progress, estimate_kbps: Option<f64>) -> Option<RungIndex> {
    let segment_s = view.segment_duration.as_secs_f64();
    let first_byte_s = progress.first_byte_s;
    if progress.rung == 0 || progress.elapsed_s <= first_byte_s.max(segment_s / 2.0) {
        return None;
    }
    let nominal_bits = |rung: RungIndex| view.ladder.bitrate(rung).as_bps() as f64 * segment_s;
    let buffer_s = view.buffer_length.as_secs_f64();
    let expected_bits = progress.received_bits.max(nominal_bits(progress.rung));
    let (bits_per_second, rest_s) = if progress.received_bits > 0.0 {
        let rate = progress.received_bits / (progress.elapsed_s - first_byte_s);
        (rate, (expected_bits - progress.received_bits) / rate)
    } else {
        let rate = estimate_kbps? * 1_000.0;
        (rate, expected_bits / rate + first_byte_s)
    };
    if rest_s <= buffer_s {
        return None;
    }
    // A live player loads the playlist of the other rung before its segment: one more time to the first byte.
    let delay_s = |rung: RungIndex| 2.0 * first_byte_s + nominal_bits(rung) / bits_per_second;
    let in_time_s = buffer_s.min(segment_s + first_byte_s);
    let (mut rung, mut shortest_s) = (0, f64::INFINITY);
    for lower in (1..progress.rung).rev() {
        shortest_s = delay_s(lower);
        if shortest_s < in_time_s {
            rung = lower;
            break;
        }
    }
    (shortest_s < rest_s && shortest_s <= MOST_SEGMENTS * segment_s).then_some(rung)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        forecast::{Forecast, History},
        ladder::Ladder,
        policy::{Guidance, Segments, Weights},
        time::{Duration, Timestamp},
        units::Bitrate,
    };

    #[test]
    fn the_rest_must_outlast_the_buffer_and_the_second_rung_is_kept() {
        let ladder = Ladder::from_bitrates(&[500, 1_000, 2_000, 8_000].map(Bitrate::kbps)).unwrap();
        // (rung, elapsed s, received bits, buffer s, estimate kbit/s, expected); segments of 2 s
        for (rung, elapsed_s, received_bits, buffer_s, estimate_kbps, expected) in [
            (3, 2.1, 5e6, 3.0, None, Some(2)),
            (3, 2.1, 5e6, 6.5, None, None),
            (3, 0.9, 0.4e6, 3.0, None, None),
            (3, 2.1, 2e6, 1.0, None, Some(0)),
            (3, 2.1, 2.4e6, 2.1, None, Some(1)),
            (3, 2.1, 0.0, 3.0, Some(2_000.0), Some(1)),
            (3, 2.1, 0.0, 3.0, None, None),
            (1, 2.1, 0.1e6, 1.0, None, None),
            (3, 2.1, 0.1e6, 1.0, None, None),
        ] {
            let view = View {
                now: Timestamp::EPOCH,
                ladder: &ladder,
                segment_duration: Duration::from_secs(2),
                segments: Segments::Nominal,
                buffer_length: Duration::from_secs_f64(buffer_s),
                buffer_capacity: Duration::from_secs(6),
                current: Some(rung),
                live_latency: None,
                history: &History::default(),
                forecast: &Forecast::UNKNOWN,
                weights: Weights::default(),
                guidance: Guidance::default(),
            };
            let progress = Progress { rung, bits: 16e6, received_bits, elapsed_s, first_byte_s: 0.1 };
            let lower = lower(&view, &progress, estimate_kbps);
            assert_eq!(lower, expected, "rung {rung}, {received_bits} bits in {elapsed_s} s, {buffer_s} s buffered");
        }
    }
}
