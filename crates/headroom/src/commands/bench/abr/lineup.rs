//! Who takes part, from the command line.

use super::{
    arguments::{Abandon, Arguments, Ask, Mode},
    run::Lineup,
};
use anyhow::{Context, ensure};
use headroom_core::{
    engine::PolicyKind,
    network::Network,
    policy::{Guidance, Learned, LinearQoe, SHORT_BUFFER_S, learned::Scorer},
    stretch::Stretch,
};
use headroom_sim::{
    contender::{Contender, ORACLE, Playback, ServerGuidance},
    controller::{AdviceSettings, Asking},
    profile::{PlayerKind, Profile},
};
use std::path::Path;

/// Whom gains and gaps are measured against in the profiles kept for comparison.
const REFERENCE: &str = "throughput";
/// Who takes part in the player when nobody is named.
const IN_PLAYER: [&str; 12] = [
    "buffer_based",
    "throughput:0.8",
    "bola_e",
    "dynamic",
    "mpc",
    "mpc:0.7",
    "robust_mpc",
    "lolp",
    "l2a",
    "soda",
    "headroom",
    "learned",
];
/// What weights given on the command line are called.
const OWN: &str = "own";
/// The client that keeps its own rule for giving transfers up: as good as ours, and it is on by default.
const KEEPS_ITS_RULE: &str = "hls";

/// All contenders. The edge profiles compare with the client alone, which stands first, and play the oracle only when it is named; the
/// others play the throughput rule first and the oracle last.
pub(super) fn lineup(arguments: &Arguments, profile: &Profile) -> anyhow::Result<Lineup> {
    let objective = profile.objective();
    let guidance = Guidance { objective: arguments.objective, egress: arguments.egress, ..Guidance::default() };
    let in_player = arguments.mode == Mode::InPlayer;
    let first = if in_player && !arguments.is_edge() { REFERENCE } else { arguments.client.as_str() };
    let named = names(arguments)?;
    let with_oracle = !arguments.is_edge() || named.iter().any(|name| name == ORACLE);
    let mut contenders = vec![Contender::parse(first, objective).context("--client")?];
    for name in named {
        // Under guidance a policy of the client's name runs on the server: another contender.
        if name != ORACLE && !(in_player && name == first) {
            let contender = contender(arguments, &name, objective).context("--policies")?;
            contenders.push(contender.with_guidance(guidance));
        }
    }
    if let Some(weights) = &arguments.weights {
        ensure!(in_player, "--weights plays in the player only");
        let policy = own(weights, told_capacity_s(profile))?;
        contenders.push(Contender::with_policy(OWN, Box::new(policy)).with_playback(playback(arguments, 0.0)));
    }
    let oracle = with_oracle.then_some(contenders.len());
    if with_oracle {
        contenders.push(Contender::parse(ORACLE, objective)?);
    }
    let is_client = |contender: &Contender| contender.client().is_none() && contender.name() == arguments.client;
    Ok(Lineup {
        alone: contenders.iter().position(is_client).unwrap_or(0),
        reference: 0,
        oracle,
        mode: match arguments.mode {
            Mode::InPlayer => "in-player",
            Mode::ServerGuided => "server-guided",
            Mode::Advised => "advised",
        },
        contenders,
    })
}

/// The names on the command line, each once; the usual ones without any.
fn names(arguments: &Arguments) -> anyhow::Result<Vec<String>> {
    let default = || match arguments.mode {
        Mode::InPlayer => IN_PLAYER.map(str::to_owned).to_vec(),
        // A server that does not steer is the client itself; an advised client still paces and gives transfers up.
        Mode::ServerGuided => {
            let steering = PolicyKind::all().filter(|kind| kind.build().steers());
            steering.map(|kind| kind.name().to_owned()).collect()
        }
        Mode::Advised => PolicyKind::all().map(|kind| kind.name().to_owned()).collect(),
    };
    let mut names: Vec<String> = Vec::new();
    for name in arguments.policies.clone().unwrap_or_else(default) {
        let name = name.trim().to_owned();
        ensure!(!name.is_empty(), "--policies holds an empty name");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn contender(arguments: &Arguments, name: &str, objective: LinearQoe) -> anyhow::Result<Contender> {
    let guidance = match arguments.mode {
        Mode::InPlayer => {
            return Ok(Contender::parse(name, objective)?.with_playback(playback(arguments, 0.0)));
        }
        Mode::ServerGuided => ServerGuidance::Caps {
            etp_weight: arguments.etp_weight.clamp(0.0, 1.0),
            cap_risk: arguments.cap_risk.unwrap_or_else(|| headroom_core::engine::Config::default().cap_risk),
        },
        Mode::Advised => {
            let deepest = if arguments.is_edge() { Stretch::default().deepest } else { 0.0 };
            ServerGuidance::Advice { settings: advice(arguments), playback: playback(arguments, deepest) }
        }
    };
    Ok(Contender::guided(name, &arguments.client, objective, guidance)?)
}

/// Most media that a player of the profile says it holds, seconds.
fn told_capacity_s(profile: &Profile) -> f64 {
    match profile.player {
        PlayerKind::Pensieve => profile.buffer_s,
        PlayerKind::LiveEdge { target_latency_s, .. } => target_latency_s,
    }
}

fn advice(arguments: &Arguments) -> AdviceSettings {
    let edge = arguments.is_edge();
    let asking = match arguments.ask {
        Some(Ask::Ahead) => Asking::Ahead,
        Some(Ask::InLine) => Asking::InLine,
        None if edge => Asking::Ahead,
        None => Asking::InLine,
    };
    let default = AdviceSettings::default();
    let abandonment = match arguments.abandon {
        Some(Abandon::Own) => None,
        Some(Abandon::Advised) => default.abandonment,
        None => default.abandonment.filter(|_| edge && arguments.client != KEEPS_ITS_RULE),
    };
    AdviceSettings { asking, abandonment, ..default }
}

fn playback(arguments: &Arguments, deepest: f64) -> Playback {
    let deepest = arguments.stretch.unwrap_or(deepest);
    let low_share = arguments.stretch_below.unwrap_or(Stretch::default().low_share);
    Playback {
        stretch: (deepest > 0.0).then_some(Stretch { deepest, low_share }),
        target_latency_s: arguments.steered_target,
    }
}

/// The learned policy with other weights for players that hold `buffer_s`.
fn own(weights: &Path, buffer_s: f64) -> anyhow::Result<Learned> {
    let bytes = std::fs::read(weights).with_context(|| format!("cannot read {}", weights.display()))?;
    let scorer = Scorer::from_bytes(&bytes);
    let scorer = scorer.with_context(|| format!("{} is not what `headroom train policy` writes", weights.display()))?;
    let short = buffer_s <= SHORT_BUFFER_S;
    Ok(if short { Learned::for_short_buffers(scorer) } else { Learned { scorer, ..Learned::shipped() } })
}
