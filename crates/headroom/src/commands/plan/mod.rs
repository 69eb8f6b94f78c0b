//! `headroom plan`: what will be carried, when it no longer fits, what it costs, and what if.

mod page;
mod text;
mod wording;

use anyhow::Context;
use clap::{Args, ValueEnum};
use headroom_server::{
    Config, GroupBy,
    plan::{Demand, MOST_HOURS, Outlook, Plan, Scenario, synthetic::audience},
};
use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Weeks of a synthetic past.
const SYNTHETIC_WEEKS: usize = 8;

/// Reads the history that `headroom serve --data DIRECTORY` keeps, or a table. Capacities, shares and prices of pathways
/// come from `[plan]` of the configuration; docs/planning.md.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Configuration of the server: where its history is, and what plans assume.
    #[arg(long, env = "HEADROOM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of the history.
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["csv", "synthetic"])]
    data: Option<PathBuf>,
    /// A table in place of a history: columns at (seconds since the epoch, or RFC 3339), sessions, egress_kbps, and, where
    /// known, stream, edge, network, rung_kbps.
    #[arg(long, value_name = "FILE", conflicts_with = "synthetic")]
    csv: Option<PathBuf>,
    /// A made-up audience of this seed, to see what a plan looks like.
    #[arg(long, value_name = "SEED")]
    synthetic: Option<u64>,
    /// What to tell apart.
    #[arg(long, value_enum, default_value = "stream")]
    by: Apart,
    /// Hours ahead, four weeks at most.
    #[arg(long, default_value_t = 168, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=MOST_HOURS as i64))]
    hours: u16,
    /// What if there were so many times the viewers?
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    viewers: f64,
    /// What if the ladder had these bit rates, kbit/s?
    #[arg(long, value_delimiter = ',', value_name = "RATES")]
    ladder: Vec<u32>,
    /// What if these pathways, edges, streams or networks were lost?
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    lost: Vec<String>,
    /// What if segments were so long, s?
    #[arg(long, value_name = "SECONDS")]
    segment_s: Option<f64>,
    /// What everything together may carry, Mbit/s; overrides the configuration.
    #[arg(long, value_name = "MBPS")]
    capacity_mbps: Option<f64>,
    /// Write the plan with its charts as one HTML page.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Apart {
    Stream,
    Edge,
    Network,
}

impl Apart {
    fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Edge => "edge",
            Self::Network => "network",
        }
    }
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(arguments.config.as_deref(), BTreeMap::<String, String>::new())?;
    if let Some(capacity) = arguments.capacity_mbps {
        anyhow::ensure!(capacity > 0.0, "--capacity-mbps is above 0");
        config.plan.capacity_mbps = capacity;
    }
    let demand = demand(&arguments, &config.history.directory)?;
    let outlook = Outlook::of(demand)?;
    let ask = |scenario: &Scenario| {
        let hours = usize::from(arguments.hours);
        Ok::<Plan, anyhow::Error>(outlook.plan(hours, scenario, &config.plan, &BTreeMap::new())?)
    };
    let scenario = Scenario {
        viewers: arguments.viewers,
        ladder: arguments.ladder.clone(),
        lost: arguments.lost.clone(),
        segment_s: arguments.segment_s,
    };
    let plan = ask(&scenario)?;
    let unchanged = ask(&Scenario::default())?;
    if let Some(path) = &arguments.report {
        std::fs::write(path, page::page(&plan, &unchanged, outlook.skill()))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let said = if arguments.json {
        format!("{}\n", serde_json::to_string(&plan)?)
    } else {
        text::text(&plan, &unchanged, outlook.skill())
    };
    // A pipe that was closed early has had enough.
    let _ = std::io::stdout().write_all(said.as_bytes());
    Ok(ExitCode::SUCCESS)
}

fn demand(arguments: &Arguments, configured: &Path) -> anyhow::Result<Demand> {
    if let Some(seed) = arguments.synthetic {
        return Ok(audience(seed, SYNTHETIC_WEEKS));
    }
    if let Some(path) = &arguments.csv {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.display().to_string();
        return Demand::of_table(&text, arguments.by.name(), &name).with_context(|| name);
    }
    let directory = arguments.data.as_deref().unwrap_or(configured);
    anyhow::ensure!(
        directory.as_os_str() != "",
        "no history: name it with --data DIRECTORY or --config FILE, a table with --csv FILE, or try --synthetic 1"
    );
    let by = match arguments.by {
        Apart::Stream => GroupBy::Stream,
        Apart::Edge => GroupBy::Edge,
        Apart::Network => GroupBy::Network,
    };
    Ok(Demand::of_history(directory, by)?)
}
