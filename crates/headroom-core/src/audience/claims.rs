//! Who complained or asked for something within the window: every author once.

use super::{Aspect, Aspects, AuthorId, Classification, Command};
use crate::time::{Duration, Timestamp};
use std::collections::VecDeque;

/// How long a claim counts: long enough for the few messages of a small chat to meet, short enough that a fault stands
/// out of ordinary talk.
pub(super) const WINDOW: Duration = Duration::from_secs(30);

/// Claimants remembered at most. More than this many different complainers in a window is as alarming as any number.
const MOST: usize = 4_096;

/// Message identifiers kept as evidence of an aspect.
pub(super) const EXAMPLES: usize = 5;

/// Claims of the window, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    recent: VecDeque<Claim>,
}

#[derive(Clone, Debug)]
struct Claim {
    author: AuthorId,
    at: Timestamp,
    /// What it complains about; empty for a mere request.
    aspects: Aspects,
    /// Confidence beyond chance, 0..=1.
    weight: f32,
    command: Option<Command>,
    id: Box<str>,
}

/// How many claim one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ClaimCount {
    /// Different authors.
    pub(super) authors: u32,
    /// The same, each as much as the classifier was sure of it.
    pub(super) weight: f64,
    /// The first of them.
    pub(super) since: Option<Timestamp>,
}

impl Claims {
    /// Takes note of a message; `vote` when its command has no session to act on. Returns the aspects that its author
    /// had not complained about within the window.
    pub(super) fn observe(
        &mut self,
        author: AuthorId,
        at: Timestamp,
        id: &str,
        reading: &Classification,
        vote: bool,
    ) -> Aspects {
        let aspects = if reading.is_complaint() { reading.aspects } else { Aspects::NONE };
        let command = reading.command.filter(|_| vote);
        if aspects.is_empty() && command.is_none() {
            return Aspects::NONE;
        }
        let weight = beyond_chance(reading);
        if let Some(known) = self.recent.iter_mut().rev().find(|claim| claim.author == author) {
            let new = aspects.iter().filter(|&aspect| !known.aspects.contains(aspect)).collect();
            known.aspects = known.aspects.iter().chain(aspects.iter()).collect();
            known.weight = known.weight.max(weight);
            known.command = command.or(known.command);
            return new;
        }
        if self.recent.len() >= MOST {
            return Aspects::NONE;
        }
        self.recent.push_back(Claim { author, at, aspects, weight, command, id: id.into() });
        aspects
    }

    /// Forgets what is older than the window.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while self.recent.front().is_some_and(|claim| now.since(claim.at) > WINDOW) {
            self.recent.pop_front();
        }
    }

    /// Who complains about `aspect`.
    pub(super) fn complaints(&self, aspect: Aspect) -> ClaimCount {
        self.count(|claim| claim.aspects.contains(aspect))
    }

    /// Who asks for what `wanted` accepts.
    pub(super) fn votes(&self, wanted: impl Fn(Command) -> bool) -> ClaimCount {
        self.count(|claim| claim.command.is_some_and(&wanted))
    }

    /// Identifiers of the first messages that complain about `aspect`.
    pub(super) fn examples(&self, aspect: Aspect) -> Vec<String> {
        let concerned = self.recent.iter().filter(|claim| claim.aspects.contains(aspect));
        concerned.take(EXAMPLES).map(|claim| claim.id.to_string()).collect()
    }

    fn count(&self, concerned: impl Fn(&Claim) -> bool) -> ClaimCount {
        let mut count = ClaimCount::default();
        for claim in self.recent.iter().filter(|claim| concerned(claim)) {
            count.authors += 1;
            count.weight += f64::from(claim.weight);
            count.since.get_or_insert(claim.at);
        }
        count
    }
}

/// Confidence of a classifier of three classes above chance: 0 at a third, 1 at certainty.
pub(super) fn beyond_chance(reading: &Classification) -> f32 {
    ((reading.confidence.get() - 1.0 / 3.0) * 1.5).max(0.0)
}
