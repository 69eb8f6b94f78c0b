//! Weights for each day from the other days, scored on the day they never saw.

use super::training::{Arguments, train};
use crate::commands::bench::abr::{
    run::{AbrRun, Lineup},
    source, table,
};
use anyhow::ensure;
use headroom_core::policy::Learned;
use headroom_sim::{comparison::Comparison, contender::Contender, forecasting::day, profile::Profile, trace::Trace};
use std::collections::BTreeSet;

/// Trains once a day and plays that day; `links` are learned from in every fold.
pub(super) fn run(arguments: &Arguments, links: &[Trace]) -> anyhow::Result<()> {
    let sources = source::load(&arguments.leave_one_out, None)?;
    let days: BTreeSet<String> = sources.iter().map(|source| day(&source.name).to_owned()).collect();
    ensure!(days.len() > 1, "leaving one day out needs two days");
    let profile = Profile::live();
    let objective = profile.objective();
    let mut total: Option<Comparison> = None;
    for left_out in &days {
        let (played, learned): (Vec<_>, Vec<_>) = sources.iter().partition(|source| day(&source.name) == left_out);
        let mut fold = links.to_vec();
        fold.extend(learned.iter().map(|source| source.trace.clone()));
        let (scorer, _) = train(arguments, &fold)?;
        let policy = Learned { scorer, ..Learned::shipped() };
        let lineup = Lineup {
            contenders: vec![
                Contender::parse("throughput", objective)?,
                Contender::parse("learned", objective)?,
                Contender::with_policy("leave_one_out", Box::new(policy)),
                Contender::parse("oracle", objective)?,
            ],
            reference: 0,
            alone: 0,
            oracle: Some(3),
            mode: "in-player",
        };
        let set = source::Set { name: "days".to_owned(), sources: played.into_iter().cloned().collect() };
        let comparisons = AbrRun::cut(&profile, &[set], None)?.play(&lineup, usize::from(arguments.threads))?;
        let Some(comparison) = comparisons.into_iter().next() else { continue };
        tracing::info!("{left_out}: {} windows", comparison.trace_of_window.len());
        total = Some(match total {
            Some(total) => total.joined(comparison),
            None => comparison,
        });
    }
    if let Some(total) = total {
        table::print(&total.rows());
    }
    Ok(())
}
