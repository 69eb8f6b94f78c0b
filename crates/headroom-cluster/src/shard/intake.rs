//! How reports reach an engine: sequence numbers are checked, and the session's entry is brought up to date.

use super::shards::{ClientLocation, Shard, Shards};
use crate::{
    answer::Answer,
    lock::locked,
    sequence::{Arrival, SequenceWindow},
};
use headroom_core::{
    engine::Input,
    telemetry::{Link, Player, Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::Bitrate,
};

/// Silence after which a player that numbers its reports may start to count again: longer than any reporting gap
/// within the 64 numbers of a [`SequenceWindow`].
const RENUMBERING_GAP: Duration = Duration::from_secs(5);

/// Most publishers watched at a time.
const MAX_PUBLISHERS: usize = 10_000;

/// Reporting mode of CMCD v2. Each mode numbers its reports on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportingMode {
    /// Sent along with a media request.
    Request,
    /// Posted as an event.
    Event,
}

/// A report of the player itself.
pub struct PlayerReport {
    /// The report. Its time and stream are set when it is taken in.
    pub sample: Sample,
    /// What the session plays; `None` when the report does not say.
    pub stream: Option<StreamId>,
    /// Its mode, and its sequence number (CMCD `sn`) where it has one.
    pub sequence: (ReportingMode, Option<u32>),
    /// Where its sender is.
    pub location: ClientLocation,
}

/// A media object that a player fetched, as its server saw it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObservedTransfer {
    /// Its length.
    pub bytes: u64,
    /// How fast it came and how long it took, where that can be told.
    pub measured: Option<(Bitrate, Duration)>,
    /// How long it plays, where a playlist says so; else it is a segment of its stream.
    pub object_duration: Option<Duration>,
}

impl Shards {
    /// Takes in a player's report and answers with what the player should know.
    pub(crate) fn handle_player(&self, mut report: PlayerReport) -> Answer {
        let session = report.sample.session;
        let mut shard = self.shard_of(session);
        let now = self.clock.now();
        report.sample.at = now;
        self.take_in(&mut shard, &mut report);
        self.answer(&shard, session, now)
    }

    /// Takes in one of many reports that came together at `arrived`; nobody waits for an answer.
    pub(crate) fn handle_batched(&self, mut report: PlayerReport, arrived: Timestamp) {
        let mut shard = self.shard_of(report.sample.session);
        report.sample.at = arrived;
        self.take_in(&mut shard, &mut report);
    }

    /// Takes in a report at the time that its sample carries.
    fn take_in(&self, shard: &mut Shard, report: &mut PlayerReport) {
        let PlayerReport { sample, stream, sequence: (mode, number), location } = report;
        let entry = shard.entries.entry(sample.session).or_default();
        // Other requests of the session may have been taken in since. Time never steps back within a session.
        sample.at = sample.at.max(entry.last_seen);
        entry.reports = true;
        let silent_for = sample.at.since(entry.last_seen);
        entry.last_seen = sample.at;
        if let Some(stream) = *stream {
            entry.stream = stream;
        }
        sample.stream = entry.stream;
        entry.posts |= *mode == ReportingMode::Event;
        if let Report::Player(player) = &mut sample.report
            && *mode == ReportingMode::Request
            && entry.posts
        {
            // A request and an event report the same stall.
            player.starvation_duration = None;
        }
        let order = number.map_or(Arrival::Fresh, |number| {
            let window = match mode {
                ReportingMode::Request => &mut entry.requests,
                ReportingMode::Event => &mut entry.events,
            };
            if silent_for > RENUMBERING_GAP {
                *window = SequenceWindow::default();
            }
            window.admit(number)
        });
        let moved = entry.location != *location;
        match order {
            Arrival::Fresh | Arrival::Restarted => {}
            Arrival::Late => {
                self.meters.late();
                keep_transfer(&mut sample.report);
            }
            Arrival::Replayed => return self.meters.replayed(),
        }
        self.feed_sample(shard, sample);
        if moved {
            self.locate(shard, sample.session, *location, sample.at);
            self.arrange(shard, sample.session, sample.at);
        }
    }

