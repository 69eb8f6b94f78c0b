//! Whether a message reports trouble with the delivery, whatever its tone: a statement, a question, a fragment.
//!
//! Sentiment is the writer's attitude, and an open question has none: "is the stream down?" is neutral and says as much as
//! "the stream is down". The models name the aspect in either; the words of trouble (`lexicon`) tell a question about a fault
//! from one about a setting, and talk of games and programs from talk of the stream.

mod lexicon;

use headroom_core::audience::{Aspect, Aspects};
use lexicon::WORDS;

/// Certainty of a question or a fragment whose aspect the model sees and whose words name a trouble: about what holds of the
/// project's own questions, kept below that of a plain statement.
const ASKED: f32 = 0.85;
/// The same where only the words name it.
const WORDS_ALONE: f32 = 0.7;
/// Probability of displeasure from which a reading stands against words that speak of something else.
const SURE: f32 = 0.95;
/// Words of a message that can be a fragment or a question about one thing.
const SHORT: usize = 12;

/// What a message reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Report {
    /// What is troubled.
    pub(super) aspects: Aspects,
    /// How certain it is that the message reports trouble, 0..=1; above one half it does.
    pub(super) certainty: f32,
}

/// Judges a message. `probabilities` are those of negative, neutral and positive, `aspects` what the model names, `english`
/// whether it is the English one.
pub(super) fn report(text: &str, probabilities: [f32; 3], aspects: Aspects, english: bool) -> Report {
    let none = Report { aspects, certainty: 0.0 };
    let message = Folded::new(text);
    let [negative, neutral, positive] = probabilities;
    let named = message.troubles();
    if (aspects.is_empty() && named.is_empty()) || message.has(&WORDS.denied) {
        return none;
    }
    let about_stream = message.has(&WORDS.stream) || message.has(&WORDS.delivery);
    let sure = negative >= SURE;
    let elsewhere = (message.has(&WORDS.never) || message.has(&WORDS.elsewhere)) && !message.has(&WORDS.stream);
    let told = negative >= neutral.max(positive) && !aspects.is_empty();
    // The English model was taught to tell games from streams: where it is sure, a word of games alone is no objection.
    let objected = elsewhere && !aspects.contains(Aspect::Audio) && !(english && sure);
    if (elsewhere && message.has(&WORDS.never)) || (objected && !(told && about_stream)) {
        return none;
    }
    let only_gone = named.is_empty() && message.has(&WORDS.gone) && !about_stream;
    let surely = english || !named.is_empty() || about_stream || (sure && message.words >= 4);
    let over = named.is_empty() && message.has(&WORDS.solved);
    if told && !only_gone && !over && surely {
        // As much above one half as the reading is above chance.
        return Report { aspects, certainty: 0.5 + 0.5 * ((negative - 1.0 / 3.0) * 1.5).clamp(0.01, 1.0) };
    }
    // From here on the tone says nothing: the words have to.
    if named.is_empty()
        || message.words > SHORT
        || message.has(&WORDS.solved)
        || message.has(&WORDS.not_now)
        || positive > 0.8
    {
        return none;
    }
    if !aspects.is_empty() {
        return Report { aspects, certainty: ASKED };
    }
    let whole = message.asks && (message.words <= 4 || message.has(&WORDS.stream));
    let bare = message.words <= 2 && negative > positive && message.is_only(named);
    if (whole || bare) && !elsewhere {
        return Report { aspects: named, certainty: WORDS_ALONE };
    }
    none
}

/// A message as the lists see it.
struct Folded {
    /// Words between blanks, with one at either end.
    text: String,
    words: usize,
    asks: bool,
}

