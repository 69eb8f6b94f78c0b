//! From what was surveyed to what rules look at.

use super::{
    evaluate::SignalValue,
    outliers::{Group, outliers},
    publishers::Publishers,
    rules::Signal,
    shift::{CERTAIN, Shift},
};
use crate::{calendar::rfc3339, fleet::FleetSnapshot, places::Places};
use headroom_cluster::{bottleneck::Bottleneck, publishers::Encoders, rollup::Cell};
use headroom_core::{audience::State, telemetry::StreamId, time::Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// Rounds of a minute.
const ROUNDS: usize = 6;

/// Streams watched one by one: those with most sessions.
const MAX_STREAMS: usize = 1_000;

/// Deviations of a minute's stall ratio, and of its median opinion score, too small for a viewer to notice.
const LEAST_STALL: f64 = 0.002;
const LEAST_OPINION: f64 = 0.05;

/// What is seen at a moment.
pub(crate) struct SignalInputs<'a> {
    pub(crate) round: &'a FleetSnapshot,
    pub(crate) encoders: &'a Encoders,
    pub(crate) bottlenecks: &'a [Bottleneck],
    /// What is known of audiences, by the name of their stream.
    pub(crate) audiences: &'a [(String, State)],
    /// Time since the last round over what it should be.
    pub(crate) lag_ratio: f64,
    pub(crate) names: Names<'a>,
}

/// What people call what rounds know by number.
pub(crate) struct Names<'a> {
    pub(crate) stream: &'a dyn Fn(StreamId) -> String,
    pub(crate) places: &'a Places,
}

/// Keeps a minute of rounds, and what is known of publishers.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    rounds: VecDeque<BTreeMap<StreamId, Cell>>,
    shifts: BTreeMap<(StreamId, Signal), Shift>,
    publishers: Publishers,
    /// Rounds read.
    count: usize,
}

impl Signals {
    /// The readings of a round.
    pub(crate) fn read(&mut self, seen: &SignalInputs<'_>) -> Vec<SignalValue> {
        let SignalInputs { round, encoders, bottlenecks, audiences, lag_ratio, names } = seen;
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
        readings.extend(of_places(round, names.places));
        readings.extend(audiences.iter().map(|(name, state)| of_audience(name, state)));
        let observed = |cell: &Cell| (cell.silent as f64, cell.observations as f64);
        let sum = |cells: &mut dyn Iterator<Item = &Cell>| {
            cells.map(observed).fold((0.0, 0.0), |(silent, all), (more, also)| (silent + more, all + also))
        };
        let ratio = |(silent, all): (f64, f64)| silent / all.max(1.0);
        let whole = sum(&mut latest.values());
        let sessions = whole.1;
        let (now, average) = (ratio(whole), ratio(sum(&mut self.rounds.iter().flat_map(BTreeMap::values))));
        let subject = || "fleet".to_owned();
        readings.push(SignalValue {
            signal: Signal::SilentRatio,
            subject: subject(),
            latest: now,
            minute: average,
            sessions,
            evidence: String::new(),
        });
        readings.push(SignalValue {
            signal: Signal::LagRatio,
            subject: subject(),
            latest: *lag_ratio,
            minute: *lag_ratio,
            sessions,
            evidence: String::new(),
        });
        for bottleneck in *bottlenecks {
            let ratio = bottleneck.demand.as_kbps() / bottleneck.capacity.as_kbps().max(1.0);
            let subject = format!("bottleneck={}", bottleneck.stream.as_deref().unwrap_or("all"));
            let sessions = bottleneck.sessions as f64;
            readings.push(SignalValue {
                signal: Signal::Saturation,
                subject,
                latest: ratio,
                minute: ratio,
                sessions,
                evidence: String::new(),
            });
        }
        readings.extend(self.publishers.read(round.at, encoders, name));
        readings
    }
}

fn of_shift(signal: Signal, shift: &Shift, at: Timestamp, subject: &str, sessions: f64) -> SignalValue {
    let change = shift.change();
    let mut evidence = String::new();
    if change.sum >= CERTAIN {
        let began = rfc3339(at.as_secs().saturating_sub(u64::from(change.minutes_ago) * 60));
        evidence = match signal {
            Signal::StallShift => format!("{:.2} % of the time since {began}", change.since * 100.0),
            _ => format!("{:.2} since {began}", -change.since),
        };
    }
    SignalValue { signal, subject: subject.to_owned(), latest: change.sum, minute: change.sum, sessions, evidence }
}

