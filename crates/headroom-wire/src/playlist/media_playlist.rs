//! What an HLS media playlist says about its segments and their parts.

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
        Self {
            segment_s: tag("#EXT-X-TARGETDURATION:").and_then(seconds),
            part_s: tag("#EXT-X-PART-INF:").and_then(|list| attribute(list, "PART-TARGET")).and_then(seconds),
        }
    }
}

/// A segment, or a part of one, that a media playlist lists.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ListedObject<'a> {
    /// Its URI as it stands there.
    pub uri: &'a str,
    /// How long it plays, seconds.
    pub duration_s: f64,
    /// It is a range of bytes of what is at the URI.
    pub is_range: bool,
    /// Whole already; what a preload hint announces is not.
    pub is_complete: bool,
}

/// The segments and parts that a media playlist lists, in its order (RFC 8216bis §4.4.4.1, §4.4.4.9, §4.4.5.3). What does not
/// say how long it is, is left out.
pub fn listed_objects(text: &str) -> impl Iterator<Item = ListedObject<'_>> {
    let part_s = SegmentDurations::parse(text).part_s;
    let (mut segment_s, mut segment_is_range) = (None, false);
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(duration) = line.strip_prefix("#EXTINF:") {
            segment_s = seconds(duration.split(',').next().unwrap_or_default());
        } else if line.starts_with("#EXT-X-BYTERANGE:") {
            segment_is_range = true;
        } else if let Some(list) = line.strip_prefix("#EXT-X-PART:") {
            return Some(ListedObject {
                uri: attribute(list, "URI")?,
                duration_s: attribute(list, "DURATION").and_then(seconds)?,
                is_range: attribute(list, "BYTERANGE").is_some(),
                is_complete: true,
            });
        } else if let Some(list) = line.strip_prefix("#EXT-X-PRELOAD-HINT:") {
            let is_part = attribute(list, "TYPE").is_some_and(|kind| kind.eq_ignore_ascii_case("PART"));
            return Some(ListedObject {
                uri: attribute(list, "URI").filter(|_| is_part)?,
                duration_s: part_s?,
                is_range: attribute(list, "BYTERANGE-START").is_some(),
                is_complete: false,
            });
        } else if !line.is_empty() && !line.starts_with('#') {
            let (duration_s, is_range) = (segment_s.take(), std::mem::take(&mut segment_is_range));
            return Some(ListedObject { uri: line, duration_s: duration_s?, is_range, is_complete: true });
        }
        None
    })
}

fn seconds(value: &str) -> Option<f64> {
    value.trim().parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_parts_and_hints_are_listed_with_their_lengths() {
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-MAP:URI=\"init.mp4\"\n\
            #EXTINF:4.0,a title\ns10.mp4\n#EXTINF:4,\n#EXT-X-BYTERANGE:75232@0\nall.ts\n\
            #EXT-X-PART:DURATION=0.5,URI=\"s11.0.mp4\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.33,URI=\"s11.mp4\",BYTERANGE=\"9@0\"\n\
            #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"s11.1.mp4\"\n#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"next.mp4\"\n\
            #EXT-X-PART:DURATION=x,URI=\"broken.mp4\"\nstray.ts\n";
        let object = |uri, duration_s, is_range, is_complete| ListedObject { uri, duration_s, is_range, is_complete };
        assert_eq!(
            listed_objects(text).collect::<Vec<_>>(),
            [
                object("s10.mp4", 4.0, false, true),
                object("all.ts", 4.0, true, true),
                object("s11.0.mp4", 0.5, false, true),
                object("s11.mp4", 0.33, true, true),
                object("s11.1.mp4", 0.5, false, false),
            ]
        );
    }
}
