//! `headroom bench abr`: policies against each other and against an oracle, on a folder of traces.

mod report;
pub(crate) mod run;
pub(crate) mod source;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use headroom_core::{
    engine::PolicyKind,
    ladder::Ladder,
    network::Network,
    policy::{Learned, SHORT_BUFFER_S, learned::Scorer},
    time::Duration,
    units::Bitrate,
};
use headroom_sim::{
    comparison::Row,
    contender::{Contender, ServerGuidance},
    profile::{Content, Profile},
    trace::{Format, Sample, Trace},
};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Who the others are measured against, and who knows the future.
const REFERENCE: &str = "throughput";
const ORACLE: &str = "oracle";
/// Length of a steady link where the profile plays whole traces, seconds.
const STEADY_S: f64 = 300.0;
/// Who takes part in the player when nobody is named.
const IN_PLAYER: [&str; 12] = [
    "buffer_based",
    "throughput:0.8",
    "bola_e",
    "dynamic",
    "mpc",
    "mpc:0.7",
    "robust_mpc",
    "lolp",
    "l2a",
    "soda",
    "headroom",
    "learned",
];

/// What weights given on the command line are called.
const OWN: &str = "own";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders of traces; formats are recognised.
    #[arg(long, required_unless_present = "steady", num_args = 1.., value_name = "PATH")]
    traces: Vec<PathBuf>,
    /// Steady links of these rates in Mbit/s, separated by commas, beside or in place of traces.
    #[arg(long, value_delimiter = ',', value_name = "MBPS", value_parser = positive)]
    steady: Vec<f64>,
    /// Conditions: player, segments, buffer, ladder, score.
    #[arg(long, value_enum, default_value = "live")]
    profile: ProfileName,
    /// Who takes part, separated by commas; a share follows a colon, as in `throughput:0.8`.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    policies: Option<Vec<String>>,
    /// Weights that `headroom train policy` wrote; they take part as `own` beside the shipped `learned`. In players that hold no more
    /// than 4 s they are taken for weights of `--stage lowlatency`.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Where the policies run: in the player, on a server that caps players with a policy of their own, or on a
    /// server that advises players which ask.
    #[arg(long, value_enum, default_value = "in-player")]
    mode: Mode,
    /// What the players run below a server's cap.
    #[arg(long, default_value = "dynamic", value_name = "NAME")]
    client: String,
    /// Share of the server's expected throughput (CMSD `etp`) in the estimate of the players: Shaka takes 0.5, dash.js 0 unless
    /// told otherwise. Players without an estimate do not hear it.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    etp_weight: f64,
    /// Stall risk up to which the server leaves a rung to the player; 1 sends no cap until the buffer starves.
    #[arg(long, value_name = "RISK")]
    cap_risk: Option<f32>,
    /// Bit rates of the ladder in kbit/s, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "KBPS")]
    ladder: Option<Vec<u64>>,
    /// Duration of a segment in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    segment: Option<f64>,
    /// Most media the player holds, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    buffer: Option<f64>,
    /// What a second of stall costs in the score, in Mbit/s.
    #[arg(long, value_name = "MBPS", value_parser = positive)]
    stall_penalty: Option<f64>,
    /// Length of the window each session plays, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    window: Option<f64>,
    /// How many windows of each trace to play, from its start; all when absent.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    windows: Option<u32>,
    /// Format of the traces, when it should not be recognised. The vod profile reads our CSV as Pensieve reads its traces
    /// (`csv-interval-ends`), the others as steps (`csv`).
    #[arg(long, value_name = "NAME")]
    format: Option<Format>,
    /// Threads; all cores when absent. The result does not depend on it.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Write one JSON object a line here instead of a table; `-` or nothing is standard output.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Write a page with tables and pictures here.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProfileName {
    /// 2 s segments, 6 s buffer, 0.4 to 20 Mbit/s, windows of 300 s.
    Live,
    /// A player at the live edge: 1 s segments, 3 s buffer.
    Lowlatency,
    /// Pensieve's conditions: Envivio, 4 s segments, 60 s buffer.
    Vod,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Mode {
    /// The policy decides in the player, at once.
    InPlayer,
    /// The engine decides on the server and caps the player, one tick and one segment later.
    ServerGuided,
    /// The player asks the server before each segment, for a round trip more, and takes its advice.
    Advised,
}

