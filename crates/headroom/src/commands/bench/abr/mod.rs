//! `headroom bench abr`: policies against each other, the client alone and an oracle, on folders of traces.

mod lineup;
mod report;
pub(crate) mod run;
pub(crate) mod source;
pub(crate) mod table;

use anyhow::Context;
use clap::{Args, ValueEnum};
use headroom_core::{
    ladder::Ladder,
    objective::{Egress, Objective},
    time::Duration,
    units::Bitrate,
};
use headroom_sim::{
    comparison::{Comparison, Row},
    profile::{Content, PlayerKind, Profile},
    trace::{Format, Sample, Trace},
};
use source::Split;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Length of a steady link where the profile plays whole traces, seconds.
const STEADY_S: f64 = 300.0;
/// Name of all sets together.
const POOLED: &str = "pooled";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders of traces; formats are recognised. Each folder is a set with rows of its own, several are pooled below.
    /// PATH@MBPS scales every trace of PATH to this mean.
    #[arg(long, required_unless_present = "steady", num_args = 1.., value_name = "PATH")]
    traces: Vec<PathBuf>,
    /// Scale every trace to this mean in Mbit/s.
    #[arg(long, value_name = "MBPS", value_parser = positive)]
    scale_mean: Option<f64>,
    /// Which half of each set to play: files in the order of their names alternate between tune and validate.
    #[arg(long, value_enum, default_value = "all")]
    split: Split,
    /// Steady links of these rates in Mbit/s, separated by commas, beside or in place of traces.
    #[arg(long, value_delimiter = ',', value_name = "MBPS", value_parser = positive)]
    steady: Vec<f64>,
    /// Conditions: player, segments, buffer, ladder, score. The edge profiles decide; the others are kept for comparison.
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
    /// What the players run alone, and below a server's cap or where it has no advice: dynamic (dash.js), hls (hls.js), shaka, demo (the
    /// players of `headroom demo`), or any other policy.
    #[arg(long, default_value = "dynamic", value_name = "NAME")]
    client: String,
    /// When players ask for advice: by default ahead in the edge profiles, in line in the others.
    #[arg(long, value_enum)]
    ask: Option<Ask>,
    /// Whose rule gives transfers up in advised players: by default ours in the edge profiles, but for hls, which keeps its own; in the
    /// other profiles the client's.
    #[arg(long, value_enum)]
    abandon: Option<Abandon>,
    /// Largest reduction of the playback rate while the buffer is low, of every contender but the client alone; by default 0.08
    /// in advised players of the edge profiles, none (0) elsewhere.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    stretch: Option<f64>,
    /// Share of the target latency below which the buffer counts as low for --stretch.
    #[arg(long, value_name = "SHARE", value_parser = positive)]
    stretch_below: Option<f64>,
    /// Distance behind live that players aim for, in seconds (edge profiles).
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    target: Option<f64>,
    /// The same of every contender but the client alone.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    steered_target: Option<f64>,
    /// What the policy `headroom` aims for: smooth, balanced or sharp.
    #[arg(long, default_value_t = Objective::default(), value_name = "NAME")]
    objective: Objective,
    /// For how many bits it does: any, or the same that the player alone would fetch.
    #[arg(long, default_value_t = Egress::default(), value_name = "NAME")]
    egress: Egress,
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
    /// A player 6 s behind the live edge: 2 s segments, media up to the edge as far as the latency allows, 0.4 to 20 Mbit/s, windows of
    /// 300 s.
    Edge,
    /// The same 3 s behind, with 1 s segments.
    EdgeLow,
    /// Pensieve's environment with 2 s segments and a buffer of 6 s.
    Live,
    /// A player at the live edge that never holds more than 3 s, 1 s segments.
    Lowlatency,
    /// Pensieve's conditions: Envivio, 4 s segments, 60 s buffer.
    Vod,
}

