//! The last sixteen seconds of a link, one value a second, in sixteen bytes.
//!
//! Transfers last as long as they like; models want the same seconds every time. A transfer fills the seconds it took at its
//! mean rate, and a pause between transfers repeats the rate before it: nothing was seen, so nothing is said to have changed.
//! So the same model reads one-second samples of a drive test and the segments of a player.

use super::scale;

/// Rate per second of wall time, newest first, on a logarithmic scale.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Finished seconds, newest first; 0 where nothing is known.
    codes: [u8; Self::SECONDS],
    /// Mean rate in kbit/s of the part of the current second that has passed.
    current_kbps: f32,
    /// How much of the current second has passed, in 1/255 s.
    current_share: u8,
}

/// A current second that covers less than this share of a second is too uncertain to be the newest value.
const YOUNGEST_SHARE: u8 = 77;

impl Timeline {
    /// Seconds remembered: four buffers of a live player, and one period of the outages that come every 10 to 15 s
    /// (satellite beam changes, repeated downloads of drive tests).
    pub const SECONDS: usize = 16;

    /// Lets `seconds` pass at `kbps`.
    pub fn extend(&mut self, seconds: f32, kbps: f32) {
        // What is older than the timeline cannot show in it. NaN becomes zero.
        let mut left = (seconds.min(Self::SECONDS as f32 + 1.0) * 255.0 + 0.5) as u32;
        let passed = u32::from(self.current_share);
        let taken = left.min(255 - passed);
        if taken == 0 {
            return;
        }
        left -= taken;
        self.current_kbps = mean(self.current_kbps, passed, kbps, taken);
        self.current_share = (passed + taken) as u8;
        if self.current_share < u8::MAX {
            return;
        }
        self.shift_in(1, self.current_kbps);
        // Seconds that begin and end within the time are all alike.
        self.shift_in((left / 255) as usize, mean(0.0, 0, kbps, 255));
        let rest = left % 255;
        self.current_share = rest as u8;
        self.current_kbps = if rest > 0 { mean(0.0, 0, kbps, rest) } else { 0.0 };
    }

    /// Adds finished seconds of one rate.
    fn shift_in(&mut self, seconds: usize, kbps: f32) {
        let seconds = seconds.min(Self::SECONDS);
        if seconds > 0 {
            self.codes.copy_within(..Self::SECONDS - seconds, seconds);
            self.codes[..seconds].fill(encode(kbps));
        }
    }

    /// Seconds that are known, at most [`Timeline::SECONDS`] and the current one.
    #[must_use]
    pub fn known_s(&self) -> f32 {
        let finished = self.codes.iter().take_while(|&&code| code != 0).count();
        finished as f32 + f32::from(self.current_share) / 255.0
    }

    /// The rates on the [`scale`], newest first, and how many are known. What lies before the first transfer repeats the
    /// oldest known value.
    pub(super) fn newest_first(&self) -> ([u8; Self::SECONDS], usize) {
        let finished = self.codes.iter().take_while(|&&code| code != 0).count();
        let mut codes = self.codes;
        let mut known = finished;
        if self.current_share >= YOUNGEST_SHARE || finished == 0 && self.current_share > 0 {
            codes.copy_within(..Self::SECONDS - 1, 1);
            codes[0] = encode(self.current_kbps);
            known = (finished + 1).min(Self::SECONDS);
        }
        // The lowest code where a transfer too short to show in a second is all there was.
        let repeated = known.checked_sub(1).map_or(1, |oldest| codes[oldest]);
        codes[known..].fill(repeated);
        (codes, known)
    }
}

/// Mean of two rates that held for these shares of time.
fn mean(old_kbps: f32, old: u32, new_kbps: f32, new: u32) -> f32 {
    let (old, new) = (old as f32, new as f32);
    (old_kbps * old + new_kbps * new) / (old + new)
}

fn encode(kbps: f32) -> u8 {
    scale::code(kbps.max(1.0).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kbps(timeline: &Timeline) -> Vec<u32> {
        let (codes, known) = timeline.newest_first();
        codes[..known].iter().map(|&code| scale::rates_kbps()[usize::from(code)].round() as u32).collect()
    }

    #[test]
    fn transfers_fill_the_seconds_they_took() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.newest_first().1, 0);
        timeline.extend(0.1, 1_000.0);
        assert_eq!(timeline.newest_first().1, 1, "the first transfer is known however short");
        timeline.extend(2.4, 1_000.0);
        timeline.extend(0.5, 9_000.0);
        let seconds = kbps(&timeline);
        assert_eq!(seconds.len(), 3, "{seconds:?}");
        assert!(seconds[0].abs_diff(5_000) < 200, "the newest second is half old and half new: {seconds:?}");
        assert!(seconds[1].abs_diff(1_000) < 30, "{seconds:?}");
    }

    #[test]
    fn only_sixteen_seconds_are_kept_and_the_scale_is_fine_enough() {
        let mut timeline = Timeline::default();
        for second in 0..40 {
            timeline.extend(1.0, 100.0 * 1.3_f32.powi(second));
        }
        let seconds = kbps(&timeline);
        assert_eq!(seconds.len(), 16);
        for (age, seen) in seconds.into_iter().enumerate() {
            let true_kbps = 100.0 * 1.3_f32.powi(39 - age as i32);
            assert!((seen as f32 / true_kbps - 1.0).abs() < 0.03, "{age}: {seen} for {true_kbps}");
        }
        timeline.extend(f32::INFINITY, 0.0);
        assert_eq!(kbps(&timeline), [10; 16]);
        timeline.extend(f32::NAN, 5.0);
        timeline.extend(-1.0, 5.0);
        assert_eq!(kbps(&timeline), [10; 16]);
    }
}
