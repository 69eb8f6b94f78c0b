//! From readings to alerts: pure, without a clock.
//!
//! Each rule and subject has a series. Beyond the threshold for `for_s` (or predicted to be, as long) it fires; regained
//! and quiet for `hold_s` it resolves. Between threshold and `clear` nothing changes: alerts do not flap.

use super::{
    rules::{Rule, Severity, Signal},
    trend::{Crossing, Trend},
};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// Series kept at most; further subjects are not watched, and counted.
const MAX_SERIES: usize = 50_000;

/// Silence after which a series is no longer the same: its trend starts anew, its alert resolves.
const GAP_S: u64 = 120;

/// What a rule may look at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SignalValue {
    pub(crate) signal: Signal,
    /// What it is about: `fleet`, `stream=…`, `bottleneck=…`, `network=…`, `edge=…`, `edge=…,network=…`.
    pub(crate) subject: String,
    /// The value of the last round, for the trend.
    pub(crate) latest: f64,
    /// The value of the last minute, for the threshold.
    pub(crate) minute: f64,
    /// Sessions behind it.
    pub(crate) sessions: f64,
    /// What is behind it, for people; empty where the value says it all.
    pub(crate) evidence: String,
}

/// Values of a series that are kept to be shown: ten minutes of rounds.
const SHOWN: usize = 60;

/// Distance of the 10 and 90 % quantiles from the mean, in deviations of the normal distribution.
const DECILE: f64 = 1.281_552;

/// How an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The threshold will likely be crossed.
    Predicted,
    /// It is crossed.
    Breached,
    /// It is over.
    Resolved,
}

/// An alert, as it is listed and sent.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct Alert {
    pub(crate) rule: String,
    pub(crate) subject: String,
    pub(crate) severity: Severity,
    pub(crate) stage: Stage,
    /// When it fired, seconds since the epoch.
    pub(crate) since_s: u64,
    /// When its stage last changed.
    pub(crate) changed_s: u64,
    pub(crate) signal: Signal,
    pub(crate) value: f64,
    pub(crate) threshold: f64,
    /// Probability of the predicted breach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probability: Option<f64>,
    /// Seconds to the predicted breach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) breach_in_s: Option<f64>,
    pub(crate) summary: String,
    /// What it was concluded from, where the value does not say it all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) evidence: String,
}

/// The way an alert's value has gone, and where it is heading.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct Track {
    /// Seconds from one value to the next.
    pub(crate) step_s: f64,
    /// When the last value was taken, seconds since the epoch.
    pub(crate) last_s: u64,
    /// Values of the last ten minutes at most, oldest first.
    pub(crate) values: Vec<f32>,
    /// What follows them as far as the rule looks ahead: 10, 50 and 90 %.
    pub(crate) ahead: Vec<[f64; 3]>,
}

#[derive(Debug, Default)]
struct Series {
    trend: Trend,
    recent: VecDeque<f32>,
    last_s: u64,
    /// Since when it has been beyond the threshold, or predicted to be.
    breached_since: Option<u64>,
    predicted_since: Option<u64>,
    /// Since when all has been well.
    well_since: Option<u64>,
    alert: Option<Alert>,
}

/// All rules and what they have seen.
#[derive(Debug)]
pub(crate) struct Evaluator {
    rules: Vec<Rule>,
    series: BTreeMap<(usize, String), Series>,
    /// Seconds from one round to the next.
    step_s: f64,
}

impl Evaluator {
    pub(crate) fn new(rules: Vec<Rule>, step_s: f64) -> Self {
        Self { rules, series: BTreeMap::new(), step_s }
    }

    /// Names of the rules.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }

    /// Takes in the readings of a round; returns the alerts whose stage changed.
    pub(crate) fn observe(&mut self, at_s: u64, readings: &[SignalValue]) -> Vec<Alert> {
        let mut changed = Vec::new();
        for reading in readings.iter().filter(|reading| reading.latest.is_finite() && reading.minute.is_finite()) {
            for (index, rule) in self.rules.iter().enumerate() {
                if rule.signal != reading.signal || reading.sessions < rule.min_sessions {
                    continue;
                }
                let key = (index, reading.subject.clone());
                if self.series.len() >= MAX_SERIES && !self.series.contains_key(&key) {
                    continue;
                }
                changed.extend(self.series.entry(key).or_default().observe(rule, at_s, reading, self.step_s));
            }
        }
        for ((index, _), series) in &mut self.series {
            if at_s.saturating_sub(series.last_s) >= GAP_S.max(self.rules[*index].hold_s) {
                changed.extend(series.resolve(at_s));
            }
        }
        self.series.retain(|_, series| at_s.saturating_sub(series.last_s) < 2 * GAP_S || series.alert.is_some());
        changed
    }

