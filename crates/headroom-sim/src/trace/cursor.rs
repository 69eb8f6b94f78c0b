//! Reading a trace: the sample in force, the running total of bits, and its inverse.

use super::{Sample, Trace};

/// What a trace does after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AtEnd {
    /// Start again from the beginning, as Pensieve, mahimahi and sabre do.
    #[default]
    Loop,
    /// The last value holds for ever.
    Hold,
    /// Nothing more is carried.
    Stop,
}

/// Reading a trace in time.
impl Trace {
    /// The sample in force at `t_s` (the first before 0); `None` only after the end under [`AtEnd::Stop`].
    pub fn at(&self, t_s: f64, at_end: AtEnd) -> Option<&Sample> {
        self.cursor(at_end).sample_at(t_s)
    }

    /// When `bits` sent from `from_s` at the full rate of the link are through: the earliest such time, in seconds
    /// on the same clock. `None` if never (the trace stops, or carries nothing).
    pub fn finish_of(&self, from_s: f64, bits: f64, at_end: AtEnd) -> Option<f64> {
        self.cursor(at_end).finish_of(from_s, bits)
    }

    /// A reader that remembers its place: forward steps are amortised O(1).
    pub fn cursor(&self, at_end: AtEnd) -> Cursor<'_> {
        Cursor::new(self, at_end)
    }
}

/// A reader with a remembered place in one trace. Any order of times is allowed; forward is fast.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    trace: &'a Trace,
    at_end: AtEnd,
    /// Sample of the last answer: where the next search starts.
    index: usize,
}

impl<'a> Cursor<'a> {
    fn new(trace: &'a Trace, at_end: AtEnd) -> Self {
        Self { trace, at_end, index: 0 }
    }

    /// The sample in force at `t_s` (the first before 0); `None` only after the end under [`AtEnd::Stop`].
    pub fn sample_at(&mut self, t_s: f64) -> Option<&'a Sample> {
        let (_, inside_s) = self.fold_time(t_s);
        if inside_s >= self.trace.duration_s() && self.at_end == AtEnd::Stop {
            return None;
        }
        let index = self.seek(inside_s);
        Some(&self.trace.samples[index])
    }

    /// Throughput at `t_s` in kbit/s; 0 after the end under [`AtEnd::Stop`].
    pub fn throughput_kbps_at(&mut self, t_s: f64) -> f64 {
        self.sample_at(t_s).map_or(0.0, |sample| sample.throughput_kbps)
    }

    /// Next time after `t_s` at which the sample in force changes; `None` if never.
    pub fn next_change_after(&mut self, t_s: f64) -> Option<f64> {
        let (laps, inside_s) = self.fold_time(t_s);
        let duration_s = self.trace.duration_s();
        if self.at_end != AtEnd::Loop && inside_s >= duration_s {
            return None;
        }
        let index = self.seek(inside_s);
        if self.at_end == AtEnd::Hold && index + 1 == self.trace.samples.len() {
            return None;
        }
        Some(laps * duration_s + self.trace.bounds_s[index + 1])
    }

    /// Bits that the link could have carried from 0 to `t_s`.
    pub fn bits_until(&mut self, t_s: f64) -> f64 {
        let (laps, inside_s) = self.fold_time(t_s);
        let index = self.seek(inside_s);
        let covered_s = match self.at_end {
            AtEnd::Hold => inside_s,
            AtEnd::Loop | AtEnd::Stop => inside_s.min(self.trace.duration_s()),
        };
        let rate = self.trace.samples[index].throughput_kbps * 1000.0;
        laps * self.trace.total_bits() + self.trace.total_bits[index] + (covered_s - self.trace.bounds_s[index]) * rate
    }

    /// When `bits` sent from `from_s` at the full rate of the link are through: the earliest such time, never before
    /// `from_s`. `None` if never.
    pub fn finish_of(&mut self, from_s: f64, bits: f64) -> Option<f64> {
        if bits <= 0.0 {
            return Some(from_s);
        }
        let target = self.bits_until(from_s.max(0.0)) + bits;
        self.time_of(target).map(|t_s| t_s.max(from_s))
    }

    /// Earliest time at which the running total reaches `bits`.
    fn time_of(&mut self, bits: f64) -> Option<f64> {
        let lap_bits = self.trace.total_bits();
        let (mut laps, mut inside_bits) = (0.0, bits);
        if bits > lap_bits {
            match self.at_end {
                AtEnd::Stop => return None,
                AtEnd::Hold => {
                    let rate = self.trace.samples.last()?.throughput_kbps * 1000.0;
                    return (rate > 0.0).then(|| self.trace.duration_s() + (bits - lap_bits) / rate);
                }
                AtEnd::Loop => {
                    if lap_bits <= 0.0 {
                        return None;
                    }
                    laps = (bits / lap_bits).floor();
                    inside_bits = bits - laps * lap_bits;
                    // A whole number of laps is reached where the last lap reaches its total, not at the next start.
                    if inside_bits <= 0.0 {
                        laps -= 1.0;
                        inside_bits = lap_bits;
                    }
                }
            }
        }
        let totals = &self.trace.total_bits;
        let index = last_where(totals, self.index, |total| total < inside_bits);
        self.index = index;
        let rate = self.trace.samples[index].throughput_kbps * 1000.0;
        let into_s = if rate > 0.0 { (inside_bits - totals[index]) / rate } else { 0.0 };
        let inside_s = (self.trace.bounds_s[index] + into_s).min(self.trace.bounds_s[index + 1]);
        Some(laps * self.trace.duration_s() + inside_s)
    }

    /// Whole laps before `t_s` and the time inside the current one. Only a looping trace has laps.
    fn fold_time(&self, t_s: f64) -> (f64, f64) {
        let duration_s = self.trace.duration_s();
        if self.at_end != AtEnd::Loop || t_s < duration_s {
            return (0.0, t_s.max(0.0));
        }
        let laps = (t_s / duration_s).floor();
        (laps, (t_s - laps * duration_s).clamp(0.0, duration_s))
    }

    /// Index of the sample that covers `inside_s`; the last one at or past the end.
    fn seek(&mut self, inside_s: f64) -> usize {
        self.index = last_where(&self.trace.bounds_s, self.index, |bound| bound <= inside_s);
        self.index
    }
}

/// Place of the last of the rising `values`, but for the very last, of which `holds` is true; the first where it is of none. Looks
/// near `hint` first: a segment ends a few samples after it begins, and a step is cheaper than a guess.
fn last_where(values: &[f64], hint: usize, holds: impl Fn(f64) -> bool) -> usize {
    const NEAR: usize = 16;
    let last = if holds(values[hint]) {
        let near = (hint + NEAR).min(values.len());
        match values[hint + 1..near].iter().position(|&value| !holds(value)) {
            Some(steps) => hint + steps,
            None => near - 1 + values[near..].partition_point(|&value| holds(value)),
        }
    } else {
        values[..hint].partition_point(|&value| holds(value)).saturating_sub(1)
    };
    last.min(values.len() - 2)
}
