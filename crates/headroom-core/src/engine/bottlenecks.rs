//! Bottlenecks of known capacity, and who is behind each.

use super::{streams::Streams, table::Table};
use crate::{
    allocation::{Demand, allocate},
    ladder::{Ladder, RungIndex},
    session::Record,
    telemetry::StreamId,
    time::Duration,
    units::Bitrate,
};

/// The known bottlenecks. Where several hold a session, the tightest counts.
#[derive(Default)]
pub(super) struct Bottlenecks(Vec<Bottleneck>);

struct Bottleneck {
    /// Whose sessions are behind it; `None` for everyone's.
    stream: Option<StreamId>,
    capacity: Bitrate,
    /// What its sessions leave of the capacity, for those that come before the next division.
    spare: Bitrate,
}

/// Level of the forecast that a session may be given: what its own link carries in the better futures.
const OPTIMISTIC: usize = 3;
/// What a session without evidence is reckoned with.
const UNKNOWN_LIMIT: RungIndex = 1;

impl Bottlenecks {
    /// Sets or, with `None`, forgets the capacity over a stream or over everyone.
    pub(super) fn set(
        &mut self,
        stream: Option<StreamId>,
        capacity: Option<Bitrate>,
        table: &Table,
        streams: &Streams,
    ) {
        self.0.retain(|bottleneck| bottleneck.stream != stream);
        let Some(capacity) = capacity else { return };
        let mut bottleneck = Bottleneck { stream, capacity, spare: Bitrate::ZERO };
        let members = table.records().iter().filter(|record| bottleneck.holds(record, streams));
        bottleneck.spare = left_of(
            capacity,
            members.map(|record| {
                let Demand { ladder, limit, .. } = demand(record, streams);
                ladder.bitrate(record.share().unwrap_or(limit))
            }),
        );
        self.0.push(bottleneck);
    }

    /// Gives a session that has just come a share, until the next division: what the others leave it, and no more than a session
    /// without evidence is reckoned with; the lowest rung where they leave less.
    pub(super) fn admit(&mut self, slot: usize, table: &mut Table, streams: &Streams) {
        if self.0.is_empty() {
            return;
        }
        let record = &table.records()[slot];
        let Demand { ladder, limit, .. } = demand(record, streams);
        let behind = |bottleneck: &&mut Bottleneck| bottleneck.holds(record, streams);
        let spare = self.0.iter_mut().filter(behind).map(|bottleneck| bottleneck.spare).min();
        let Some(spare) = spare else { return };
        let share = ladder.highest_within(spare).unwrap_or(0).min(limit);
        for bottleneck in self.0.iter_mut().filter(behind) {
            bottleneck.spare = left_of(bottleneck.spare, [ladder.bitrate(share)].into_iter());
        }
        table.record_mut(slot).give_share(Some(share));
        table.set_shared(true);
    }

    /// What each session of a stream, or everyone's, could use.
    pub(super) fn demands<'a>(
        stream: Option<StreamId>,
        table: &'a Table,
        streams: &'a Streams,
    ) -> impl Iterator<Item = Demand<'a>> {
        let bottleneck = Bottleneck { stream, capacity: Bitrate::MAX, spare: Bitrate::ZERO };
        let members = table.records().iter().filter(move |record| bottleneck.holds(record, streams));
        members.map(|record| demand(record, streams))
    }

    /// Gives every session behind a bottleneck its share, as a rung; marks those whose share changed.
    pub(super) fn divide(&mut self, table: &mut Table, streams: &Streams) {
        if self.0.is_empty() && !table.is_shared() {
            return;
        }
        let mut shares: Vec<Option<RungIndex>> = vec![None; table.records().len()];
        for bottleneck in &mut self.0 {
            let members: Vec<usize> =
                (0..shares.len()).filter(|&slot| bottleneck.holds(&table.records()[slot], streams)).collect();
            let demands: Vec<Demand<'_>> =
                members.iter().map(|&slot| demand(&table.records()[slot], streams)).collect();
            let rungs = allocate(bottleneck.capacity, &demands);
            let given = demands.iter().zip(&rungs).map(|(demand, &rung)| demand.ladder.bitrate(rung));
            bottleneck.spare = left_of(bottleneck.capacity, given);
            for (slot, rung) in members.into_iter().zip(rungs) {
                shares[slot] = Some(shares[slot].map_or(rung, |tighter| tighter.min(rung)));
            }
        }
        for (slot, share) in shares.into_iter().enumerate() {
            table.record_mut(slot).give_share(share);
        }
        table.set_shared(!self.0.is_empty());
    }
}

