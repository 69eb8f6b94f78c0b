//! How good the rules are: simulated days with incidents put in, and quiet days on which nobody should be called.
//!
//! The days are made up, not measured: four streams with a daily rhythm, Poisson stalls, short harmless bursts, a
//! wandering radio link, three networks of which one is always a little worse. What is real is everything behind: rollups, signals, trend, rules.

use super::{
    evaluate::{Evaluator, Stage},
    publishers::Encoders,
    rules::Rule,
    signals::{Names, Seen, Signals},
};
use crate::{
    bottleneck::Listed,
    fleet::Round,
    network::{Networks, Table},
    place::{Place, Places},
    random::Random,
    rollup::{Cell, Key, Rollup},
};
use headroom_core::{
    telemetry::{Encoder, StreamId},
    time::Timestamp,
    units::Bitrate,
};
use serde::Serialize;
use std::collections::BTreeMap;

const STEP_S: u64 = 10;
const DAY_S: u64 = 86_400;
const STREAMS: u64 = 4;

/// Viewers of the largest stream at its peak.
const PEAK: f64 = 1_500.0;

/// Stalls a second of watching, and their mean length: a stall ratio of 0.3 %.
const STALL_RATE: f64 = 1e-3;
const STALL_MS: f64 = 3_000.0;

/// After an incident its consequences fade: alerts about it are no false ones for this long.
const AFTERMATH_S: u64 = 600;

/// Capacity of the bottleneck; at its peak demand reaches four fifths of it.
const CAPACITY_KBPS: f64 = 4e7;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A link fills up: more and more stalls.
    Congestion,
    /// Demand grows beyond an egress.
    Saturation,
    /// Pictures get worse.
    Quality,
    /// The publisher walks out of coverage.
    Radio,
    /// Reports stop.
    Silence,
    /// The publisher's uplink or encoder breaks down.
    Ingest,
    /// One network's viewers stall more than the rest.
    Network,
    /// Stalls settle on four times what they were: too few for the threshold, too many to be the same.
    Shift,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Congestion,
        Self::Saturation,
        Self::Quality,
        Self::Radio,
        Self::Silence,
        Self::Ingest,
        Self::Network,
        Self::Shift,
    ];

    /// Whether it comes gradually, so that it can be foreseen.
    #[must_use]
    pub fn is_ramp(self) -> bool {
        matches!(self, Self::Congestion | Self::Saturation | Self::Quality | Self::Radio)
    }

    /// The rules that should tell.
    fn rules(self) -> &'static [&'static str] {
        match self {
            Self::Congestion => &["stalls"],
            Self::Saturation => &["saturation"],
            Self::Quality => &["opinion"],
            Self::Radio => &["radio"],
            Self::Silence => &["silence"],
            Self::Ingest => &["ingest_bitrate", "ingest_frame_rate"],
            Self::Network => &["outlier_network"],
            Self::Shift => &["stall_shift"],
        }
    }
}

/// Something that goes wrong with one stream.
#[derive(Debug, Clone, Copy)]
struct Incident {
    kind: Kind,
    stream: u64,
    starts_s: u64,
    /// Time until it is at its worst.
    ramp_s: u64,
    ends_s: u64,
}

impl Incident {
    /// How bad it is at a time, 0 to 1.
    fn severity(&self, at_s: u64) -> f64 {
        match at_s {
            _ if at_s < self.starts_s || at_s >= self.ends_s => 0.0,
            _ if self.ramp_s == 0 => 1.0,
            _ => ((at_s - self.starts_s) as f64 / self.ramp_s as f64).min(1.0),
        }
    }
}

/// What came of a kind of incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Which kind.
    pub kind: Kind,
    /// Incidents put in.
    pub injected: usize,
    /// Those that the right rule told of before they were over.
    pub detected: usize,
    /// Median time from the first alert to the true value's crossing of the threshold, s; negative when the alert came
    /// later. For a sudden incident the crossing is its start.
    pub median_lead_s: f64,
}

/// What came of it all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rehearsal {
    /// By kind.
    pub kinds: Vec<Outcome>,
    /// Share of all incidents that were told of.
    pub detection: f64,
    /// Median lead over the incidents that come gradually, s.
    pub ramp_lead_s: f64,
    /// Days with incidents.
    pub incident_days: u64,
    /// Pages on those days that no incident explains.
    pub unexplained_pages: usize,
    /// Days without any.
    pub quiet_days: u64,
    /// Pages on quiet days.
    pub false_pages: usize,
    /// The same by rule.
    pub false_pages_by_rule: BTreeMap<String, usize>,
}

