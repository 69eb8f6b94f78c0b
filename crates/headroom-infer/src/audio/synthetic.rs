//! Sounds that are not speech, made from a seed: what a recogniser must stay silent on, and what it must hear through.
//!
//! None of these replaces recorded speech in an accuracy figure; they are the background.

use super::SAMPLE_RATE;
use std::f32::consts::TAU;

/// A kind of background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// A quiet room: noise at -70 dB full scale, the hum of the mains 6 dB above it.
    Silence,
    /// Pink noise (equal power per octave, like fans, crowds and rain), -30 dB.
    Noise,
    /// Game music: chords, bass, a wandering melody, kick, snare and hi-hat at 120 beats a minute, about -20 dB.
    Music,
    /// A mechanical keyboard beside the microphone: bursts of five to nine strokes a second, peaks about -12 dB.
    Keyboard,
}

impl Background {
    /// Every kind, in the order reports print them.
    pub const ALL: [Self; 4] = [Self::Silence, Self::Noise, Self::Music, Self::Keyboard];

    /// The kind's name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Noise => "noise",
            Self::Music => "music",
            Self::Keyboard => "keyboard",
        }
    }

    /// `seconds` of it at [`SAMPLE_RATE`]. The same seed gives the same samples.
    #[must_use]
    pub fn samples(self, seconds: f64, seed: u64) -> Vec<f32> {
        let count = (seconds * f64::from(SAMPLE_RATE)) as usize;
        let mut random = Random(seed);
        match self {
            Self::Silence => silence(count, &mut random),
            Self::Noise => pink(count, &mut random),
            Self::Music => music(count, &mut random),
            Self::Keyboard => keyboard(count, &mut random),
        }
    }
}

/// Adds `background` (repeated where it is shorter) to `speech` so that the ratio of their mean powers is `ratio_db`.
/// The sum is scaled down where it would clip.
#[must_use]
pub fn mix(speech: &[f32], background: &[f32], ratio_db: f32) -> Vec<f32> {
    let power = |samples: &[f32]| samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
    let gain = (power(speech) / (power(background) * 10_f32.powf(ratio_db / 10.0))).sqrt();
    let gain = if gain.is_finite() { gain } else { 0.0 };
    let mut mixed: Vec<f32> =
        speech.iter().zip(background.iter().cycle()).map(|(sample, noise)| sample + noise * gain).collect();
    let peak = mixed.iter().fold(1.0_f32, |peak, sample| peak.max(sample.abs()));
    mixed.iter_mut().for_each(|sample| *sample /= peak);
    mixed
}

fn silence(count: usize, random: &mut Random) -> Vec<f32> {
    (0..count)
        .map(|i| {
            let hum = 0.000_9 * (TAU * 50.0 * seconds(i)).sin();
            hum + 0.000_55 * random.signed()
        })
        .collect()
}

/// Three one-pole filters whose sum falls 3 dB an octave within half a decibel from 40 Hz up (P. Kellet's economy
/// filter, constants public since 1999, for 44.1 kHz: at 16 kHz the same slope a little lower).
fn pink(count: usize, random: &mut Random) -> Vec<f32> {
    let (mut low, mut middle, mut high) = (0.0_f32, 0.0_f32, 0.0_f32);
    (0..count)
        .map(|_| {
            let white = random.signed();
            low = 0.997_65 * low + 0.099_046 * white;
            middle = 0.963 * middle + 0.296_516_4 * white;
            high = 0.57 * high + 1.052_691_3 * white;
            (low + middle + high + 0.184_8 * white) * 0.018
        })
        .collect()
}

