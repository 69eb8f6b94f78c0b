//! Classifies messages: text in, prediction out.

use super::{
    Device, Language, Network, NetworkError, OpenError, Scores,
    cache::ScoreCache,
    command::{Intent, resolve},
    language::{Route, Router, softmax},
    normalise::{Cleaned, Normaliser},
    report::report,
};
use headroom_core::{
    audience::{Aspect, Aspects, Classification, Sentiment},
    units::Ratio,
};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use tokenizers::{Tokenizer, TruncationParams};

/// Two models and the way to choose between them. One per thread; copies by [`Classifier::open`] share nothing.
pub struct Classifier {
    normaliser: Arc<Normaliser>,
    router: Arc<Router>,
    english: Model,
    multilingual: Model,
}

/// The classification of one message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Sentiment, aspects and command, as the engine takes them.
    pub reading: Classification,
    /// Probabilities of negative, neutral and positive; their sum is 1.
    pub probabilities: [f32; 3],
    /// The most likely language.
    pub language: Language,
    /// The same words were classified a short while ago, so no network ran.
    pub recalled: bool,
    /// How certain it is that the message reports trouble with the aspects it names, whatever its tone; above one half it does.
    pub certainty: Ratio,
}

impl Prediction {
    /// Whether the message reports trouble with the delivery: by a statement, a question ("no sound?") or a fragment.
    #[must_use]
    pub fn is_complaint(&self) -> bool {
        self.certainty.get() > 0.5 && !self.reading.aspects.is_empty()
    }

    /// The reading as the engine takes it, which knows complaints by their sentiment: a report of trouble is displeased with
    /// the certainty of the report, and what only sounds like one names nothing of the delivery.
    #[must_use]
    pub fn for_engine(&self) -> Classification {
        let mut reading = self.reading;
        let is_complaint = self.is_complaint();
        if is_complaint && reading.sentiment != Sentiment::Negative {
            reading.sentiment = Sentiment::Negative;
            reading.confidence = self.certainty;
        } else if !is_complaint && reading.is_complaint() {
            reading.aspects = Aspects::NONE;
        }
        reading
    }
}

/// Why a message could not be classified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The tokenizer failed on the text.
    #[error("the tokenizer failed: {0}")]
    Tokenizer(String),
    /// The inference engine failed.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

impl Classifier {
    /// Loads a folder with `normalisation.json`, `language.json`, `sentiment-en` and `sentiment-multi`.
    ///
    /// # Errors
    /// When a file is missing or broken, or the device cannot be used.
    pub fn open(folder: &Path, device: Device, threads: usize) -> Result<Self, OpenError> {
        let path = folder.join("normalisation.json");
        let normaliser = serde_json::from_slice(&read(&path)?)
            .map_err(|error| OpenError::Broken { path, reason: error.to_string() })?;
        let path = folder.join("language.json");
        let router = Router::parse(&read(&path)?).map_err(|reason| OpenError::Broken { path, reason })?;
        let mut classifier = Self {
            normaliser: Arc::new(normaliser),
            router: Arc::new(router),
            english: Model::open(&folder.join("sentiment-en"), device, threads)?,
            multilingual: Model::open(&folder.join("sentiment-multi"), device, threads)?,
        };
        classifier.warm_up(folder)?;
        Ok(classifier)
    }

    /// The first run of a network allocates what all later ones use, and shows whether the files fit together.
    fn warm_up(&mut self, folder: &Path) -> Result<(), OpenError> {
        let broken = |error: ReadError| OpenError::Broken { path: folder.to_owned(), reason: error.to_string() };
        self.read(&["the stream is smooth", "la imagen se ve muy bien hoy"]).map(|_| ()).map_err(broken)
    }

    /// Reads messages together; one prediction each, in order. Long ones are cut at [`super::MAX_CHARACTERS`].
    ///
    /// # Errors
    /// When the engine fails.
    pub fn read(&mut self, messages: &[&str]) -> Result<Vec<Prediction>, ReadError> {
        let cleaned: Vec<Cleaned> = messages.iter().map(|message| self.normaliser.clean(message)).collect();
        let routes: Vec<_> =
            messages.iter().zip(&cleaned).map(|(message, clean)| self.router.route(message, &clean.words)).collect();
        // Emotes alone and commands for bots need no network.
        let attitudes: Vec<Option<i8>> =
            messages.iter().zip(&cleaned).map(|(message, clean)| early(message, clean)).collect();
        let clean: Vec<String> = cleaned.into_iter().map(|clean| clean.text).collect();
        let mut scores: Vec<Option<TextScores>> = vec![None; messages.len()];
        for (english, model) in [(true, &mut self.english), (false, &mut self.multilingual)] {
            let chosen: Vec<usize> = (0..messages.len())
                .filter(|&at| routes[at].english == english && !clean[at].is_empty() && attitudes[at].is_none())
                .collect();
            if chosen.is_empty() {
                continue;
            }
            let texts: Vec<&str> = chosen.iter().map(|&at| clean[at].as_str()).collect();
            for (at, found) in chosen.into_iter().zip(model.scores(&texts)?) {
                scores[at] = Some(found);
            }
        }
        Ok((0..messages.len())
            .map(|at| match attitudes[at] {
                Some(attitude) => without_network(attitude, routes[at].language),
                None => prediction(messages[at], &clean[at], scores[at].as_ref(), routes[at]),
            })
            .collect())
    }
}

