//! Reports of players from the archive, one after the other.

use anyhow::Context;
use headroom_core::{experiment::Metric, statistics::Moments};
use parquet::{
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::{Field, Row},
    schema::types::Type,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What reports need of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct PlayerReport {
    pub(super) at_us: u64,
    pub(super) session: u64,
    pub(super) stream: u64,
    pub(super) stream_name: String,
    pub(super) bitrate_kbps: Option<f64>,
    pub(super) media_s: f64,
    pub(super) stalled_s: f64,
    pub(super) is_stall: bool,
    pub(super) latency_s: Option<f64>,
    pub(super) is_fatal: bool,
}

const COLUMNS: [&str; 11] = [
    "time",
    "session",
    "stream",
    "stream_name",
    "source",
    "encoded_bitrate_kbps",
    "object_duration_ms",
    "starvation_duration_ms",
    "buffer_starvation",
    "live_latency_ms",
    "state",
];

/// Hands every report of a player in the archive at `directory` to `each`.
///
/// # Errors
/// When there is no table of samples, or a file of it cannot be read.
pub(super) fn read(directory: &Path, mut each: impl FnMut(PlayerReport)) -> anyhow::Result<()> {
    let samples = directory.join("samples");
    let files = files(&samples).with_context(|| {
        format!("no archive in {}: name the directory of [history.archive] location", directory.display())
    })?;
    anyhow::ensure!(!files.is_empty(), "{} holds no file yet", samples.display());
    for path in files {
        let name = || format!("cannot read {}", path.display());
        let reader = SerializedFileReader::new(std::fs::File::open(&path).with_context(name)?).with_context(name)?;
        let schema = reader.metadata().file_metadata().schema();
        let wanted = schema.get_fields().iter().filter(|field| COLUMNS.contains(&field.name())).cloned().collect();
        let projection = Type::group_type_builder(schema.name()).with_fields(wanted).build()?;
        for row in reader.get_row_iter(Some(projection)).with_context(name)? {
            if let Some(report) = report(&row.with_context(name)?) {
                each(report);
            }
        }
    }
    Ok(())
}

fn files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn report(row: &Row) -> Option<PlayerReport> {
    let mut report = PlayerReport::default();
    let mut is_player = false;
    for (name, field) in row.get_column_iter() {
        let seconds = if let Field::Double(millis) = field { Some(millis / 1_000.0) } else { None };
        match (name.as_str(), field) {
            ("source", Field::Str(source)) => is_player = source == "player",
            ("time", Field::TimestampMicros(at_us)) => report.at_us = u64::try_from(*at_us).unwrap_or(0),
            ("session", Field::ULong(session)) => report.session = *session,
            ("stream", Field::ULong(stream)) => report.stream = *stream,
            ("stream_name", Field::Str(name)) => report.stream_name.clone_from(name),
            ("encoded_bitrate_kbps", Field::Double(kbps)) => report.bitrate_kbps = Some(*kbps),
            ("object_duration_ms", _) => report.media_s = seconds.unwrap_or(0.0),
            ("starvation_duration_ms", _) => report.stalled_s = seconds.unwrap_or(0.0),
            ("buffer_starvation", Field::Bool(is_stall)) => report.is_stall = *is_stall,
            ("live_latency_ms", _) => report.latency_s = seconds,
            ("state", Field::Str(state)) => report.is_fatal = state == "fatal_error",
            _ => {}
        }
    }
    is_player.then_some(report)
}

/// What a unit did, in all of its reports.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct UnitSums {
    media_s: f64,
    stalled_s: f64,
    stalls: f64,
    rated_s: f64,
    log_rate: f64,
    megabits: f64,
    latency_s: f64,
    latency_reports: f64,
    fatal: f64,
}

impl UnitSums {
    /// Adds a report.
    pub(super) fn add(&mut self, report: &PlayerReport) {
        self.media_s += report.media_s;
        self.stalled_s += report.stalled_s;
        self.stalls += f64::from(u8::from(report.is_stall));
        if let Some(kbps) = report.bitrate_kbps.filter(|&kbps| kbps > 0.0) {
            self.rated_s += report.media_s;
            self.log_rate += report.media_s * kbps.ln();
            self.megabits += report.media_s * kbps / 1_000.0;
        }
        if let Some(latency_s) = report.latency_s {
            self.latency_s += latency_s;
            self.latency_reports += 1.0;
        }
        self.fatal = self.fatal.max(f64::from(u8::from(report.is_fatal)));
    }

    /// Numerator and denominator of a metric; none where reports do not hold it.
    pub(super) fn of(&self, metric: Metric) -> Option<(f64, f64)> {
        let watched_s = self.media_s + self.stalled_s;
        match metric {
            Metric::StallRatio => Some((self.stalled_s, watched_s)),
            Metric::StallEvents => Some((self.stalls, watched_s / 3_600.0)),
            Metric::LogQuality => Some((self.log_rate, self.rated_s)),
            Metric::FatalErrors => Some((self.fatal, 1.0)),
            Metric::PlayTime => Some((self.media_s, 1.0)),
            Metric::Latency => Some((self.latency_s, self.latency_reports)),
            Metric::Egress => Some((self.megabits, self.rated_s)),
            Metric::StartTime | Metric::StartFailures | Metric::Switches | Metric::Cost => None,
        }
    }

    /// Moments of a metric over units.
    pub(super) fn moments<'a>(units: impl Iterator<Item = &'a Self>, metric: Metric) -> Option<Moments> {
        let mut moments = Moments::default();
        for unit in units {
            let (numerator, denominator) = unit.of(metric)?;
            moments.add(numerator, denominator, 0.0);
        }
        (moments.mean_denominator() > 0.0).then_some(moments)
    }
}

/// Reports by unit.
pub(super) type Units = BTreeMap<u64, UnitSums>;
