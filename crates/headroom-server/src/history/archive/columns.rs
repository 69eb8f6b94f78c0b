//! The tables of the archive and their columns. Columns are added, never renamed: readers outside rely on them.

use super::{
    row::{DecisionRow, Distribution, IncidentSample, MinuteRow, Row, StreamName},
    table::{Column, encode},
};
use chrono::DateTime;
use headroom_core::{
    decision::Reason,
    telemetry::{Encoder, Link, Player, PlayerState, Radio, Report, Sample, StreamId},
    time::Duration,
    units::{Bitrate, Ratio},
};
use parquet::errors::ParquetError;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Table {
    Samples,
    Incidents,
    Decisions,
    Minutes,
    Distributions,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Samples => "samples",
            Self::Incidents => "incidents",
            Self::Decisions => "decisions",
            Self::Minutes => "minutes",
            Self::Distributions => "distributions",
        }
    }
}

/// Part of a table: `samples/date=2026-11-27/hour=22`, as Hive, DuckDB and ClickHouse read it.
pub(super) type Partition = String;

/// The files that `rows` make: which partition, and its bytes. The same rows make the same files.
pub(super) fn files(rows: Vec<Row>) -> Result<Vec<(Partition, Vec<u8>)>, ParquetError> {
    let mut names = HashMap::<StreamId, Arc<str>>::new();
    for row in &rows {
        if let Row::Stream(StreamName { stream, name }) = row {
            names.insert(*stream, name.as_str().into());
        }
    }
    let mut parts = BTreeMap::<(Table, u64), Vec<Of<Row>>>::new();
    for row in rows {
        let (tables, at_micros): (&[Table], u64) = match &row {
            Row::Sample(sample) => (&[Table::Samples], sample.at.as_micros()),
            Row::Incident(IncidentSample { sample, .. }) => (&[Table::Incidents], sample.at.as_micros()),
            Row::Decision(DecisionRow { decision, .. }) => (&[Table::Decisions], decision.at.as_micros()),
            Row::Minute(minute) => (&[Table::Minutes, Table::Distributions], minute.at_s * 1_000_000),
            Row::Stream(_) => continue,
        };
        let of = Of { stream: names.get(&row.stream()).cloned(), row };
        for &table in tables {
            parts.entry((table, at_micros / HOUR_MICROS)).or_default().push(of.clone());
        }
    }
    let file = |((table, hour), rows): ((Table, u64), Vec<Of<Row>>)| {
        let bytes = match table {
            Table::Samples | Table::Incidents => {
                encode(&samples(), &rows.iter().filter_map(sample).collect::<Vec<_>>())
            }
            Table::Decisions => encode(&decisions(), &rows.iter().filter_map(decided).collect::<Vec<_>>()),
            Table::Minutes => encode(&minutes(), &rows.iter().filter_map(minute).collect::<Vec<_>>()),
            Table::Distributions => {
                let minutes = rows.iter().filter_map(minute);
                encode(&distributions(), &minutes.flat_map(bins).collect::<Vec<_>>())
            }
        };
        bytes.map(|bytes| (format!("{}/{}", table.name(), hive(hour)), bytes))
    };
    parts.into_iter().map(file).collect()
}

const HOUR_MICROS: u64 = 3_600_000_000;

fn hive(hour: u64) -> String {
    let seconds = i64::try_from(hour.saturating_mul(3_600)).unwrap_or(i64::MAX);
    // A time beyond the calendar is an error of its sender, but its row needs a partition.
    let time = DateTime::from_timestamp_secs(seconds).unwrap_or_default();
    time.format("date=%Y-%m-%d/hour=%H").to_string()
}

/// A row and the name of its stream.
#[derive(Clone)]
struct Of<T> {
    stream: Option<Arc<str>>,
    row: T,
}

/// A report and the share of the sessions it stands for.
type Reported = Of<(Sample, Option<f64>)>;

fn sample(of: &Of<Row>) -> Option<Reported> {
    let row = match &of.row {
        Row::Sample(sample) => (sample.clone(), None),
        Row::Incident(IncidentSample { share, sample }) => (sample.clone(), Some(*share)),
        _ => return None,
    };
    Some(Of { stream: of.stream.clone(), row })
}

fn decided(of: &Of<Row>) -> Option<Of<DecisionRow>> {
    let Row::Decision(decided) = &of.row else { return None };
    Some(Of { stream: of.stream.clone(), row: decided.clone() })
}

fn minute(of: &Of<Row>) -> Option<Of<MinuteRow>> {
    let Row::Minute(minute) = &of.row else { return None };
    Some(Of { stream: of.stream.clone(), row: (**minute).clone() })
}

fn name<T>(of: &Of<T>) -> Option<String> {
    of.stream.as_deref().map(str::to_owned)
}

