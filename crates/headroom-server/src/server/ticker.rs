//! The round of decisions: one shard after the other, all of them once in a tick interval.

use crate::{feedback::Feedback, fleet::FleetSampler, metrics::Catalogue};
use headroom_cluster::{bottleneck::Bottlenecks, engines::Engines, shard::Shards};
use prometheus_client::metrics::histogram::Histogram;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How long ticks take and how far they lie apart, in seconds.
pub(super) struct TickMetrics {
    took: Histogram,
    interval: Histogram,
}

impl TickMetrics {
    pub(super) fn register(all: &mut Catalogue) -> Self {
        Self {
            // Ticks of a shard take microseconds to milliseconds; intervals are configurable from 1 to 5 s.
            took: all.seconds(
                [1e-5, 1e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25],
                "tick",
                "Time one shard took to decide",
            ),
            interval: all.seconds(
                [0.5, 1.0, 1.9, 2.0, 2.05, 2.1, 2.2, 2.5, 3.0, 4.0, 5.0, 5.5, 10.0],
                "tick_interval",
                "Time between two ticks of one shard",
            ),
        }
    }

    fn observe(&self, took: Duration, interval: Option<Duration>) {
        self.took.observe(took.as_secs_f64());
        if let Some(interval) = interval {
            self.interval.observe(interval.as_secs_f64());
        }
    }
}

/// Lets the shards decide one after the other, all of them once in `interval`.
pub(super) async fn run(
    shards: Arc<Shards>,
    bottlenecks: Arc<Bottlenecks>,
    mut sampler: FleetSampler,
    feedback: Arc<Feedback>,
    metrics: TickMetrics,
    interval: Duration,
    shutdown: CancellationToken,
) {
    let engines = Engines::Local(Arc::clone(&shards));
    let count = shards.count();
    let mut step = tokio::time::interval(interval / count as u32);
    // A late step is made up for, so that lateness does not add up over the shards: on a machine that gave the process an
    // eighth of a core, rounds of 2 s took 3.5 s before (docs/speech.md).
    step.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut last: Vec<Option<Instant>> = vec![None; count];
    let mut index = 0;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return sampler.close(&feedback),
            due = step.tick() => {
                // A whole round late: the process was stopped or starved, and what it missed is history.
                if due.elapsed() > interval {
                    step.reset();
                }
            }
        }
        if index == 0 {
            bottlenecks.divide(&engines);
            feedback.tell_conditions();
            sampler.hear(&feedback, shards.now());
            shards.pool_cohorts();
        }
        let began = Instant::now();
        shards.tick(index);
        feedback.relay();
        metrics.observe(began.elapsed(), last[index].replace(began).map(|last| began - last));
        sampler.look(&shards, index);
        index = (index + 1) % count;
    }
}
