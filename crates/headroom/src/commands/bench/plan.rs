//! `headroom bench plan`: is the forecast of capacity worth its trouble?

use anyhow::Context;
use clap::Args;
use headroom_server::plan::{Demand, Trial, WEEK, synthetic::audience, trial};
use std::{path::PathBuf, process::ExitCode};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A real past in place of synthetic ones: a table as `headroom plan --csv` reads it; its egress is forecast.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["audiences", "weeks"])]
    csv: Option<PathBuf>,
    /// Synthetic audiences, three streams each.
    #[arg(long, default_value_t = 20, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    audiences: u16,
    /// Weeks of each.
    #[arg(long, default_value_t = 12, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(4..=52))]
    weeks: u16,
    /// Days held out at the end: a week is forecast from each but the last six.
    #[arg(long, default_value_t = 28, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(7..=180))]
    held_out: u16,
    /// Seed of the first audience.
    #[arg(long, default_value_t = 1_000)]
    seed: u64,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let held_out = usize::from(arguments.held_out);
    let short = "too short: the days before the held-out ones must be eight at least";
    let (name, trials) = match &arguments.csv {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let demand = Demand::of_table(&text, "", &path.display().to_string())?;
            let weeks = demand.hours() / WEEK;
            let trial = trial(&demand.total.egress_kbps, held_out).context(short)?;
            (format!("{}, {weeks} weeks", path.display()), vec![trial])
        }
        None => {
            let weeks = usize::from(arguments.weeks);
            let seeds = arguments.seed..arguments.seed + u64::from(arguments.audiences);
            let trials = seeds.map(|seed| trial(&audience(seed, weeks).total.egress_kbps, held_out).context(short));
            let name =
                format!("{} synthetic audiences of {weeks} weeks, seeds from {}", arguments.audiences, arguments.seed);
            (name, trials.collect::<Result<_, _>>()?)
        }
    };
    report(&name, held_out, &trials, arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the result is for people and pipes")]
fn report(name: &str, held_out: usize, trials: &[Trial], json: bool) -> anyhow::Result<()> {
    if json {
        for trial in trials {
            println!("{}", serde_json::to_string(trial)?);
        }
        return Ok(());
    }
    let mean = |value: fn(&Trial) -> f64| trials.iter().map(value).sum::<f64>() / trials.len() as f64;
    let won = trials.iter().filter(|trial| trial.mase_week < trial.naive_mase_week).count();
    println!("{name}; {held_out} days held out, a week forecast from {} of them", trials[0].origins);
    println!("mean absolute scaled error     forecast   last week again   forecast over it");
    let line = |what: &str, ours: f64, naive: f64| {
        let verdict = if ours < naive { "met" } else { "NOT met" };
        println!("{what:<30} {ours:>8.3} {naive:>17.3} {:>12.2}   (goal < 1: {verdict})", ours / naive);
    };
    line("first day", mean(|trial| trial.mase_day), mean(|trial| trial.naive_mase_day));
    line("whole week", mean(|trial| trial.mase_week), mean(|trial| trial.naive_mase_week));
    println!("whole week better on           {won} of {}", trials.len());
    println!(
        "inside the 80 % interval       {:.1} % of the first day, {:.1} % of the week",
        100.0 * mean(|trial| trial.coverage_day),
        100.0 * mean(|trial| trial.coverage_week)
    );
    Ok(())
}
