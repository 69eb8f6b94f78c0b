//! The link a viewer is on.

use crate::commands::trace::Reading as TraceReading;
use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use clap::Args;
use headroom_core::ladder::Ladder;
use headroom_sim::trace::{AtEnd, Sample, Trace, synth};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde::{Deserialize, de::DeserializeOwned};
use std::path::PathBuf;

/// Where the network comes from; a seeded synthetic link where nothing is given.
#[derive(Args, Clone, Default)]
pub(crate) struct NetworkArguments {
    /// Replay this trace of a link, in any format `headroom trace` knows.
    #[arg(long, value_name = "FILE", group = "network")]
    trace: Option<PathBuf>,
    /// Radio readings: RSRP in dBm, RSRQ in dB, SNR in dB, such as `-94.2,-12.4,8.3`.
    #[arg(long, value_name = "R,Q,S", group = "network", allow_hyphen_values = true, value_parser = radio)]
    radio: Option<[f64; 3]>,
    /// A live session of a running server: `http://HOST:PORT/v1/sessions/ID` of its control listener.
    #[arg(long, value_name = "URL", group = "network")]
    session: Option<String>,
    /// Seed of the synthetic link.
    #[arg(long, default_value_t = 7, conflicts_with = "network")]
    seed: u64,
}

fn radio(text: &str) -> Result<[f64; 3], String> {
    let values: Vec<f64> = text.split(',').filter_map(|value| value.trim().parse().ok()).collect();
    let values: [f64; 3] = values.try_into().map_err(|_| "give three numbers: RSRP,RSRQ,SNR".to_owned())?;
    // The ranges of the reports in 3GPP TS 38.133 §10.1.
    let ranges = [("RSRP", -156.0, -31.0), ("RSRQ", -43.0, 20.0), ("SNR", -23.0, 40.0)];
    for ((name, least, most), value) in ranges.into_iter().zip(values) {
        if !(least..=most).contains(&value) {
            return Err(format!("{name} lies in {least}…{most}"));
        }
    }
    Ok(values)
}

/// Seconds of a synthetic link: beyond them it starts over.
const SYNTHETIC_S: f64 = 600.0;

/// Largest answer taken from a server.
const MAX_BODY: usize = 64 << 10;
/// The same for a page of streams.
const MAX_STREAMS: usize = 4 << 20;

/// A link to be played, second by second.
pub(super) struct Network {
    trace: Trace,
    /// Named on the source line.
    pub(super) source: String,
    /// What the server said of a live session, where the link is one's.
    pub(super) session: Option<LiveSession>,
}

/// What is used of a session's state, under the names of the control interface.
#[derive(Deserialize, Clone)]
pub(super) struct LiveSession {
    /// Identifier of its stream.
    #[serde(default)]
    stream: String,
    /// What its stream offers, where a manifest was seen.
    #[serde(skip)]
    pub(super) ladder: Option<Ladder>,
    forecast_kbps: Option<[f64; 3]>,
    pub(super) playing_kbps: Option<f64>,
    pub(super) buffer_length_ms: Option<f64>,
    pub(super) live_latency_ms: Option<f64>,
    rtt_ms: Option<f64>,
    jitter_ms: Option<f64>,
    loss_ratio: Option<f64>,
    rsrp_dbm: Option<f64>,
    rsrq_db: Option<f64>,
    sinr_db: Option<f64>,
}

