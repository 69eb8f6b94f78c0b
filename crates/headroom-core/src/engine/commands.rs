//! Commands of viewers, each for the own playback.

use super::{Engine, NO_RUNG, Urgency};
use crate::{
    audience::Command,
    ladder::RungIndex,
    telemetry::SessionId,
    time::{Duration, Timestamp},
};

/// How long the ceiling of a viewer holds: about a game. A viewer who still wants it asks again.
const HOLDS: Duration = Duration::from_secs(1_800);

/// What a command does to the ceiling that a viewer set over the own session.
enum OwnCeiling {
    Keep,
    Lift,
    Set(RungIndex),
}

impl Engine {
    /// Carries a command out, at once. One for a session that is not here changes nothing. A viewer can go below an
    /// operator's ceiling but not above it.
    pub(super) fn handle_command(&mut self, session: SessionId, command: Command, at: Timestamp) {
        let Some(slot) = self.table.find(session) else { return };
        let record = self.table.record_mut(slot);
        let ladder = &self.streams.target(record.stream).settings.ladder;
        let in_force = record.ceiling_kbps.is_finite() && at.as_secs_f64() <= f64::from(record.ceiling_until_s);
        let ordered = in_force && !record.has_own_ceiling();
        let own = (in_force && record.has_own_ceiling())
            .then(|| ladder.highest_within(crate::units::Bitrate::from_kbps_f64(f64::from(record.ceiling_kbps))))
            .map(|rung| rung.unwrap_or(0));
        let capped = (record.cap != NO_RUNG).then_some(record.cap);
        let playing = [record.playing(ladder), capped, own].into_iter().flatten().min();
        let ceiling = match command {
            Command::LowerQuality => OwnCeiling::Set(playing.unwrap_or(ladder.top()).saturating_sub(1)),
            Command::RaiseQuality => match own {
                Some(rung) if rung + 1 < ladder.top() => OwnCeiling::Set(rung + 1),
                Some(_) => OwnCeiling::Lift,
                None => OwnCeiling::Keep,
            },
            Command::SetQuality(Some(height)) => OwnCeiling::Set(ladder.by_height(height).unwrap_or(0)),
            Command::SetQuality(None) => OwnCeiling::Lift,
            Command::LowerLatency => {
                record.wish(-1);
                OwnCeiling::Keep
            }
            Command::MoreBuffer => {
                record.wish(1);
                OwnCeiling::Keep
            }
            Command::Status => return,
        };
        self.counters.commands += 1;
        match ceiling {
            OwnCeiling::Set(rung) => {
                let kbps = ladder.bitrate(rung).as_kbps() as f32;
                if !ordered || kbps < record.ceiling_kbps {
                    record.ceiling_kbps = kbps;
                    record.ceiling_until_s = (at + HOLDS).as_secs_f64() as u32;
                    record.set_own_ceiling(true);
                }
            }
            OwnCeiling::Lift if !ordered => {
                record.ceiling_kbps = f32::INFINITY;
                record.set_own_ceiling(false);
            }
            OwnCeiling::Lift | OwnCeiling::Keep => {}
        }
        self.decide(slot, at, Urgency::Routine);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audience::{Aspects, AuthorId, Classification, Sentiment},
        engine::{Config, Input, Output, Scope, StreamSettings},
        telemetry::{Player, Report, Sample, StreamId},
        units::{Bitrate, Ratio},
    };

    const VIEWER: SessionId = SessionId(3);
    const STREAM: StreamId = StreamId(1);

