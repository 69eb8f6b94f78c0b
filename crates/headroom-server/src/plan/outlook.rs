//! From a past to a plan: what will be carried, when it no longer fits, what it costs.

use super::{
    demand::{Demand, HOUR_S, Load, Rung},
    forecast::{Forecast, MOST_HOURS, Skill, TooShort, WEEK, forecast, weekly_growth},
    scenario::{Pathway, Scenario, ScenarioError, Segments, Settings, after_loss, ladder_factor},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Hours of the past that a plan shows.
const SHOWN: usize = 2 * WEEK;

/// Weeks beyond which growth is no longer continued.
const LONGEST_GROWTH_WEEKS: f64 = 104.0;

/// What will be carried if nothing changes. Costly to make, cheap to ask.
#[derive(Debug, Clone)]
pub struct Outlook {
    source: String,
    from_s: u64,
    filled: usize,
    past_hours: usize,
    lines: Vec<Known>,
    mix: Vec<Rung>,
}

/// One series and its future. The first is everything.
#[derive(Debug, Clone)]
struct Known {
    name: Option<String>,
    past: Load,
    sessions: Forecast,
    egress: Forecast,
    growth: Option<f64>,
}

/// The answer to a [`Scenario`].
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Plan {
    /// Where the past comes from.
    pub source: String,
    /// Start of the first hour forecast, seconds since the epoch.
    pub from_s: u64,
    /// Hours forecast.
    pub hours: usize,
    /// Whole hours of past.
    pub past_hours: usize,
    /// Of these, hours without a value.
    pub filled_hours: usize,
    /// What was asked.
    pub scenario: Scenario,
    /// Egress of a session over what it is now, by the ladder.
    pub ladder_factor: f64,
    /// All groups together.
    pub total: Line,
    /// Streams, edges or networks.
    pub groups: Vec<Line>,
    /// The ways to the viewers, where the configuration knows any.
    pub pathways: Vec<Delivery>,
    /// What prices are in.
    pub currency: String,
    /// What segments of the length asked for mean.
    pub segments: Option<Segments>,
}

/// One series: past, future, and whether it fits.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = PlanLine)]
pub struct Line {
    /// Name of the group; none for everything.
    pub name: Option<String>,
    /// Whether the scenario takes it away.
    pub lost: bool,
    /// The last two weeks at most, by hour, up to the first hour forecast.
    pub past: Past,
    /// Sessions at a time.
    pub sessions: Forecast,
    /// Media played a second, kbit/s.
    pub egress_kbps: Forecast,
    /// The hour with the greatest likely egress.
    pub peak: Peak,
    /// Growth of a week, where the past tells it from chance.
    pub growth_per_week: Option<f64>,
    /// Whether it fits, where a capacity is known.
    pub saturation: Option<Saturation>,
}

/// What was.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = PlanPast)]
pub struct Past {
    /// Sessions at a time.
    pub sessions: Vec<f64>,
    /// Media played a second, kbit/s.
    pub egress_kbps: Vec<f64>,
}

/// An hour and what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Peak {
    /// Its start, seconds since the epoch.
    pub at_s: u64,
    /// Likely sessions.
    pub sessions: f64,
    /// Likely egress, kbit/s.
    pub p50_kbps: f64,
    /// Egress exceeded once in ten times, kbit/s: the greatest of all hours.
    pub p90_kbps: f64,
}

/// Whether and when a capacity is reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Saturation {
    /// The capacity, kbit/s.
    pub capacity_kbps: f64,
    /// Likely peak over capacity.
    pub utilisation: f64,
    /// First hour that likely exceeds it.
    pub likely_s: Option<u64>,
    /// First hour that exceeds it once in ten times.
    pub possible_s: Option<u64>,
    /// Weeks until the likely peak reaches it if growth goes on as it did; only where no hour forecast does.
    pub weeks_of_growth: Option<f64>,
}

