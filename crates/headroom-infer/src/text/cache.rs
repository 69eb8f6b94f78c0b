//! Scores of recent texts. Chat repeats itself: emotes, "gg", copied lines.

use super::Scores;
use std::collections::HashMap;

/// Texts of one generation.
const GENERATION: usize = 4096;
/// Longest text kept, in bytes. What is repeated is short; with this bound all of it takes less than 2 MB.
const LONGEST: usize = 96;

/// The last few thousand short texts with the scores of each.
///
/// Two generations stand in for a list in order of use: a text found in the old one moves to the young one; a full young
/// one becomes the old one, and texts that nobody asked for in the meantime are dropped.
#[derive(Default)]
pub(super) struct ScoreCache {
    young: HashMap<Box<str>, Scores>,
    old: HashMap<Box<str>, Scores>,
}

impl ScoreCache {
    /// Scores of `text`, if they are kept.
    pub(super) fn get(&mut self, text: &str) -> Option<Scores> {
        if let Some(scores) = self.young.get(text) {
            return Some(*scores);
        }
        let (text, scores) = self.old.remove_entry(text)?;
        self.keep(text, scores);
        Some(scores)
    }

    /// Keeps the scores of `text`, unless it is long.
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
        let mut cache = ScoreCache::default();
        cache.put("gg", scores(7));
        for number in 0..3 * GENERATION {
            cache.put(&number.to_string(), scores(number));
            assert_eq!(cache.get("gg"), Some(scores(7)), "asked for at every step");
            assert!(cache.young.len() <= GENERATION && cache.old.len() <= GENERATION);
        }
        assert_eq!(cache.get("0"), None, "two generations ago");
        let last = 3 * GENERATION - 1;
        assert_eq!(cache.get(&last.to_string()), Some(scores(last)));
    }

    #[test]
    fn a_long_text_is_not_kept() {
        let mut cache = ScoreCache::default();
        let long = "a".repeat(LONGEST + 1);
        cache.put(&long, scores(1));
        assert_eq!(cache.get(&long), None);
    }
}
