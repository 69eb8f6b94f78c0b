//! CMCD of requests and events → inputs of the engines.

use super::player;
use crate::{
    http::problem::Problem,
    identity::{Identifier, parameter},
    metrics::{DropReason, Metrics, ReportSource},
    places::Places,
    token::{Grant, TokenError},
};
use headroom_cluster::{
    answer::Answer,
    engines::Engines,
    place::Place,
    shard::{ClientLocation, PlayerReport, ReportingMode},
};
use headroom_core::{
    forecast::PLAUSIBLE_THROUGHPUT,
    telemetry::{Client, Player, Report, Sample, SessionId, StreamId},
    time::Timestamp,
    units::Bitrate,
};
use headroom_wire::cmcd::{self, ParseError, ParsedVitals, Scratch, StreamingFormat, Vitals};
use http::{HeaderMap, HeaderName};
use std::{borrow::Cow, cell::RefCell, net::IpAddr, sync::Arc};

thread_local! {
    /// Room for decoding query arguments, kept so that a report allocates nothing.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Turns what arrives into inputs of the engines.
pub(crate) struct Ingest {
    pub(crate) identifier: Identifier,
    pub(crate) engines: Engines,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) places: Arc<Places>,
}

/// Whom a request belongs to and what to answer it with.
#[derive(Debug, Clone)]
pub(crate) struct Ingested {
    pub(crate) session: SessionId,
    /// Name the player gives itself (CMCD `sid`).
    pub(crate) name: Option<String>,
    /// Name the player gives the content (CMCD `cid`).
    pub(crate) content: Option<String>,
    /// The request carried CMCD.
    pub(crate) reported: bool,
    pub(crate) answer: Answer,
}

/// A request as far as reports are concerned.
#[derive(Clone, Copy)]
pub(crate) struct RequestContext<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: &'a str,
    pub(crate) peer: IpAddr,
    /// Whose player asks, where it says so: CMCD cannot.
    pub(crate) client: Option<Client>,
}

impl Ingest {
    /// Takes in the report a request carries, if it does and is granted. A report that cannot be read, or that nothing
    /// grants, is counted, not refused: the media must flow. `want_content` asks for the names of session and content, which cost
    /// an allocation each.
    pub(crate) fn handle_request(
        &self,
        context: RequestContext<'_>,
        grant: Option<&Grant>,
        want_content: bool,
    ) -> Ingested {
        match grant {
            Some(grant) => {
                if let Some(ingested) = self.handle_reported(context, grant, want_content) {
                    return ingested;
                }
            }
            None if parameter(context.query, "CMCD").is_some() || has_cmcd_headers(context.headers) => {
                self.metrics.dropped(DropReason::Unproven);
            }
            None => {}
        }
        let session = self.identifier.silent_session(context.headers, context.query, context.peer);
        let answer = self.engines.handle_request(session, None, self.location(context));
        Ingested { session, name: None, content: None, reported: false, answer }
    }

    fn handle_reported(&self, context: RequestContext<'_>, grant: &Grant, want_content: bool) -> Option<Ingested> {
        let by_query = SCRATCH.with_borrow_mut(|scratch| {
            let parsed = Vitals::parse_query(context.query, scratch);
            self.handle_parsed(parsed, ReportSource::Query, context, grant, want_content)
        });
        by_query.or_else(|| {
            let lines = cmcd_headers(context.headers);
            let [object, request, session, status] = lines.each_ref().map(Option::as_deref);
            let headers = cmcd::Headers { object, request, session, status };
            let parsed = (!headers.is_empty()).then(|| Vitals::parse_headers(headers).map(Some))?;
            self.handle_parsed(parsed, ReportSource::Headers, context, grant, want_content)
        })
    }

    fn handle_parsed(
        &self,
        parsed: Result<Option<ParsedVitals<'_>>, ParseError>,
        source: ReportSource,
        context: RequestContext<'_>,
        grant: &Grant,
        want_content: bool,
    ) -> Option<Ingested> {
        let parsed = match parsed {
            Ok(parsed) => parsed?,
            Err(_) => {
                self.metrics.dropped(DropReason::Malformed);
                return None;
            }
        };
        let record = &parsed.vitals;
        if covers(grant, record).is_err() {
            self.metrics.dropped(DropReason::Unproven);
            return None;
        }
        self.metrics.report(source);
        let session = self.session_of(record, context);
        let stream = match record.content_id.as_deref() {
            Some(name) => Some(self.stream_by_client(session, name, record.streaming_format, context)),
            None => self.fetched_stream(session, context),
        };
        let mut report = self.report(&parsed, session, stream, ReportingMode::Request, self.location(context));
        if let Report::Player(player) = &mut report.sample.report {
            player.client = context.client;
        }
        let answer = self.engines.handle_player(report);
        let content = record.content_id.as_deref().filter(|_| want_content).map(str::to_owned);
        let name = record.session_id.as_deref().filter(|_| want_content).map(str::to_owned);
        Some(Ingested { session, name, content, reported: true, answer })
    }