/// What a pathway carries and costs.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Delivery {
    /// Its name.
    pub name: String,
    /// Its part of all egress.
    pub share: f64,
    /// Whether the scenario takes it away.
    pub lost: bool,
    /// Likely peak, kbit/s.
    pub peak_kbps: f64,
    /// Whether it fits, where its capacity is known.
    pub saturation: Option<Saturation>,
    /// Volume over the hours forecast, 10⁹ bytes: 10, 50 and 90 %, as if all hours were high or low together.
    pub gigabytes: [f64; 3],
    /// What that costs.
    pub cost: [f64; 3],
}

impl Outlook {
    /// Forecasts everything and every group.
    ///
    /// # Errors
    /// When the past is too short.
    pub fn of(demand: Demand) -> Result<Self, TooShort> {
        let past_hours = demand.hours();
        let named = demand.groups.into_iter().map(|(name, load)| (Some(name), load));
        let lines = [(None, demand.total)].into_iter().chain(named).map(|(name, past)| {
            let growth = weekly_growth(&past.egress_kbps);
            let sessions = forecast(&past.sessions, MOST_HOURS)?;
            let egress = forecast(&past.egress_kbps, MOST_HOURS)?;
            Ok(Known { name, past, sessions, egress, growth })
        });
        let lines = lines.collect::<Result<_, _>>()?;
        let Demand { source, from_s, filled, mix, .. } = demand;
        Ok(Self { source, from_s: from_s + past_hours as u64 * HOUR_S, filled, past_hours, lines, mix })
    }

    /// How good the forecast of all egress was at earlier times.
    #[must_use]
    pub fn skill(&self) -> Skill {
        self.lines[0].egress.skill
    }

    /// Answers a question about the next `hours`, [`MOST_HOURS`] at most. `capacities` are known to the server besides
    /// the settings: by name, and under no name for everything, kbit/s.
    ///
    /// # Errors
    /// When the question makes no sense for this past.
    pub fn plan(
        &self,
        hours: usize,
        scenario: &Scenario,
        settings: &Settings,
        capacities: &BTreeMap<Option<String>, f64>,
    ) -> Result<Plan, ScenarioError> {
        scenario.check()?;
        let hours = hours.clamp(1, MOST_HOURS);
        let ladder_factor = ladder_factor(&self.mix, &scenario.ladder)?;
        let gone = |name: &str| scenario.lost.iter().any(|lost| lost == name);
        let parts = self
            .lines
            .iter()
            .filter_map(|line| Some((line.name.as_deref()?, line.egress.p50.iter().take(hours).sum::<f64>())));
        let ways = settings.pathways.iter().map(|pathway| (pathway.name.as_str(), pathway.share));
        let known = |name: &str| parts.clone().chain(ways.clone()).any(|(known, _)| known == name);
        if let Some(unknown) = scenario.lost.iter().find(|name| !known(name)) {
            return Err(ScenarioError::Unknown(unknown.clone()));
        }
        let moved = after_loss(parts, &scenario.lost)?;
        let diverted = after_loss(ways, &scenario.lost)?;

        let line = |known: &Known| {
            let lost = known.name.as_deref().is_some_and(gone);
            let moved = match &known.name {
                None => 1.0,
                Some(_) if lost => 0.0,
                Some(_) => moved,
            };
            let given = known
                .name
                .as_ref()
                .map_or(settings.capacity_mbps, |name| settings.capacities_mbps.get(name).copied().unwrap_or(0.0));
            let capacity =
                Some(given * 1_000.0).filter(|&kbps| kbps > 0.0).or_else(|| capacities.get(&known.name).copied());
            self.line(known, hours, scenario.viewers * moved, ladder_factor, lost, capacity)
        };
        let mut lines: Vec<Line> = self.lines.iter().map(line).collect();
        let total = lines.remove(0);
        lines.sort_by(|left, right| right.peak.p50_kbps.total_cmp(&left.peak.p50_kbps));
        let shares: f64 = settings.pathways.iter().map(|pathway| pathway.share).sum();
        let pathways = settings.pathways.iter().map(|pathway| {
            let share = if gone(&pathway.name) { 0.0 } else { pathway.share / shares * diverted };
            self.delivery(pathway, share, &total)
        });
        Ok(Plan {
            source: self.source.clone(),
            from_s: self.from_s,
            hours,
            past_hours: self.past_hours,
            filled_hours: self.filled,
            scenario: scenario.clone(),
            ladder_factor,
            pathways: pathways.collect(),
            currency: settings.currency.clone(),
            segments: scenario.segment_s.map(|length| Segments::of(length, total.peak.sessions)),
            groups: lines,
            total,
        })
    }

