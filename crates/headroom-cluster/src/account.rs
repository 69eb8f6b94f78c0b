//! What sessions went through, by arm: what steering is judged by.
//!
//! Each session keeps sums over its life ([`Account`]); those of an arm are made of them anew at every round, with what sessions that
//! have ended left behind. A session is one unit, so every metric is a ratio of two sums over sessions and its variance comes from how
//! sessions differ, not from how often they were looked at (delta method; Deng, Knoblich, Lu 2018).

use crate::arms::ArmId;
use headroom_core::{
    decision::Reason,
    experiment::Metric,
    session::{Snapshot, Summary},
    statistics::Moments,
    time::{Duration, Timestamp},
};
use std::collections::BTreeMap;

/// Longest time between two rounds that counts as played: a session that was silent for longer may have been away.
const LONGEST_GAP: Duration = Duration::from_secs(30);

/// What one session went through, added to at every round.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Account {
    /// How far it has been taken in; the epoch before the first round.
    last_seen: Timestamp,
    stalled_before_ms: u32,
    starvations_before: u16,
    watched_s: f32,
    stalled_s: f32,
    stalls: u16,
    /// Time played at a known rung, and logarithm of the rung's bit rate over 100 kbit/s × that time.
    played_s: f32,
    log_rate_s: f32,
    latency_s2: f32,
    played_mbit: f32,
    rung_kbps: u32,
    cap_kbps: u32,
    switches: u16,
    /// Rounds in which the rung fetched last lay within a cap that had stood since the round before, and above it.
    obeyed: u16,
    ignored: u16,
    /// The same while nothing was told: what the player did by itself.
    agreed: u16,
    differed: u16,
    /// Of the rounds in which it differed: bit rate of the cap and of the rung, kbit/s.
    differing_kbps: (f32, f32),
    /// Risk of a stall in those rounds, in per cent.
    differing_risk: f32,
    reason: u8,
}

impl Account {
    /// Takes in the state of a session. `told`: whether decisions reach it.
    pub fn observe(&mut self, snapshot: &Snapshot, told: bool) {
        let stalled_ms = u32::try_from(snapshot.stalled.as_millis()).unwrap_or(u32::MAX);
        let passed = self.progress(snapshot.started, snapshot.last_seen, stalled_ms, snapshot.starvations);
        self.reason = snapshot.reason as u8;
        let Some(rung) = snapshot.playing else { return };
        let kbps = rung.as_kbps();
        let rung_kbps = kbps.round() as u32;
        self.played_s += passed;
        self.log_rate_s += (kbps / 100.0).max(1.0).ln() as f32 * passed;
        self.played_mbit += (kbps / 1_000.0) as f32 * passed;
        if let Some(latency) = snapshot.live_latency {
            self.latency_s2 += latency.as_secs_f64() as f32 * passed;
        }
        self.switches = self.switches.saturating_add(u16::from(self.rung_kbps != 0 && self.rung_kbps != rung_kbps));
        self.rung_kbps = rung_kbps;
        let cap_kbps = snapshot.max_bitrate.map_or(0, |cap| cap.as_kbps().round() as u32);
        // A cap of this very round may not have reached the segment that was fetched last.
        if cap_kbps != 0 && cap_kbps == self.cap_kbps && passed > 0.0 {
            let within = rung_kbps <= cap_kbps;
            let count = match (told, within) {
                (true, true) => &mut self.obeyed,
                (true, false) => &mut self.ignored,
                (false, true) => &mut self.agreed,
                (false, false) => &mut self.differed,
            };
            *count = count.saturating_add(1);
            if !told && !within {
                self.differing_kbps.0 += cap_kbps as f32;
                self.differing_kbps.1 += rung_kbps as f32;
                self.differing_risk += snapshot.stall_risk.get() * 100.0;
            }
        }
        self.cap_kbps = cap_kbps;
    }

