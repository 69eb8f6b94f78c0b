//! `headroom demo`: see the whole loop work in two minutes, with nothing installed.

use crate::demo::{Chat, Echo, Link, Origin, Pair, Player, Progress, Screen, SeedRange, SeedTable, Steering, Verdict};
use crate::reading;
use anyhow::{Context, ensure};
use clap::Args;
use headroom_core::{
    engine::{PolicyKind, StreamSettings},
    ladder::Ladder,
    objective::Objective,
    policy::{self, Policy},
    time,
};
use headroom_server::{Config, Server, plan::Pathway};
use headroom_sim::{
    contender,
    trace::{
        self, Trace,
        synth::{self, Preset},
    },
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    task::JoinSet,
    time::{Duration, Instant},
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// How long to play.
    #[arg(long, default_value_t = 2.0, value_parser = positive)]
    minutes: f64,
    /// Pairs of viewers: both see the same link, one asks Headroom before every segment.
    #[arg(long, default_value_t = 96, value_parser = clap::value_parser!(u16).range(1..=256))]
    pairs: u16,
    /// Play on after the result, until Ctrl+C.
    #[arg(long)]
    keep: bool,
    /// Seed of the links and of the segment sizes.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Play once for each of these seeds, one after the other, and print how often the demo shows what it shows.
    #[arg(long, value_name = "FIRST..LAST", conflicts_with_all = ["seed", "keep"])]
    seeds: Option<SeedRange>,
    /// Replay the traces of this directory instead of synthetic ones.
    #[arg(long, value_name = "DIR")]
    traces: Option<PathBuf>,
    /// How the players choose by themselves: the rule of dash.js, that of hls.js (`hls_throughput`), or another policy
    /// `bench abr` knows.
    #[arg(long, value_name = "NAME", default_value = "dynamic")]
    client: String,
    /// Policy of the controller.
    #[arg(long, default_value = "headroom")]
    policy: PolicyKind,
    /// What steering aims for: smooth, balanced or sharp.
    #[arg(long, value_name = "NAME", default_value_t)]
    objective: Objective,
    /// Print one JSON object at the end instead of tables.
    #[arg(long)]
    json: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= 1_440.0 => Ok(minutes),
        _ => Err("give minutes, above 0 and at most 1440".to_owned()),
    }
}

/// Segments of the demo stream.
const SEGMENT: Duration = Duration::from_secs(2);
/// Refresh of the table.
const REFRESH: Duration = Duration::from_millis(500);
/// Length of a synthetic link.
const SYNTHETIC_S: f64 = 600.0;

#[tokio::main]
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match arguments.seeds {
        None => play(arguments, arguments.seed, false).await.map(drop)?,
        Some(seeds) => play_all(arguments, seeds).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The demo once for each seed.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the result of the command, and how far it is")]
async fn play_all(arguments: &Arguments, seeds: SeedRange) -> anyhow::Result<()> {
    let (mut table, count) = (SeedTable::default(), seeds.iter().count());
    for (index, seed) in seeds.iter().enumerate() {
        eprintln!("seed {seed}, {} of {count}: {} minutes", index + 1, arguments.minutes);
        let Some(verdict) = play(arguments, seed, true).await? else { break };
        table.add(seed, verdict);
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&table)?);
    } else {
        print!("{table}");
    }
    Ok(())
}

