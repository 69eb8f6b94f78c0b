//! The days of a rehearsal: four streams with a daily rhythm, Poisson stalls, short harmless bursts, a wandering radio link,
//! two edges, three networks of which one is always a little worse, encoders with crystals, a chat. They are made up, not
//! measured. What is real is everything behind them: rollups, audiences, signals, trend, rules.

use super::{
    chat::Chat,
    incident::{AlertPage, BAD_EDGE, BAD_NETWORK, EDGES, Incident, IncidentKind, NETWORKS},
};
use crate::{
    alerts::{
        evaluate::{Evaluator, Stage},
        rules::Rule,
        signals::{Names, SignalInputs, Signals},
    },
    fleet::FleetSnapshot,
    network::{Networks, Table},
    places::Places,
    random::Random,
};
use headroom_cluster::{
    bottleneck::Bottleneck,
    place::Place,
    publishers::Encoders,
    rollup::{Cell, Key, Rollup},
};
use headroom_core::{
    telemetry::{Encoder, StreamId},
    time::{Duration, Timestamp},
    units::Bitrate,
};

pub(super) const STEP_S: u64 = 10;
pub(super) const DAY_S: u64 = 86_400;
pub(super) const STREAMS: u64 = 4;

/// Viewers of the largest stream at its peak.
const PEAK: f64 = 1_500.0;

/// Stalls a second of watching, and their mean length: a stall ratio of 0.3 %.
const STALL_RATE: f64 = 1e-3;
const STALL_MS: f64 = 3_000.0;

/// Capacity of the bottleneck; at its peak demand reaches four fifths of it.
const CAPACITY_KBPS: f64 = 4e7;

/// What a new level of stalls adds to their ratio.
const SHIFTED_STALLS: f64 = 0.009;

/// How much more often viewers of a network or an edge stall when something is wrong with it.
const BAD_PLACE: f64 = 3.0;

/// Time for which a viewer counts as in trouble after a stall, s.
const TROUBLED_S: f64 = 300.0;

/// Worst stall ratio of a congestion; opinion and signal before and what is lost of them.
const WORST_STALLS: f64 = 0.06;
const OPINION: f64 = 4.1;
const OPINION_LOSS: f64 = 1.8;

/// What a new level of pictures takes from the opinion.
const SHIFTED_OPINION: f64 = 0.5;

const SINR_DB: f64 = 14.0;
const SINR_LOSS_DB: f64 = 19.0;

/// Frames a second; the share an encoder drops on ordinary days, and what overload adds.
const FRAME_RATE: f64 = 60.0;
const DROPPED: f64 = 0.001;
const OVERLOAD_DROPPED: f64 = 0.15;

/// How much of a second of media is missing each second: the mildest and the gravest drift.
const LEAST_DRIFT: f64 = 0.004;
const WORST_DRIFT: f64 = 0.02;

/// Jitter of the media time in a publisher's reports, s.
const REPORT_JITTER_S: f64 = 0.08;

/// What a lag adds to the time between rounds, as a multiple of what it should be.
const LAG: f64 = 0.8;

/// Evening is four times morning.
fn rhythm(at_s: u64) -> f64 {
    let phase = (at_s % DAY_S) as f64 / DAY_S as f64 * std::f64::consts::TAU;
    0.625 - 0.375 * phase.cos()
}

/// Demand over capacity; a surge takes it to 1.2 whatever the hour.
fn saturation(at_s: u64, severity: f64) -> f64 {
    let usual = 0.8 * rhythm(at_s);
    usual + severity * (1.2 - usual)
}

/// What a gradual incident does to the value its rule watches, without noise.
pub(super) fn true_value(kind: IncidentKind, at_s: u64, severity: f64) -> f64 {
    match kind {
        IncidentKind::Congestion => STALL_RATE * STALL_MS / 1_000.0 + severity * WORST_STALLS,
        IncidentKind::Saturation => saturation(at_s, severity),
        IncidentKind::Quality => OPINION - severity * OPINION_LOSS,
        _ => SINR_DB - severity * SINR_LOSS_DB,
    }
}

