//! What the demo says at the end: steered against alone, pair by pair.

use super::progress::Progress;
use crate::paired::{Interval, paired_interval};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt;

/// The means of both halves and how the pairs differ.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) pairs: usize,
    alone: Map<String, Value>,
    steered: Map<String, Value>,
    /// Steered − alone under the names of `headroom bench abr`, each with its 95 % interval (`_ci95`) of the paired t
    /// distribution. `stall_times` is the ratio of the means, without an interval.
    delta: Map<String, Value>,
    #[serde(skip)]
    rows: Vec<Row>,
}

/// A mean of both halves, and how the pairs differ in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) alone: f64,
    pub(crate) steered: f64,
    pub(crate) difference: Interval,
}

/// One measure of both halves.
#[derive(Clone, Debug)]
struct Row {
    measure: &'static Measure,
    alone: f64,
    steered: f64,
    difference: Interval,
}

/// What is compared.
#[derive(Debug)]
struct Measure {
    /// In the table.
    title: &'static str,
    /// In JSON.
    key: &'static str,
    /// Key of the difference in JSON, where it has one.
    delta: Option<&'static str>,
    better: Better,
    of: fn(&Progress) -> f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Better {
    Less,
    More,
    /// A price rather than an aim.
    Neither,
}

static MEASURES: [Measure; 8] = [
    Measure { title: "stalled, s", key: "stall_s", delta: None, better: Better::Less, of: |p| p.stalled_s },
    Measure {
        title: "stalled, % of the time",
        key: "stall_percent",
        delta: Some("stall_points"),
        better: Better::Less,
        of: Progress::stall_percent,
    },
    Measure {
        title: "picture, % of the ladder",
        key: "log_quality",
        delta: Some("log_quality"),
        better: Better::More,
        of: Progress::log_quality,
    },
    Measure { title: "opinion score, 1 to 5", key: "mos", delta: Some("mos"), better: Better::More, of: Progress::mos },
    Measure {
        title: "switches a minute",
        key: "switches_per_min",
        delta: Some("switches"),
        better: Better::Less,
        of: Progress::switches_per_min,
    },
    Measure {
        title: "behind live, s",
        key: "latency_s",
        delta: Some("latency_s"),
        better: Better::Less,
        of: Progress::mean_latency_s,
    },
    Measure {
        title: "bit rate, Mbit/s",
        key: "bitrate_mbps",
        delta: None,
        better: Better::Neither,
        of: Progress::bitrate_mbps,
    },
    Measure {
        title: "egress, Mbit/s",
        key: "egress_mbps",
        delta: Some("egress_mbps"),
        better: Better::Neither,
        of: Progress::egress_mbps,
    },
];

impl Verdict {
    /// Compares `(alone, steered)` pairs.
    pub(crate) fn new(pairs: &[(Progress, Progress)]) -> Self {
        let count = pairs.len().max(1) as f64;
        let rows: Vec<Row> = MEASURES
            .iter()
            .map(|measure| {
                let differences: Vec<f64> =
                    pairs.iter().map(|(alone, steered)| (measure.of)(steered) - (measure.of)(alone)).collect();
                let sum = |half: fn(&(Progress, Progress)) -> &Progress| {
                    pairs.iter().map(|pair| (measure.of)(half(pair))).sum::<f64>()
                };
                Row {
                    measure,
                    alone: sum(|pair| &pair.0) / count,
                    steered: sum(|pair| &pair.1) / count,
                    difference: paired_interval(&differences),
                }
            })
            .collect();
        let means = |of: fn(&Row) -> f64| rows.iter().map(|row| (row.measure.key.to_owned(), json!(of(row)))).collect();
        Self {
            pairs: pairs.len(),
            alone: means(|row| row.alone),
            steered: means(|row| row.steered),
            delta: delta(&rows),
            rows,
        }
    }

    /// One measure, by its key in JSON; not numbers where there is none of that name.
    pub(crate) fn change(&self, key: &str) -> Change {
        let nothing = Interval { mean: f64::NAN, low: f64::NAN, high: f64::NAN };
        self.rows.iter().find(|row| row.measure.key == key).map_or(
            Change { alone: f64::NAN, steered: f64::NAN, difference: nothing },
            |row| Change { alone: row.alone, steered: row.steered, difference: row.difference },
        )
    }

    /// What is shown and what is not, in two sentences.
    fn summary(&self) -> String {
        let (mut shown, mut open) = (Vec::new(), Vec::new());
        for row in self.rows.iter().filter(|row| row.measure.better != Better::Neither && row.measure.key != "stall_s")
        {
            let name = row.measure.title.split(',').next().unwrap_or_default();
            match row.better() {
                Some(true) => shown.push(format!("{name} better ({})", row.change())),
                Some(false) => shown.push(format!("{name} WORSE ({})", row.change())),
                None => open.push(name),
            }
        }
        let list = |names: &[String]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        let mut text = format!("Shown, the interval is clear of zero: {}.", list(&shown));
        if !open.is_empty() {
            text += &format!(" No difference shown: {}.", open.join(", "));
        }
        text
    }
}

impl Row {
    /// Whether steering is better here; nothing where the interval holds zero.
    fn better(&self) -> Option<bool> {
        let Interval { low, high, .. } = self.difference;
        let less = match (low > 0.0, high < 0.0) {
            (false, false) => return None,
            (_, less) => less,
        };
        Some(less == (self.measure.better == Better::Less))
    }

    fn change(&self) -> String {
        if self.measure.key == "stall_percent" && self.alone > 0.0 {
            format!("{:+.0} %", 100.0 * (self.steered / self.alone - 1.0))
        } else {
            format!("{:+.2}", self.difference.mean)
        }
    }
}

fn delta(rows: &[Row]) -> Map<String, Value> {
    let mut delta = Map::new();
    for row in rows {
        if let Some(key) = row.measure.delta {
            let Interval { mean, low, high } = row.difference;
            delta.insert(key.to_owned(), json!(mean));
            delta.insert(format!("{key}_ci95"), json!([low, high]));
        }
        if row.measure.key == "stall_s" && row.alone > 0.0 {
            delta.insert("stall_times".to_owned(), json!(row.steered / row.alone));
        }
    }
    delta
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<25} {:>8} {:>8}   steered − alone (95 % interval, {} pairs)",
            "", "alone", "steered", self.pairs
        )?;
        for Row { measure, alone, steered, difference } in &self.rows {
            let Interval { mean, low, high } = difference;
            let title = measure.title;
            writeln!(f, "{title:<25} {alone:>8.2} {steered:>8.2}   {mean:+.2} ({low:+.2} … {high:+.2})")?;
        }
        writeln!(f, "{}", self.summary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harm_is_named_and_an_open_question_is_left_open() {
        let stalled = |stalled_s| Progress::stalled_for(stalled_s, 100.0);
        let pairs = |shift: f64| -> Vec<_> {
            (0..8)
                .map(|pair| (stalled(f64::from(pair)), stalled(f64::from(pair) + shift + 0.1 * f64::from(pair))))
                .collect()
        };
        let cases = [
            (3.0, "stalled WORSE (+96 %)"),
            (-3.0, "stalled better (-76 %)"),
            (-0.35, "No difference shown: stalled,"),
        ];
        for (shift, expected) in cases {
            let summary = Verdict::new(&pairs(shift)).summary();
            assert!(summary.contains(expected), "{summary}");
        }
    }
}
