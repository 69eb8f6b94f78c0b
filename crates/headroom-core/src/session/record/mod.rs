//! The record itself and how reports change it.

mod throughput;

use crate::{
    decision::Reason,
    forecast::{CompactForecast, Ewma, Forecast, History, Signal},
    ladder::{Ladder, RungIndex},
    objective::Objective,
    policy::Memory,
    qoe::Opinion,
    telemetry::{Client, Player, PlayerState, Radio, SessionId},
    time::{Duration, Timestamp},
    units::{Bitrate, Ratio},
};
use throughput::RateSource;

/// Longer silence does not count as playback: the viewer may have been away.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// Everything known about one session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) id: SessionId,
    pub(crate) started: Timestamp,
    pub(crate) last_seen: Timestamp,
    /// When the cap changed last, in milliseconds since the start, rounded up; [`NEVER`] before the first decision.
    changed_ms: u32,
    /// When throughput was last observed, in milliseconds since the start; zero for never.
    evidence_ms: u32,
    pub(crate) history: History,
    /// Throughput of the next seconds, forecast from the history.
    forecast: CompactForecast,
    fast: Ewma,
    pub(crate) memory: Memory,
    pub(crate) opinion: Opinion,
    /// Position of its stream, and of its cohort or [`NO_COHORT`].
    pub(crate) stream: u16,
    pub(crate) cohort: u16,
    buffer_ms: u32,
    latency_ms: u32,
    encoded_kbps: f32,
    pub(crate) ceiling_kbps: f32,
    pub(crate) ceiling_until_s: u32,
    /// Tenths of a second, as CMCD counts it.
    capacity_ds: u16,
    rtt_ms: u16,
    jitter_ms: u16,
    loss_per_10k: u16,
    /// Average throughput that the player reports, in steps of 9 %; zero for none.
    average: u8,
    pub(crate) rsrp_dbm: i16,
    pub(crate) rsrq_db: i8,
    pub(crate) sinr_db: i8,
    pub(crate) stall_ms: u32,
    pub(crate) starvations: u16,
    pub(crate) start_delay_ms: u16,
    pub(crate) target_latency_ms: u16,
    pub(crate) target_buffer_ms: u16,
    pub(crate) playback_rate_percent: u8,
    pub(crate) stall_risk_percent: u8,
    pub(crate) cap: u8,
    pub(crate) reason: Reason,
    share: u8,
    /// Whose player it is, and the objective ordered for this session alone: two bits each, [`OBJECTIVE_SHIFT`] apart.
    kind: u8,
    /// Steps the viewer asked to be farther from live, negative for nearer.
    wish: i8,
    flags: u8,
}

/// How soon a report must be answered with a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Nothing urgent: the next tick decides.
    Routine,
    /// Throughput fell to less than half of its average: decide at once.
    Collapse,
    /// The buffer ran dry: decide at once.
    Starvation,
    /// The viewer left.
    Quit,
}

/// No cohort: the network is not known.
pub(crate) const NO_COHORT: u16 = 0;
/// No rung: nothing decided, nothing played.
pub(crate) const NO_RUNG: u8 = u8::MAX;
/// The cap has never changed.
const NEVER: u32 = u32::MAX;
/// Radio values that were never reported.
const NO_RSRP: i16 = i16::MIN;
const NO_DECIBEL: i8 = i8::MIN;
const UNKNOWN_MS: u32 = u32::MAX;
const UNKNOWN_DS: u16 = u16::MAX;
const UNKNOWN_LINK: u16 = u16::MAX;

/// One step of a viewer's wish for more or less delay: clearly felt, and undone by its opposite.
const WISH_STEP: f64 = 1.25;
/// Three steps are about twice or half the target: beyond lies another product.
const MOST_WISHES: i8 = 3;

const DIRTY: u8 = 1;
const STARVED: u8 = 2;
const PAUSED: u8 = 4;
const FILLED: u8 = 8;
/// The ceiling over the session is its viewer's own.
const OWN_CEILING: u8 = 16;
// Bits 32 and 64 say where its newest transfer was measured.
/// The client in [`Record::kind`].
const TWO_BITS: u8 = 3;
/// Where the objective stands in [`Record::kind`].
const OBJECTIVE_SHIFT: u8 = 2;
/// A player has started up once its buffer held this much, or once it reports how long the start took. Before that an empty
/// buffer means nothing.
const STARTED_UP: Duration = Duration::from_secs(1);

