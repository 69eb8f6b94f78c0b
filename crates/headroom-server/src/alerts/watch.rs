//! The alerts of a running server: every round is evaluated; changes are kept, sent and listed.

use super::{
    evaluate::{Alert, Evaluator, Stage, Track},
    metrics::AlertMetrics,
    notify::{NotificationBatch, Notifier},
    rules::Rule,
    signals::{Names, SignalInputs, Signals},
};
use crate::{
    feedback::Feedback,
    fleet::FleetSnapshot,
    history::{Entry, History, Transition},
    places::Places,
    stream::Streams,
};
use headroom_cluster::{bottleneck::Bottlenecks, engines::Engines, lock::locked};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Silences in force at most.
const MAX_SILENCES: usize = 1_000;

/// How often alerts that stand are repeated to Alertmanager, s.
const REPEAT_S: u64 = 60;

/// All that is wrong at the moment.
pub(crate) struct Alerts {
    judged: Mutex<AlertState>,
    notifier: Option<Notifier>,
    history: Option<Arc<History>>,
    metrics: AlertMetrics,
}

struct AlertState {
    signals: Signals,
    evaluator: Evaluator,
    silences: Vec<Silence>,
    repeated_s: u64,
}

/// Alerts nobody wants to hear of for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Silence {
    /// Of this rule; absent: of all.
    #[serde(default)]
    pub(crate) rule: Option<String>,
    /// About this; absent: about all.
    #[serde(default)]
    pub(crate) subject: Option<String>,
    /// Until when, seconds since the epoch.
    pub(crate) until_s: u64,
}

impl Silence {
    fn covers(&self, alert: &Alert, now_s: u64) -> bool {
        let named = |name: &Option<String>, value: &str| name.as_ref().is_none_or(|name| name == value);
        now_s < self.until_s && named(&self.rule, &alert.rule) && named(&self.subject, &alert.subject)
    }
}

/// An alert as the API lists it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = ListedAlert)]
pub(crate) struct AlertView {
    #[serde(flatten)]
    alert: Alert,
    silenced: bool,
    track: Track,
}

/// What a round is read together with.
pub(crate) struct AlertSources {
    pub(crate) engines: Engines,
    pub(crate) streams: Arc<Streams>,
    pub(crate) bottlenecks: Arc<Bottlenecks>,
    pub(crate) places: Arc<Places>,
    pub(crate) feedback: Arc<Feedback>,
    /// Seconds from one round to the next.
    pub(crate) step_s: f64,
}

impl Alerts {
    pub(crate) fn new(
        rules: Vec<Rule>,
        step_s: f64,
        notifier: Option<Notifier>,
        history: Option<Arc<History>>,
        metrics: AlertMetrics,
    ) -> Self {
        let evaluator = Evaluator::new(rules, step_s);
        let judged = AlertState { signals: Signals::default(), evaluator, silences: Vec::new(), repeated_s: 0 };
        Self { judged: Mutex::new(judged), notifier, history, metrics }
    }

    /// Judges every round until `shutdown`.
    pub(crate) async fn run(
        self: Arc<Self>,
        mut rounds: watch::Receiver<Arc<FleetSnapshot>>,
        around: AlertSources,
        shutdown: CancellationToken,
    ) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                changed = rounds.changed() => if changed.is_err() { return },
            }
            let round = Arc::clone(&rounds.borrow_and_update());
            self.judge(&round, &around);
        }
    }

    fn judge(&self, round: &FleetSnapshot, around: &AlertSources) {
        let at_s = round.at.as_secs();
        let lag = if round.span_s > 0.0 { round.span_s / around.step_s } else { 1.0 };
        let name = |stream| around.streams.name(stream).unwrap_or_else(|| format!("{:016x}", stream.0));
        let talked_about = around.feedback.names().into_iter();
        let audiences: Vec<_> =
            talked_about.filter_map(|name| Some((name.clone(), around.feedback.audience(&name)?.0))).collect();
        let seen = SignalInputs {
            round,
            encoders: &around.engines.encoders(),
            bottlenecks: &around.bottlenecks.listed(),
            audiences: &audiences,
            lag_ratio: lag,
            names: Names { stream: &name, places: &around.places },
        };
        let mut judged = locked(&self.judged);
        let AlertState { signals, evaluator, silences, repeated_s } = &mut *judged;
        let readings = signals.read(&seen);
        let changed = evaluator.observe(at_s, &readings);
        silences.retain(|silence| at_s < silence.until_s);
        let heard = |alert: &Alert| !silences.iter().any(|silence| silence.covers(alert, at_s));
        let repeat = at_s.saturating_sub(*repeated_s) >= REPEAT_S;
        if repeat {
            *repeated_s = at_s;
        }
        let firing: Vec<Alert> = evaluator.firing().filter(|alert| repeat && heard(alert)).cloned().collect();
        self.metrics.firing.set(evaluator.firing().count() as i64);
        for alert in &changed {
            tracing::warn!(rule = alert.rule, subject = ?alert.subject, stage = ?alert.stage, value = alert.value, "alert");
            if let Some(history) = &self.history {
                history.keep(Entry::Transition(transition(alert)));
            }
        }
        let changed: Vec<Alert> = changed.into_iter().filter(heard).collect();
        if let Some(notifier) = &self.notifier
            && !(changed.is_empty() && firing.is_empty())
            && !notifier.tell(NotificationBatch { changed, firing })
        {
            self.metrics.failed.inc();
        }
    }

    /// All alerts that are not over.
    pub(crate) fn listed(&self, now_s: u64) -> Vec<AlertView> {
        let judged = locked(&self.judged);
        let silenced = |alert: &Alert| judged.silences.iter().any(|silence| silence.covers(alert, now_s));
        let listed =
            |(alert, track): (&Alert, Track)| AlertView { silenced: silenced(alert), alert: alert.clone(), track };
        judged.evaluator.tracked().map(listed).collect()
    }

    /// Names of the rules.
    pub(crate) fn rules(&self) -> Vec<String> {
        let judged = locked(&self.judged);
        judged.evaluator.names().map(str::to_owned).collect()
    }

    /// Silences in force.
    pub(crate) fn silences(&self, now_s: u64) -> Vec<Silence> {
        let judged = locked(&self.judged);
        judged.silences.iter().filter(|silence| now_s < silence.until_s).cloned().collect()
    }

    /// Adds a silence or changes how long it lasts; false when there are too many.
    pub(crate) fn silence(&self, silence: Silence) -> bool {
        let mut judged = locked(&self.judged);
        judged.silences.retain(|known| (&known.rule, &known.subject) != (&silence.rule, &silence.subject));
        let room = judged.silences.len() < MAX_SILENCES;
        if room {
            judged.silences.push(silence);
        }
        room
    }
}

fn transition(alert: &Alert) -> Transition {
    let stage = match alert.stage {
        Stage::Predicted => "predicted",
        Stage::Breached => "breached",
        Stage::Resolved => crate::history::RESOLVED,
    };
    Transition {
        at_s: alert.changed_s,
        rule: alert.rule.clone(),
        subject: alert.subject.clone(),
        state: stage.to_owned(),
        value: alert.value,
        detail: serde_json::to_string(alert).unwrap_or_default(),
    }
}