/// One demo; `quiet` leaves the telling to the caller. Nothing where Ctrl+C cut a quiet one short.
async fn play(arguments: &Arguments, seed: u64, quiet: bool) -> anyhow::Result<Option<Verdict>> {
    let rule = rule_of(&arguments.client)?;
    let links = match &arguments.traces {
        Some(directory) => traces_in(directory)?,
        None => synthetic(arguments, seed)?,
    };
    let mut tasks = JoinSet::new();
    let ladder = Ladder::default();
    let origin = Arc::new(Origin::new(ladder.clone(), SEGMENT, seed));
    let origin_address = Arc::clone(&origin).serve(&mut tasks).await?;
    let reader = reading::reader();
    let read = reader.is_some();
    let past = Past::make_up(seed)?;
    let origin_url = format!("http://{origin_address}");
    let server = Server::start_with(configuration(arguments, &ladder, &origin_url, &past), reader).await?;
    if !arguments.json && !quiet {
        announce(arguments, &server);
    }

    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let epoch = Instant::now();
    let length = Duration::from_secs_f64(arguments.minutes * 60.0);
    let deadline = epoch + if arguments.keep { KEPT_AT_MOST } else { length };
    let mut pairs = Vec::new();
    let mut players = JoinSet::new();
    for index in 0..usize::from(arguments.pairs) {
        let trace = &links[index % links.len()];
        let link = Link::new(Arc::clone(trace), rng.random_range(0.0..trace.duration_s()), epoch);
        let halves = [(Steering::Alone, "alone"), (Steering::Steered, "steered")].map(|(steering, name)| {
            let progress = Arc::new(Mutex::new(Progress::default()));
            let player = Player {
                session: format!("demo-{}-{name}", index + 1),
                steering,
                rule: Arc::clone(&rule),
                link: link.clone(),
                address: address_of(2 * index + usize::from(steering == Steering::Steered)),
                edge: server.public_address(),
                origin: Arc::clone(&origin),
                ladder: ladder.clone(),
                segment: SEGMENT,
                progress: Arc::clone(&progress),
            };
            players.spawn(player.watch(deadline));
            progress
        });
        pairs.push((link, halves));
    }
    let echo = Arc::new(Mutex::new(Echo::default()));
    let chat = Chat {
        public: server.public_address(),
        control: server.control_address(),
        read,
        viewers: pairs.iter().flat_map(|(_, halves)| halves.iter().map(Arc::clone)).collect(),
        seed,
        length,
    };
    let writing = Arc::clone(&echo);
    let chat = tasks.spawn(async move {
        if let Err(error) = chat.run(epoch, writing).await {
            tracing::warn!(%error, "the chat of the demo has ended");
        }
    });
    let interrupted = follow(arguments, quiet, &pairs, &origin, epoch, epoch + length, &mut players).await?;
    if quiet {
        chat.abort();
        server.stop().await;
        return Ok((!interrupted).then(|| verdict_of(&pairs, origin.live_position_s())));
    }
    report(arguments, &pairs, epoch.elapsed(), origin.live_position_s(), &echo)?;
    if arguments.keep && !interrupted {
        follow(arguments, quiet, &pairs, &origin, epoch, deadline, &mut players).await?;
        report(arguments, &pairs, epoch.elapsed(), origin.live_position_s(), &echo)?;
    }
    chat.abort();
    server.stop().await;
    Ok(Some(verdict_of(&pairs, origin.live_position_s())))
}

/// `--keep` ends after a day by itself.
const KEPT_AT_MOST: Duration = Duration::from_secs(86_400);

/// Shows the table until `end`, until the players are done, or until Ctrl+C: whether it was Ctrl+C.
async fn follow(
    arguments: &Arguments,
    quiet: bool,
    pairs: &[(Link, [Arc<Mutex<Progress>>; 2])],
    origin: &Origin,
    epoch: Instant,
    end: Instant,
    players: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<bool> {
    let mut screen = if arguments.json || quiet { None } else { Some(Screen::new(pairs.len())) };
    let mut refresh = tokio::time::interval(REFRESH);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            _ = &mut interrupted => return Ok(true),
            () = tokio::time::sleep_until(end), if arguments.keep => return Ok(false),
            ended = players.join_next() => match ended {
                None => return Ok(false),
                Some(outcome) => outcome.context("a virtual player broke")??,
            },
            _ = refresh.tick() => {
                if let Some(screen) = &mut screen {
                    let rows: Vec<_> = pairs.iter().map(|(link, halves)| row(link, halves, origin.live_position_s())).collect();
                    screen.show(epoch.elapsed().as_secs(), &rows, origin.ladder())?;
                }
            }
        }
    }
}

fn row<'a>(link: &'a Link, halves: &[Arc<Mutex<Progress>>; 2], live_position_s: f64) -> Pair<'a> {
    let [alone, steered] = halves.each_ref().map(|half| {
        let mut progress = half.lock().unwrap_or_else(PoisonError::into_inner).clone();
        progress.settle(live_position_s);
        progress
    });
    Pair { link, alone, steered }
}

#[expect(clippy::print_stdout, reason = "what the demo has to say")]
fn announce(arguments: &Arguments, server: &Server) {
    let links = match &arguments.traces {
        Some(directory) => format!("replayed from {}", directory.display()),
        None => format!("synthetic LTE with means of 1 to 10 Mbit/s, seed {}", arguments.seed),
    };
    println!("The players are virtual; HTTP, CMCD, CMSD and the controller are real. Links: {links}.");
    println!(
        "Both of a pair see the same link and choose by {}; one asks Headroom first, the other plays alone.",
        arguments.client
    );
    println!("Edge http://{}   metrics http://{}/metrics", server.public_address(), server.control_address());
    println!("Dashboard http://{}/", server.control_address());
    println!("Its page Capacity shows weeks of a made-up history: nobody watched them.\n");
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn report(
    arguments: &Arguments,
    pairs: &[(Link, [Arc<Mutex<Progress>>; 2])],
    watched: Duration,
    ended_s: f64,
    echo: &Mutex<Echo>,
) -> anyhow::Result<()> {
    let verdict = verdict_of(pairs, ended_s);
    let echo = echo.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if arguments.json {
        let mut value = serde_json::to_value(&verdict)?;
        value["chat"] = serde_json::to_value(echo)?;
        println!("{value}");
    } else {
        println!("\n{:.0} s watched by {} virtual viewers.", watched.as_secs_f64(), 2 * pairs.len());
        print!("{verdict}");
        print!("{echo}");
        println!("Virtual players show that the loop closes; docs/benchmarks.md has what real players do.");
    }
    Ok(())
}

/// What the pairs show so far.
fn verdict_of(pairs: &[(Link, [Arc<Mutex<Progress>>; 2])], ended_s: f64) -> Verdict {
    let rows = pairs.iter().map(|(link, halves)| row(link, halves, ended_s));
    Verdict::new(&rows.map(|pair| (pair.alone, pair.steered)).collect::<Vec<_>>())
}

/// A history of weeks that nobody watched, for the page of capacity; gone when dropped.
struct Past(PathBuf);

impl Past {
    fn make_up(seed: u64) -> anyhow::Result<Self> {
        let past = Self(std::env::temp_dir().join(format!("headroom-demo-made-up-{}", std::process::id())));
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).context("the clock is before 1970")?;
        headroom_server::make_up_history(&past.0, seed, now.as_secs())?;
        Ok(past)
    }
}