/// Plays `incidents` incidents of eight kinds, one every four hours, then `quiet_days` quiet days.
#[must_use]
pub fn rehearse(rules: &[Rule], seed: u64, incidents: usize, quiet_days: u64) -> Rehearsal {
    let mut random = Random::new(seed);
    let planned: Vec<Incident> = (0..incidents).map(|index| plan(index, &mut random)).collect();
    let incident_days = (incidents as u64 * 4 * 3_600).div_ceil(DAY_S) + 1;
    let alerts = play(rules, &planned, incident_days * DAY_S, &mut random);
    let explains = |incident: &Incident, at_s: u64| (incident.starts_s..incident.ends_s + AFTERMATH_S).contains(&at_s);
    let unexplained =
        alerts.iter().filter(|(at_s, _)| !planned.iter().any(|incident| explains(incident, *at_s))).count();

    let mut leads = BTreeMap::<Kind, Vec<Option<f64>>>::new();
    for incident in &planned {
        let told = alerts.iter().find(|(at_s, rule)| {
            (incident.starts_s..incident.ends_s).contains(at_s) && incident.kind.rules().contains(&rule.as_str())
        });
        let crossing_s = crossing(incident, rules) as f64;
        leads.entry(incident.kind).or_default().push(told.map(|(at_s, _)| crossing_s - *at_s as f64));
    }
    let kinds = leads.iter().map(|(&kind, leads)| Outcome {
        kind,
        injected: leads.len(),
        detected: leads.iter().flatten().count(),
        median_lead_s: median(leads.iter().flatten().copied().collect()),
    });
    let kinds: Vec<Outcome> = kinds.collect();
    let ramps = leads.iter().filter(|(kind, _)| kind.is_ramp()).flat_map(|(_, leads)| leads);
    // An incident nobody was told of had no lead at all.
    let ramp_lead_s = median(ramps.map(|lead| lead.unwrap_or(0.0)).collect());

    let quiet = play(rules, &[], quiet_days * DAY_S, &mut random);
    let mut false_pages_by_rule = BTreeMap::new();
    quiet.iter().for_each(|(_, rule)| *false_pages_by_rule.entry(rule.clone()).or_default() += 1);
    Rehearsal {
        detection: kinds.iter().map(|kind| kind.detected).sum::<usize>() as f64 / incidents.max(1) as f64,
        kinds,
        ramp_lead_s,
        incident_days,
        unexplained_pages: unexplained,
        quiet_days,
        false_pages: quiet.len(),
        false_pages_by_rule,
    }
}

fn plan(index: usize, random: &mut Random) -> Incident {
    let kind = Kind::ALL[index % Kind::ALL.len()];
    let minutes = |from: f64, to: f64, random: &mut Random| ((from + (to - from) * random.uniform()) * 60.0) as u64;
    let ramp_s = match kind {
        Kind::Saturation => minutes(15.0, 30.0, random),
        _ if kind.is_ramp() => minutes(6.0, 15.0, random),
        _ => 0,
    };
    // The first hours belong to warming up; then anywhere in a window of four hours.
    let starts_s = (index as u64 + 1) * 4 * 3_600 + minutes(0.0, 150.0, random);
    let stream = 1 + (random.uniform() * STREAMS as f64) as u64;
    // A new level is one only once it lasts.
    let lasts_s = if kind == Kind::Shift { minutes(20.0, 40.0, random) } else { minutes(4.0, 8.0, random) };
    Incident { kind, stream, starts_s, ramp_s, ends_s: starts_s + ramp_s + lasts_s }
}

/// When the value without noise crosses the threshold of its rule.
fn crossing(incident: &Incident, rules: &[Rule]) -> u64 {
    if !incident.kind.is_ramp() {
        return incident.starts_s;
    }
    let Some(rule) = rules.iter().find(|rule| incident.kind.rules().contains(&rule.name.as_str())) else {
        return incident.ends_s;
    };
    let beyond = |at_s: &u64| {
        let severity = incident.severity(*at_s);
        let value = match incident.kind {
            Kind::Congestion => STALL_RATE * STALL_MS / 1_000.0 + severity * WORST_STALLS,
            Kind::Saturation => saturation(*at_s, severity),
            Kind::Quality => OPINION - severity * OPINION_LOSS,
            _ => SINR_DB - severity * SINR_LOSS_DB,
        };
        rule.sign() * value >= rule.sign() * rule.threshold()
    };
    (incident.starts_s..incident.ends_s).step_by(STEP_S as usize).find(beyond).unwrap_or(incident.ends_s)
}

