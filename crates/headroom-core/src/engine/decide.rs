//! One session, one decision: forecast, policy, guard, pacing.

use super::{
    Config, Engine, Output,
    cohorts::Cohorts,
    streams::{Streams, Target},
};
use crate::{
    decision::{Decision, Reason},
    forecast::Forecast,
    guard::Limits,
    ladder::{Ladder, RungIndex},
    objective::Objective,
    pacing::Pace,
    policy::{Guidance, Proposal, Segments, View},
    qoe::{RISK_SEGMENTS, carried_at, stall_risk},
    session::{NO_RUNG, Record, Urgency},
    time::{Duration, Timestamp},
    units::{Bitrate, Ratio},
};

/// Level of the forecast within which a rung is left to the player: what the link carries in all but the best third of the
/// futures. Over clients of three kinds on the UCC drives it scores 0.01 to 0.07 above the level below, and that above none.
const LIKELY: usize = 3;
/// What a newcomer's rung is chosen for: about the first two segments.
const FIRST_SEGMENTS: Duration = Duration::from_secs(4);

impl Engine {
    /// Forecast, policy, guard, pacing: one session, one decision.
    pub(super) fn decide(&mut self, slot: usize, at: Timestamp, urgency: Urgency) {
        let record = self.table.record_mut(slot);
        let target = self.streams.target(record.stream);
        if record.paused() {
            return;
        }
        let forecast = self.cohorts.expect(record);
        let view = view_of(record, target, &forecast, at, guidance(&self.config, &self.streams, target, record));
        let mut memory = record.memory;
        let steers = self.policy.steers();
        let newcomer = newcomer(&self.cohorts, record, target, &forecast).filter(|_| steers);
        let mut proposal = if let Some(proposal) = newcomer {
            proposal
        } else {
            let proposal = self.policy.propose_cap(&view, &mut memory);
            // A starting player has an empty buffer. It finds out by itself which rung starts fastest.
            let reason = if record.starting() && steers { Reason::NoEvidence } else { proposal.reason };
            Proposal { rung: room_for_the_player(&view, proposal.rung, self.config.cap_risk), reason }
        };
        let ceiling = ceiling(record, &self.streams, target, at);
        if proposal.reason.is_hold() && ceiling.is_some() {
            // Nothing is known of what the player does: an order must hold for whatever that is.
            proposal.rung = target.settings.ladder.top();
        }
        // Slow climbing guards against wrong estimates. It does not apply to the end of an order, to a cap that rests on what
        // others measured, to one that a starving buffer needed, or where nothing is measured.
        let order_ended = record.reason == Reason::Override && ceiling.is_none();
        let unknown = !steers || (proposal.reason == Reason::NoEvidence && forecast.is_unknown());
        let released = self.config.guard.release_at_once && record.reason == Reason::Starvation;
        let climbs =
            record.cap != NO_RUNG && !order_ended && record.reason != Reason::Newcomer && !unknown && !released;
        let limits = Limits {
            previous: climbs.then_some(record.cap),
            changed_at: record.changed_at(),
            // Without a policy the guard does not act on a starving buffer: the player does.
            starting: record.starting() || !steers,
            starved: record.starved(),
            ceiling,
        };
        let mut allowed = self.config.guard.apply(&view, proposal, &limits);
        if urgency == Urgency::Collapse && limits.previous.is_some_and(|previous| allowed.rung < previous) {
            allowed.reason = Reason::Collapse;
        }
        let lowered_by_others = matches!(record.reason, Reason::Override | Reason::Allocation | Reason::Newcomer);
        let cap = match allowed.reason.is_hold() {
            // A player keeps the last cap it got. When what lowered the cap ends, it needs a new one.
            true if order_ended || lowered_by_others && unknown => target.settings.ladder.top(),
            true => record.cap,
            false => allowed.rung,
        };
        let unjudged = cap == NO_RUNG || allowed.reason == Reason::Newcomer;
        // What is below a cap is the player's to choose: the risk is that of what it plays.
        let judged = match view.guidance.objective {
            Objective::Sharp => cap,
            Objective::Smooth | Objective::Balanced => view.current.map_or(cap, |current| current.min(cap)),
        };
        let risk = if unjudged { Ratio::ZERO } else { stall_risk(&view, judged, RISK_SEGMENTS) };
        let neutral = Pace {
            target_buffer: record.wished(target.settings.target_buffer),
            target_latency: record.wished(target.settings.target_latency),
            playback_rate: 1.0,
        };
        let previous_latency =
            (record.target_latency_ms > 0).then(|| Duration::from_millis(u64::from(record.target_latency_ms)));
        let pace = if steers { self.config.pacing.pace(&view, neutral, previous_latency, risk) } else { neutral };

        record.memory = memory;
        record.reason = allowed.reason;
        record.stall_risk_percent = percent(risk.get());
        let playback_rate_percent = percent(pace.playback_rate);
        let target_latency_ms = tenths_of_seconds(pace.target_latency);
        let changed = record.cap != cap
            || record.playback_rate_percent != playback_rate_percent
            || record.target_latency_ms != target_latency_ms;
        if record.cap != cap {
            record.change_cap(cap, at);
        }
        record.playback_rate_percent = playback_rate_percent;
        record.target_latency_ms = target_latency_ms;
        record.target_buffer_ms = tenths_of_seconds(pace.target_buffer);
        self.counters.decided(allowed.reason);
        if changed {
            let decision = Decision { at, ..self.decision_of(&self.table.records()[slot], target, &forecast) };
            self.outputs.push_back(Output::Decision(decision));
        }
    }

