//! The application log of one playback (Sec6 `App_QoE_Details`): what the player did, to the millisecond.

use super::super::import::ParseError;
use super::super::table::{self, Header, Table, number};

/// What happened in the player.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum PlaybackKind {
    /// A request for a segment left.
    LoadingStarted,
    /// A segment was complete.
    LoadingCompleted,
    /// The buffer ran empty: a stall begins.
    BufferEmpty,
    /// The once-a-second report.
    Report {
        /// Seconds in the buffer.
        buffer_s: f64,
        /// Rung played, from 0 to 6. The source calls the column `bitrate_kbps`; its values are ladder indices.
        rung: u8,
    },
}

/// One row of the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaybackEvent {
    /// Seconds since the first row.
    pub t_s: f64,
    /// What happened.
    pub kind: PlaybackKind,
}

/// Longest log taken as meant: events of a day of playback at 10 a second.
const MAX_EVENTS: usize = 864_000;

/// Whether the text is such a log.
pub fn recognises_playback(text: &str) -> bool {
    table::lines(text)
        .next()
        .and_then(|(_, first)| Header::of_line(first))
        .is_some_and(|header| header.find(&["EventType"]).is_some() && header.find(&["clientTime(ms)"]).is_some())
}

/// Reads the log.
///
/// # Errors
/// See [`ParseError`]; an event of an unknown kind is an error, because a stall left out would look like good playback.
pub fn parse_playback(text: &str) -> Result<Vec<PlaybackEvent>, ParseError> {
    let mut table = Table::new(text)?;
    let header = table.header();
    let kind = header.require("EventType")?;
    let time = header.require("clientTime(ms)")?;
    let buffer = header.require("buffer_level")?;
    let rung = header.require("bitrate_kbps")?;

    let mut events: Vec<PlaybackEvent> = Vec::new();
    let mut origin_s = None;
    let mut before_s = 0.0;
    while let Some(row) = table.next_row()? {
        let line = row.line;
        if events.len() == MAX_EVENTS {
            return Err(ParseError::Malformed { line, problem: format!("more than {MAX_EVENTS} events") });
        }
        let clock_s = clock_seconds(line, row.field(time, "clientTime(ms)")?)?;
        let t_s = clock_s - *origin_s.get_or_insert(clock_s);
        if t_s < before_s {
            return Err(ParseError::TimeNotIncreasing { line, t_s, before_s });
        }
        before_s = t_s;
        let kind = match row.field(kind, "EventType")? {
            "FRAGMENT_LOADING_STARTED" => PlaybackKind::LoadingStarted,
            "FRAGMENT_LOADING_COMPLETED" => PlaybackKind::LoadingCompleted,
            "BUFFER_EMPTY" => PlaybackKind::BufferEmpty,
            "" => PlaybackKind::Report {
                buffer_s: number(line, "buffer_level", row.field(buffer, "buffer_level")?)?,
                rung: rung_of(line, row.field(rung, "bitrate_kbps")?)?,
            },
            other => {
                let problem = format!("`{}` is not an event of this log", other.chars().take(40).collect::<String>());
                return Err(ParseError::Malformed { line, problem });
            }
        };
        events.push(PlaybackEvent { t_s, kind });
    }
    Ok(events)
}

/// Reads a ladder index.
fn rung_of(line: usize, text: &str) -> Result<u8, ParseError> {
    let value = number(line, "bitrate_kbps", text)?;
    if value.fract() == 0.0 && (0.0..=15.0).contains(&value) {
        Ok(value as u8)
    } else {
        Err(ParseError::Implausible { line, column: "bitrate_kbps", value, min: 0.0, max: 15.0 })
    }
}

/// Seconds of `2024-01-25 08:35:26.144` on the logger's own clock.
fn clock_seconds(line: usize, text: &str) -> Result<f64, ParseError> {
    let wrong = || ParseError::Malformed {
        line,
        problem: format!("`{}` is not a time like 2024-01-25 08:35:26.144", text.chars().take(40).collect::<String>()),
    };
    let (date, clock) = text.split_once(' ').ok_or_else(wrong)?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (Some(Some(year)), Some(Some(month)), Some(Some(day)), None) =
        (date.next(), date.next(), date.next(), date.next())
    else {
        return Err(wrong());
    };
    let mut clock = clock.split(':').map(|part| part.parse::<f64>().ok().filter(|value| (0.0..=60.0).contains(value)));
    let (Some(Some(hour)), Some(Some(minute)), Some(Some(second)), None) =
        (clock.next(), clock.next(), clock.next(), clock.next())
    else {
        return Err(wrong());
    };
    let days = table::days_from_civil(year, month, day).ok_or_else(wrong)?;
    Ok(days as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second)
}
