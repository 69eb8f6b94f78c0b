//! The command line of `headroom bench players`.

use super::super::abr::number::positive;
use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use headroom_core::{ladder::Ladder, objective::Objective, units::Bitrate};
use headroom_sim::trace::Format;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Real players in Chromium on emulated links: as released against with the agent, pair by pair (needs root).
///
/// A pair is one player on one drive, played once as released and once with the agent. A run that was stopped goes on where it was.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders of traces; formats are recognised. Each folder is a set; the sets take turns. PATH@MBPS scales every trace
    /// of PATH to this mean.
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    pub(super) traces: Vec<PathBuf>,
    /// Scale every trace to this mean in Mbit/s.
    #[arg(long, value_name = "MBPS", value_parser = positive)]
    pub(super) scale_mean: Option<f64>,
    /// Format of the traces, when it should not be recognised.
    #[arg(long, value_name = "NAME")]
    pub(super) format: Option<Format>,
    /// Who plays, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAMES", default_values_t = PlayerName::ALL)]
    pub(super) players: Vec<PlayerName>,
    /// Pairs of each player.
    #[arg(long, default_value_t = 40, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) pairs: u16,
    /// Length of a run.
    #[arg(long, default_value_t = 120, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(10..=3600))]
    pub(super) seconds: u16,
    /// The first part of each run, which does not count: players start there.
    #[arg(long, default_value_t = 8, value_name = "SECONDS")]
    pub(super) warm_up: u16,
    /// Links, and players on them, at the same time.
    #[arg(long, default_value_t = 6, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(super) links: u8,
    /// Bit rates of the ladder in kbit/s, separated by commas [default: 400 to 20000 in eight rungs].
    #[arg(long, value_delimiter = ',', value_name = "KBPS")]
    pub(super) ladder: Option<Vec<u64>>,
    /// Who advises the players with the agent.
    #[arg(long, value_enum, default_value = "server")]
    pub(super) advice: AdviceFrom,
    /// What steering aims for: smooth, balanced or sharp.
    #[arg(long, default_value_t = Objective::default(), value_name = "NAME")]
    pub(super) objective: Objective,
    /// Share of the processors' time above which a run's machine counts as busy. Its pair is discarded and played again.
    #[arg(long, default_value_t = 0.9, value_name = "SHARE", value_parser = busy_share)]
    pub(super) busy_limit: f64,
    /// How often a pair is played again that was discarded, or in which a browser did not start or died.
    #[arg(long, default_value_t = 2, value_name = "COUNT")]
    pub(super) retries: u16,
    /// Where finished pairs are kept. With the same arguments (but --pairs, --links, --busy-limit and --retries) a run goes on from it.
    #[arg(long, value_name = "FILE", default_value = "target/bench-players.jsonl")]
    pub(super) state: PathBuf,
    /// Write one JSON object here instead of a table; `-` or nothing is standard output.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub(super) json: Option<PathBuf>,
    /// Write a page with tables and pictures here.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Keep what every run reported, the link's statistics and a screenshot in this directory.
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) artifacts: Option<PathBuf>,
    /// Directory of the script that drives the browsers [default: crates/headroom/tests/browser of the checkout around the working
    /// directory or this program].
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) browser: Option<PathBuf>,
}

/// Which player.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PlayerName {
    /// dash.js.
    Dash,
    /// hls.js.
    Hls,
    /// Shaka Player, over DASH.
    Shaka,
}

impl PlayerName {
    pub(super) const ALL: [Self; 3] = [Self::Dash, Self::Hls, Self::Shaka];

    /// As the driver calls it.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Dash => "dash",
            Self::Hls => "hls",
            Self::Shaka => "shaka",
        }
    }

    /// As people call it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Dash => "dash.js",
            Self::Hls => "hls.js",
            Self::Shaka => "Shaka",
        }
    }

    /// What it plays.
    pub(super) fn manifest(self) -> &'static str {
        match self {
            Self::Hls => "master.m3u8",
            Self::Dash | Self::Shaka => "live.mpd",
        }
    }
}

/// Where advice comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AdviceFrom {
    /// `GET /v1/advice` over the player's own link.
    Server,
    /// The engine in the page.
    Local,
}

/// A share from 0 to 1; 1 discards nothing.
fn busy_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("not a share from 0 to 1".to_owned()),
    }
}

impl Arguments {
    /// Checks what clap cannot.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let (seconds, warm_up) = (self.seconds, self.warm_up);
        ensure!(warm_up + 5 <= seconds, "--seconds {seconds} leaves less than 5 s after --warm-up {warm_up}");
        let mut players = self.players.clone();
        players.sort();
        players.dedup();
        ensure!(players.len() == self.players.len(), "--players names a player twice");
        Ok(())
    }

    /// What the origin offers.
    pub(super) fn ladder(&self) -> anyhow::Result<Ladder> {
        let Some(kbps) = &self.ladder else { return Ok(Ladder::default()) };
        let bitrates: Vec<Bitrate> = kbps.iter().map(|&kbps| Bitrate::kbps(kbps)).collect();
        Ladder::from_bitrates(&bitrates).context("--ladder")
    }
}
