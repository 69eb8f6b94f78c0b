//! Which sessions share a network, and what they pool.

use super::Engine;
use crate::{
    forecast::{CohortForecast, Forecast, PRIOR_WEIGHT_S, Pool, RADIO_WEIGHT_S, SETTLED_S, radio_prior},
    session::{NO_COHORT, Record, Urgency},
    telemetry::{NetworkId, SessionId, StreamId},
    time::{Duration, Timestamp},
};
use std::collections::BTreeMap;

/// Cohorts at most: about 250 bytes each. Sessions of further networks have none until one is empty.
const MOST: usize = 4_096;
/// Other sessions a cohort must have before its forecast is used: with fewer a viewer could read a neighbour's throughput off it.
const LEAST_OTHERS: u32 = 3;
/// The forecast of the fleet counts for this long: a session needs it when it comes, and has measured enough itself by then.
const FLEET_HOLDS: Duration = Duration::from_secs(30);
/// A fall of the fleet counts for two ticks.
const FALL_HOLDS: Duration = Duration::from_secs(4);

/// What a session's first transfers are compared with its neighbours' over.
const FIRST_TRANSFERS: Duration = Duration::from_secs(4);
/// A median further beyond their quantiles than by this factor is another link's (own choice).
const BEYOND: f64 = 2.0;

/// A fall of the cohort does not apply to a session that measured something itself within this time. Where it did, crowds lost
/// 1 to 4 % of their QoE for no fewer stalls.
const NEWS_LASTS: Duration = Duration::from_secs(3);

/// The cohorts by position; position 0, [`NO_COHORT`], stands for having none.
pub(super) struct Cohorts {
    entries: Vec<Cohort>,
    positions: BTreeMap<(StreamId, NetworkId), u16>,
    /// Whether a cohort whose members disagree keeps silent, and one that a session's own transfers contradict ([`super::Config`]).
    must_agree: bool,
}

/// Sessions that play one stream over one network.
#[derive(Default)]
struct Cohort {
    key: (StreamId, NetworkId),
    members: u32,
    pool: Pool,
    forecast: CohortForecast,
    /// When the forecast was made: at the last tick, or when that of the fleet came.
    at: Timestamp,
    /// What the sessions of all engines measured, and when that came.
    fleet: Option<(Timestamp, CohortForecast)>,
}

/// One cohort as another engine may add it to its own.
#[derive(Clone, Debug)]
pub struct CohortPool {
    /// What its members play.
    pub stream: StreamId,
    /// The network they share.
    pub network: NetworkId,
    /// How many of them live here.
    pub members: u32,
    /// What they measured.
    pub pool: Pool,
    /// Whether they must agree to say anything to newcomers.
    pub must_agree: bool,
}

impl CohortPool {
    /// What is to be expected of one more member, others being `members`; nothing where they are too few to stay private.
    #[must_use]
    pub fn forecast(&self, at: Timestamp) -> Option<CohortForecast> {
        (self.members >= LEAST_OTHERS).then(|| forecast_of(&self.pool, at, self.must_agree))
    }
}

/// What a pool leads to expect; nothing for newcomers where its members should agree and do not.
fn forecast_of(pool: &Pool, at: Timestamp, must_agree: bool) -> CohortForecast {
    let forecast = pool.forecast(at);
    if must_agree && !pool.members_agree() { forecast.only_fall() } else { forecast }
}

impl Cohorts {
    /// No cohort yet.
    pub(super) fn new(must_agree: bool) -> Self {
        Self { entries: vec![Cohort::default()], positions: BTreeMap::new(), must_agree }
    }

    /// Counts one more member. Returns the position of its cohort, or [`NO_COHORT`] where there is no room.
    fn join(&mut self, stream: StreamId, network: NetworkId) -> u16 {
        let position = self.position((stream, network));
        if position != NO_COHORT {
            self.entries[usize::from(position)].members += 1;
        }
        position
    }

    /// Counts one member less.
    pub(super) fn leave(&mut self, position: u16) {
        let cohort = &mut self.entries[usize::from(position)];
        cohort.members = cohort.members.saturating_sub(1);
    }

    /// Where the same network's cohort of another stream is, for a member that changes streams.
    pub(super) fn change_stream(&mut self, position: u16, stream: StreamId) -> u16 {
        if position == NO_COHORT {
            return NO_COHORT;
        }
        let (_, network) = self.entries[usize::from(position)].key;
        self.leave(position);
        self.join(stream, network)
    }

    /// Takes in what a member measured: `kbps`, after `seconds` without news, where it was used to `used_to_kbps`.
    pub(super) fn observe(&mut self, position: u16, at: Timestamp, seconds: f32, kbps: f32, used_to_kbps: Option<f32>) {
        if position != NO_COHORT {
            self.entries[usize::from(position)].pool.observe(at, seconds, kbps, used_to_kbps);
        }
    }

