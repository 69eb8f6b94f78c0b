//! Bottlenecks of known capacity over all shards.
//!
//! An engine divides a capacity among its own sessions. There are many engines, so the capacity is first divided by the
//! same rule ([`allocate`]) over the sessions of all of them, and each engine is told the sum of what its sessions got.
//! What an engine is told is an input like any other: recorded, and replayed.

use crate::{demands::DemandSet, engines::Engines, lock::locked};
use headroom_core::{
    allocation::{Demand, allocate},
    ladder::RungIndex,
    telemetry::StreamId,
    units::Bitrate,
};
use std::{collections::BTreeMap, sync::Mutex};

/// Bottlenecks known at most: each costs a walk over its sessions at every round of ticks.
const MAX_BOTTLENECKS: usize = 256;

/// Too many bottlenecks.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{MAX_BOTTLENECKS} bottlenecks are known")]
pub struct TooManyBottlenecks;

/// The known bottlenecks, by the name of the stream behind them; `None` for everyone.
#[derive(Debug, Default)]
pub struct Bottlenecks(Mutex<BTreeMap<Option<String>, BottleneckEntry>>);

/// A bottleneck and how its capacity was divided last.
#[derive(Debug, Clone, PartialEq)]
pub struct Bottleneck {
    /// Whose sessions share it; `None` for everyone's.
    pub stream: Option<String>,
    /// What its sessions have together.
    pub capacity: Bitrate,
    /// Sessions behind it at the last division.
    pub sessions: usize,
    /// What they would use were it wide enough.
    pub demand: Bitrate,
    /// What they were given together; more than the capacity when even the lowest rungs do not fit.
    pub allocated: Bitrate,
}

#[derive(Debug)]
struct BottleneckEntry {
    bottleneck: Bottleneck,
    /// Every identifier of the stream; for everyone just `None`.
    streams: Vec<Option<StreamId>>,
    /// What each engine was told last, by shard and stream.
    told: BTreeMap<(usize, Option<StreamId>), Bitrate>,
}

impl Bottlenecks {
    /// Sets the capacity that the sessions of `streams`, or everyone's, share, and divides it at once.
    pub fn set(
        &self,
        name: Option<String>,
        streams: Option<Vec<StreamId>>,
        capacity: Bitrate,
        engines: &Engines,
    ) -> Result<Bottleneck, TooManyBottlenecks> {
        let mut known = locked(&self.0);
        if known.len() >= MAX_BOTTLENECKS && !known.contains_key(&name) {
            return Err(TooManyBottlenecks);
        }
        let entry = known.entry(name.clone()).or_insert_with(|| BottleneckEntry {
            bottleneck: Bottleneck {
                stream: name,
                capacity,
                sessions: 0,
                demand: Bitrate::ZERO,
                allocated: Bitrate::ZERO,
            },
            streams: streams.map_or_else(|| vec![None], |streams| streams.into_iter().map(Some).collect()),
            told: BTreeMap::new(),
        });
        entry.bottleneck.capacity = capacity;
        entry.divide(engines);
        Ok(entry.bottleneck.clone())
    }

    /// Forgets a capacity. Whether it was known.
    pub fn forget(&self, name: Option<&str>, engines: &Engines) -> bool {
        let mut known = locked(&self.0);
        let Some(gone) = known.remove(&name.map(str::to_owned)) else { return false };
        for (shard, stream) in gone.told.into_keys() {
            engines.tell_capacity(shard, stream, None);
        }
        true
    }

    /// Divides every capacity anew: sessions come, go, and need more or less.
    pub fn divide(&self, engines: &Engines) {
        let mut known = locked(&self.0);
        known.values_mut().for_each(|known| known.divide(engines));
    }

    /// All of them.
    pub fn listed(&self) -> Vec<Bottleneck> {
        let known = locked(&self.0);
        known.values().map(|known| known.bottleneck.clone()).collect()
    }
}

impl BottleneckEntry {
    fn divide(&mut self, engines: &Engines) {
        let places: Vec<_> =
            (0..engines.count()).flat_map(|shard| self.streams.iter().map(move |&stream| (shard, stream))).collect();
        let sets: Vec<DemandSet> = places.iter().map(|&(shard, stream)| engines.demands(shard, stream)).collect();
        let demands: Vec<Demand<'_>> = sets.iter().flat_map(DemandSet::demands).collect();
        let capacity = self.bottleneck.capacity;
        let rungs = allocate(capacity, &demands);
        let bps = |(demand, &rung): (&Demand<'_>, &RungIndex)| demand.ladder.bitrate(rung).as_bps();
        let wanted: u64 = demands.iter().map(|demand| demand.ladder.bitrate(demand.limit).as_bps()).sum();
        // What nobody wants is parted too: an engine may give it to those that come before the next division.
        let spare = capacity.as_bps().saturating_sub(wanted) / (places.len() as u64).max(1);
        let mut rest = rungs.as_slice();
        let mut allocated = 0;
        for (place, set) in places.into_iter().zip(&sets) {
            let (own, others) = rest.split_at(set.len());
            rest = others;
            let demands: Vec<Demand<'_>> = set.demands().collect();
            let sum: u64 = demands.iter().zip(own).map(bps).sum();
            allocated += sum;
            let share = Bitrate::bps(sum + spare);
            if self.told.insert(place, share) != Some(share) {
                engines.tell_capacity(place.0, place.1, Some(share));
            }
        }
        self.bottleneck.sessions = demands.len();
        self.bottleneck.demand = Bitrate::bps(wanted);
        self.bottleneck.allocated = Bitrate::bps(allocated);
    }
}
