//! What an HLS media playlist says about the length of its segments.

use super::attributes::attribute;

/// Lengths that a media playlist announces, seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SegmentDurations {
    /// Longest segment: `EXT-X-TARGETDURATION` (RFC 8216bis §4.4.3.1).
    pub segment_s: Option<f64>,
    /// Longest part of a segment, which low-latency players request alone: `EXT-X-PART-INF` (RFC 8216bis §4.4.3.7).
    pub part_s: Option<f64>,
}

impl SegmentDurations {
    /// Reads a media playlist; what it does not say, or says in another form, is absent.
    pub fn parse(text: &str) -> Self {
        let tag = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name));
        let seconds =
            |value: &str| value.trim().parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0);
        Self {
            segment_s: tag("#EXT-X-TARGETDURATION:").and_then(seconds),
            part_s: tag("#EXT-X-PART-INF:").and_then(|list| attribute(list, "PART-TARGET")).and_then(seconds),
        }
    }
}