    /// Alerts that are not over, and how they came about.
    pub(crate) fn tracked(&self) -> impl Iterator<Item = (&Alert, Track)> {
        self.series.iter().filter_map(|((rule, _), series)| {
            Some((series.alert.as_ref()?, series.track(&self.rules[*rule], self.step_s)))
        })
    }

    /// Alerts that are not over.
    pub(crate) fn firing(&self) -> impl Iterator<Item = &Alert> {
        self.series.values().filter_map(|series| series.alert.as_ref())
    }
}

impl Series {
    fn observe(&mut self, rule: &Rule, at_s: u64, reading: &SignalValue, step_s: f64) -> Option<Alert> {
        if at_s.saturating_sub(self.last_s) >= GAP_S {
            (self.trend, self.breached_since, self.predicted_since) = (Trend::default(), None, None);
            self.recent.clear();
        }
        if self.recent.len() == SHOWN {
            self.recent.pop_front();
        }
        self.recent.push_back(reading.latest as f32);
        self.last_s = at_s;
        let sign = rule.sign();
        let (value, threshold) = (sign * reading.minute, sign * rule.threshold());
        self.trend.observe(sign * reading.latest);
        let horizon = (rule.predict_s as f64 / step_s) as u32;
        let crossing = (horizon > 0).then(|| self.trend.crossing(threshold, horizon)).flatten();
        let crossing = crossing.filter(|crossing| crossing.probability >= rule.probability);

        let since = |since: Option<u64>, holds: bool| holds.then(|| since.unwrap_or(at_s));
        self.breached_since = since(self.breached_since, value >= threshold);
        self.predicted_since = since(self.predicted_since, crossing.is_some());
        let lasting = |since: Option<u64>| since.is_some_and(|since| at_s - since >= rule.for_s);
        let stage = match (lasting(self.breached_since), lasting(self.predicted_since)) {
            (true, _) => Some(Stage::Breached),
            (false, true) => Some(Stage::Predicted),
            (false, false) => None,
        };
        self.well_since = since(self.well_since, value <= sign * rule.clear && crossing.is_none());
        match (&mut self.alert, stage) {
            (None, Some(stage)) => {
                let alert = alert(rule, reading, stage, at_s, crossing, step_s);
                self.alert = Some(alert.clone());
                Some(alert)
            }
            (Some(alert), stage) => {
                alert.value = reading.minute;
                alert.breach_in_s = crossing.map(|crossing| crossing.steps * step_s);
                if stage == Some(Stage::Breached) && alert.stage == Stage::Predicted {
                    (alert.stage, alert.changed_s) = (Stage::Breached, at_s);
                    return Some(alert.clone());
                }
                let well = self.well_since.is_some_and(|since| at_s - since >= rule.hold_s);
                if well { self.resolve(at_s) } else { None }
            }
            (None, None) => None,
        }
    }

    fn track(&self, rule: &Rule, step_s: f64) -> Track {
        let sign = rule.sign();
        let steps = (rule.predict_s as f64 / step_s) as u32;
        // A mirrored series has its low end where the value is high.
        let quantiles = |(mean, deviation): (f64, f64)| [-DECILE, 0.0, DECILE].map(|at| sign * mean + at * deviation);
        let ahead = (1..=steps.min(SHOWN as u32)).filter_map(|step| self.trend.ahead(step)).map(quantiles);
        Track { step_s, last_s: self.last_s, values: self.recent.iter().copied().collect(), ahead: ahead.collect() }
    }

    fn resolve(&mut self, at_s: u64) -> Option<Alert> {
        let mut over = self.alert.take()?;
        (over.stage, over.changed_s) = (Stage::Resolved, at_s);
        (over.probability, over.breach_in_s) = (None, None);
        Some(over)
    }
}