/// The pages of some days: when, by which rule and about what.
pub(super) fn play(rules: &[Rule], incidents: &[Incident], lasting_s: u64, random: &mut Random) -> Vec<AlertPage> {
    let mut evaluator = Evaluator::new(rules.to_vec(), STEP_S as f64);
    let mut signals = Signals::default();
    let places = places();
    let mut publishers: Vec<Publisher> = (1..=STREAMS).map(Publisher::new).collect();
    let mut chats: Vec<Chat> = (1..=STREAMS).map(Chat::new).collect();
    let mut wander = 0.0;
    let mut pages = Vec::new();
    for at_s in (STEP_S..lasting_s).step_by(STEP_S as usize) {
        let now = Now { incidents, at_s };
        // The signal of a walking person changes over minutes: first-order, two decibels wide.
        wander = wander * 0.97 + random.normal() * 0.49;
        let mut rollup = Rollup { rounds: 1, ..Rollup::default() };
        let mut encoders = Encoders::new();
        let mut audiences = Vec::new();
        for (publisher, chat) in publishers.iter_mut().zip(&mut chats) {
            let id = StreamId(publisher.stream);
            let cell = cell(publisher.stream, &now, wander, random);
            let broken = now.severity(IncidentKind::Sound, publisher.stream) > 0.0;
            let viewers = cell.observations as f64;
            audiences.push((publisher.stream.to_string(), chat.round(at_s, STEP_S, viewers, broken, random)));
            for (place, cell) in spread(cell, &now, random) {
                rollup.cells.insert(Key { stream: id, place, rung_kbps: 6_000 }, cell);
            }
            encoders.insert(id, (now.at(), publisher.report(&now, random)));
        }
        let ratio = saturation(at_s, now.severity(IncidentKind::Saturation, 0)) * (1.0 + 0.01 * random.normal());
        let bottleneck = Bottleneck {
            stream: None,
            capacity: Bitrate::from_kbps_f64(CAPACITY_KBPS),
            sessions: 1_000,
            demand: Bitrate::from_kbps_f64(CAPACITY_KBPS * ratio),
            allocated: Bitrate::from_kbps_f64(CAPACITY_KBPS * ratio.min(1.0)),
        };
        let round = FleetSnapshot { at: now.at(), span_s: STEP_S as f64, rollup, ..FleetSnapshot::default() };
        let lag_ratio = 1.0 + 0.01 * random.normal() + LAG * now.severity(IncidentKind::Lag, 0);
        let readings = signals.read(&SignalInputs {
            round: &round,
            encoders: &encoders,
            bottlenecks: &[bottleneck],
            audiences: &audiences,
            lag_ratio,
            names: Names { stream: &|stream| stream.0.to_string(), places: &places },
        });
        let fired = evaluator.observe(at_s, &readings).into_iter();
        // An escalation is news of the same page.
        let fired = fired.filter(|alert| alert.stage != Stage::Resolved && alert.since_s == at_s);
        pages.extend(fired.map(|alert| AlertPage { at_s, rule: alert.rule, subject: alert.subject }));
    }
    pages
}

fn places() -> Places {
    let named = NETWORKS.iter().map(|(name, ..)| ((*name).to_owned(), Vec::new())).collect();
    let [(own, _), others @ ..] = EDGES;
    let others = others.map(|(name, _)| name.to_owned()).to_vec();
    Places::new(own.to_owned(), others, Networks::new(&named, Table::default()))
}

/// A moment, and everything that goes wrong in these days.
struct Now<'a> {
    incidents: &'a [Incident],
    at_s: u64,
}

impl Now<'_> {
    fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.at_s * 1_000)
    }

    /// Incidents of a kind that concern a stream: its own, and those that concern all.
    fn concerning(&self, kind: IncidentKind, stream: u64) -> impl Iterator<Item = &Incident> {
        let fleet = matches!(
            kind,
            IncidentKind::Silence
                | IncidentKind::Saturation
                | IncidentKind::Network
                | IncidentKind::Edge
                | IncidentKind::Lag
        );
        let concerned = move |incident: &&Incident| incident.kind == kind && (fleet || incident.stream == stream);
        self.incidents.iter().filter(concerned)
    }

    /// How bad it is for a stream.
    fn severity(&self, kind: IncidentKind, stream: u64) -> f64 {
        self.concerning(kind, stream).map(|incident| incident.severity(self.at_s)).fold(0.0, f64::max)
    }
}

/// The encoder behind a stream. It begins anew every midnight and when a drift is over: somebody restarted it.
struct Publisher {
    stream: u64,
    media_s: f64,
    dropped: u32,
}

impl Publisher {
    fn new(stream: u64) -> Self {
        Self { stream, media_s: 0.0, dropped: 0 }
    }