    fn second(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + seconds * 1_000)
    }

    fn report(at: u64) -> Input {
        let player = Player {
            encoded_bitrate: Some(Bitrate::kbps(8_000)),
            measured_throughput: Some(Bitrate::mbps(90)),
            transfer_time: Some(Duration::from_millis(200)),
            buffer_length: Some(Duration::from_secs(6)),
            ..Player::default()
        };
        Input::Sample(Sample { session: VIEWER, stream: STREAM, at: second(at), report: Report::Player(player) })
    }

    fn says(at: u64, command: Command, session: Option<SessionId>) -> Input {
        let reading = Classification {
            sentiment: Sentiment::Neutral,
            confidence: Ratio::clamped(0.9),
            aspects: Aspects::NONE,
            command: Some(command),
        };
        Input::Feedback { stream: STREAM, author: AuthorId(9), at: second(at), id: format!("m{at}"), reading, session }
    }

    /// Feeds inputs as a log would hold them.
    fn feed(engine: &mut Engine, inputs: impl IntoIterator<Item = Input>) -> Vec<Output> {
        let mut outputs = Vec::new();
        for input in inputs {
            let line = serde_json::to_string(&input).unwrap();
            let read: Input = serde_json::from_str(&line).unwrap();
            assert_eq!(read, input, "{line}");
            engine.handle_input(read);
            outputs.extend(std::iter::from_fn(|| engine.poll_output()));
        }
        outputs
    }

    fn watching() -> Engine {
        let mut engine = Engine::new(Config::default());
        feed(&mut engine, (0..12).flat_map(|step| [report(step * 2), Input::Tick { at: second(step * 2 + 1) }]));
        engine
    }

    fn height(engine: &Engine) -> u16 {
        let ladder = StreamSettings::default().ladder;
        ladder.rung(engine.decision(VIEWER).unwrap().cap.unwrap()).height
    }

    #[test]
    fn a_command_acts_on_the_session_at_once() {
        let mut engine = watching();
        assert_eq!(height(&engine), 2160);
        // Farther apart than the guard's dwell: what is raised is climbed to like anything else.
        for (at, (command, expected)) in (30..).step_by(6).zip([
            (Command::SetQuality(Some(480)), 480),
            (Command::LowerQuality, 360),
            (Command::RaiseQuality, 480),
            (Command::SetQuality(None), 2160),
            (Command::LowerQuality, 720),
        ]) {
            feed(&mut engine, [report(at), says(at, command, Some(VIEWER))]);
            assert_eq!(height(&engine), expected, "{command}");
        }
        let after = 60 + HOLDS.as_millis() / 1_000;
        feed(&mut engine, [report(60), Input::Tick { at: second(after - 60) }]);
        feed(&mut engine, [report(after), Input::Tick { at: second(after) }]);
        assert_eq!(height(&engine), 2160, "a wish does not hold for ever");
    }

    #[test]
    fn delay_follows_the_wish_within_bounds() {
        let mut engine = watching();
        let latency = |engine: &Engine| engine.decision(VIEWER).unwrap().target_latency;
        let usual = latency(&engine);
        feed(&mut engine, (0..9).map(|_| says(30, Command::MoreBuffer, Some(VIEWER))));
        let more = latency(&engine);
        assert!(more > usual && more < usual + usual, "{usual:?} {more:?}");
        // Back towards live goes a fifth of the way a decision.
        let towards =
            (0..30).flat_map(|step| [report(32 + step), says(32 + step, Command::LowerLatency, Some(VIEWER))]);
        feed(&mut engine, towards);
        assert!(latency(&engine) < usual && latency(&engine) + latency(&engine) > usual, "{:?}", latency(&engine));
    }

    #[test]
    fn viewers_stay_below_an_operators_ceiling() {
        let mut engine = watching();
        let order = |at, max_bitrate| Input::Override {
            at: second(at),
            scope: Scope::Session(VIEWER),
            max_bitrate,
            until: None,
        };
        feed(&mut engine, [order(30, Some(Bitrate::kbps(3_000)))]);
        for command in [Command::RaiseQuality, Command::SetQuality(None), Command::SetQuality(Some(1080))] {
            feed(&mut engine, [says(31, command, Some(VIEWER))]);
            assert_eq!(height(&engine), 720, "{command}");
        }
        feed(&mut engine, [report(40), Input::Tick { at: second(40) }, order(41, None)]);
        assert_eq!(height(&engine), 2160);
    }

    #[test]
    fn without_a_session_a_command_is_a_vote_and_strangers_do_nothing() {
        let mut engine = watching();
        feed(&mut engine, [says(30, Command::SetQuality(Some(240)), None)]);
        feed(&mut engine, [Input::Command { at: second(30), session: SessionId(99), command: Command::LowerQuality }]);
        assert_eq!(height(&engine), 2160);
        let outputs = feed(
            &mut engine,
            (0..20)
                .map(|author| {
                    let Input::Feedback { stream, at, id, reading, session, .. } = says(31, Command::MoreBuffer, None)
                    else {
                        unreachable!("feedback")
                    };
                    Input::Feedback { stream, author: AuthorId(author), at, id, reading, session }
                })
                .chain([Input::Tick { at: second(32) }]),
        );
        assert!(
            outputs.iter().any(|output| matches!(output, Output::Weights { weights, .. } if weights.stall > 1.3)),
            "{outputs:?}"
        );
        assert_eq!(engine.audience(STREAM).unwrap().votes[0], 20);
    }
}
