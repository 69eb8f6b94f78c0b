//! The conditions of a comparison: what is watched, by which player, over which stretch of trace, and how it is scored.

use crate::{
    calibration::{RiskSampler, RiskSample},
    controller::{Guided, InPlayer},
    contender::{Contender, Strategy},
    player::{Live, LiveSettings, OnDemand, OnDemandSettings},
    score::Score,
    session::{Player, Step, play},
    trace::Trace,
    video::{Video, VideoError},
};
use headroom_core::{
    ladder::Ladder,
    policy::{Objective, Policy},
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayerKind {
    /// Pensieve's environment ([`OnDemand`]).
    Pensieve,
    /// A player at the live edge ([`Live`]), which holds as much media as its target latency.
    LiveEdge,
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

    /// A player at the live edge: segments of 1 s, 3 s behind live with at most as much buffer, otherwise as `live`.
    #[must_use]
    pub fn low_latency() -> Self {
        Self {
            name: "lowlatency",
            player: PlayerKind::LiveEdge,
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
    pub fn objective(&self) -> Objective {
        Objective { stall_penalty: self.stall_penalty, switch_penalty: 1.0 }
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
            PlayerKind::LiveEdge => drive(contender, self.live_player(video, trace), steps),
        }
        Score::of(steps, video.ladder(), video.segment_duration(), &self.qoe())
    }

    /// Plays one session of `policy` again and appends the stall risk of each of its choices, with what then happened, to `samples`.
    pub fn sample_risk(&self, policy: &dyn Policy, video: &Video, trace: &Trace, samples: &mut Vec<RiskSample>) {
        let mut sampler = RiskSampler::new(InPlayer::new(policy), samples);
        match self.player {
            PlayerKind::Pensieve => play(&mut self.on_demand_player(video, trace), &mut sampler, &mut Vec::new()),
            PlayerKind::LiveEdge => play(&mut self.live_player(video, trace), &mut sampler, &mut Vec::new()),
        }
    }

    fn on_demand_player<'a>(&self, video: &'a Video, trace: &'a Trace) -> OnDemand<'a> {
        OnDemand::new(video, trace, OnDemandSettings { capacity_s: self.buffer_s, ..OnDemandSettings::default() })
    }

    fn live_player<'a>(&self, video: &'a Video, trace: &'a Trace) -> Live<'a> {
        let (capacity_s, target_latency_s) = (self.buffer_s, self.buffer_s);
        Live::new(video, trace, LiveSettings { capacity_s, target_latency_s, ..LiveSettings::default() })
    }
}

fn drive(contender: &Contender, mut player: impl Player, steps: &mut Vec<Step>) {
    match contender.strategy() {
        Strategy::Policy(policy) => play(&mut player, &mut InPlayer::new(policy.as_ref()), steps),
        Strategy::Oracle(oracle) => play(&mut player, &mut { *oracle }, steps),
        Strategy::Guided { client, settings } => play(&mut player, &mut Guided::new(client.as_ref(), settings), steps),
    }
}
