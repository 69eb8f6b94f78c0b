//! `headroom bench alerts`: do the rules tell of incidents, early, and let people sleep otherwise?

use anyhow::Context;
use clap::Args;
use headroom_server::alerts::{Rule, rehearsal::rehearse};
use std::{path::PathBuf, process::ExitCode};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Rules to try; the default ones when absent.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Incidents put in, one every four simulated hours, of fourteen kinds in turn.
    #[arg(long, default_value_t = 84, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(14..=10_000))]
    incidents: u16,
    /// Simulated days on which nothing goes wrong.
    #[arg(long, default_value_t = 14, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    quiet_days: u16,
    /// The same seed gives the same days.
    #[arg(long, default_value_t = 1_000)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[expect(clippy::print_stdout, reason = "the result is for people and pipes")]
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let rules = Rule::load(arguments.rules.as_deref().unwrap_or(std::path::Path::new(""))).context("--rules")?;
    let (incidents, quiet_days) = (usize::from(arguments.incidents), u64::from(arguments.quiet_days));
    let rehearsal = rehearse(&rules, arguments.seed, incidents, quiet_days);
    if arguments.json {
        println!("{}", serde_json::to_string(&rehearsal)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("simulated days, seed {}; lead: first alert before the true crossing (or start)", arguments.seed);
    println!("{:<12} {:>9} {:>9} {:>14}", "incident", "injected", "detected", "median lead, s");
    for kind in &rehearsal.kinds {
        let name = serde_json::to_value(kind.kind)?;
        let name = name.as_str().unwrap_or_default();
        println!("{name:<12} {:>9} {:>9} {:>14.0}", kind.injected, kind.detected, kind.median_lead_s);
    }
    let verdict = |met: bool| if met { "met" } else { "NOT met" };
    let per_day = rehearsal.false_pages as f64 / rehearsal.quiet_days as f64;
    println!(
        "detection                {:>6.1} %   (goal >= 95: {})",
        rehearsal.detection * 100.0,
        verdict(rehearsal.detection >= 0.95)
    );
    println!(
        "median lead of ramps     {:>6.0} s   (goal >= 60: {})",
        rehearsal.ramp_lead_s,
        verdict(rehearsal.ramp_lead_s >= 60.0)
    );
    println!("false pages a quiet day  {per_day:>6.2}     (goal <= 1: {})", verdict(per_day <= 1.0));
    println!("                         {:?} in {} days", rehearsal.false_pages_by_rule, rehearsal.quiet_days);
    println!(
        "unexplained pages on the {} days with incidents: {}",
        rehearsal.incident_days, rehearsal.unexplained_pages
    );
    Ok(ExitCode::SUCCESS)
}
