//! What if: more viewers, another ladder, a pathway or an edge lost, other segments.

use super::demand::Rung;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Share of a session's expected throughput that a rung may take before it is out of reach: what a careful player uses.
const SAFETY: f64 = 0.8;

/// Segments a player keeps behind the live edge: HOLD-BACK is at least three target durations (RFC 8216bis §4.4.3.8).
const HOLD_BACK: f64 = 3.0;

/// Requests of a live player for each segment: the segment, and the playlist that names it (RFC 8216 §6.3.4).
const REQUESTS: f64 = 2.0;

/// A way media takes to viewers, as contracts know it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pathway {
    /// Its name, such as the one Content Steering uses.
    pub name: String,
    /// Its part of all egress; parts need not add up to 1.
    pub share: f64,
    /// Price of 10⁹ bytes, in [`Settings::currency`].
    #[serde(default)]
    pub price_per_gb: f64,
    /// What it carries at most, Mbit/s; 0 when unknown.
    #[serde(default)]
    pub capacity_mbps: f64,
}

/// `[plan]` of the configuration: what only contracts and people know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What prices are in.
    pub currency: String,
    /// What everything together may carry, Mbit/s; 0 when unknown.
    pub capacity_mbps: f64,
    /// What single streams, edges or networks may carry, Mbit/s, by name.
    pub capacities_mbps: BTreeMap<String, f64>,
    /// The ways media takes to viewers.
    pub pathways: Vec<Pathway>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { currency: "EUR".into(), capacity_mbps: 0.0, capacities_mbps: BTreeMap::new(), pathways: Vec::new() }
    }
}

impl Settings {
    /// What is wrong with them.
    pub(crate) fn flaw(&self) -> Option<String> {
        let amount = |value: f64| value.is_finite() && value >= 0.0;
        let known = amount(self.capacity_mbps) && self.capacities_mbps.values().all(|&value| amount(value));
        let fits = |pathway: &Pathway| {
            amount(pathway.price_per_gb)
                && amount(pathway.capacity_mbps)
                && amount(pathway.share)
                && pathway.share > 0.0
        };
        if !known || !self.pathways.iter().all(fits) {
            return Some("capacities and prices are 0 or more, shares of pathways above 0".into());
        }
        let names: std::collections::BTreeSet<_> = self.pathways.iter().map(|pathway| &pathway.name).collect();
        (names.len() < self.pathways.len()).then(|| "two pathways have the same name".into())
    }
}

/// A question to a plan.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Scenario {
    /// Factor on every audience.
    pub viewers: f64,
    /// Bit rates of another ladder, kbit/s; empty: as it is.
    pub ladder: Vec<u32>,
    /// Pathways or groups that are gone; what they carried goes to the others.
    pub lost: Vec<String>,
    /// Length of a segment, s.
    pub segment_s: Option<f64>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self { viewers: 1.0, ladder: Vec::new(), lost: Vec::new(), segment_s: None }
    }
}

/// A question that has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// A number outside what makes sense.
    #[error(
        "viewers lies in 0.01..=1000, segment_s in 0.2..=30, and a ladder has 1 to 32 bit rates of 1..=1000000 kbit/s"
    )]
    Range,
    /// Nobody knows which rungs are played.
    #[error("another ladder needs to know which rungs are played: the history does, a table needs a column rung_kbps")]
    NoMix,
    /// What is lost is not there.
    #[error("{0} is neither a pathway of the configuration nor one of the groups of this plan")]
    Unknown(String),
    /// Everything is lost.
    #[error("nothing is left to carry the load")]
    NothingLeft,
}

impl Scenario {
    pub(super) fn check(&self) -> Result<(), ScenarioError> {
        let fits = (0.01..=1_000.0).contains(&self.viewers)
            && self.segment_s.is_none_or(|length| (0.2..=30.0).contains(&length))
            && self.ladder.len() <= 32
            && self.ladder.iter().all(|kbps| (1..=1_000_000).contains(kbps));
        if fits { Ok(()) } else { Err(ScenarioError::Range) }
    }
}

