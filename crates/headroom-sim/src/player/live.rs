//! A live player: segments appear one by one at the live edge, and the player keeps its distance by its playback rate.
//!
//! A segment can be asked for once the encoder has finished it. The playhead starts at the target latency behind the
//! edge; too far behind it plays faster, too near slower, after dash.js (`CatchupController`, default mode:
//! rate = 1 − r + 2r / (1 + e^(−5 d)) for d seconds beyond the target). While the buffer is under half the target it never
//! speeds up, as dash.js does not. A transfer may be given up; its segment is then fetched at the lower rung. A player may also
//! play slower while its buffer is low ([`Stretch`]). It never skips media.

use super::Observed;
use crate::{
    session::{Choice, Controller, Moment, Player, Step},
    trace::{AtEnd, Cursor, Trace},
    video::Video,
};
use headroom_core::{
    ladder::RungIndex,
    policy::{Delivery, Evidence, Guidance, Progress, Segments, View, Weights},
    stretch::Stretch,
    time::{Duration, Timestamp},
};

/// Rules of the player and its path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiveSettings {
    /// Distance behind the live edge that the player aims for, seconds.
    pub target_latency_s: f64,
    /// Most media held, seconds.
    pub capacity_s: f64,
    /// Most media that the player tells its policy it will hold, seconds.
    pub told_capacity_s: f64,
    /// Largest departure of the playback rate from 1 for the sake of latency.
    pub catch_up: f64,
    /// How often the playback rate is set anew, seconds; `None`: at each request, and held until the next.
    pub pace_s: Option<f64>,
    /// Slower playback while the buffer is low, where the player does that. It is applied every [`pace_s`](Self::pace_s).
    pub stretch: Option<Stretch>,
    /// Share of the link that carries payload, as in [`super::OnDemandSettings`].
    pub payload_share: f64,
    /// Time to the first byte of each request, seconds; the link runs on meanwhile.
    pub round_trip_s: f64,
    /// Rung before the first decision.
    pub first_rung: RungIndex,
    /// How often a running transfer is judged, seconds.
    pub progress_s: f64,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            target_latency_s: 3.0,
            capacity_s: 3.0,
            told_capacity_s: 3.0,
            catch_up: 0.1,
            pace_s: None,
            stretch: None,
            payload_share: 0.95,
            round_trip_s: 0.08,
            first_rung: 1,
            progress_s: 0.1,
        }
    }
}

/// One session. The clock starts when the player joins; the trace starts with it.
#[derive(Clone, Debug)]
pub struct Live<'a> {
    video: &'a Video,
    trace: &'a Trace,
    cursor: Cursor<'a>,
    settings: LiveSettings,
    next: usize,
    current: Option<RungIndex>,
    moment: Moment,
    idle_s: f64,
    observed: Observed,
}

impl<'a> Live<'a> {
    /// A session at the start of `trace`, which is repeated as needed.
    #[must_use]
    pub fn new(video: &'a Video, trace: &'a Trace, settings: LiveSettings) -> Self {
        Self {
            video,
            trace,
            cursor: trace.cursor(AtEnd::Loop),
            settings,
            next: 0,
            current: None,
            moment: Moment { latency_s: settings.target_latency_s, ..Moment::default() },
            idle_s: 0.0,
            observed: Observed::default(),
        }
    }

    /// The same session, joined `link_s` seconds into its trace.
    #[must_use]
    pub fn starting_at(mut self, link_s: f64) -> Self {
        self.moment.link_s = link_s;
        self
    }

    fn segment_s(&self) -> f64 {
        self.video.segment_duration().as_secs_f64()
    }

    /// How long the player must wait from `moment` before it may ask for `segment`: until it exists and has room.
    fn wait_for(&self, moment: Moment, segment: usize) -> f64 {
        // The media on offer at the join reaches back by the target latency.
        let finished_s = (segment + 1) as f64 * self.segment_s() - self.settings.target_latency_s;
        let room_s = moment.buffer_s + self.segment_s() - self.settings.capacity_s;
        let rate = self.rate(moment);
        (finished_s - moment.clock_s).max(room_s / rate).max(0.0)
    }

