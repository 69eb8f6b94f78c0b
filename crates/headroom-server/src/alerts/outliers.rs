//! Networks and edges whose viewers are worse off than the rest who watch the same streams.
//!
//! A viewer is in trouble when a stall was reported within the last five minutes. If network and edge did not matter, a
//! group's viewers in trouble would be a random draw from those of each stream: given how many watch and how many are in trouble,
//! their number is hypergeometric for each stream (the conditional test of Mantel and Haenszel, 1959, with streams as
//! strata). A sum of such numbers is a sum of independent trials (Vatutin and Mikhailov, 1982), whose upper tail
//! lies below that of the Poisson distribution of the same mean from one above the mean on (Hoeffding, 1956; Anderson and Samuels,
//! 1967). That tail is the p-value: never too small, however few or uneven the viewers. Groups are many, so p-values
//! are corrected by Holm's method (1979); rounds are many, which the rule's threshold has to answer for.
//!
//! Groups are networks, edges, and networks on one edge. They overlap: where one network is bad on one edge, both look bad.
//! So the group with the strongest evidence is set aside with all its viewers before the others are looked at again.

use headroom_cluster::{
    place::Place,
    rollup::{Cell, Rollup},
};
use headroom_core::telemetry::StreamId;
use std::collections::{BTreeMap, BTreeSet};

/// Fewer viewers of a group are not compared: they could not convict it, and every comparison costs the others power.
const LEAST_VIEWERS: u64 = 20;

/// A group must have so many times the viewers in trouble that it would have as the rest: significant is not yet bad.
const LEAST_RATIO: f64 = 1.5;

/// Evidence from which a group's viewers are set aside: p ≤ 0.01, so that groups alike are judged as if none ever were.
const SET_ASIDE: f64 = 2.0;

/// Groups set aside at most: each costs a pass over the round.
const MAX_SET_ASIDE: usize = 8;

/// Whose viewers are compared to the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// Those of a network, wherever they are served.
    Network(u32),
    /// Those of an edge, from whatever network.
    Edge(u16),
    /// Those of a network on an edge.
    Both(Place),
}

impl Group {
    fn holds(self, place: Place) -> bool {
        match self {
            Self::Network(network) => place.network == network,
            Self::Edge(edge) => place.edge == edge,
            Self::Both(both) => place == both,
        }
    }
}

/// A group and how it stands out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outlier {
    pub(super) group: Group,
    /// The edge of all its viewers; `None` where there are several.
    pub(super) edge: Option<u16>,
    /// Its viewers, on streams that others watch too.
    pub(super) viewers: u64,
    /// Of these, in trouble.
    pub(super) troubled: u64,
    /// How many would be if it were as the rest of the same streams.
    pub(super) expected: f64,
    /// −log₁₀ of the corrected p-value; 0 where the group is not worse by much.
    pub(super) evidence: f64,
    /// Groups compared.
    pub(super) compared: usize,
}

/// Viewers and those in trouble, by stream and place.
type Strata = BTreeMap<StreamId, BTreeMap<Place, (u64, u64)>>;

/// Every group that can be compared to others.
pub(super) fn outliers(rollup: &Rollup) -> Vec<Outlier> {
    let mut strata = Strata::new();
    for (key, Cell { observations, troubled, .. }) in &rollup.cells {
        add(strata.entry(key.stream).or_default().entry(key.place).or_default(), (*observations, *troubled));
    }
    let mut found = Vec::new();
    while found.len() < MAX_SET_ASIDE {
        let compared = compare(&strata);
        match compared.first().filter(|worst| worst.evidence >= SET_ASIDE) {
            Some(worst) => {
                found.push(*worst);
                strata.values_mut().for_each(|places| places.retain(|&place, _| !worst.group.holds(place)));
            }
            None => {
                found.extend(compared);
                break;
            }
        }
    }
    found
}

#[derive(Default)]
struct Sums {
    viewers: u64,
    troubled: u64,
    /// Viewers, those of streams that nobody else watches included.
    all_viewers: u64,
    /// Mean of the draw, and what the rest's share would make of these viewers.
    mean: f64,
    as_rest: f64,
}