    /// Takes in what happened between the last round and the end of the session.
    pub fn end(&mut self, summary: &Summary) {
        let stalled_ms = u32::try_from(summary.stalled.as_millis()).unwrap_or(u32::MAX);
        self.progress(summary.started, summary.last_seen, stalled_ms, summary.starvations);
    }

    /// Whether anything was watched.
    pub(crate) const fn has_begun(&self) -> bool {
        self.watched_s > 0.0
    }

    /// Begins anew from here: the session came into another arm.
    pub(crate) fn restart(&mut self) {
        let Self { last_seen, stalled_before_ms, starvations_before, .. } = *self;
        *self = Self { last_seen, stalled_before_ms, starvations_before, ..Self::default() };
    }

    /// Times that the player kept to a cap it was told, and that it did not.
    pub const fn obedience(&self) -> (u16, u16) {
        (self.obeyed, self.ignored)
    }

    /// Adds what is new since the last time; returns the seconds watched.
    fn progress(&mut self, started: Timestamp, last_seen: Timestamp, stalled_ms: u32, starvations: u16) -> f32 {
        let passed = last_seen.since(self.last_seen.max(started)).min(LONGEST_GAP).as_secs_f64() as f32;
        self.watched_s += passed;
        self.stalled_s += stalled_ms.saturating_sub(self.stalled_before_ms) as f32 / 1_000.0;
        self.stalls = self.stalls.saturating_add(starvations.saturating_sub(self.starvations_before));
        (self.last_seen, self.stalled_before_ms, self.starvations_before) = (last_seen, stalled_ms, starvations);
        passed
    }

    /// Numerator and denominator of a metric; `None` for what is not counted here.
    pub fn ratio(&self, metric: Metric) -> Option<(f64, f64)> {
        let of = |above: f32, below: f32| Some((f64::from(above), f64::from(below)));
        match metric {
            Metric::StallRatio => of(self.stalled_s, self.watched_s),
            Metric::StallEvents => of(f32::from(self.stalls), self.watched_s / 3_600.0),
            Metric::LogQuality => of(self.log_rate_s, self.played_s),
            Metric::PlayTime => of(self.watched_s, 1.0),
            Metric::Latency => of(self.latency_s2, self.played_s),
            Metric::Switches => of(f32::from(self.switches), self.played_s / 60.0),
            Metric::Egress => of(self.played_mbit, self.played_s),
            Metric::StartTime | Metric::FatalErrors | Metric::StartFailures | Metric::Cost => None,
        }
    }
}

/// Metrics that are counted for every arm, in the order of a report.
pub const COUNTED: [Metric; 7] = [
    Metric::StallRatio,
    Metric::StallEvents,
    Metric::LogQuality,
    Metric::PlayTime,
    Metric::Latency,
    Metric::Switches,
    Metric::Egress,
];

/// What the sessions of one arm went through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArmSums {
    /// Sessions, live and ended.
    pub sessions: u64,
    /// Of these, those whose players report nothing: they are measured by their transfers, and cannot report a stall.
    pub silent: u64,
    /// In the order of [`COUNTED`].
    pub ratios: [Moments; COUNTED.len()],
    /// Rounds in which a player kept to a cap that it was told.
    pub obeyed: u64,
    /// Rounds in which it did not.
    pub ignored: u64,
    /// Rounds in which a player stayed within a cap that it was not told.
    pub agreed: u64,
    /// Rounds in which it did not.
    pub differed: u64,
    /// Sessions for which anything would have changed.
    pub touched: u64,
    /// Sum of the caps over the rounds that differed, kbit/s.
    pub differing_cap_kbps: f64,
    /// Sum of the rungs played over the same, kbit/s.
    pub differing_played_kbps: f64,
    /// Sum of the risks of a stall over the same, each 0 to 1.
    pub differing_risk: f64,
    /// Sessions by the reason of their latest decision, in the order of [`Reason::ALL`].
    pub reasons: [u64; Reason::ALL.len()],
}

