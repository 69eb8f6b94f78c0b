//! What is done about a message: the prediction and the action, from one judgement, so that they cannot contradict each
//! other.
//!
//! The message says what is wrong for the viewer, the engine what is wrong with the link. Whatever is wrong is answered:
//! by a rung, by the distance from live, or by a word to the broadcaster where no bit rate helps.

use headroom_core::{
    audience::{Aspect, Aspects, Classification, Command},
    decision::Reason,
    ladder::{Ladder, Rung, RungIndex},
    units::{Mos, Ratio},
};

/// Opinion scores from here up are good or better (ITU-T P.800: 4 good, 3 fair), between them undecided.
const GOOD_MOS: f32 = 3.0;

/// What is to be expected of the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Qoe {
    HighQuality,
    NeedsAdjustment,
}

impl Qoe {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::HighQuality => "High Quality",
            Self::NeedsAdjustment => "Needs Adjustment",
        }
    }
}

/// What is known when a message has been heard.
pub(super) struct Situation<'a> {
    pub(super) ladder: &'a Ladder,
    /// What was played when the message came.
    pub(super) playing: RungIndex,
    /// Largest rung that the engine's cap leaves.
    pub(super) cap: RungIndex,
    /// Largest rung that the link carries by the player's own rule.
    pub(super) link: RungIndex,
    /// Whether the forecast carries the rung above `playing`.
    pub(super) carries_next: bool,
    /// Probability of a stall within the horizon.
    pub(super) risk: Ratio,
    /// Risk from which a rung is too much.
    pub(super) risk_limit: f32,
    pub(super) mos: Option<Mos>,
    /// Why the engine decided as it did; `None`: it has not yet.
    pub(super) decided: Option<Reason>,
}

/// What is done about the rung.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Lower,
    Maintain,
    Raise,
    /// The viewer's own choice, by height; `None` is automatic.
    Set(Option<u16>),
}

/// What is done beside the rung.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Remedy {
    /// Nearer to live.
    LowerLatency,
    /// Farther from live, to be safe.
    MoreBuffer,
    /// The bit rate is not to blame: the broadcaster has to look.
    AlertBroadcaster(Aspects),
    /// Nothing better can be had from this link.
    NoMoreFromLink,
    /// The figures the viewer asked for.
    Report,
}

/// The judgement.
#[derive(PartialEq, Debug)]
pub(super) struct Response {
    pub(super) qoe: Qoe,
    pub(super) step: Step,
    /// What is to be played from now on.
    pub(super) rung: RungIndex,
    pub(super) remedies: Vec<Remedy>,
    /// Why, in words.
    pub(super) reason: String,
}

