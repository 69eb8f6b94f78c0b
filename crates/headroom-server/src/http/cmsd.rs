//! Answers as response headers: CMSD (CTA-5006) and the bit rate in plain kbit/s.

use headroom_cluster::answer::Answer;
use headroom_core::units::Bitrate;
use headroom_wire::cmsd::{self, Hop};
use http::{HeaderName, HeaderValue};
use std::borrow::Cow;

/// Header that carries what we tell the player (CTA-5006 §2).
pub(crate) const CMSD_DYNAMIC: HeaderName = HeaderName::from_static("cmsd-dynamic");

/// Our member of a `CMSD-Dynamic` list (CTA-5006 §3), `"headroom";etp=8000;mb=3300;rtt=40`, behind the members in
/// `before`; `None` when there is nothing to say.
pub(crate) fn dynamic<'h>(
    answer: &Answer,
    server: &str,
    before: impl IntoIterator<Item = &'h str>,
) -> Option<HeaderValue> {
    if *answer == Answer::default() {
        return None;
    }
    let kbps = |rate: u64| u32::try_from(rate).unwrap_or(u32::MAX);
    let hop = Hop {
        server: Cow::Borrowed(server),
        // Rounded up: a cap of 1 199.6 kbit/s written as 1199 would shut out the rung it stands for.
        maximum_suggested_bitrate: answer.suggested.map(|rate| kbps(kbps_up(rate))),
        estimated_throughput: answer
            .expected_throughput
            .map(|rate| kbps(rate.as_bps() / 1_000))
            .filter(|&rate| rate > 0),
        round_trip_time: answer.rtt_ms.map(u32::from),
        ..Hop::default()
    };
    // The server's name was checked when the configuration was read.
    HeaderValue::try_from(cmsd::append(before, &hop).ok()?.value).ok()
}

/// Value of `X-Headroom-Max-Bitrate-Kbps`, kbit/s rounded up; `None` without a cap.
pub(crate) fn max_bitrate(answer: &Answer) -> Option<HeaderValue> {
    answer.suggested.map(|rate| HeaderValue::from(kbps_up(rate)))
}

fn kbps_up(rate: Bitrate) -> u64 {
    rate.as_bps().div_ceil(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_is_known() {
        let answer = Answer {
            cap: Some(Bitrate::kbps(3_000)),
            suggested: Some(Bitrate::bps(3_128_001)),
            expected_throughput: Some(Bitrate::kbps(8_000)),
            rtt_ms: Some(40),
        };
        let unknown = Answer { rtt_ms: None, expected_throughput: None, ..answer };
        let cases: [(_, &[&str], _); 5] = [
            (answer, &[], Some("\"headroom\";etp=8000;mb=3129;rtt=40")),
            (unknown, &[], Some("\"headroom\";mb=3129")),
            (unknown, &["\"origin\";mb=9000", "\"cdn\""], Some("\"origin\";mb=9000, \"cdn\", \"headroom\";mb=3129")),
            (unknown, &["no \"list"], Some("\"headroom\";mb=3129")),
            (Answer::default(), &["\"origin\";mb=9000"], None),
        ];
        for (answer, before, expected) in cases {
            let value = dynamic(&answer, "headroom", before.iter().copied());
            assert_eq!(value.as_ref().map(|value| value.to_str().unwrap()), expected);
        }
    }
}