impl Folded {
    fn new(text: &str) -> Self {
        let mut folded = String::with_capacity(text.len() + 2);
        folded.push(' ');
        for piece in text.split_whitespace().filter(|piece| !piece.starts_with('@') && !piece.starts_with("http")) {
            let mut run = (' ', 0);
            for character in piece.chars().flat_map(char::to_lowercase).filter_map(plain) {
                run = if run.0 == character { (character, run.1 + 1) } else { (character, 1) };
                if character == ' ' {
                    if !folded.ends_with(' ') {
                        folded.push(' ');
                    }
                } else if run.1 <= 2 || character.is_numeric() {
                    folded.push(character);
                }
            }
            if !folded.ends_with(' ') {
                folded.push(' ');
            }
        }
        let words = folded.split_whitespace().count();
        Self { asks: text.contains(['?', '؟']), words, text: folded }
    }

    fn has(&self, patterns: &[&str]) -> bool {
        patterns.iter().any(|pattern| self.find(pattern).is_some())
    }

    /// Where a pattern begins.
    fn find(&self, pattern: &str) -> Option<usize> {
        let (from_start, to_end) = (!pattern.starts_with('*'), !pattern.ends_with('*'));
        let bare = pattern.trim_matches('*');
        self.text.match_indices(bare).map(|(at, _)| at).find(|&at| {
            let after = &self.text[at + bare.len()..];
            (!from_start || self.text[..at].ends_with(' ')) && (!to_end || after.starts_with(' '))
        })
    }

    /// Aspects whose trouble is named and not denied.
    fn troubles(&self) -> Aspects {
        let named = WORDS.trouble.iter().filter(|(_, patterns)| {
            patterns.iter().any(|pattern| self.find(pattern).is_some_and(|at| !self.denies(at, pattern)))
        });
        let gone = self.has(&WORDS.gone) && (self.has(&WORDS.stream) || self.words <= 2);
        let asked = WORDS.presence.iter().filter(|(_, words)| self.asks && words.contains(&self.text.trim()));
        named
            .map(|(aspect, _)| *aspect)
            .chain(gone.then_some(Aspect::Availability))
            .chain(asked.map(|(aspect, _)| *aspect))
            .collect()
    }

    /// Whether one of the three words before the trouble denies it, or the word after ("ruckelt nicht").
    fn denies(&self, at: usize, pattern: &str) -> bool {
        // "no sound", "kein Ton", "geht nicht" are troubles by their own denial.
        let own = pattern.split(' ').any(|word| WORDS.negation.contains(&word));
        if own || pattern.starts_with('*') {
            return false;
        }
        let before = self.text[..at].split_whitespace().rev().take(3);
        let after = self.text[at..].split_whitespace().nth(pattern.split(' ').count());
        before
            .chain(after.filter(|word| ["nicht", "pas", "nahi", "nhi", "plus", "not"].contains(word)))
            .any(|word| WORDS.negation.contains(&word))
    }

    /// Whether the words of trouble are all there is.
    fn is_only(&self, named: Aspects) -> bool {
        let text = self.text.trim();
        // "you froze", "it lags".
        let text =
            ["you ", "it ", "he ", "she ", "u ", "i "].iter().find_map(|who| text.strip_prefix(who)).unwrap_or(text);
        let is = |pattern: &&str| match pattern.strip_suffix('*') {
            Some(start) => text.starts_with(start) && text.split(' ').count() == start.split(' ').count(),
            None => *pattern == text,
        };
        WORDS.trouble.iter().any(|(aspect, patterns)| named.contains(*aspect) && patterns.iter().any(is))
    }
}

/// A letter without its accent; what is neither letter nor digit as a blank, marks that stand over letters not at all.
fn plain(character: char) -> Option<char> {
    Some(match character {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        'أ' | 'إ' | 'آ' => 'ا',
        // Arabic vowel signs and the stretching line; combining accents; the nukta of Devanagari stays, it is a letter's.
        '\u{64b}'..='\u{652}' | '\u{640}' | '\u{300}'..='\u{36f}' => return None,
        // Signs of Devanagari are no letters to Unicode and belong to the word.
        '\u{900}'..='\u{963}' => character,
        _ if character.is_alphanumeric() => character,
        _ => ' ',
    })
}
