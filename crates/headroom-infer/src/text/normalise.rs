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
    /// Families of emotes, the first that fits counts.
    shapes: Vec<Shape>,
    /// What an emote alone says of the writer's attitude: -1, 0 or 1, by gloss.
    valence: HashMap<String, i8>,
}

/// A family of emotes by the shape of its names.
#[derive(Deserialize)]
struct Shape {
    /// How the name starts, in lower case.
    start: String,
    /// How it ends, after a small letter or a digit.
    end: String,
    /// Whether a capital letter or a digit has to follow the start.
    capital: bool,
    gloss: String,
}

/// A message, cleaned.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Cleaned {
    /// As the tokenizers see it.
    pub(super) text: String,
    /// The same without glosses: what was written in some language.
    pub(super) words: String,
    /// Attitude of a message of emotes alone, -1, 0 or 1; `None` where there are words, or signs without one.
    pub(super) emotes_alone: Option<i8>,
}

impl Normaliser {
    /// The message without what carries no meaning.
    pub(super) fn clean(&self, text: &str) -> Cleaned {
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
        let attitudes: Option<Vec<i8>> =
            out.glosses.iter().map(|gloss| self.valence.get(gloss.as_str()).copied()).collect();
        let alone = out.words.is_empty() && !out.text.is_empty();
        let emotes_alone =
            attitudes.filter(|_| alone).map(|all| all.into_iter().map(i32::from).sum::<i32>().signum() as i8);
        Cleaned { text: out.text, words: out.words, emotes_alone }
    }

    fn push(&self, piece: &str, out: &mut Pieces) {
        if ["http://", "https://", "www."].iter().any(|start| piece.starts_with(start)) {
            return out.word("http");
        }
        if let Some(gloss) = self.emoticons.get(piece) {
            return out.gloss(gloss);
        }
        if piece.chars().all(|c| matches!(c, '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}')) {
            return out.gloss("ascii art");
        }
        let marked = marked_emote(piece);
        let name = marked.unwrap_or_else(|| piece.trim_end_matches([',', '.', '!', '?']));
        if let Some(gloss) = self.emote(name).or(marked.map(|_| "emote")) {
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

    /// The gloss of an emote's name.
    fn emote(&self, name: &str) -> Option<&str> {
        let known = |name: &str| self.emotes.get(&name.to_lowercase()).map(String::as_str);
        // Twitch's modified emotes (`Kappa_HF`) and the wide forms of others (`LULW`).
        let modified =
            name.rsplit_once('_').filter(|(_, end)| end.len() == 2 && end.bytes().all(|b| b.is_ascii_uppercase()));
        if let Some(gloss) = known(name)
            .or_else(|| modified.and_then(|(base, _)| known(base)))
            .or_else(|| name.strip_suffix('W').and_then(known))
        {
            return Some(gloss);
        }
        if !(4..=25).contains(&name.len()) || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        self.shapes.iter().find(|shape| shape.fits(name)).map(|shape| shape.gloss.as_str())
    }
}

impl Shape {
    fn fits(&self, name: &str) -> bool {
        let (start, end) = (self.start.len(), self.end.len());
        if name.len() < start + end || !name[..start].eq_ignore_ascii_case(&self.start) || !name.ends_with(&self.end) {
            return false;
        }
        let bytes = name.as_bytes();
        let before = bytes[..name.len() - end].last().copied();
        let after_small = before.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let next = bytes.get(start).copied();
        let capital =
            next.is_some_and(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) && Some(bytes[0]) != next;
        (end == 0 || after_small) && (!self.capital || capital)
    }
}

/// The name of an emote that its platform marks: `:name:` (YouTube, and our own mark of positions), `<:name:1>` (Discord),
/// `[emote:1:name]` (Kick).
fn marked_emote(piece: &str) -> Option<&str> {
    let is_name = |name: &str, hyphen: bool| {
        name.len() <= 40
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || (hyphen && b == b'-'))
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(inner) = piece.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')) {
        return (is_name(inner, true) && inner.len() >= 2).then_some(inner);
    }
    if let Some(inner) =
        piece.strip_prefix("<:").or_else(|| piece.strip_prefix("<a:")).and_then(|rest| rest.strip_suffix('>'))
    {
        let (name, id) = inner.split_once(':')?;
        return (is_name(name, false) && name.len() >= 2 && digits(id)).then_some(name);
    }
    let inner = piece.strip_prefix("[emote:")?.strip_suffix(']')?;
    let (id, name) = inner.split_once(':')?;
    (is_name(name, true) && digits(id)).then_some(name)
}

/// Pieces joined by blanks; a gloss equal to the one just before it is left out.
#[derive(Default)]
struct Pieces {
    text: String,
    words: String,
    glosses: Vec<String>,
    last_gloss: Option<String>,
}

impl Pieces {
    fn word(&mut self, word: &str) {
        if !word.is_empty() {
            self.append(word);
            if !self.words.is_empty() {
                self.words.push(' ');
            }
            self.words.push_str(word);
            self.last_gloss = None;
        }
    }

    fn gloss(&mut self, gloss: &str) {
        if self.last_gloss.as_deref() != Some(gloss) {
            self.append(gloss);
            self.last_gloss = Some(gloss.to_owned());
            self.glosses.push(gloss.to_owned());
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
            assert_eq!(normaliser.clean(&text).text, expected, "{text:?}");
        }
        assert!(cases.lines().count() > 30);
    }
}