    /// The playback rate the player sets now.
    fn rate(&self, moment: Moment) -> f64 {
        let target_s = self.settings.target_latency_s;
        let behind_s = moment.latency_s - target_s;
        let span = self.settings.catch_up;
        let rate = 1.0 - span + 2.0 * span / (1.0 + (-5.0 * behind_s).exp());
        let rate = if moment.buffer_s < target_s / 2.0 { rate.min(1.0) } else { rate };
        let (buffer, target) = (Duration::from_secs_f64(moment.buffer_s), Duration::from_secs_f64(target_s));
        self.settings.stretch.map_or(rate, |stretch| stretch.rate(rate, buffer, target))
    }

    /// Lets `seconds` pass: at playback rate `rate`, or at rates that are set anew as the player goes on. The moment after, and how long
    /// the playhead stood still.
    fn pass(&self, before: Moment, seconds: f64, rate: f64) -> (Moment, f64) {
        let Some(pace_s) = self.settings.pace_s else {
            return play_at(before, seconds, rate);
        };
        let (mut now, mut stalled_s, mut left_s) = (before, 0.0, seconds);
        while left_s > 0.0 {
            let step_s = left_s.min(pace_s);
            let (after, stalled) = play_at(now, step_s, self.rate(now));
            (now, stalled_s) = (after, stalled_s + stalled);
            left_s -= step_s;
        }
        (now, stalled_s)
    }

    fn view_at(&self, moment: Moment) -> View<'_> {
        View {
            now: Timestamp::from_secs_f64(moment.clock_s),
            ladder: self.video.ladder(),
            segment_duration: self.video.segment_duration(),
            segments: Segments::Nominal,
            buffer_length: Duration::from_secs_f64(moment.buffer_s),
            buffer_capacity: Duration::from_secs_f64(self.settings.told_capacity_s),
            current: self.current,
            live_latency: Some(Duration::from_secs_f64(moment.latency_s)),
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
        rate: f64,
        controller: &mut C,
    ) -> Option<(f64, f64, Option<RungIndex>)> {
        let LiveSettings { payload_share, round_trip_s: first_byte_s, progress_s, .. } = self.settings;
        let started_s = self.moment.link_s;
        let body_s = started_s + first_byte_s;
        let done_s = self.cursor.finish_of(body_s, bits / payload_share)?;
        let before = self.cursor.bits_until(body_s);
        let mut at_s = body_s + progress_s;
        let mut moment = self.moment;
        while at_s < done_s {
            let received_bits = (self.cursor.bits_until(at_s) - before) * payload_share;
            let elapsed_s = at_s - started_s;
            let progress = Progress { rung, bits, received_bits, elapsed_s, first_byte_s };
            (moment, _) = match self.settings.pace_s {
                None => self.pass(self.moment, elapsed_s, rate),
                Some(_) => self.pass(moment, at_s - moment.link_s, rate),
            };
            let lower = controller.abandon(&self.view_at(moment), &progress);
            if lower.is_some_and(|lower| lower < rung) {
                return Some((elapsed_s, received_bits, lower));
            }
            at_s += progress_s;
        }
        Some((done_s - started_s, bits, None))
    }
}

/// Lets `seconds` pass at playback rate `rate`: the moment after, and how long the playhead stood still.
fn play_at(before: Moment, seconds: f64, rate: f64) -> (Moment, f64) {
    let wanted_s = seconds * rate;
    // What the buffer holds stalls by nothing, not by what rounding leaves of `wanted_s / rate`.
    let (played_s, stalled_s) = match before.buffer_s {
        buffer_s if wanted_s <= buffer_s => (wanted_s, 0.0),
        buffer_s => (buffer_s, seconds - buffer_s / rate),
    };
    let after = Moment {
        clock_s: before.clock_s + seconds,
        link_s: before.link_s + seconds,
        buffer_s: before.buffer_s - played_s,
        latency_s: before.latency_s + seconds - played_s,
    };
    (after, stalled_s)
}