/// What a question costs an advised player: the round trip of Pensieve's player.
const ROUND_TRIP: Duration = Duration::from_millis(80);

/// A number above zero, from a command line.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("not a positive number".to_owned()),
    }
}

impl Arguments {
    fn guidance(&self) -> ServerGuidance {
        let default = ServerGuidance::default();
        ServerGuidance {
            etp_weight: self.etp_weight.clamp(0.0, 1.0),
            question: (self.mode == Mode::Advised).then_some(ROUND_TRIP),
            cap_risk: self.cap_risk.unwrap_or(default.cap_risk),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let profile = profile(arguments)?;
    let format = arguments.format.or(matches!(arguments.profile, ProfileName::Vod).then_some(Format::CsvIntervalEnds));
    let mut traces = match arguments.traces.is_empty() {
        true => Vec::new(),
        false => source::load(&arguments.traces, format)?,
    };
    for mbps in &arguments.steady {
        let sample = Sample { throughput_kbps: mbps * 1_000.0, ..Sample::default() };
        let trace = Trace::new(vec![sample], profile.window_s.unwrap_or(STEADY_S)).context("--steady")?;
        traces.push(source::Source { name: format!("steady {mbps} Mbit/s"), trace });
    }
    let contenders = contenders(arguments, &profile)?;
    let threads = arguments.threads.map_or_else(run::cores, usize::from);
    let mut run = run::AbrRun::cut(&profile, &traces, arguments.windows)?;
    run.sample_risk = arguments.html.is_some() || arguments.json.is_some();
    let comparison = run.play(&contenders, threads)?;
    let rows = comparison.rows();
    if let Some(path) = &arguments.html {
        let page = report::page(&profile, &comparison, &rows, &run.windows, &contenders);
        std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    match &arguments.json {
        Some(path) => write_json(path, &rows)?,
        None => print_table(&rows),
    }
    Ok(ExitCode::SUCCESS)
}

fn profile(arguments: &Arguments) -> anyhow::Result<Profile> {
    let mut profile = match arguments.profile {
        ProfileName::Live => Profile::live(),
        ProfileName::Lowlatency => Profile::low_latency(),
        ProfileName::Vod => Profile::on_demand(),
    };
    if arguments.ladder.is_some() || arguments.segment.is_some() {
        let (mut ladder, mut segment) = match &profile.content {
            Content::Encoder { ladder, segment } => (ladder.clone(), *segment),
            // Another ladder or segment length is another video: an encoder takes the place of Envivio.
            Content::Envivio => (Ladder::default(), Duration::from_secs(4)),
        };
        if let Some(kbps) = &arguments.ladder {
            let bitrates: Vec<Bitrate> = kbps.iter().map(|&kbps| Bitrate::kbps(kbps)).collect();
            ladder = Ladder::from_bitrates(&bitrates).context("--ladder")?;
        }
        if let Some(seconds) = arguments.segment {
            segment = Duration::from_secs_f64(seconds);
        }
        profile.content = Content::Encoder { ladder, segment };
    }
    profile.buffer_s = arguments.buffer.unwrap_or(profile.buffer_s);
    profile.stall_penalty = arguments.stall_penalty.unwrap_or(profile.stall_penalty);
    profile.window_s = arguments.window.or(profile.window_s);
    Ok(profile)
}

/// Who takes part: the reference first, the oracle last.
fn contenders(arguments: &Arguments, profile: &Profile) -> anyhow::Result<Vec<Contender>> {
    let guided = arguments.mode != Mode::InPlayer;
    let reference = if guided { arguments.client.as_str() } else { REFERENCE };
    let default: Vec<String> = match arguments.mode {
        Mode::InPlayer => IN_PLAYER.map(str::to_owned).to_vec(),
        Mode::ServerGuided | Mode::Advised => {
            // A server that does not steer is the reference itself.
            let steering = PolicyKind::all().filter(|kind| kind.build().steers());
            steering.map(|kind| kind.name().to_owned()).collect()
        }
    };
    let mut names: Vec<&str> = Vec::new();
    for name in arguments.policies.as_ref().unwrap_or(&default).iter().map(|name| name.trim()) {
        ensure!(!name.is_empty(), "--policies holds an empty name");
        let stands_anyway = name == ORACLE || (name == reference && !guided);
        if !stands_anyway && !names.contains(&name) {
            names.push(name);
        }
    }
    let objective = profile.objective();
    let mut contenders = vec![Contender::parse(reference, objective).context("--client")?];
    for name in names {
        let contender = match arguments.mode {
            Mode::InPlayer => Contender::parse(name, objective),
            Mode::ServerGuided | Mode::Advised => {
                Contender::guided(name, &arguments.client, objective, arguments.guidance())
            }
        };
        contenders.push(contender.context("--policies")?);
    }
    if let Some(weights) = &arguments.weights {
        ensure!(matches!(arguments.mode, Mode::InPlayer), "--weights plays in the player only");
        contenders.push(Contender::with_policy(OWN, Box::new(own(weights, profile.buffer_s)?)));
    }
    contenders.push(Contender::parse(ORACLE, objective)?);
    Ok(contenders)
}

/// The learned policy with other weights for players that hold `buffer_s`.
fn own(weights: &Path, buffer_s: f64) -> anyhow::Result<Learned> {
    let bytes = std::fs::read(weights).with_context(|| format!("cannot read {}", weights.display()))?;
    let scorer = Scorer::from_bytes(&bytes);
    let scorer = scorer.with_context(|| format!("{} is not what `headroom train policy` writes", weights.display()))?;
    let short = buffer_s <= SHORT_BUFFER_S;
    Ok(if short { Learned::for_short_buffers(scorer) } else { Learned { scorer, ..Learned::shipped() } })
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn write_json(path: &Path, rows: &[Row]) -> anyhow::Result<()> {
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&serde_json::to_string(row)?);
        lines.push('\n');
    }
    if path.as_os_str() == "-" {
        print!("{lines}");
        std::io::stdout().flush()?;
    } else {
        std::fs::write(path, lines).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn print_table(rows: &[Row]) {
    if let Some(first) = rows.first() {
        println!("profile {}: {} windows of {} traces", first.profile, first.windows, first.traces);
    }
    println!(
        "{:22} {:>7} {:>17} {:>7} {:>17} {:>7} {:>7} {:>7} {:>8} {:>7}",
        "policy", "QoE", "95 %", "gain", "95 %", "stall %", "Mbit/s", "sw/min", "latency", "gap"
    );
    for row in rows {
        let interval = |[low, high]: [f64; 2]| format!("{low:.2} to {high:.2}");
        println!(
            "{:22} {:7.3} {:>17} {:7.3} {:>17} {:7.2} {:7.2} {:7.2} {:8.2} {:>7}",
            row.client.as_ref().map_or_else(|| row.policy.clone(), |client| format!("{} > {client}", row.policy)),
            row.qoe_mean,
            interval(row.qoe_ci95),
            row.qoe_gain,
            interval(row.qoe_gain_ci95),
            row.stall_ratio * 100.0,
            row.bitrate_mbps,
            row.switches,
            row.latency_s,
            row.gap_closed.map_or_else(|| "-".to_owned(), |gap| format!("{gap:.3}")),
        );
    }
}
