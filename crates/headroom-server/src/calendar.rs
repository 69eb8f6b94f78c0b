//! Times as people and other programs write them: RFC 3339, UTC.

const DAY_S: u64 = 86_400;

/// Seconds since the epoch as RFC 3339, by Hinnant's civil-from-days.
#[must_use]
pub fn rfc3339(seconds: u64) -> String {
    let (days, rest) = ((seconds / DAY_S) as i64 + 719_468, seconds % DAY_S);
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// Seconds since the epoch of `2026-11-23T18:00Z`, `2026-11-23T18:00:00Z` (a space may stand for the `T`, the `Z` may be
/// absent) or of a plain number of seconds; by Hinnant's days-from-civil. `None` of anything else.
#[must_use]
pub fn seconds(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (date, time) = text.trim_end_matches('Z').split_once(['T', ' '])?;
    let numbers =
        |text: &str, by: char| text.split(by).map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>();
    let (date, time) = (numbers(date, '-')?, numbers(time, ':')?);
    let &[year, month, day] = date.as_slice() else { return None };
    let (&[hour, minute] | &[hour, minute, _]) = time.as_slice() else { return None };
    let second = time.get(2).copied().unwrap_or(0);
    let known = (1_970..=9_999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !known || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some((era * 146_097 + day_of_era - 719_468) * DAY_S + hour * 3_600 + minute * 60 + second)
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
