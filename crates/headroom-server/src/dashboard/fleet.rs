//! One frame: everything that is live, counted, as the fleet view and `headroom top` read it.

use crate::stream::Streams;
use headroom_cluster::tick_timing::TickTiming;
use headroom_core::{
    decision::Reason,
    engine::{Census, Counters, DurationHistogram, SessionTotals, StreamCensus},
    telemetry::StreamId,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// Streams in a frame: what fits a screen. All of them come in pages.
const LARGEST: usize = 8;

/// The state of everything at one moment, and the rates since the frame before.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Frame {
    at_us: Timestamp,
    #[serde(flatten)]
    whole: FleetTotals,
    /// Sessions by the reason of the decision in force.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    reasons: Map<String, Value>,
    /// Decisions a second, by reason.
    #[schema(value_type = std::collections::BTreeMap<String, f64>)]
    decisions_per_s: Map<String, Value>,
    samples_per_s: f64,
    emergencies_per_s: f64,
    tick: Tick,
    /// The streams with the most sessions.
    streams: Vec<StreamLine>,
    streams_total: usize,
}

/// What is told of all sessions as of those of one stream.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Whole)]
struct FleetTotals {
    sessions: u64,
    starved: u64,
    paused: u64,
    starting: u64,
    held_down: u64,
    played_kbps: f64,
    stall_ratio: Option<f64>,
    mos: Opinion,
    /// Seconds that 10 %, 50 % and 90 % of the sessions stay below.
    buffer_s: Option<[f64; 3]>,
    latency_s: Option<[f64; 3]>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
struct Opinion {
    mean: Option<f64>,
    /// Sessions in each quarter of a point from 1 to 5.
    quarters: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
struct Tick {
    target_s: f64,
    /// Longest interval between the two latest ticks of a shard.
    interval_s: f64,
    /// Age of the oldest decisions in force.
    decision_age_s: f64,
    /// Longest time a shard took to decide.
    took_ms: f64,
}

/// A stream in a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StreamLine {
    stream: String,
    /// `None` for sessions that no manifest was seen of.
    name: Option<String>,
    format: Option<&'static str>,
    sessions: u64,
    starved: u64,
    held_down: u64,
    mos: Option<f64>,
    stall_ratio: Option<f64>,
    played_kbps: f64,
}

/// All that is known of a stream's live sessions.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StreamView {
    at_us: Timestamp,
    stream: String,
    name: Option<String>,
    format: Option<&'static str>,
    #[serde(flatten)]
    whole: FleetTotals,
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    reasons: Map<String, Value>,
    ladder: Vec<RungView>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
struct RungView {
    kbps: f64,
    height: u16,
    frame_rate: f32,
    playing: u64,
    capped: u64,
}

/// The columns of the fleet's past, one entry a frame: what a page that opens now has missed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FleetPoint {
    pub(crate) at_us: Timestamp,
    pub(crate) sessions: u64,
    pub(crate) starved: u64,
    pub(crate) held_down: u64,
    pub(crate) mos: Option<f64>,
    pub(crate) stall_ratio: Option<f64>,
    pub(crate) played_kbps: f64,
    pub(crate) decisions_per_s: f64,
    pub(crate) decision_age_s: f64,
    pub(crate) interval_s: f64,
    pub(crate) latency_s: Option<f64>,
}

