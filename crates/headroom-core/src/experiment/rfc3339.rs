//! Points in time as people write them: RFC 3339 in, RFC 3339 in UTC out; whole seconds since the Unix epoch in as well.

use crate::time::{Duration, Timestamp};
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// `serde(with)` of an optional point in time.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Moment, Serializer, Timestamp, write};

    pub(in super::super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.serialize_str(&write(*at)),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<Moment>::deserialize(deserializer)?.map(|moment| moment.0))
    }
}

struct Moment(Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a time is a text like \"2026-12-01T00:00:00Z\" or seconds since the Unix epoch")]
        enum Written {
            Seconds(u32),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Seconds(seconds) => Ok(Self(Timestamp::EPOCH + Duration::from_secs(seconds.into()))),
            Written::Text(text) => read(&text)
                .map(Self)
                .ok_or_else(|| D::Error::custom(format!("{text:?} is no time like 2026-12-01T00:00:00Z"))),
        }
    }
}

const DAY_S: i64 = 86_400;

/// Whole seconds; a fraction is read over.
fn read(text: &str) -> Option<Timestamp> {
    let number = |from: usize, length: usize| {
        let digits = text.get(from..from + length)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    let separators = [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")];
    let separated = |&(at, allowed): &(usize, &str)| text.get(at..=at).is_some_and(|found| allowed.contains(found));
    if !separators.iter().all(separated) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let days = days_from_civil(year, month, day);
    if civil_from_days(days) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut rest = text.get(19..)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == fraction.len() {
            return None;
        }
    }
    let offset_s = match rest.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit()) => {
            let value = |tens: u8, ones: u8| i64::from((tens - b'0') * 10 + (ones - b'0'));
            let (hours, minutes) = (value(*h1, *h2), value(*m1, *m2));
            if hours > 23 || minutes > 59 {
                return None;
            }
            (if *sign == b'+' { 1 } else { -1 }) * (hours * 3_600 + minutes * 60)
        }
        _ => return None,
    };
    let seconds = days * DAY_S + hour * 3_600 + minute * 60 + second - offset_s;
    Some(Timestamp::EPOCH + Duration::from_secs(u64::try_from(seconds).ok()?))
}

fn write(at: Timestamp) -> String {
    let seconds = at.as_secs() as i64;
    let (year, month, day) = civil_from_days(seconds / DAY_S);
    let of_day = seconds % DAY_S;
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Days since the Unix epoch of a date of the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-12-01T00:00:00Z", Some(1_796_083_200)),
            ("2026-12-01 00:00:00.250Z", Some(1_796_083_200)),
            ("2026-12-01T01:30:00+01:30", Some(1_796_083_200)),
            ("2026-11-30T19:00:00-05:00", Some(1_796_083_200)),
            ("2024-02-29T12:00:00Z", Some(1_709_208_000)),
            ("2023-02-29T12:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-12-01T24:00:00Z", None),
            ("2026-12-01T00:00:00", None),
            ("2026-12-01", None),
            ("1969-12-31T23:59:59Z", None),
            ("2026-12-01T00:00:00+0130", None),
            ("2026-12-01T00:00:00.Z", None),
            ("+026-12-01T00:00:00Z", None),
            ("ü026-12-01T00:00:00Z", None),
            ("tomorrow", None),
            ("", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(read(text).map(Timestamp::as_secs), seconds, "{text}");
        }
        for seconds in (0..8_000_000_000_u64).step_by(7_777_777) {
            let at = Timestamp::EPOCH + Duration::from_secs(seconds);
            assert_eq!(read(&write(at)), Some(at), "{}", write(at));
        }
    }
}
