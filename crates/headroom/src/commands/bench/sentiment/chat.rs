//! Messages without end, made of a few hundred.

/// Short messages that are written again and again.
const POPULAR: usize = 40;

/// Every message is new, but for a share that was written before word for word.
///
/// New ones are the given texts with a number behind, a token or two longer than the text alone; repeated ones are the
/// shortest of the texts.
pub(super) struct Chat<'a> {
    texts: &'a [&'a str],
    popular: Vec<&'a str>,
    repeats: f64,
    number: usize,
}

impl<'a> Chat<'a> {
    /// `repeats` from 0 (none) to 1 (all).
    pub(super) fn new(texts: &'a [&'a str], repeats: f64) -> Self {
        let mut popular = texts.to_vec();
        popular.sort_by_key(|text| text.len());
        popular.truncate(POPULAR);
        Self { texts, popular, repeats, number: 0 }
    }
}

impl Iterator for Chat<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let number = self.number;
        self.number += 1;
        let repeated = |count: usize| (count as f64 * self.repeats) as usize;
        let (before, after) = (repeated(number), repeated(number + 1));
        if after > before {
            return self.popular.get(before % self.popular.len().max(1)).map(|text| (*text).to_owned());
        }
        let fresh = number - before;
        self.texts.get(fresh % self.texts.len().max(1)).map(|text| format!("{text} {number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn so_many_are_repeated_as_was_asked_for() {
        let texts = ["gg", "it keeps buffering", "what a goal"];
        let distinct = |repeats| Chat::new(&texts, repeats).take(1_000).collect::<HashSet<_>>().len();
        assert_eq!(distinct(0.0), 1_000);
        assert_eq!(distinct(0.25), 753, "750 new ones and three that come again");
        assert_eq!(distinct(1.0), 3);
    }
}