impl Player for Live<'_> {
    fn video(&self) -> &Video {
        self.video
    }

    fn next_segment(&self) -> usize {
        self.next
    }

    fn first_rung(&self) -> RungIndex {
        self.settings.first_rung
    }

    fn moment(&self) -> Moment {
        self.moment
    }

    fn preview(&self, before: Moment, segment: usize, rung: RungIndex) -> Option<(Moment, Step)> {
        let rate = self.rate(before);
        let bits = self.video.bits(segment, rung);
        let asked_s = before.link_s;
        let body_s = asked_s + self.settings.round_trip_s;
        let done_s = self.trace.finish_of(body_s, bits / self.settings.payload_share, AtEnd::Loop)?;
        let (mut after, stall_s) = self.pass(before, done_s - asked_s, rate);
        after.buffer_s += self.segment_s();
        let latency_s = after.latency_s;
        let wait_s = if segment + 1 < self.video.segments() { self.wait_for(after, segment + 1) } else { 0.0 };
        let (after, waiting_stall_s) = self.pass(after, wait_s, self.rate(after));
        let step = Step {
            requested_s: before.clock_s,
            rung,
            bits,
            wasted_bits: 0.0,
            transfer_s: done_s - asked_s,
            stall_s: stall_s + waiting_stall_s,
            wait_s,
            buffer_s: after.buffer_s,
            latency_s,
            playback_rate: rate,
        };
        Some((after, step))
    }

    fn view(&mut self, evidence: Evidence) -> View<'_> {
        if evidence == Evidence::Forecast {
            self.observed.update_forecast();
        }
        self.view_at(self.moment)
    }

    fn fetch<C: Controller>(&mut self, choice: Choice, controller: &mut C) -> Option<Step> {
        let mut rung = choice.rung;
        let rate = self.rate(self.moment);
        let mut step = Step { requested_s: self.moment.clock_s, playback_rate: rate, ..Step::default() };
        let (moment, stalled_s) = self.pass(self.moment, choice.pause_s, rate);
        self.moment = moment;
        step.stall_s += stalled_s;
        self.idle_s += choice.pause_s;
        let mut delivery;
        loop {
            let bits = self.video.bits(self.next, rung);
            let (seconds, received, lower) = self.transfer(rung, bits, rate, controller)?;
            let (moment, stalled_s) = self.pass(self.moment, seconds, rate);
            self.moment = moment;
            step.stall_s += stalled_s;
            step.transfer_s += seconds;
            self.current = Some(rung);
            self.observed.push(self.idle_s, received, seconds, controller.evidence());
            self.idle_s = 0.0;
            let buffer_s = self.moment.buffer_s;
            delivery = Delivery {
                rung,
                abandoned_to: lower,
                transfer_s: seconds,
                buffer_s,
                stall_s: stalled_s,
                waited_s: 0.0,
            };
            let Some(lower) = lower else {
                step.bits = bits;
                break;
            };
            step.wasted_bits += received;
            controller.delivered(&self.view(Evidence::Transfers), &delivery);
            rung = lower;
        }
        self.moment.buffer_s += self.segment_s();
        step.latency_s = self.moment.latency_s;
        delivery.buffer_s = self.moment.buffer_s;
        self.next += 1;
        if self.next < self.video.segments() {
            step.wait_s = self.wait_for(self.moment, self.next);
            let (moment, stalled_s) = self.pass(self.moment, step.wait_s, self.rate(self.moment));
            self.moment = moment;
            step.stall_s += stalled_s;
        }
        self.idle_s += step.wait_s;
        delivery.waited_s = step.wait_s;
        (step.rung, step.buffer_s) = (rung, self.moment.buffer_s);
        controller.delivered(&self.view(Evidence::Transfers), &delivery);
        Some(step)
    }
}
