//! A census: all live sessions counted, by stream, for people who look at the whole rather than at one viewer.
//!
//! One pass over the records without forecasting, so that it may be taken every second. Censuses of several engines add up.

use super::{
    Engine,
    streams::{Streams, Target},
};
use crate::{
    decision::Reason,
    ladder::Ladder,
    session::{NO_RUNG, Record},
    telemetry::StreamId,
    time::Duration,
    units::{Bitrate, Mos},
};
use std::collections::BTreeMap;

/// The live sessions of one or more engines, counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Census {
    /// By what they play; sessions of unknown streams are under [`StreamId::UNKNOWN`].
    pub streams: BTreeMap<StreamId, StreamCensus>,
}

/// The live sessions of one stream, counted.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamCensus {
    /// What the stream offers.
    pub ladder: Ladder,
    /// Sums over the sessions.
    pub totals: SessionTotals,
    /// Sessions that play each rung, in the order of the ladder; those that do not report it are in none.
    pub playing: Vec<u64>,
    /// Sessions capped at each rung; those without a cap are in none.
    pub capped: Vec<u64>,
}

/// Sums over sessions. They add up, whatever the streams.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionTotals {
    /// Live sessions.
    pub sessions: u64,
    /// Sessions whose latest report has a buffer that ran dry.
    pub starved: u64,
    /// Paused by the viewer.
    pub paused: u64,
    /// Before their first second of media.
    pub starting: u64,
    /// Capped below the top of the ladder.
    pub held_down: u64,
    /// Sum of the bit rates played, of sessions that are not paused.
    pub played: Bitrate,
    /// Time since each session's first report, until its latest.
    pub watched: Duration,
    /// Time stalled, as reported.
    pub stalled: Duration,
    /// ScoreHistogram of the viewers' likely opinion.
    pub scores: ScoreHistogram,
    /// Media ahead of the playhead.
    pub buffers: DurationHistogram,
    /// Distance behind live.
    pub latencies: DurationHistogram,
    /// Sessions by the reason of the decision in force, in the order of [`Reason::ALL`].
    pub reasons: [u64; Reason::ALL.len()],
}

/// Opinion scores by quarters of a point, from 1 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreHistogram {
    /// Sessions in each quarter: `1.00..1.25` first, `4.75..=5.00` last.
    pub quarters: [u64; Self::QUARTERS],
    sum: f64,
}

/// DurationHistogram of time by half seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct DurationHistogram {
    halves: [u64; Self::HALVES],
}

impl SessionTotals {
    /// Share of the time watched that was stalled; `None` before anything was watched.
    #[must_use]
    pub fn stall_ratio(&self) -> Option<f64> {
        let watched = self.watched.as_secs_f64();
        (watched > 0.0).then(|| (self.stalled.as_secs_f64() / watched).min(1.0))
    }

    fn count(&mut self, record: &Record, target: &Target) {
        let ladder = &target.settings.ladder;
        self.sessions += 1;
        self.starved += u64::from(record.starved());
        self.paused += u64::from(record.paused());
        self.starting += u64::from(record.starting());
        self.held_down += u64::from(record.cap != NO_RUNG && record.cap < ladder.top());
        if let Some(rung) = record.playing(ladder).filter(|_| !record.paused()) {
            self.played = sum(self.played, ladder.bitrate(rung));
        }
        self.watched = self.watched + record.last_seen.since(record.started);
        self.stalled = self.stalled + Duration::from_millis(u64::from(record.stall_ms));
        if let Some(score) = record.score() {
            self.scores.count(score);
        }
        if let Some(buffer) = record.buffer_length() {
            self.buffers.count(buffer);
        }
        if let Some(latency) = record.live_latency() {
            self.latencies.count(latency);
        }
        self.reasons[record.reason as usize] += 1;
    }

