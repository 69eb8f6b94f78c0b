//! `headroom bench forecast`: the error of throughput forecasts, on a folder of traces.

use crate::commands::bench::abr::source::{self, Source};
use anyhow::Context;
use clap::Args;
use headroom_core::{forecast::Quantile, network::Network};
use headroom_sim::{
    forecasting::{
        ErrorSums, Model, Row,
        cold_start::{MOMENTS, Prior, pooled, score_cold_starts},
        day, score_forecasts,
    },
    trace::Format,
    train::forecast::{Example, Settings, examples_by_second, fit},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::ExitCode,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders of traces; formats are recognised. Links must have been loaded to the full: throughput that an
    /// application limited says nothing about the link.
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    traces: Vec<PathBuf>,
    /// Also train the network on all days but one and score it on that one, for every day. A day is the date in a file's
    /// name; files without a date are days of their own.
    #[arg(long)]
    leave_one_day_out: bool,
    /// Forecast the starts of sessions in place of their course: with nothing to go by, with what sessions of other days measured,
    /// with what the same link carried before, and with the radio.
    #[arg(long, conflicts_with_all = ["leave_one_day_out", "weights"])]
    cold_start: bool,
    /// Seconds of own history that those priors count as; as in the engine when absent.
    #[arg(long, requires = "cold_start", value_name = "SECONDS", value_parser = super::abr::number::positive)]
    prior_weight: Option<f64>,
    /// Seed of that training.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Score these weights too, as `headroom train forecast` wrote them.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Format of the traces, when it should not be recognised.
    #[arg(long, value_name = "NAME")]
    format: Option<Format>,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
}

/// Passes over the few hours that one fold has to learn from.
const EPOCHS: usize = 12;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sources = source::load(&arguments.traces, arguments.format)?;
    if arguments.cold_start {
        print(&cold_start(&sources, arguments.prior_weight)?, arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut models = vec![
        ("last_value", Model::LastValue),
        ("mean_5", Model::Mean),
        ("harmonic_mean", Model::HarmonicMean),
        ("ewma", Model::Ewma),
        ("lognormal", Model::Lognormal),
        ("quantile", Model::Quantile(Box::new(Quantile::shipped().clone()))),
    ];
    if let Some(path) = &arguments.weights {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let network = Quantile::from_bytes(&bytes).with_context(|| path.display().to_string())?;
        models.push(("weights", Model::Quantile(Box::new(network))));
    }
    let (names, models): (Vec<_>, Vec<_>) = models.into_iter().unzip();
    let mut sums = vec![ErrorSums::default(); models.len()];
    for source in &sources {
        score_forecasts(&source.trace, &models, &mut sums);
    }
    let mut rows: Vec<Row> = names
        .iter()
        .zip(models.iter().zip(&sums))
        .flat_map(|(name, (model, tally))| tally.rows(name, model.is_point()))
        .collect();
    if arguments.leave_one_day_out {
        rows.extend(leave_one_day_out(&sources, arguments.seed)?.rows("quantile_leave_one_day_out", false));
    }
    print(&rows, arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

/// The starts of the sessions of each day, the cohort being the other days.
fn cold_start(sources: &[Source], prior_weight: Option<f64>) -> anyhow::Result<Vec<Row>> {
    let days: BTreeSet<&str> = sources.iter().map(|source| day(&source.name)).collect();
    anyhow::ensure!(days.len() > 1, "a cohort of other days needs two days");
    let names = ["none", "cohort", "beside", "radio"];
    let mut sums = vec![<[ErrorSums; MOMENTS]>::default(); names.len()];
    for held_out in days {
        let (own, others): (Vec<&Source>, Vec<&Source>) =
            sources.iter().partition(|source| day(&source.name) == held_out);
        let pool = pooled(others.iter().map(|source| &source.trace));
        let priors = [Prior::None, Prior::Cohort(Box::new(pool)), Prior::SameLink, Prior::Radio].map(|prior| {
            let weight_s = prior_weight.map_or_else(|| prior.weight_s(), |weight| weight as f32);
            (prior, weight_s)
        });
        for source in own {
            score_cold_starts(&source.trace, &priors, &mut sums);
        }
    }
    let row = |(name, sums): (&str, &[ErrorSums; MOMENTS])| -> Vec<Row> {
        let named = |(known_s, tally): (usize, &ErrorSums)| tally.rows(&format!("{name}, {known_s} s known"), false);
        sums.iter().enumerate().flat_map(named).filter(|row| row.count > 0).collect()
    };
    Ok(names.into_iter().zip(&sums).flat_map(row).collect())
}

/// One network for each day, trained on the others and scored on its own; two days at a time.
fn leave_one_day_out(sources: &[Source], seed: u64) -> anyhow::Result<ErrorSums> {
    let mut days: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        days.entry(day(&source.name)).or_default().push(source);
    }
    anyhow::ensure!(days.len() > 1, "leaving one day out needs two days");
    let score = |held_out: &str| {
        let others = sources.iter().filter(|source| day(&source.name) != held_out);
        let examples: Vec<Example> = others.flat_map(|source| examples_by_second(&source.trace)).collect();
        let network = fit(&examples, Settings { epochs: EPOCHS, ..Settings::default() }, seed, |_| ());
        let mut tally = ErrorSums::default();
        for source in &days[held_out] {
            score_forecasts(
                &source.trace,
                &[Model::Quantile(Box::new(network.clone()))],
                std::slice::from_mut(&mut tally),
            );
        }
        tally
    };
    let names: Vec<&str> = days.keys().copied().collect();
    let mut total = ErrorSums::default();
    for pair in names.chunks(2) {
        let sums: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = pair.iter().map(|name| scope.spawn(|| score(name))).collect();
            workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
        });
        for tally in sums {
            total.merge(tally.map_err(|_| anyhow::anyhow!("training panicked"))?);
        }
    }
    Ok(total)
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn print(rows: &[Row], json: bool) -> anyhow::Result<()> {
    if json {
        for row in rows {
            println!("{}", serde_json::to_string(row)?);
        }
        return Ok(());
    }
    println!(
        "{:28} {:>9} {:>9} {:>11} {:>9} {:>9} {:>9} {:>7}",
        "model", "horizon_s", "mae_mbps", "median_ape", "pinball", "cover80", "over", "count"
    );
    for row in rows {
        let coverage = row.coverage80.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0));
        println!(
            "{:28} {:>9} {:>9.2} {:>9.1} % {:>9.2} {:>9} {:>7.1} % {:>7}",
            row.model,
            row.horizon_s,
            row.mae_mbps,
            row.median_ape * 100.0,
            row.pinball,
            coverage,
            row.overestimation_rate * 100.0,
            row.count
        );
    }
    Ok(())
}
