//! Counters of everything that happened. Nothing is dropped without a count.

use crate::decision::Reason;
use serde::Serialize;
use std::ops::AddAssign;

/// Totals since the engine started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Reports taken in.
    pub samples: u64,
    /// Ticks taken in.
    pub ticks: u64,
    /// Overrides taken in.
    pub overrides: u64,
    /// Reports older than one already seen of the same session: ignored.
    pub reordered: u64,
    /// Reports dated too far ahead: dated to the last tick.
    pub redated: u64,
    /// Sessions that made room for others.
    pub evicted: u64,
    /// Sessions that fell silent.
    pub expired: u64,
    /// Decisions made between ticks.
    pub emergencies: u64,
    /// Messages of viewers taken in.
    pub feedback: u64,
    /// Messages of streams beyond the bound on audiences: dropped.
    pub unheard: u64,
    /// Commands carried out.
    pub commands: u64,
    /// Decisions by reason, in the order of [`Reason::ALL`].
    pub decisions: [u64; Reason::ALL.len()],
}

impl Counters {
    pub(super) fn decided(&mut self, reason: Reason) {
        self.decisions[reason as usize] += 1;
    }
}

impl AddAssign<&Self> for Counters {
    /// Adds the totals of another engine.
    fn add_assign(&mut self, other: &Self) {
        // Every field is named, so that a new one cannot be forgotten here.
        let Self {
            samples,
            ticks,
            overrides,
            reordered,
            redated,
            evicted,
            expired,
            emergencies,
            feedback,
            unheard,
            commands,
            decisions,
        } = other;
        self.samples += samples;
        self.ticks += ticks;
        self.overrides += overrides;
        self.reordered += reordered;
        self.redated += redated;
        self.evicted += evicted;
        self.expired += expired;
        self.emergencies += emergencies;
        self.feedback += feedback;
        self.unheard += unheard;
        self.commands += commands;
        for (total, more) in self.decisions.iter_mut().zip(decisions) {
            *total += more;
        }
    }
}