    /// Takes note of what the sessions of all engines measured.
    pub(super) fn set_fleet(&mut self, stream: StreamId, network: NetworkId, at: Timestamp, forecast: CohortForecast) {
        let position = self.position((stream, network));
        if position != NO_COHORT {
            let must_agree = self.must_agree;
            let cohort = &mut self.entries[usize::from(position)];
            cohort.fleet = Some((at, forecast));
            cohort.look_ahead(at, must_agree);
        }
    }

    /// Brings every forecast up to date.
    pub(super) fn tick(&mut self, at: Timestamp) {
        let must_agree = self.must_agree;
        self.entries.iter_mut().skip(1).for_each(|cohort| cohort.look_ahead(at, must_agree));
    }

    /// Brings the forecast of one cohort up to date.
    fn look_ahead(&mut self, position: u16, at: Timestamp) {
        let must_agree = self.must_agree;
        self.entries[usize::from(position)].look_ahead(at, must_agree);
    }

    /// Whether the cohort fell so that its members should be decided for without news of their own.
    pub(super) fn is_falling(&self, position: u16) -> bool {
        self.entries[usize::from(position)].forecast.fall < 0.0
    }

    /// What to expect of a session before it has shown anything; unknown without a cohort and a radio.
    pub(super) fn prior(&self, record: &Record) -> (Forecast, f32) {
        let cohort = self.entries[usize::from(record.cohort)].forecast.for_newcomer();
        match cohort.is_unknown() {
            false => (cohort, PRIOR_WEIGHT_S),
            true => (radio_prior(&record.signal()), RADIO_WEIGHT_S),
        }
    }

    /// The forecast for a session: its own, drawn towards its prior while it is young, and lowered when its cohort fell
    /// and it has no news of its own.
    pub(super) fn expect(&self, record: &Record) -> Forecast {
        let own = record.forecast();
        let seen_s = record.history.seen_s();
        let expected = if seen_s < SETTLED_S {
            let (prior, weight_s) = self.prior(record);
            // What a session measured itself comes first: a link that none of its neighbours has says nothing about it.
            let contradicted = self.must_agree && !own.is_unknown() && !prior.is_unknown() && is_beyond(&own, &prior);
            if contradicted { own } else { own.drawn_towards(&prior, seen_s, weight_s) }
        } else {
            own
        };
        let cohort = &self.entries[usize::from(record.cohort)];
        let fall = cohort.forecast.fall;
        if fall < 0.0 && cohort.at.since(record.evidence_at()) >= NEWS_LASTS {
            expected.scaled(fall.exp())
        } else {
            expected
        }
    }

    /// The cohorts that live here, for who adds up those of several engines.
    pub(super) fn pools(&self) -> impl Iterator<Item = CohortPool> + '_ {
        self.entries.iter().skip(1).filter(|cohort| cohort.members > 0).map(|cohort| CohortPool {
            stream: cohort.key.0,
            network: cohort.key.1,
            members: cohort.members,
            pool: cohort.pool.clone(),
            must_agree: self.must_agree,
        })
    }

    /// The position of a cohort, which may be made for it.
    fn position(&mut self, key: (StreamId, NetworkId)) -> u16 {
        if key.1.is_unknown() {
            return NO_COHORT;
        }
        if let Some(&position) = self.positions.get(&key) {
            return position;
        }
        let position = if self.entries.len() <= MOST {
            self.entries.push(Cohort::default());
            self.entries.len() - 1
        } else {
            let empty = (1..self.entries.len()).filter(|&position| self.entries[position].members == 0);
            match empty.min_by_key(|&position| self.entries[position].pool.last_observed()) {
                Some(position) => position,
                None => return NO_COHORT,
            }
        };
        self.positions.remove(&self.entries[position].key);
        self.entries[position] = Cohort { key, ..Cohort::default() };
        self.positions.insert(key, position as u16);
        position as u16
    }
}

/// Whether the median of what a session measured itself lies far outside the middle four fifths of what is said of others.
fn is_beyond(own: &Forecast, prior: &Forecast) -> bool {
    let own_kbps = own.median(FIRST_TRANSFERS).as_kbps();
    let [lowest, .., highest] = prior.scenarios(FIRST_TRANSFERS).map(f64::from);
    !(lowest / BEYOND..=highest * BEYOND).contains(&own_kbps)
}

