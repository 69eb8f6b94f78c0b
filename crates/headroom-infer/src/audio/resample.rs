//! Any sample rate to [`SAMPLE_RATE`](super::SAMPLE_RATE), a piece at a time.

use super::SAMPLE_RATE;
use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler as _};
use std::ops::RangeInclusive;

/// Sample rates that are converted, Hz: telephony up to the fastest studio interfaces.
pub const RATES: RangeInclusive<u32> = 8_000..=192_000;

/// The sample rate lies outside [`RATES`].
#[derive(Debug, thiserror::Error)]
#[error("a sample rate of {0} Hz is not supported (8000 to 192000)")]
pub struct UnsupportedRate(pub u32);

/// Converts a mono stream. As many samples come out as the duration asks for, without a delay at the start.
pub struct Resampler {
    // None where the rates are equal.
    stage: Option<Stage>,
}

struct Stage {
    fft: Fft<f32>,
    rate: u32,
    pending: Vec<f32>,
    output: Vec<f32>,
    // Frames of filter delay that are still to be dropped.
    delay: usize,
    received: u64,
    emitted: u64,
}

impl Resampler {
    /// A converter from `rate` (Hz).
    ///
    /// # Errors
    /// When the rate is outside [`RATES`].
    pub fn new(rate: u32) -> Result<Self, UnsupportedRate> {
        if !RATES.contains(&rate) {
            return Err(UnsupportedRate(rate));
        }
        if rate == SAMPLE_RATE {
            return Ok(Self { stage: None });
        }
        // About 1024 frames a step, 5 to 128 ms: the microphone's latency is paid once per step.
        let fft = Fft::new(rate as usize, SAMPLE_RATE as usize, 1024, 1, FixedSync::Input)
            .map_err(|_| UnsupportedRate(rate))?;
        let output = vec![0.0; fft.output_frames_max()];
        let delay = fft.output_delay();
        Ok(Self { stage: Some(Stage { fft, rate, pending: Vec::new(), output, delay, received: 0, emitted: 0 }) })
    }

    /// Takes samples at the input rate, appends what they complete to `out`.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let Some(stage) = &mut self.stage else {
            out.extend_from_slice(samples);
            return;
        };
        stage.received += samples.len() as u64;
        stage.pending.extend_from_slice(samples);
        stage.drain(out);
    }

    /// Appends the rest: call once, at the end of the stream.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let Some(stage) = &mut self.stage else { return };
        let wanted = stage.received * u64::from(SAMPLE_RATE) / u64::from(stage.rate);
        let start = out.len();
        let before = stage.emitted;
        while stage.emitted < wanted {
            let step = stage.fft.input_frames_next();
            stage.pending.resize(stage.pending.len().max(step), 0.0);
            stage.drain(out);
        }
        out.truncate(start + (wanted.saturating_sub(before)) as usize);
    }
}

impl Stage {
    fn drain(&mut self, out: &mut Vec<f32>) {
        let mut used = 0;
        loop {
            let step = self.fft.input_frames_next();
            let Some(block) = self.pending.get(used..used + step) else { break };
            let room = self.output.len();
            let input = SequentialSlice::new(block, 1, step).expect("invariant: the block has `step` frames");
            let mut output =
                SequentialSlice::new_mut(&mut self.output, 1, room).expect("invariant: the buffer has `room` frames");
            let (_, written) = self
                .fft
                .process_into_buffer(&input, &mut output, None)
                .expect("invariant: both buffers have the sizes the converter asked for");
            used += step;
            let skipped = self.delay.min(written);
            self.delay -= skipped;
            self.emitted += (written - skipped) as u64;
            out.extend_from_slice(&self.output[skipped..written]);
        }
        self.pending.drain(..used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_keeps_its_pitch_and_length_and_its_phase_to_a_sample() {
        for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000] {
            let tone: Vec<f32> =
                (0..rate).map(|i| (std::f32::consts::TAU * 440.0 * i as f32 / rate as f32).sin() * 0.5).collect();
            let mut resampler = Resampler::new(rate).unwrap();
            let mut out = Vec::new();
            for piece in tone.chunks(777) {
                resampler.push(piece, &mut out);
            }
            resampler.finish(&mut out);
            assert_eq!(out.len(), 16_000, "{rate} Hz");
            let worst = (1_000..15_000)
                .map(|i| (std::f32::consts::TAU * 440.0 * i as f32 / 16_000.0).sin() * 0.5 - out[i])
                .fold(0.0_f32, |worst, error| worst.max(error.abs()));
            // One sample of 440 Hz at half scale is 0.086: the filter's delay is known to a whole sample.
            assert!(worst < 0.086, "{rate} Hz: {worst}");
        }
    }

    #[test]
    fn rates_outside_the_range_are_refused() {
        for rate in [0, 1, 7_999, 192_001, u32::MAX] {
            assert!(Resampler::new(rate).is_err(), "{rate}");
        }
    }
}