impl Record {
    pub(crate) fn new(id: SessionId, stream: u16, at: Timestamp) -> Self {
        Self {
            id,
            started: at,
            last_seen: at,
            changed_ms: NEVER,
            evidence_ms: 0,
            history: History::default(),
            forecast: CompactForecast::default(),
            fast: Ewma::default(),
            memory: Memory::default(),
            opinion: Opinion::default(),
            stream,
            cohort: NO_COHORT,
            buffer_ms: UNKNOWN_MS,
            capacity_ds: UNKNOWN_DS,
            latency_ms: UNKNOWN_MS,
            encoded_kbps: 0.0,
            ceiling_kbps: f32::INFINITY,
            ceiling_until_s: 0,
            rtt_ms: UNKNOWN_LINK,
            jitter_ms: UNKNOWN_LINK,
            loss_per_10k: UNKNOWN_LINK,
            average: 0,
            rsrp_dbm: NO_RSRP,
            rsrq_db: NO_DECIBEL,
            sinr_db: NO_DECIBEL,
            stall_ms: 0,
            starvations: 0,
            start_delay_ms: 0,
            target_latency_ms: 0,
            target_buffer_ms: 0,
            playback_rate_percent: 100,
            stall_risk_percent: 0,
            cap: NO_RUNG,
            reason: Reason::NoEvidence,
            share: NO_RUNG,
            kind: 0,
            wish: 0,
            flags: DIRTY,
        }
    }

    /// Lets the time since the last report count as played at the rung of that report, if it was playing.
    pub(crate) fn play_until(&mut self, at: Timestamp, ladder: &Ladder, picture: impl Fn(RungIndex) -> f32) {
        let passed = at.since(self.last_seen).min(LONGEST_SILENCE);
        self.last_seen = at;
        if let Some(rung) = self.playing(ladder).filter(|_| !self.paused() && !self.starved()) {
            self.opinion.observe_picture(picture(rung), passed);
        }
    }

    /// Takes in what the player says.
    pub(crate) fn observe_player(&mut self, at: Timestamp, player: &Player) -> Urgency {
        self.flags |= DIRTY;
        let keep_ms = |slot: &mut u32, value: Option<Duration>| {
            if let Some(value) = value {
                *slot = value.as_millis().min(u64::from(UNKNOWN_MS - 1)) as u32;
            }
        };
        keep_ms(&mut self.buffer_ms, player.buffer_length);
        if let Some(client) = player.client {
            self.set_client(client);
        }
        if let Some(capacity) = player.target_buffer_length {
            self.capacity_ds = (capacity.as_millis() / 100).min(u64::from(UNKNOWN_DS - 1)) as u16;
        }
        let begins = matches!(player.state, Some(PlayerState::Starting | PlayerState::Preloading));
        // A player that begins reports a delay of zero.
        let began = player.media_start_delay.is_some() && !begins;
        if began || player.buffer_length.is_some_and(|buffer| buffer >= STARTED_UP) {
            self.set(FILLED, true);
        }
        keep_ms(&mut self.latency_ms, player.live_latency);
        if let Some(bitrate) = player.encoded_bitrate {
            self.encoded_kbps = bitrate.as_kbps() as f32;
        }
        self.set(PAUSED, matches!(player.state, Some(PlayerState::Paused | PlayerState::Waiting)));
        if let Some(delay) = player.media_start_delay {
            self.start_delay_ms = delay.as_millis().min(u64::from(u16::MAX)) as u16;
        }
        if let Some(stood_still) = player.starvation_duration {
            self.opinion.observe_stall(stood_still);
            self.stall_ms = self.stall_ms.saturating_add(stood_still.as_millis().min(u64::from(u32::MAX)) as u32);
        }
        // An empty buffer of a starting player is no starvation (`su`, CTA-5004).
        let starved = player.buffer_starvation || player.state == Some(PlayerState::Rebuffering);
        let newly_starved = starved && !self.has(STARVED) && !player.startup && !self.starting();
        self.set(STARVED, starved && !player.startup);
        self.starvations = self.starvations.saturating_add(u16::from(newly_starved));
        if matches!(player.state, Some(PlayerState::Quit | PlayerState::Ended | PlayerState::FatalError)) {
            return Urgency::Quit;
        }
        let mut collapsed = false;
        if let Some(throughput) = player.measured_throughput {
            // Before a player has held media, the throughput it reports is a default of its settings.
            let holds = player.buffer_length.is_some_and(|buffer| buffer > Duration::ZERO);
            let has_held = holds || self.has(FILLED) || (!begins && self.buffer_ms == UNKNOWN_MS);
            collapsed = match player.transfer_time {
                Some(took) => self.observe_transfer(at, RateSource::Player, throughput, took),
                None => has_held && self.observe_average(at, throughput),
            };
        }
        match (newly_starved, collapsed) {
            (true, _) => Urgency::Starvation,
            (false, true) => Urgency::Collapse,
            (false, false) => Urgency::Routine,
        }
    }

