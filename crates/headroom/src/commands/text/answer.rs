//! What follows from a message, for people and for programs.

use crate::commands::classify;
use headroom_core::{
    audience::{Command, Sentiment},
    ladder::Rung,
    time::Duration,
    units::{Bitrate, Mos, Ratio},
};
use headroom_infer::text::{MAX_CHARACTERS, Prediction};
use serde_json::{Map, Value, json};

/// How a message came in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Typed.
    Text,
    /// Spoken.
    #[cfg_attr(not(feature = "speech"), expect(dead_code, reason = "spoken messages need the feature"))]
    Voice,
}

/// What is to be expected of the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Qoe {
    HighQuality,
    NeedsAdjustment,
}

impl Qoe {
    fn words(self) -> &'static str {
        match self {
            Self::HighQuality => "High Quality",
            Self::NeedsAdjustment => "Needs Adjustment",
        }
    }
}

/// What is done about the bit rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Action {
    Lower(u16),
    Maintain(u16),
    Raise(u16),
}

impl Action {
    pub(super) fn between(now: Rung, then: Rung) -> Self {
        match then.bitrate.cmp(&now.bitrate) {
            std::cmp::Ordering::Less => Self::Lower(then.height),
            std::cmp::Ordering::Equal => Self::Maintain(then.height),
            std::cmp::Ordering::Greater => Self::Raise(then.height),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Lower(height) => format!("Lower bitrate ({height}p)"),
            Self::Maintain(1080..) => "Maintain HD (1080p+)".to_owned(),
            Self::Maintain(height) => format!("Maintain bitrate ({height}p)"),
            Self::Raise(height) => format!("Raise bitrate ({height}p)"),
        }
    }
}

/// One answer.
pub(crate) struct Answer {
    pub(super) feedback: String,
    /// RSRP in dBm, RSRQ in dB, SNR in dB.
    pub(super) radio: [Option<f64>; 3],
    pub(super) source: String,
    pub(super) qoe: Qoe,
    pub(super) risk: Ratio,
    pub(super) mos: Option<Mos>,
    pub(super) prediction: Prediction,
    pub(super) action: Action,
    pub(super) max_bitrate: Bitrate,
    pub(super) playing: Rung,
    pub(super) target_latency: Duration,
    pub(super) expected: Option<Bitrate>,
    pub(super) reason: String,
}

impl Answer {
    /// The lines of the mode, the source of the network and, after a command, what was done.
    pub(crate) fn lines(&self, origin: Origin) -> Vec<String> {
        let [rsrp, rsrq, snr] =
            self.radio.map(|value| value.map_or_else(|| "None".to_owned(), |value| format!("{value:.2}")));
        let sentiment = match self.prediction.reading.sentiment {
            Sentiment::Negative => "NEGATIVE",
            Sentiment::Neutral => "NEUTRAL",
            Sentiment::Positive => "POSITIVE",
        };
        let mut lines = vec![format!("Network: {{'RSRP': {rsrp}, 'RSRQ': {rsrq}, 'SNR': {snr}}}")];
        if origin == Origin::Text {
            lines.push(format!("Feedback (text): {}", printable(&self.feedback)));
        }
        lines.push(format!("QoE Prediction: {}", self.qoe.words()));
        lines.push(format!("Sentiment: {sentiment} ({:.2}%)", 100.0 * self.prediction.reading.confidence.get()));
        lines.push(format!("Action: {}", self.action.words()));
        lines.push(format!("Source: {}", self.source));
        lines.extend(self.confirmation().map(|said| format!("Confirmation: {said}")));
        lines
    }

    /// The keys of DESIGN's contract, and more.
    pub(crate) fn object(&self, origin: Origin) -> Map<String, Value> {
        let rounded = |value: f64| (value * 100.0).round() / 100.0;
        let [rsrp, rsrq, snr] = self.radio.map(|value| value.map(rounded));
        let mut object = classify::keys(&self.prediction);
        let confidence = object.remove("confidence");
        let label = object.remove("sentiment");
        let more = json!({
            "network": { "rsrp": rsrp, "rsrq": rsrq, "snr": snr, "source": self.source },
            "feedback": self.feedback,
            "origin": if origin == Origin::Text { "text" } else { "voice" },
            "qoe": self.qoe.words(),
            "risk": rounded(self.risk.get().into()),
            "mos": self.mos.map(|mos| rounded(mos.get().into())),
            "sentiment": { "label": label, "confidence": confidence },
            "action": self.action.words(),
            "max_bitrate_kbps": self.max_bitrate.as_kbps(),
            "reason": self.reason,
            "confirmation": self.confirmation(),
        });
        if let Value::Object(more) = more {
            object.extend(more);
        }
        object
    }

    /// What is said to a viewer who asked for something: what the engine made of it, which is not always what was asked.
    fn confirmation(&self) -> Option<String> {
        let height = match self.action {
            Action::Lower(height) | Action::Maintain(height) | Action::Raise(height) => height,
        };
        Some(match self.prediction.reading.command? {
            Command::LowerQuality => format!("Quality lowered to {height}p."),
            Command::RaiseQuality => format!("Quality up to {height}p, as the link allows."),
            Command::SetQuality(Some(asked)) if asked == height => format!("Quality set to {height}p."),
            Command::SetQuality(Some(asked)) => format!("At most {asked}p; now {height}p, as the link allows."),
            Command::SetQuality(None) => format!("Quality is automatic again, now {height}p."),
            Command::LowerLatency => {
                format!("Going nearer to live, {:.1} s behind.", self.target_latency.as_secs_f64())
            }
            Command::MoreBuffer => format!("Buffering more, {:.1} s behind live.", self.target_latency.as_secs_f64()),
            Command::Status => {
                let expected = self
                    .expected
                    .map_or_else(|| "an unknown".to_owned(), |rate| format!("{:.1} Mbit/s of", rate.as_mbps()));
                format!(
                    "You are watching {}p at {:.1} Mbit/s, with {expected} throughput and a stall risk of {:.0} %.",
                    self.playing.height,
                    self.playing.bitrate.as_mbps(),
                    100.0 * self.risk.get()
                )
            }
        })
    }
}

/// One line that a terminal shows as it is, at the length the models read.
fn printable(text: &str) -> String {
    text.chars().take(MAX_CHARACTERS).map(|character| if character.is_control() { ' ' } else { character }).collect()
}
