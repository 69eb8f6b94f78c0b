//! Throughput of a session: which of the reported rates count, and when they collapse.

use super::{DIRTY, Record, UNKNOWN_LINK, Urgency};
use crate::{
    forecast::{CompactForecast, PLAUSIBLE_THROUGHPUT},
    telemetry::Link,
    time::{Duration, Timestamp},
    units::Bitrate,
};

/// Half-life of the average that a collapse is judged against, in seconds of transfer: hls.js' `abrEwmaFastLive`.
const FAST_HALF_LIFE_S: f32 = 3.0;
/// A transfer of unknown duration weighs as much as half a default segment.
const UNKNOWN_TRANSFER: Duration = Duration::from_secs(1);
/// Rates without a transfer of their own come with every request; nearer together than this they are one observation.
const REPEAT: Duration = Duration::from_millis(500);
/// A player's average that does not change within a default segment is a repeat of the same observation.
const SAME_AVERAGE: Duration = Duration::from_secs(2);
/// A source that is silent for four default segments no longer outranks weaker ones.
const SILENT_SOURCE: Duration = Duration::from_secs(8);
/// A transport more than an octave (twice) as fast as its player measures ends at a relay between them, not at the player.
const RELAYED: u8 = 8;
/// A transfer below this share of the average before it is a collapse (a rung at half the rate still plays).
const COLLAPSE_SHARE: f32 = 0.5;
/// Lowest of the two bits of a record's flags that say where the newest transfer was measured.
const SOURCE: u8 = 32;

/// Throughput of a session before a report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThroughputBaseline {
    transfers: u8,
    evidence_ms: u32,
    pub(crate) average_kbps: Option<f32>,
}

/// Throughput that a report newly shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewThroughput {
    pub(crate) kbps: f32,
    /// Time it stands for, seconds.
    pub(crate) seconds: f32,
}

/// Where a rate was measured, the weakest evidence first. While a source reports, weaker ones are ignored: they measure the same
/// bytes less well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RateSource {
    /// The transport's latest acknowledgements.
    Moment,
    /// The player's own average: smooth, late, and repeated with every request.
    Average,
    /// A whole object, timed by the transport.
    Transport,
    /// A whole object, timed by the player.
    Player,
}

impl Record {
    /// Takes in a report of the transport. The rate of a whole object counts unless the player reports its transfers, or measures
    /// far less: then the transport ends at a relay. A momentary rate counts only where there is nothing else; one that the
    /// sender limited is the least the link can carry and counts where it is above what is known (as in BBR's maximum,
    /// draft-ietf-ccwg-bbr), so a session whose segments are too small to fill the link finds its way up again.
    pub(crate) fn observe_link(&mut self, at: Timestamp, link: &Link) -> Urgency {
        let keep = |slot: &mut u16, value: Option<f64>| {
            *slot = value.map_or(*slot, |value| (value.round() as u16).min(UNKNOWN_LINK - 1));
        };
        keep(&mut self.rtt_ms, link.rtt.map(|rtt| rtt.as_secs_f64() * 1e3));
        keep(&mut self.jitter_ms, link.jitter.map(|jitter| jitter.as_secs_f64() * 1e3));
        keep(&mut self.loss_per_10k, link.loss_ratio.map(|loss| f64::from(loss.get()) * 1e4));
        let collapsed = match (link.delivery_rate, link.busy) {
            (Some(rate), Some(_)) if self.is_relayed(rate) => {
                if self.source() == RateSource::Transport {
                    self.set_source(RateSource::Average);
                }
                return Urgency::Routine;
            }
            (Some(rate), Some(busy)) => self.observe_transfer(at, RateSource::Transport, rate, busy),
            (Some(rate), None) if !link.application_limited || self.is_exceeded_by(rate) => {
                !self.repeats(at, REPEAT) && self.observe_transfer(at, RateSource::Moment, rate, UNKNOWN_TRANSFER)
            }
            _ => return Urgency::Routine,
        };
        self.flags |= DIRTY;
        if collapsed { Urgency::Collapse } else { Urgency::Routine }
    }