/// Judges a message in its situation.
pub(super) fn respond(reading: &Classification, situation: &Situation<'_>) -> Response {
    let Situation { ladder, playing, cap, link, .. } = *situation;
    let complains = |aspect| reading.is_complaint() && reading.aspects.contains(aspect);
    let wants_less = matches!(reading.command, Some(Command::LowerQuality | Command::SetQuality(_)));
    let risky = situation.risk.get() >= situation.risk_limit;
    // A cap that the viewer asked for is no fault of the link.
    let falls = link < playing || (cap < playing && !wants_less);
    let weak = risky || falls;
    let mut reasons = Vec::new();
    let mut remedies = Vec::new();
    let mut rung = playing;

    if weak {
        rung = cap.min(link).min(playing.saturating_sub(1));
        reasons.push(if risky {
            format!("the stall risk is {:.0} %", 100.0 * situation.risk.get())
        } else {
            format!("the link no longer carries {}", name(ladder.rung(playing)))
        });
    }
    if complains(Aspect::Buffering) {
        rung = rung.min(playing.saturating_sub(1));
        reasons.push(format!("the viewer reports buffering at {}", name(ladder.rung(playing))));
    }
    let wants_calm = weak || complains(Aspect::Buffering);
    if wants_calm && playing == 0 && !complains(Aspect::Latency) && reading.command != Some(Command::LowerLatency) {
        remedies.push(Remedy::MoreBuffer);
        reasons.push("there is no lower rung".into());
    }
    let poor = situation.mos.is_some_and(|mos| mos.get() < GOOD_MOS);
    let more = if complains(Aspect::Picture) {
        Some(format!("the viewer reports a bad picture at {}", name(ladder.rung(playing))))
    } else if reading.command == Some(Command::RaiseQuality) {
        Some("the viewer asks for more".into())
    } else if poor && !weak && !reading.is_complaint() && reading.command.is_none() {
        Some("the opinion score is below fair".into())
    } else {
        None
    };
    if let Some(reason) = more {
        reasons.push(reason);
        if wants_calm {
            reasons.push("a stall would be worse".into());
        } else {
            rung = better(situation, &mut remedies, &mut reasons);
        }
    }
    if complains(Aspect::Latency) {
        remedies.push(Remedy::LowerLatency);
        reasons.push("the viewer reports a long delay".into());
    }
    let source: Aspects =
        [Aspect::Audio, Aspect::Availability].into_iter().filter(|&aspect| complains(aspect)).collect();
    if !source.is_empty() {
        remedies.push(Remedy::AlertBroadcaster(source));
        reasons.push(format!("no bit rate mends {}", words(source)));
    }
    let mut step = match rung.cmp(&playing) {
        std::cmp::Ordering::Less => Step::Lower,
        std::cmp::Ordering::Equal => Step::Maintain,
        std::cmp::Ordering::Greater => Step::Raise,
    };
    match reading.command {
        Some(Command::LowerQuality) => {
            rung = rung.min(playing.saturating_sub(1));
            step = if rung < playing { Step::Lower } else { Step::Maintain };
            reasons.push("the viewer asks for less".into());
            if rung == playing && !remedies.contains(&Remedy::MoreBuffer) {
                remedies.push(Remedy::MoreBuffer);
                reasons.push("there is no lower rung".into());
            }
        }
        Some(Command::SetQuality(height)) => {
            let asked = height.map_or(ladder.top(), |height| ladder.by_height(height).unwrap_or(0));
            rung = match asked <= rung {
                true => asked,
                // More than is played: as far as cap and link go, and no higher than what a complaint allows.
                false if wants_calm => rung,
                false => asked.min(cap).min(link).max(rung),
            };
            step = Step::Set(height);
            reasons.push(match height {
                Some(height) => format!("the viewer asks for {height}p"),
                None => "the viewer leaves the choice to the player".into(),
            });
        }
        Some(Command::LowerLatency) if !remedies.contains(&Remedy::LowerLatency) => {
            remedies.push(Remedy::LowerLatency);
            reasons.push("the viewer asks to be nearer to live".into());
        }
        Some(Command::MoreBuffer) if !remedies.contains(&Remedy::MoreBuffer) => {
            remedies.retain(|remedy| *remedy != Remedy::LowerLatency);
            remedies.push(Remedy::MoreBuffer);
            reasons.push("the viewer asks for more buffer".into());
        }
        Some(Command::Status) => {
            remedies.push(Remedy::Report);
            reasons.push("the viewer asks how it is going".into());
        }
        _ => {}
    }
    if step == Step::Lower {
        reasons.push(format!("so it goes down to {}", name(ladder.rung(rung))));
    }
    let needs = weak || reading.is_complaint() || (poor && reading.command.is_none());
    if reasons.is_empty() {
        reasons.push(match situation.decided {
            None => "nothing decided yet".into(),
            // How far a cap could rise says nothing of what is played, and it is kept.
            Some(Reason::RoomAbove | Reason::Plan) => {
                format!("nothing is wrong, and the link carries {}", name(ladder.rung(playing)))
            }
            Some(reason) => reason.to_string(),
        });
    }
    Response {
        qoe: if needs { Qoe::NeedsAdjustment } else { Qoe::HighQuality },
        step,
        rung,
        remedies,
        reason: reasons.join("; "),
    }
}

/// The next rung where the forecast carries it; else why not.
fn better(situation: &Situation<'_>, remedies: &mut Vec<Remedy>, reasons: &mut Vec<String>) -> RungIndex {
    let Situation { ladder, playing, .. } = *situation;
    if playing >= ladder.top() {
        remedies.push(Remedy::AlertBroadcaster(Aspects::NONE.with(Aspect::Picture)));
        reasons.push("the best rung is playing".into());
        return playing;
    }
    let next = playing + 1;
    if situation.carries_next && next <= situation.cap {
        reasons.push(format!("the link carries {}", name(ladder.rung(next))));
        return next;
    }
    remedies.push(Remedy::NoMoreFromLink);
    reasons.push(format!("the link does not carry {}", name(ladder.rung(next))));
    playing
}

/// A rung as people call it.
pub(super) fn name(rung: Rung) -> String {
    match rung.height {
        0 => format!("{:.0} kbit/s", rung.bitrate.as_kbps()),
        height => format!("{height}p"),
    }
}