fn music(count: usize, random: &mut Random) -> Vec<f32> {
    // A minor, F, C, G: semitones above A2 (110 Hz).
    const CHORDS: [[i32; 3]; 4] = [[0, 3, 7], [-4, 0, 3], [3, 7, 10], [-2, 2, 5]];
    const PENTATONIC: [i32; 10] = [12, 15, 17, 19, 22, 24, 27, 29, 31, 34];
    const BEAT: usize = SAMPLE_RATE as usize / 2;
    let pitch = |semitones: i32| 110.0 * 2_f32.powf(semitones as f32 / 12.0);
    let mut note = 4_usize;
    let mut rest = false;
    let mut hat = 0.0_f32;
    (0..count)
        .map(|i| {
            let (beat, t) = (i / BEAT, seconds(i));
            let since_beat = seconds(i % BEAT);
            let half = i % (BEAT / 2);
            if half == 0 {
                note = (note + random.below(5) as usize).saturating_sub(2).min(PENTATONIC.len() - 1);
                rest = random.below(4) == 0;
            }
            let chord = CHORDS[beat / 4 % 4];
            let strings: f32 = chord.iter().map(|s| string(pitch(*s), t)).sum::<f32>() * 0.035;
            let bass = string(pitch(chord[0] - 12), t) * 0.08 * (-3.0 * since_beat).exp();
            let lead_gain = if rest { 0.0 } else { 0.09 * (-6.0 * seconds(half)).exp() };
            let lead = string(pitch(PENTATONIC[note]), t) * lead_gain;
            let kick =
                (TAU * (50.0 + 60.0 * (-20.0 * since_beat).exp()) * since_beat).sin() * (-9.0 * since_beat).exp();
            let noise = random.signed();
            let snare = if beat % 2 == 1 { noise * (-18.0 * since_beat).exp() } else { 0.0 };
            // The difference of neighbouring noise samples is bright: a cymbal.
            let bright = noise - hat;
            hat = noise;
            strings + bass + lead + 0.22 * kick + 0.1 * snare + 0.03 * bright * (-40.0 * seconds(half)).exp()
        })
        .collect()
}

/// Six harmonics falling as 1/n, those above 7 kHz left out.
fn string(frequency: f32, t: f32) -> f32 {
    (1..=6)
        .map(|n| n as f32)
        .filter(|n| n * frequency < 7_000.0)
        .map(|n| (TAU * (n * frequency * t).fract()).sin() / n)
        .sum()
}

fn keyboard(count: usize, random: &mut Random) -> Vec<f32> {
    let mut samples: Vec<f32> = (0..count).map(|_| 0.000_5 * random.signed()).collect();
    let mut at = 0;
    while at < count {
        for _ in 0..5 + random.below(40) {
            stroke(&mut samples, at, 0.5, random);
            let held = SAMPLE_RATE as usize * (60 + random.below(50) as usize) / 1_000;
            stroke(&mut samples, at + held, 0.2, random);
            at += SAMPLE_RATE as usize * (110 + random.below(90) as usize) / 1_000;
        }
        at += SAMPLE_RATE as usize * (300 + random.below(2_000) as usize) / 1_000;
    }
    samples
}

/// A click: noise that rings at the case's resonance (1.5 to 3.5 kHz) and dies within 20 ms.
fn stroke(samples: &mut [f32], at: usize, peak: f32, random: &mut Random) {
    let frequency = 1_500.0 + random.below(2_000) as f32;
    let gain = peak * (0.5 + 0.5 * random.unit());
    let length = SAMPLE_RATE as usize / 50;
    for (i, sample) in samples.iter_mut().skip(at).take(length).enumerate() {
        let t = seconds(i);
        let ring = (TAU * frequency * t).sin() * 0.5 + random.signed() * 0.5;
        *sample = (*sample + gain * ring * (-300.0 * t).exp()).clamp(-1.0, 1.0);
    }
}

fn seconds(samples: usize) -> f32 {
    samples as f32 / SAMPLE_RATE as f32
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0..1
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// -1..1
    fn signed(&mut self) -> f32 {
        self.unit() * 2.0 - 1.0
    }

    const fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

#[cfg(test)]
mod tests {
    use super::super::decibels;
    use super::*;

    #[test]
    fn backgrounds_repeat_by_seed_and_stay_in_range() {
        for kind in Background::ALL {
            let samples = kind.samples(4.0, 7);
            assert_eq!(samples.len(), 64_000);
            assert_eq!(samples, kind.samples(4.0, 7), "{}", kind.name());
            assert_ne!(samples, kind.samples(4.0, 8), "{}", kind.name());
            assert!(samples.iter().all(|sample| sample.abs() <= 1.0), "{}", kind.name());
        }
        let level = |kind: Background| decibels(&kind.samples(20.0, 1)).round();
        assert_eq!(Background::ALL.map(level), [-63.0, -30.0, -20.0, -35.0]);
    }

    #[test]
    fn mix_keeps_the_ratio() {
        let speech: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.3).sin() * 0.3).collect();
        let noise = Background::Noise.samples(0.5, 3);
        let mixed = mix(&speech, &noise, 10.0);
        let added: Vec<f32> = mixed.iter().zip(&speech).map(|(sum, sample)| sum - sample).collect();
        assert!((decibels(&speech) - decibels(&added) - 10.0).abs() < 0.1);
        assert_eq!(mix(&speech, &[0.0; 8], 10.0), speech);
    }
}