impl ArmSums {
    fn add(&mut self, account: &Account, reports: bool) {
        self.sessions += 1;
        self.reasons[usize::from(account.reason).min(Reason::ALL.len() - 1)] += 1;
        self.obeyed += u64::from(account.obeyed);
        self.ignored += u64::from(account.ignored);
        self.agreed += u64::from(account.agreed);
        self.differed += u64::from(account.differed);
        self.touched += u64::from(account.differed > 0);
        self.differing_cap_kbps += f64::from(account.differing_kbps.0);
        self.differing_played_kbps += f64::from(account.differing_kbps.1);
        self.differing_risk += f64::from(account.differing_risk) / 100.0;
        if !reports {
            self.silent += 1;
            return;
        }
        for (sums, metric) in self.ratios.iter_mut().zip(COUNTED) {
            // What has no denominator has not begun.
            if let Some((above, below)) = account.ratio(metric).filter(|&(_, below)| below > 0.0) {
                sums.add(above, below, 0.0);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.silent += other.silent;
        self.ratios.iter_mut().zip(&other.ratios).for_each(|(sums, more)| sums.merge(more));
        self.reasons.iter_mut().zip(other.reasons).for_each(|(sum, more)| *sum += more);
        self.obeyed += other.obeyed;
        self.ignored += other.ignored;
        self.agreed += other.agreed;
        self.differed += other.differed;
        self.touched += other.touched;
        self.differing_cap_kbps += other.differing_cap_kbps;
        self.differing_played_kbps += other.differing_played_kbps;
        self.differing_risk += other.differing_risk;
    }
}

/// What the sessions of every arm went through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArmAccounts {
    arms: BTreeMap<ArmId, ArmSums>,
}

impl ArmAccounts {
    /// What the sessions of an arm went through.
    pub fn of(&self, arm: ArmId) -> ArmSums {
        self.arms.get(&arm).cloned().unwrap_or_default()
    }

    /// Over all arms.
    pub fn total(&self) -> ArmSums {
        let mut total = ArmSums::default();
        self.arms.values().for_each(|sums| total.merge(sums));
        total
    }

    /// Adds a session; `reports`: its player reports for itself.
    pub fn add(&mut self, arm: ArmId, account: &Account, reports: bool) {
        self.arms.entry(arm).or_default().add(account, reports);
    }

    /// Adds other sessions.
    pub fn merge(&mut self, other: &Self) {
        other.arms.iter().for_each(|(&arm, sums)| self.arms.entry(arm).or_default().merge(sums));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(at_s: u64, stalled_ms: u64, starvations: u16) -> Summary {
        Summary {
            started: Timestamp::from_millis(1_000_000),
            last_seen: Timestamp::from_millis(1_000_000 + at_s * 1_000),
            mos: None,
            starvations,
            stalled: Duration::from_millis(stalled_ms),
        }
    }

    #[test]
    fn a_session_is_one_unit_however_often_it_is_looked_at() {
        let mut account = Account::default();
        for (at_s, stalled_ms, stalls) in [(10, 0, 0), (20, 500, 1), (20, 500, 1), (29, 2_000, 2)] {
            account.end(&summary(at_s, stalled_ms, stalls));
        }
        assert_eq!(account.ratio(Metric::StallRatio), Some((2.0, 29.0)));
        let mut arms = ArmAccounts::default();
        arms.add(ArmId(2), &account, true);
        arms.add(ArmId(2), &account, false);
        let sums = arms.of(ArmId(2));
        assert_eq!(
            (sums.sessions, sums.silent, sums.ratios[0].units()),
            (2, 1, 1.0),
            "who reports nothing is in no metric"
        );
        // In another arm only what comes after counts.
        account.restart();
        account.end(&summary(39, 2_500, 2));
        assert_eq!(account.ratio(Metric::StallRatio), Some((0.5, 10.0)));
    }
}
