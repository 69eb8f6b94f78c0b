//! Attribute values as they are found in the field.

/// A decimal number of zero or more, with or without a fraction, rounded; `None` for anything else.
pub(super) fn whole_number(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    let value: f64 = text.parse().ok()?;
    // The cast is exact below 2^53.
    (0.0..9e15).contains(&value).then(|| value.round() as u64)
}

/// A side of a picture, in pixels.
pub(super) fn pixels(text: &str) -> Option<u32> {
    u32::try_from(whole_number(text)?).ok()
}

/// `1280x720` in pixels.
pub(super) fn resolution(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(['x', 'X'])?;
    Some((pixels(width)?, pixels(height)?))
}

/// `25`, `29.97` or `30000/1001` frames per second.
pub(super) fn frame_rate(text: &str) -> Option<f64> {
    let (frames, seconds) = text.split_once('/').unwrap_or((text, "1"));
    let rate = frames.trim().parse::<f64>().ok()? / seconds.trim().parse::<f64>().ok()?;
    (rate.is_finite() && rate > 0.0).then_some(rate)
}

/// Seconds of an XML Schema duration, `P0Y0M0DT1H2M3.5S`. A year counts 365 days and a month 30.
pub(super) fn duration_s(text: &str) -> Option<f64> {
    const DAY_S: f64 = 86_400.0;
    let (date, time) = text.trim().strip_prefix('P')?.split_once('T').unwrap_or((text.trim().strip_prefix('P')?, ""));
    let seconds = parts(date, &[('Y', 365.0 * DAY_S), ('M', 30.0 * DAY_S), ('W', 7.0 * DAY_S), ('D', DAY_S)])?
        + parts(time, &[('H', 3_600.0), ('M', 60.0), ('S', 1.0)])?;
    seconds.is_finite().then_some(seconds)
}

/// The sum of numbers that each end in the letter of a unit.
fn parts(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut sum = 0.0;
    while !text.is_empty() {
        let end = text.find(|character: char| character.is_ascii_alphabetic())?;
        let (number, rest) = text.split_at(end);
        let letter = rest.chars().next()?;
        let (_, seconds) = units.iter().find(|(unit, _)| *unit == letter)?;
        let value: f64 = number.parse().ok()?;
        sum += value * seconds;
        text = &rest[letter.len_utf8()..];
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_have_a_fraction() {
        let cases = [("800000", Some(800_000)), ("801250.5", Some(801_251)), ("2e6", Some(2_000_000)), ("-1", None)];
        for (text, expected) in cases.into_iter().chain([("nan", None), ("inf", None), ("", None), ("1k", None)]) {
            assert_eq!(whole_number(text), expected, "{text}");
        }
        assert_eq!(resolution("1280.0 X 720"), Some((1280, 720)));
        assert_eq!(
            (frame_rate("30000/1001").map(f64::round), frame_rate("0"), frame_rate("1/0")),
            (Some(30.0), None, None)
        );
    }

    #[test]
    fn durations_are_those_of_xml_schema() {
        let cases = [
            ("PT2S", Some(2.0)),
            ("PT0H0M1.920S", Some(1.92)),
            ("P0Y0M0DT0H0M6.000S", Some(6.0)),
            ("PT1M30S", Some(90.0)),
            ("P1D", Some(86_400.0)),
            ("P1DT1S", Some(86_401.0)),
            ("P", Some(0.0)),
            ("2S", None),
            ("PT2", None),
            ("PT2X", None),
            ("PTS", None),
            ("PT\u{e9}S", None),
            ("P2S", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration_s(text), expected, "{text}");
        }
    }
}
