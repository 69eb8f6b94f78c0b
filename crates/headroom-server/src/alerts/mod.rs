//! Alerts: what is wrong, and what is about to be.
//!
//! A round of the fleet becomes readings ([`signals`]), readings become alerts ([`evaluate`], pure), alerts go to
//! Alertmanager and webhooks ([`notify`], a thread of its own).

mod drift;
mod evaluate;
mod metrics;
mod notify;
mod outliers;
mod publishers;
pub mod rehearsal;
mod rules;
mod shift;
mod signals;
mod trend;
mod watch;

pub use notify::{Settings, Webhook};
pub use rules::{DEFAULT_RULES, Rule, RuleError, Severity, Signal};

pub(crate) use metrics::AlertMetrics;
pub(crate) use notify::Notifier;
pub(crate) use watch::{AlertSources, AlertView, Alerts, Silence};