fn samples() -> Vec<Column<Reported>> {
    fn player<V>(of: &Reported, read: impl Fn(&Player) -> Option<V>) -> Option<V> {
        if let Report::Player(player) = &of.row.0.report { read(player) } else { None }
    }
    fn link<V>(of: &Reported, read: impl Fn(&Link) -> Option<V>) -> Option<V> {
        if let Report::Link(link) = &of.row.0.report { read(link) } else { None }
    }
    fn radio<V>(of: &Reported, read: impl Fn(&Radio) -> Option<V>) -> Option<V> {
        if let Report::Radio(radio) = &of.row.0.report { read(radio) } else { None }
    }
    fn encoder<V>(of: &Reported, read: impl Fn(&Encoder) -> Option<V>) -> Option<V> {
        if let Report::Encoder(encoder) = &of.row.0.report { read(encoder) } else { None }
    }
    vec![
        Column::time("time", |of: &Reported| Some(of.row.0.at.as_micros())),
        Column::id("session", |of: &Reported| Some(of.row.0.session.0)),
        Column::id("stream", |of: &Reported| Some(of.row.0.stream.0)),
        Column::text("stream_name", name),
        Column::number("share", |of: &Reported| of.row.1),
        Column::text("source", |of: &Reported| Some(source(&of.row.0.report).to_owned())),
        Column::number("encoded_bitrate_kbps", |of| player(of, |player| player.encoded_bitrate.map(Bitrate::as_kbps))),
        Column::number("top_bitrate_kbps", |of| player(of, |player| player.top_bitrate.map(Bitrate::as_kbps))),
        Column::number("measured_throughput_kbps", |of| {
            player(of, |player| player.measured_throughput.map(Bitrate::as_kbps))
        }),
        Column::number("transfer_time_ms", |of| player(of, |player| player.transfer_time.map(millis))),
        Column::number("buffer_length_ms", |of| player(of, |player| player.buffer_length.map(millis))),
        Column::number("target_buffer_length_ms", |of| player(of, |player| player.target_buffer_length.map(millis))),
        Column::number("live_latency_ms", |of| player(of, |player| player.live_latency.map(millis))),
        Column::number("object_duration_ms", |of| player(of, |player| player.object_duration.map(millis))),
        Column::number("media_start_delay_ms", |of| player(of, |player| player.media_start_delay.map(millis))),
        Column::number("playback_rate", |of| player(of, |player| player.playback_rate.map(f64::from))),
        Column::text("state", |of| player(of, |player| player.state.map(|state| named(state).to_owned()))),
        Column::flag("buffer_starvation", |of| player(of, |player| Some(player.buffer_starvation))),
        Column::number("starvation_duration_ms", |of| player(of, |player| player.starvation_duration.map(millis))),
        Column::flag("startup", |of| player(of, |player| Some(player.startup))),
        Column::count("dropped_frames", |of| {
            let played = player(of, |player| player.dropped_frames);
            played.or_else(|| encoder(of, |encoder| encoder.dropped_frames)).map(u64::from)
        }),
        Column::number("rtt_ms", |of| {
            link(of, |link| link.rtt).or_else(|| encoder(of, |encoder| encoder.rtt)).map(millis)
        }),
        Column::number("jitter_ms", |of| link(of, |link| link.jitter.map(millis))),
        Column::number("loss_ratio", |of| link(of, |link| link.loss_ratio.map(share))),
        Column::number("delivery_rate_kbps", |of| link(of, |link| link.delivery_rate.map(Bitrate::as_kbps))),
        Column::number("busy_ms", |of| link(of, |link| link.busy.map(millis))),
        Column::flag("application_limited", |of| link(of, |link| Some(link.application_limited))),
        Column::number("rsrp_dbm", |of| radio(of, |radio| radio.rsrp_dbm.map(f64::from))),
        Column::number("rsrq_db", |of| radio(of, |radio| radio.rsrq_db.map(f64::from))),
        Column::number("sinr_db", |of| radio(of, |radio| radio.sinr_db.map(f64::from))),
        Column::count("cqi", |of| radio(of, |radio| radio.cqi.map(u64::from))),
        Column::number("ingest_bitrate_kbps", |of| encoder(of, |encoder| encoder.ingest_bitrate.map(Bitrate::as_kbps))),
        Column::number("frame_rate", |of| encoder(of, |encoder| encoder.frame_rate.map(f64::from))),
        Column::number("media_time_ms", |of| encoder(of, |encoder| encoder.media_time.map(millis))),
    ]
}

