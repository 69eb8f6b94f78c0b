//! Advice: what to fetch next, for players that ask before every segment.

use super::{
    Engine,
    decide::{ceiling, guidance, newcomer, view_of},
};
use crate::{
    decision::Reason,
    guard::Limits,
    ladder::RungIndex,
    policy::{Proposal, View},
    qoe::{RISK_SEGMENTS, stall_risk},
    telemetry::SessionId,
    time::Timestamp,
    units::{Bitrate, Ratio},
};

/// What a session should play next by the rule of its objective, and what that risks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recommendation {
    /// The rung.
    pub rung: RungIndex,
    /// Its bit rate.
    pub bitrate: Bitrate,
    /// Probability that the player stalls if it plays this rung; zero for one that has not begun, whose empty buffer is no danger.
    pub stall_risk: Ratio,
    /// Why this rung.
    pub reason: Reason,
}

impl Engine {
    /// What the policy would fetch next in the player's place, for players that ask before every segment; `None` where the
    /// player knows better: nothing is known of it yet, it is starting, or the policy does not steer.
    ///
    /// A cap must leave the player room, for it acts late and through a player that chooses by itself. Advice is taken at once
    /// or not at all, so it is the policy's choice itself, guarded but for the pace of climbing, which the policy weighs as
    /// the cost of a switch. Nothing is kept of it.
    #[must_use]
    pub fn advise(&self, session: SessionId, at: Timestamp) -> Option<Proposal> {
        self.advise_with(session, at, |_, proposal| proposal)
    }

    /// The advice for a session with the stall risk of the rung advised, for who tells a person about it. `None` where
    /// [`Engine::advise`] gives none.
    #[must_use]
    pub fn recommend(&self, session: SessionId, at: Timestamp) -> Option<Recommendation> {
        self.advise_with(session, at, |view, Proposal { rung, reason }| {
            let risk = if reason == Reason::Newcomer { Ratio::ZERO } else { stall_risk(view, rung, RISK_SEGMENTS) };
            Recommendation { rung, bitrate: view.ladder.bitrate(rung), stall_risk: risk, reason }
        })
    }

