//! Points in time as people write them: RFC 3339 in, RFC 3339 in UTC out; whole seconds since the Unix epoch in as well.

use crate::time::{Duration, Timestamp};
use chrono::{DateTime, SecondsFormat};
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

/// Whole seconds; a fraction is read over.
fn read(text: &str) -> Option<Timestamp> {
    let seconds = DateTime::parse_from_rfc3339(text).ok()?.timestamp();
    Some(Timestamp::EPOCH + Duration::from_secs(u64::try_from(seconds).ok()?))
}

fn write(at: Timestamp) -> String {
    let at = DateTime::from_timestamp_micros(at.as_micros().cast_signed()).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
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
