//! The conditions of a comparison: what is watched, by which player, over which stretch of trace, and how it is scored.

use crate::{
    calibration::{RiskSample, RiskSampler},
    contender::{Contender, Playback, Strategy},
    controller::{Advised, Capped, InPlayer},
    player::{Live, LiveSettings, OnDemand, OnDemandSettings},
    recovery,
    score::Score,
    session::{Player, Step, play},
    trace::Trace,
    video::{Video, VideoError},
};
use headroom_core::{
    ladder::Ladder,
    policy::{LinearQoe, Policy},
    qoe::Linear,
    time::Duration,
};

/// One set of conditions. The named ones are published baselines; every field may be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// What it is called in a report.
    pub name: &'static str,
    /// Which player.
    pub player: PlayerKind,
    /// What is watched.
    pub content: Content,
    /// Most media the player holds, seconds.
    pub buffer_s: f64,
    /// Mbit/s that a second of stall costs in the score.
    pub stall_penalty: f64,
    /// Traces are cut into stretches of this many seconds, one session each; `None` plays once over each trace.
    pub window_s: Option<f64>,
}

/// Whose rules the session follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlayerKind {
    /// Pensieve's environment ([`OnDemand`]).
    Pensieve,
    /// A player at the live edge ([`Live`]).
    LiveEdge {
        /// Distance behind the live edge that it aims for, seconds.
        target_latency_s: f64,
        /// Largest departure of the playback rate from 1 for the sake of latency.
        catch_up: f64,
        /// How often the playback rate is set anew, seconds; `None`: at each request.
        pace_s: Option<f64>,
    },
}

/// What is watched.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// The 48 segments that Pensieve plays.
    Envivio,
    /// A live encoder, as long as the window.
    Encoder {
        /// Its rungs.
        ladder: Ladder,
        /// Duration of its segments.
        segment: Duration,
    },
}

/// Sizes of encoded segments scatter with this standard deviation of the natural logarithm around bit rate × duration.
pub const SIZE_SPREAD: f64 = 0.2;
/// Seed of the sizes.
pub const SIZE_SEED: u64 = 7;

/// Catch-up of the profiles that decide (hls.js `maxLiveSyncPlaybackRate`, dash.js `playbackRate` as pages set them: 1.05).
const EDGE_CATCH_UP: f64 = 0.05;
/// How often they set their playback rate, seconds (browsers report progress four times a second or more often).
const EDGE_PACE_S: f64 = 0.1;
/// Most media they hold, seconds (hls.js `maxBufferLength`).
const EDGE_BUFFER_S: f64 = 30.0;

impl Profile {
    /// Segments of 2 s, at most 6 s of buffer, 0.4 to 20 Mbit/s, 20 Mbit/s for each stall second, windows of 300 s.
    #[must_use]
    pub fn live() -> Self {
        Self {
            name: "live",
            player: PlayerKind::Pensieve,
            content: Content::Encoder { ladder: Ladder::default(), segment: Duration::from_secs(2) },
            buffer_s: 6.0,
            stall_penalty: 20.0,
            window_s: Some(300.0),
        }
    }

    /// A player 6 s behind the live edge: segments of 2 s, media up to the live edge as far as the latency allows, at most 30 s of it,
    /// playback rates within 5 %. With [`Profile::edge_low`] the profile that decides what is shipped.
    #[must_use]
    pub fn edge() -> Self {
        Self {
            name: "edge",
            player: PlayerKind::LiveEdge { target_latency_s: 6.0, catch_up: EDGE_CATCH_UP, pace_s: Some(EDGE_PACE_S) },
            buffer_s: EDGE_BUFFER_S,
            ..Self::live()
        }
    }

    /// A player 3 s behind the live edge: segments of 1 s, otherwise as [`Profile::edge`].
    #[must_use]
    pub fn edge_low() -> Self {
        Self {
            name: "edge-low",
            player: PlayerKind::LiveEdge { target_latency_s: 3.0, catch_up: EDGE_CATCH_UP, pace_s: Some(EDGE_PACE_S) },
            content: Content::Encoder { ladder: Ladder::default(), segment: Duration::from_secs(1) },
            ..Self::edge()
        }
    }

    /// A player at the live edge that holds no more than 3 s, however late it is: segments of 1 s, otherwise as `live`. Kept for
    /// comparison: real players hold what the live edge offers.
    #[must_use]
    pub fn low_latency() -> Self {
        Self {
            name: "lowlatency",
            player: PlayerKind::LiveEdge { target_latency_s: 3.0, catch_up: 0.1, pace_s: None },
            content: Content::Encoder { ladder: Ladder::default(), segment: Duration::from_secs(1) },
            buffer_s: 3.0,
            ..Self::live()
        }
    }