    fn line(
        &self,
        known: &Known,
        hours: usize,
        viewers: f64,
        ladder: f64,
        lost: bool,
        capacity_kbps: Option<f64>,
    ) -> Line {
        let sessions = scaled(&known.sessions, hours, viewers);
        let egress_kbps = scaled(&known.egress, hours, viewers * ladder);
        let highest = |values: &[f64]| (0..hours).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0);
        let top = highest(&egress_kbps.p50);
        let peak = Peak {
            at_s: self.from_s + top as u64 * HOUR_S,
            sessions: sessions.p50[top],
            p50_kbps: egress_kbps.p50[top],
            p90_kbps: egress_kbps.p90[highest(&egress_kbps.p90)],
        };
        let last =
            |values: &[f64]| values[values.len().saturating_sub(SHOWN)..].iter().map(|value| value.round()).collect();
        Line {
            name: known.name.clone(),
            lost,
            past: Past { sessions: last(&known.past.sessions), egress_kbps: last(&known.past.egress_kbps) },
            saturation: capacity_kbps.map(|capacity| self.saturation(capacity, &egress_kbps, 1.0, known.growth)),
            sessions,
            egress_kbps,
            peak,
            growth_per_week: known.growth,
        }
    }

    fn saturation(&self, capacity_kbps: f64, egress: &Forecast, share: f64, growth: Option<f64>) -> Saturation {
        let reached = |values: &[f64]| values.iter().position(|value| value * share >= capacity_kbps);
        let at = |hour: usize| self.from_s + hour as u64 * HOUR_S;
        let peak = egress.p50.iter().fold(0.0, |peak: f64, value| peak.max(value * share));
        let likely_s = reached(&egress.p50).map(at);
        let weeks = growth.filter(|&growth| growth > 0.0 && peak > 0.0 && likely_s.is_none());
        let weeks = weeks.map(|growth| (capacity_kbps / peak).ln() / growth.ln_1p());
        Saturation {
            capacity_kbps,
            utilisation: peak / capacity_kbps,
            likely_s,
            possible_s: reached(&egress.p90).map(at),
            weeks_of_growth: weeks.filter(|&weeks| weeks <= LONGEST_GROWTH_WEEKS),
        }
    }

    fn delivery(&self, pathway: &Pathway, share: f64, total: &Line) -> Delivery {
        let egress = &total.egress_kbps;
        // kbit/s for an hour, in 10⁹ bytes.
        let volume = |values: &[f64]| values.iter().sum::<f64>() * share * HOUR_S as f64 / 8.0 / 1e6;
        let gigabytes = [&egress.p10, &egress.p50, &egress.p90].map(|values| volume(values));
        let capacity = Some(pathway.capacity_mbps * 1_000.0).filter(|&kbps| kbps > 0.0);
        Delivery {
            name: pathway.name.clone(),
            share,
            lost: share == 0.0,
            peak_kbps: total.peak.p50_kbps * share,
            saturation: capacity.map(|capacity| self.saturation(capacity, egress, share, total.growth_per_week)),
            gigabytes,
            cost: gigabytes.map(|volume| volume * pathway.price_per_gb),
        }
    }
}

