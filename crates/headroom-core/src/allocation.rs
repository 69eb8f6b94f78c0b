//! Dividing a bottleneck whose capacity is known among the sessions behind it.
//!
//! Maximises Σ weight · ln(bit rate), the proportionally fair division of Kelly, Maulloo and Tan (1998), over ladders:
//! one price per bit is found by bisection at which everybody's own best choice fits the capacity together; what is
//! left over is spent on the next best steps. Sessions alike are treated alike, but for that last step.

use crate::{
    ladder::{Ladder, RungIndex},
    time::{Duration, Timestamp},
    units::Bitrate,
};
use std::collections::VecDeque;

/// What one session could use.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// Its choices.
    pub ladder: &'a Ladder,
    /// The largest rung that its own link, screen and orders allow: more would be wasted on it.
    pub limit: RungIndex,
    /// How much its quality counts against others'; 1 is neutral.
    pub weight: f64,
}

impl Demand<'_> {
    /// Utility gained per bit by the step up to `rung`.
    fn worth_of_step(&self, rung: RungIndex) -> f64 {
        let (from, to) = (self.bps(rung - 1), self.bps(rung));
        self.weight * (to / from).ln() / (to - from)
    }

    /// The best rung when a bit costs `price`: steps are worth less the higher they are, so climb while they pay.
    fn best_at(&self, price: f64) -> RungIndex {
        (1..=self.limit).take_while(|&rung| self.worth_of_step(rung) >= price).last().unwrap_or(0)
    }

    fn bps(&self, rung: RungIndex) -> f64 {
        self.ladder.bitrate(rung).as_bps() as f64
    }
}

/// Halvings of the price interval: 60 take any interval to the resolution of `f64`.
const HALVINGS: usize = 60;

