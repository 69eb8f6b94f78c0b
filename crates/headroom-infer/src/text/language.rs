//! Which language a message is in, and which model reads it: the steps of `training/sentiment/language.py`.
//!
//! Script first; for Latin script a linear model over hashed runs of one to four characters (`models/language.json`).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A language the models were trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "ISO 639-1 codes name themselves")]
pub enum Language {
    En,
    Es,
    Pt,
    Fr,
    De,
    It,
    Hi,
    Ar,
}

/// What is read of a message to guess its language, in characters.
const MAX_CHARACTERS: usize = 200;

/// The linear model.
pub(super) struct Router {
    languages: Vec<Language>,
    english_threshold: f32,
    scale: f32,
    bias: Vec<f32>,
    /// One row of as many weights as languages for each bucket.
    weights: Vec<i8>,
}

/// The language of a message and the model for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Route {
    pub(super) language: Language,
    /// Whether the English model reads it. Short chat belongs to every language and goes there too.
    pub(super) english: bool,
}

#[derive(Deserialize)]
struct RouterFile {
    languages: Vec<Language>,
    buckets: usize,
    english_threshold: f32,
    scale: f32,
    bias: Vec<f32>,
    weights: String,
}

impl Router {
    /// Reads `language.json`; the error says what is wrong with it.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let file: RouterFile = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let weights = BASE64_STANDARD.decode(&file.weights).map_err(|error| error.to_string())?;
        if file.languages.first() != Some(&Language::En) || file.bias.len() != file.languages.len() {
            return Err("the languages are others than expected".into());
        }
        if weights.is_empty() || weights.len() != file.buckets * file.languages.len() {
            return Err(format!("{} weights for {} buckets", weights.len(), file.buckets));
        }
        Ok(Self {
            languages: file.languages,
            english_threshold: file.english_threshold,
            scale: file.scale,
            bias: file.bias,
            weights: weights.into_iter().map(u8::cast_signed).collect(),
        })
    }

    /// Chooses for a message; `clean` is the same message normalised, without the glosses of emotes, which are in no language.
    pub(super) fn route(&self, text: &str, clean: &str) -> Route {
        if let Some(language) = script(text) {
            return Route { language, english: false };
        }
        let probabilities = self.probabilities(clean);
        let best = (0..probabilities.len()).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
        Route {
            language: best.map_or(Language::En, |at| self.languages[at]),
            english: probabilities[0] >= self.english_threshold,
        }
    }

    fn probabilities(&self, clean: &str) -> Vec<f32> {
        let width = self.languages.len();
        let buckets = features(&prepared(clean), self.weights.len() / width);
        let norm = self.scale / (buckets.len().max(1) as f32).sqrt();
        let mut scores = self.bias.clone();
        for (language, score) in scores.iter_mut().enumerate() {
            let sum: i32 = buckets.iter().map(|bucket| i32::from(self.weights[bucket * width + language])).sum();
            *score += sum as f32 * norm;
        }
        softmax(&scores)
    }
}

/// `Ar` or `Hi` when most letters are Arabic or Devanagari.
fn script(text: &str) -> Option<Language> {
    let count = |is: fn(char) -> bool| text.chars().take(super::MAX_CHARACTERS).filter(|&c| is(c)).count();
    let letters = count(char::is_alphabetic);
    if count(|c| ('\u{600}'..='\u{6ff}').contains(&c)) * 2 > letters {
        return Some(Language::Ar);
    }
    (count(|c| ('\u{900}'..='\u{97f}').contains(&c)) * 2 > letters).then_some(Language::Hi)
}

/// Lower case, without mentions, links and words said twice in a row, numbers as `0`, a blank at each end.
fn prepared(clean: &str) -> Vec<char> {
    let lower = clean.to_lowercase();
    let mut pieces: Vec<&str> =
        lower.split_whitespace().filter(|piece| !piece.starts_with('@') && *piece != "http").collect();
    pieces.dedup_by_key(|piece| piece.trim_matches(['!', '?', '.', ',']));
    let mut out: Vec<char> = Vec::new();
    let mut in_number = false;
    for character in pieces.join(" ").chars() {
        if character.is_numeric() {
            if !in_number {
                out.push('0');
            }
        } else {
            out.push(character);
        }
        in_number = character.is_numeric();
    }
    out.truncate(MAX_CHARACTERS);
    out.insert(0, ' ');
    out.push(' ');
    out
}

fn features(ready: &[char], buckets: usize) -> BTreeSet<usize> {
    (1..=4).flat_map(|size| ready.windows(size)).map(|gram| bucket(gram, buckets)).collect()
}

/// FNV-1a, 32 bit (Fowler, Noll, Vo), of the characters' UTF-8 bytes.
fn bucket(gram: &[char], buckets: usize) -> usize {
    let mut value = 0x811c_9dc5_u32;
    for character in gram {
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            value = (value ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    value as usize % buckets
}

/// Probabilities from scores.
pub(super) fn softmax(scores: &[f32]) -> Vec<f32> {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let raised: Vec<f32> = scores.iter().map(|score| (score - highest).exp()).collect();
    let sum: f32 = raised.iter().sum();
    raised.into_iter().map(|value| value / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{folder::repository, normalise::Normaliser};

    #[test]
    fn routes_as_the_training_does() {
        let models = repository();
        let normaliser: Normaliser =
            serde_json::from_slice(&std::fs::read(models.join("normalisation.json")).unwrap()).unwrap();
        let router = Router::parse(&std::fs::read(models.join("language.json")).unwrap()).unwrap();
        let cases = std::fs::read_to_string(models.join("language-cases.tsv")).unwrap();
        for line in cases.lines() {
            let cells: Vec<&str> = line.split('\t').collect();
            let text: String = serde_json::from_str(cells[0]).unwrap();
            let language: Language = serde_json::from_value(cells[1].into()).unwrap();
            let route = router.route(&text, &normaliser.clean(&text).words);
            assert_eq!(route, Route { language, english: cells[2] == "en" }, "{text:?}");
        }
        assert!(cases.lines().count() > 20);
    }

    #[test]
    fn a_damaged_table_is_refused() {
        assert!(Router::parse(b"{}").is_err());
        let short =
            br#"{"languages":["en"],"buckets":9,"english_threshold":0.3,"scale":1,"bias":[0],"weights":"AAA="}"#;
        assert_eq!(Router::parse(short).err().unwrap(), "2 weights for 9 buckets");
    }
}