    /// Whether the session of an event report is among the `share` whose events are taken: the same ones each time.
    pub(crate) fn is_sampled(&self, body: &[u8], context: RequestContext<'_>, share: f64) -> bool {
        if share >= 1.0 {
            return true;
        }
        let first = Vitals::parse_records(body).find_map(Result::ok);
        let session = first.map_or_else(
            || self.identifier.silent_session(context.headers, context.query, context.peer),
            |parsed| self.session_of(&parsed.vitals, context),
        );
        // Identifiers are keyed hashes, so they are spread evenly.
        ((session.0 >> 11) as f64) < share * (1_u64 << 53) as f64
    }

    /// Takes in the records of an event report. Fails, and says what is wrong with the first, when none could be used.
    pub(crate) fn handle_events(&self, body: &[u8], context: RequestContext<'_>, grant: &Grant) -> Result<(), Problem> {
        let mut batch = EventBatch::new(self, context, grant);
        let (mut broken, mut first) = (0, None);
        for (index, parsed) in Vitals::parse_records(body).enumerate() {
            let problem = match &parsed {
                Ok(parsed) if parsed.summary.kept > 0 => {
                    batch.take_in(parsed);
                    continue;
                }
                Ok(parsed) => {
                    parsed.summary.first.as_ref().map_or_else(|| "no key".into(), |(problem, _)| problem.to_string())
                }
                Err(error) => error.to_string(),
            };
            broken += 1;
            first.get_or_insert_with(|| format!("record {}: {problem}", index + 1));
        }
        self.metrics.dropped_many(DropReason::Malformed, broken);
        match first {
            _ if batch.taken > 0 => Ok(()),
            _ if batch.foreign > 0 => Err(TokenError::Foreign.into()),
            Some(problem) => Err(Problem::malformed(problem)),
            None => Err(Problem::malformed("the body holds no record")),
        }
    }

    /// Takes in the events of a JSON body.
    pub(crate) fn handle_json(&self, body: &[u8], context: RequestContext<'_>, grant: &Grant) -> Result<(), Problem> {
        let records = cmcd::parse_json(body).map_err(|error| {
            self.metrics.dropped(DropReason::Malformed);
            Problem::malformed(error.to_string())
        })?;
        let mut batch = EventBatch::new(self, context, grant);
        records.into_iter().for_each(|parsed| batch.take_in(&parsed.into()));
        if batch.taken == 0 && batch.foreign > 0 { Err(TokenError::Foreign.into()) } else { Ok(()) }
    }

    /// Seconds since the epoch, by the server's own clock.
    pub(crate) fn now_s(&self) -> u64 {
        self.engines.now().as_secs()
    }

    /// Where a request came from.
    fn location(&self, context: RequestContext<'_>) -> ClientLocation {
        let address = self.identifier.client_address(context.headers, context.peer);
        let networks = &self.places.networks;
        let network = if networks.is_empty() { 0 } else { networks.find(address) };
        let edge =
            if self.identifier.believes(context.peer) { self.places.named_edge(context.headers) } else { Some(0) };
        let edge = edge.unwrap_or_else(|| {
            self.metrics.unknown_edges.inc();
            0
        });
        ClientLocation { place: Place { edge, network }, network: self.identifier.network(address) }
    }

    /// Whose record it is.
    fn session_of(&self, record: &Vitals<'_>, context: RequestContext<'_>) -> SessionId {
        match &record.session_id {
            Some(sid) if !sid.is_empty() => self.identifier.reported_session(sid),
            _ => self.identifier.silent_session(context.headers, context.query, context.peer),
        }
    }

