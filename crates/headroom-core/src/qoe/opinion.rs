//! What viewers would say: a mean opinion score from what was played.
//!
//! Our own model, put together from published, freely usable results; see docs/algorithms/mos.md for each term.
//! Score = 1 + (picture − 1) × stalling × start-up × switching × latency, where every factor lies in `0..=1` and falls
//! with its nuisance, so the score is monotone by construction. What was long ago counts less: everything fades with
//! [`RECENCY_S`].

use crate::{ladder::Rung, time::Duration, units::Mos};

/// Playback seconds after which an impression has faded to 1/e. Hands and Avons (2001) find that the last minute of
/// a sequence dominates its rating.
const RECENCY_S: f32 = 60.0;

/// Stalling: quality left after N stalls of mean length L is exp(−(0.15 L + 0.19) N).
/// Hoßfeld et al., "Quantification of YouTube QoE via Crowdsourcing", IEEE ISM 2011, fitted on clips of one minute.
const STALL_LENGTH: f32 = 0.15;
const STALL_COUNT: f32 = 0.19;

/// Start-up: MOS = 5 − 0.963 log10(t + 5.381).
/// Hoßfeld et al., "Initial Delay vs. Interruptions: Between the Devil and the Deep Blue Sea", QoMEX 2012.
const START_UP_SLOPE: f32 = 0.963;
const START_UP_OFFSET_S: f32 = 5.381;

/// Switching: exp(−0.1 × mean change of picture quality). Up to 0.125 a better segment can never lower the score, since
/// it changes the mean of changes by at most twice what it adds to the mean quality (times the largest quality, 4).
const SWITCHING: f32 = 0.1;

/// Latency: 1 / (1 + (L − 3 s) / 30 s) beyond 3 s: half the quality is gone half a minute behind the chat.
const LATENCY_FREE_S: f32 = 3.0;
const LATENCY_HALF_S: f32 = 30.0;

/// Running impression of one session: 20 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Opinion {
    weight: f32,
    picture: f32,
    change: f32,
    /// Σ (0.15 length + 0.19) over stalls: the exponent of their factor.
    annoyance: f32,
    last_picture: f32,
}

impl Opinion {
    /// Adds media `played` at a quality of [`picture`].
    pub fn observe_picture(&mut self, picture: f32, played: Duration) {
        let seconds = played.as_secs_f64() as f32;
        if seconds <= 0.0 {
            return;
        }
        self.fade(seconds);
        let change = if self.weight > 0.0 { (picture - self.last_picture).abs() } else { 0.0 };
        self.weight += seconds;
        self.picture += seconds * picture;
        self.change += seconds * change;
        self.last_picture = picture;
    }

    /// Adds one stall.
    pub fn observe_stall(&mut self, stood_still: Duration) {
        self.annoyance += STALL_LENGTH * stood_still.as_secs_f64() as f32 + STALL_COUNT;
    }

    /// The score now; `None` before anything was played.
    #[must_use]
    pub fn score(&self, start_up: Duration, live_latency: Option<Duration>) -> Option<Mos> {
        if self.weight <= 0.0 {
            return None;
        }
        let (picture, change) = (self.picture / self.weight, self.change / self.weight);
        let latency = live_latency.map_or(1.0, |latency| latency_factor(latency.as_secs_f64() as f32));
        let factors = (-self.annoyance).exp()
            * start_up_factor(start_up.as_secs_f64() as f32)
            * (-SWITCHING * change).exp()
            * latency;
        Some(Mos::clamped(1.0 + (picture - 1.0) * factors))
    }

    fn fade(&mut self, seconds: f32) {
        let kept = (-seconds / RECENCY_S).exp();
        for value in [&mut self.weight, &mut self.picture, &mut self.change, &mut self.annoyance] {
            *value *= kept;
        }
    }
}

