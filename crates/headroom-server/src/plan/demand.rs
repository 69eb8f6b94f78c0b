//! What was carried, hour by hour: from the history of a server or from a table of somebody else's.

use crate::calendar;
use headroom_cluster::sketch::Sketch;
use std::collections::{BTreeMap, BTreeSet};

/// Seconds of one value.
pub const HOUR_S: u64 = 3_600;

/// Groups listed one by one, the largest first; the rest is one group.
const MOST_GROUPS: usize = 10;

/// Name of what is left.
const OTHERS: &str = "(others)";

/// Weeks of history that are read: enough for any rhythm but the year's.
pub(crate) const WEEKS_READ: u64 = 12;

/// Share of hours without a value above which a history is too sparse for a forecast.
const MOST_MISSING: f64 = 0.3;

/// Lines of a table at most: a year of minutes of twenty streams.
const MOST_LINES: usize = 12_000_000;

/// Sessions and egress of one group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    /// Sessions at a time, mean of each hour.
    pub sessions: Vec<f64>,
    /// Media played a second, kbit/s, mean of each hour.
    pub egress_kbps: Vec<f64>,
}

/// How often a rung was played of late, and what its sessions could have carried.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rung {
    pub(crate) kbps: u32,
    /// Share of the time watched.
    pub(crate) share: f64,
    /// Throughput its sessions were expected to get, kbit/s; empty where it was not kept.
    pub(crate) throughput: Sketch,
}

/// A past without gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// Where it comes from, for people.
    pub source: String,
    /// Start of the first hour, seconds since the epoch.
    pub from_s: u64,
    /// Hours without any value, filled with those of the same hour a week or a day apart.
    pub filled: usize,
    /// Load of all groups together.
    pub total: Load,
    /// The groups, by name.
    pub groups: BTreeMap<String, Load>,
    /// Rungs of the last week; empty where unknown.
    pub(crate) mix: Vec<Rung>,
}

/// A past that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemandError {
    /// Nothing was carried yet.
    #[error("there is no whole hour of history yet: keep `headroom serve --data DIRECTORY` running and come back")]
    Nothing,
    /// The past has holes.
    #[error("{missing} of {hours} hours have no value: a forecast needs at least seven in ten")]
    Gaps {
        /// Hours without a value.
        missing: usize,
        /// Hours from the first to the last.
        hours: usize,
    },
    /// A line of the table is not as it should be.
    #[error("line {line}: {problem}")]
    Table {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The history cannot be read.
    #[error("{0}")]
    History(String),
}

/// Sums of a group at one moment or hour.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) sessions: f64,
    pub(crate) egress_kbps: f64,
}