/// The first hours of a forecast, times a factor, in whole sessions or kbit/s.
fn scaled(forecast: &Forecast, hours: usize, factor: f64) -> Forecast {
    let scale = |values: &[f64]| values.iter().take(hours).map(|value| (value * factor).round()).collect();
    let Forecast { p10, p50, p90, skill } = forecast;
    Forecast { p10: scale(p10), p50: scale(p50), p90: scale(p90), skill: *skill }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::synthetic::audience;

    fn outlook() -> Outlook {
        Outlook::of(audience(5, 4)).unwrap()
    }

    fn settings() -> Settings {
        let pathway = |name: &str, share, price_per_gb, capacity_mbps| Pathway {
            name: name.into(),
            share,
            price_per_gb,
            capacity_mbps,
        };
        Settings { pathways: vec![pathway("a", 3.0, 0.01, 0.0), pathway("b", 1.0, 0.02, 1e9)], ..Settings::default() }
    }

    fn plan(outlook: &Outlook, scenario: &Scenario) -> Result<Plan, ScenarioError> {
        outlook.plan(WEEK, scenario, &settings(), &BTreeMap::new())
    }

    #[test]
    fn a_plan_adds_up() {
        let outlook = outlook();
        let now = plan(&outlook, &Scenario::default()).unwrap();
        assert_eq!((now.hours, now.total.egress_kbps.p50.len(), now.past_hours), (WEEK, WEEK, 4 * WEEK));
        let groups: f64 = now.groups.iter().map(|line| line.egress_kbps.p50.iter().sum::<f64>()).sum();
        let total: f64 = now.total.egress_kbps.p50.iter().sum();
        assert!((groups / total - 1.0).abs() < 0.05, "{groups} {total}");
        assert!((now.pathways[0].gigabytes[1] / now.pathways[1].gigabytes[1] - 3.0).abs() < 1e-9);
        assert!((now.pathways[0].cost[1] / now.pathways[1].cost[1] - 1.5).abs() < 1e-9);
        let volume = total * 3_600.0 / 8e6;
        assert!((now.pathways.iter().map(|pathway| pathway.gigabytes[1]).sum::<f64>() / volume - 1.0).abs() < 1e-9);

        let twice = plan(&outlook, &Scenario { viewers: 2.0, segment_s: Some(2.0), ..Scenario::default() }).unwrap();
        assert!((twice.total.peak.p50_kbps / now.total.peak.p50_kbps - 2.0).abs() < 1e-3);
        assert_eq!(twice.segments.unwrap().peak_requests_per_s, twice.total.peak.sessions);
    }

    #[test]
    fn a_loss_moves_load_and_keeps_the_sum() {
        let outlook = outlook();
        let now = plan(&outlook, &Scenario::default()).unwrap();
        let largest = now.groups[0].name.clone().unwrap();
        let lost =
            |names: &[&str]| Scenario { lost: names.iter().map(|&name| name.into()).collect(), ..Scenario::default() };
        let without = plan(&outlook, &lost(&[&largest, "a"])).unwrap();
        assert_eq!(without.total, now.total);
        assert!(without.groups.iter().any(|line| line.lost && line.peak.p50_kbps == 0.0));
        let sum = |plan: &Plan| plan.groups.iter().map(|line| line.egress_kbps.p50.iter().sum::<f64>()).sum::<f64>();
        assert!((sum(&without) / sum(&now) - 1.0).abs() < 1e-3);
        assert_eq!((without.pathways[0].cost[1], without.pathways[1].share), (0.0, 1.0));
        assert_eq!(plan(&outlook, &lost(&["a", "b"])), Err(ScenarioError::NothingLeft));
        assert_eq!(plan(&outlook, &lost(&["nobody"])), Err(ScenarioError::Unknown("nobody".into())));
        assert_eq!(plan(&outlook, &Scenario { viewers: f64::NAN, ..Scenario::default() }), Err(ScenarioError::Range));
    }

    #[test]
    fn saturation_is_dated() {
        let outlook = outlook();
        let peak = plan(&outlook, &Scenario::default()).unwrap().total.peak;
        let with = |capacity_kbps: f64| {
            let capacities = BTreeMap::from([(None, capacity_kbps)]);
            outlook.plan(WEEK, &Scenario::default(), &settings(), &capacities).unwrap().total.saturation.unwrap()
        };
        let tight = with(peak.p50_kbps * 0.99);
        assert!(tight.likely_s.unwrap() <= peak.at_s && tight.possible_s <= tight.likely_s, "{tight:?}");
        let between = with((peak.p50_kbps + peak.p90_kbps) / 2.0);
        assert!(between.likely_s.is_none() && between.possible_s.is_some(), "{between:?}");
        let wide = with(peak.p90_kbps * 1.1);
        assert_eq!((wide.likely_s, wide.possible_s), (None, None));
        assert!(wide.utilisation < 1.0);
    }
}
