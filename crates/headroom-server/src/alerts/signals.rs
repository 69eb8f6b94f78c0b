//! From what was surveyed to what rules look at.

use super::{
    evaluate::Reading,
    outliers::outliers,
    rules::Signal,
    shift::{CERTAIN, Shift},
};
use crate::{bottleneck::Listed, calendar::rfc3339, fleet::Round, rollup::Cell};
use headroom_core::{
    telemetry::{Encoder, StreamId},
    time::Timestamp,
};
use std::collections::{BTreeMap, VecDeque};

/// Rounds of a minute.
const ROUNDS: usize = 6;

/// Streams watched one by one: those with most sessions.
const MAX_STREAMS: usize = 1_000;

/// Share of a new value in what is usual for a publisher: a half-life of seven minutes of rounds.
const USUAL: f64 = 1.0 / 60.0;

/// Rounds until it is known what is usual for a publisher.
const LEARNING: u32 = 12;

/// A publisher's report is news for this long, s.
const FRESH_S: f64 = 30.0;

/// Deviations of a minute's stall ratio, and of its median opinion score, that nobody would feel.
const LEAST_STALL: f64 = 0.002;
const LEAST_OPINION: f64 = 0.05;

/// What people call what rounds know by number.
pub(crate) struct Names<'a> {
    pub(crate) stream: &'a dyn Fn(StreamId) -> String,
    pub(crate) network: &'a dyn Fn(u16) -> String,
    /// This edge.
    pub(crate) edge: &'a str,
}

/// The last report of each stream's publisher.
pub(crate) type Encoders = BTreeMap<StreamId, (Timestamp, Encoder)>;

/// Keeps a minute of rounds, and what is usual for each publisher.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    rounds: VecDeque<BTreeMap<StreamId, Cell>>,
    usual: BTreeMap<(StreamId, Signal), Usual>,
    shifts: BTreeMap<(StreamId, Signal), Shift>,
    /// Rounds read.
    count: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Usual {
    level: f64,
    seen: u32,
    last: f64,
}

impl Signals {
    /// The readings of a round.
    pub(crate) fn read(
        &mut self,
        round: &Round,
        encoders: &Encoders,
        bottlenecks: &[Listed],
        lag_ratio: f64,
        names: &Names<'_>,
    ) -> Vec<Reading> {
        let name = names.stream;
        let mut readings = Vec::new();
        self.count += 1;
        self.rounds.push_back(round.rollup.by_stream());
        if self.rounds.len() > ROUNDS {
            self.rounds.pop_front();
        }
        let Some(latest) = self.rounds.back() else { return readings };
        let mut streams: Vec<_> = latest.iter().collect();
        streams.sort_by_key(|(_, cell)| std::cmp::Reverse(cell.observations));
        for (stream, latest) in streams.into_iter().take(MAX_STREAMS) {
            let mut minute = Cell::default();
            self.rounds.iter().filter_map(|round| round.get(stream)).for_each(|cell| minute.merge(cell));
            let subject = format!("stream={}", name(*stream));
            of_stream(latest, &minute, &subject, &mut readings);
            let levels = [
                (Signal::StallShift, minute.stall_ratio(), LEAST_STALL),
                (Signal::OpinionShift, minute.mos.quantile(0.5).map(|score| -score), LEAST_OPINION),
            ];
            for (signal, value, least) in levels {
                let Some(value) = value else { continue };
                let shift = self.shifts.entry((*stream, signal)).or_default();
                if self.count.is_multiple_of(ROUNDS) {
                    shift.observe(value, least);
                }
                readings.push(of_shift(signal, shift, round.at, &subject, latest.observations as f64));
            }
        }
        self.shifts.retain(|(stream, _), _| latest.contains_key(stream));
        readings.extend(of_networks(round, names));
        let observed = |cell: &Cell| (cell.silent as f64, cell.observations as f64);
        let sum = |cells: &mut dyn Iterator<Item = &Cell>| {
            cells.map(observed).fold((0.0, 0.0), |(silent, all), (more, also)| (silent + more, all + also))
        };
        let ratio = |(silent, all): (f64, f64)| silent / all.max(1.0);
        let whole = sum(&mut latest.values());
        let sessions = whole.1;
        let (now, average) = (ratio(whole), ratio(sum(&mut self.rounds.iter().flat_map(BTreeMap::values))));
        let subject = || "fleet".to_owned();
        readings.push(Reading {
            signal: Signal::SilentRatio,
            subject: subject(),
            latest: now,
            minute: average,
            sessions,
            evidence: String::new(),
        });
        readings.push(Reading {
            signal: Signal::LagRatio,
            subject: subject(),
            latest: lag_ratio,
            minute: lag_ratio,
            sessions,
            evidence: String::new(),
        });
        for bottleneck in bottlenecks {
            let ratio = bottleneck.demand.as_kbps() / bottleneck.capacity.as_kbps().max(1.0);
            let subject = format!("bottleneck={}", bottleneck.stream.as_deref().unwrap_or("all"));
            let sessions = bottleneck.sessions as f64;
            readings.push(Reading {
                signal: Signal::Saturation,
                subject,
                latest: ratio,
                minute: ratio,
                sessions,
                evidence: String::new(),
            });
        }
        self.of_publishers(round.at, encoders, name, &mut readings);
        readings
    }

