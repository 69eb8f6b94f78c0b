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

/// Takes in every line that is a sample; the others are named.
pub(crate) fn read_samples(ingest: &Ingest, body: &[u8], now: Timestamp, grant: &Grant) -> BatchOutcome {
    let mut outcome = BatchOutcome::default();
    let mut stale = 0;
    for (number, line) in lines(body) {
        let read =
            serde_json::from_slice::<SampleLine<'_>>(line).map_err(|error| error.to_string()).and_then(|mut line| {
                let report = line.report().ok_or("a sample holds exactly one of player, link, radio, encoder")?;
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
