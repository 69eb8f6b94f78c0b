//! What follows from a message, for people and for programs.

use super::response::{Remedy, Response, Step, name, words};
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

/// One answer.
pub(crate) struct Answer {
    pub(super) feedback: String,
    /// RSRP in dBm, RSRQ in dB, SNR in dB.
    pub(super) radio: [Option<f64>; 3],
    pub(super) source: String,
    pub(super) response: Response,
    pub(super) risk: Ratio,
    pub(super) mos: Option<Mos>,
    pub(super) prediction: Prediction,
    /// What was played when the message came.
    pub(super) playing: Rung,
    /// What is played from now on.
    pub(super) chosen: Rung,
    pub(super) target_latency: Duration,
    pub(super) expected: Option<Bitrate>,
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
        lines.push(format!("QoE Prediction: {}", self.response.qoe.words()));
        lines.push(format!("Sentiment: {sentiment} ({:.2}%)", 100.0 * self.prediction.reading.confidence.get()));
        lines.push(format!("Action: {}", self.action()));
        lines.push(format!("Source: {}", self.source));
        lines.push(format!("Reason: {}", self.response.reason));
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
            "qoe": self.response.qoe.words(),
            "risk": rounded(self.risk.get().into()),
            "mos": self.mos.map(|mos| rounded(mos.get().into())),
            "sentiment": { "label": label, "confidence": confidence },
            "action": self.action(),
            "max_bitrate_kbps": self.chosen.bitrate.as_kbps(),
            "reason": self.response.reason,
            "confirmation": self.confirmation(),
        });
        if let Value::Object(more) = more {
            object.extend(more);
        }
        object
    }

    /// Everything that is done, the rung first.
    fn action(&self) -> String {
        let remedies = &self.response.remedies;
        let chosen = name(self.chosen);
        let mut parts = Vec::new();
        match self.response.step {
            Step::Lower => parts.push(format!("Lower bitrate ({chosen})")),
            Step::Raise => parts.push(format!("Raise bitrate ({chosen})")),
            Step::Set(asked) => {
                parts.push(
                    asked.map_or_else(|| "Set quality (auto)".into(), |height| format!("Set quality ({height}p)")),
                );
                if asked.is_some_and(|height| self.chosen.height < height) && self.chosen.bitrate < self.playing.bitrate
                {
                    parts.push(format!("Lower bitrate ({chosen})"));
                }
            }
            // A step nearer to live or farther from it, or the figures, are what was asked: the rung is no news.
            Step::Maintain
                if remedies.iter().any(|remedy| matches!(remedy, Remedy::LowerLatency | Remedy::Report))
                    && remedies.len() == 1 => {}
            Step::Maintain if self.chosen.height >= 1080 => parts.push("Maintain HD (1080p+)".into()),
            Step::Maintain => parts.push(format!("Maintain bitrate ({chosen})")),
        }
        let target = self.target_latency.as_secs_f64();
        parts.extend(remedies.iter().map(|remedy| match remedy {
            Remedy::LowerLatency => format!("Lower latency ({target:.1} s)"),
            Remedy::MoreBuffer => format!("Buffer more ({target:.1} s)"),
            Remedy::AlertBroadcaster(aspects) => format!("Alert broadcaster ({})", words(*aspects)),
            Remedy::NoMoreFromLink => "the link carries no more".into(),
            Remedy::Report => format!("Report status ({})", self.status()),
        }));
        parts.join("; ")
    }

    fn status(&self) -> String {
        let expected =
            self.expected.map_or_else(|| "link unknown".into(), |rate| format!("link {:.1} Mbit/s", rate.as_mbps()));
        format!(
            "{} at {:.1} Mbit/s, {expected}, stall risk {:.0} %",
            name(self.playing),
            self.playing.bitrate.as_mbps(),
            100.0 * self.risk.get()
        )
    }

    /// What is said to a viewer who asked for something: what came of it, which is not always what was asked.
    fn confirmation(&self) -> Option<String> {
        let chosen = name(self.chosen);
        let target = self.target_latency.as_secs_f64();
        let (lower, higher) = (self.chosen.bitrate < self.playing.bitrate, self.chosen.bitrate > self.playing.bitrate);
        Some(match self.prediction.reading.command? {
            Command::LowerQuality if lower => format!("Quality lowered to {chosen}."),
            Command::LowerQuality => format!("{chosen} is the lowest there is."),
            Command::RaiseQuality if higher => format!("Quality raised to {chosen}."),
            Command::RaiseQuality => format!("It stays at {chosen}: {}.", self.response.reason),
            Command::SetQuality(Some(asked)) if asked == self.chosen.height => format!("Quality set to {chosen}."),
            Command::SetQuality(Some(asked)) => format!("At most {asked}p; now {chosen}, as the link allows."),
            Command::SetQuality(None) => format!("Quality is automatic again, now {chosen}."),
            Command::LowerLatency => format!("Going nearer to live, {target:.1} s behind."),
            Command::MoreBuffer => format!("Buffering more, {target:.1} s behind live."),
            Command::Status => format!("You are watching {}.", self.status()),
        })
    }
}

/// One line that a terminal shows as it is, at the length the models read.
fn printable(text: &str) -> String {
    text.chars().take(MAX_CHARACTERS).map(|character| if character.is_control() { ' ' } else { character }).collect()
}