/// A rung for each demand, together within `capacity`; everybody keeps at least the lowest.
#[must_use]
pub fn allocate(capacity: Bitrate, demands: &[Demand<'_>]) -> Vec<RungIndex> {
    let capacity = capacity.as_bps() as f64;
    let used = |price: f64| demands.iter().map(|demand| demand.bps(demand.best_at(price))).sum::<f64>();
    if used(0.0) <= capacity {
        return demands.iter().map(|demand| demand.limit).collect();
    }
    // No session climbs at a price above the highest worth of any step.
    let first_steps = demands.iter().filter(|demand| demand.limit > 0).map(|demand| demand.worth_of_step(1));
    let (mut low, mut high) = (0.0, first_steps.fold(0.0, f64::max) * 2.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if used(middle) > capacity { low = middle } else { high = middle }
    }
    let mut rungs: Vec<RungIndex> = demands.iter().map(|demand| demand.best_at(high)).collect();
    spend_rest(capacity - used(high), demands, &mut rungs);
    rungs
}

/// Gives single steps to those whose next step is worth most, as long as one fits.
fn spend_rest(mut rest: f64, demands: &[Demand<'_>], rungs: &mut [RungIndex]) {
    let mut steps: Vec<(f64, usize)> = demands
        .iter()
        .zip(rungs.iter())
        .enumerate()
        .filter(|(_, (demand, rung))| **rung < demand.limit)
        .map(|(index, (demand, rung))| (demand.worth_of_step(rung + 1), index))
        .collect();
    // Equal worth is settled by position: the same input gives the same output.
    steps.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, index) in steps {
        let (demand, rung) = (&demands[index], rungs[index]);
        let cost = demand.bps(rung + 1) - demand.bps(rung);
        if cost <= rest {
            rest -= cost;
            rungs[index] += 1;
        }
    }
}

/// What a bottleneck is reckoned to carry, from what it carried lately: the most within [`CapacityEstimate::MEMORY`].
///
/// A capacity that jumps is divided a tick late: shares of the last low hold everybody down after it is over. On links that jump,
/// shares of the last 2 s cost up to two thirds of the QoE, shares of the most in 10 s at most 4 % (docs/benchmarks/steering.md).
#[derive(Clone, Debug, Default)]
pub struct CapacityEstimate {
    /// What was carried and when; what a later one exceeds is left out, so the most is the first.
    most: VecDeque<(Timestamp, Bitrate)>,
}

impl CapacityEstimate {
    /// How long what was carried counts: five ticks.
    pub const MEMORY: Duration = Duration::from_secs(10);

    /// Takes in what was carried until `at`, not before the last such time, and gives the estimate.
    pub fn observe(&mut self, at: Timestamp, carried: Bitrate) -> Bitrate {
        while self.most.back().is_some_and(|&(_, earlier)| earlier <= carried) {
            self.most.pop_back();
        }
        self.most.push_back((at, carried));
        while self.most.front().is_some_and(|&(when, _)| at.since(when) >= Self::MEMORY) {
            self.most.pop_front();
        }
        self.most.front().map_or(carried, |&(_, most)| most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_of_ten_seconds_is_the_estimate() {
        let mut estimate = CapacityEstimate::default();
        // (second, carried, estimate), Mbit/s
        for (second, carried, expected) in
            [(0, 50, 50), (2, 20, 50), (4, 30, 50), (6, 10, 50), (8, 10, 50), (10, 10, 30), (14, 10, 10), (16, 90, 90)]
        {
            let told = estimate.observe(Timestamp::from_millis(second * 1_000), Bitrate::mbps(carried));
            assert_eq!(told, Bitrate::mbps(expected), "second {second}");
        }
        assert!(estimate.most.len() <= 5);
    }

    fn total(ladder: &Ladder, rungs: &[RungIndex]) -> u64 {
        rungs.iter().map(|&rung| ladder.bitrate(rung).as_bps() / 1_000).sum()
    }

    #[test]
    fn divides_what_there_is_and_wastes_nothing_on_slow_links() {
        let ladder = Ladder::default();
        let demand = |limit, weight| Demand { ladder: &ladder, limit, weight };
        // capacity in kbit/s, (limit, weight) of each session, rungs expected
        type Case = (u64, &'static [(u8, f64)], &'static [u8]);
        let cases: [Case; 6] = [
            (1_000_000, &[(7, 1.0), (3, 1.0)], &[7, 3]),
            (10_000, &[(7, 1.0), (7, 1.0)], &[4, 4]),
            (10_000, &[(7, 1.0), (1, 1.0)], &[5, 1]),
            (100, &[(7, 1.0), (7, 1.0)], &[0, 0]),
            (8_000, &[(7, 1.0), (7, 1.0)], &[4, 3]),
            (10_000, &[(7, 4.0), (7, 1.0)], &[5, 2]),
        ];
        for (kbps, sessions, expected) in cases {
            let demands: Vec<_> = sessions.iter().map(|&(limit, weight)| demand(limit, weight)).collect();
            assert_eq!(allocate(Bitrate::kbps(kbps), &demands), expected, "{kbps} kbit/s among {sessions:?}");
        }
    }

    #[test]
    fn never_exceeds_the_capacity_and_comes_near_it() {
        let ladder = Ladder::default();
        let demands: Vec<_> =
            (0..64_u8).map(|index| Demand { ladder: &ladder, limit: index % 8, weight: 1.0 }).collect();
        let floor = total(&ladder, &[0; 64]);
        for kbps in (floor..400_000).step_by(1_237) {
            let rungs = allocate(Bitrate::kbps(kbps), &demands);
            assert!(total(&ladder, &rungs) <= kbps, "{kbps}");
            let greedy_is_content = demands.iter().zip(&rungs).all(|(demand, &rung)| {
                let rest = kbps - total(&ladder, &rungs);
                rung == demand.limit
                    || ladder.bitrate(rung + 1).as_bps() / 1_000 > rest + ladder.bitrate(rung).as_bps() / 1_000
            });
            let used = total(&ladder, &rungs) as f64 / kbps as f64;
            assert!(greedy_is_content || used > 0.97, "{kbps}: {used}");
        }
    }
}