    /// Tells the engine the network of a session when it changed, and what others on that network measured.
    fn locate(&self, shard: &mut Shard, session: SessionId, location: ClientLocation, at: Timestamp) {
        let Some(entry) = shard.entries.get_mut(&session) else { return };
        let before = std::mem::replace(&mut entry.location, location);
        let (stream, network) = (entry.stream, location.network);
        if before.network == network {
            return;
        }
        if let Some(outlook) = self.cohorts.forecast(stream, network) {
            self.feed(shard, Input::Cohort { at, stream, network, outlook });
        }
        self.feed(shard, Input::Join { at, session, network });
    }

    /// Takes in what a transfer or the transport showed of a session.
    pub(crate) fn handle_observed(&self, session: SessionId, stream: Option<StreamId>, report: Report) {
        let mut shard = self.shard_of(session);
        let now = self.clock.now();
        let entry = shard.entries.entry(session).or_default();
        entry.last_seen = now;
        if let Some(stream) = stream {
            entry.stream = stream;
        }
        if let Report::Link(Link { rtt: Some(rtt), .. }) = &report {
            entry.rtt_ms = rtt.as_millis().min(u64::from(u16::MAX)) as u16;
        }
        let stream = entry.stream;
        self.feed_sample(&mut shard, &Sample { session, stream, at: now, report });
    }

    /// Takes in a media object that a session without reports of its own fetched.
    pub(crate) fn handle_transfer(&self, session: SessionId, transfer: ObservedTransfer) {
        let offer = self.offer_of(session);
        let ObservedTransfer { bytes, measured, object_duration } = transfer;
        let duration = object_duration.unwrap_or(offer.segment_duration);
        let player = Player {
            measured_throughput: measured.map(|(throughput, _)| throughput),
            transfer_time: measured.map(|(_, took)| took),
            encoded_bitrate: offer.rung_played(bytes, duration),
            object_duration: Some(duration),
            ..Player::default()
        };
        self.handle_observed(session, None, Report::Player(player));
    }

    /// Takes in a sample that says itself when it was true. One that runs ahead of the clock is dated now.
    pub(crate) fn handle_dated(&self, mut sample: Sample) {
        let mut shard = self.shard_of(sample.session);
        let now = self.clock.now();
        sample.at = sample.at.min(now);
        if let Report::Encoder(_) = &sample.report {
            return self.handle_publisher(&mut shard, sample);
        }
        let entry = shard.entries.entry(sample.session).or_default();
        entry.last_seen = now;
        entry.reports = true;
        if sample.stream.is_unknown() {
            sample.stream = entry.stream;
        } else {
            entry.stream = sample.stream;
        }
        self.feed_sample(&mut shard, &sample);
    }

    /// A publisher is not a viewer: alerts watch it and the archive keeps it, but there is no session to decide about.
    fn handle_publisher(&self, shard: &mut Shard, mut sample: Sample) {
        if sample.stream.is_unknown() {
            let known = shard.entries.get(&sample.session);
            sample.stream = known.map_or(sample.stream, |entry| entry.stream);
        }
        if let Some(tap) = &mut shard.tap {
            tap.sample(&sample);
        }
        let Report::Encoder(encoder) = sample.report else { return };
        let mut encoders = locked(&self.encoders);
        if encoders.len() < MAX_PUBLISHERS || encoders.contains_key(&sample.stream) {
            encoders.insert(sample.stream, (sample.at, encoder));
        }
    }

    /// Notes that a session asked for something, without a report; answers what it should know.
    pub(crate) fn handle_request(
        &self,
        session: SessionId,
        stream: Option<StreamId>,
        location: ClientLocation,
    ) -> Answer {
        let mut shard = self.shard_of(session);
        let now = self.clock.now();
        if let Some(entry) = shard.entries.get_mut(&session) {
            entry.last_seen = now;
            entry.stream = stream.unwrap_or(entry.stream);
        }
        self.locate(&mut shard, session, location, now);
        self.arrange(&mut shard, session, now);
        self.answer(&shard, session, now)
    }
}

/// A late report still says how fast a transfer was. Its buffer, state and latency are no longer true.
fn keep_transfer(report: &mut Report) {
    if let Report::Player(player) = report {
        let Player { measured_throughput, transfer_time, .. } = *player;
        *player = Player { measured_throughput, transfer_time, ..Player::default() };
    }
}
