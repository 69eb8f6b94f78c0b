//! Days are planned, played and judged.

use super::{
    days::{self, DAY_S, STREAMS, play},
    incident::{Incident, IncidentKind},
};
use crate::{alerts::rules::Rule, random::Random};
use headroom_core::statistics;
use serde::Serialize;
use std::collections::BTreeMap;

/// The consequences of an incident fade: an alert within this time after it is not a false one.
const AFTERMATH_S: u64 = 600;

/// What came of a kind of incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindResult {
    /// Which kind.
    pub kind: IncidentKind,
    /// Incidents put in.
    pub injected: usize,
    /// Those that the right rule told of, about the right stream, network or edge, before they were over.
    pub detected: usize,
    /// Median time from the first alert to the true value's crossing of the threshold, s; negative when the alert came
    /// later. For a sudden incident the crossing is its start.
    pub median_lead_s: f64,
}

/// What came of it all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rehearsal {
    /// By kind.
    pub kinds: Vec<KindResult>,
    /// Share of all incidents that were told of.
    pub detection: f64,
    /// Median lead over the incidents that come gradually, s.
    pub ramp_lead_s: f64,
    /// Days with incidents.
    pub incident_days: u64,
    /// Pages on those days that no incident explains.
    pub unexplained_pages: usize,
    /// Days without any.
    pub quiet_days: u64,
    /// Pages on quiet days.
    pub false_pages: usize,
    /// The same by rule.
    pub false_pages_by_rule: BTreeMap<String, usize>,
}

/// Plays `incidents` incidents of all kinds in turn, one every four hours, then `quiet_days` quiet days.
#[must_use]
pub fn rehearse(rules: &[Rule], seed: u64, incidents: usize, quiet_days: u64) -> Rehearsal {
    let mut random = Random::new(seed);
    let planned: Vec<Incident> = (0..incidents).map(|index| plan(index, &mut random)).collect();
    let incident_days = (incidents as u64 * 4 * 3_600).div_ceil(DAY_S) + 1;
    let pages = play(rules, &planned, incident_days * DAY_S, &mut random);
    let explains = |incident: &Incident, at_s: u64| (incident.starts_s..incident.ends_s + AFTERMATH_S).contains(&at_s);
    let unexplained = pages.iter().filter(|page| !planned.iter().any(|incident| explains(incident, page.at_s))).count();

    let mut leads = BTreeMap::<IncidentKind, Vec<Option<f64>>>::new();
    for incident in &planned {
        let told = pages.iter().find(|page| incident.is_told_by(page));
        let crossing_s = crossing(incident, rules) as f64;
        leads.entry(incident.kind).or_default().push(told.map(|page| crossing_s - page.at_s as f64));
    }
    let kinds = leads.iter().map(|(&kind, leads)| KindResult {
        kind,
        injected: leads.len(),
        detected: leads.iter().flatten().count(),
        median_lead_s: median(leads.iter().flatten().copied().collect()),
    });
    let kinds: Vec<KindResult> = kinds.collect();
    let ramps = leads.iter().filter(|(kind, _)| kind.is_ramp()).flat_map(|(_, leads)| leads);
    // An incident without an alert has no lead.
    let ramp_lead_s = median(ramps.map(|lead| lead.unwrap_or(0.0)).collect());

    let quiet = play(rules, &[], quiet_days * DAY_S, &mut random);
    let mut false_pages_by_rule = BTreeMap::new();
    quiet.iter().for_each(|page| *false_pages_by_rule.entry(page.rule.clone()).or_default() += 1);
    Rehearsal {
        detection: kinds.iter().map(|kind| kind.detected).sum::<usize>() as f64 / incidents.max(1) as f64,
        kinds,
        ramp_lead_s,
        incident_days,
        unexplained_pages: unexplained,
        quiet_days,
        false_pages: quiet.len(),
        false_pages_by_rule,
    }
}

fn plan(index: usize, random: &mut Random) -> Incident {
    let kind = IncidentKind::ALL[index % IncidentKind::ALL.len()];
    let minutes = |from: f64, to: f64, random: &mut Random| ((from + (to - from) * random.uniform()) * 60.0) as u64;
    let ramp_s = match kind {
        IncidentKind::Saturation => minutes(15.0, 30.0, random),
        _ if kind.is_ramp() => minutes(6.0, 15.0, random),
        _ => 0,
    };
    // The first hours belong to warming up; then anywhere in a window of four hours.
    let starts_s = (index as u64 + 1) * 4 * 3_600 + minutes(0.0, 150.0, random);
    let stream = 1 + (random.uniform() * STREAMS as f64) as u64;
    // A new level is one only once it lasts.
    let lasts_s = match kind {
        IncidentKind::Shift | IncidentKind::Dimming => minutes(20.0, 40.0, random),
        // The mildest takes eight minutes to lose two seconds.
        IncidentKind::Drift => minutes(10.0, 20.0, random),
        _ => minutes(4.0, 8.0, random),
    };
    Incident { kind, stream, starts_s, ramp_s, ends_s: starts_s + ramp_s + lasts_s, size: random.uniform() }
}

/// When the value without noise crosses the threshold of its rule.
fn crossing(incident: &Incident, rules: &[Rule]) -> u64 {
    if !incident.kind.is_ramp() {
        return incident.starts_s;
    }
    let Some(rule) = rules.iter().find(|rule| incident.kind.rules().contains(&rule.name.as_str())) else {
        return incident.ends_s;
    };
    let beyond = |at_s: &u64| {
        let severity = incident.severity(*at_s);
        let value = days::true_value(incident.kind, *at_s, severity);
        rule.sign() * value >= rule.sign() * rule.threshold()
    };
    (incident.starts_s..incident.ends_s).step_by(days::STEP_S as usize).find(beyond).unwrap_or(incident.ends_s)
}

fn median(mut values: Vec<f64>) -> f64 {
    statistics::median(&mut values, f64::total_cmp).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published table comes from `headroom bench alerts`; this keeps the rules from decaying unseen.
    #[test]
    fn the_default_rules_tell_of_incidents_and_let_people_sleep() {
        let rules = Rule::load(std::path::Path::new("")).unwrap();
        let rehearsal = rehearse(&rules, 3, IncidentKind::ALL.len(), 1);
        assert_eq!(rehearsal.kinds.len(), IncidentKind::ALL.len());
        assert!(rehearsal.detection >= 0.9, "{rehearsal:?}");
        assert!(rehearsal.ramp_lead_s > 0.0, "{rehearsal:?}");
        assert!(rehearsal.false_pages <= 1, "{rehearsal:?}");
    }
}
