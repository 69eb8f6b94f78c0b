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
}

/// Level of the forecast that a session may be given: what its own link carries in the better futures.
const OPTIMISTIC: usize = 3;
/// What a session without evidence is reckoned with.
const UNKNOWN_LIMIT: RungIndex = 1;

impl Bottlenecks {
    /// Sets or, with `None`, forgets the capacity over a stream or over everyone.
    pub(super) fn set(&mut self, stream: Option<StreamId>, capacity: Option<Bitrate>) {
        self.0.retain(|bottleneck| bottleneck.stream != stream);
        self.0.extend(capacity.map(|capacity| Bottleneck { stream, capacity }));
    }

    /// What each session of a stream, or everyone's, could use.
    pub(super) fn demands<'a>(
        stream: Option<StreamId>,
        table: &'a Table,
        streams: &'a Streams,
    ) -> impl Iterator<Item = Demand<'a>> {
        let bottleneck = Bottleneck { stream, capacity: Bitrate::MAX };
        let members = table.records().iter().filter(move |record| bottleneck.holds(record, streams));
        members.map(|record| demand(record, streams))
    }

    /// Gives every session behind a bottleneck its share, as a rung; marks those whose share changed.
    pub(super) fn divide(&self, table: &mut Table, streams: &Streams) {
        if self.0.is_empty() && !table.is_shared() {
            return;
        }
        let mut shares: Vec<Option<RungIndex>> = vec![None; table.records().len()];
        for bottleneck in &self.0 {
            let members: Vec<usize> =
                (0..shares.len()).filter(|&slot| bottleneck.holds(&table.records()[slot], streams)).collect();
            let demands: Vec<Demand<'_>> =
                members.iter().map(|&slot| demand(&table.records()[slot], streams)).collect();
            for (slot, rung) in members.into_iter().zip(allocate(bottleneck.capacity, &demands)) {
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