    /// What a record says, as the engine wants it; counts what had to be left out.
    fn report(
        &self,
        parsed: &ParsedVitals<'_>,
        session: SessionId,
        stream: Option<StreamId>,
        mode: ReportingMode,
        location: ClientLocation,
    ) -> PlayerReport {
        let record = &parsed.vitals;
        if parsed.summary.coerced > 0 {
            self.metrics.coerced(u64::from(parsed.summary.coerced));
        }
        if parsed.summary.dropped > 0 {
            self.metrics.dropped_many(DropReason::Member, u64::from(parsed.summary.dropped));
        }
        let (mut player, notes) = player::player_sample(record);
        if mode == ReportingMode::Event {
            // Players put their average into the event of a transfer (hls.js that from before it); who asks for advice tells
            // of the transfer itself.
            player.transfer_time = None;
        }
        if notes.implausible {
            self.metrics.dropped(DropReason::Implausible);
        }
        if notes.paused {
            self.metrics.dropped(DropReason::Paused);
        }
        let sample =
            Sample { session, stream: StreamId::default(), at: Timestamp::default(), report: Report::Player(player) };
        PlayerReport { sample, stream, sequence: (mode, record.sequence_number), location }
    }

    /// Takes in a throughput a player names outside CMCD with a steering request.
    pub(crate) fn handle_named_throughput(&self, session: SessionId, bits_per_second: u64) {
        let throughput = Bitrate::bps(bits_per_second);
        if throughput == Bitrate::ZERO || throughput > PLAUSIBLE_THROUGHPUT {
            self.metrics.dropped(DropReason::Implausible);
            return;
        }
        self.metrics.report(ReportSource::Steering);
        let player = Player { measured_throughput: Some(throughput), ..Player::default() };
        self.engines.handle_observed(session, None, Report::Player(player));
    }

    /// What a session plays that does not name it and has fetched no manifest under its own name: that of the manifest which came
    /// to the same client without CMCD. `None` where it is known already, or nothing is.
    fn fetched_stream(&self, session: SessionId, context: RequestContext<'_>) -> Option<StreamId> {
        let known = |session| self.engines.stream_of(session).filter(|stream| !stream.is_unknown());
        if known(session).is_some() {
            return None;
        }
        known(self.identifier.silent_session(context.headers, context.query, context.peer))
    }

    /// What a session plays. Players leave the format out of some of their records; then it is what the session named
    /// before, as long as it is the same content.
    pub(crate) fn stream(&self, session: SessionId, name: &str, format: Option<StreamingFormat>) -> StreamId {
        let formatless = || self.rendering_of(session, name).unwrap_or_else(|| self.identifier.stream(name, None));
        format.map_or_else(formatless, |format| self.identifier.stream(name, Some(format)))
    }

    /// Like [`Ingest::stream`]. A player that a manifest switched on never names a format, and has fetched that manifest without
    /// CMCD: the format is then that of what its client fetched under the same name.
    fn stream_by_client(
        &self,
        session: SessionId,
        name: &str,
        format: Option<StreamingFormat>,
        context: RequestContext<'_>,
    ) -> StreamId {
        let stream = self.stream(session, name, format);
        if format.is_some() || self.engines.stream_of(session) == Some(stream) {
            return stream;
        }
        let silent = self.identifier.silent_session(context.headers, context.query, context.peer);
        self.rendering_of(silent, name).unwrap_or(stream)
    }

    /// The stream of a session, if it is content of this name in one of the formats.
    fn rendering_of(&self, session: SessionId, name: &str) -> Option<StreamId> {
        let known = self.engines.stream_of(session)?;
        let mut renderings = StreamingFormat::ALL.iter().map(|&format| self.identifier.stream(name, Some(format)));
        renderings.find(|&rendering| rendering == known)
    }
}

/// Records that came in one body.
struct EventBatch<'a> {
    ingest: &'a Ingest,
    context: RequestContext<'a>,
    location: ClientLocation,
    grant: &'a Grant,
    arrived: Timestamp,
    taken: u64,
    /// Records about sessions or streams that the grant does not cover.
    foreign: u64,
    /// Content of the record before: bodies hold many records of few streams.
    content: Option<(String, StreamingFormat, StreamId)>,
}

impl<'a> EventBatch<'a> {
    fn new(ingest: &'a Ingest, context: RequestContext<'a>, grant: &'a Grant) -> Self {
        let (location, arrived) = (ingest.location(context), ingest.engines.now());
        Self { ingest, context, location, grant, arrived, taken: 0, foreign: 0, content: None }
    }

