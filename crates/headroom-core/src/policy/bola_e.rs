//! BOLA-E: BOLA with a virtual placeholder buffer, so that it works from the first segment and with short buffers.
//!
//! Spiteri, Sitaraman, Sparacio: "From Theory to Practice: Improving Bitrate Adaptation in the DASH Reference
//! Player", MMSys 2018, §4; parameters and the rule against insufficient buffer as in sabre and dash.js `BolaRule`.

use super::measured::{self, ThroughputEstimate};
use super::states::{BolaEMemory, VirtualBuffer};
use super::{Delivery, Evidence, Policy, Progress, Proposal, Tuning, View};
use crate::{
    decision::Reason,
    ladder::{Ladder, RungIndex},
    time::Duration,
};

/// BOLA with a placeholder buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BolaE {
    /// Time to the first byte in seconds, where the history's rates leave it out; 0 where they count it.
    pub first_byte_s: f64,
    /// Share of the server's expectation in the estimate, where there is one (dash.js `etpWeightRatio`: 0, Shaka: 0.5).
    pub etp_weight: f64,
}

impl Default for BolaE {
    fn default() -> Self {
        Self { first_byte_s: 0.0, etp_weight: 0.0 }
    }
}

/// Buffer at which the lowest rung is kept (sabre and dash.js `MINIMUM_BUFFER_S`), seconds.
const MINIMUM_BUFFER_S: f64 = 10.0;
/// And this much more for each rung (`MINIMUM_BUFFER_PER_BITRATE_LEVEL_S`), seconds.
const BUFFER_PER_RUNG_S: f64 = 2.0;

/// V·p and γ·p of one ladder and buffer, in seconds, with utilities ln(bit rate / lowest) + 1.
struct Placement<'a> {
    ladder: &'a Ladder,
    vp: f64,
    gp: f64,
}

impl<'a> Placement<'a> {
    fn new(view: &View<'a>) -> Self {
        let ladder = view.ladder;
        let wanted_s = MINIMUM_BUFFER_S + BUFFER_PER_RUNG_S * ladder.rungs().len() as f64;
        let buffer_s = wanted_s.max(view.buffer_capacity.as_secs_f64());
        let top = utility(ladder, ladder.top());
        // A ladder of one rung has no range of utilities to spread over the buffer.
        let gp = ((top - 1.0) / (buffer_s / MINIMUM_BUFFER_S - 1.0)).max(f64::MIN_POSITIVE);
        Self { ladder, vp: MINIMUM_BUFFER_S / gp, gp }
    }

    /// Buffer above which BOLA would rather wait than fetch `rung`.
    fn most_for(&self, rung: RungIndex) -> f64 {
        self.vp * (utility(self.ladder, rung) + self.gp)
    }

    /// Buffer from which BOLA prefers `rung` to every lower one.
    fn least_for(&self, rung: RungIndex) -> f64 {
        let (rate, worth) = (self.ladder.bitrate(rung).as_kbps(), utility(self.ladder, rung));
        (0..rung)
            .map(|lower| {
                let (lower_rate, lower_worth) = (self.ladder.bitrate(lower).as_kbps(), utility(self.ladder, lower));
                self.vp * (self.gp + (rate * lower_worth - lower_rate * worth) / (rate - lower_rate))
            })
            .fold(0.0, f64::max)
    }

    fn best(&self, buffer_s: f64) -> RungIndex {
        let score = |rung: RungIndex| (self.most_for(rung) - buffer_s) / self.ladder.bitrate(rung).as_kbps();
        let mut best = 0;
        for rung in 1..=self.ladder.top() {
            if score(rung) > score(best) {
                best = rung;
            }
        }
        best
    }
}

fn utility(ladder: &Ladder, rung: RungIndex) -> f64 {
    (ladder.bitrate(rung).as_kbps() / ladder.bitrate(0).as_kbps()).ln() + 1.0
}

impl BolaE {
    pub(super) fn tuned(tuning: &Tuning) -> Self {
        Self { etp_weight: tuning.etp_weight, ..Self::default() }
    }

    /// The rung for `measured` once the placeholder is used up: what a long buffer comes to.
    pub(super) fn settled_rung(&self, view: &View<'_>, measured: ThroughputEstimate) -> RungIndex {
        let rung = Placement::new(view).best(view.buffer_length.as_secs_f64());
        no_higher_than_carried(view, rung, measured.rung_within(view, 1.0))
    }

