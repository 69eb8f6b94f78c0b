//! The command line of `headroom bench abr`.

use super::{
    number::{positive, share},
    source::Split,
};
use anyhow::Context;
use clap::{Args, ValueEnum};
use headroom_core::{
    ladder::Ladder,
    objective::{Egress, Objective},
    time::Duration,
    units::Bitrate,
};
use headroom_sim::{
    profile::{Content, PlayerKind, Profile},
    trace::Format,
};
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders of traces; formats are recognised. Each folder is a set with rows of its own, several are pooled below.
    /// PATH@MBPS scales every trace of PATH to this mean.
    #[arg(long, required_unless_present = "steady", num_args = 1.., value_name = "PATH")]
    pub(super) traces: Vec<PathBuf>,
    /// Scale every trace to this mean in Mbit/s.
    #[arg(long, value_name = "MBPS", value_parser = positive)]
    pub(super) scale_mean: Option<f64>,
    /// Which half of each set to play: files in the order of their names alternate between tune and validate.
    #[arg(long, value_enum, default_value = "all")]
    pub(super) split: Split,
    /// Steady links of these rates in Mbit/s, separated by commas, beside or in place of traces.
    #[arg(long, value_delimiter = ',', value_name = "MBPS", value_parser = positive)]
    pub(super) steady: Vec<f64>,
    /// Conditions: player, segments, buffer, ladder, score. The edge profiles decide; the others are kept for comparison.
    #[arg(long, value_enum, default_value = "live")]
    profile: ProfileName,
    /// Who takes part, separated by commas; a share follows a colon, as in `throughput:0.8`.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(super) policies: Option<Vec<String>>,
    /// Weights that `headroom train policy` wrote; they take part as `own` beside the shipped `learned`. In players that hold no more
    /// than 4 s they are taken for weights of `--stage lowlatency`.
    #[arg(long, value_name = "FILE")]
    pub(super) weights: Option<PathBuf>,
    /// Where the policies run: in the player, on a server that caps players with a policy of their own, or on a
    /// server that advises players which ask.
    #[arg(long, value_enum, default_value = "in-player")]
    pub(super) mode: Mode,
    /// What the players run alone, and below a server's cap or where it has no advice: dynamic (dash.js), hls (hls.js), shaka, demo (the
    /// players of `headroom demo`), or any other policy.
    #[arg(long, default_value = "dynamic", value_name = "NAME")]
    pub(super) client: String,
    /// When players ask for advice: by default ahead in the edge profiles, in line in the others.
    #[arg(long, value_enum)]
    pub(super) ask: Option<Ask>,
    /// Whose rule gives transfers up in advised players: by default ours in the edge profiles, but for hls, which keeps its own; in the
    /// other profiles the client's.
    #[arg(long, value_enum)]
    pub(super) abandon: Option<Abandon>,
    /// Largest reduction of the playback rate while the buffer is low, of every contender but the client alone; by default 0.08
    /// in advised players of the edge profiles, none (0) elsewhere.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(super) stretch: Option<f64>,
    /// Share of the target latency below which the buffer counts as low for --stretch.
    #[arg(long, value_name = "SHARE", value_parser = positive)]
    pub(super) stretch_below: Option<f64>,
    /// Distance behind live that players aim for, in seconds (edge profiles).
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub(super) target: Option<f64>,
    /// The same of every contender but the client alone.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub(super) steered_target: Option<f64>,
    /// What the policy `headroom` aims for: smooth, balanced or sharp.
    #[arg(long, default_value_t = Objective::default(), value_name = "NAME")]
    pub(super) objective: Objective,
    /// For how many bits it does: any, or the same that the player alone would fetch.
    #[arg(long, default_value_t = Egress::default(), value_name = "NAME")]
    pub(super) egress: Egress,
    /// Share of the server's expected throughput (CMSD `etp`) in the estimate of the players: Shaka takes 0.5, dash.js 0 unless
    /// told otherwise. Players without an estimate do not hear it.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub(super) etp_weight: f64,
    /// Stall risk up to which the server leaves a rung to the player; 1 sends no cap until the buffer starves.
    #[arg(long, value_name = "RISK")]
    pub(super) cap_risk: Option<f32>,
    /// Bit rates of the ladder in kbit/s, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "KBPS")]
    pub(super) ladder: Option<Vec<u64>>,
    /// Duration of a segment in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub(super) segment: Option<f64>,
    /// Most media the player holds, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub(super) buffer: Option<f64>,
    /// What a second of stall costs in the score, in Mbit/s.
    #[arg(long, value_name = "MBPS", value_parser = positive)]
    pub(super) stall_penalty: Option<f64>,
    /// Length of the window each session plays, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub(super) window: Option<f64>,
    /// How many windows of each trace to play, from its start; all when absent.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) windows: Option<u32>,
    /// Format of the traces, when it should not be recognised. The vod profile reads our CSV as Pensieve reads its traces
    /// (`csv-interval-ends`), the others as steps (`csv`).
    #[arg(long, value_name = "NAME")]
    pub(super) format: Option<Format>,
    /// Threads; all cores when absent. The result does not depend on it.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
    /// Write one JSON object a line here instead of a table; `-` or nothing is standard output.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub(super) json: Option<PathBuf>,
    /// Write a page with tables and pictures here.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ProfileName {
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

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(super) enum Mode {
    /// The policy decides in the player, at once.
    InPlayer,
    /// The engine decides on the server and caps the player, one tick and one segment later.
    ServerGuided,
    /// The player asks the server before each segment and takes its advice; it gives transfers up and plays slower while its buffer is
    /// low.
    Advised,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(super) enum Ask {
    /// While the player waits for the live edge or the previous segment loads.
    Ahead,
    /// When the next request is due: a round trip more before each segment.
    InLine,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(super) enum Abandon {
    /// The rule of advised players.
    Advised,
    /// The client's own, where it has one.
    Own,
}

impl Arguments {
    /// The conditions that the command line asks for.
    pub(super) fn profile(&self) -> anyhow::Result<Profile> {
        let mut profile = match self.profile {
            ProfileName::Edge => Profile::edge(),
            ProfileName::EdgeLow => Profile::edge_low(),
            ProfileName::Live => Profile::live(),
            ProfileName::Lowlatency => Profile::low_latency(),
            ProfileName::Vod => Profile::on_demand(),
        };
        if self.ladder.is_some() || self.segment.is_some() {
            let (mut ladder, mut segment) = match &profile.content {
                Content::Encoder { ladder, segment } => (ladder.clone(), *segment),
                // Another ladder or segment length is another video: an encoder takes the place of Envivio.
                Content::Envivio => (Ladder::default(), Duration::from_secs(4)),
            };
            if let Some(kbps) = &self.ladder {
                let bitrates: Vec<Bitrate> = kbps.iter().map(|&kbps| Bitrate::kbps(kbps)).collect();
                ladder = Ladder::from_bitrates(&bitrates).context("--ladder")?;
            }
            if let Some(seconds) = self.segment {
                segment = Duration::from_secs_f64(seconds);
            }
            profile.content = Content::Encoder { ladder, segment };
        }
        profile.buffer_s = self.buffer.unwrap_or(profile.buffer_s);
        if let PlayerKind::LiveEdge { target_latency_s, .. } = &mut profile.player {
            // In the profile `lowlatency` the two are one.
            let follows = self.buffer.filter(|_| matches!(self.profile, ProfileName::Lowlatency));
            *target_latency_s = self.target.or(follows).unwrap_or(*target_latency_s);
        }
        profile.stall_penalty = self.stall_penalty.unwrap_or(profile.stall_penalty);
        profile.window_s = self.window.or(profile.window_s);
        Ok(profile)
    }

    /// Whether whole traces are played on demand.
    pub(super) fn is_on_demand(&self) -> bool {
        matches!(self.profile, ProfileName::Vod)
    }

    /// Whether the profile is one of those that decide.
    pub(super) fn is_edge(&self) -> bool {
        matches!(self.profile, ProfileName::Edge | ProfileName::EdgeLow)
    }
}
