//! A player on demand, by the rules of Pensieve's simulator.
//!
//! Mao, Netravali, Alizadeh: "Neural Adaptive Video Streaming with Pensieve", SIGCOMM 2017, §4.1; its `fixed_env.py`:
//! bytes move at the rate of the trace times the payload share; every segment takes one round trip more, during which
//! the trace stands still; above the buffer capacity the player sleeps in whole steps of half a second.

use super::Observed;
use crate::{
    session::{Choice, Controller, Moment, Player, Step},
    trace::{AtEnd, Cursor, Trace},
    video::Video,
};
use headroom_core::{
    ladder::RungIndex,
    policy::{Delivery, Evidence, Guidance, Segments, View},
    time::{Duration, Timestamp},
};

/// Rules of the player and its path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnDemandSettings {
    /// Most media held, seconds (Pensieve: 60).
    pub capacity_s: f64,
    /// Share of the link that carries payload (Pensieve: 0.95).
    pub payload_share: f64,
    /// Time to the first byte of each segment, seconds (Pensieve: 0.08).
    pub round_trip_s: f64,
    /// Length of one sleep above the capacity, seconds (Pensieve: 0.5).
    pub sleep_s: f64,
    /// Rung before the first decision.
    pub first_rung: RungIndex,
    /// Whether policies may see the sizes of coming segments (on demand yes, live no).
    pub sizes_known: bool,
}

impl Default for OnDemandSettings {
    fn default() -> Self {
        Self {
            capacity_s: 60.0,
            payload_share: 0.95,
            round_trip_s: 0.08,
            sleep_s: 0.5,
            first_rung: 1,
            sizes_known: true,
        }
    }
}

/// One session.
#[derive(Clone, Debug)]
pub struct OnDemand<'a> {
    video: &'a Video,
    trace: &'a Trace,
    cursor: Cursor<'a>,
    settings: OnDemandSettings,
    next: usize,
    current: Option<RungIndex>,
    moment: Moment,
    /// How long the link has been idle.
    waited_s: f64,
    observed: Observed,
}

impl<'a> OnDemand<'a> {
    /// A session at the start of `trace`, which is repeated as needed.
    #[must_use]
    pub fn new(video: &'a Video, trace: &'a Trace, settings: OnDemandSettings) -> Self {
        Self {
            video,
            trace,
            cursor: trace.cursor(AtEnd::Loop),
            settings,
            next: 0,
            current: None,
            moment: Moment::default(),
            waited_s: 0.0,
            observed: Observed::default(),
        }
    }

    /// The rules in force.
    #[must_use]
    pub fn settings(&self) -> &OnDemandSettings {
        &self.settings
    }
}

impl Player for OnDemand<'_> {
    fn video(&self) -> &Video {
        self.video
    }

    fn next_segment(&self) -> usize {
        self.next
    }

    fn moment(&self) -> Moment {
        self.moment
    }

    fn first_rung(&self) -> RungIndex {
        self.settings.first_rung
    }

    fn preview(&self, moment: Moment, segment: usize, rung: RungIndex) -> Option<(Moment, Step)> {
        let mut cursor = self.trace.cursor(AtEnd::Loop);
        advance(&mut cursor, &self.settings, self.video, moment, segment, rung)
    }

    fn view(&mut self, evidence: Evidence) -> View<'_> {
        if evidence == Evidence::Forecast {
            self.observed.update_forecast();
        }
        View {
            now: Timestamp::from_secs_f64(self.moment.clock_s),
            ladder: self.video.ladder(),
            segment_duration: self.video.segment_duration(),
            segments: if self.settings.sizes_known {
                Segments::Known(self.video.sizes_from(self.next))
            } else {
                Segments::Nominal
            },
            buffer_length: Duration::from_secs_f64(self.moment.buffer_s),
            buffer_capacity: Duration::from_secs_f64(self.settings.capacity_s),
            current: self.current,
            live_latency: None,
            history: self.observed.history(),
            forecast: self.observed.forecast(),
            weights: headroom_core::policy::Weights::default(),
            guidance: Guidance::default(),
        }
    }

    fn fetch<C: Controller>(&mut self, choice: Choice, controller: &mut C) -> Option<Step> {
        let Choice { rung, pause_s } = choice;
        let before = self.moment.after_pause(pause_s);
        let (moment, mut step) = advance(&mut self.cursor, &self.settings, self.video, before, self.next, rung)?;
        step.stall_s += (pause_s - self.moment.buffer_s).max(0.0);
        self.moment = moment;
        self.current = Some(rung);
        self.next += 1;
        self.observed.push(self.waited_s + pause_s, step.bits, step.transfer_s, controller.evidence());
        self.waited_s = step.wait_s;
        let delivery = Delivery {
            rung,
            abandoned_to: None,
            transfer_s: step.transfer_s,
            buffer_s: step.buffer_s + step.wait_s,
            stall_s: step.stall_s,
            waited_s: step.wait_s,
        };
        controller.delivered(&self.view(Evidence::Transfers), &delivery);
        Some(step)
    }
}

fn advance(
    cursor: &mut Cursor<'_>,
    settings: &OnDemandSettings,
    video: &Video,
    before: Moment,
    segment: usize,
    rung: RungIndex,
) -> Option<(Moment, Step)> {
    let bits = video.bits(segment, rung);
    let arrived_s = cursor.finish_of(before.link_s, bits / settings.payload_share)?;
    let transfer_s = arrived_s - before.link_s + settings.round_trip_s;
    let stall_s = (transfer_s - before.buffer_s).max(0.0);
    let full_s = (before.buffer_s - transfer_s).max(0.0) + video.segment_duration().as_secs_f64();
    let wait_s = if full_s > settings.capacity_s {
        ((full_s - settings.capacity_s) / settings.sleep_s).ceil() * settings.sleep_s
    } else {
        0.0
    };
    let after = Moment {
        clock_s: before.clock_s + transfer_s + wait_s,
        link_s: arrived_s + wait_s,
        buffer_s: full_s - wait_s,
        latency_s: 0.0,
    };
    let step = Step {
        requested_s: before.clock_s,
        rung,
        bits,
        wasted_bits: 0.0,
        transfer_s,
        stall_s,
        wait_s,
        buffer_s: after.buffer_s,
        latency_s: 0.0,
        playback_rate: 1.0,
    };
    Some((after, step))
}