/// How many complain about what telemetry does not explain: about sound, say, while nobody stalls.
fn of_audience(name: &str, state: &State) -> SignalValue {
    let worst = state.blind_spots.iter().max_by_key(|spot| spot.complaints);
    let complaints = worst.map_or(0.0, |spot| f64::from(spot.complaints.max(1)));
    let evidence = worst.map_or_else(String::new, |spot| {
        format!(
            "{} of {:.0} who write complain about {}, {:.1} would be usual; telemetry sees {} of {} sessions stall",
            spot.complaints,
            state.recent_authors,
            spot.aspect.word(),
            spot.usual,
            spot.telemetry.stalls,
            spot.telemetry.sessions
        )
    });
    let subject = format!("stream={name}");
    SignalValue { signal: Signal::BlindSpot, subject, latest: complaints, minute: complaints, sessions: 0.0, evidence }
}

fn of_places(round: &FleetSnapshot, places: &Places) -> impl Iterator<Item = SignalValue> {
    outliers(&round.rollup).into_iter().map(|outlier| {
        let viewers = outlier.viewers as f64;
        let (subject, who) = match outlier.group {
            Group::Network(network) => (format!("network={}", places.network(network)), Some(network)),
            Group::Edge(edge) => (format!("edge={}", places.edge(edge)), None),
            Group::Both(place) => {
                let (edge, network) = (places.edge(place.edge), places.network(place.network));
                (format!("edge={edge},network={network}"), Some(place.network))
            }
        };
        let of = who.map_or_else(String::new, |network| format!(" of {}", places.network(network)));
        let on = outlier.edge.map_or_else(String::new, |edge| format!(" on edge {}", places.edge(edge)));
        let evidence = format!(
            "viewers{of}{on} are worse off than the rest: {:.1} % of {} stalled within five minutes, {:.1} % would \
             have as the rest of the same streams; p ≤ 1e-{:.0} after correction for {} comparisons",
            outlier.troubled as f64 / viewers * 100.0,
            outlier.viewers,
            outlier.expected / viewers * 100.0,
            outlier.evidence.floor(),
            outlier.compared
        );
        SignalValue {
            signal: Signal::NetworkOutlier,
            subject,
            latest: outlier.evidence,
            minute: outlier.evidence,
            sessions: viewers,
            evidence,
        }
    })
}

fn of_stream(latest: &Cell, minute: &Cell, subject: &str, readings: &mut Vec<SignalValue>) {
    let sessions = latest.observations as f64;
    let mut push = |signal, latest: Option<f64>, minute: Option<f64>| {
        if let (Some(latest), Some(minute)) = (latest, minute) {
            readings.push(SignalValue {
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

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_core::{
        audience::{Aspect, BlindSpot, Conditions},
        policy::Weights,
    };

    /// The signals of a round without viewers.
    fn read(signals: &mut Signals, encoders: &Encoders, audiences: &[(String, State)]) -> Vec<SignalValue> {
        let names = Names { stream: &|stream| stream.0.to_string(), places: &Places::default() };
        let round = FleetSnapshot::default();
        signals.read(&SignalInputs { round: &round, encoders, bottlenecks: &[], audiences, lag_ratio: 1.0, names })
    }

    #[test]
    fn a_blind_spot_says_who_complains_about_what() {
        let telemetry = Conditions { sessions: 1_000, stalls: 3, ..Conditions::default() };
        let mut state = State {
            stream: StreamId(7),
            at: Timestamp::from_millis(0),
            messages: 100,
            messages_per_minute: 10.0,
            authors: 60.0,
            recent_authors: 80.0,
            mood: 0.0,
            engagement: 50.0,
            aspects: Vec::new(),
            votes: [0; 3],
            telemetry,
            weights: Weights::default(),
            blind_spots: Vec::new(),
        };
        let reading = |state: &State| {
            let readings = read(&mut Signals::default(), &Encoders::new(), &[("show".into(), state.clone())]);
            readings.into_iter().find(|reading| reading.signal == Signal::BlindSpot).unwrap()
        };
        assert_eq!((reading(&state).latest, reading(&state).evidence.as_str()), (0.0, ""));
        state.blind_spots.push(BlindSpot {
            stream: state.stream,
            aspect: Aspect::Audio,
            at: state.at,
            since: state.at,
            complaints: 12,
            usual: 0.3,
            share: 0.15,
            messages: Vec::new(),
            telemetry,
        });
        let found = reading(&state);
        assert_eq!((found.latest, found.subject.as_str()), (12.0, "stream=show"));
        assert!(found.evidence.starts_with("12 of 80 who write complain about audio, 0.3 would be usual"), "{found:?}");
    }
}