impl Bottleneck {
    fn holds(&self, record: &Record, streams: &Streams) -> bool {
        !record.paused() && self.stream.is_none_or(|stream| streams.target(record.stream).stream == stream)
    }
}

/// What is left of a capacity when rates are taken off it; nothing where they are more.
fn left_of(capacity: Bitrate, rates: impl Iterator<Item = Bitrate>) -> Bitrate {
    let taken = rates.fold(0_u64, |sum, rate| sum.saturating_add(rate.as_bps()));
    Bitrate::bps(capacity.as_bps().saturating_sub(taken))
}

fn demand<'a>(record: &Record, streams: &'a Streams) -> Demand<'a> {
    let ladder: &Ladder = &streams.target(record.stream).settings.ladder;
    let forecast = record.forecast();
    let limit = match forecast.is_unknown() {
        true => UNKNOWN_LIMIT.min(ladder.top()),
        false => {
            let kbps = forecast.scenarios(Duration::from_secs(4))[OPTIMISTIC];
            ladder.highest_within(Bitrate::from_kbps_f64(f64::from(kbps))).unwrap_or(0)
        }
    };
    Demand { ladder, limit, weight: 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decision::Reason,
        engine::{Config, Engine, Input, Scope, StreamSettings},
        telemetry::{Player, Report, Sample, SessionId},
        time::Timestamp,
    };

    const STREAM: StreamId = StreamId(1);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis((1_000 + seconds) * 1_000)
    }

    /// A player of which nothing is known but that it is there.
    fn arrival(session: u64, seconds: u64) -> Input {
        let report = Report::Player(Player::default());
        Input::Sample(Sample { session: SessionId(session), stream: STREAM, at: at(seconds), report })
    }

    fn engine() -> Engine {
        let mut engine = Engine::new(Config::default());
        let ladder = Ladder::from_bitrates(&[800, 2_400, 6_000].map(Bitrate::kbps)).unwrap();
        let settings = StreamSettings { ladder, ..StreamSettings::default() };
        engine.handle_input(Input::Stream { stream: STREAM, at: at(0), settings });
        engine.handle_input(Input::Tick { at: at(0) });
        engine
    }

    fn cap(engine: &Engine, session: u64) -> Option<f64> {
        engine.decision(SessionId(session))?.max_bitrate.map(|cap| cap.as_kbps())
    }

    #[test]
    fn newcomers_are_held_to_orders_from_their_first_sample_on() {
        for scope in [Scope::All, Scope::Stream(STREAM)] {
            let mut engine = engine();
            let max_bitrate = Some(Bitrate::kbps(900));
            engine.handle_input(arrival(1, 1));
            assert_eq!(cap(&engine, 1), None, "nothing is ordered");
            assert_eq!(engine.ordered_cap(STREAM, at(1)), None);
            engine.handle_input(Input::Override { at: at(1), scope, max_bitrate, until: Some(at(9)) });
            engine.handle_input(arrival(2, 2));
            assert_eq!((cap(&engine, 1), cap(&engine, 2)), (Some(800.0), Some(800.0)), "{scope:?}");
            assert_eq!(engine.decision(SessionId(2)).unwrap().reason, Reason::Override);
            assert_eq!(engine.ordered_cap(STREAM, at(2)).map(|cap| cap.as_kbps()), Some(800.0));
            engine.handle_input(arrival(3, 10));
            assert_eq!(cap(&engine, 3), None, "the order has ended");
        }
    }

    #[test]
    fn newcomers_share_what_others_leave_before_the_next_division() {
        for (capacity, expected) in
            [(100_000, [2_400.0; 4]), (4_000, [2_400.0, 800.0, 800.0, 800.0]), (500, [800.0; 4])]
        {
            let mut engine = engine();
            let capacity = Bitrate::kbps(capacity);
            engine.handle_input(Input::Bottleneck { at: at(0), stream: Some(STREAM), capacity: Some(capacity) });
            (1..=4).for_each(|session| engine.handle_input(arrival(session, 1)));
            let caps = [1, 2, 3, 4].map(|session| cap(&engine, session).unwrap());
            assert_eq!(caps, expected, "{capacity:?}");
            engine.handle_input(Input::Tick { at: at(2) });
            let sum: f64 = (1..=4).map(|session| cap(&engine, session).unwrap()).sum();
            assert!(sum <= capacity.as_kbps().max(4.0 * 800.0), "{sum} of {capacity:?}");
        }
    }
}
