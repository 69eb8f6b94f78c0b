//! Cleans a message for the tokenizers: the steps of `training/sentiment/normalise.py`, one for one.
//!
//! Emotes, emoji, slang, stretched words and mentions carry meaning, so they become words rather than disappear.

use serde::Deserialize;
use std::collections::HashMap;

/// Characters of a message that are read; the rest is cut off.
pub const MAX_CHARACTERS: usize = 1000;

/// The tables of `models/normalisation.json`.
#[derive(Deserialize)]
pub(super) struct Normaliser {
    emoticons: HashMap<String, String>,
    /// Names in lower case.
    emotes: HashMap<String, String>,
    emoji: HashMap<char, String>,
}

impl Normaliser {
    /// The message as the tokenizers see it.
    pub(super) fn apply(&self, text: &str) -> String {
        let visible: String = text
            .chars()
            .take(MAX_CHARACTERS)
            .filter(|&character| !is_invisible(character))
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect();
        let mut out = Pieces::default();
        for piece in visible.split_whitespace() {
            self.push(piece, &mut out);
        }
        out.text
    }

    fn push(&self, piece: &str, out: &mut Pieces) {
        if ["http://", "https://", "www."].iter().any(|start| piece.starts_with(start)) {
            return out.word("http");
        }
        if let Some(gloss) = self.emoticons.get(piece) {
            return out.gloss(gloss);
        }
        let name = piece.trim_end_matches([',', '.', '!', '?']).to_lowercase();
        if let Some(gloss) = self.emotes.get(&name) {
            return out.gloss(gloss);
        }
        let piece = without_names(piece);
        let mut start = 0;
        for (at, character) in piece.char_indices() {
            if let Some(gloss) = self.emoji.get(&character) {
                out.word(&shortened(&piece[start..at]));
                out.gloss(gloss);
                start = at + character.len_utf8();
            }
        }
        out.word(&shortened(&piece[start..]));
    }
}

/// Pieces joined by blanks; a gloss equal to the one just before it is left out.
#[derive(Default)]
struct Pieces {
    text: String,
    last_gloss: Option<String>,
}

impl Pieces {
    fn word(&mut self, word: &str) {
        if !word.is_empty() {
            self.append(word);
            self.last_gloss = None;
        }
    }

    fn gloss(&mut self, gloss: &str) {
        if self.last_gloss.as_deref() != Some(gloss) {
            self.append(gloss);
            self.last_gloss = Some(gloss.to_owned());
        }
    }

    fn append(&mut self, piece: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(piece);
    }
}

/// Soft hyphen, zero-width and bidirectional marks, variation selectors, skin tones, tags.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0000}'..='\u{e007f}')
}

/// `@name` becomes `@user`; what follows the name stays.
fn without_names(piece: &str) -> String {
    let mut out = String::with_capacity(piece.len());
    let mut rest = piece;
    while let Some(at) = rest.find('@') {
        let name = &rest[at + 1..];
        let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.len());
        out.push_str(&rest[..at]);
        out.push_str(if end > 0 { "@user" } else { "@" });
        rest = &name[end..];
    }
    out.push_str(rest);
    out
}

/// A run of more than three equal characters that are not digits keeps three.
fn shortened(piece: &str) -> String {
    let (mut out, mut last, mut run) = (String::with_capacity(piece.len()), None, 0);
    for character in piece.chars() {
        run = if last == Some(character) { run + 1 } else { 1 };
        last = Some(character);
        if run <= 3 || character.is_numeric() {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::folder::repository;

    #[test]
    fn does_what_the_training_does() {
        let tables = std::fs::read(repository().join("normalisation.json")).unwrap();
        let normaliser: Normaliser = serde_json::from_slice(&tables).unwrap();
        let cases = std::fs::read_to_string(repository().join("normalisation-cases.tsv")).unwrap();
        for line in cases.lines() {
            let (text, expected) = line.split_once('\t').unwrap();
            let text: String = serde_json::from_str(text).unwrap();
            let expected: String = serde_json::from_str(expected).unwrap();
            assert_eq!(normaliser.apply(&text), expected, "{text:?}");
        }
        assert!(cases.lines().count() > 30);
    }
}
