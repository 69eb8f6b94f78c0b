//! Players in a real browser, through the node driver in `tests/browser`.

use super::{Process, browser_directory, program};
use serde::Deserialize;
use serde_json::json;
use std::{
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

/// Which player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// hls.js with the player agent.
    Hls,
    /// The same, and the agent asks for advice before every segment.
    HlsAsking,
    /// dash.js.
    Dash,
    /// The same, asking for advice.
    DashAsking,
    /// Shaka Player.
    Shaka,
    /// The same, asking for advice.
    ShakaAsking,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hls => "hls",
            Self::HlsAsking => "hls-asking",
            Self::Dash => "dash",
            Self::DashAsking => "dash-asking",
            Self::Shaka => "shaka",
            Self::ShakaAsking => "shaka-asking",
        }
    }

    /// Whether it asks for advice before every segment.
    pub(crate) fn asks(self) -> bool {
        matches!(self, Self::HlsAsking | Self::DashAsking | Self::ShakaAsking)
    }

    /// The script of the page that starts it.
    fn page(self) -> &'static str {
        match self {
            Self::HlsAsking => Self::Hls.name(),
            Self::DashAsking => Self::Dash.name(),
            Self::ShakaAsking => Self::Shaka.name(),
            other => other.name(),
        }
    }

    /// The manifest it plays.
    pub(crate) fn manifest(self) -> &'static str {
        match self {
            Self::Hls | Self::HlsAsking => "master.m3u8",
            Self::Dash | Self::DashAsking | Self::Shaka | Self::ShakaAsking => "live.mpd",
        }
    }
}

/// One line of the driver. A field that the event does not have is at its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Report {
    /// Milliseconds since the page began to load.
    pub(crate) at_ms: u64,
    /// `sample`, `height`, `waiting`, `playing`, `error`, `response`, `failed`, `console` or `end`.
    pub(crate) event: String,
    /// Height of the picture that is on the screen.
    pub(crate) height: u64,
    /// Distance to the live edge as the player sees it.
    pub(crate) latency_s: Option<f64>,
    /// Media time.
    pub(crate) position_s: f64,
    /// Interruptions since the first picture, and their sum.
    pub(crate) stalls: u64,
    /// Seconds.
    pub(crate) stalled_s: f64,
    /// Pictures shown.
    pub(crate) frames: u64,
    /// What went wrong.
    pub(crate) text: String,
    /// Of a response: server, path, status, whether the request carried CMCD, and its CMSD-Dynamic header.
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) cmcd: bool,
    pub(crate) cmsd: Option<String>,
}

impl Report {
    /// A media segment that arrived.
    pub(crate) fn is_segment(&self) -> bool {
        self.event == "response" && self.status == 200 && self.path.ends_with(".m4s") && !self.path.contains("init-")
    }
}

/// A player at work.
pub(crate) struct Player {
    process: Process,
    lines: Receiver<String>,
    reports: Vec<Report>,
    name: &'static str,
}

impl Player {
    /// Opens `path` of `edge` and reports CMCD events to `edge`. The session is called as the player is.
    pub(crate) fn start(kind: Kind, edge: SocketAddr, path: &str, directory: &Path) -> Self {
        Self::start_apart(kind, edge, edge, path, directory)
    }

    /// The same with media from one server, reports to and decisions from another.
    pub(crate) fn start_apart(
        kind: Kind,
        media: SocketAddr,
        headroom: SocketAddr,
        path: &str,
        directory: &Path,
    ) -> Self {
        let name = kind.name();
        let options = json!({
            "player": kind.page(),
            "url": format!("http://{media}/{path}"),
            "screenshot": directory.join(format!("{name}.png")),
            "sessionId": name,
            "contentId": "test",
            "eventsUrl": format!("http://{headroom}/v1/cmcd"),
            "decisionsUrl": format!("http://{headroom}/v1/decisions/{name}/events"),
            "adviceUrl": kind.asks().then(|| format!("http://{headroom}/v1/advice")),
        });
        let mut command = Command::new(program("node").expect("node is there"));
        command.arg(browser_directory().join("play.mjs")).arg(options.to_string());
        let (process, lines) = Process::spawn_with_lines(&mut command, name, directory);
        Self { process, lines, reports: Vec::new(), name }
    }

    /// Waits for a report that `wanted` accepts and that arrives from now on, and gives it with the time it took.
    #[track_caller]
    pub(crate) fn wait_for(
        &mut self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&Report) -> bool,
    ) -> (Report, Duration) {
        self.catch_up();
        let start = Instant::now();
        loop {
            let left = within.saturating_sub(start.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let report = self.take(&line);
                    if wanted(&report) {
                        return (report, start.elapsed());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{}: not within {within:?}: {what}\n{}", self.name, self.story())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("{}: the driver ended before: {what}\n{}\n{}", self.name, self.story(), self.process.tail())
                }
            }
        }
    }

    /// Waits until the picture has this height.
    #[track_caller]
    pub(crate) fn wait_for_height(&mut self, height: u64, within: Duration) -> Duration {
        self.wait_for(&format!("{height} lines on the screen"), within, |report| {
            report.event == "sample" && report.height == height
        })
        .1
    }

    /// All reports so far.
    pub(crate) fn reports(&mut self) -> &[Report] {
        self.catch_up();
        &self.reports
    }

    /// Ends the player, with a screenshot, and gives everything it reported.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Vec<Report> {
        let status = self.process.finish(Duration::from_secs(30));
        assert!(status.success(), "{}: the driver ended with {status}\n{}", self.name, self.process.tail());
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            self.take(&line);
        }
        self.reports
    }

    fn catch_up(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.take(&line);
        }
    }

    fn take(&mut self, line: &str) -> Report {
        let report: Report =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in driver line: {line}"));
        self.reports.push(report.clone());
        report
    }

    /// What has happened, without samples and successful responses.
    fn story(&self) -> String {
        let notable = |report: &&Report| match report.event.as_str() {
            "sample" => false,
            "response" => !(200..300).contains(&report.status),
            _ => true,
        };
        let told: Vec<_> = self.reports.iter().filter(notable).collect();
        let last = self.reports.iter().rfind(|report| report.event == "sample");
        told[told.len().saturating_sub(20)..]
            .iter()
            .copied()
            .chain(last)
            .map(|report| format!("{report:?}\n"))
            .collect()
    }
}