fn alert(
    rule: &Rule,
    reading: &SignalValue,
    stage: Stage,
    at_s: u64,
    crossing: Option<Crossing>,
    step_s: f64,
) -> Alert {
    let crossing = crossing.filter(|_| stage == Stage::Predicted);
    Alert {
        rule: rule.name.clone(),
        subject: reading.subject.clone(),
        severity: rule.severity,
        stage,
        since_s: at_s,
        changed_s: at_s,
        signal: rule.signal,
        value: reading.minute,
        threshold: rule.threshold(),
        probability: crossing.map(|crossing| crossing.probability),
        breach_in_s: crossing.map(|crossing| crossing.steps * step_s),
        summary: rule.summary.clone(),
        evidence: reading.evidence.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluator() -> Evaluator {
        Evaluator::new(Rule::load(std::path::Path::new("")).unwrap(), 10.0)
    }

    /// Stages an alert goes through when `values` come in every 10 s, with the round of each.
    fn stages(values: impl IntoIterator<Item = f64>) -> Vec<(usize, Stage)> {
        let mut evaluator = evaluator();
        let mut stages = Vec::new();
        for (round, value) in values.into_iter().enumerate() {
            let subject = "stream=a".to_owned();
            let reading = SignalValue {
                signal: Signal::StallRatio,
                subject,
                latest: value,
                minute: value,
                sessions: 100.0,
                evidence: String::new(),
            };
            let changed = evaluator.observe(1_000 + round as u64 * 10, &[reading]);
            stages.extend(changed.into_iter().map(|alert| (round, alert.stage)));
        }
        stages
    }

    #[test]
    fn fires_after_for_resolves_after_hold_and_does_not_flap() {
        let steady = |value: f64, rounds: usize| std::iter::repeat_n(value, rounds);
        assert_eq!(stages(steady(0.001, 100)), []);
        assert_eq!(stages(steady(0.001, 30).chain(steady(0.05, 1)).chain(steady(0.001, 30))), [], "too short");
        let breach = steady(0.001, 30).chain(steady(0.05, 20));
        // Between clear and threshold nothing changes, however long.
        let flapping = (0..60).map(|round| if round % 2 == 0 { 0.015 } else { 0.025 });
        let whole = breach.chain(flapping).chain(steady(0.001, 60));
        let stages = stages(whole);
        assert_eq!(stages.len(), 2, "{stages:?}");
        assert_eq!(stages[0], (32, Stage::Breached));
        assert!(stages[1].0 >= 110 + 18 && stages[1].1 == Stage::Resolved, "{stages:?}");
    }

    #[test]
    fn a_ramp_is_predicted_before_it_breaches() {
        let stages = stages((0..40).map(|_| 0.001).chain((0..60).map(|round| 0.001 + f64::from(round) * 0.0005)));
        let [(first, Stage::Predicted), (second, Stage::Breached)] = stages[..] else { panic!("{stages:?}") };
        assert!(second - first >= 6, "a minute of warning: {stages:?}");
    }

    #[test]
    fn an_alert_shows_where_it_comes_from_and_where_it_goes() {
        let mut evaluator = evaluator();
        for round in 0..100_u32 {
            let score = 4.2 - f64::from(round.saturating_sub(40)) * 0.02;
            let subject = "stream=a".to_owned();
            let reading = SignalValue {
                signal: Signal::OpinionScore,
                subject,
                latest: score,
                minute: score,
                sessions: 100.0,
                evidence: String::new(),
            };
            evaluator.observe(u64::from(round) * 10, &[reading]);
            if let Some((alert, track)) = evaluator.tracked().next() {
                assert_eq!((alert.stage, track.last_s), (Stage::Predicted, u64::from(round) * 10));
                assert_eq!((track.values.len(), track.ahead.len()), (60.min(round as usize + 1), 30));
                let [low, likely, high] = track.ahead[29];
                assert!(low < likely && likely < high && likely < alert.threshold, "{track:?}");
                assert!((track.values.last().copied().map(f64::from).unwrap() - score).abs() < 1e-6);
                return;
            }
        }
        panic!("never predicted");
    }

    #[test]
    fn a_series_that_ends_resolves_and_is_forgotten() {
        let mut evaluator = evaluator();
        let reading = SignalValue {
            signal: Signal::StallRatio,
            subject: "stream=a".into(),
            latest: 0.5,
            minute: 0.5,
            sessions: 100.0,
            evidence: String::new(),
        };
        for round in 0..10 {
            evaluator.observe(round * 10, std::slice::from_ref(&reading));
        }
        assert_eq!(evaluator.firing().count(), 1);
        let few = SignalValue { sessions: 3.0, ..reading };
        assert_eq!(evaluator.observe(400, &[few])[0].stage, Stage::Resolved);
        evaluator.observe(1_000, &[]);
        assert!(evaluator.series.is_empty());
    }
}
