//! Which arm of which experiment a session is in, and what may be told to it there.
//!
//! The assignment is a pure function of the session and the salt (`headroom_core::experiment`), so it is worked out where the session is
//! first seen and again only when the experiments change. An arm is known by its position here.

use crate::{
    by_id::ById,
    lock::{read_locked, write_locked},
};
use headroom_core::{
    experiment::{Actuator, Arm, Experiment, ExperimentError, Experiments, Holdback, Place, Subject},
    mode::Mode,
    objective::Objective,
    telemetry::{NetworkId, SessionId, StreamId},
    time::Timestamp,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// By which ways decisions reach a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// What is done with decisions.
    pub mode: Mode,
    ways: u8,
}

impl Reach {
    /// By no way.
    pub const fn none(mode: Mode) -> Self {
        Self { mode, ways: 0 }
    }

    /// By every way.
    pub const ALL: Self = Self { mode: Mode::Steer, ways: u8::MAX };

    /// Whether decisions reach a player by this way.
    pub const fn by(self, actuator: Actuator) -> bool {
        self.ways & (1 << actuator as u8) != 0
    }

    /// Whether they reach it at all.
    pub const fn any(self) -> bool {
        self.ways != 0
    }

    /// What is left of it where `mode` holds for the stream: an arm may be more careful than an operator ordered, never less.
    pub const fn within(self, mode: Mode) -> Self {
        match (mode, self.mode) {
            (Mode::Steer, _) => self,
            (Mode::Off, _) | (_, Mode::Off) => Self::none(Mode::Off),
            (Mode::Observe, _) => Self::none(Mode::Observe),
        }
    }

    fn of(arm: &Arm) -> Self {
        let ways =
            Actuator::ALL.into_iter().filter(|&way| arm.acts_by(way)).fold(0, |ways, way| ways | (1 << way as u8));
        Self { mode: arm.mode, ways }
    }
}

/// Position of an arm in the list of all; sessions in none have [`ArmId::OUTSIDE`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArmId(pub u8);

impl ArmId {
    /// In no arm: treated as configured.
    pub const OUTSIDE: Self = Self(0);
    /// Never told anything, for good.
    pub const HOLDBACK: Self = Self(1);
}

/// One arm as sessions are treated in it.
#[derive(Debug, Clone)]
pub struct Treatment {
    /// Name of its experiment; empty for those outside and the holdback.
    pub experiment: String,
    /// Its own name.
    pub arm: String,
    /// What may be told.
    pub reach: Reach,
    /// Objective of its sessions, where it has one of its own.
    pub objective: Option<Objective>,
    /// Stopped by a guardrail: it observes whatever its mode says.
    pub is_tripped: bool,
}

impl Treatment {
    /// What is told to its sessions now.
    pub fn reach(&self) -> Reach {
        if self.is_tripped { self.reach.within(Mode::Observe) } else { self.reach }
    }

    /// Its name in logs, metrics and lists: `experiment/arm`.
    pub fn label(&self) -> String {
        if self.experiment.is_empty() { self.arm.clone() } else { format!("{}/{}", self.experiment, self.arm) }
    }
}

/// All experiments and arms at one time.
#[derive(Debug, Clone)]
pub struct ArmTable {
    experiments: Experiments,
    treatments: Vec<Treatment>,
    /// First arm of each experiment.
    first: BTreeMap<String, u8>,
    names: ById<StreamId, String>,
    /// Step of the ramp of experiments that have one.
    steps: BTreeMap<String, usize>,
}

impl Default for ArmTable {
    fn default() -> Self {
        Self::new(Experiments::default(), |_| Vec::new())
    }
}

