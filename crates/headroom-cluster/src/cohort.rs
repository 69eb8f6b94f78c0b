//! Cohorts over all shards.
//!
//! Sessions that share a stream and a network are spread over many engines, each of which sees a few of them. Every round of
//! ticks their pools are added up here. An engine is told the sum when a session comes that may need it, and when a cohort
//! falls. What it is told is an input like any other: recorded, and replayed.

use crate::lock::{read_locked, write_locked};
use headroom_core::{
    engine::CohortPool,
    forecast::CohortForecast,
    telemetry::{NetworkId, StreamId},
    time::Timestamp,
};
use std::{collections::BTreeMap, sync::RwLock};

/// What every cohort leads to expect, as of the last round.
#[derive(Default)]
pub(crate) struct Cohorts(RwLock<BTreeMap<Key, CohortForecast>>);

type Key = (StreamId, NetworkId);

impl Cohorts {
    /// What sessions of this stream and network lead to expect.
    pub(crate) fn forecast(&self, stream: StreamId, network: NetworkId) -> Option<CohortForecast> {
        read_locked(&self.0).get(&(stream, network)).copied()
    }

    /// Adds up the pools that `shards` hold at `now`, each with the index of its shard. Returns the cohorts that fall, each
    /// with a shard that holds some of it.
    pub(crate) fn add_up(
        &self,
        shards: impl Iterator<Item = (usize, Vec<CohortPool>)>,
        now: Timestamp,
    ) -> Vec<(usize, Key, CohortForecast)> {
        let mut sums: BTreeMap<Key, CohortPool> = BTreeMap::new();
        let mut homes: Vec<(usize, Key)> = Vec::new();
        for (index, pools) in shards {
            for part in pools {
                let key = (part.stream, part.network);
                homes.push((index, key));
                match sums.get_mut(&key) {
                    Some(sum) => {
                        sum.members += part.members;
                        sum.pool.merge(&part.pool);
                    }
                    None => {
                        sums.insert(key, part);
                    }
                }
            }
        }
        let forecasts: BTreeMap<Key, CohortForecast> =
            sums.iter().filter_map(|(&key, sum)| Some((key, sum.forecast(now)?))).collect();
        homes.retain(|(_, key)| forecasts.get(key).is_some_and(|forecast| forecast.fall < 0.0));
        let falling = homes.into_iter().map(|(index, key)| (index, key, forecasts[&key])).collect();
        *write_locked(&self.0) = forecasts;
        falling
    }
}