/// Groups by their evidence, the strongest first; of equally strong ones, the network.
fn compare(strata: &Strata) -> Vec<Outlier> {
    let mut groups = BTreeMap::<Group, Sums>::new();
    for places in strata.values() {
        let mut of_stream = BTreeMap::<Group, (u64, u64)>::new();
        let (mut all, mut all_troubled) = (0, 0);
        for (&place, &sums) in places {
            (all, all_troubled) = (all + sums.0, all_troubled + sums.1);
            for group in [Group::Network(place.network), Group::Edge(place.edge), Group::Both(place)] {
                add(of_stream.entry(group).or_default(), sums);
            }
        }
        for (group, (viewers, troubled)) in of_stream {
            let sums = groups.entry(group).or_default();
            sums.all_viewers += viewers;
            if viewers < all {
                sums.viewers += viewers;
                sums.troubled += troubled;
                sums.mean += viewers as f64 * all_troubled as f64 / all as f64;
                sums.as_rest += viewers as f64 * (all_troubled - troubled) as f64 / (all - viewers) as f64;
            }
        }
    }
    // A network on its only edge is that network, an edge with one network that edge: nothing is compared twice.
    let size = |group: Group| groups.get(&group).map_or(0, |sums| sums.all_viewers);
    let (mut only_edges, mut mirrored) = (BTreeMap::<u32, u16>::new(), BTreeSet::<u16>::new());
    for &group in groups.keys() {
        if let Group::Both(Place { edge, network }) = group
            && size(group) == size(Group::Network(network))
        {
            only_edges.insert(network, edge);
            if size(group) == size(Group::Edge(edge)) {
                mirrored.insert(edge);
            }
        }
    }
    let edge_of = |group: Group| match group {
        Group::Edge(edge) | Group::Both(Place { edge, .. }) => Some(edge),
        Group::Network(network) => only_edges.get(&network).copied(),
    };
    let stands_for_itself = |group: Group| match group {
        Group::Network(_) => true,
        Group::Edge(edge) => !mirrored.contains(&edge),
        Group::Both(Place { edge, network }) => {
            size(group) < size(Group::Network(network)) && size(group) < size(Group::Edge(edge))
        }
    };
    let enough = groups.iter().filter(|&(&group, sums)| sums.viewers >= LEAST_VIEWERS && stands_for_itself(group));
    let mut found: Vec<Outlier> = enough
        .map(|(&group, &Sums { viewers, troubled, mean, as_rest, .. })| {
            let evidence = -log10_poisson_tail(troubled, mean);
            Outlier { group, edge: edge_of(group), viewers, troubled, expected: as_rest, evidence, compared: 0 }
        })
        .collect();
    found.sort_by(|left, right| right.evidence.total_cmp(&left.evidence));
    // Holm: the smallest p-value counts as often as there are groups, the next once less, and none less than the one before.
    let compared = found.len();
    let mut least = f64::INFINITY;
    for (rank, outlier) in found.iter_mut().enumerate() {
        let corrected = (outlier.evidence - ((compared - rank) as f64).log10()).max(0.0);
        least = least.min(corrected);
        outlier.evidence = if outlier.troubled as f64 >= LEAST_RATIO * outlier.expected { least } else { 0.0 };
        outlier.compared = compared;
    }
    found.sort_by(|left, right| right.evidence.total_cmp(&left.evidence));
    found
}

