//! Rules: what is watched, and from where on it matters.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The rules that hold where the operator names no file.
pub const DEFAULT_RULES: &str = include_str!("default.toml");

/// Rules at most.
const MAX_RULES: usize = 256;

/// What can be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Share of the time watched that was stalled, by stream.
    StallRatio,
    /// Median opinion score, 1 to 5, by stream.
    OpinionScore,
    /// Share of sessions that have not reported for 10 s, of all.
    SilentRatio,
    /// Mean signal to interference and noise ratio, dB, by stream.
    SinrDb,
    /// Demand over the capacity of a bottleneck.
    Saturation,
    /// Bit rate from the publisher over its own usual one.
    IngestBitrateRatio,
    /// Frames from the publisher over its own usual number.
    FrameRateRatio,
    /// Time between rounds over what it should be.
    LagRatio,
    /// Share of its frames that the publisher's encoder drops.
    DroppedFrameRatio,
    /// How far the media time of a publisher's encoder is from the wall clock since it began, ms.
    EncoderDriftMs,
    /// How much that grows in a minute, ms.
    EncoderDriftRate,
    /// Viewers who complain about what telemetry does not explain, by stream.
    BlindSpot,
    /// −log₁₀ of the corrected p-value that the viewers of a network, an edge or both stall more than the rest of the same
    /// streams.
    NetworkOutlier,
    /// Page's sum of how much worse the stall ratio is than usual, by stream; 12 is certain, and the most there is.
    StallShift,
    /// The same of the median opinion score.
    OpinionShift,
}

/// Who should hear of it, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody must look now.
    Page,
    /// In working hours.
    Ticket,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name: letters, digits, `_`.
    pub name: String,
    /// What it watches.
    pub signal: Signal,
    /// Too much from here on.
    #[serde(default)]
    pub above: Option<f64>,
    /// Too little from here on.
    #[serde(default)]
    pub below: Option<f64>,
    /// Well again at this value.
    pub clear: f64,
    /// Seconds beyond the threshold before it fires.
    pub for_s: u64,
    /// Seconds at or beyond `clear` before it resolves.
    pub hold_s: u64,
    /// Seconds a crossing is looked for ahead; 0: not.
    pub predict_s: u64,
    /// How sure a prediction must be.
    #[serde(default = "default_probability")]
    pub probability: f64,
    /// Fewer sessions say nothing.
    pub min_sessions: f64,
    /// Who should hear of it.
    pub severity: Severity,
    /// What it means, for people.
    pub summary: String,
}

fn default_probability() -> f64 {
    0.95
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Rule>,
}

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The file cannot be read.
    #[error("rules file {path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system or the parser reports.
        source: std::io::Error,
    },
    /// The text is no list of rules.
    #[error("rules are not as they should be: {0}")]
    Parse(Box<toml::de::Error>),
    /// A rule contradicts itself.
    #[error("rule {name}: {problem}")]
    Rule {
        /// The name of the rule.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Rule {
    /// The rules of a file, or the default ones for an empty path.
    ///
    /// # Errors
    /// When the file cannot be read or a rule contradicts itself.
    pub fn load(path: &Path) -> Result<Vec<Self>, RuleError> {
        if path.as_os_str().is_empty() {
            return Self::parse(DEFAULT_RULES);
        }
        let text = std::fs::read_to_string(path).map_err(|source| RuleError::Read { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// The rules of a text.
    ///
    /// # Errors
    /// When a rule contradicts itself.
    pub fn parse(text: &str) -> Result<Vec<Self>, RuleError> {
        let File { rule: rules } = toml::from_str(text).map_err(|error| RuleError::Parse(Box::new(error)))?;
        let mut names = std::collections::BTreeSet::new();
        for rule in &rules {
            let wrong = |problem| Err(RuleError::Rule { name: rule.name.clone(), problem });
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if rule.name.is_empty() || rule.name.len() > 64 || !rule.name.bytes().all(plain) {
                return wrong("a name has 1 to 64 letters, digits and underscores");
            }
            if !names.insert(&rule.name) || names.len() > MAX_RULES {
                return wrong("the name is used twice, or there are too many rules");
            }
            if rule.above.is_some() == rule.below.is_some() {
                return wrong("one of above and below is needed");
            }
            if rule.above.is_some_and(|above| rule.clear > above) || rule.below.is_some_and(|below| rule.clear < below)
            {
                return wrong("clear lies on the wrong side of the threshold");
            }
            if !(0.5..1.0).contains(&rule.probability) || rule.predict_s > 86_400 {
                return wrong("probability lies in 0.5..1, predict_s in 0..=86400");
            }
        }
        Ok(rules)
    }

    /// The threshold.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.above.or(self.below).unwrap_or(f64::NAN)
    }

    /// +1 when too much is bad, −1 when too little is: values times this grow worse as they grow.
    pub(super) fn sign(&self) -> f64 {
        if self.above.is_some() { 1.0 } else { -1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        assert_eq!(Rule::load(Path::new("")).unwrap().len(), 15);
        let good = DEFAULT_RULES;
        for (from, to, problem) in [
            ("name = \"stalls\"", "name = \"st alls\"", "letters"),
            ("name = \"opinion\"", "name = \"stalls\"", "twice"),
            ("above = 0.02", "below = 0.02\nabove = 0.02", "one of"),
            ("clear = 0.01", "clear = 0.03", "wrong side"),
            ("probability = 0.9", "probability = 1.5", "probability"),
            ("signal = \"stall_ratio\"", "signal = \"unknown\"", "not as they should"),
        ] {
            let error = Rule::parse(&good.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(problem), "{to}: {error}");
        }
        assert!(matches!(Rule::load(Path::new("/nonexistent")), Err(RuleError::Read { .. })));
    }
}
