//! The demo over several seeds: how often it shows what it shows.

use super::verdict::{Change, Verdict};
use crate::paired::Interval;
use serde::Serialize;
use std::{fmt, str::FromStr};

/// Most seeds in a row: each takes as long as the demo.
const MAX_SEEDS: u64 = 100;

/// Seeds from the first to the last: `1..10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeedRange {
    first: u64,
    last: u64,
}

impl SeedRange {
    /// One after the other.
    pub(crate) fn iter(self) -> impl Iterator<Item = u64> {
        self.first..=self.last
    }
}

impl FromStr for SeedRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("give seeds as FIRST..LAST, such as 1..10, at most {MAX_SEEDS} of them");
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let number = |text: &str| text.trim_start_matches('=').parse::<u64>().map_err(|_| wrong());
        let (first, last) = (number(first)?, number(last)?);
        if first <= last && last - first < MAX_SEEDS { Ok(Self { first, last }) } else { Err(wrong()) }
    }
}

/// What each seed showed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct SeedTable {
    rows: Vec<SeedRow>,
}

#[derive(Debug, Serialize)]
struct SeedRow {
    seed: u64,
    #[serde(flatten)]
    verdict: Verdict,
}

impl SeedTable {
    /// Adds a seed.
    pub(crate) fn add(&mut self, seed: u64, verdict: Verdict) {
        self.rows.push(SeedRow { seed, verdict });
    }

    /// In how many rows something holds.
    fn count(&self, holds: impl Fn(Change, Change) -> bool) -> usize {
        self.rows.iter().filter(|row| holds(row.verdict.change("stall_s"), row.verdict.change("log_quality"))).count()
    }

    /// How often stalls, their interval and quality went the right way.
    fn summary(&self) -> String {
        let all = self.rows.len();
        format!(
            "Stall seconds down in {} of {all}, their interval below 0 in {}; quality not lower in {}, its interval below 0 in {}.",
            self.count(|stall, _| stall.difference.mean < 0.0),
            self.count(|stall, _| stall.difference.high < 0.0),
            self.count(|_, quality| quality.difference.mean >= 0.0),
            self.count(|_, quality| quality.difference.high < 0.0),
        )
    }
}

impl fmt::Display for SeedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>6} | {:>7} {:>7}  {:<24} | {:>7} {:>7}  {:<24}",
            "seed", "alone", "steered", "stalled, s: difference", "alone", "steered", "picture, %: difference"
        )?;
        for row in &self.rows {
            write!(f, "{:>6}", row.seed)?;
            for key in ["stall_s", "log_quality"] {
                let Change { alone, steered, difference: Interval { mean, low, high } } = row.verdict.change(key);
                let change = format!("{mean:+.2} ({low:+.2} … {high:+.2})");
                write!(f, " | {alone:>7.2} {steered:>7.2}  {change:<24}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "{}", self.summary())
    }
}

#[cfg(test)]
mod tests {
    use super::super::progress::Progress;
    use super::*;

    #[test]
    fn ranges_are_read() {
        for (text, expected) in [("1..10", Some((1, 10))), ("7", Some((7, 7))), ("1..=3", Some((1, 3)))] {
            assert_eq!(text.parse().ok(), expected.map(|(first, last)| SeedRange { first, last }), "{text}");
        }
        for wrong in ["", "..", "3..1", "a..b", "1..1000", "-1..2"] {
            assert!(wrong.parse::<SeedRange>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn seeds_are_counted_by_what_they_show() {
        let mut table = SeedTable::default();
        // (seed, steered stalls this much longer in every pair but the first): clearly down, down but open, up
        for (seed, shift) in [(1, -3.0), (2, -0.35), (3, 3.0)] {
            let stalled = |seconds| Progress::stalled_for(seconds, 100.0);
            let pair = |pair: u32| {
                let alone = f64::from(pair) + 4.0;
                (stalled(alone), stalled(alone + shift + 0.095 * f64::from(pair)))
            };
            table.add(seed, Verdict::new(&(0..8).map(pair).collect::<Vec<_>>()));
        }
        let text = table.to_string();
        assert!(text.contains("Stall seconds down in 2 of 3, their interval below 0 in 1"), "{text}");
        assert_eq!(text.lines().count(), 5);
        assert!(serde_json::to_value(&table).unwrap()["rows"][2]["alone"]["stall_s"].is_number());
    }
}