impl ProfileName {
    fn is_edge(self) -> bool {
        matches!(self, Self::Edge | Self::EdgeLow)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Mode {
    /// The policy decides in the player, at once.
    InPlayer,
    /// The engine decides on the server and caps the player, one tick and one segment later.
    ServerGuided,
    /// The player asks the server before each segment and takes its advice; it gives transfers up and plays slower while its buffer is
    /// low.
    Advised,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Ask {
    /// While the player waits for the live edge or the previous segment loads.
    Ahead,
    /// When the next request is due: a round trip more before each segment.
    InLine,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Abandon {
    /// The rule of advised players.
    Advised,
    /// The client's own, where it has one.
    Own,
}

/// A number above zero, from a command line.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("not a positive number".to_owned()),
    }
}

/// A share from 0 to a half, from a command line.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=0.5).contains(&value) => Ok(value),
        _ => Err("not a share from 0 to 0.5".to_owned()),
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let profile = profile(arguments)?;
    let sets = sets(arguments, &profile)?;
    let lineup = lineup::lineup(arguments, &profile)?;
    let threads = arguments.threads.map_or_else(run::cores, usize::from);
    let mut run = run::AbrRun::cut(&profile, &sets, arguments.windows)?;
    run.sample_risk = arguments.html.is_some() || arguments.json.is_some();
    let mut comparisons = run.play(&lineup, threads)?;
    if let Some(pooled) = pooled(&comparisons) {
        comparisons.push(pooled);
    }
    let rows: Vec<Vec<Row>> = comparisons.iter().map(Comparison::rows).collect();
    if let Some(path) = &arguments.html {
        let page = report::page(&profile, &comparisons, &rows, &run.windows, &lineup);
        std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    match &arguments.json {
        Some(path) => write_json(path, rows.iter().flatten())?,
        None => rows.iter().for_each(|rows| table::print(rows)),
    }
    Ok(ExitCode::SUCCESS)
}

/// The sets on the command line; steady links are one of their own.
fn sets(arguments: &Arguments, profile: &Profile) -> anyhow::Result<Vec<source::Set>> {
    let format = arguments.format.or(matches!(arguments.profile, ProfileName::Vod).then_some(Format::CsvIntervalEnds));
    let sets = source::sets(&arguments.traces, format, arguments.scale_mean)?;
    let mut sets: Vec<source::Set> = sets.into_iter().map(|set| set.half(arguments.split)).collect();
    let steady = |mbps: &f64| {
        let sample = Sample { throughput_kbps: mbps * 1_000.0, ..Sample::default() };
        let trace = Trace::new(vec![sample], profile.window_s.unwrap_or(STEADY_S)).context("--steady")?;
        Ok(source::Source { name: format!("steady {mbps} Mbit/s"), trace })
    };
    if !arguments.steady.is_empty() {
        let sources = arguments.steady.iter().map(steady).collect::<anyhow::Result<_>>()?;
        sets.push(source::Set { name: "steady".to_owned(), sources });
    }
    Ok(sets)
}

/// All sets together, where there are several.
fn pooled(comparisons: &[Comparison]) -> Option<Comparison> {
    let (first, others) = comparisons.split_first().filter(|(_, others)| !others.is_empty())?;
    let pooled = others.iter().cloned().fold(first.clone(), Comparison::joined);
    Some(Comparison { set: POOLED.to_owned(), ..pooled })
}

fn profile(arguments: &Arguments) -> anyhow::Result<Profile> {
    let mut profile = match arguments.profile {
        ProfileName::Edge => Profile::edge(),
        ProfileName::EdgeLow => Profile::edge_low(),
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
    if let PlayerKind::LiveEdge { target_latency_s, .. } = &mut profile.player {
        // In the profile `lowlatency` the two are one.
        let follows = arguments.buffer.filter(|_| matches!(arguments.profile, ProfileName::Lowlatency));
        *target_latency_s = arguments.target.or(follows).unwrap_or(*target_latency_s);
    }
    profile.stall_penalty = arguments.stall_penalty.unwrap_or(profile.stall_penalty);
    profile.window_s = arguments.window.or(profile.window_s);
    Ok(profile)
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn write_json<'a>(path: &Path, rows: impl Iterator<Item = &'a Row>) -> anyhow::Result<()> {
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
