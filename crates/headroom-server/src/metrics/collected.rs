//! What is asked for when somebody scrapes, because others count it already.

use crate::inference::Reader;
use headroom_cluster::{engines::Engines, shard::Shards};
use headroom_core::decision::Reason;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use std::sync::{Arc, Weak};

/// Reads the engines when asked, so that requests do not count twice.
#[derive(Debug)]
pub(super) struct EngineCollector {
    pub(super) shards: Weak<Shards>,
    pub(super) max_sessions: usize,
}

impl Collector for EngineCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(shards) = self.shards.upgrade() else { return Ok(()) };
        let (sessions, totals) = shards.totals();
        let gauges = [
            ("sessions", "Live sessions", sessions as i64),
            ("max_sessions", "Sessions held at most", self.max_sessions as i64),
            ("resident_memory_bytes", "Memory held by the process", resident_bytes().unwrap_or(0)),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let counters = [
            ("engine_samples", "Samples the engines took in", totals.samples),
            ("engine_ticks", "Ticks over all shards", totals.ticks),
            ("engine_reordered", "Samples older than one seen before", totals.reordered),
            ("engine_redated", "Samples dated too far ahead", totals.redated),
            ("overrides", "Overrides taken in", totals.overrides),
            ("feedback", "Messages the engines took in", totals.feedback),
            ("feedback_unheard", "Messages beyond the bound on audiences", totals.unheard),
            ("commands", "Commands of viewers carried out", totals.commands),
            ("sessions_evicted", "Sessions that made room for others", totals.evicted),
            ("sessions_expired", "Sessions that fell silent", totals.expired),
            ("emergencies", "Decisions made between ticks", totals.emergencies),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        let engines = Engines::Local(Arc::clone(&shards));
        let (table, kind) = (engines.arms(), ConstGauge::new(0_i64).metric_type());
        let mut tripped = encoder.encode_descriptor("arm_tripped", "Arms that a guardrail has stopped", None, kind)?;
        for (_, treatment) in table.treatments() {
            let label = treatment.label();
            let labels = [("arm", label.as_str())];
            ConstGauge::new(i64::from(treatment.is_tripped)).encode(tripped.encode_family(&labels)?)?;
        }
        let kind = ConstCounter::new(0_u64).metric_type();
        let mut decisions = encoder.encode_descriptor("decisions", "Decisions by reason", None, kind)?;
        for (reason, count) in Reason::ALL.into_iter().zip(totals.decisions) {
            let labels = [("reason", reason.name())];
            ConstCounter::new(count).encode(decisions.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Asks the reader of messages when asked.
pub(super) struct ReaderCollector(pub(super) Arc<dyn Reader>);

impl std::fmt::Debug for ReaderCollector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Recalled")
    }
}

impl Collector for ReaderCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counter = ConstCounter::new(self.0.recalled());
        let help = "Messages whose words had been read a short while before";
        counter.encode(encoder.encode_descriptor("messages_recalled", help, None, counter.metric_type())?)
    }
}

/// Resident set size of this process; `None` where /proc does not tell.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<i64>().ok().map(|kibibytes| kibibytes * 1024)
}
