//! The rule behind `smooth` and `balanced`: the best expected picture over throughput scenarios, with a way back.
//!
//! For each rung and scenario: the picture of the next segment, less its stall; then the best rung to hold for the rest of the
//! horizon, chosen with the scenario known (recourse): who goes too high can come down, and pays for it with a stall and a
//! switch. Holding one rung for all of it instead is too careful: it plays less picture and switches
//! more often. The picture is worth the logarithm of its bit rate, from 0 at the lowest rung to 1 at the top. A scenario below
//! the forecast's lowest quantile stands for outages, which that does not show.
//! Exact form, sizes and what else was tried: docs/algorithms/headroom.md.

use super::{Segments, View};
use crate::{
    forecast::LEVELS,
    ladder::{Ladder, RungIndex},
    telemetry::Client,
    time::Duration,
};

/// The rule and its prices. Those below were chosen on the tune half of the development traces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recourse {
    /// What a second of stall costs, in seconds of the top rung's picture.
    pub stall_price: f64,
    /// What a change from the lowest to the top rung costs, in segments of the top rung's picture.
    pub switch_price: f64,
    /// Weight of the scenario below the forecast.
    pub tail_weight: f64,
    /// Media planned for, seconds. Horizon and switch price go together: within 6 s no switch at this price pays.
    pub horizon_s: f64,
}

impl Recourse {
    /// The rule of `smooth`: it stalls less than DYNAMIC and shows more picture (docs/benchmarks/steering.md). Two thirds of the
    /// stall price buy a little picture with stalls; half as much tail again costs more picture than it is worth.
    pub const CALM: Self = Self { stall_price: 12.0, switch_price: 3.0, tail_weight: 0.12, horizon_s: 16.0 };

    /// The rule of `balanced`: more picture, for more stalls than `smooth` (docs/benchmarks/steering.md).
    pub const RICH: Self = Self { stall_price: 4.0, switch_price: 3.0, tail_weight: 0.0, horizon_s: 10.0 };
}

/// A switch costs hls.js twice as much: it plays its buffer out before one shows, and its own rule changes rungs a third less often
/// than DYNAMIC does.
const HLS_JS_SWITCHES: f64 = 2.0;
/// Before so many transfers are known a session finds its rung, and what it changes is no unrest …
const FIRST_TRANSFERS: usize = 6;
/// … but costs this much: with the full price it climbs to a steady link's rung one or two segments late, 0.5 to 2.5 % of its bits.
const FIRST_SWITCH_PRICE: f64 = 1.0;

/// Scenarios: the tail and the forecast's quantiles.
const SCENARIOS: usize = LEVELS.len() + 1;

impl Recourse {
    /// The best rung; of equals the lowest. The lowest of all where nothing is forecast.
    #[must_use]
    pub fn best(&self, view: &View<'_>) -> RungIndex {
        let plans = Plans::new(self, view);
        let mut best = (f64::NEG_INFINITY, 0);
        for rung in 0..=view.ladder.top() {
            let value = plans.value(view, rung);
            if value > best.0 {
                best = (value, rung);
            }
        }
        best.1
    }

    fn switch_price_for(&self, view: &View<'_>) -> f64 {
        match view.guidance.client {
            _ if view.history.len() < FIRST_TRANSFERS => FIRST_SWITCH_PRICE.min(self.switch_price),
            Client::HlsJs => HLS_JS_SWITCHES * self.switch_price,
            Client::DashJs | Client::Shaka => self.switch_price,
        }
    }
}

/// What every rung is judged against, prepared once.
struct Plans {
    /// Segments of the horizon after the first.
    later: f64,
    segment_s: f64,
    buffer_s: f64,
    capacity_s: f64,
    /// Weight and seconds a bit takes, of each scenario.
    scenarios: [(f64, f64); SCENARIOS],
    /// Picture of each rung, 0 to 1.
    pictures: [f64; Ladder::MAX_RUNGS],
    /// Bits of a segment of each rung, of those after the first.
    later_bits: [f64; Ladder::MAX_RUNGS],
    /// Price of a second of stall, in pictures of a segment.
    stall_price: f64,
    switch_price: f64,
}

impl Plans {
    fn new(rule: &Recourse, view: &View<'_>) -> Self {
        let segment_s = view.segment_duration.as_secs_f64();
        let count = view.segments_left((rule.horizon_s / segment_s).round().max(1.0) as usize).max(1);
        let quantiles = view.forecast.scenarios(Duration::from_secs_f64(segment_s * count as f64)).map(f64::from);
        // One step further down than the lowest quantile, in logarithms.
        let tail = quantiles[0] * (quantiles[0] / quantiles[1].max(f64::MIN_POSITIVE));
        let scenario = |index: usize| {
            let (weight, kbps) = match index.checked_sub(1) {
                None => (rule.tail_weight, tail),
                Some(level) => ((1.0 - rule.tail_weight) / LEVELS.len() as f64, quantiles[level]),
            };
            (weight, 1.0 / (kbps * 1_000.0).max(1.0))
        };
        let mut plans = Self {
            later: (count - 1) as f64,
            segment_s,
            buffer_s: view.buffer_length.as_secs_f64(),
            capacity_s: view.buffer_capacity.as_secs_f64(),
            scenarios: std::array::from_fn(scenario),
            pictures: [0.0; Ladder::MAX_RUNGS],
            later_bits: [0.0; Ladder::MAX_RUNGS],
            stall_price: rule.stall_price * f64::from(view.weights.stall / view.weights.quality) / segment_s,
            switch_price: rule.switch_price_for(view),
        };
        let kbps = |rung: RungIndex| view.ladder.bitrate(rung).as_kbps();
        let span = (kbps(view.ladder.top()) / kbps(0)).ln().max(f64::MIN_POSITIVE);
        for rung in 0..=view.ladder.top() {
            plans.pictures[usize::from(rung)] = (kbps(rung) / kbps(0)).ln() / span;
            plans.later_bits[usize::from(rung)] = later_bits(view, rung, count);
        }
        plans
    }