impl ArmTable {
    /// The table of these experiments; `renderings` gives the streams of a name.
    pub fn new(experiments: Experiments, renderings: impl Fn(&str) -> Vec<StreamId>) -> Self {
        let plain = |arm: &str, reach| Treatment {
            experiment: String::new(),
            arm: arm.to_owned(),
            reach,
            objective: None,
            is_tripped: false,
        };
        let mut treatments = vec![plain("outside", Reach::ALL), plain("holdback", Reach::none(Mode::Observe))];
        let (mut first, mut names) = (BTreeMap::new(), ById::default());
        for experiment in experiments.experiments() {
            first.insert(experiment.name.clone(), u8::try_from(treatments.len()).unwrap_or(u8::MAX));
            treatments.extend(experiment.arms.iter().map(|arm| Treatment {
                experiment: experiment.name.clone(),
                arm: arm.name.clone(),
                reach: Reach::of(arm),
                objective: arm.objective,
                is_tripped: false,
            }));
            for name in &experiment.streams {
                names.extend(renderings(name).into_iter().map(|stream| (stream, name.clone())));
            }
        }
        Self { experiments, treatments, first, names, steps: BTreeMap::new() }
    }

    /// The holdback and the experiments.
    pub const fn experiments(&self) -> &Experiments {
        &self.experiments
    }

    /// How sessions of an arm are treated.
    pub fn treatment(&self, arm: ArmId) -> &Treatment {
        self.treatments.get(usize::from(arm.0)).unwrap_or(&self.treatments[0])
    }

    /// Every arm, those outside first and then those held back.
    pub fn treatments(&self) -> impl Iterator<Item = (ArmId, &Treatment)> {
        (0..=u8::MAX).map(ArmId).zip(&self.treatments)
    }

    /// Arms of an experiment, its control first.
    pub fn arms_of(&self, experiment: &str) -> Vec<ArmId> {
        let Some(&first) = self.first.get(experiment) else { return Vec::new() };
        let arms = self.treatments.iter().filter(|treatment| treatment.experiment == experiment).count();
        (first..=u8::MAX).map(ArmId).take(arms).collect()
    }

    /// The arm of a session now.
    fn arm(&self, session: SessionId, stream: StreamId, network: NetworkId, at: Timestamp) -> ArmId {
        let stream_name = self.names.get(&stream).map_or("", String::as_str);
        let subject = Subject { session, viewer: None, network, stream, stream_name };
        let exposure =
            |experiment: &Experiment| experiment.exposure(self.steps.get(&experiment.name).copied().unwrap_or(0));
        match self.experiments.place(&subject, at, exposure) {
            Place::Outside => ArmId::OUTSIDE,
            Place::Holdback => ArmId::HOLDBACK,
            Place::Arm { experiment, assignment } => {
                let first = self.first.get(&experiment.name).copied().unwrap_or(0);
                ArmId(first.saturating_add(u8::try_from(assignment.arm).unwrap_or(u8::MAX)))
            }
        }
    }

    /// What of the time decides about arms now: changes when an experiment begins or ends, and with every time slice.
    fn phase(&self, at: Timestamp) -> Vec<(bool, u64)> {
        let phase = |experiment: &Experiment| {
            let slice = experiment.time_slices().and_then(|slices| slices.at(experiment.salt(), at));
            (experiment.runs_at(at), slice.map_or(0, |slice| slice.number))
        };
        self.experiments.experiments().iter().map(phase).collect()
    }
}

/// The arms in force, and a number that says when sessions must be assigned anew.
#[derive(Default)]
pub(crate) struct Arms {
    table: RwLock<Arc<ArmTable>>,
    generation: AtomicU32,
    phase: RwLock<Vec<(bool, u64)>>,
}

impl Arms {
    pub(crate) fn table(&self) -> Arc<ArmTable> {
        Arc::clone(&read_locked(&self.table))
    }