    /// Takes in the player's average, unless it repeats the last one.
    pub(super) fn observe_average(&mut self, at: Timestamp, throughput: Bitrate) -> bool {
        let average = octave_eighths(throughput);
        let again = self.source() == RateSource::Average && self.average == average;
        self.average = average;
        let repeated = self.repeats(at, if again { SAME_AVERAGE } else { REPEAT });
        !repeated && self.observe_transfer(at, RateSource::Average, throughput, UNKNOWN_TRANSFER)
    }

    /// Where the newest transfer of the history was measured.
    fn source(&self) -> RateSource {
        match self.flags / SOURCE % 4 {
            0 => RateSource::Moment,
            1 => RateSource::Average,
            2 => RateSource::Transport,
            _ => RateSource::Player,
        }
    }

    fn set_source(&mut self, source: RateSource) {
        self.flags = (self.flags & !(3 * SOURCE)) | (source as u8 * SOURCE);
    }

    /// Whether something was observed less than `span` before.
    fn repeats(&self, at: Timestamp, span: Duration) -> bool {
        !self.history.is_empty() && at.since(self.evidence_at()) < span
    }

    /// Whether a rate of the transport is far above what its player measures.
    fn is_relayed(&self, rate: Bitrate) -> bool {
        self.average > 0 && octave_eighths(rate) > self.average.saturating_add(RELAYED)
    }

    /// Whether `rate` is above what is known; not where nothing is.
    fn is_exceeded_by(&self, rate: Bitrate) -> bool {
        self.fast.value(FAST_HALF_LIFE_S).is_some_and(|known| rate.as_kbps() > f64::from(known))
    }

    /// Adds a transfer to averages and history, if no better source speaks; returns whether throughput collapsed below
    /// what is played.
    pub(super) fn observe_transfer(
        &mut self,
        at: Timestamp,
        source: RateSource,
        rate: Bitrate,
        took: Duration,
    ) -> bool {
        let outranked = source < self.source() && self.repeats(at, SILENT_SOURCE);
        let (kbps, seconds) = (rate.min(PLAUSIBLE_THROUGHPUT).as_kbps() as f32, took.as_secs_f64() as f32);
        if outranked || kbps <= 0.0 || seconds <= 0.0 {
            return false;
        }
        self.set_source(source);
        let now_ms = at.since(self.started).as_millis().min(u64::from(u32::MAX)) as u32;
        let before = self.fast.value(FAST_HALF_LIFE_S);
        let pause = Duration::from_millis(u64::from(now_ms.saturating_sub(self.evidence_ms))) - took;
        self.evidence_ms = now_ms;
        self.fast.observe(kbps, seconds, FAST_HALF_LIFE_S);
        self.history.push_after(pause, rate.min(PLAUSIBLE_THROUGHPUT), took);
        self.forecast = CompactForecast::of(&self.history);
        before.is_some_and(|before| kbps < COLLAPSE_SHARE * before) && kbps < self.encoded_kbps
    }

    /// What is known before the next report.
    pub(crate) fn throughput_baseline(&self) -> ThroughputBaseline {
        ThroughputBaseline {
            transfers: self.history.pushed(),
            evidence_ms: self.evidence_ms,
            average_kbps: self.fast.value(FAST_HALF_LIFE_S),
        }
    }

    /// The transfer that was observed since, if one was.
    pub(crate) fn new_throughput_since(&self, before: &ThroughputBaseline, at: Timestamp) -> Option<NewThroughput> {
        let newest = self.history.newest().filter(|_| self.history.pushed() != before.transfers)?;
        // After a longer silence the rate does not stand for the time without reports.
        const LONGEST_S: f32 = 4.0;
        let since = at.since(self.started).as_millis() as f32 - before.evidence_ms as f32;
        let silent_s = if before.average_kbps.is_some() { since / 1e3 } else { 0.0 };
        Some(NewThroughput { kbps: newest.throughput_kbps, seconds: silent_s.max(newest.seconds).min(LONGEST_S) })
    }

    /// When it measured something last; its start when it has not.
    pub(crate) fn evidence_at(&self) -> Timestamp {
        self.started + Duration::from_millis(u64::from(self.evidence_ms))
    }
}

/// A rate in steps of 9 %: eight to the doubling.
fn octave_eighths(rate: Bitrate) -> u8 {
    (rate.as_kbps().max(1.0).log2() * 8.0).round().max(1.0) as u8
}
