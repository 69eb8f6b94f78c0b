//! The virtual viewers: each downloads a segment every few seconds over a link of its own and says so in CMCD.

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal};
use rand_pcg::Pcg64Mcg;
use std::fmt::Write;

/// Bit rates the viewers choose from, kbit/s: 240p to 1440p of a common live ladder.
const LADDER: [f64; 6] = [400.0, 800.0, 1_600.0, 3_000.0, 6_000.0, 12_000.0];

/// Buffer the viewers fill up to, s.
const TARGET_BUFFER: f64 = 6.0;

/// Share of the throughput the viewers dare to use, as hls.js does.
const DARING: f64 = 0.7;

/// Share of the segments that come during a handover, and what is left of the link meanwhile: enough for stalls.
const OUTAGES: f64 = 0.01;
const OUTAGE: f64 = 0.15;

/// Streams the viewers spread over.
const STREAMS: usize = 20;

/// What one viewer knows between two segments: 16 bytes, since there are many.
#[derive(Debug, Clone, Copy)]
struct Viewer {
    /// Median rate of the link, kbit/s.
    link: f32,
    /// Throughput of the last segment, kbit/s.
    throughput: f32,
    /// Media ahead of the playhead, s.
    buffer: f32,
    /// Reports sent.
    reports: u32,
}

/// All viewers.
pub(super) struct Viewers {
    viewers: Vec<Viewer>,
    segment_s: f64,
    random: Pcg64Mcg,
    /// Throughput of a segment over the link's median.
    fading: LogNormal<f64>,
}

impl Viewers {
    /// Links of 1 to 40 Mbit/s, most around 6; the same seed gives the same viewers.
    pub(super) fn new(sessions: usize, segment_s: f64, seed: u64) -> anyhow::Result<Self> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let links = LogNormal::new(6_000_f64.ln(), 0.7)?;
        let viewer = |random: &mut Pcg64Mcg| Viewer {
            link: links.sample(random).clamp(1_000.0, 40_000.0) as f32,
            throughput: 0.0,
            buffer: random.random_range(1.0..TARGET_BUFFER) as f32,
            reports: 0,
        };
        let viewers = (0..sessions).map(|_| viewer(&mut random)).collect();
        Ok(Self { viewers, segment_s, random, fading: LogNormal::new(0.0, 0.35)? })
    }

    pub(super) fn len(&self) -> usize {
        self.viewers.len()
    }

    /// Lets a viewer fetch its next segment and appends the request, as a web server passes it on.
    pub(super) fn request(&mut self, number: usize, out: &mut Vec<u8>) {
        let Self { viewers, segment_s, random, fading } = self;
        let viewer = &mut viewers[number];
        let measured = f64::from(viewer.throughput);
        let rate = LADDER.into_iter().rev().find(|rate| *rate <= measured * DARING).unwrap_or(LADDER[0]);
        let outage = if random.random_bool(OUTAGES) { OUTAGE } else { 1.0 };
        let throughput = f64::from(viewer.link) * fading.sample(random) * outage;
        let took = rate * *segment_s / throughput;
        let played = f64::from(viewer.buffer) - took;
        let starved = played < 0.0 && viewer.reports > 0;
        viewer.buffer = (played.max(0.0) + *segment_s).min(TARGET_BUFFER) as f32;
        viewer.throughput = throughput as f32;
        viewer.reports += 1;
        let mut record = String::with_capacity(256);
        // Writing to a string cannot fail.
        let _ = write!(
            record,
            "bl=({:.0}),br=({rate:.0}),{}cid=\"live-{}\",d={:.0},mtp=({throughput:.0}),ot=v,rtp={:.0},sf=h,sid=\"{:08x}-{:04x}-4000-8000-000000000000\",sn={},st=l,sta=p,v=2",
            f64::from(viewer.buffer) * 1_000.0,
            if starved { format!("bs,bsd=({:.0}),", -played * 1_000.0) } else { String::new() },
            number % STREAMS,
            *segment_s * 1_000.0,
            rate * 2.0,
            number,
            number & 0xffff,
            viewer.reports,
        );
        out.extend_from_slice(b"GET /decide?CMCD=");
        for byte in record.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(byte),
                _ => {
                    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                    out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
                }
            }
        }
        out.extend_from_slice(b" HTTP/1.1\r\nHost: fleet\r\n\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_wire::cmcd::{Scratch, parse_query};

    #[test]
    fn every_viewer_says_what_a_server_understands() {
        let mut viewers = Viewers::new(50, 2.0, 7).unwrap();
        let mut sent = Vec::new();
        for _ in 0..20 {
            (0..50).for_each(|number| viewers.request(number, &mut sent));
        }
        let text = String::from_utf8(sent).unwrap();
        let targets: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("GET /decide?CMCD=")).collect();
        assert_eq!(targets.len(), 1_000);
        let mut starved = 0;
        for target in targets {
            let query = format!("CMCD={}", target.strip_suffix(" HTTP/1.1").unwrap());
            let mut scratch = Scratch::default();
            let found = parse_query(&query, &mut scratch).unwrap().unwrap();
            assert_eq!((found.summary.coerced, found.summary.dropped), (0, 0), "{query}: {:?}", found.summary.first);
            starved += usize::from(query.contains("bs%2C"));
        }
        assert!((1..200).contains(&starved), "{starved} of 1000 reports tell of a stall");
    }
}
