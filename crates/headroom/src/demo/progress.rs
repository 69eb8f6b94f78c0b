//! What a viewer went through: read by the screen while it plays, judged at the end.

use super::playback::Playback;
use headroom_core::{
    ladder::{Ladder, RungIndex},
    qoe::{Opinion, picture},
    time,
};

/// Sums over one viewer's session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// The rung fetched last.
    pub(crate) rung: Option<RungIndex>,
    /// The highest rung that CMSD `mb` allows.
    pub(crate) cap: Option<RungIndex>,
    pub(crate) buffer_s: f64,
    pub(crate) latency_s: f64,
    pub(crate) stalled: bool,
    pub(crate) stalled_s: f64,
    pub(crate) stalls: u32,
    pub(crate) failures: u32,
    /// Bytes of segments received, transfers that were given up included.
    pub(crate) bytes: u64,
    segments: u32,
    switches: u32,
    media_s: f64,
    mbps_sum: f64,
    log_quality_sum: f64,
    latency_sum_s: f64,
    opinion: Opinion,
    opinion_stalls: u32,
    opinion_stalled_s: f64,
    /// The playhead as of the last request: it moves on, or stands still, while the next one is under way.
    playback: Option<Playback>,
}

impl Progress {
    /// Notes a segment of `segment_s` that was fetched at `rung` and arrived `latency_s` behind live.
    pub(crate) fn play(&mut self, ladder: &Ladder, rung: RungIndex, segment_s: f64, latency_s: f64) {
        let mbps = |rung| ladder.bitrate(rung).as_mbps();
        let (lowest, highest) = (mbps(0), mbps(ladder.top()));
        self.segments += 1;
        self.switches += u32::from(self.rung.is_some_and(|before| before != rung));
        self.media_s += segment_s;
        self.mbps_sum += mbps(rung);
        self.log_quality_sum += (mbps(rung) / lowest).ln() / (highest / lowest).ln();
        self.latency_sum_s += latency_s;
        self.opinion.observe_picture(picture(&ladder.rung(rung)), time::Duration::from_secs_f64(segment_s));
        self.rung = Some(rung);
    }

    /// Keeps the playhead, from which stalls are counted.
    pub(crate) fn follow(&mut self, playback: Playback) {
        (self.stalls, self.stalled_s) = (playback.stalls(), playback.stalled_s());
        if !playback.is_stalled() && playback.stalls() > self.opinion_stalls {
            self.opinion.observe_stall(time::Duration::from_secs_f64(playback.stalled_s() - self.opinion_stalled_s));
            (self.opinion_stalls, self.opinion_stalled_s) = (playback.stalls(), playback.stalled_s());
        }
        self.playback = Some(playback);
    }

    /// Lets the playhead move on until `live_position_s`, on the clock of the origin.
    pub(crate) fn settle(&mut self, live_position_s: f64) {
        let Some(playback) = &mut self.playback else { return };
        playback.advance(live_position_s);
        self.buffer_s = playback.buffer_s();
        self.latency_s = live_position_s - playback.playhead_s();
        self.stalled = playback.is_stalled();
        self.stalled_s = playback.stalled_s();
        self.stalls = playback.stalls();
    }

    /// Seconds stalled for each second of media, %.
    pub(crate) fn stall_percent(&self) -> f64 {
        if self.media_s > 0.0 { 100.0 * self.stalled_s / self.media_s } else { 0.0 }
    }

    /// Mean of ln(R / lowest) / ln(highest / lowest) over segments, %: 100 is always the highest rung.
    pub(crate) fn log_quality(&self) -> f64 {
        100.0 * self.mean(self.log_quality_sum)
    }

    /// Opinion score (1 to 5) at the end.
    pub(crate) fn mos(&self) -> f64 {
        let latency = time::Duration::from_secs_f64(self.mean(self.latency_sum_s));
        self.opinion.score(time::Duration::ZERO, Some(latency)).map_or(1.0, |mos| f64::from(mos.get()))
    }

    /// Mean bit rate played, Mbit/s.
    pub(crate) fn bitrate_mbps(&self) -> f64 {
        self.mean(self.mbps_sum)
    }

    /// Changes of rung in a minute of media.
    pub(crate) fn switches_per_min(&self) -> f64 {
        if self.media_s > 0.0 { f64::from(self.switches) * 60.0 / self.media_s } else { 0.0 }
    }

    /// Mean distance behind live at which segments arrived, seconds.
    pub(crate) fn mean_latency_s(&self) -> f64 {
        self.mean(self.latency_sum_s)
    }

    /// Megabits received for each second of media, what was thrown away included.
    pub(crate) fn egress_mbps(&self) -> f64 {
        if self.media_s > 0.0 { self.bytes as f64 * 8e-6 / self.media_s } else { 0.0 }
    }

    #[cfg(test)]
    pub(super) fn stalled_for(stalled_s: f64, media_s: f64) -> Self {
        Self { stalled_s, media_s, ..Self::default() }
    }

    fn mean(&self, sum: f64) -> f64 {
        sum / f64::from(self.segments.max(1))
    }
}