/// Aspects as a list for people.
pub(super) fn words(aspects: Aspects) -> String {
    aspects.iter().map(Aspect::word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use Aspect::{Audio, Availability, Buffering, Latency, Picture};
    use headroom_core::audience::Sentiment;

    fn reading(aspects: &[Aspect], command: Option<Command>) -> Classification {
        Classification {
            sentiment: if aspects.is_empty() { Sentiment::Neutral } else { Sentiment::Negative },
            confidence: Ratio::clamped(0.9),
            aspects: aspects.iter().copied().collect(),
            command,
        }
    }

    fn situation(ladder: &Ladder, playing: RungIndex, link: RungIndex, risk: f32) -> Situation<'_> {
        Situation {
            ladder,
            playing,
            cap: ladder.top(),
            link,
            carries_next: link > playing,
            risk: Ratio::clamped(risk),
            risk_limit: 0.3,
            mos: Some(Mos::clamped(4.0)),
            decided: Some(Reason::Plan),
        }
    }

    #[test]
    fn every_fault_has_its_answer() {
        let ladder = Ladder::default();
        let (alert, set) =
            (|aspect| Remedy::AlertBroadcaster(Aspects::NONE.with(aspect)), Command::SetQuality(Some(720)));
        type Case<'a> = (&'a [Aspect], Option<Command>, RungIndex, RungIndex, f32, Qoe, Step, RungIndex, &'a [Remedy]);
        let (high, needs) = (Qoe::HighQuality, Qoe::NeedsAdjustment);
        // Complaint, command, playing, link, risk; prediction, step, rung, remedies.
        let cases: [Case<'_>; 19] = [
            (&[], None, 5, 6, 0.0, high, Step::Maintain, 5, &[]),
            (&[Buffering], None, 5, 7, 0.0, needs, Step::Lower, 4, &[]),
            (&[Buffering], None, 0, 7, 0.0, needs, Step::Maintain, 0, &[Remedy::MoreBuffer]),
            (&[Buffering], None, 5, 2, 0.6, needs, Step::Lower, 2, &[]),
            (&[Picture], None, 3, 5, 0.0, needs, Step::Raise, 4, &[]),
            (&[Picture], None, 3, 3, 0.0, needs, Step::Maintain, 3, &[Remedy::NoMoreFromLink]),
            (&[Picture], None, 7, 7, 0.0, needs, Step::Maintain, 7, &[alert(Picture)]),
            (&[Picture, Buffering], None, 3, 7, 0.0, needs, Step::Lower, 2, &[]),
            (&[Picture], None, 3, 5, 0.4, needs, Step::Lower, 2, &[]),
            (&[Latency], None, 5, 7, 0.0, needs, Step::Maintain, 5, &[Remedy::LowerLatency]),
            (&[Audio], None, 5, 7, 0.0, needs, Step::Maintain, 5, &[alert(Audio)]),
            (&[Availability], None, 5, 7, 0.5, needs, Step::Lower, 4, &[alert(Availability)]),
            (&[], None, 5, 6, 0.3, needs, Step::Lower, 4, &[]),
            (&[], None, 0, 0, 0.9, needs, Step::Maintain, 0, &[Remedy::MoreBuffer]),
            (&[], Some(set), 6, 7, 0.0, high, Step::Set(Some(720)), 4, &[]),
            (&[], Some(set), 2, 3, 0.0, high, Step::Set(Some(720)), 3, &[]),
            (&[Buffering], Some(set), 2, 7, 0.0, needs, Step::Set(Some(720)), 1, &[]),
            (&[], Some(Command::RaiseQuality), 3, 5, 0.0, high, Step::Raise, 4, &[]),
            (&[], Some(Command::Status), 3, 5, 0.0, high, Step::Maintain, 3, &[Remedy::Report]),
        ];
        for (at, (aspects, command, playing, link, risk, qoe, step, rung, remedies)) in cases.into_iter().enumerate() {
            let found = respond(&reading(aspects, command), &situation(&ladder, playing, link, risk));
            let expected = (qoe, step, rung, remedies);
            assert_eq!(
                (found.qoe, found.step, found.rung, &found.remedies[..]),
                expected,
                "case {at}: {}",
                found.reason
            );
        }
    }

    #[test]
    fn prediction_and_action_never_contradict_each_other() {
        let ladder = Ladder::default();
        let sets = (0..32_u8).map(|bits| -> Vec<Aspect> {
            Aspect::ALL.into_iter().filter(|&aspect| bits & (1 << aspect as u8) != 0).collect()
        });
        let commands = [
            None,
            Some(Command::LowerQuality),
            Some(Command::RaiseQuality),
            Some(Command::SetQuality(Some(480))),
            Some(Command::SetQuality(None)),
            Some(Command::LowerLatency),
            Some(Command::MoreBuffer),
            Some(Command::Status),
        ];
        for aspects in sets {
            for command in commands {
                for (playing, link, risk) in
                    (0..8).flat_map(|p| (0..8).flat_map(move |l| [0.0, 0.3, 0.9].map(|risk| (p, l, risk))))
                {
                    let reading = reading(&aspects, command);
                    let found = respond(&reading, &situation(&ladder, playing, link, risk));
                    let case = format!("{aspects:?} {command:?} {playing} {link} {risk}: {found:?}");
                    let idle = found.step == Step::Maintain && found.remedies.is_empty();
                    assert!(found.qoe == Qoe::HighQuality || !idle, "needs adjustment and nothing is done: {case}");
                    if aspects.contains(&Buffering) || risk >= 0.3 || link < playing {
                        assert_eq!(found.qoe, Qoe::NeedsAdjustment, "{case}");
                        assert!(found.rung < playing || playing == 0, "a stall is answered by going down: {case}");
                    }
                    if !aspects.is_empty() {
                        assert_eq!(found.qoe, Qoe::NeedsAdjustment, "{case}");
                    }
                    assert!(!found.reason.is_empty(), "{case}");
                }
            }
        }
    }
}