/// What a new level of stalls adds to their ratio.
const SHIFTED_STALLS: f64 = 0.009;

/// Networks: their part of the viewers, and how much more often those stall than others on ordinary days.
const NETWORKS: [(f64, f64); 3] = [(0.5, 1.0), (0.3, 1.1), (0.2, 1.2)];

/// How much more often the last of them stalls when something is wrong with it.
const BAD_NETWORK: f64 = 3.0;

/// Time for which a viewer counts as in trouble after a stall, s.
const TROUBLED_S: f64 = 300.0;

/// Worst stall ratio of a congestion; opinion and signal before and what is lost of them.
const WORST_STALLS: f64 = 0.06;
const OPINION: f64 = 4.1;
const OPINION_LOSS: f64 = 1.8;
const SINR_DB: f64 = 14.0;
const SINR_LOSS_DB: f64 = 19.0;

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

/// The pages of some days: when, and by which rule.
fn play(rules: &[Rule], incidents: &[Incident], lasting_s: u64, random: &mut Random) -> Vec<(u64, String)> {
    let mut evaluator = Evaluator::new(rules.to_vec(), STEP_S as f64);
    let mut signals = Signals::default();
    let named = (1..=NETWORKS.len()).map(|network| (network.to_string(), Vec::new())).collect();
    let mut places = Places::default();
    places.networks = Networks::new(&named, Table::default());
    let mut wander = 0.0;
    let mut pages = Vec::new();
    for at_s in (STEP_S..lasting_s).step_by(STEP_S as usize) {
        let severity = |kind: Kind, stream: u64| {
            let concerned = |incident: &&Incident| {
                incident.kind == kind
                    && (incident.stream == stream || matches!(kind, Kind::Silence | Kind::Saturation | Kind::Network))
            };
            incidents.iter().filter(concerned).map(|incident| incident.severity(at_s)).fold(0.0, f64::max)
        };
        // The signal of a walking person changes over minutes: first-order, two decibels wide.
        wander = wander * 0.97 + random.normal() * 0.49;
        let at = Timestamp::from_millis(at_s * 1_000);
        let mut rollup = Rollup { rounds: 1, ..Rollup::default() };
        let mut encoders = Encoders::new();
        for stream in 1..=STREAMS {
            let id = StreamId(stream);
            let cell = cell(stream, at_s, &severity, wander, random);
            let bad_network = severity(Kind::Network, stream);
            for (network, cell) in (1..).zip(networks(cell, bad_network, random)) {
                rollup.cells.insert(Key { stream: id, place: Place { edge: 0, network }, rung_kbps: 6_000 }, cell);
            }
            let broken = severity(Kind::Ingest, stream);
            let rate = 6_000.0 * (1.0 + 0.05 * random.normal()) * (1.0 - 0.7 * broken);
            let frames = 60.0 + 0.5 * random.normal() - 35.0 * broken;
            let encoder = Encoder {
                ingest_bitrate: Some(Bitrate::from_kbps_f64(rate)),
                frame_rate: Some(frames as f32),
                ..Encoder::default()
            };
            encoders.insert(id, (at, encoder));
        }
        let ratio = saturation(at_s, severity(Kind::Saturation, 1)) * (1.0 + 0.01 * random.normal());
        let bottleneck = Listed {
            stream: None,
            capacity: Bitrate::from_kbps_f64(CAPACITY_KBPS),
            sessions: 1_000,
            demand: Bitrate::from_kbps_f64(CAPACITY_KBPS * ratio),
            allocated: Bitrate::from_kbps_f64(CAPACITY_KBPS * ratio.min(1.0)),
        };
        let round = Round { at, span_s: STEP_S as f64, rollup };
        let lag = 1.0 + 0.01 * random.normal();
        let names = Names { stream: &|stream| stream.0.to_string(), places: &places };
        let readings = signals.read(&Seen {
            round: &round,
            encoders: &encoders,
            bottlenecks: &[bottleneck],
            audiences: &[],
            lag_ratio: lag,
            names,
        });
        let fired = evaluator.observe(at_s, &readings).into_iter();
        // An escalation is news of the same page.
        let fired = fired.filter(|alert| alert.stage != Stage::Resolved && alert.since_s == at_s);
        pages.extend(fired.map(|alert| (at_s, alert.rule)));
    }
    pages
}

