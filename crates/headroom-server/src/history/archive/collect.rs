//! What a shard gathers for the archive between two ticks, and what it holds ready for an incident.

use super::{
    row::{DecisionRow, IncidentSample, Row},
    settings::Settings,
};
use headroom_core::{
    decision::Decision,
    telemetry::{Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
};
use std::collections::VecDeque;

/// Rows a shard gathers between two ticks; more is counted as lost.
const MAX_ROWS: usize = 20_000;

/// Gathers the rows of one shard, under its lock.
pub(crate) struct Collector {
    sampled: Share,
    rows: Vec<Row>,
    lost: u64,
    ring: Ring,
}

impl Collector {
    pub(super) fn new(settings: &Settings, shards: usize) -> Self {
        let ring = Ring::new(
            Duration::from_secs(settings.incident_s),
            if settings.incident_s == 0 { 0 } else { settings.incident_samples.div_ceil(shards.max(1)) },
        );
        Self { sampled: Share::of(settings.session_share), rows: Vec::new(), lost: 0, ring }
    }

    /// Takes note of a report.
    pub(crate) fn sample(&mut self, sample: &Sample) {
        if self.sampled.holds(sample.session) {
            self.push(Row::Sample(sample.clone()));
        }
        self.ring.push(sample);
    }

    /// Takes note of a decision that changed something.
    pub(crate) fn decision(&mut self, stream: StreamId, decision: &Decision) {
        self.push(Row::Decision(DecisionRow { stream, decision: decision.clone() }));
    }

    /// Gives away what was gathered, with all that is held ready when something is wrong, and how much had no room.
    pub(crate) fn take(&mut self, now: Timestamp, incident: bool) -> (Vec<Row>, u64) {
        let mut rows = std::mem::take(&mut self.rows);
        if incident {
            rows.extend(self.ring.drain(now));
        }
        (rows, std::mem::take(&mut self.lost))
    }

    fn push(&mut self, row: Row) {
        if self.rows.len() < MAX_ROWS {
            self.rows.push(row);
        } else {
            self.lost += 1;
        }
    }
}

/// A share of all sessions, the same ones wherever it is asked: identifiers are keyed hashes.
///
/// The low half of an identifier decides: the high bits choose the shard, so that a share of these would be whole shards.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Share(f64);

impl Share {
    fn of(share: f64) -> Self {
        Self(share.clamp(0.0, 1.0))
    }

    fn holds(self, session: SessionId) -> bool {
        f64::from(session.0 as u32) < self.0 * 4_294_967_296.0
    }
}

/// The latest reports of everybody, or of as large a share of the sessions as there is room for.
struct Ring {
    span: Duration,
    capacity: usize,
    share: Share,
    /// When the share last changed: what a change does to the fill shows only a span later.
    changed: Timestamp,
    reports: VecDeque<(Share, Sample)>,
}

impl Ring {
    fn new(span: Duration, capacity: usize) -> Self {
        Self { span, capacity, share: Share(1.0), changed: Timestamp::EPOCH, reports: VecDeque::new() }
    }

    fn push(&mut self, sample: &Sample) {
        if self.capacity == 0 || !self.share.holds(sample.session) {
            return;
        }
        while self.reports.front().is_some_and(|(_, oldest)| sample.at.since(oldest.at) > self.span) {
            self.reports.pop_front();
        }
        // Where the whole span fills a quarter of the room, twice as many sessions fit.
        if self.reports.len() < self.capacity / 4 && sample.at.since(self.changed) > self.span {
            self.share = Share((self.share.0 * 2.0).min(1.0));
            self.changed = sample.at;
        }
        if self.reports.len() >= self.capacity {
            self.share = Share(self.share.0 / 2.0);
            self.changed = sample.at;
            let share = self.share;
            self.reports.retain(|(_, sample)| share.holds(sample.session));
            self.reports.iter_mut().for_each(|(then, _)| *then = if *then < share { *then } else { share });
            if !share.holds(sample.session) || self.reports.len() >= self.capacity {
                return;
            }
        }
        self.reports.push_back((self.share, sample.clone()));
    }

    fn drain(&mut self, now: Timestamp) -> impl Iterator<Item = Row> + '_ {
        let span = self.span;
        let recent = self.reports.drain(..).filter(move |(_, sample)| now.since(sample.at) <= span);
        recent.map(|(Share(share), sample)| Row::Incident(IncidentSample { share, sample }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_core::telemetry::{Player, Report};

    fn report(session: u64, at_ms: u64) -> Sample {
        // Spreads small numbers over all bits, as the hash behind identifiers does.
        let session = SessionId(session.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let at = Timestamp::from_millis(at_ms);
        Sample { session, stream: StreamId(1), at, report: Report::Player(Player::default()) }
    }

    fn settings(session_share: f64, incident_samples: usize) -> Settings {
        Settings { session_share, incident_samples, incident_s: 10, ..Settings::default() }
    }

    #[test]
    fn a_sampled_session_is_kept_whole_and_the_share_is_met() {
        let mut collector = Collector::new(&settings(0.1, 0), 1);
        for round in 0..3 {
            (0..10_000).for_each(|session| collector.sample(&report(session, round * 2_000)));
        }
        let (rows, lost) = collector.take(Timestamp::from_millis(6_000), false);
        assert_eq!((rows.len() % 3, lost), (0, 0));
        assert!((800..1_200).contains(&(rows.len() / 3)), "{} of 10 000", rows.len() / 3);
    }

    #[test]
    fn an_incident_takes_what_was_reported_lately() {
        let mut collector = Collector::new(&settings(0.0, 1_000), 1);
        (0..20).for_each(|second| collector.sample(&report(7, second * 1_000)));
        let now = Timestamp::from_millis(19_000);
        assert!(collector.take(now, false).0.is_empty());
        let (rows, _) = collector.take(now, true);
        assert_eq!(rows.len(), 11, "seconds 9 to 19");
        assert!(rows.iter().all(|row| matches!(row, Row::Incident(IncidentSample { share: 1.0, .. }))));
        assert!(collector.take(now, true).0.is_empty(), "nothing is kept twice");
    }

    #[test]
    fn with_more_reports_than_room_fewer_sessions_are_held_but_the_whole_span() {
        let mut collector = Collector::new(&settings(0.0, 1_000), 1);
        for second in 0..30 {
            (0..1_000).for_each(|session| collector.sample(&report(session, second * 1_000)));
        }
        let rows = collector.take(Timestamp::from_millis(29_000), true).0;
        assert!((200..=1_000).contains(&rows.len()), "{}", rows.len());
        let mut seconds = std::collections::BTreeMap::<u64, f64>::new();
        for row in &rows {
            let Row::Incident(IncidentSample { share, sample }) = row else { panic!("{row:?}") };
            *seconds.entry(sample.at.as_secs()).or_default() += 1.0 / share;
        }
        assert_eq!(seconds.len(), 11);
        // Weighted by their shares, the sessions of each second are as many as there were.
        assert!(seconds.values().all(|estimate| (400.0..2_000.0).contains(estimate)), "{seconds:?}");
        // Fewer viewers: everybody is held again.
        for second in 30..90 {
            (0..10).for_each(|session| collector.sample(&report(session, second * 1_000)));
        }
        let rows = collector.take(Timestamp::from_millis(89_000), true).0;
        assert!(rows.len() > 100, "{}", rows.len());
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let mut collector = Collector::new(&settings(1.0, 0), 1);
        (0..MAX_ROWS as u64 + 5).for_each(|session| collector.sample(&report(session, 0)));
        let (rows, lost) = collector.take(Timestamp::EPOCH, false);
        assert_eq!((rows.len(), lost), (MAX_ROWS, 5));
    }
}
