//! A player on demand, by the rules of sabre.
//!
//! Spiteri, Sitaraman, Sparacio: "From Theory to Practice: Improving Bitrate Adaptation in the DASH Reference Player",
//! MMSys 2018; its simulator `sabre.py`. Unlike Pensieve's rules the trace runs on during the time to the first byte,
//! a full buffer drains by exactly one segment's room, the whole link is payload, and transfers may be abandoned:
//! the question is put each time at least 12,000 bits and 50 ms have passed. An abandoned segment is chosen anew.

use super::Observed;
use crate::{
    session::{Choice, Controller, Moment, Player, Step},
    trace::{AtEnd, Cursor, Trace},
    video::Video,
};
use headroom_core::{
    ladder::RungIndex,
    policy::{Delivery, Evidence, Guidance, Progress, Segments, View, Weights},
    time::{Duration, Timestamp},
};

/// Rules of the player and its path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SabreSettings {
    /// Most media held, seconds (sabre: 25).
    pub capacity_s: f64,
    /// Time to the first byte, seconds: the latency of sabre's traces, one constant in each of them.
    pub first_byte_s: f64,
}

/// Progress is judged no more often than this (sabre `min_progress_size`, `min_progress_time`).
const PROGRESS_BITS: f64 = 12_000.0;
const PROGRESS_S: f64 = 0.05;

/// One session.
#[derive(Clone, Debug)]
pub struct Sabre<'a> {
    video: &'a Video,
    trace: &'a Trace,
    cursor: Cursor<'a>,
    settings: SabreSettings,
    next: usize,
    current: Option<RungIndex>,
    moment: Moment,
    observed: Observed,
}

impl<'a> Sabre<'a> {
    /// A session at the start of `trace`, which is repeated as needed.
    #[must_use]
    pub fn new(video: &'a Video, trace: &'a Trace, settings: SabreSettings) -> Self {
        Self {
            video,
            trace,
            cursor: trace.cursor(AtEnd::Loop),
            settings,
            next: 0,
            current: None,
            moment: Moment::default(),
            observed: Observed::default(),
        }
    }

    fn segment_s(&self) -> f64 {
        self.video.segment_duration().as_secs_f64()
    }

    fn view_at(&self, clock_s: f64, buffer_s: f64) -> View<'_> {
        View {
            now: Timestamp::from_secs_f64(clock_s),
            ladder: self.video.ladder(),
            segment_duration: self.video.segment_duration(),
            segments: Segments::Known(self.video.sizes_from(self.next)),
            buffer_length: Duration::from_secs_f64(buffer_s),
            buffer_capacity: Duration::from_secs_f64(self.settings.capacity_s),
            current: self.current,
            live_latency: None,
            history: self.observed.history(),
            forecast: self.observed.forecast(),
            weights: Weights::default(),
            guidance: Guidance::default(),
        }
    }

    /// Runs one request to its end: seconds, bits received, and the rung for which it was given up.
    fn transfer<C: Controller>(
        &mut self,
        rung: RungIndex,
        bits: f64,
        controller: &mut C,
    ) -> Option<(f64, f64, Option<RungIndex>)> {
        let first_byte_s = self.settings.first_byte_s;
        let started_s = self.moment.link_s;
        let mut at_s = started_s + first_byte_s;
        let mut received = 0.0;
        // The first stretch counts the wait for the first byte.
        let mut shortest_s = PROGRESS_S - first_byte_s;
        loop {
            let done_s = self.cursor.finish_of(at_s, bits - received)?;
            let checked_s = self.cursor.finish_of(at_s, PROGRESS_BITS)?.max(at_s + shortest_s);
            if done_s <= checked_s || self.next == 0 {
                return Some((done_s - started_s, bits, None));
            }
            received += self.cursor.bits_until(checked_s) - self.cursor.bits_until(at_s);
            at_s = checked_s;
            shortest_s = PROGRESS_S;
            let progress = Progress { rung, bits, received_bits: received, elapsed_s: at_s - started_s, first_byte_s };
            let buffer_s = (self.moment.buffer_s - progress.elapsed_s).max(0.0);
            let lower = controller.abandon(&self.view_at(at_s, buffer_s), &progress);
            if lower.is_some() {
                return Some((progress.elapsed_s, received, lower));
            }
        }
    }
}