impl Cohort {
    fn look_ahead(&mut self, at: Timestamp, must_agree: bool) {
        self.at = at;
        // One of the members is the one that asks.
        let own = match self.members > LEAST_OTHERS {
            true => forecast_of(&self.pool, at, must_agree),
            false => CohortForecast::default(),
        };
        self.forecast = match self.fleet {
            Some((came_at, fleet)) if at.since(came_at) <= FLEET_HOLDS => {
                let fall = if at.since(came_at) <= FALL_HOLDS { fleet.fall.min(own.fall) } else { own.fall };
                CohortForecast { fall, ..fleet }
            }
            _ => own,
        };
    }
}

impl Engine {
    /// Takes note of the network a session comes from, and decides at once for one that has shown nothing yet.
    pub(super) fn handle_join(&mut self, session: SessionId, network: NetworkId, at: Timestamp) {
        let Some(slot) = self.table.find(session) else { return };
        let record = self.table.record_mut(slot);
        self.cohorts.leave(record.cohort);
        record.cohort = self.cohorts.join(self.streams.target(record.stream).stream, network);
        if record.cohort != NO_COHORT {
            self.cohorts.look_ahead(record.cohort, at);
        }
        if record.history.is_empty() {
            self.decide(slot, at, Urgency::Routine);
        }
    }