    /// Adds the sessions of another totals.
    pub fn add(&mut self, more: &Self) {
        self.sessions += more.sessions;
        self.starved += more.starved;
        self.paused += more.paused;
        self.starting += more.starting;
        self.held_down += more.held_down;
        self.played = sum(self.played, more.played);
        self.watched = self.watched + more.watched;
        self.stalled = self.stalled + more.stalled;
        self.scores.sum += more.scores.sum;
        add_each(&mut self.scores.quarters, &more.scores.quarters);
        add_each(&mut self.buffers.halves, &more.buffers.halves);
        add_each(&mut self.latencies.halves, &more.latencies.halves);
        add_each(&mut self.reasons, &more.reasons);
    }
}

impl ScoreHistogram {
    const QUARTERS: usize = 16;

    fn count(&mut self, score: Mos) {
        let score = f64::from(score.get());
        self.sum += score;
        self.quarters[(((score - 1.0) * 4.0) as usize).min(Self::QUARTERS - 1)] += 1;
    }

    /// Mean; `None` without a score.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count: u64 = self.quarters.iter().sum();
        (count > 0).then(|| self.sum / count as f64)
    }
}

impl Default for DurationHistogram {
    fn default() -> Self {
        Self { halves: [0; Self::HALVES] }
    }
}

impl DurationHistogram {
    /// Beyond 32 s there is one class: a viewer that far behind is not live.
    const HALVES: usize = 64;

    fn count(&mut self, span: Duration) {
        self.halves[((span.as_secs_f64() * 2.0) as usize).min(Self::HALVES - 1)] += 1;
    }

    /// Seconds that a share `level` (0 to 1) of the sessions stays below, linear within half a second; `None` when none
    /// was reported.
    #[must_use]
    pub fn quantile(&self, level: f64) -> Option<f64> {
        let count: u64 = self.halves.iter().sum();
        let rank = level * count as f64;
        let mut below = 0.0;
        for (index, &here) in self.halves.iter().enumerate() {
            let here = here as f64;
            if here > 0.0 && below + here >= rank {
                return Some((index as f64 + (rank - below) / here) * 0.5);
            }
            below += here;
        }
        None
    }
}

impl StreamCensus {
    fn new(ladder: &Ladder) -> Self {
        let rungs = ladder.rungs().len();
        Self {
            ladder: ladder.clone(),
            totals: SessionTotals::default(),
            playing: vec![0; rungs],
            capped: vec![0; rungs],
        }
    }

    fn count(&mut self, record: &Record, target: &Target) {
        self.totals.count(record, target);
        if let Some(rung) = record.playing(&target.settings.ladder) {
            self.playing[usize::from(rung)] += 1;
        }
        if let Some(capped) = self.capped.get_mut(usize::from(record.cap)) {
            *capped += 1;
        }
    }
}

impl Census {
    /// Adds the sessions of another engine.
    pub fn add(&mut self, more: Self) {
        for (stream, more) in more.streams {
            match self.streams.entry(stream) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(more);
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    let sum = entry.get_mut();
                    sum.totals.add(&more.totals);
                    // Engines learn of a new ladder one after the other; for that moment its rungs cannot be told apart.
                    if sum.ladder == more.ladder {
                        add_each(&mut sum.playing, &more.playing);
                        add_each(&mut sum.capped, &more.capped);
                    }
                }
            }
        }
    }

    /// All streams together.
    #[must_use]
    pub fn total(&self) -> SessionTotals {
        let mut total = SessionTotals::default();
        for stream in self.streams.values() {
            total.add(&stream.totals);
        }
        total
    }
}

impl Engine {
    /// Counts the live sessions. Costs a pass over them, some ten nanoseconds each.
    #[must_use]
    pub fn census(&self) -> Census {
        let mut counted: BTreeMap<u16, StreamCensus> = BTreeMap::new();
        let streams: &Streams = &self.streams;
        for record in self.table.records() {
            let target = streams.target(record.stream);
            let here = counted.entry(record.stream).or_insert_with(|| StreamCensus::new(&target.settings.ladder));
            here.count(record, target);
        }
        let named = counted.into_iter().map(|(position, census)| (streams.target(position).stream, census));
        Census { streams: named.collect() }
    }