    fn report(&mut self, now: &Now<'_>, random: &mut Random) -> Encoder {
        let restarted = |incident: &Incident| (incident.ends_s..incident.ends_s + STEP_S).contains(&now.at_s);
        if now.at_s % DAY_S < STEP_S || now.concerning(IncidentKind::Drift, self.stream).any(restarted) {
            *self = Self::new(self.stream);
        }
        let drift = now
            .concerning(IncidentKind::Drift, self.stream)
            .map(|incident| incident.severity(now.at_s) * (LEAST_DRIFT + incident.size * (WORST_DRIFT - LEAST_DRIFT)));
        // Crystals: 15 parts in a million at most, 1.3 s a day.
        let crystal = (self.stream as f64 - (STREAMS + 1) as f64 / 2.0) * 1e-5;
        self.media_s += STEP_S as f64 * (1.0 + crystal - drift.fold(0.0, f64::max));
        let broken = now.severity(IncidentKind::Ingest, self.stream);
        let share = DROPPED + OVERLOAD_DROPPED * now.severity(IncidentKind::Drops, self.stream);
        let lost = random.poisson(FRAME_RATE * STEP_S as f64 * share);
        self.dropped = self.dropped.saturating_add(u32::try_from(lost).unwrap_or(u32::MAX));
        let rate = 6_000.0 * (1.0 + 0.05 * random.normal()) * (1.0 - 0.7 * broken);
        let frames = FRAME_RATE * (1.0 - share) + 0.5 * random.normal() - 35.0 * broken;
        Encoder {
            ingest_bitrate: Some(Bitrate::from_kbps_f64(rate)),
            frame_rate: Some(frames as f32),
            dropped_frames: Some(self.dropped),
            media_time: Some(Duration::from_secs_f64(self.media_s + REPORT_JITTER_S * random.uniform())),
            ..Encoder::default()
        }
    }
}

/// Ten seconds of a stream.
fn cell(stream: u64, now: &Now<'_>, wander: f64, random: &mut Random) -> Cell {
    let sessions = (PEAK / stream as f64 * rhythm(now.at_s) * (1.0 + 0.02 * random.normal())).max(1.0);
    let watched_s = sessions * STEP_S as f64;
    // A burst: for one round a twentieth of the sessions stalls, about once in six hours of a stream.
    let burst = if random.uniform() < STEP_S as f64 / 21_600.0 { 0.02 } else { 0.0 };
    let lasting = now.severity(IncidentKind::Congestion, stream) * WORST_STALLS
        + now.severity(IncidentKind::Shift, stream) * SHIFTED_STALLS;
    let ratio = lasting + burst;
    let stalls = random.poisson(watched_s * (STALL_RATE + ratio * 1_000.0 / STALL_MS));
    let stalled_ms = (0..stalls).map(|_| -STALL_MS * random.uniform().max(1e-9).ln()).sum::<f64>();
    let silent = (0.05 + 0.01 * random.normal()).max(0.0) + 0.6 * now.severity(IncidentKind::Silence, stream);
    let mut cell = Cell {
        observations: sessions as u64,
        silent: (sessions * silent.min(1.0)) as u64,
        watched_ms: (watched_s * 1_000.0) as u64,
        stalled_ms: stalled_ms as u64,
        starvations: stalls,
        played_kbit: watched_s * 6_000.0,
        ..Cell::default()
    };
    let opinion = OPINION
        - now.severity(IncidentKind::Quality, stream) * OPINION_LOSS
        - now.severity(IncidentKind::Dimming, stream) * SHIFTED_OPINION;
    for _ in 0..(sessions as usize).min(30) {
        cell.mos.add((opinion + 0.5 * random.normal()).clamp(1.0, 5.0));
    }
    let sinr = SINR_DB + wander - now.severity(IncidentKind::Radio, stream) * SINR_LOSS_DB;
    cell.sinr = (20.0 * (sinr + 0.3 * random.normal()), 20);
    cell
}

/// The viewers of a cell by place, each with those in trouble; the sums stay with the first.
fn spread(cell: Cell, now: &Now<'_>, random: &mut Random) -> Vec<(Place, Cell)> {
    let viewers = cell.observations as f64;
    let rate = cell.starvations as f64 / (cell.watched_ms as f64 / 1_000.0);
    // Of the stalls of ten seconds little is known about five minutes: half of it is what is usual.
    let rate = (rate + STALL_RATE) / 2.0;
    let worse = |bad: bool, kind| if bad { 1.0 + now.severity(kind, 0) * (BAD_PLACE - 1.0) } else { 1.0 };
    let mut parts = Vec::new();
    for (edge, (edge_name, edge_part)) in (0..).zip(EDGES) {
        for (network, (name, part, usual)) in (1..).zip(NETWORKS) {
            let factor = usual
                * worse(name == BAD_NETWORK, IncidentKind::Network)
                * worse(edge_name == BAD_EDGE, IncidentKind::Edge);
            let (count, share) = ((viewers * edge_part * part).floor(), 1.0 - (-rate * factor * TROUBLED_S).exp());
            let troubled = count * share + (count * share * (1.0 - share)).sqrt() * random.normal();
            let troubled = troubled.round().clamp(0.0, count) as u64;
            parts.push((Place { edge, network }, Cell { observations: count as u64, troubled, ..Cell::default() }));
        }
    }
    let others = cell.observations - parts.iter().map(|(_, part)| part.observations).sum::<u64>();
    if let Some((_, first)) = parts.first_mut() {
        *first = Cell { observations: first.observations + others, troubled: first.troubled, ..cell };
    }
    parts
}
