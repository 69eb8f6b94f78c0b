//! What the sessions behind a bottleneck could use of it.

use headroom_core::{
    allocation::Demand,
    ladder::{Ladder, RungIndex},
};
use std::collections::BTreeMap;

/// The sessions of one stream in one shard that share a bottleneck.
pub struct DemandSet {
    ladders: Vec<Ladder>,
    /// Which ladder, how far up, and how heavy.
    members: Vec<(usize, RungIndex, f64)>,
}

impl DemandSet {
    /// Copies what `demands` borrow from an engine, so that its lock can be let go.
    pub(crate) fn of<'a>(demands: impl Iterator<Item = Demand<'a>>) -> Self {
        let (mut ladders, mut positions) = (Vec::new(), BTreeMap::new());
        let members = demands.map(|demand| {
            // Sessions of a stream share their ladder, so its place tells it apart.
            let position = *positions.entry(std::ptr::from_ref(demand.ladder)).or_insert_with(|| {
                ladders.push(demand.ladder.clone());
                ladders.len() - 1
            });
            (position, demand.limit, demand.weight)
        });
        let members = members.collect();
        Self { ladders, members }
    }

    /// What each member could use, in the order of the engine.
    pub(crate) fn demands(&self) -> impl Iterator<Item = Demand<'_>> {
        self.members.iter().map(|&(ladder, limit, weight)| Demand { ladder: &self.ladders[ladder], limit, weight })
    }

    /// Number of members.
    pub(crate) const fn len(&self) -> usize {
        self.members.len()
    }
}