    /// What a stream offers; the default ladder where the stream is not known.
    #[must_use]
    pub fn ladder(&self, stream: StreamId) -> &Ladder {
        &self.streams.known(stream).settings.ladder
    }
}

fn sum(left: Bitrate, right: Bitrate) -> Bitrate {
    Bitrate::bps(left.as_bps().saturating_add(right.as_bps()))
}

fn add_each(sums: &mut [u64], more: &[u64]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Config, Input},
        telemetry::{Player, Report, Sample, SessionId},
        time::Timestamp,
    };

    fn sample(session: u64, stream: u64, second: u64, player: Player) -> Input {
        let at = Timestamp::from_millis(second * 1_000);
        Input::Sample(Sample {
            session: SessionId(session),
            stream: StreamId(stream),
            at,
            report: Report::Player(player),
        })
    }

    fn playing(kbps: u64, buffer_s: u64) -> Player {
        Player {
            encoded_bitrate: Some(Bitrate::kbps(kbps)),
            buffer_length: Some(Duration::from_secs(buffer_s)),
            live_latency: Some(Duration::from_secs(4)),
            ..Player::default()
        }
    }

    #[test]
    fn every_session_is_counted_once_where_it_plays() {
        let mut engine = Engine::new(Config::default());
        let top = engine.ladder(StreamId::UNKNOWN).bitrate(engine.ladder(StreamId::UNKNOWN).top());
        for session in 0..10 {
            let kbps = if session < 3 { 300 } else { top.as_kbps() as u64 };
            engine.handle_input(sample(session, 1 + session % 2, 1, playing(kbps, session)));
            engine.handle_input(sample(session, 1 + session % 2, 11, playing(kbps, session)));
        }
        let stalled =
            Player { starvation_duration: Some(Duration::from_secs(2)), buffer_starvation: true, ..Player::default() };
        engine.handle_input(sample(4, 1, 12, stalled));
        let census = engine.census();
        let total = census.total();
        assert_eq!(total.sessions, 10);
        assert_eq!(total.starved, 1);
        assert_eq!(total.reasons.iter().sum::<u64>(), 10);
        assert_eq!(total.scores.quarters.iter().sum::<u64>(), 10);
        assert!((total.stall_ratio().unwrap() - 2.0 / 101.0).abs() < 1e-6, "{:?}", total.stall_ratio());
        assert_eq!(total.latencies.quantile(0.5).map(|seconds| seconds.round()), Some(4.0));
        assert_eq!(census.streams.values().map(|stream| stream.playing.iter().sum::<u64>()).sum::<u64>(), 10);
        assert_eq!(census.streams[&StreamId(1)].playing.last(), Some(&3));
    }

    #[test]
    fn censuses_of_parts_add_up_to_the_census_of_all() {
        let (mut whole, mut parts) = (Engine::new(Config::default()), [0, 1].map(|_| Engine::new(Config::default())));
        for session in 0..40_u64 {
            let input = sample(session, session % 3, 1, playing(300 + 100 * session, session % 9));
            parts[(session % 2) as usize].handle_input(input.clone());
            whole.handle_input(input);
        }
        let [mut sum, more] = parts.map(|part| part.census());
        sum.add(more);
        assert_eq!(sum, whole.census());
    }

    #[test]
    fn quantiles_lie_within_their_half_second() {
        let mut spans = DurationHistogram::default();
        assert_eq!(spans.quantile(0.5), None);
        for tenths in 0..100_u64 {
            spans.count(Duration::from_millis(tenths * 100));
        }
        for level in [0.1, 0.5, 0.9] {
            let found = spans.quantile(level).unwrap();
            assert!((found - 10.0 * level).abs() < 0.06, "{level}: {found}");
        }
        spans.count(Duration::from_secs(3_600));
        assert_eq!(spans.quantile(1.0), Some(32.0));
    }
}