impl NetworkArguments {
    /// The synthetic link of this seed.
    #[cfg(test)]
    pub(super) fn synthetic(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    pub(super) fn open(&self) -> anyhow::Result<Network> {
        if let Some(path) = &self.trace {
            let (_, import) = TraceReading::default().load(path)?;
            return Ok(Network { trace: import.trace, source: format!("trace {}", path.display()), session: None });
        }
        if let Some([rsrp, rsrq, snr]) = self.radio {
            let sample = Sample {
                throughput_kbps: throughput_kbps(rsrq, snr),
                rsrp_dbm: Some(rsrp),
                rsrq_db: Some(rsrq),
                sinr_db: Some(snr),
                ..Sample::default()
            };
            let trace = Trace::new(vec![sample], SYNTHETIC_S).context("cannot use these readings")?;
            return Ok(Network {
                trace,
                source: "radio as given, throughput estimated from RSRQ and SNR".into(),
                session: None,
            });
        }
        if let Some(url) = &self.session {
            return from_session(url);
        }
        let trace = synth::generate(synth::Preset::Driving, self.seed, SYNTHETIC_S, 1.0)?;
        Ok(Network { trace, source: format!("synthetic, seed {}", self.seed), session: None })
    }
}

impl Network {
    /// What the link is like in a second; a trace that ends starts over.
    pub(super) fn at(&self, second: u64) -> &Sample {
        let at = second as f64 % self.trace.duration_s().max(1.0);
        self.trace.at(at, AtEnd::Loop).unwrap_or(&self.trace.samples()[0])
    }
}

/// Attenuated and truncated Shannon bound of 3GPP TR 36.942 annex A.2 (downlink: 0.6, from -10 to 22 dB) over a carrier of
/// 20 MHz, of which the viewer has a share that falls with the cell's load. Carrier and share are assumptions, not
/// measurements: a full cell is shared by three.
fn throughput_kbps(rsrq_db: f64, snr_db: f64) -> f64 {
    const BANDWIDTH_KHZ: f64 = 20_000.0;
    const OTHERS_WHEN_FULL: f64 = 2.0;
    if snr_db < -10.0 {
        return 0.0;
    }
    let carrier = 0.6 * BANDWIDTH_KHZ * (1.0 + 10_f64.powf(snr_db.min(22.0) / 10.0)).log2();
    carrier / (1.0 + OTHERS_WHEN_FULL * load(rsrq_db, snr_db))
}

/// Share of the own cell's subcarriers that are in use, 0..=1: RSRQ is the power of one reference subcarrier over that of
/// all twelve of its resource block (3GPP TS 36.214 §5.1.3), which are own transmissions, interference and noise:
/// `1 / RSRQ = 12 (load + 1 / SNR)`.
fn load(rsrq_db: f64, snr_db: f64) -> f64 {
    let linear = |db: f64| 10_f64.powf(db / 10.0);
    (1.0 / (12.0 * linear(rsrq_db)) - 1.0 / linear(snr_db)).clamp(0.0, 1.0)
}

fn from_session(url: &str) -> anyhow::Result<Network> {
    let mut session: LiveSession = get(url, MAX_BODY).with_context(|| format!("cannot read the session {url}"))?;
    let Some([_, median, _]) = session.forecast_kbps else {
        bail!("nothing is known of the link of {url} yet; try again when it has played for a few seconds");
    };
    session.ladder = ladder_of(url, &session.stream);
    let sample = Sample {
        throughput_kbps: median,
        rtt_ms: session.rtt_ms,
        jitter_ms: session.jitter_ms,
        loss_ratio: session.loss_ratio,
        rsrp_dbm: session.rsrp_dbm,
        rsrq_db: session.rsrq_db,
        sinr_db: session.sinr_db,
        ..Sample::default()
    };
    let trace = Trace::new(vec![sample], SYNTHETIC_S).context("the session's figures make no link")?;
    Ok(Network { trace, source: format!("session {url}"), session: Some(session) })
}

/// The ladder of the session's stream from the same server. Without one the usual ladder names the rungs.
fn ladder_of(url: &str, stream: &str) -> Option<Ladder> {
    #[derive(Deserialize)]
    struct Page {
        items: Vec<Stream>,
    }
    #[derive(Deserialize)]
    struct Stream {
        stream: String,
        ladder: Ladder,
    }
    let (server, _) = url.split_once("/v1/sessions/")?;
    let page: Page = get(&format!("{server}/v1/streams?limit=1000"), MAX_STREAMS).ok()?;
    page.items.into_iter().find(|known| known.stream == stream).map(|known| known.ladder)
}

fn get<T: DeserializeOwned>(url: &str, most: usize) -> anyhow::Result<T> {
    let uri: hyper::Uri = url.parse().context("not a URL")?;
    ensure!(uri.scheme_str() == Some("http"), "only http is spoken to the control listener");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = async {
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let response = client.get(uri).await.context("no answer")?;
        ensure!(response.status().is_success(), "the server answered {}", response.status());
        let body = Limited::new(response.into_body(), most).collect().await;
        anyhow::Ok(body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?.to_bytes())
    };
    // The timer belongs to the runtime, so it is made inside of it.
    let answer = runtime.block_on(async { tokio::time::timeout(std::time::Duration::from_secs(5), asked).await });
    let body = answer.context("no answer within 5 s")??;
    serde_json::from_slice(&body).context("the answer is not what a control listener says")
}