    pub(super) fn decision_of(&self, record: &Record, target: &Target, forecast: &Forecast) -> Decision {
        let cap = (record.cap != NO_RUNG).then_some(record.cap);
        Decision {
            session: record.id,
            at: record.changed_at(),
            cap,
            max_bitrate: cap.map(|rung| target.settings.ladder.bitrate(rung)),
            expected_throughput: (!forecast.is_unknown()).then(|| forecast.median(Duration::from_secs(4))),
            target_buffer: Duration::from_millis(u64::from(record.target_buffer_ms)),
            target_latency: Duration::from_millis(u64::from(record.target_latency_ms)),
            playback_rate: f32::from(record.playback_rate_percent) / 100.0,
            stall_risk: Ratio::clamped(f32::from(record.stall_risk_percent) / 100.0),
            reason: record.reason,
            policy: self.policy.name().into(),
        }
    }
}

/// Where others know how fast it is here, the first segment of a session should arrive within its own duration, as likely as
/// not.
pub(super) fn newcomer(cohorts: &Cohorts, record: &Record, target: &Target, forecast: &Forecast) -> Option<Proposal> {
    let new = record.history.is_empty() || record.starting();
    if !new || cohorts.prior(record).0.is_unknown() {
        return None;
    }
    let rung = target.settings.ladder.highest_within(forecast.median(FIRST_SEGMENTS)).unwrap_or(0);
    Some(Proposal { rung, reason: Reason::Newcomer })
}

/// The highest rung from `proposed` up whose risk is tolerable, or that the link is likely to carry as it plays. The player below
/// the cap chooses by itself and knows its link sooner: a cap above its choice costs nothing, a cap at its best rung costs
/// every rise. And a rung that arrives as fast as it plays empties no buffer, however short that is, as
/// it is at the start. An audience that minds stalls more than the picture tolerates less of both.
fn room_for_the_player(view: &View<'_>, proposed: RungIndex, tolerable: f32) -> RungIndex {
    let patience = view.weights.quality / view.weights.stall;
    let risked = carried_at(view, tolerable * patience, RISK_SEGMENTS);
    let likely = view.forecast.scenarios(Duration::from_secs(10))[LIKELY];
    let sustained = if patience < 1.0 { Bitrate::ZERO } else { Bitrate::from_kbps_f64(f64::from(likely)) };
    let room = view.ladder.highest_within(risked.max(sustained));
    room.map_or(proposed, |rung| rung.max(proposed))
}

/// Nearer than a tenth of a second, targets are the same to any player.
fn tenths_of_seconds(span: Duration) -> u16 {
    u16::try_from((span.as_micros() + 50_000) / 100_000 * 100).unwrap_or(u16::MAX)
}

fn percent(share: f32) -> u8 {
    // `as` saturates and cuts; `round` is a call into the C library on plain x86-64.
    (share * 100.0 + 0.5) as u8
}

/// What a session is guided for: by order for it, its stream or everyone, else by the settings of its stream, else the engine's.
pub(super) fn guidance(config: &Config, streams: &Streams, target: &Target, record: &Record) -> Guidance {
    let ordered = record.objective().or(target.objective).or(streams.objective);
    Guidance {
        objective: ordered.or(target.settings.objective).unwrap_or(config.objective),
        egress: target.settings.egress.unwrap_or(config.egress),
        client: record.client(),
    }
}

pub(super) fn view_of<'a>(
    record: &'a Record,
    target: &'a Target,
    forecast: &'a Forecast,
    now: Timestamp,
    guidance: Guidance,
) -> View<'a> {
    let settings = &target.settings;
    let ladder: &Ladder = &settings.ladder;
    let capacity = record.buffer_capacity().unwrap_or(settings.target_buffer);
    View {
        now,
        ladder,
        segment_duration: settings.segment_duration,
        segments: Segments::Nominal,
        // A player that does not report its buffer is assumed to hold what the stream asks for.
        buffer_length: record.buffer_length().unwrap_or(settings.target_buffer),
        buffer_capacity: capacity.max(settings.segment_duration),
        current: record.playing(ladder),
        live_latency: record.live_latency(),
        history: &record.history,
        forecast,
        weights: target.weights,
        guidance,
    }
}

/// The lowest of the ceilings over a session: orders for it, its stream or everyone, and its share of a bottleneck.
pub(super) fn ceiling(
    record: &Record,
    streams: &Streams,
    target: &Target,
    now: Timestamp,
) -> Option<(Bitrate, Reason)> {
    let own = (record.ceiling_kbps.is_finite() && now.as_secs_f64() <= f64::from(record.ceiling_until_s))
        .then(|| Bitrate::from_kbps_f64(f64::from(record.ceiling_kbps)));
    let orders = [own, target.ceiling.at(now), streams.everyone.at(now)].into_iter().flatten();
    let share = record.share().map(|rung| (target.settings.ladder.bitrate(rung), Reason::Allocation));
    orders.map(|rate| (rate, Reason::Override)).chain(share).min()
}