impl Demand {
    /// What a table says: comma-separated values with a head. Columns `at` (seconds since the epoch, or RFC 3339),
    /// `sessions` and `egress_kbps`; what `by` names, where it is there; `rung_kbps`. Others are passed over. Lines of the
    /// same time are parts of one whole.
    ///
    /// # Errors
    /// Names the first line that cannot be read.
    pub fn of_table(text: &str, by: &str, source: &str) -> Result<Self, DemandError> {
        let table = |line: usize, problem: &str| DemandError::Table { line: line + 1, problem: problem.to_owned() };
        let mut lines = text.lines().map(|line| line.trim_end_matches('\r')).enumerate();
        let head: Vec<&str> =
            lines.next().map(|(_, line)| line.split(',').map(str::trim).collect()).unwrap_or_default();
        let column = |name: &str| head.iter().position(|known| *known == name);
        let need = |name| {
            column(name)
                .ok_or_else(|| table(0, &format!("there is no column {name}; at, sessions and egress_kbps are needed")))
        };
        let (at, sessions, egress) = (need("at")?, need("sessions")?, need("egress_kbps")?);
        let (group, rung) = (column(by), column("rung_kbps"));
        let mut moments = BTreeMap::<u64, BTreeMap<String, Sums>>::new();
        let mut rungs = BTreeMap::<u64, BTreeMap<u32, f64>>::new();
        for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            if number > MOST_LINES {
                return Err(table(number, &format!("more than {MOST_LINES} lines")));
            }
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            let cell = |index: usize| cells.get(index).copied().unwrap_or_default();
            let value = |index: usize| {
                let value = cell(index).parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
                value.ok_or_else(|| table(number, &format!("{:?} is no amount", cell(index))))
            };
            let at_s = calendar::seconds(cell(at));
            let at_s = at_s.ok_or_else(|| table(number, &format!("{:?} is no time: seconds or RFC 3339", cell(at))))?;
            let name = group.map_or(String::new(), |group| cell(group).to_owned());
            let sums = moments.entry(at_s).or_default().entry(name).or_default();
            sums.sessions += value(sessions)?;
            sums.egress_kbps += value(egress)?;
            if let Some(rung) = rung {
                *rungs.entry(at_s).or_default().entry(value(rung)? as u32).or_default() += value(sessions)?;
            }
        }
        let latest = rungs.last_key_value().map_or(0, |(at_s, _)| at_s.saturating_sub(7 * 24 * HOUR_S));
        let mut weights = BTreeMap::<u32, (f64, Sketch)>::new();
        for (kbps, sessions) in rungs.range(latest..).flat_map(|(_, rungs)| rungs) {
            weights.entry(*kbps).or_default().0 += sessions;
        }
        Self::assemble(source.to_owned(), hourly(moments), mix(weights))
    }

    /// Puts hours together and closes gaps.
    pub(crate) fn assemble(
        source: String,
        hours: BTreeMap<u64, BTreeMap<String, Sums>>,
        mix: Vec<Rung>,
    ) -> Result<Self, DemandError> {
        let (Some((&from_s, _)), Some((&last_s, _))) = (hours.first_key_value(), hours.last_key_value()) else {
            return Err(DemandError::Nothing);
        };
        let count = ((last_s - from_s) / HOUR_S + 1) as usize;
        let missing = count - hours.len();
        if missing as f64 > MOST_MISSING * count as f64 {
            return Err(DemandError::Gaps { missing, hours: count });
        }
        let names: BTreeSet<&str> = hours.values().flat_map(|hour| hour.keys().map(String::as_str)).collect();
        let mut sizes: Vec<(f64, &str)> = names
            .into_iter()
            .map(|name| {
                let size = hours.values().filter_map(|hour| hour.get(name)).map(|sums| sums.egress_kbps).sum();
                (size, name)
            })
            .collect();
        sizes.sort_by(|left, right| right.0.total_cmp(&left.0));
        let kept: BTreeSet<&str> = sizes.iter().take(MOST_GROUPS).map(|&(_, name)| name).collect();
        let mut groups = BTreeMap::<String, Load>::new();
        let blank = || Load { sessions: vec![0.0; count], egress_kbps: vec![0.0; count] };
        let mut total = blank();
        for (at_s, hour) in &hours {
            let index = ((at_s - from_s) / HOUR_S) as usize;
            for (name, sums) in hour {
                let name = if kept.contains(name.as_str()) { name.as_str() } else { OTHERS };
                for load in [groups.entry(name.to_owned()).or_insert_with(blank), &mut total] {
                    load.sessions[index] += sums.sessions;
                    load.egress_kbps[index] += sums.egress_kbps;
                }
            }
        }
        let known: Vec<bool> = (0..count).map(|hour| hours.contains_key(&(from_s + hour as u64 * HOUR_S))).collect();
        for load in groups.values_mut().chain([&mut total]) {
            fill(&mut load.sessions, &known);
            fill(&mut load.egress_kbps, &known);
        }
        // A single group without a name adds nothing to the total.
        if groups.len() == 1 && groups.contains_key("") {
            groups.clear();
        }
        Ok(Self { source, from_s, filled: missing, total, groups, mix })
    }

    /// Whole hours it spans.
    #[must_use]
    pub fn hours(&self) -> usize {
        self.total.sessions.len()
    }
}

/// Means of the moments of each hour. A group that is absent from a moment carried nothing then.
fn hourly(moments: BTreeMap<u64, BTreeMap<String, Sums>>) -> BTreeMap<u64, BTreeMap<String, Sums>> {
    let mut hours = BTreeMap::<u64, (f64, BTreeMap<String, Sums>)>::new();
    for (at_s, groups) in moments {
        let (count, hour) = hours.entry(at_s / HOUR_S * HOUR_S).or_default();
        *count += 1.0;
        for (name, sums) in groups {
            let sum = hour.entry(name).or_default();
            sum.sessions += sums.sessions;
            sum.egress_kbps += sums.egress_kbps;
        }
    }
    let mean = |count: f64, sums: Sums| Sums { sessions: sums.sessions / count, egress_kbps: sums.egress_kbps / count };
    let means = |(at_s, (count, groups)): (u64, (f64, BTreeMap<String, Sums>))| {
        (at_s, groups.into_iter().map(|(name, sums)| (name, mean(count, sums))).collect())
    };
    hours.into_iter().map(means).collect()
}