    /// The rung for `measured`; sets placeholder and pause, and counts the `decisions` of the session.
    pub(super) fn rung(
        &self,
        view: &View<'_>,
        measured: ThroughputEstimate,
        buffer: &mut VirtualBuffer,
        decisions: &mut u8,
    ) -> RungIndex {
        let measured = measured.with_expected(view, self.etp_weight);
        let place = Placement::new(view);
        let buffer_s = view.buffer_length.as_secs_f64();
        let by_throughput = measured.rung_within(view, 1.0);
        buffer.pause_s = 0.0;
        if *decisions == 0 {
            *decisions = 1;
            buffer.placeholder_s = (place.least_for(by_throughput) - buffer_s).max(0.0) as f32;
            return by_throughput;
        }
        let mut placeholder_s = f64::from(buffer.placeholder_s);
        let mut rung = no_higher_than_carried(view, place.best(buffer_s + placeholder_s), by_throughput);
        let above_s = buffer_s + placeholder_s - place.most_for(rung);
        let mut pause_s = (above_s - placeholder_s).max(0.0);
        placeholder_s = (placeholder_s - above_s.max(0.0)).max(0.0);
        if rung == view.ladder.top() {
            pause_s = 0.0;
        }
        let nth = (*decisions - 1).min(measured::LAST_SHARE);
        *decisions = nth + 2;
        let held = measured.within_buffer(view, rung, measured::buffer_share(nth));
        if held < rung {
            rung = held;
            pause_s = 0.0;
            placeholder_s = placeholder_s.min((place.least_for(rung) - buffer_s).max(0.0));
        }
        buffer.placeholder_s = placeholder_s as f32;
        buffer.pause_s = pause_s as f32;
        rung
    }
}

/// `rung`, or where it climbs above what the link carries, one rung above that: the utility of a whole rung is between the two
/// (BOLA-U).
fn no_higher_than_carried(view: &View<'_>, rung: RungIndex, by_throughput: RungIndex) -> RungIndex {
    let last = view.current.unwrap_or(0);
    if rung > last && rung > by_throughput {
        last.max(by_throughput).saturating_add(1).min(view.ladder.top())
    } else {
        rung
    }
}

impl VirtualBuffer {
    pub(super) fn pause(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.pause_s))
    }

    /// Takes in what a transfer did to the buffer.
    pub(super) fn delivered(&mut self, view: &View<'_>, delivery: &Delivery) {
        let place = Placement::new(view);
        let mut placeholder_s = f64::from(self.placeholder_s);
        if let Some(to) = delivery.abandoned_to {
            // Something went wrong: down to what the lower rung needs.
            let wanted_s = if to > 0 { place.least_for(to) } else { MINIMUM_BUFFER_S };
            placeholder_s = placeholder_s.min((wanted_s - delivery.buffer_s).max(0.0));
        } else {
            let before_s = delivery.buffer_s + delivery.transfer_s;
            placeholder_s = placeholder_s.min((place.most_for(delivery.rung) - before_s).max(0.0));
            if delivery.buffer_s > 0.0 {
                placeholder_s = placeholder_s.max(place.least_for(delivery.rung) - before_s);
            }
        }
        self.placeholder_s = (placeholder_s + delivery.waited_s) as f32;
    }

    /// The lower rung for which the running transfer is given up.
    pub(super) fn lower(&self, view: &View<'_>, progress: &Progress) -> Option<RungIndex> {
        let left = progress.bits - progress.received_bits;
        let body_s = progress.elapsed_s - progress.first_byte_s;
        if progress.received_bits <= 0.0 || left <= 0.0 || body_s <= 0.0 {
            return None;
        }
        // A new request costs another time to the first byte: judge the state after it.
        let place = Placement::new(view);
        let held_s = view.buffer_length.as_secs_f64() + f64::from(self.placeholder_s);
        let buffer_s = (held_s - progress.first_byte_s).max(0.0);
        let left = left - progress.first_byte_s * progress.received_bits / body_s;
        if left <= 0.0 {
            return None;
        }
        let score = |rung: RungIndex, bits: f64| (place.most_for(rung) - buffer_s) / bits;
        let nominal = view.ladder.bitrate(progress.rung).as_kbps();
        let mut best = (score(progress.rung, left), None);
        for rung in 0..progress.rung {
            let bits = progress.bits * view.ladder.bitrate(rung).as_kbps() / nominal;
            if bits < left && score(rung, bits) > best.0 {
                best = (score(rung, bits), Some(rung));
            }
        }
        best.1
    }
}

impl Policy for BolaE {
    fn name(&self) -> &'static str {
        "bola_e"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut super::Memory) -> Proposal {
        memory.update(|kept: &mut BolaEMemory| {
            let Some(measured) = kept.averages.update(view, self.first_byte_s) else {
                return Proposal::hold(view);
            };
            let rung = self.rung(view, measured, &mut kept.buffer, &mut kept.decisions);
            Proposal { rung, reason: Reason::Buffer }
        })
    }

    fn pause(&self, memory: &super::Memory) -> Duration {
        memory.get::<BolaEMemory>().buffer.pause()
    }

    fn delivered(&self, view: &View<'_>, delivery: &Delivery, memory: &mut super::Memory) {
        memory.update(|kept: &mut BolaEMemory| kept.buffer.delivered(view, delivery));
    }

    fn abandon(&self, view: &View<'_>, progress: &Progress, memory: &mut super::Memory) -> Option<RungIndex> {
        memory.get::<BolaEMemory>().buffer.lower(view, progress)
    }
}