    /// Takes in what the radio says.
    pub(crate) fn observe_radio(&mut self, radio: &Radio) {
        let round = |value: f32| value.round();
        if let Some(rsrp) = radio.rsrp_dbm {
            self.rsrp_dbm = round(rsrp) as i16;
        }
        if let Some(rsrq) = radio.rsrq_db {
            self.rsrq_db = round(rsrq) as i8;
        }
        if let Some(sinr) = radio.sinr_db {
            self.sinr_db = round(sinr) as i8;
        }
    }

    /// What its radio says.
    pub(crate) fn signal(&self) -> Signal {
        let decibel = |value: i8| (value != NO_DECIBEL).then_some(f32::from(value));
        Signal {
            rsrp_dbm: (self.rsrp_dbm != NO_RSRP).then_some(f32::from(self.rsrp_dbm)),
            rsrq_db: decibel(self.rsrq_db),
            sinr_db: decibel(self.sinr_db),
        }
    }

    /// Throughput of the next seconds, made when the last transfer came in.
    pub(crate) fn forecast(&self) -> Forecast {
        self.forecast.decode()
    }

    /// When the cap changed last; the epoch before the first decision.
    pub(crate) fn changed_at(&self) -> Timestamp {
        match self.changed_ms {
            NEVER => Timestamp::EPOCH,
            millis => self.started + Duration::from_millis(u64::from(millis)),
        }
    }

    /// Notes a new cap. Rounding up keeps the time to the next step up from ever being short.
    pub(crate) fn change_cap(&mut self, cap: u8, at: Timestamp) {
        self.cap = cap;
        self.changed_ms = at.since(self.started).as_micros().div_ceil(1_000).min(u64::from(NEVER - 1)) as u32;
    }

    /// Rung played now, by its reported bit rate.
    pub(crate) fn playing(&self, ladder: &Ladder) -> Option<RungIndex> {
        (self.encoded_kbps > 0.0).then(|| ladder.nearest(Bitrate::from_kbps_f64(f64::from(self.encoded_kbps))))
    }

    pub(crate) fn buffer_length(&self) -> Option<Duration> {
        known_ms(self.buffer_ms)
    }

    pub(crate) fn buffer_capacity(&self) -> Option<Duration> {
        (self.capacity_ds != UNKNOWN_DS).then(|| Duration::from_millis(u64::from(self.capacity_ds) * 100))
    }

    pub(crate) fn live_latency(&self) -> Option<Duration> {
        known_ms(self.latency_ms)
    }

    pub(crate) fn rtt(&self) -> Option<Duration> {
        (self.rtt_ms != UNKNOWN_LINK).then(|| Duration::from_millis(u64::from(self.rtt_ms)))
    }

    pub(crate) fn jitter(&self) -> Option<Duration> {
        (self.jitter_ms != UNKNOWN_LINK).then(|| Duration::from_millis(u64::from(self.jitter_ms)))
    }

    pub(crate) fn loss_ratio(&self) -> Option<Ratio> {
        (self.loss_per_10k != UNKNOWN_LINK).then(|| Ratio::clamped(f32::from(self.loss_per_10k) / 1e4))
    }

    /// Whose player it is.
    pub(crate) fn client(&self) -> Client {
        Client::ALL.get(usize::from(self.kind & TWO_BITS)).copied().unwrap_or_default()
    }

    fn set_client(&mut self, client: Client) {
        self.kind = (self.kind & !TWO_BITS) | client as u8;
    }

    /// Ordered for this session alone.
    pub(crate) fn objective(&self) -> Option<Objective> {
        let place = usize::from((self.kind >> OBJECTIVE_SHIFT) & TWO_BITS);
        place.checked_sub(1).and_then(|place| Objective::ALL.get(place)).copied()
    }

    pub(crate) fn order_objective(&mut self, objective: Option<Objective>) {
        let place = objective.map_or(0, |objective| objective as u8 + 1);
        self.kind = (self.kind & !(TWO_BITS << OBJECTIVE_SHIFT)) | (place << OBJECTIVE_SHIFT);
    }

    pub(crate) fn starved(&self) -> bool {
        self.has(STARVED)
    }

    /// Whether the player reports its buffer, has not held a second of media yet, and has not begun with less.
    pub(crate) fn starting(&self) -> bool {
        self.buffer_ms != UNKNOWN_MS && !self.has(FILLED)
    }

