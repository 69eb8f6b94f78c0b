//! The run: rounds of as many pairs as there are links. In the first half of a round every pair plays its first arm, in the second half
//! its second one; half of the pairs begin alone.

use super::{
    arguments::{Arguments, PlayerName},
    drive::Drive,
    journal::Journal,
    judge::{Figures, rounded},
    machine::{self, ProcessorTime},
    origin::Origin,
    pair::{Arm, PairRecord, PairState},
    session::{Session, StartedSession},
    tools::Tools,
};
use anyhow::Context;
use headroom_core::engine::PolicyKind;
use headroom_server::{Config, Server};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::task::JoinSet;

/// A pair to play.
#[derive(Clone, Copy)]
struct Task<'a> {
    player: PlayerName,
    number: usize,
    drive: &'a Drive,
}

/// What a half of a round was like.
struct Half {
    figures: Vec<Result<Figures, String>>,
    busy: f64,
    load: f64,
}

/// Plays what the journal lacks.
pub(super) async fn play(
    arguments: &Arguments,
    tools: &Tools,
    drives: &[Drive],
    journal: &mut Journal,
) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    let origin = Arc::new(Origin::new(arguments.ladder()?)?);
    let origin_address = Arc::clone(&origin).serve(&mut tasks).await?;
    let scratch = Scratch::new(arguments.artifacts.as_deref())?;
    let mut bench = Bench { arguments, tools, origin, origin_address, directory: scratch.path.clone(), sessions: 0 };
    let all: Vec<Task<'_>> = drives
        .iter()
        .enumerate()
        .flat_map(|(number, drive)| arguments.players.iter().map(move |player| Task { player: *player, number, drive }))
        .collect();
    let attempts = usize::from(arguments.retries) + 1;
    let progress = progress(all.len());
    loop {
        let (done, open): (Vec<_>, Vec<_>) =
            all.iter().copied().partition(|task| journal.is_done(task.player, task.number, attempts));
        progress.set_position(done.len() as u64);
        if open.is_empty() {
            break;
        }
        let round = &open[..open.len().min(usize::from(arguments.links))];
        for record in bench.round(round, &progress).await? {
            progress.suspend(|| tell(&record));
            journal.add(record)?;
        }
    }
    progress.finish_and_clear();
    Ok(())
}

struct Bench<'a> {
    arguments: &'a Arguments,
    tools: &'a Tools,
    origin: Arc<Origin>,
    origin_address: SocketAddr,
    directory: PathBuf,
    /// Sessions so far.
    sessions: usize,
}