/// Ten seconds of a stream.
fn cell(stream: u64, at_s: u64, severity: &impl Fn(Kind, u64) -> f64, wander: f64, random: &mut Random) -> Cell {
    let sessions = (PEAK / stream as f64 * rhythm(at_s) * (1.0 + 0.02 * random.normal())).max(1.0);
    let watched_s = sessions * STEP_S as f64;
    // A burst: for one round a twentieth of the sessions stalls, about once in six hours of a stream.
    let burst = if random.uniform() < STEP_S as f64 / 21_600.0 { 0.02 } else { 0.0 };
    let lasting = severity(Kind::Congestion, stream) * WORST_STALLS + severity(Kind::Shift, stream) * SHIFTED_STALLS;
    let ratio = lasting + burst;
    let stalls = random.poisson(watched_s * (STALL_RATE + ratio * 1_000.0 / STALL_MS));
    let stalled_ms = (0..stalls).map(|_| -STALL_MS * random.uniform().max(1e-9).ln()).sum::<f64>();
    let silent = (0.05 + 0.01 * random.normal()).max(0.0) + 0.6 * severity(Kind::Silence, stream);
    let mut cell = Cell {
        observations: sessions as u64,
        silent: (sessions * silent.min(1.0)) as u64,
        watched_ms: (watched_s * 1_000.0) as u64,
        stalled_ms: stalled_ms as u64,
        starvations: stalls,
        played_kbit: watched_s * 6_000.0,
        ..Cell::default()
    };
    let opinion = OPINION - severity(Kind::Quality, stream) * OPINION_LOSS;
    for _ in 0..(sessions as usize).min(30) {
        cell.mos.add((opinion + 0.5 * random.normal()).clamp(1.0, 5.0));
    }
    let sinr = SINR_DB + wander - severity(Kind::Radio, stream) * SINR_LOSS_DB;
    cell.sinr = (20.0 * (sinr + 0.3 * random.normal()), 20);
    cell
}

/// The viewers of a cell by network, each with those in trouble; the sums stay with the first.
fn networks(cell: Cell, bad: f64, random: &mut Random) -> [Cell; 3] {
    let viewers = cell.observations as f64;
    let rate = cell.starvations as f64 / (cell.watched_ms as f64 / 1_000.0);
    // Of the stalls of ten seconds little is known about five minutes: half of it is what is usual.
    let rate = (rate + STALL_RATE) / 2.0;
    let last = NETWORKS.len() - 1;
    let mut parts = std::array::from_fn(|network| {
        let (part, worse) = NETWORKS[network];
        let factor = if network == last { worse * (1.0 + bad * (BAD_NETWORK - 1.0)) } else { worse };
        let (count, share) = ((viewers * part).floor(), 1.0 - (-rate * factor * TROUBLED_S).exp());
        let troubled = count * share + (count * share * (1.0 - share)).sqrt() * random.normal();
        Cell { observations: count as u64, troubled: troubled.round().clamp(0.0, count) as u64, ..Cell::default() }
    });
    let (observations, troubled) = (parts[0].observations, parts[0].troubled);
    let others = cell.observations - parts.iter().map(|part| part.observations).sum::<u64>();
    parts[0] = Cell { observations: observations + others, troubled, ..cell };
    parts
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published table comes from `headroom bench alerts`; this keeps the rules from decaying unseen.
    #[test]
    fn the_default_rules_tell_of_incidents_and_let_people_sleep() {
        let rules = Rule::load(std::path::Path::new("")).unwrap();
        let rehearsal = rehearse(&rules, 3, 8, 1);
        assert!(rehearsal.detection >= 0.9, "{rehearsal:?}");
        assert!(rehearsal.ramp_lead_s > 0.0, "{rehearsal:?}");
        assert!(rehearsal.false_pages <= 1, "{rehearsal:?}");
    }
}