    pub(crate) fn paused(&self) -> bool {
        self.has(PAUSED)
    }

    /// The rung it may use of a shared bottleneck.
    pub(crate) fn share(&self) -> Option<RungIndex> {
        (self.share != NO_RUNG).then_some(self.share)
    }

    /// Gives it another share; a change wants a decision.
    pub(crate) fn give_share(&mut self, share: Option<RungIndex>) {
        let share = share.unwrap_or(NO_RUNG);
        if self.share != share {
            self.share = share;
            self.flags |= DIRTY;
        }
    }

    /// A target as the viewer wishes it: a quarter more or less for each step.
    pub(crate) fn wished(&self, target: Duration) -> Duration {
        match self.wish {
            0 => target,
            steps => Duration::from_secs_f64(target.as_secs_f64() * WISH_STEP.powi(i32::from(steps))),
        }
    }

    /// Moves the distance from live by a step, at most three either way.
    pub(crate) fn wish(&mut self, step: i8) {
        self.wish = (self.wish + step).clamp(-MOST_WISHES, MOST_WISHES);
    }

    pub(crate) fn has_own_ceiling(&self) -> bool {
        self.has(OWN_CEILING)
    }

    pub(crate) fn set_own_ceiling(&mut self, own: bool) {
        self.set(OWN_CEILING, own);
    }

    /// Whether something was reported since the last decision; asking settles it.
    pub(crate) fn take_dirty(&mut self) -> bool {
        let dirty = self.has(DIRTY);
        self.flags &= !DIRTY;
        dirty
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn set(&mut self, flag: u8, on: bool) {
        if on {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
    }
}

fn known_ms(millis: u32) -> Option<Duration> {
    (millis != UNKNOWN_MS).then(|| Duration::from_millis(u64::from(millis)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::PLAUSIBLE_THROUGHPUT;

    #[test]
    fn a_session_stays_within_256_bytes() {
        // The index beside the slab holds a position and a control byte, at least 7/16 full: at most 12 bytes a session.
        assert!(size_of::<Record>() + 12 <= 256, "{} bytes", size_of::<Record>());
    }

    #[test]
    fn the_client_and_an_order_share_a_byte() {
        let mut record = Record::new(SessionId(1), 0, Timestamp::EPOCH);
        assert_eq!((record.client(), record.objective()), (Client::DashJs, None));
        for client in Client::ALL {
            for objective in Objective::ALL.into_iter().map(Some).chain([None]) {
                record.set_client(client);
                record.order_objective(objective);
                assert_eq!((record.client(), record.objective()), (client, objective));
            }
        }
    }

    #[test]
    fn the_rate_of_a_loopback_counts_as_the_highest_plausible_one() {
        let report = |rate| Player {
            measured_throughput: Some(rate),
            transfer_time: Some(Duration::from_secs(1)),
            ..Player::default()
        };
        let mut record = Record::new(SessionId(1), 0, Timestamp::EPOCH);
        for second in 1..20 {
            record.observe_player(Timestamp::from_millis(second * 1_000), &report(Bitrate::mbps(104_000)));
        }
        let highest = record.forecast().quantiles_kbps.into_iter().flatten().fold(0.0, f32::max);
        assert!((0.5..1.001).contains(&(f64::from(highest) / PLAUSIBLE_THROUGHPUT.as_kbps())), "{highest}");
    }

    #[test]
    fn urgent_reports_are_told_from_routine_ones() {
        let at = |second: u64| Timestamp::from_millis(second * 1_000);
        let mut record = Record::new(SessionId(1), 0, at(0));
        let report = |kbps: u64| Player {
            encoded_bitrate: Some(Bitrate::kbps(5_000)),
            measured_throughput: Some(Bitrate::kbps(kbps)),
            ..Player::default()
        };
        assert_eq!(record.observe_player(at(1), &report(9_000)), Urgency::Routine);
        assert_eq!(record.observe_player(at(3), &report(2_000)), Urgency::Collapse);
        assert_eq!(record.observe_player(at(3), &report(100)), Urgency::Routine, "a repeat is one observation");
        let starved = Player { buffer_starvation: true, ..Player::default() };
        assert_eq!(record.observe_player(at(5), &starved), Urgency::Starvation);
        assert_eq!(record.observe_player(at(6), &starved), Urgency::Routine, "still the same stall");
        let starting = Player { buffer_starvation: true, startup: true, ..Player::default() };
        assert_eq!(record.observe_player(at(9), &starting), Urgency::Routine, "start-up is no stall");
    }
}
