//! One player in a browser behind a link of its own.

use super::{
    arguments::{AdviceFrom, PlayerName},
    drive::Drive,
    judge::{Figures, Report, egress, judge},
    origin::Origin,
    pair::Arm,
    tools::Tools,
};
use anyhow::Context;
use headroom_sim::trace::format::csv;
use serde_json::json;
use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// One-way delay and jitter of every link, milliseconds: a mobile link to a near server.
const DELAY_MS: &str = "20";
const JITTER_MS: &str = "5";
/// A browser that has not started by then has failed.
const START: Duration = Duration::from_secs(120);
/// How long browser and link may take to end.
const END: Duration = Duration::from_secs(30);

/// What to play.
pub(super) struct Session<'a> {
    pub(super) player: PlayerName,
    pub(super) arm: Arm,
    pub(super) drive: &'a Drive,
    /// Of all runs, for names that no other one has.
    pub(super) number: usize,
    pub(super) advice: AdviceFrom,
    /// The server of this arm.
    pub(super) server: SocketAddr,
    /// Where its files go.
    pub(super) directory: PathBuf,
    pub(super) screenshot: bool,
}

/// A browser that has started or failed to.
pub(super) struct StartedSession {
    link: Child,
    input: Option<ChildStdin>,
    ready: oneshot::Receiver<()>,
    reports: JoinHandle<Vec<Report>>,
    control: PathBuf,
    statistics: PathBuf,
    log: PathBuf,
}

impl Session<'_> {
    /// Starts link and browser; they load everything and wait.
    pub(super) fn start(&self, tools: &Tools) -> anyhow::Result<StartedSession> {
        let name = format!("{}-{}-{}", self.number, self.player.key(), self.arm.key());
        let file = |ending: &str| self.directory.join(format!("{name}.{ending}"));
        let [server, client] = addresses(self.number);
        let trace = file("csv");
        fs::write(&trace, csv::emit_with_note(&self.drive.trace, &self.drive.name)).context("writing a trace")?;
        let (control, statistics, log) = (file("control.json"), file("link.jsonl"), file("log"));
        let program = std::env::current_exe().context("the path of this program is unknown")?;
        let mut command = Command::new(program);
        command.arg("link").arg("--trace").arg(&trace).arg("--control").arg(&control).arg("--stats").arg(&statistics);
        command.args(["--delay-ms", DELAY_MS, "--jitter-ms", JITTER_MS, "--server-ns", "host", "--client-ns"]);
        command.arg(format!("hrplay{}-{}", std::process::id(), self.number));
        command.args(["--server-address", &server.to_string(), "--client-address", &client.to_string(), "--run"]);
        command.arg(&tools.node).arg(&tools.script).arg(self.options(&name, server).to_string());
        let errors = File::create(&log).with_context(|| format!("writing {}", log.display()))?;
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).spawn();
        let mut link = spawned.context("starting headroom link")?;
        let input = link.stdin.take();
        let output = link.stdout.take().context("the output of a child is gone")?;
        let (told, ready) = oneshot::channel();
        let raw = self.screenshot.then(|| file("jsonl"));
        let reports = tokio::spawn(async move {
            let (mut told, mut reports, mut kept) = (Some(told), Vec::new(), String::new());
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let Ok(report) = serde_json::from_str::<Report>(&line) else { continue };
                if report.event == "ready"
                    && let Some(told) = told.take()
                {
                    // Whoever waited may have given up.
                    let _ = told.send(());
                }
                if raw.is_some() {
                    kept.push_str(&line);
                    kept.push('\n');
                }
                reports.push(report);
            }
            if let Some(raw) = raw {
                // A copy for people: the figures do without.
                let _ = fs::write(raw, kept);
            }
            reports
        });
        Ok(StartedSession { link, input, ready, reports, control, statistics, log })
    }

    fn options(&self, name: &str, server: Ipv4Addr) -> serde_json::Value {
        let edge = format!("http://{server}:{}", self.server.port());
        let agent = self.arm == Arm::Agent;
        json!({
            "player": self.player.key(),
            "url": format!("{edge}/live/{}", self.player.manifest()),
            "screenshot": self.screenshot.then(|| self.directory.join(format!("{name}.png"))),
            "sessionId": name,
            "contentId": "live",
            "eventsUrl": format!("{edge}/v1/cmcd"),
            "decisionsUrl": format!("{edge}/v1/decisions/{name}/events"),
            "adviceUrl": (agent && self.advice == AdviceFrom::Server).then(|| format!("{edge}/v1/advice")),
            "local": agent && self.advice == AdviceFrom::Local,
            "agent": agent,
            "defaults": true,
            "hold": true,
            "quiet": true,
            "small": true,
            "sampleMs": 500,
        })
    }
}

impl StartedSession {
    /// Waits until everything is loaded.
    pub(super) async fn wait_until_ready(&mut self) -> Result<(), String> {
        match timeout(START, &mut self.ready).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(format!("the browser ended before it was ready: {}", self.last_words())),
            Err(_) => Err(format!("the browser did not start within {} s: {}", START.as_secs(), self.last_words())),
        }
    }

    /// The drive begins, and the player with it.
    pub(super) async fn begin(&mut self) -> anyhow::Result<()> {
        fs::write(&self.control, "{\"position_s\":0}").context("writing the control file of a link")?;
        if let Some(input) = &mut self.input {
            input.write_all(b"begin\n").await.context("a browser has gone")?;
        }
        Ok(())
    }

    /// Ends browser and link and judges what was seen.
    pub(super) async fn end(mut self, origin: &Origin, warm_up_s: f64, seconds: f64) -> Result<Figures, String> {
        drop(self.input.take());
        if timeout(END, self.link.wait()).await.is_err() {
            self.ask_to_end();
        }
        let reports = timeout(END, &mut self.reports).await;
        let reports = reports.ok().and_then(Result::ok).ok_or("the browser did not end")?;
        let statistics = fs::read_to_string(&self.statistics).unwrap_or_default();
        judge(&reports, origin, warm_up_s, seconds, egress(&statistics, warm_up_s, seconds))
            .map_err(|problem| format!("{problem}; {}", self.last_words()))
    }

    /// The link removes its namespace when it is asked; killed it could not.
    fn ask_to_end(&self) {
        let id = self.link.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            // Gone already is as good as ended.
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
    }

    /// The last line of the log of link and driver.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let said = |line: &&str| !line.trim().is_empty() && !line.starts_with("link up:");
        log.lines().rfind(said).unwrap_or("nothing in its log").chars().take(200).collect()
    }
}

impl Drop for StartedSession {
    fn drop(&mut self) {
        // Nothing is left behind when something else goes wrong. The child may have been waited for already.
        if matches!(self.link.try_wait(), Ok(None)) {
            self.ask_to_end();
        }
    }
}

/// Server's and client's end of the `number`th link: a /24 for each, so that no player speaks for another's link, out of the range
/// for benchmarks (RFC 2544).
fn addresses(number: usize) -> [Ipv4Addr; 2] {
    let network = number % 512;
    [1, 2].map(|host| Ipv4Addr::new(198, 18 + (network / 256) as u8, (network % 256) as u8, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_has_a_network_of_its_own() {
        let networks: std::collections::BTreeSet<_> =
            (0..512).map(|number| addresses(number)[0].octets()[..3].to_vec()).collect();
        assert_eq!(networks.len(), 512);
        assert_eq!(addresses(256), [Ipv4Addr::new(198, 19, 0, 1), Ipv4Addr::new(198, 19, 0, 2)]);
    }
}
