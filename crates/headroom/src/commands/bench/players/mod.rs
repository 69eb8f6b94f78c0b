//! `headroom bench players`: real players in real browsers on emulated links, stock against with the agent.

mod arguments;
mod bench;
mod drive;
mod journal;
mod judge;
mod machine;
mod media;
mod origin;
mod page;
mod pair;
mod picture;
mod session;
mod summary;
mod table;
mod tools;

pub(crate) use arguments::Arguments;

use super::abr::source;
use anyhow::Context;
use journal::{Journal, Settings};
use std::{path::Path, process::ExitCode};
use summary::Summary;
use tools::Tools;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.check()?;
    let ladder = arguments.ladder()?;
    let sets = source::sets(&arguments.traces, arguments.format, arguments.scale_mean)?;
    let least_kbps = ladder.bitrate(0).as_kbps();
    let drives = drive::drives(&sets, usize::from(arguments.pairs), f64::from(arguments.seconds), least_kbps)?;
    let settings = Settings {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seconds: arguments.seconds,
        warm_up: arguments.warm_up,
        ladder_kbps: ladder.rungs().iter().map(|rung| rung.bitrate.as_kbps().round() as u64).collect(),
        advice: arguments.advice,
        objective: arguments.objective,
        sets: sets.iter().map(|set| set.name.clone()).collect(),
        congestion_control: machine::congestion_control(),
    };
    let mut journal = Journal::open(&arguments.state, &settings)?;
    let attempts = usize::from(arguments.retries) + 1;
    let open = |journal: &Journal| {
        let numbers = 0..drives.len();
        let mut pairs = numbers.flat_map(|number| arguments.players.iter().map(move |player| (*player, number)));
        pairs.any(|(player, number)| !journal.is_done(player, number, attempts))
    };
    if open(&journal) {
        let tools = Tools::find(arguments.browser.as_deref())?;
        let runtime = tokio::runtime::Runtime::new().context("no runtime")?;
        runtime.block_on(bench::play(arguments, &tools, &drives, &mut journal))?;
    }
    let summary = Summary::new(&settings, &arguments.players, journal.records());
    if let Some(path) = &arguments.html {
        std::fs::write(path, page::page(&summary)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    match &arguments.json {
        Some(path) => write_json(path, &summary)?,
        None => table::print(&summary),
    }
    Ok(if summary.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn write_json(path: &Path, summary: &Summary<'_>) -> anyhow::Result<()> {
    let text = serde_json::to_string(summary)?;
    if path.as_os_str() == "-" {
        println!("{text}");
        return Ok(());
    }
    std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}