impl Player for Sabre<'_> {
    fn video(&self) -> &Video {
        self.video
    }

    fn next_segment(&self) -> usize {
        self.next
    }

    fn first_rung(&self) -> RungIndex {
        0
    }

    fn moment(&self) -> Moment {
        self.moment
    }

    fn preview(&self, before: Moment, segment: usize, rung: RungIndex) -> Option<(Moment, Step)> {
        let bits = self.video.bits(segment, rung);
        let first_byte_s = before.link_s + self.settings.first_byte_s;
        let arrived_s = self.trace.finish_of(first_byte_s, bits, AtEnd::Loop)?;
        let transfer_s = arrived_s - before.link_s;
        let full_s = (before.buffer_s - transfer_s).max(0.0) + self.segment_s();
        let wait_s = (full_s + self.segment_s() - self.settings.capacity_s).max(0.0);
        let now_s = arrived_s + wait_s;
        let after = Moment { clock_s: now_s, link_s: now_s, buffer_s: full_s - wait_s, latency_s: 0.0 };
        let step = Step {
            requested_s: before.clock_s,
            rung,
            bits,
            transfer_s,
            stall_s: (transfer_s - before.buffer_s).max(0.0),
            wait_s,
            buffer_s: after.buffer_s,
            playback_rate: 1.0,
            ..Step::default()
        };
        Some((after, step))
    }

    fn view(&mut self, evidence: Evidence) -> View<'_> {
        if evidence == Evidence::Forecast {
            self.observed.update_forecast();
        }
        self.view_at(self.moment.clock_s, self.moment.buffer_s)
    }

    fn fetch<C: Controller>(&mut self, choice: Choice, controller: &mut C) -> Option<Step> {
        let mut choice = choice;
        let mut step = Step { requested_s: self.moment.clock_s, playback_rate: 1.0, ..Step::default() };
        loop {
            step.stall_s += (choice.pause_s - self.moment.buffer_s).max(0.0);
            self.moment = self.moment.after_pause(choice.pause_s);
            let rung = choice.rung;
            let bits = self.video.bits(self.next, rung);
            let (seconds, received, lower) = self.transfer(rung, bits, controller)?;
            let stall_s = (seconds - self.moment.buffer_s).max(0.0);
            step.stall_s += stall_s;
            step.transfer_s += seconds;
            self.moment = self.moment.after_pause(seconds);
            self.current = Some(rung);
            let mut delivery = Delivery {
                rung,
                abandoned_to: lower,
                transfer_s: seconds,
                buffer_s: self.moment.buffer_s,
                stall_s,
                waited_s: 0.0,
            };
            if lower.is_some() {
                step.wasted_bits += received;
                controller.delivered(&self.view(Evidence::Transfers), &delivery);
                choice = controller.choose(self);
                continue;
            }
            self.moment.buffer_s += self.segment_s();
            delivery.buffer_s = self.moment.buffer_s;
            let body_s = seconds - self.settings.first_byte_s;
            self.observed.push(0.0, bits, body_s, controller.evidence());
            self.next += 1;
            step.wait_s = (self.moment.buffer_s + self.segment_s() - self.settings.capacity_s).max(0.0);
            self.moment = self.moment.after_pause(step.wait_s);
            delivery.waited_s = step.wait_s;
            (step.rung, step.bits, step.buffer_s) = (rung, bits, self.moment.buffer_s);
            if self.next > 1 {
                controller.delivered(&self.view(Evidence::Transfers), &delivery);
            }
            return Some(step);
        }
    }
}
