//! Metrics as they are registered: a name, what it means, and the thing that counts.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::{self, Counter},
        family::Family,
        gauge::{self, Gauge},
        histogram::Histogram,
    },
    registry::{Metric, Registry, Unit},
};
use std::{fmt::Debug, hash::Hash};

/// A registry that hands out what it has registered. Each part of the server registers its own metrics.
pub(crate) struct Catalogue(Registry);

/// The prefix of every metric's name.
const PREFIX: &str = "headroom";

impl Default for Catalogue {
    fn default() -> Self {
        Self(Registry::with_prefix(PREFIX))
    }
}

impl Catalogue {
    pub(crate) fn into_registry(self) -> Registry {
        self.0
    }

    /// What only grows.
    pub(crate) fn counter(&mut self, name: &str, meaning: &str) -> Counter {
        self.registered(name, meaning, Counter::default())
    }

    /// What only grows, measured in `unit`.
    pub(crate) fn counter_of<N, A>(&mut self, unit: Unit, name: &str, meaning: &str) -> Counter<N, A>
    where
        N: Debug + Send + Sync + 'static,
        A: counter::Atomic<N> + Debug + Default + Send + Sync + 'static,
        Counter<N, A>: Metric,
    {
        let counter = Counter::<N, A>::default();
        self.0.register_with_unit(name, meaning, unit, counter.clone());
        counter
    }

    /// What goes up and down.
    pub(crate) fn gauge(&mut self, name: &str, meaning: &str) -> Gauge {
        self.registered(name, meaning, Gauge::default())
    }

    /// Seconds, counted up to each of `bounds`.
    pub(crate) fn seconds<const N: usize>(&mut self, bounds: [f64; N], name: &str, meaning: &str) -> Histogram {
        let histogram = Histogram::new(bounds);
        self.0.register_with_unit(name, meaning, Unit::Seconds, histogram.clone());
        histogram
    }

    /// A counter for each value of a label, in the order of `values`, resolved once.
    pub(crate) fn counters<L: Labels>(
        &mut self,
        values: &[&'static str],
        label: impl Fn(&'static str) -> L,
        name: &str,
        meaning: &str,
    ) -> Box<[Counter]> {
        let family = self.registered(name, meaning, Family::<L, Counter>::default());
        values.iter().map(|&value| family.get_or_create(&label(value)).clone()).collect()
    }

    /// The same for gauges.
    pub(crate) fn gauges<L: Labels, N, A>(
        &mut self,
        values: &[&'static str],
        label: impl Fn(&'static str) -> L,
        name: &str,
        meaning: &str,
    ) -> Vec<Gauge<N, A>>
    where
        N: Debug + Send + Sync + 'static,
        A: gauge::Atomic<N> + Debug + Default + Send + Sync + 'static,
        Family<L, Gauge<N, A>>: Metric,
    {
        let family = self.registered(name, meaning, Family::<L, Gauge<N, A>>::default());
        values.iter().map(|&value| family.get_or_create(&label(value)).clone()).collect()
    }

    fn registered<M: Metric + Clone>(&mut self, name: &str, meaning: &str, metric: M) -> M {
        self.0.register(name, meaning, metric.clone());
        metric
    }
}

/// A set of labels.
pub(crate) trait Labels: Clone + Hash + Eq + EncodeLabelSet + Debug + Send + Sync + 'static {}

impl<L: Clone + Hash + Eq + EncodeLabelSet + Debug + Send + Sync + 'static> Labels for L {}
