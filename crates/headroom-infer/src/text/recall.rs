//! Scores of texts that were read a short while ago. Chat repeats itself: emotes, "gg", copied lines.

use super::Scores;
use std::collections::HashMap;

/// Texts of one generation.
const GENERATION: usize = 4096;
/// Longest text kept, in bytes. What is repeated is short; with this bound all of it takes less than 2 MB.
const LONGEST: usize = 96;

/// The last few thousand short texts and what the network said of each.
///
/// Two generations stand in for a list in order of use: a text found in the old one moves to the young one; a full young
/// one becomes the old one, and what nobody asked for in the meantime goes.
#[derive(Default)]
pub(super) struct Recall {
    young: HashMap<Box<str>, Scores>,
    old: HashMap<Box<str>, Scores>,
}

impl Recall {
    /// What was said of `text`, if it was read lately.
    pub(super) fn get(&mut self, text: &str) -> Option<Scores> {
        if let Some(scores) = self.young.get(text) {
            return Some(*scores);
        }
        let (text, scores) = self.old.remove_entry(text)?;
        self.keep(text, scores);
        Some(scores)
    }

    /// Remembers what was said of `text`, unless it is long.
    pub(super) fn put(&mut self, text: &str, scores: Scores) {
        if text.len() <= LONGEST {
            self.keep(text.into(), scores);
        }
    }

    fn keep(&mut self, text: Box<str>, scores: Scores) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(text, scores);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(number: usize) -> Scores {
        Scores { sentiment: [number as f32; 3], aspects: [0.0; 5], command: [0.0; 7] }
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let mut recall = Recall::default();
        recall.put("gg", scores(7));
        for number in 0..3 * GENERATION {
            recall.put(&number.to_string(), scores(number));
            assert_eq!(recall.get("gg"), Some(scores(7)), "asked for at every step");
            assert!(recall.young.len() <= GENERATION && recall.old.len() <= GENERATION);
        }
        assert_eq!(recall.get("0"), None, "two generations ago");
        let last = 3 * GENERATION - 1;
        assert_eq!(recall.get(&last.to_string()), Some(scores(last)));
    }

    #[test]
    fn a_long_text_is_not_kept() {
        let mut recall = Recall::default();
        let long = "a".repeat(LONGEST + 1);
        recall.put(&long, scores(1));
        assert_eq!(recall.get(&long), None);
    }
}