    fn advise_with<T>(
        &self,
        session: SessionId,
        at: Timestamp,
        complete: impl FnOnce(&View<'_>, Proposal) -> T,
    ) -> Option<T> {
        let record = self.table.get(session)?;
        let target = self.streams.target(record.stream);
        let forecast = self.cohorts.expect(record);
        let guidance = guidance(&self.config, &self.streams, target, record);
        let view = view_of(record, target, &forecast, at, guidance);
        let newcomer = newcomer(&self.cohorts, record, target, &forecast).filter(|_| self.policy.steers());
        let proposal = match newcomer {
            Some(proposal) => proposal,
            None if record.starting() || record.paused() => return None,
            None => self.policy.decide(&view, &mut record.memory.clone()),
        };
        if proposal.reason.is_hold() {
            return None;
        }
        let limits = Limits {
            previous: None,
            changed_at: record.changed_at(),
            starting: false,
            starved: record.starved(),
            ceiling: ceiling(record, &self.streams, target, at),
        };
        Some(complete(&view, self.config.guard.apply(&view, proposal, &limits)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Config, Input, Scope},
        objective::Objective,
        telemetry::{Player, PlayerState, Report, Sample, StreamId},
        time::Duration,
    };

    const VIEWER: SessionId = SessionId(7);

    fn second(seconds: u64) -> Timestamp {
        Timestamp::from_millis((1_000 + seconds) * 1_000)
    }

    /// A player on the default ladder that measures `kbps` and holds `buffer` seconds.
    fn report(at: u64, kbps: u64, buffer: u64, state: PlayerState) -> Input {
        Input::Sample(Sample {
            session: VIEWER,
            stream: StreamId(1),
            at: second(at),
            report: Report::Player(Player {
                encoded_bitrate: Some(Bitrate::kbps(3_000)),
                measured_throughput: Some(Bitrate::kbps(kbps)),
                transfer_time: Some(Duration::from_millis(800)),
                buffer_length: Some(Duration::from_secs(buffer)),
                state: Some(state),
                ..Player::default()
            }),
        })
    }

    /// Ten reports two seconds apart, the last at second 18.
    fn watching(kbps: u64) -> Engine {
        let mut engine = Engine::new(Config::default());
        (0..10).for_each(|step| engine.handle_input(report(step * 2, kbps, 5, PlayerState::Playing)));
        engine
    }

    fn advised_kbps(engine: &Engine, at: u64) -> Option<f64> {
        let advice = engine.advise(VIEWER, second(at))?;
        Some(engine.ladder(StreamId(1)).bitrate(advice.rung).as_kbps())
    }

    #[test]
    fn the_player_knows_better_while_nothing_is_known() {
        let mut engine = Engine::new(Config::default());
        assert_eq!(engine.advise(VIEWER, second(0)), None, "a session nobody has seen");
        engine.handle_input(report(0, 8_000, 0, PlayerState::Starting));
        assert_eq!(engine.advise(VIEWER, second(0)), None, "it is starting");
        engine.handle_input(report(2, 8_000, 5, PlayerState::Playing));
        assert!(engine.advise(VIEWER, second(2)).is_some());
        engine.handle_input(report(4, 8_000, 5, PlayerState::Paused));
        assert_eq!(engine.advise(VIEWER, second(4)), None, "it is paused");
    }

    #[test]
    fn advice_follows_the_link_at_once_and_up_and_down() {
        let mut engine = watching(30_000);
        let before = advised_kbps(&engine, 18).unwrap();
        engine.handle_input(report(20, 900, 2, PlayerState::Playing));
        let cut = advised_kbps(&engine, 20).unwrap();
        assert!(cut <= 1_600.0 && cut < before, "{before} before the cut, {cut} after it");
        (11..20).for_each(|step| engine.handle_input(report(step * 2, 30_000, 6, PlayerState::Playing)));
        assert_eq!(advised_kbps(&engine, 38), Some(before), "no dwell keeps it down");
    }

    #[test]
    fn a_starving_buffer_and_orders_bind_advice_too() {
        let mut engine = watching(30_000);
        engine.handle_input(Input::Override {
            at: second(19),
            scope: Scope::Session(VIEWER),
            max_bitrate: Some(Bitrate::kbps(1_000)),
            until: None,
        });
        let ordered = engine.advise(VIEWER, second(19)).unwrap();
        assert_eq!((advised_kbps(&engine, 19), ordered.reason), (Some(800.0), Reason::Override));
        // `sharp` would still spend what is not there.
        let mut engine = Engine::new(Config { objective: Objective::Sharp, ..Config::default() });
        (0..10).for_each(|step| engine.handle_input(report(step * 2, 30_000, 5, PlayerState::Playing)));
        engine.handle_input(report(20, 500, 0, PlayerState::Rebuffering));
        assert_eq!(engine.advise(VIEWER, second(20)).unwrap().reason, Reason::Starvation);
    }

    #[test]
    fn a_recommendation_is_the_advice_with_the_risk_of_that_rung() {
        // (kbit/s of the link, buffer in seconds)
        for (kbps, buffer) in [(30_000, 5), (6_000, 5), (2_500, 3), (900, 1)] {
            for objective in Objective::ALL {
                let mut engine = Engine::new(Config { objective, ..Config::default() });
                (0..10).for_each(|step| engine.handle_input(report(step * 2, kbps, buffer, PlayerState::Playing)));
                let advice = engine.advise(VIEWER, second(18)).unwrap();
                let told = engine.recommend(VIEWER, second(18)).unwrap();
                assert_eq!((told.rung, told.reason), (advice.rung, advice.reason));
                assert_eq!(told.bitrate, engine.ladder(StreamId(1)).bitrate(told.rung));
                let accepted = told.rung == 0 || told.stall_risk <= objective.risk_ceiling();
                assert!(accepted, "{objective} at {kbps} kbit/s: {told:?}");
            }
        }
        assert_eq!(Engine::new(Config::default()).recommend(VIEWER, second(18)), None, "a session nobody has seen");
    }

    #[test]
    fn asking_changes_nothing() {
        let play = |ask: bool| {
            let mut engine = Engine::new(Config::default());
            let mut told = Vec::new();
            for step in 0..20 {
                engine.handle_input(report(step * 2, 2_000 + step * 700, 4, PlayerState::Playing));
                if ask {
                    let _ = engine.advise(VIEWER, second(step * 2));
                }
                engine.handle_input(Input::Tick { at: second(step * 2 + 1) });
                told.extend(std::iter::from_fn(|| engine.poll_output()));
            }
            told
        };
        assert_eq!(play(true), play(false));
    }
}