/// Shares from weights, the lowest rung first.
pub(crate) fn mix(weights: BTreeMap<u32, (f64, Sketch)>) -> Vec<Rung> {
    let all: f64 = weights.values().map(|(weight, _)| weight).sum();
    let rung = |(kbps, (weight, throughput)): (u32, (f64, Sketch))| Rung { kbps, share: weight / all, throughput };
    weights.into_iter().filter(|(kbps, (weight, _))| *kbps > 0 && *weight > 0.0).map(rung).collect()
}

/// Fills hours without a value with the nearest known ones a week apart, then a day apart, then any.
fn fill(values: &mut [f64], known: &[bool]) {
    let found: Vec<(usize, f64)> = (0..values.len())
        .filter(|&hour| !known[hour])
        .filter_map(|hour| {
            let apart = |step: usize| {
                (1..=values.len() / step.max(1)).find_map(|times| {
                    let back = hour.checked_sub(times * step);
                    [back, Some(hour + times * step)].into_iter().flatten().find(|&near| known.get(near) == Some(&true))
                })
            };
            [super::WEEK, super::DAY, 1].into_iter().find_map(apart).map(|near| (hour, values[near]))
        })
        .collect();
    found.into_iter().for_each(|(hour, value)| values[hour] = value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_becomes_hours() {
        let text = "at,stream,sessions,egress_kbps,rung_kbps\n\
            0,a,10,1000,100\n0,b,5,500,100\n1800,a,20,3000,150\n1970-01-01T02:00:00Z,a,8,800,100\n10800,c,2,100,50\n";
        let demand = Demand::of_table(text, "stream", "t.csv").unwrap();
        assert_eq!((demand.hours(), demand.filled, demand.from_s), (4, 1, 0));
        // An hour is the mean of its moments: 15 and 20 sessions.
        assert_eq!(demand.total.sessions[0], 17.5);
        assert_eq!(demand.groups["a"].egress_kbps[0], 2_000.0);
        assert_eq!(
            demand.groups["b"].egress_kbps,
            [250.0, 250.0, 0.0, 0.0],
            "gaps have the nearest value, absence is 0"
        );
        assert_eq!(demand.mix.iter().map(|rung| rung.kbps).collect::<Vec<_>>(), [50, 100, 150]);
        assert!((demand.mix.iter().map(|rung| rung.share).sum::<f64>() - 1.0).abs() < 1e-9);
        let whole = Demand::of_table(text, "edge", "t.csv").unwrap();
        assert!(whole.groups.is_empty() && whole.total == demand.total);
    }

    #[test]
    fn a_table_that_is_none_names_its_line() {
        for (text, line, problem) in [
            ("", 1, "column at"),
            ("at,sessions\n", 1, "egress_kbps"),
            ("at,sessions,egress_kbps\nx,1,1\n", 2, "no time"),
            ("at,sessions,egress_kbps\n0,1,1\n3600,1,-1\n", 3, "no amount"),
            ("at,sessions,egress_kbps\n0,NaN,1\n", 2, "no amount"),
            ("at,sessions,egress_kbps\n0\n", 2, "no amount"),
        ] {
            match Demand::of_table(text, "stream", "t.csv") {
                Err(DemandError::Table { line: found, problem: said }) => {
                    assert!(found == line && said.contains(problem), "{text:?}: line {found}: {said}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
        assert!(matches!(Demand::of_table("at,sessions,egress_kbps\n", "stream", ""), Err(DemandError::Nothing)));
        let holes = "at,sessions,egress_kbps\n0,1,1\n36000,1,1\n";
        assert!(matches!(Demand::of_table(holes, "stream", ""), Err(DemandError::Gaps { missing: 9, hours: 11 })));
    }

    #[test]
    fn many_groups_become_few() {
        let mut text = "at,stream,sessions,egress_kbps\n".to_owned();
        (1..=30).for_each(|stream| text.push_str(&format!("0,s{stream},1,{stream}\n")));
        let demand = Demand::of_table(&text, "stream", "").unwrap();
        assert_eq!(demand.groups.len(), MOST_GROUPS + 1);
        assert_eq!(demand.groups[OTHERS].sessions, [20.0]);
        assert_eq!(demand.total.egress_kbps, [465.0]);
    }
}
