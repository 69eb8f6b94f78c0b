//! Networks whose viewers are worse off than the rest who watch the same streams.
//!
//! A viewer is in trouble when a stall was reported within the last five minutes. If the network did not matter, its
//! viewers in trouble would be a random draw from those of each stream: given how many watch and how many are in trouble,
//! their number is hypergeometric for each stream (the conditional test of Mantel and Haenszel, 1959, with streams as
//! strata). A sum of such numbers is a sum of independent trials (Vatutin and Mikhailov, 1982), whose upper tail
//! lies below that of the Poisson distribution of the same mean from one above the mean on (Hoeffding, 1956; Anderson and Samuels,
//! 1967). That tail is the p-value: never too small, however few or uneven the viewers. Networks are many, so p-values
//! are corrected by Holm's method (1979); rounds are many, which the rule's threshold has to answer for.

use crate::rollup::{Cell, Rollup};
use std::collections::BTreeMap;

/// Fewer viewers of a network are not compared: they could not convict it, and every comparison costs the others power.
const LEAST_VIEWERS: u64 = 20;

/// A network must have so many times the viewers in trouble that it would have as the rest: significant is not yet bad.
const LEAST_RATIO: f64 = 1.5;

/// A network and how it stands out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outlier {
    /// Position of the network.
    pub(super) network: u16,
    /// Its viewers, on streams that others watch too.
    pub(super) viewers: u64,
    /// Of these, in trouble.
    pub(super) troubled: u64,
    /// How many would be if it were as the rest of the same streams.
    pub(super) expected: f64,
    /// −log₁₀ of the corrected p-value; 0 where the network is not worse by much.
    pub(super) evidence: f64,
    /// Networks compared.
    pub(super) compared: usize,
}

/// Every network that can be compared to others.
pub(super) fn outliers(rollup: &Rollup) -> Vec<Outlier> {
    let mut streams = BTreeMap::<_, BTreeMap<u16, (u64, u64)>>::new();
    for (key, Cell { observations, troubled, .. }) in &rollup.cells {
        let sums = streams.entry(key.stream).or_default().entry(key.network).or_default();
        *sums = (sums.0 + observations, sums.1 + troubled);
    }
    #[derive(Default)]
    struct Sums {
        viewers: u64,
        troubled: u64,
        /// Mean of the draw, and what the rest's share would make of these viewers.
        mean: f64,
        as_rest: f64,
    }
    let mut networks = BTreeMap::<u16, Sums>::new();
    for of_stream in streams.values() {
        let (all, all_troubled) = of_stream.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        for (&network, &(viewers, troubled)) in of_stream.iter().filter(|(_, (viewers, _))| *viewers < all) {
            let sums = networks.entry(network).or_default();
            sums.viewers += viewers;
            sums.troubled += troubled;
            sums.mean += viewers as f64 * all_troubled as f64 / all as f64;
            sums.as_rest += viewers as f64 * (all_troubled - troubled) as f64 / (all - viewers) as f64;
        }
    }
    networks.retain(|_, sums| sums.viewers >= LEAST_VIEWERS);
    let compared = networks.len();
    let mut found: Vec<Outlier> = networks
        .into_iter()
        .map(|(network, Sums { viewers, troubled, mean, as_rest })| {
            let evidence = -log10_poisson_tail(troubled, mean);
            Outlier { network, viewers, troubled, expected: as_rest, evidence, compared }
        })
        .collect();
    found.sort_by(|left, right| right.evidence.total_cmp(&left.evidence));
    // Holm: the smallest p-value counts as often as there are networks, the next once less, and none less than the one before.
    let mut least = f64::INFINITY;
    for (rank, outlier) in found.iter_mut().enumerate() {
        let corrected = (outlier.evidence - ((compared - rank) as f64).log10()).max(0.0);
        least = least.min(corrected);
        outlier.evidence = if outlier.troubled as f64 >= LEAST_RATIO * outlier.expected { least } else { 0.0 };
    }
    found
}

/// log₁₀ of the probability of `count` or more where `mean` are expected; 0 below one above the mean, where the bound
/// does not hold.
fn log10_poisson_tail(count: u64, mean: f64) -> f64 {
    let count_f = count as f64;
    if mean <= 0.0 || count_f < mean + 1.0 {
        return 0.0;
    }
    let log_factorial: f64 = (2..=count).map(|factor| (factor as f64).ln()).sum();
    let first = count_f * mean.ln() - mean - log_factorial;
    let (mut term, mut sum, mut next) = (1.0, 1.0, count_f + 1.0);
    while term > 1e-12 {
        term *= mean / next;
        sum += term;
        next += 1.0;
    }
    ((first + f64::ln(sum)) / std::f64::consts::LN_10).min(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{random::Random, rollup::Key};
    use headroom_core::telemetry::StreamId;

    fn rollup(cells: &[(u64, u16, u64, u64)]) -> Rollup {
        let mut rollup = Rollup::default();
        for &(stream, network, observations, troubled) in cells {
            let key = Key { stream: StreamId(stream), network, rung_kbps: 0 };
            rollup.cells.insert(key, Cell { observations, troubled, ..Cell::default() });
        }
        rollup
    }

    #[test]
    fn the_tail_is_that_of_the_poisson_distribution() {
        // 1 − Σ e⁻⁴ 4ᵏ/k! for k < 10, and of a large mean.
        assert!((10_f64.powf(log10_poisson_tail(10, 4.0)) - 0.008_132).abs() < 1e-5);
        assert!((10_f64.powf(log10_poisson_tail(1_100, 1_000.0)) - 0.000_977).abs() < 5e-5);
        assert_eq!((log10_poisson_tail(4, 4.0), log10_poisson_tail(0, 0.0)), (0.0, 0.0));
    }

    #[test]
    fn a_bad_network_stands_out_and_a_bad_stream_does_not() {
        let bad_network = outliers(&rollup(&[(1, 1, 200, 24), (1, 2, 800, 16), (2, 1, 100, 9), (2, 2, 400, 6)]));
        let worst = bad_network[0];
        assert_eq!((worst.network, worst.viewers, worst.troubled, worst.compared), (1, 300, 33, 2));
        assert!((worst.expected - 5.5).abs() < 1e-9 && worst.evidence > 5.0, "{worst:?}");
        // Network 1 watches mostly the stream that is bad for everybody: Simpson's paradox without strata.
        let bad_stream = outliers(&rollup(&[(1, 1, 500, 100), (1, 2, 100, 20), (2, 1, 50, 0), (2, 2, 900, 1)]));
        assert!(bad_stream.iter().all(|outlier| outlier.evidence < 1.0), "{bad_stream:?}");
        // Alone on a stream, and too few.
        assert_eq!(outliers(&rollup(&[(1, 1, 500, 100), (2, 2, 10, 9), (2, 3, 500, 3)])).len(), 1);
    }

    /// The test's own error rate: over ten thousand rounds of equal networks, p ≤ 0.01 comes at most as often as it says.
    #[test]
    fn equal_networks_are_rarely_convicted() {
        let mut random = Random::new(3);
        let convicted = (0..10_000).filter(|_| {
            let mut cells = Vec::new();
            for stream in 1..=3 {
                for network in 0..6 {
                    let troubled = (0..60).filter(|_| random.uniform() < 0.03).count() as u64;
                    cells.push((stream, network, 60, troubled));
                }
            }
            outliers(&rollup(&cells)).iter().any(|outlier| outlier.evidence >= 2.0)
        });
        let share = convicted.count() as f64 / 10_000.0;
        assert!(share <= 0.01, "{share}");
    }
}
