//! Times as people and other programs write them: RFC 3339, UTC.

use chrono::{DateTime, NaiveDateTime, SecondsFormat};

/// Seconds since the epoch as RFC 3339; empty beyond the calendar (year 262142).
#[must_use]
pub fn rfc3339(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    at.map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Seconds since the epoch of `2026-11-23T18:00Z`, `2026-11-23T18:00:00Z` (a space may stand for the `T`, the `Z` may be
/// absent) or of a plain number of seconds. `None` of anything else, and of times before 1970.
#[must_use]
pub fn seconds(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let text = text.trim_end_matches('Z').replace(' ', "T");
    let forms = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];
    let at = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok())?;
    u64::try_from(at.and_utc().timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_others_read_them() {
        for (at_s, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_392_000, "2026-11-23T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(at_s), expected);
            assert_eq!(seconds(expected), Some(at_s));
        }
        assert_eq!(seconds("2026-11-23 18:30"), Some(1_795_392_000 + 66_600));
        assert_eq!(seconds("1795392000"), Some(1_795_392_000));
        for odd in
            ["", "x", "2026-11-23", "2026-13-01T00:00Z", "2026-11-23T25:00", "2026-11-23T00", "-5", "1969-12-31T23:59"]
        {
            assert_eq!(seconds(odd), None, "{odd}");
        }
    }
}