fn add(sum: &mut (u64, u64), more: (u64, u64)) {
    *sum = (sum.0 + more.0, sum.1 + more.1);
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
    use crate::random::Random;
    use headroom_cluster::rollup::Key;

    fn at(edge: u16, network: u32) -> Place {
        Place { edge, network }
    }

    /// Cells by stream, place, viewers and those in trouble.
    fn rollup(cells: &[(u64, Place, u64, u64)]) -> Rollup {
        let mut rollup = Rollup::default();
        for &(stream, place, observations, troubled) in cells {
            let key = Key { stream: StreamId(stream), place, rung_kbps: 0 };
            rollup.cells.insert(key, Cell { observations, troubled, ..Cell::default() });
        }
        rollup
    }

    fn on_one_edge(cells: &[(u64, u32, u64, u64)]) -> Rollup {
        let places =
            cells.iter().map(|&(stream, network, viewers, troubled)| (stream, at(0, network), viewers, troubled));
        rollup(&places.collect::<Vec<_>>())
    }

    fn convicted(cells: &[(u64, Place, u64, u64)]) -> Vec<Group> {
        let found = outliers(&rollup(cells)).into_iter().filter(|outlier| outlier.evidence >= 2.0);
        found.map(|outlier| outlier.group).collect()
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
        let bad_network = outliers(&on_one_edge(&[(1, 1, 200, 24), (1, 2, 800, 16), (2, 1, 100, 9), (2, 2, 400, 6)]));
        let worst = bad_network[0];
        assert_eq!((worst.group, worst.edge, worst.compared), (Group::Network(1), Some(0), 2));
        assert_eq!((worst.viewers, worst.troubled), (300, 33));
        assert!((worst.expected - 5.5).abs() < 1e-9 && worst.evidence > 5.0, "{worst:?}");
        // Network 1 watches mostly the stream that is bad for everybody: Simpson's paradox without strata.
        let bad_stream = outliers(&on_one_edge(&[(1, 1, 500, 100), (1, 2, 100, 20), (2, 1, 50, 0), (2, 2, 900, 1)]));
        assert!(bad_stream.iter().all(|outlier| outlier.evidence < 1.0), "{bad_stream:?}");
        // Alone on a stream, and too few.
        assert_eq!(outliers(&on_one_edge(&[(1, 1, 500, 100), (2, 2, 10, 9), (2, 3, 500, 3)])).len(), 1);
    }

    /// Three networks on three edges, and the expected culprit.
    #[test]
    fn network_edge_and_both_are_told_apart() {
        let places = (0..3).flat_map(|edge| (0..3).map(move |network| at(edge, network)));
        let cells = |bad: &dyn Fn(Place) -> bool| {
            places.clone().map(|place| (1, place, 100, if bad(place) { 30 } else { 2 })).collect::<Vec<_>>()
        };
        assert_eq!(convicted(&cells(&|_| false)), []);
        assert_eq!(convicted(&cells(&|place| place.network == 1)), [Group::Network(1)]);
        assert_eq!(convicted(&cells(&|place| place.edge == 2)), [Group::Edge(2)]);
        assert_eq!(convicted(&cells(&|place| place == at(2, 1))), [Group::Both(at(2, 1))]);
        let two = cells(&|place| place == at(0, 0) || place == at(2, 1));
        assert_eq!(convicted(&two), [Group::Both(at(0, 0)), Group::Both(at(2, 1))]);
        let edge_and_more = cells(&|place| place.edge == 2 || place == at(0, 1));
        assert_eq!(convicted(&edge_and_more), [Group::Edge(2), Group::Both(at(0, 1))]);
        // One network only on one edge, and that edge has no other: one group, not three.
        let one = outliers(&rollup(&[(1, at(0, 0), 100, 2), (1, at(1, 1), 100, 30)]));
        let groups: Vec<_> = one.iter().map(|outlier| (outlier.group, outlier.edge, outlier.compared)).collect();
        assert_eq!(groups, [(Group::Network(1), Some(1), 2)], "the other has nobody left to be compared to");
    }

    /// The test's own error rate: over ten thousand rounds of equal groups, p ≤ 0.01 comes at most as often as it says.
    #[test]
    fn equal_groups_are_rarely_convicted() {
        for edges in [1, 2] {
            let mut random = Random::new(3);
            let convicted = (0..10_000).filter(|_| {
                let mut cells = Vec::new();
                for (stream, edge, network) in
                    (1..=3).flat_map(|stream| (0..6).map(move |at| (stream, at % edges, u32::from(at / edges))))
                {
                    let troubled = (0..60).filter(|_| random.uniform() < 0.03).count() as u64;
                    cells.push((stream, at(edge, network), 60, troubled));
                }
                outliers(&rollup(&cells)).iter().any(|outlier| outlier.evidence >= 2.0)
            });
            let share = convicted.count() as f64 / 10_000.0;
            assert!(share <= 0.01, "{edges} edges: {share}");
        }
    }
}