    /// Zero until there is an experiment or a holdback: nothing to look up until then.
    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }

    /// Puts other experiments in force.
    pub(crate) fn replace(&self, table: ArmTable, at: Timestamp) {
        let phase = table.phase(at);
        *write_locked(&self.table) = Arc::new(table);
        *write_locked(&self.phase) = phase;
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Looks whether time has changed who is in which arm.
    pub(crate) fn pass(&self, at: Timestamp) {
        if self.generation() == 0 {
            return;
        }
        let phase = self.table().phase(at);
        if *read_locked(&self.phase) != phase {
            *write_locked(&self.phase) = phase;
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Stops an arm; says whether it was running.
    pub(crate) fn trip(&self, arm: ArmId) -> bool {
        let mut table = write_locked(&self.table);
        let mut changed = ArmTable::clone(&table);
        let Some(treatment) = changed.treatments.get_mut(usize::from(arm.0)) else { return false };
        let was_running = !std::mem::replace(&mut treatment.is_tripped, true);
        *table = Arc::new(changed);
        was_running
    }

    pub(crate) fn assign(&self, session: SessionId, stream: StreamId, network: NetworkId, at: Timestamp) -> ArmId {
        read_locked(&self.table).arm(session, stream, network, at)
    }
}

/// Checks experiments and puts them together.
///
/// # Errors
/// The first thing that does not fit.
pub fn table_of(
    holdback: Holdback,
    experiments: Vec<Experiment>,
    renderings: impl Fn(&str) -> Vec<StreamId>,
) -> Result<ArmTable, ExperimentError> {
    Ok(ArmTable::new(Experiments::new(holdback, experiments)?, renderings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arm_may_be_more_careful_than_an_order_and_never_less() {
        let etp = Arm { actuators: Some(vec![Actuator::Etp]), ..Arm::default() };
        let observe = Arm { mode: Mode::Observe, ..Arm::default() };
        for (arm, mode, expected) in [
            (&Arm::default(), Mode::Steer, (Mode::Steer, true, true)),
            (&etp, Mode::Steer, (Mode::Steer, true, false)),
            (&etp, Mode::Observe, (Mode::Observe, false, false)),
            (&observe, Mode::Steer, (Mode::Observe, false, false)),
            (&observe, Mode::Off, (Mode::Off, false, false)),
            (&Arm::default(), Mode::Off, (Mode::Off, false, false)),
        ] {
            let reach = Reach::of(arm).within(mode);
            assert_eq!((reach.mode, reach.by(Actuator::Etp), reach.by(Actuator::Mb)), expected, "{arm:?} {mode}");
            assert_eq!(reach.any(), expected.1);
        }
    }

    #[test]
    fn sessions_are_spread_by_share_and_a_stopped_arm_observes() {
        let arms = vec![
            Arm { name: "as_is".into(), share: Some(0.5), ..Arm::default() },
            Arm { name: "sharp".into(), share: Some(0.25), objective: Some(Objective::Sharp), ..Arm::default() },
        ];
        let experiment = serde_json::from_value(serde_json::json!({ "name": "x", "arms": arms })).unwrap();
        let arms = Arms::default();
        let holdback = Holdback { share: 0.1, ..Holdback::default() };
        let table = table_of(holdback, vec![experiment], |_| Vec::new()).unwrap();
        arms.replace(table, Timestamp::from_millis(1));
        let mut counts = BTreeMap::<String, u32>::new();
        for session in 0..20_000 {
            let arm = arms.assign(SessionId(session), StreamId(1), NetworkId::UNKNOWN, Timestamp::from_millis(2));
            *counts.entry(arms.table().treatment(arm).label()).or_default() += 1;
        }
        for (label, share) in [("holdback", 0.1), ("x/as_is", 0.45), ("x/sharp", 0.225), ("outside", 0.225)] {
            let got = f64::from(counts[label]) / 20_000.0;
            assert!((got - share).abs() < 0.015, "{label}: {got}");
        }
        let sharp = arms.table().arms_of("x")[1];
        assert!(arms.table().treatment(sharp).reach().any());
        assert!(arms.trip(sharp) && !arms.trip(sharp), "it stops once");
        assert_eq!(arms.table().treatment(sharp).reach(), Reach::none(Mode::Observe));
    }
}