    fn of_publishers(
        &mut self,
        now: Timestamp,
        encoders: &Encoders,
        name: impl Fn(StreamId) -> String,
        readings: &mut Vec<Reading>,
    ) {
        self.usual.retain(|(stream, _), _| encoders.contains_key(stream));
        for (&stream, (at, encoder)) in encoders {
            let silent = now.since(*at).as_secs_f64() > FRESH_S;
            let values = [
                (Signal::IngestBitrateRatio, encoder.ingest_bitrate.map(|rate| rate.as_kbps())),
                (Signal::FrameRateRatio, encoder.frame_rate.map(f64::from)),
            ];
            for (signal, value) in values {
                // A publisher that reported and fell silent sends nothing, as far as anybody knows.
                let Some(value) = value.map(|value| if silent { 0.0 } else { value }) else { continue };
                let usual = self.usual.entry((stream, signal)).or_default();
                let ratio = usual.compare(value);
                if usual.seen > LEARNING {
                    let subject = format!("stream={}", name(stream));
                    readings.push(Reading {
                        signal,
                        subject,
                        latest: ratio,
                        minute: ratio,
                        sessions: 0.0,
                        evidence: String::new(),
                    });
                }
            }
        }
    }
}

impl Usual {
    /// How `value` compares to what is usual; learns from it unless it is far below.
    fn compare(&mut self, value: f64) -> f64 {
        self.seen = self.seen.saturating_add(1);
        let share = USUAL.max(1.0 / f64::from(self.seen));
        self.last = if self.level > 0.0 { value / self.level } else { 1.0 };
        // A drop must stay a drop while it lasts; a publisher that settles lower is usual after some hours.
        let share = if self.last < 0.8 && self.seen > LEARNING { share / 20.0 } else { share };
        self.level += share * (value - self.level);
        self.last
    }
}

fn of_shift(signal: Signal, shift: &Shift, at: Timestamp, subject: &str, sessions: f64) -> Reading {
    let change = shift.change();
    let mut evidence = String::new();
    if change.sum >= CERTAIN {
        let began = rfc3339((at.as_micros() / 1_000_000).saturating_sub(u64::from(change.minutes_ago) * 60));
        evidence = match signal {
            Signal::StallShift => format!("{:.2} % of the time since {began}", change.since * 100.0),
            _ => format!("{:.2} since {began}", -change.since),
        };
    }
    Reading { signal, subject: subject.to_owned(), latest: change.sum, minute: change.sum, sessions, evidence }
}

fn of_networks(round: &Round, names: &Names<'_>) -> impl Iterator<Item = Reading> {
    outliers(&round.rollup).into_iter().map(|outlier| {
        let (network, viewers) = ((names.network)(outlier.network), outlier.viewers as f64);
        let evidence = format!(
            "viewers of {network} on edge {} are worse off than the rest: {:.1} % of {} stalled within five minutes, {:.1} % would \
             have as the rest of the same streams; p ≤ 1e-{:.0} after correction for {} networks",
            names.edge,
            outlier.troubled as f64 / viewers * 100.0,
            outlier.viewers,
            outlier.expected / viewers * 100.0,
            outlier.evidence.floor(),
            outlier.compared
        );
        Reading {
            signal: Signal::NetworkOutlier,
            subject: format!("network={network}"),
            latest: outlier.evidence,
            minute: outlier.evidence,
            sessions: viewers,
            evidence,
        }
    })
}

fn of_stream(latest: &Cell, minute: &Cell, subject: &str, readings: &mut Vec<Reading>) {
    let sessions = latest.observations as f64;
    let mut push = |signal, latest: Option<f64>, minute: Option<f64>| {
        if let (Some(latest), Some(minute)) = (latest, minute) {
            readings.push(Reading {
                signal,
                subject: subject.to_owned(),
                latest,
                minute,
                sessions,
                evidence: String::new(),
            });
        }
    };
    push(Signal::StallRatio, latest.stall_ratio(), minute.stall_ratio());
    push(Signal::OpinionScore, latest.mos.quantile(0.5), minute.mos.quantile(0.5));
    let mean = |(sum, count): (f64, u64)| (count > 0).then(|| sum / count as f64);
    push(Signal::SinrDb, mean(latest.sinr), mean(minute.sinr));
}