    /// Pensieve's own conditions: Envivio, 4 s segments, 60 s of buffer, 4.3 Mbit/s for each stall second.
    #[must_use]
    pub fn on_demand() -> Self {
        Self {
            name: "vod",
            player: PlayerKind::Pensieve,
            content: Content::Envivio,
            buffer_s: 60.0,
            stall_penalty: 4.3,
            window_s: None,
        }
    }

    /// What planning policies plan for here: the score itself.
    #[must_use]
    pub fn objective(&self) -> LinearQoe {
        LinearQoe { stall_penalty: self.stall_penalty, switch_penalty: 1.0 }
    }

    /// How sessions are scored here.
    #[must_use]
    pub fn qoe(&self) -> Linear {
        Linear { stall_penalty: self.stall_penalty, switch_penalty: 1.0 }
    }

    /// The video of a session that lasts `seconds`.
    ///
    /// # Errors
    /// When a segment has no duration, or none fits.
    pub fn video(&self, seconds: f64) -> Result<Video, VideoError> {
        match &self.content {
            // Pensieve counts 48 (`TOTAL_VIDEO_CHUNCK`) of the 49 sizes.
            Content::Envivio => Ok(Video::envivio().truncated(48)),
            Content::Encoder { ladder, segment } => {
                let segments = (seconds / segment.as_secs_f64() + 1e-9).floor() as usize;
                Video::jittered(ladder.clone(), *segment, segments, SIZE_SPREAD, SIZE_SEED)
            }
        }
    }

    /// The stretches of `trace` that are played, one session each. A trace shorter than a window is one stretch; one that
    /// carries nothing at all is none, for no choice would change its outcome.
    #[must_use]
    pub fn windows(&self, trace: &Trace) -> Vec<Trace> {
        let windows = match self.window_s {
            Some(window_s) if trace.duration_s() >= window_s => trace.windows(window_s).collect(),
            _ => vec![trace.clone()],
        };
        windows.into_iter().filter(|window| window.total_bits() > 0.0).collect()
    }

    /// Plays one session of `contender` over `trace`, which repeats as needed; `steps` is overwritten with what happened.
    pub fn play(&self, contender: &Contender, video: &Video, trace: &Trace, steps: &mut Vec<Step>) -> Option<Score> {
        steps.clear();
        match self.player {
            PlayerKind::Pensieve => drive(contender, self.on_demand_player(video, trace), steps),
            PlayerKind::LiveEdge { .. } => {
                drive(contender, self.live_player(video, trace, contender.playback()), steps);
            }
        }
        let score = Score::of(steps, video.ladder(), video.segment_duration(), &self.qoe())?;
        let recovery_s = recovery::mean_s(trace, steps, video.ladder(), video.segment_duration());
        Some(Score { recovery_s, ..score })
    }

    /// Plays one session of `policy` again and appends the stall risk of each of its choices, with what then happened, to `samples`.
    pub fn sample_risk(&self, policy: &dyn Policy, video: &Video, trace: &Trace, samples: &mut Vec<RiskSample>) {
        let mut sampler = RiskSampler::new(InPlayer::new(policy), samples);
        match self.player {
            PlayerKind::Pensieve => play(&mut self.on_demand_player(video, trace), &mut sampler, &mut Vec::new()),
            PlayerKind::LiveEdge { .. } => {
                play(&mut self.live_player(video, trace, &Playback::default()), &mut sampler, &mut Vec::new());
            }
        }
    }

    fn on_demand_player<'a>(&self, video: &'a Video, trace: &'a Trace) -> OnDemand<'a> {
        OnDemand::new(video, trace, OnDemandSettings { capacity_s: self.buffer_s, ..OnDemandSettings::default() })
    }

    fn live_player<'a>(&self, video: &'a Video, trace: &'a Trace, playback: &Playback) -> Live<'a> {
        let PlayerKind::LiveEdge { target_latency_s, catch_up, pace_s } = self.player else {
            return Live::new(video, trace, LiveSettings::default());
        };
        let settings = LiveSettings {
            target_latency_s: playback.target_latency_s.unwrap_or(target_latency_s),
            capacity_s: self.buffer_s,
            told_capacity_s: target_latency_s,
            catch_up,
            pace_s,
            stretch: playback.stretch,
            ..LiveSettings::default()
        };
        Live::new(video, trace, settings)
    }
}

fn drive(contender: &Contender, mut player: impl Player, steps: &mut Vec<Step>) {
    match contender.strategy() {
        Strategy::Policy(policy) => {
            play(&mut player, &mut InPlayer::guided(policy.as_ref(), contender.guidance()), steps);
        }
        Strategy::Oracle(oracle) => play(&mut player, &mut { *oracle }, steps),
        Strategy::Capped { client, server } => play(&mut player, &mut Capped::new(client.as_ref(), server), steps),
        Strategy::Advised { client, server, settings } => {
            play(&mut player, &mut Advised::new(client.as_ref(), server, *settings), steps);
        }
    }
}