/// Picture quality of a rung, `1..=5`: what the resolution allows × what the bits per pixel fill × smoothness of motion.
#[must_use]
pub fn picture(rung: &Rung) -> f32 {
    // A picture height of 480 leaves 1/e of the scale unused; 1080 on a phone or laptop is near its end.
    let sharp = 1.0 - (-f32::from(rung.height) / 480.0).exp();
    // Bits per pixel of a frame at 30/s and 720p: coding spends less on the extra frames of higher rates (square root)
    // and on the extra pixels of larger pictures (power 0.75, the rule of thumb of per-title encoding).
    let frame = f32::from(rung.width) * f32::from(rung.height);
    let frames = (rung.frame_rate.max(1.0) * 30.0).sqrt();
    let pixels = frame.powf(0.75) * 921_600_f32.powf(0.25) * frames;
    let bits_per_pixel = rung.bitrate.as_bps() as f32 / pixels.max(1.0);
    // H.264 at 0.1 bit per pixel is near transparent for games at 30/s, at 0.02 visibly poor.
    let clean = 1.0 - (-bits_per_pixel / 0.03).exp();
    // Ou, Ma, Liu, Wang, "Perceptual Video Quality Assessment Considering Frame Rate", IEEE TCSVT 2011: inverted
    // exponential in the rate over the largest, exponent 0.63; 60/s here, steepness 5.
    let ratio = (rung.frame_rate / 60.0).clamp(0.0, 1.0);
    let smooth = (1.0 - (-5.0 * ratio.powf(0.63)).exp()) / (1.0 - f32::exp(-5.0));
    1.0 + 4.0 * sharp * clean * smooth
}

fn start_up_factor(seconds: f32) -> f32 {
    let score = |seconds: f32| 4.0 - START_UP_SLOPE * (seconds + START_UP_OFFSET_S).log10();
    (score(seconds.max(0.0)) / score(0.0)).max(0.0)
}

fn latency_factor(seconds: f32) -> f32 {
    1.0 / (1.0 + (seconds - LATENCY_FREE_S).max(0.0) / LATENCY_HALF_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ladder::Ladder, units::Bitrate};
    use proptest::prelude::*;

    #[test]
    fn the_default_ladder_climbs_the_scale() {
        let scores: Vec<String> =
            Ladder::default().rungs().iter().map(|rung| format!("{:.1}", picture(rung))).collect();
        assert_eq!(scores.join(" "), "2.4 2.9 3.4 3.9 4.1 4.5 4.7 4.8");
    }

    fn rung() -> impl Strategy<Value = Rung> {
        (100_u64..40_000, prop_oneof![Just(240), Just(360), Just(720), Just(1080), Just(2160)], 15.0_f32..60.0)
            .prop_map(|(kbps, height, frame_rate)| Rung::new(Bitrate::kbps(kbps), height, frame_rate))
    }

    /// A session as a list of (rung, seconds, stall before in seconds).
    fn score(session: &[(Rung, f64, f64)], start_up_s: f64, latency_s: f64) -> f32 {
        let mut opinion = Opinion::default();
        for (rung, seconds, stall) in session {
            if *stall > 0.0 {
                opinion.observe_stall(Duration::from_secs_f64(*stall));
            }
            opinion.observe_picture(picture(rung), Duration::from_secs_f64(*seconds));
        }
        let latency = Some(Duration::from_secs_f64(latency_s));
        opinion.score(Duration::from_secs_f64(start_up_s), latency).expect("something was played").get()
    }

    proptest! {
        #[test]
        fn every_nuisance_lowers_the_score_and_more_bits_never_do(
            rungs in proptest::collection::vec(rung(), 1..20),
            at in any::<proptest::sample::Index>(),
            extra in 0.01_f64..10.0,
        ) {
            let session: Vec<_> = rungs.iter().map(|&rung| (rung, 2.0, 0.0)).collect();
            let base = score(&session, 1.0, 4.0);
            prop_assert!((1.0..=5.0).contains(&base));
            prop_assert!(score(&session, 1.0 + extra, 4.0) <= base);
            prop_assert!(score(&session, 1.0, 4.0 + extra) <= base);
            let index = at.index(session.len());
            let mut stalled = session.clone();
            stalled[index].2 = extra;
            prop_assert!(score(&stalled, 1.0, 4.0) < base);
            let mut longer = stalled.clone();
            longer[index].2 += extra;
            prop_assert!(score(&longer, 1.0, 4.0) <= score(&stalled, 1.0, 4.0));
            let mut richer = session.clone();
            richer[index].0.bitrate = richer[index].0.bitrate.scaled(1.0 + extra);
            prop_assert!(score(&richer, 1.0, 4.0) >= base - 1e-5, "more bits in segment {index}");
        }
    }
}
