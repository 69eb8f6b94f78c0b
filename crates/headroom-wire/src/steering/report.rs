//! What players say when they ask for a steering manifest.

use super::MAX_PATHWAYS;
use crate::percent;

/// The family of players a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// `_HLS_pathway` and `_HLS_throughput` (RFC 8216bis §7.1).
    Hls,
    /// `_DASH_pathway` and `_DASH_throughput` (ETSI TS 103 998).
    Dash,
}

/// A pathway in use and what was measured on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathwayThroughput {
    /// Identifier of the pathway; empty when the player did not say.
    pub pathway: String,
    /// Throughput measured on it, bits per second; `None` when the player has none yet.
    pub throughput_bps: Option<u64>,
}

/// The query parameters of a steering request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which parameters were used.
    pub protocol: Protocol,
    /// One entry for HLS; for DASH one for each pathway used since the last request.
    pub pathways: Vec<PathwayThroughput>,
}

impl Report {
    /// Reads the report in a query string, with or without a leading `?`; `None` when there is none.
    ///
    /// Values may be in quotes, as dash.js sends pathways, or not, as hls.js does. What is no number is no throughput.
    /// At most [`MAX_PATHWAYS`] entries are read.
    pub fn parse(query: &str) -> Option<Self> {
        let read = |protocol, pathway, throughput| {
            let pathways = percent::query_value(query, pathway);
            let throughputs = percent::query_value(query, throughput);
            (pathways.is_some() || throughputs.is_some())
                .then(|| Self { protocol, pathways: pair(&unquoted(pathways), &unquoted(throughputs)) })
        };
        read(Protocol::Hls, "_HLS_pathway", "_HLS_throughput")
            .or_else(|| read(Protocol::Dash, "_DASH_pathway", "_DASH_throughput"))
    }

    /// The query parameters, without a leading `?`.
    pub fn to_query(&self) -> String {
        let (prefix, quote) = match self.protocol {
            Protocol::Hls => ("_HLS", ""),
            Protocol::Dash => ("_DASH", "\""),
        };
        let list =
            |value: fn(&PathwayThroughput) -> String| self.pathways.iter().map(value).collect::<Vec<_>>().join(",");
        let pathways = list(|entry| entry.pathway.clone());
        let throughputs = list(|entry| entry.throughput_bps.map(|value| value.to_string()).unwrap_or_default());
        let mut query = format!("{prefix}_pathway=");
        percent::encode(&format!("{quote}{pathways}{quote}"), &mut query);
        query.push_str(&format!("&{prefix}_throughput="));
        percent::encode(&throughputs, &mut query);
        query
    }
}

fn unquoted(encoded: Option<&str>) -> String {
    let mut decoded = Vec::new();
    percent::decode(encoded.unwrap_or_default(), true, &mut decoded);
    let text = String::from_utf8_lossy(&decoded);
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(&text).to_owned()
}

/// The n-th throughput belongs to the n-th pathway.
fn pair(pathways: &str, throughputs: &str) -> Vec<PathwayThroughput> {
    let mut throughputs = throughputs.split(',');
    let entry = |pathway: &str| PathwayThroughput {
        pathway: pathway.trim().to_owned(),
        throughput_bps: throughputs.next().and_then(bits_per_second),
    };
    pathways.split(',').take(MAX_PATHWAYS).map(entry).collect()
}

/// A number of bits per second; decimals are rounded, negative and absurd ones are none.
fn bits_per_second(text: &str) -> Option<u64> {
    let value: f64 = text.trim().parse().ok()?;
    // Above any link: 1 Pbit/s. The cast is exact below 2^53.
    (value.is_finite() && (0.0..1e15).contains(&value)).then(|| value.round() as u64)
}