    /// The cohorts of the sessions that live here.
    pub fn cohorts(&self) -> impl Iterator<Item = CohortPool> + '_ {
        self.cohorts.pools()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decision::{Decision, Reason},
        engine::{Config, Input},
        telemetry::{Player, Radio, Report, Sample},
        units::Bitrate,
    };

    const STREAM: StreamId = StreamId(1);
    const HOME: NetworkId = NetworkId(77);
    const NEWCOMER: SessionId = SessionId(1_000);

    fn second(second: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + second * 1_000)
    }

    fn sample(session: SessionId, at: u64, report: Report) -> Input {
        Input::Sample(Sample { session, stream: STREAM, at: second(at), report })
    }

    fn player(kbps: u64) -> Report {
        Report::Player(Player {
            measured_throughput: Some(Bitrate::kbps(kbps)),
            transfer_time: Some(Duration::from_millis(900)),
            encoded_bitrate: Some(Bitrate::kbps(1_600)),
            buffer_length: Some(Duration::from_secs(5)),
            ..Player::default()
        })
    }

    fn starting() -> Report {
        Report::Player(Player { startup: true, buffer_length: Some(Duration::ZERO), ..Player::default() })
    }

    /// `sessions` on one network report every 2 s at `kbps`, from `from` to `to`.
    fn watch(engine: &mut Engine, sessions: u64, from: u64, to: u64, kbps: u64) {
        for at in (from..to).step_by(2) {
            for session in 1..=sessions {
                engine.handle_input(sample(SessionId(session), at, player(kbps)));
                engine.handle_input(Input::Join { at: second(at), session: SessionId(session), network: HOME });
            }
            engine.handle_input(Input::Tick { at: second(at + 1) });
        }
    }

    fn arrive(engine: &mut Engine, at: u64, network: NetworkId) -> Decision {
        engine.handle_input(sample(NEWCOMER, at, starting()));
        engine.handle_input(Input::Join { at: second(at), session: NEWCOMER, network });
        engine.decision(NEWCOMER).unwrap()
    }

    #[test]
    fn a_newcomer_starts_as_its_cohort_goes() {
        let mut engine = Engine::new(Config::default());
        watch(&mut engine, 6, 0, 30, 6_000);
        let decision = arrive(&mut engine, 30, HOME);
        assert_eq!((decision.max_bitrate, decision.reason), (Some(Bitrate::kbps(5_000)), Reason::Newcomer));
        let expected = decision.expected_throughput.unwrap().as_kbps();
        assert!((5_000.0..7_000.0).contains(&expected), "{expected}");
        assert_eq!(decision.stall_risk.get(), 0.0, "an empty buffer at the start is no danger");
    }

    #[test]
    fn a_newcomer_elsewhere_or_among_few_is_left_alone() {
        for (sessions, network) in [(6, NetworkId(78)), (6, NetworkId::UNKNOWN), (2, HOME)] {
            let mut engine = Engine::new(Config::default());
            watch(&mut engine, sessions, 0, 60, 6_000);
            let decision = arrive(&mut engine, 60, network);
            assert_eq!((decision.cap, decision.expected_throughput), (None, None), "{sessions} {network:?}");
        }
    }

    #[test]
    fn a_cohort_of_very_different_links_says_nothing_to_a_newcomer() {
        for (must_agree, speaks) in [(true, false), (false, true)] {
            let mut engine = Engine::new(Config { cohorts_must_agree: must_agree, ..Config::default() });
            for at in (0..30).step_by(2) {
                for session in 1..=6 {
                    let kbps = if session % 2 == 0 { 1_200 } else { 60_000 };
                    engine.handle_input(sample(SessionId(session), at, player(kbps)));
                    engine.handle_input(Input::Join { at: second(at), session: SessionId(session), network: HOME });
                }
                engine.handle_input(Input::Tick { at: second(at + 1) });
            }
            assert_eq!(arrive(&mut engine, 30, HOME).expected_throughput.is_some(), speaks);
        }
    }

    #[test]
    fn a_session_that_has_another_link_than_its_cohort_believes_itself() {
        let mut engine = Engine::new(Config::default());
        watch(&mut engine, 6, 0, 30, 40_000);
        arrive(&mut engine, 30, HOME);
        engine.handle_input(sample(NEWCOMER, 31, player(1_000)));
        engine.handle_input(Input::Tick { at: second(32) });
        let expected = engine.decision(NEWCOMER).unwrap().expected_throughput.unwrap();
        assert!(expected < Bitrate::kbps(2_000), "{expected} on a link of 1 Mbit/s");
    }

    #[test]
    fn own_history_takes_over_and_climbs_without_waiting() {
        let mut engine = Engine::new(Config::default());
        watch(&mut engine, 6, 0, 30, 1_000);
        assert_eq!(arrive(&mut engine, 30, HOME).max_bitrate, Some(Bitrate::kbps(800)));
        engine.handle_input(sample(NEWCOMER, 31, player(40_000)));
        engine.handle_input(Input::Tick { at: second(32) });
        let decision = engine.decision(NEWCOMER).unwrap();
        assert!(decision.max_bitrate > Some(Bitrate::kbps(3_000)), "{decision:?}");
        for at in (33..60).step_by(2) {
            engine.handle_input(sample(NEWCOMER, at, player(40_000)));
            engine.handle_input(Input::Tick { at: second(at + 1) });
        }
        let expected = engine.decision(NEWCOMER).unwrap().expected_throughput.unwrap();
        assert!(expected > Bitrate::kbps(30_000), "{expected}");
    }

    #[test]
    fn the_fall_of_many_warns_one_that_has_not_seen_it() {
        let mut engine = Engine::new(Config::default());
        watch(&mut engine, 12, 0, 60, 8_000);
        let before = engine.decision(SessionId(12)).unwrap();
        // All but the last report the fall; the last says nothing.
        watch(&mut engine, 11, 60, 64, 1_500);
        let warned = engine.decision(SessionId(12)).unwrap();
        let kbps = |decision: &Decision| decision.expected_throughput.unwrap().as_kbps();
        assert!(kbps(&warned) < 0.6 * kbps(&before), "{warned:?} after {before:?}");
        assert!(warned.cap < before.cap, "{warned:?} after {before:?}");
    }

    #[test]
    fn what_other_engines_saw_counts_here() {
        let mut engine = Engine::new(Config::default());
        let outlook = CohortForecast { quantiles_kbps: [2_000.0, 3_000.0, 4_000.0, 5_000.0, 6_000.0], fall: 0.0 };
        engine.handle_input(Input::Cohort { at: second(0), stream: STREAM, network: HOME, outlook });
        assert_eq!(arrive(&mut engine, 1, HOME).max_bitrate, Some(Bitrate::kbps(3_000)));
        let later = SessionId(1_001);
        engine.handle_input(sample(later, 60, starting()));
        engine.handle_input(Input::Join { at: second(60), session: later, network: HOME });
        assert_eq!(engine.decision(later).unwrap().cap, None, "old news");
    }

    #[test]
    fn a_radio_speaks_where_no_cohort_does() {
        let decide = |sinr_db| {
            let mut engine = Engine::new(Config::default());
            engine.handle_input(sample(NEWCOMER, 0, starting()));
            let radio = Radio { rsrp_dbm: Some(-95.0), sinr_db: Some(sinr_db), ..Radio::default() };
            engine.handle_input(sample(NEWCOMER, 0, Report::Radio(radio)));
            engine.handle_input(Input::Tick { at: second(1) });
            engine.decision(NEWCOMER).unwrap()
        };
        let (weak, strong) = (decide(-6.0), decide(20.0));
        assert!(weak.expected_throughput < strong.expected_throughput, "{weak:?} {strong:?}");
        assert!(weak.cap < strong.cap);
    }

    #[test]
    fn cohorts_stay_bounded_and_empty_ones_make_room() {
        let mut cohorts = Cohorts::new(true);
        for network in 1..=MOST as u64 {
            assert_ne!(cohorts.join(STREAM, NetworkId(network)), NO_COHORT);
        }
        assert_eq!(cohorts.join(STREAM, NetworkId(1 << 40)), NO_COHORT, "all have members");
        let place = cohorts.join(STREAM, NetworkId(9));
        cohorts.leave(place);
        cohorts.leave(place);
        assert_eq!(cohorts.join(STREAM, NetworkId(1 << 40)), place);
        assert_eq!(cohorts.entries.len(), MOST + 1);
    }
}