impl Frame {
    /// `before` is the previous count and when it was taken; without one every rate is zero.
    pub(crate) fn new(
        at: Timestamp,
        census: &Census,
        counters: &Counters,
        timing: &TickTiming,
        before: Option<&(Timestamp, Counters)>,
        streams: &Streams,
    ) -> Self {
        let total = census.total();
        let since = |count: fn(&Counters) -> u64| {
            before.map_or(0.0, |(then, earlier)| {
                let seconds = at.since(*then).as_secs_f64();
                if seconds > 0.0 { (count(counters).saturating_sub(count(earlier))) as f64 / seconds } else { 0.0 }
            })
        };
        let seconds = before.map_or(0.0, |(then, _)| at.since(*then).as_secs_f64());
        let mut decisions_per_s = Map::new();
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            let more =
                before.map_or(0, |(_, earlier)| counters.decisions[index].saturating_sub(earlier.decisions[index]));
            if more > 0 && seconds > 0.0 {
                decisions_per_s.insert(reason.name().into(), rounded(more as f64 / seconds, 3).into());
            }
        }
        let mut order: Vec<_> = census.streams.iter().collect();
        order.sort_by_key(|(id, stream)| (std::cmp::Reverse(stream.totals.sessions), **id));
        Self {
            at_us: at,
            whole: FleetTotals::of(&total),
            reasons: by_reason(&total),
            decisions_per_s,
            samples_per_s: rounded(since(|counters| counters.samples), 2),
            emergencies_per_s: rounded(since(|counters| counters.emergencies), 3),
            tick: Tick {
                target_s: timing.target.as_secs_f64(),
                interval_s: rounded(timing.interval.as_secs_f64(), 3),
                decision_age_s: rounded(timing.oldest.as_secs_f64(), 3),
                took_ms: rounded(timing.took.as_secs_f64() * 1e3, 3),
            },
            streams: order.iter().take(LARGEST).map(|(id, stream)| StreamLine::new(**id, stream, streams)).collect(),
            streams_total: census.streams.len(),
        }
    }

    /// What is kept of this frame.
    pub(crate) fn instant(&self) -> FleetPoint {
        FleetPoint {
            at_us: self.at_us,
            sessions: self.whole.sessions,
            starved: self.whole.starved,
            held_down: self.whole.held_down,
            mos: self.whole.mos.mean,
            stall_ratio: self.whole.stall_ratio,
            played_kbps: self.whole.played_kbps,
            decisions_per_s: self.decisions_per_s.values().filter_map(Value::as_f64).sum(),
            decision_age_s: self.tick.decision_age_s,
            interval_s: self.tick.interval_s,
            latency_s: self.whole.latency_s.map(|[_, median, _]| median),
        }
    }
}

impl FleetTotals {
    fn of(totals: &SessionTotals) -> Self {
        Self {
            sessions: totals.sessions,
            starved: totals.starved,
            paused: totals.paused,
            starting: totals.starting,
            held_down: totals.held_down,
            played_kbps: rounded(totals.played.as_kbps(), 1),
            stall_ratio: totals.stall_ratio().map(|ratio| rounded(ratio, 6)),
            mos: Opinion {
                mean: totals.scores.mean().map(|mean| rounded(mean, 3)),
                quarters: totals.scores.quarters.to_vec(),
            },
            buffer_s: deciles(&totals.buffers),
            latency_s: deciles(&totals.latencies),
        }
    }
}

impl StreamLine {
    pub(crate) fn new(id: StreamId, census: &StreamCensus, streams: &Streams) -> Self {
        let (name, format) = streams.name_of(id).unzip();
        let totals = &census.totals;
        Self {
            stream: format!("{:016x}", id.0),
            name,
            format,
            sessions: totals.sessions,
            starved: totals.starved,
            held_down: totals.held_down,
            mos: totals.scores.mean().map(|mean| rounded(mean, 3)),
            stall_ratio: totals.stall_ratio().map(|ratio| rounded(ratio, 6)),
            played_kbps: rounded(totals.played.as_kbps(), 1),
        }
    }
}

impl StreamView {
    pub(crate) fn new(at: Timestamp, id: StreamId, census: &StreamCensus, streams: &Streams) -> Self {
        let (name, format) = streams.name_of(id).unzip();
        let counts = census.playing.iter().zip(&census.capped);
        let ladder = census.ladder.rungs().iter().zip(counts).map(|(rung, (&playing, &capped))| RungView {
            kbps: rung.bitrate.as_kbps(),
            height: rung.height,
            frame_rate: rung.frame_rate,
            playing,
            capped,
        });
        Self {
            at_us: at,
            stream: format!("{:016x}", id.0),
            name,
            format,
            whole: FleetTotals::of(&census.totals),
            reasons: by_reason(&census.totals),
            ladder: ladder.collect(),
        }
    }
}

fn by_reason(totals: &SessionTotals) -> Map<String, Value> {
    let counted = Reason::ALL.into_iter().zip(totals.reasons).filter(|(_, count)| *count > 0);
    counted.map(|(reason, count)| (reason.name().to_owned(), count.into())).collect()
}

fn deciles(durations: &DurationHistogram) -> Option<[f64; 3]> {
    let at = |level| durations.quantile(level).map(|seconds| rounded(seconds, 2));
    Some([at(0.1)?, at(0.5)?, at(0.9)?])
}

/// Frames are read by people: digits nobody sees cost bytes every second.
fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