/// Egress of a session under another ladder over what it is.
///
/// A rung that is gone is replaced by the next lower one that is left, or the lowest. A new rung between the one played
/// and the next of the old ladder, or above its top, is taken by the share of sessions whose expected throughput
/// carries it.
pub(super) fn ladder_factor(mix: &[Rung], ladder: &[u32]) -> Result<f64, ScenarioError> {
    let Some(&lowest) = ladder.iter().min() else { return Ok(1.0) };
    let before: f64 = mix.iter().map(|rung| rung.share * f64::from(rung.kbps)).sum();
    if before <= 0.0 {
        return Err(ScenarioError::NoMix);
    }
    let mut after = 0.0;
    for (index, rung) in mix.iter().enumerate() {
        let next = mix.get(index + 1).map_or(u32::MAX, |next| next.kbps);
        let kept = ladder.iter().copied().filter(|&kbps| kbps <= rung.kbps).max().unwrap_or(lowest);
        let mut steps: Vec<u32> = ladder.iter().copied().filter(|&kbps| kbps > rung.kbps && kbps < next).collect();
        steps.sort_unstable();
        // Each step adds to the rate for those who reach it.
        let mut rate = f64::from(kept);
        let mut below = kept;
        for step in steps {
            let reach = rung.throughput.share_above(f64::from(step) / SAFETY).unwrap_or(0.0);
            rate += reach * f64::from(step - below.min(step));
            below = step;
        }
        after += rung.share * rate;
    }
    Ok(after / before)
}

/// What the length of a segment means.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Segments {
    /// Length, s.
    pub segment_s: f64,
    /// Requests a second of all sessions at the likely peak.
    pub peak_requests_per_s: f64,
    /// Least distance behind live, s: a player that follows the standard keeps three segments.
    pub latency_floor_s: f64,
}

impl Segments {
    pub(super) fn of(segment_s: f64, peak_sessions: f64) -> Self {
        let peak_requests_per_s = (peak_sessions * REQUESTS / segment_s).round();
        Self { segment_s, peak_requests_per_s, latency_floor_s: HOLD_BACK * segment_s }
    }
}

/// Factor on what is left once some of `parts` are gone: by name, its weight.
pub(super) fn after_loss<'a>(
    parts: impl Iterator<Item = (&'a str, f64)> + Clone,
    lost: &[String],
) -> Result<f64, ScenarioError> {
    let gone = |name: &str| lost.iter().any(|lost| lost == name);
    let all: f64 = parts.clone().map(|(_, weight)| weight).sum();
    let left: f64 = parts.filter(|(name, _)| !gone(name)).map(|(_, weight)| weight).sum();
    if all > 0.0 && left <= 0.0 {
        Err(ScenarioError::NothingLeft)
    } else {
        Ok(if all > 0.0 { all / left } else { 1.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_cluster::sketch::Sketch;

    fn rung(kbps: u32, share: f64, throughput: std::ops::Range<u32>) -> Rung {
        let mut sketch = Sketch::default();
        throughput.for_each(|value| sketch.add(f64::from(value)));
        Rung { kbps, share, throughput: sketch }
    }

    #[test]
    fn another_ladder_moves_sessions() {
        let mix = [rung(1_000, 0.5, 1_000..2_000), rung(3_000, 0.5, 4_000..8_000)];
        let factor = |ladder: &[u32]| ladder_factor(&mix, ladder).unwrap();
        assert_eq!(factor(&[]), 1.0);
        assert_eq!(factor(&[1_000, 3_000]), 1.0);
        assert_eq!(factor(&[1_000]), 0.5, "the top rung is gone");
        assert_eq!(factor(&[2_000, 3_000]), 1.25, "the lowest rung is dearer");
        // 4 Mbit/s needs 5 Mbit/s of throughput, which three quarters of the upper half have.
        assert!((factor(&[1_000, 3_000, 4_000]) - 1.1875).abs() < 0.01, "{}", factor(&[1_000, 3_000, 4_000]));
        // In between: 1.5 Mbit/s needs 1.875, an eighth of the lower half.
        assert!((factor(&[1_000, 1_500, 3_000]) - 1.0156).abs() < 0.01, "{}", factor(&[1_000, 1_500, 3_000]));
        assert_eq!(ladder_factor(&[], &[1_000]), Err(ScenarioError::NoMix));
    }

    #[test]
    fn what_is_lost_goes_to_the_others() {
        let parts = [("a", 0.6), ("b", 0.3), ("c", 0.1)];
        let after = |lost: &[&str]| {
            after_loss(parts.into_iter(), &lost.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(after(&[]), Ok(1.0));
        assert!((after(&["a"]).unwrap() - 2.5).abs() < 1e-9);
        assert_eq!(after(&["a", "b", "c"]), Err(ScenarioError::NothingLeft));
        let segments = Segments::of(4.0, 10_000.0);
        assert_eq!((segments.peak_requests_per_s, segments.latency_floor_s), (5_000.0, 12.0));
    }
}