    fn take_in(&mut self, parsed: &ParsedVitals<'_>) {
        if covers(self.grant, &parsed.vitals).is_err() {
            self.foreign += 1;
            return;
        }
        let session = self.ingest.session_of(&parsed.vitals, self.context);
        let stream = self.stream_of(session, &parsed.vitals);
        let report = self.ingest.report(parsed, session, stream, ReportingMode::Event, self.location);
        self.ingest.engines.handle_batched(report, self.arrived);
        self.taken += 1;
    }

    fn stream_of(&mut self, session: SessionId, record: &Vitals<'_>) -> Option<StreamId> {
        let Some(name) = record.content_id.as_deref() else {
            return self.ingest.fetched_stream(session, self.context);
        };
        let Some(format) = record.streaming_format else {
            return Some(self.ingest.stream_by_client(session, name, None, self.context));
        };
        match &self.content {
            Some((known, known_format, stream)) if known == name && *known_format == format => Some(*stream),
            _ => {
                let stream = self.ingest.stream(session, name, Some(format));
                self.content = Some((name.to_owned(), format, stream));
                Some(stream)
            }
        }
    }
}

impl Drop for EventBatch<'_> {
    fn drop(&mut self) {
        self.ingest.metrics.reports(ReportSource::Event, self.taken);
        self.ingest.metrics.dropped_many(DropReason::Unproven, self.foreign);
    }
}

/// Whether a record speaks about what its bearer may speak about.
fn covers(grant: &Grant, record: &Vitals<'_>) -> Result<(), TokenError> {
    grant.covers(record.session_id.as_deref().filter(|sid| !sid.is_empty()), record.content_id.as_deref())
}

/// The request headers of CMCD: object, request, session, status.
static CMCD_HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("cmcd-object"),
    HeaderName::from_static("cmcd-request"),
    HeaderName::from_static("cmcd-session"),
    HeaderName::from_static("cmcd-status"),
];

fn has_cmcd_headers(headers: &HeaderMap) -> bool {
    CMCD_HEADERS.iter().any(|name| headers.contains_key(name))
}

/// The values of the four headers. Several lines are one list (RFC 9110 §5.3), and a value that a sender has percent-encoded
/// is decoded.
fn cmcd_headers(headers: &HeaderMap) -> [Option<Cow<'_, str>>; 4] {
    CMCD_HEADERS.each_ref().map(|name| {
        let mut lines = headers.get_all(name).iter().map(|line| {
            let text = String::from_utf8_lossy(line.as_bytes());
            cmcd::decode_header(&text).map_or(text, Cow::Owned)
        });
        let first = lines.next()?;
        Some(lines.fold(first, |list, line| Cow::Owned(format!("{list},{line}"))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;
    use headroom_cluster::{clock::Clock, shard::Shards};
    use headroom_core::engine::Config;

    fn ingest() -> Ingest {
        let metrics = Arc::new(Metrics::register(&mut crate::metrics::Catalogue::default()));
        let shards = Shards::new(2, &Config::default(), Clock::start(), Arc::clone(&metrics) as _, None, || None);
        Ingest {
            identifier: Identifier::new(Identity::default()),
            engines: Engines::Local(Arc::new(shards)),
            metrics,
            places: Arc::default(),
        }
    }

    #[test]
    fn a_session_stays_on_its_stream_when_a_record_names_no_format() {
        let ingest = ingest();
        let headers = HeaderMap::new();
        let context = RequestContext { headers: &headers, query: "", peer: IpAddr::from([192, 0, 2, 7]), client: None };
        let stream_after = |body: &str| {
            assert!(ingest.handle_events(body.as_bytes(), context, &Grant::Open).is_ok());
            ingest.engines.stream_of(ingest.identifier.reported_session("s")).unwrap()
        };
        let unnamed = stream_after("cid=\"live\",sid=\"s\",v=2");
        // Shaka calls live streams `st=v`; hls.js sends fractions of a kilobit in `pb`.
        let hls = stream_after("bl=(1000),cid=\"live\",pb=(1264.5),sf=h,sid=\"s\",st=v,v=2");
        assert_ne!(unnamed, hls, "the format says more");
        assert_eq!(stream_after("cid=\"live\",sid=\"s\",v=2"), hls);
        assert_eq!(
            stream_after("cid=\"live\",sf=d,sid=\"s\",v=2"),
            ingest.identifier.stream("live", Some(StreamingFormat::Dash))
        );
        assert_ne!(stream_after("cid=\"other\",sid=\"s\",v=2"), hls, "other content");
    }
}
