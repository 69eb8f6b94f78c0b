//! The mel filter bank of Whisper: 80 triangles over the spectrum of 400 samples at 16 kHz.
//!
//! Whisper ships them as an asset made by `librosa.filters.mel(sr=16000, n_fft=400, n_mels=80)`; this is that function
//! (Slaney's mel scale of the Auditory Toolbox: linear below 1 kHz, logarithmic above, triangles of equal area), with
//! its roundings to 32 bits in the same places.

/// Number of filters.
pub(super) const MELS: usize = 80;

/// Frequencies of the spectrum: 0, 40, .. 8000 Hz.
pub(super) const BINS: usize = 201;

pub(super) type Filters = [[f32; BINS]; MELS];

pub(super) fn filters() -> Filters {
    let last = to_mel(8_000.0);
    let step = last / (MELS + 1) as f64;
    let edges: Vec<f64> =
        (0..=MELS + 1).map(|i| to_hertz(if i == MELS + 1 { last } else { i as f64 * step })).collect();
    let mut filters = [[0.0; BINS]; MELS];
    for (filter, edge) in filters.iter_mut().zip(edges.windows(3)) {
        let [low, middle, high] = edge else { continue };
        let area = 2.0 / (high - low);
        for (bin, weight) in filter.iter_mut().enumerate() {
            let frequency = 40.0 * bin as f64;
            let rising = (frequency - low) / (middle - low);
            let falling = (high - frequency) / (high - middle);
            let height = rising.min(falling).max(0.0) as f32;
            *weight = (f64::from(height) * area) as f32;
        }
    }
    filters
}

const LINEAR_STEP: f64 = 200.0 / 3.0;
const BREAK_HERTZ: f64 = 1_000.0;
const BREAK_MEL: f64 = BREAK_HERTZ / LINEAR_STEP;

/// Natural logarithm of the ratio of neighbouring steps above the break: 27 steps for a factor of 6.4.
fn log_step() -> f64 {
    6.4_f64.ln() / 27.0
}

fn to_mel(hertz: f64) -> f64 {
    if hertz < BREAK_HERTZ { hertz / LINEAR_STEP } else { BREAK_MEL + (hertz / BREAK_HERTZ).ln() / log_step() }
}

fn to_hertz(mel: f64) -> f64 {
    if mel < BREAK_MEL { mel * LINEAR_STEP } else { BREAK_HERTZ * (log_step() * (mel - BREAK_MEL)).exp() }
}