    /// Expected value of fetching `rung` next.
    fn value(&self, view: &View<'_>, rung: RungIndex) -> f64 {
        let (picture, bits) = (self.pictures[usize::from(rung)], view.segment_bits(0, rung));
        let mut value = 0.0;
        for (weight, seconds_per_bit) in self.scenarios.into_iter().filter(|&(weight, _)| weight > 0.0) {
            let transfer_s = bits * seconds_per_bit;
            let first = picture - self.stall_price * positive(transfer_s - self.buffer_s);
            let buffer_s = (positive(self.buffer_s - transfer_s) + self.segment_s).min(self.capacity_s);
            value += weight * (first + self.best_rest(view, picture, buffer_s, seconds_per_bit));
        }
        let change = view.current.map_or(0.0, |current| (picture - self.pictures[usize::from(current)]).abs());
        value - self.switch_price * change
    }

    /// Value of the best rung to hold after one of `picture`, from `buffer_s`, in a scenario that is known by then.
    fn best_rest(&self, view: &View<'_>, picture: f64, buffer_s: f64, seconds_per_bit: f64) -> f64 {
        if self.later <= 0.0 {
            return 0.0;
        }
        let mut best = f64::NEG_INFINITY;
        for rung in 0..view.ladder.rungs().len() {
            let transfer_s = self.later_bits[rung] * seconds_per_bit;
            // The first of them drains the buffer; when transfers outlast segments every later one drains it more.
            let drained_s = transfer_s + (self.later - 1.0) * positive(transfer_s - self.segment_s);
            let held = self.pictures[rung];
            let value = self.later * held
                - self.stall_price * positive(drained_s - buffer_s)
                - self.switch_price * (held - picture).abs();
            best = if value > best { value } else { best };
        }
        best
    }
}

/// Mean size of the segments of a plan of `count` but the first.
fn later_bits(view: &View<'_>, rung: RungIndex, count: usize) -> f64 {
    match view.segments {
        Segments::Known(_) if count > 1 => {
            (1..count).map(|ahead| view.segment_bits(ahead, rung)).sum::<f64>() / (count - 1) as f64
        }
        _ => view.segment_bits(0, rung),
    }
}

/// `max(0)` for numbers known to be numbers: one instruction, where `f64::max` must also sort out NaN.
fn positive(value: f64) -> f64 {
    if value > 0.0 { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        forecast::{Forecast, History},
        policy::{Guidance, Weights},
        time::Timestamp,
        units::Bitrate,
    };

    /// What a session that plays `current` from a buffer of 5 s would do, with a forecast of `median` and neighbouring quantiles
    /// a factor `spread` apart.
    fn best(rule: Recourse, client: Client, median: f32, spread: f32, current: RungIndex, transfers: u64) -> RungIndex {
        let mut history = History::default();
        (0..transfers).for_each(|_| history.push(Bitrate::kbps(1), Duration::from_secs(1)));
        let quantiles: [f32; 5] = std::array::from_fn(|level| median * spread.powi(level as i32 - 2));
        let view = View {
            now: Timestamp::EPOCH,
            ladder: &Ladder::default(),
            segment_duration: Duration::from_secs(2),
            segments: Segments::Nominal,
            buffer_length: Duration::from_secs(5),
            buffer_capacity: Duration::from_secs(6),
            current: Some(current),
            live_latency: None,
            history: &history,
            forecast: &Forecast { quantiles_kbps: [quantiles; 3] },
            weights: Weights::default(),
            guidance: Guidance { client, ..Guidance::default() },
        };
        rule.best(&view)
    }

    #[test]
    fn follows_the_forecast_and_its_spread() {
        let calm = |median, spread, current| best(Recourse::CALM, Client::DashJs, median, spread, current, 8);
        // Rungs of the default ladder: 0.4, 0.8, 1.6, 3, 5, 8, 12, 20 Mbit/s.
        assert_eq!(calm(9_000.0, 1.0, 5), 5, "a steady link is taken at its word");
        assert_eq!(calm(40_000.0, 1.2, 5), 7, "room up to the top");
        assert!(calm(9_000.0, 1.7, 5) < 5, "the same median, but it may be a third of that");
        assert_eq!(calm(300.0, 1.2, 5), 0, "less than the lowest rung");
        assert_eq!(calm(9_000.0, 1.3, 4), 4, "a rung more is not worth the switch where it may have to come back");
        assert!(best(Recourse::RICH, Client::DashJs, 9_000.0, 1.4, 5, 8) >= calm(9_000.0, 1.4, 5), "rich is no calmer");
    }

    #[test]
    fn a_switch_costs_hls_js_more_and_a_beginner_less() {
        let rises = |client, transfers| {
            (0..60)
                .map(|step| 5_000.0 * 1.02_f32.powi(step))
                .find(|&kbps| best(Recourse::CALM, client, kbps, 1.2, 4, transfers) > 4)
        };
        let (young, dash, hls) = (rises(Client::DashJs, 5), rises(Client::DashJs, 6), rises(Client::HlsJs, 6));
        assert!(young < dash && dash < hls, "{young:?} {dash:?} {hls:?}");
    }
}