/// Probability given to the attitude of emotes alone: that of the label rules, which people who label chat do not all share.
const EMOTES_ALONE: f32 = 0.9;

/// The attitude of a message that is read without a network: emotes alone, or a command for a bot such as `!uptime`.
fn early(message: &str, clean: &Cleaned) -> Option<i8> {
    let name = message.trim().strip_prefix('!');
    let is_bot_command =
        name.is_some_and(|name| (2..=24).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase()));
    if is_bot_command && report(message, [0.4, 0.4, 0.2], Aspects::NONE, true).certainty <= 0.5 {
        return Some(0);
    }
    clean.emotes_alone
}

fn without_network(attitude: i8, language: Language) -> Prediction {
    let at = usize::from(attitude.clamp(-1, 1).abs_diff(-1));
    let mut probabilities = [(1.0 - EMOTES_ALONE) / 2.0; 3];
    probabilities[at] = EMOTES_ALONE;
    let reading = Classification {
        sentiment: [Sentiment::Negative, Sentiment::Neutral, Sentiment::Positive][at],
        confidence: Ratio::clamped(EMOTES_ALONE),
        aspects: Aspects::NONE,
        command: None,
    };
    Prediction { reading, probabilities, language, recalled: false, certainty: Ratio::ZERO }
}

/// A message that is empty after normalisation is neutral.
fn prediction(text: &str, clean: &str, scored: Option<&TextScores>, route: Route) -> Prediction {
    let language = route.language;
    let Some(TextScores { scores, recalled }) = scored else {
        let reading = Classification {
            sentiment: Sentiment::Neutral,
            confidence: Ratio::clamped(1.0),
            aspects: Aspects::NONE,
            command: None,
        };
        return Prediction {
            reading,
            probabilities: [0.0, 1.0, 0.0],
            language,
            recalled: false,
            certainty: Ratio::ZERO,
        };
    };
    let soft = softmax(&scores.sentiment);
    let probabilities = [soft[0], soft[1], soft[2]];
    let best = highest(&probabilities);
    // A logit above 0 is a probability above one half.
    let aspects =
        Aspect::ALL.into_iter().zip(scores.aspects).filter(|(_, score)| *score > 0.0).map(|(a, _)| a).collect();
    let reported = report(text, probabilities, aspects, route.english);
    let reading = Classification {
        sentiment: [Sentiment::Negative, Sentiment::Neutral, Sentiment::Positive][best],
        confidence: Ratio::clamped(probabilities[best]),
        aspects: reported.aspects,
        command: resolve(Intent::ALL[highest(&scores.command)], text, clean),
    };
    Prediction { reading, probabilities, language, recalled: *recalled, certainty: Ratio::clamped(reported.certainty) }
}

/// Index of the largest value, the first of equal ones.
fn highest(values: &[f32]) -> usize {
    (0..values.len()).rev().max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0)
}

/// Messages that a network computes at once. More gain nothing (the caches of a core are full), and the longest of them
/// decides how much of the work is padding.
const GROUP: usize = 8;

/// Scores of one text, and whether they come from the cache.
#[derive(Clone, Copy)]
struct TextScores {
    scores: Scores,
    recalled: bool,
}

/// One network with its tokenizer.
struct Model {
    tokenizer: Tokenizer,
    network: Box<dyn Network>,
    cache: ScoreCache,
}

/// `labels.json`: what the outputs mean.
#[derive(Deserialize)]
struct Labels {
    sentiment: Vec<String>,
    aspects: Vec<String>,
    command: Vec<String>,
    max_tokens: usize,
}

impl Labels {
    /// Whether the outputs are in the order the code takes them in.
    fn is_known(&self) -> bool {
        self.sentiment == ["negative", "neutral", "positive"]
            && self.aspects.iter().eq(Aspect::ALL.map(Aspect::word).iter())
            && self.command
                == ["none", "lower_quality", "raise_quality", "set_quality", "lower_latency", "more_buffer", "status"]
    }
}