impl Drop for Past {
    fn drop(&mut self) {
        // What is left behind is in the directory for what may be.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the made-up audience may take up, Mbit/s: more than its evenings, less than its growth and events.
const CAPACITY_MBPS: f64 = 70_000.0;

/// How the players of both halves choose by themselves.
fn rule_of(client: &str) -> anyhow::Result<Arc<dyn Policy>> {
    // Planning rules plan for the score of `bench abr --profile live`.
    let objective = policy::LinearQoe { stall_penalty: 20.0, switch_penalty: 1.0 };
    Ok(contender::policy(client, objective, 0.0).context("--client")?.into())
}

/// The loopback address of the `nth` viewer. A /24 each, so that no viewer speaks for another's link.
fn address_of(nth: usize) -> Ipv4Addr {
    let network = nth as u16 + 1;
    Ipv4Addr::new(127, 1 + (network >> 8) as u8, network as u8, 1)
}

fn configuration(arguments: &Arguments, ladder: &Ladder, origin: &str, past: &Past) -> Config {
    let mut config = Config::default();
    let loopback = ([127, 0, 0, 1], 0).into();
    (config.public.listen, config.control.listen) = (loopback, loopback);
    origin.clone_into(&mut config.edge.origin);
    config.history.directory.clone_from(&past.0);
    config.plan.capacity_mbps = CAPACITY_MBPS;
    config.plan.pathways = [("made-up cdn-a", 0.7, 0.006), ("made-up cdn-b", 0.3, 0.009)]
        .map(|(name, share, price_per_gb)| Pathway { name: name.to_owned(), share, price_per_gb, capacity_mbps: 0.0 })
        .into();
    config.engine.policy = arguments.policy;
    config.engine.objective = arguments.objective;
    config.engine.default_stream = StreamSettings {
        ladder: ladder.clone(),
        segment_duration: time::Duration::from_millis(SEGMENT.as_millis() as u64),
        ..StreamSettings::default()
    };
    config
}

/// Slowest and fastest mean of a synthetic link, Mbit/s: around the ladder's middle, where the choice of the rung matters.
const SLOWEST_MBPS: f64 = 1.0;
const FASTEST_MBPS: f64 = 10.0;

/// Links made up by the generator of `headroom trace synth`: LTE with the variation measured there, scaled to means spread evenly in
/// the logarithm. mmWave and mid-band 5G are far faster than the ladder, and scaled down they stand dead for half a minute, where
/// there is nothing to choose.
fn synthetic(arguments: &Arguments, seed: u64) -> anyhow::Result<Vec<Arc<Trace>>> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    (0..u64::from(arguments.pairs))
        .map(|index| {
            let mean_kbps = 1_000.0 * SLOWEST_MBPS * (FASTEST_MBPS / SLOWEST_MBPS).powf(rng.random_range(0.0..1.0));
            let trace = synth::generate(Preset::Lte, seed.wrapping_add(index), SYNTHETIC_S, 1.0)
                .and_then(|trace| trace.scaled(mean_kbps / trace.mean_kbps()));
            trace.map(Arc::new).context("the generator refused its own settings")
        })
        .collect()
}

fn traces_in(directory: &Path) -> anyhow::Result<Vec<Arc<Trace>>> {
    let read = || format!("cannot read {}", directory.display());
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .with_context(read)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(read)?;
    files.retain(|path| path.is_file());
    files.sort();
    ensure!(!files.is_empty(), "{} holds no file; give a directory of traces", directory.display());
    files
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let (_, trace) = trace::parse_auto(&text).with_context(|| format!("{} is no trace", path.display()))?;
            Ok(Arc::new(trace))
        })
        .collect()
}
