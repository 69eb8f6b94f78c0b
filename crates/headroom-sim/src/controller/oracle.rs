//! An oracle: plans a few segments ahead on the true trace. Simulator only; the upper reference of every comparison.

use crate::session::{Choice, Controller, Moment, Player};
use headroom_core::{
    ladder::RungIndex,
    policy::{Evidence, LinearQoe},
};

/// Model-predictive control with perfect knowledge of the link and of the sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Oracle {
    /// What a plan is worth.
    pub objective: LinearQoe,
    /// Segments planned ahead.
    pub horizon: usize,
}

impl Oracle {
    /// The usual oracle: five segments, as the policies it is compared with.
    #[must_use]
    pub fn new(objective: LinearQoe) -> Self {
        Self { objective, horizon: 5 }
    }
}

impl Controller for Oracle {
    fn choose<P: Player>(&mut self, player: &mut P) -> Choice {
        let next = player.next_segment();
        if next == 0 {
            return Choice::at_once(player.first_rung());
        }
        let current = player.view(Evidence::Transfers).current;
        let mut search = Search {
            player,
            objective: self.objective,
            end: (next + self.horizon).min(player.video().segments()),
            best: f64::NEG_INFINITY,
            first: current.unwrap_or(0),
        };
        search.extend(next, player.moment(), current, 0.0, None);
        Choice::at_once(search.first)
    }
}

struct Search<'a, P> {
    player: &'a P,
    objective: LinearQoe,
    /// First segment after the plan.
    end: usize,
    best: f64,
    first: RungIndex,
}

impl<P: Player> Search<'_, P> {
    /// Exhaustive but for branches that cannot reach the best even by climbing to the top rung without a stall.
    fn extend(
        &mut self,
        segment: usize,
        moment: Moment,
        previous: Option<RungIndex>,
        value: f64,
        first: Option<RungIndex>,
    ) {
        if segment == self.end {
            if value > self.best {
                self.best = value;
                self.first = first.unwrap_or(self.first);
            }
            return;
        }
        let ladder = self.player.video().ladder();
        let mbps = |rung| ladder.bitrate(rung).as_mbps();
        for rung in (0..=ladder.top()).rev() {
            let Some((after, step)) = self.player.preview(moment, segment, rung) else {
                continue;
            };
            let change = previous.map_or(0.0, |previous| (mbps(rung) - mbps(previous)).abs());
            let gain =
                mbps(rung) - self.objective.stall_penalty * step.stall_s - self.objective.switch_penalty * change;
            let left = (self.end - segment - 1) as f64;
            let climb = mbps(ladder.top()) - mbps(rung);
            let most = (left * mbps(ladder.top()) - self.objective.switch_penalty * climb).max(left * mbps(rung));
            if value + gain + most > self.best {
                let first = first.or(Some(rung));
                self.extend(segment + 1, after, Some(rung), value + gain, first);
            }
        }
    }
}
