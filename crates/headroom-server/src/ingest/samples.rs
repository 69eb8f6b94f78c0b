//! Batches of samples: NDJSON, one sample a line, sessions and streams by name.

use super::cmcd::Ingest;
use crate::{
    http::batch::{BatchOutcome, lines},
    metrics::{DropReason, ReportSource},
    token::Grant,
};
use headroom_core::{
    telemetry::{Encoder, Link, Player, Radio, Report, Sample, StreamId},
    time::{Duration, Timestamp},
    units::Bitrate,
};
use headroom_wire::cmcd::StreamingFormat;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{borrow::Cow, fmt, marker::PhantomData};

/// Samples older than this are history, not telemetry: they would come after the session expired.
const STALE_AFTER: Duration = Duration::from_secs(60);

/// One sample.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = Sample)]
pub(crate) struct SampleLine<'a> {
    #[serde(borrow)]
    session: Cow<'a, str>,
    #[serde(borrow, default)]
    stream: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    format: Option<Cow<'a, str>>,
    /// Microseconds since the Unix epoch; left out: now.
    #[serde(default)]
    at_us: Option<Timestamp>,
    // One of these. A flattened `Report` says the same but would copy the line into a tree first.
    #[serde(default, deserialize_with = "object")]
    player: Option<Player>,
    #[serde(default, deserialize_with = "object")]
    link: Option<Link>,
    #[serde(default, deserialize_with = "object")]
    radio: Option<Radio>,
    #[serde(default, deserialize_with = "object")]
    encoder: Option<Encoder>,
}

impl SampleLine<'_> {
    fn report(&mut self) -> Option<Report> {
        match (self.player.take(), self.link.take(), self.radio.take(), self.encoder.take()) {
            (Some(player), None, None, None) => Some(Report::Player(player)),
            (None, Some(link), None, None) => Some(Report::Link(link)),
            (None, None, Some(radio), None) => Some(Report::Radio(radio)),
            (None, None, None, Some(encoder)) => Some(Report::Encoder(encoder)),
            _ => None,
        }
    }
}

/// A structure by its names only. Serde would also take a list, field by field in an order that no document defines.
fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct ObjectVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }

    deserializer.deserialize_any(ObjectVisitor(PhantomData))
}

/// Most media a player is believed to hold or to be behind, and longest object or transfer.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Longest distance behind live and longest stall: a day.
const LONGEST_WATCHED: Duration = Duration::from_secs(86_400);
/// Longest round trip: beyond it TCP has long given up.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(60);
/// Highest rate that is believed; nothing that plays video is above 10 Gbit/s.
const HIGHEST_RATE: Bitrate = Bitrate::mbps(100_000);

/// The first value that no player, link, radio or encoder has.
fn absurd(report: &Report) -> Option<&'static str> {
    let long = |name, value: Option<Duration>, most| value.is_some_and(|value| value > most).then_some(name);
    let fast = |name, value: Option<Bitrate>| value.is_some_and(|value| value > HIGHEST_RATE).then_some(name);
    let outside =
        |name, value: Option<f32>, low, high| value.is_some_and(|value| !(low..=high).contains(&value)).then_some(name);
    match report {
        Report::Player(player) => [
            fast("encoded_bitrate_kbps", player.encoded_bitrate),
            fast("top_bitrate_kbps", player.top_bitrate),
            fast("measured_throughput_kbps", player.measured_throughput),
            long("transfer_time_ms", player.transfer_time, LONGEST),
            long("buffer_length_ms", player.buffer_length, LONGEST),
            long("target_buffer_length_ms", player.target_buffer_length, LONGEST),
            long("live_latency_ms", player.live_latency, LONGEST_WATCHED),
            long("object_duration_ms", player.object_duration, LONGEST),
            long("media_start_delay_ms", player.media_start_delay, LONGEST),
            long("starvation_duration_ms", player.starvation_duration, LONGEST_WATCHED),
            outside("playback_rate", player.playback_rate, 0.0, 16.0),
        ]
        .into_iter()
        .flatten()
        .next(),
        // 3GPP TS 38.133: RSRP -156 to -31 dBm, RSRQ -43 to 20 dB, SINR -23 to 40 dB; modems report a little beyond.
        Report::Radio(radio) => [
            outside("rsrp_dbm", radio.rsrp_dbm, -200.0, 0.0),
            outside("rsrq_db", radio.rsrq_db, -60.0, 40.0),
            outside("sinr_db", radio.sinr_db, -60.0, 80.0),
        ]
        .into_iter()
        .flatten()
        .next(),
        Report::Link(link) => [
            long("rtt_ms", link.rtt, LONGEST_ROUND_TRIP),
            long("jitter_ms", link.jitter, LONGEST_ROUND_TRIP),
            long("busy_ms", link.busy, LONGEST),
            fast("delivery_rate_kbps", link.delivery_rate),
        ]
        .into_iter()
        .flatten()
        .next(),
        Report::Encoder(encoder) => [
            fast("ingest_bitrate_kbps", encoder.ingest_bitrate),
            outside("frame_rate", encoder.frame_rate, 0.0, 1_000.0),
            long("rtt_ms", encoder.rtt, LONGEST_ROUND_TRIP),
        ]
        .into_iter()
        .flatten()
        .next(),
    }
}

/// Takes in every line that is a sample; the others are named.
pub(crate) fn read_samples(ingest: &Ingest, body: &[u8], now: Timestamp, grant: &Grant) -> BatchOutcome {
    let mut outcome = BatchOutcome::default();
    let mut stale = 0;
    for (number, line) in lines(body) {
        let read =
            serde_json::from_slice::<SampleLine<'_>>(line).map_err(|error| error.to_string()).and_then(|mut line| {
                let report = line.report().ok_or("a sample holds exactly one of player, link, radio, encoder")?;
                if let Some(value) = absurd(&report) {
                    return Err(format!("{value} is beyond what is possible"));
                }
                if matches!(report, Report::Encoder(_)) && !grant.may_publish() {
                    return Err("reports about an encoder need a token that a key for publishers signed".into());
                }
                grant.covers(Some(&line.session), line.stream.as_deref()).map_err(|error| error.to_string())?;
                Ok((line, report))
            });
        match read {
            Ok((line, report)) => {
                let at = line.at_us.unwrap_or(now);
                if now.since(at) > STALE_AFTER {
                    stale += 1;
                    continue;
                }
                let session = ingest.identifier.reported_session(&line.session);
                let format = line.format.as_deref().and_then(StreamingFormat::from_wire);
                let stream = line.stream.map_or(StreamId::default(), |name| ingest.stream(session, &name, format));
                ingest.engines.handle_dated(Sample { session, stream, at, report });
                outcome.accepted += 1;
            }
            Err(error) => outcome.reject(number, error),
        }
    }
    ingest.metrics.reports(ReportSource::Sample, outcome.accepted);
    ingest.metrics.dropped_many(DropReason::Malformed, outcome.rejected);
    ingest.metrics.dropped_many(DropReason::Stale, stale);
    outcome.stale = Some(stale);
    outcome
}