impl Model {
    fn open(folder: &Path, device: Device, threads: usize) -> Result<Self, OpenError> {
        let path = folder.join("labels.json");
        let broken = |path: &Path, reason: String| OpenError::Broken { path: path.to_owned(), reason };
        let labels: Labels = serde_json::from_slice(&read(&path)?).map_err(|error| broken(&path, error.to_string()))?;
        if !labels.is_known() {
            return Err(broken(&path, "its labels are not those of this program".into()));
        }
        let path = folder.join("tokenizer.json");
        let mut tokenizer = Tokenizer::from_bytes(read(&path)?).map_err(|error| broken(&path, error.to_string()))?;
        let truncation =
            TruncationParams { max_length: labels.max_tokens.clamp(8, 512), ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| broken(&path, error.to_string()))?;
        Ok(Self { tokenizer, network: device.open(&folder.join("model.onnx"), threads)?, cache: ScoreCache::default() })
    }

    /// Scores of every text, in order. Texts in the cache and repeated texts are not computed again.
    fn scores(&mut self, texts: &[&str]) -> Result<Vec<TextScores>, ReadError> {
        let mut known: HashMap<&str, TextScores> = HashMap::with_capacity(texts.len());
        let mut fresh = Vec::new();
        for &text in &texts.iter().copied().collect::<BTreeSet<_>>() {
            if let Some(scores) = self.cache.get(text) {
                known.insert(text, TextScores { scores, recalled: true });
            } else {
                let encoding = self.tokenizer.encode_fast(text, true);
                let encoding = encoding.map_err(|error| ReadError::Tokenizer(error.to_string()))?;
                fresh.push((text, encoding.get_ids().to_vec()));
            }
        }
        // Neighbours of like length need little padding.
        fresh.sort_by_key(|(_, ids)| ids.len());
        for group in fresh.chunks(GROUP) {
            let batch: Vec<&[u32]> = group.iter().map(|(_, ids)| ids.as_slice()).collect();
            for ((text, _), scores) in group.iter().zip(self.network.scores(&batch)?) {
                self.cache.put(text, scores);
                known.insert(text, TextScores { scores, recalled: false });
            }
        }
        let missing = || NetworkError("the model answered for fewer texts than it was given".into()).into();
        texts.iter().map(|text| known.get(text).copied().ok_or_else(missing)).collect()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, OpenError> {
    std::fs::read(path).map_err(|source| OpenError::Unreadable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::folder::repository;
    use headroom_core::audience::Command;

    #[test]
    fn the_shipped_models_read_the_languages_they_name() {
        let mut classifier = Classifier::open(&repository(), Device::Cpu, 1).unwrap();
        let (negative, positive) = (Sentiment::Negative, Sentiment::Positive);
        let cases: [(&str, Sentiment, &[Aspect], Option<Command>); 6] = [
            ("the stream keeps buffering", negative, &[Aspect::Buffering], None),
            ("picture is so blurry", negative, &[Aspect::Picture], None),
            ("no sound again", negative, &[Aspect::Audio], None),
            ("what a beautiful goal", positive, &[], None),
            ("set quality to 720p", Sentiment::Neutral, &[], Some(Command::SetQuality(Some(720)))),
            ("lower the quality please", Sentiment::Neutral, &[], Some(Command::LowerQuality)),
        ];
        for (text, sentiment, aspects, command) in cases {
            let found = classifier.read(&[text]).unwrap()[0];
            assert_eq!(found.language, Language::En, "{text}");
            let expected = (sentiment, aspects.iter().copied().collect(), command);
            assert_eq!((found.reading.sentiment, found.reading.aspects, found.reading.command), expected, "{text}");
            assert!((found.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
        for (text, language) in [
            ("se ve todo borroso", Language::Es),
            ("o som sumiu de novo", Language::Pt),
            ("l'image est toute floue", Language::Fr),
            ("der stream ruckelt schon wieder", Language::De),
            ("si vede tutto sfocato", Language::It),
            ("stream bahut atak raha hai bhai", Language::Hi),
            ("البث يقطع كل شوي", Language::Ar),
        ] {
            let found = classifier.read(&[text]).unwrap()[0];
            assert_eq!((found.language, found.reading.sentiment), (language, negative), "{text}");
        }
        let strange = ["", "\u{200b}\u{202e}", "\0\u{7}", "🦀🦀🦀", &"KEKW ".repeat(10_000), &"x".repeat(1 << 20)];
        let found = classifier.read(&strange).unwrap();
        assert_eq!(found.len(), strange.len());
        assert_eq!(found[0].probabilities, [0.0, 1.0, 0.0], "an empty message is neutral");
    }

    #[test]
    fn emotes_are_read_by_name_by_shape_and_by_mark_and_are_no_language() {
        let mut classifier = Classifier::open(&repository(), Device::Cpu, 1).unwrap();
        let (negative, neutral, positive) = (Sentiment::Negative, Sentiment::Neutral, Sentiment::Positive);
        for (text, sentiment) in [
            ("PogChamp PogChamp", positive),
            ("vulpesJAM catJAM", positive),
            (":PogTasty: xqcL", positive),
            ("Sadge FeelsBadDude", negative),
            ("<:monkaTOS:1234>", neutral),
            ("[emote:37226:KEKW]", neutral),
            ("⣿⣿⣿ ███", neutral),
        ] {
            let found = classifier.read(&[text]).unwrap()[0];
            let expected = (sentiment, Aspects::NONE, None, Language::En);
            assert_eq!(
                (found.reading.sentiment, found.reading.aspects, found.reading.command, found.language),
                expected,
                "{text}"
            );
        }
        for (text, language) in [
            ("peepoRiot der stream ruckelt schon wieder Sadge KEKW", Language::De),
            ("KEKW KEKW KEKW se ve todo borroso", Language::Es),
        ] {
            let found = classifier.read(&[text]).unwrap()[0];
            assert_eq!((found.language, found.is_complaint()), (language, true), "{text}");
        }
    }

    /// Rows of a file of `training/data`: its cells after the header.
    fn rows(name: &str) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(repository().join("../training/data").join(name)).unwrap();
        text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn questions_are_reports_and_ordinary_chat_is_none() {
        let mut classifier = Classifier::open(&repository(), Device::Cpu, 1).unwrap();
        let mut complaints = |rows: &[&Vec<String>], text: usize| -> Vec<Aspects> {
            let texts: Vec<&str> = rows.iter().map(|cells| cells[text].as_str()).collect();
            let found = texts.chunks(32).flat_map(|texts| classifier.read(texts).unwrap());
            found.map(|found| if found.is_complaint() { found.reading.aspects } else { Aspects::NONE }).collect()
        };
        let questions = rows("questions.tsv");
        let questions: Vec<_> = questions.iter().collect();
        let found = complaints(&questions, 2);
        let right =
            questions.iter().zip(&found).filter(|(cells, found)| found.iter().any(|a| a.word() == cells[1])).count();
        assert!(questions.len() >= 100 && right * 27 >= questions.len() * 24, "{right} of {}", questions.len());
        // Every eighth message: the whole file is for `training/reports.py`.
        let ordinary = rows("ordinary.tsv");
        let sample: Vec<_> = ordinary.iter().step_by(8).collect();
        let wrong = complaints(&sample, 1).iter().filter(|aspects| !aspects.is_empty()).count();
        assert!(ordinary.len() >= 2_000 && wrong * 50 <= sample.len(), "{wrong} of {}", sample.len());
        for text in [
            "my code is lagging behind",
            "that boss fight was laggy in the game",
            "no lag at all",
            "which bitrate is it?",
        ] {
            assert!(!classifier.read(&[text]).unwrap()[0].is_complaint(), "{text}");
        }
        for text in ["is it lagging for anyone else?", "no sound?", "is the stream down?", "nice slideshow", "lag"] {
            assert!(classifier.read(&[text]).unwrap()[0].is_complaint(), "{text}");
        }
    }

    #[test]
    fn what_was_just_read_is_recalled_and_reads_the_same() {
        let mut classifier = Classifier::open(&repository(), Device::Cpu, 1).unwrap();
        let first = classifier.read(&["KEKW what a shot", "switch to 480p", "switch to 720p"]).unwrap();
        assert!(first.iter().all(|found| !found.recalled));
        // A run of one emote cleans to one gloss, so both are the same words to the network.
        let again = classifier.read(&["KEKW KEKW what a shot", "se corta mucho hoy", "KEKW what a shot"]).unwrap();
        assert_eq!(again.iter().map(|found| found.recalled).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(again[0].probabilities, first[0].probabilities);
        assert_eq!(again[2], Prediction { recalled: true, ..first[0] });
        let commands = classifier.read(&["switch to 720p", "switch to 480p"]).unwrap();
        let resolutions = commands.iter().map(|found| found.reading.command);
        assert_eq!(resolutions.collect::<Vec<_>>(), [720, 480].map(|rung| Some(Command::SetQuality(Some(rung)))));
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = Classifier::open(Path::new("nowhere"), Device::Cpu, 1).err().unwrap();
        assert!(error.to_string().starts_with("cannot read nowhere"), "{error}");
    }

    #[cfg(not(feature = "onnxruntime"))]
    #[test]
    fn a_device_that_was_not_built_says_how_to_get_it() {
        let error = Classifier::open(&repository(), Device::Cuda, 1).err().unwrap();
        assert!(error.to_string().ends_with("--features onnxruntime"), "{error}");
    }
}