fn decisions() -> Vec<Column<Of<DecisionRow>>> {
    type Row = Of<DecisionRow>;
    vec![
        Column::time("time", |of: &Row| Some(of.row.decision.at.as_micros())),
        Column::id("session", |of: &Row| Some(of.row.decision.session.0)),
        Column::id("stream", |of: &Row| Some(of.row.stream.0)),
        Column::text("stream_name", name),
        Column::count("cap", |of: &Row| of.row.decision.cap.map(u64::from)),
        Column::number("max_bitrate_kbps", |of: &Row| of.row.decision.max_bitrate.map(Bitrate::as_kbps)),
        Column::number("expected_throughput_kbps", |of: &Row| {
            of.row.decision.expected_throughput.map(Bitrate::as_kbps)
        }),
        Column::number("target_buffer_ms", |of: &Row| Some(millis(of.row.decision.target_buffer))),
        Column::number("target_latency_ms", |of: &Row| Some(millis(of.row.decision.target_latency))),
        Column::number("playback_rate", |of: &Row| Some(f64::from(of.row.decision.playback_rate))),
        Column::number("stall_risk", |of: &Row| Some(share(of.row.decision.stall_risk))),
        Column::text("reason", |of: &Row| Some(of.row.decision.reason.name().to_owned())),
        Column::text("policy", |of: &Row| Some(of.row.decision.policy.to_string())),
    ]
}

fn minutes() -> Vec<Column<Of<MinuteRow>>> {
    type Row = Of<MinuteRow>;
    let mut columns = vec![
        Column::time("time", |of: &Row| Some(of.row.at_s * 1_000_000)),
        Column::id("stream", |of: &Row| Some(of.row.stream.0)),
        Column::text("stream_name", name),
        Column::text("edge", |of: &Row| Some(of.row.edge.clone())),
        Column::text("network", |of: &Row| Some(of.row.network.clone())),
        Column::count("rung_kbps", |of: &Row| Some(of.row.rung_kbps.into())),
        Column::number("sessions", |of: &Row| Some(of.row.sessions)),
        Column::number("silent", |of: &Row| Some(of.row.silent)),
        Column::count("watched_ms", |of: &Row| Some(of.row.watched_ms)),
        Column::count("stalled_ms", |of: &Row| Some(of.row.stalled_ms)),
        Column::count("stalls", |of: &Row| Some(of.row.starvations)),
        Column::number("played_kbit", |of: &Row| Some(of.row.played_kbit)),
    ];
    columns.extend(Reason::ALL.into_iter().enumerate().map(|(position, reason)| {
        Column::count(&format!("reason_{}", reason.name()), move |of: &Row| Some(of.row.reasons[position]))
    }));
    columns
}

/// One value of one measure of a minute, and how often it was.
struct Bin {
    minute: Arc<Of<MinuteRow>>,
    measure: &'static str,
    value: f64,
    count: u64,
}

fn bins(minute: Of<MinuteRow>) -> Vec<Bin> {
    let minute = Arc::new(minute);
    let MinuteRow { mos, throughput_kbps, latency_ms, .. } = &minute.row;
    let measures: [(&str, &Distribution); 3] =
        [("mos", mos), ("throughput_kbps", throughput_kbps), ("latency_ms", latency_ms)];
    let of = |measure, &(value, count): &(f64, u64)| Bin { minute: Arc::clone(&minute), measure, value, count };
    let of_measure =
        |(measure, values): (_, &Distribution)| values.iter().map(|bin| of(measure, bin)).collect::<Vec<_>>();
    measures.into_iter().flat_map(of_measure).collect()
}

fn distributions() -> Vec<Column<Bin>> {
    vec![
        Column::time("time", |bin: &Bin| Some(bin.minute.row.at_s * 1_000_000)),
        Column::id("stream", |bin: &Bin| Some(bin.minute.row.stream.0)),
        Column::text("stream_name", |bin: &Bin| name(&bin.minute)),
        Column::text("edge", |bin: &Bin| Some(bin.minute.row.edge.clone())),
        Column::text("network", |bin: &Bin| Some(bin.minute.row.network.clone())),
        Column::count("rung_kbps", |bin: &Bin| Some(bin.minute.row.rung_kbps.into())),
        Column::text("measure", |bin: &Bin| Some(bin.measure.to_owned())),
        Column::number("value", |bin: &Bin| Some(bin.value)),
        Column::count("count", |bin: &Bin| Some(bin.count)),
    ]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

fn share(ratio: Ratio) -> f64 {
    f64::from(ratio.get())
}

fn source(report: &Report) -> &'static str {
    match report {
        Report::Player(_) => "player",
        Report::Link(_) => "link",
        Report::Radio(_) => "radio",
        Report::Encoder(_) => "encoder",
    }
}

/// As in JSON.
fn named(state: PlayerState) -> &'static str {
    match state {
        PlayerState::Starting => "starting",
        PlayerState::Playing => "playing",
        PlayerState::Seeking => "seeking",
        PlayerState::Rebuffering => "rebuffering",
        PlayerState::Paused => "paused",
        PlayerState::Waiting => "waiting",
        PlayerState::Ended => "ended",
        PlayerState::FatalError => "fatal_error",
        PlayerState::Quit => "quit",
        PlayerState::Preloading => "preloading",
    }
}