impl Bench<'_> {
    async fn round(&mut self, tasks: &[Task<'_>], progress: &ProgressBar) -> anyhow::Result<Vec<PairRecord>> {
        let first = self.half(tasks, 0, progress).await?;
        let second = self.half(tasks, 1, progress).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let busy = [first.busy, second.busy].map(rounded);
        let load = [first.load, second.load];
        let both = first.figures.into_iter().zip(second.figures);
        Ok(tasks
            .iter()
            .zip(both)
            .map(|(task, (first, second))| {
                let order = Arm::order(task.number);
                let mut failures = Vec::new();
                let [mut alone, mut agent] = [None, None];
                for (arm, figures) in order.into_iter().zip([first, second]) {
                    match (figures, arm) {
                        (Ok(figures), Arm::Alone) => alone = Some(figures),
                        (Ok(figures), Arm::Agent) => agent = Some(figures),
                        (Err(problem), arm) => failures.push(format!("{}: {problem}", arm.key())),
                    }
                }
                let state = if busy.iter().any(|busy| *busy > self.arguments.busy_limit) {
                    PairState::MachineBusy
                } else if failures.is_empty() {
                    PairState::Kept
                } else {
                    PairState::BrowserFailed
                };
                PairRecord {
                    player: task.player,
                    number: task.number,
                    set: task.drive.set.clone(),
                    drive: task.drive.name.clone(),
                    first: order[0],
                    state,
                    alone,
                    agent,
                    failures,
                    busy,
                    load,
                    ended_s: now,
                }
            })
            .collect())
    }

    /// All pairs of a round at once, each with its first or second arm. The servers are new: nobody knows anything beforehand.
    async fn half(&mut self, tasks: &[Task<'_>], which: usize, progress: &ProgressBar) -> anyhow::Result<Half> {
        let arguments = self.arguments;
        // The same hop for both arms: one server decides nothing.
        let none: PolicyKind = "none".parse().context("the policy that decides nothing")?;
        let alone = Server::start(self.configuration(none)).await?;
        let agent = Server::start(self.configuration(PolicyKind::default())).await?;
        let mut started: Vec<Result<StartedSession, String>> = Vec::new();
        for task in tasks {
            let arm = Arm::order(task.number)[which];
            let session = Session {
                player: task.player,
                arm,
                drive: task.drive,
                number: self.sessions,
                advice: arguments.advice,
                server: if arm == Arm::Alone { alone.public_address() } else { agent.public_address() },
                directory: self.directory.clone(),
                screenshot: arguments.artifacts.is_some(),
            };
            self.sessions += 1;
            started.push(Ok(session.start(self.tools)?));
        }
        progress.set_message(format!("{} browsers start", tasks.len()));
        for session in &mut started {
            if let Ok(running) = session
                && let Err(problem) = running.wait_until_ready().await
            {
                *session = Err(problem);
            }
        }
        let before = ProcessorTime::now();
        for session in &mut started {
            if let Ok(running) = session
                && let Err(error) = running.begin().await
            {
                *session = Err(format!("{error:#}"));
            }
        }
        self.wait(which, progress).await;
        let (busy, load) = (ProcessorTime::now().busy_since(before), machine::load());
        let (warm_up_s, seconds) = (f64::from(arguments.warm_up), f64::from(arguments.seconds));
        let mut ends = JoinSet::new();
        for (index, session) in started.into_iter().enumerate() {
            let origin = Arc::clone(&self.origin);
            ends.spawn(async move {
                let figures = match session {
                    Ok(running) => running.end(&origin, warm_up_s, seconds).await,
                    Err(problem) => Err(problem),
                };
                (index, figures)
            });
        }
        let mut figures = ends.join_all().await;
        figures.sort_by_key(|(index, _)| *index);
        alone.stop().await;
        agent.stop().await;
        Ok(Half { figures: figures.into_iter().map(|(_, figures)| figures).collect(), busy, load })
    }

    /// Until the drives are over, and a report more.
    async fn wait(&self, which: usize, progress: &ProgressBar) {
        let seconds = self.arguments.seconds;
        for second in 0..=seconds {
            let half = ["first", "second"][which.min(1)];
            progress.set_message(format!("{half} half, {second} of {seconds} s"));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn configuration(&self, policy: PolicyKind) -> Config {
        let mut config = Config::default();
        config.public.listen = (Ipv4Addr::UNSPECIFIED, 0).into();
        config.control.listen = (Ipv4Addr::LOCALHOST, 0).into();
        config.edge.origin = format!("http://{}", self.origin_address);
        config.engine.policy = policy;
        config.engine.objective = self.arguments.objective;
        config
    }
}

/// Where files of runs go; removed again unless they were asked for.
struct Scratch {
    path: PathBuf,
    temporary: bool,
}

impl Scratch {
    fn new(asked: Option<&Path>) -> anyhow::Result<Self> {
        let temporary = || std::env::temp_dir().join(format!("headroom-players-{}", std::process::id()));
        let path = asked.map_or_else(temporary, Path::to_owned);
        std::fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        // Children of a run look for their files from elsewhere.
        let path = path.canonicalize().with_context(|| path.display().to_string())?;
        Ok(Self { path, temporary: asked.is_none() })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.temporary {
            // What is left behind lies in the directory for what may be.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn progress(pairs: usize) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:30} {pos} of {len} pairs, {msg}, {elapsed} so far, about {eta} left");
    let bar = ProgressBar::new(pairs as u64);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// One line on standard error, for logs as well as for people.
#[expect(clippy::print_stderr, reason = "progress goes beside the result")]
fn tell(record: &PairRecord) {
    let brief = |figures: &Figures| format!("{:.1} s stalled, quality {:.0} %", figures.stall_s, figures.log_quality);
    let outcome = match record.state {
        PairState::Kept => String::new(),
        PairState::MachineBusy => "  DISCARDED: the machine was busy".to_owned(),
        PairState::BrowserFailed => format!("  FAILED: {}", record.failures.join("; ")),
    };
    let arm = |figures: &Option<Figures>| figures.as_ref().map_or_else(|| "-".to_owned(), brief);
    eprintln!(
        "{} pair {} ({}, {}): alone {}; agent {}; machine {:.0} and {:.0} % busy{outcome}",
        record.player.title(),
        record.number + 1,
        record.set,
        record.drive,
        arm(&record.alone),
        arm(&record.agent),
        100.0 * record.busy[0],
        100.0 * record.busy[1],
    );
}
