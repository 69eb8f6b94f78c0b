//! The lists of `words.txt`.

use headroom_core::audience::Aspect;
use std::sync::LazyLock;

/// Words of trouble, and of talk that only sounds like it.
pub(super) static WORDS: LazyLock<Words> = LazyLock::new(|| Words::parse(include_str!("words.txt")));

/// Patterns by what they tell; `words.txt` says what each section is for.
pub(super) struct Words {
    pub(super) trouble: Vec<(Aspect, Patterns)>,
    pub(super) presence: Vec<(Aspect, Patterns)>,
    pub(super) elsewhere: Patterns,
    pub(super) never: Patterns,
    pub(super) stream: Patterns,
    pub(super) denied: Patterns,
    pub(super) negation: Patterns,
    pub(super) solved: Patterns,
    pub(super) not_now: Patterns,
    pub(super) gone: Patterns,
    pub(super) delivery: Patterns,
}

/// Patterns of one section.
pub(super) type Patterns = Vec<&'static str>;

impl Words {
    fn parse(text: &'static str) -> Self {
        let section = |name: &str| -> Patterns {
            let lines = text
                .lines()
                .skip_while(|line| line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) != Some(name));
            let lines = lines.skip(1).take_while(|line| !line.starts_with('[')).filter(|line| !line.starts_with('#'));
            lines.flat_map(|line| line.split(',')).map(str::trim).filter(|pattern| !pattern.is_empty()).collect()
        };
        let by_aspect = |kind: &str| {
            let all = Aspect::ALL.into_iter().map(|aspect| (aspect, section(&format!("{kind} {}", aspect.word()))));
            all.filter(|(_, patterns)| !patterns.is_empty()).collect()
        };
        Self {
            trouble: by_aspect("trouble"),
            presence: by_aspect("presence"),
            elsewhere: section("elsewhere"),
            never: section("never"),
            stream: section("stream"),
            denied: section("denied"),
            negation: section("negation"),
            solved: section("solved"),
            not_now: section("not now"),
            gone: section("gone"),
            delivery: section("delivery"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_found() {
        assert_eq!((WORDS.trouble.len(), WORDS.presence.len()), (5, 2));
        let Words { elsewhere, never, stream, denied, negation, solved, not_now, gone, delivery, .. } = &*WORDS;
        for patterns in [elsewhere, never, stream, denied, negation, solved, not_now, gone, delivery] {
            assert!(
                patterns.len() > 5
                    && patterns.iter().all(|pattern| pattern.trim_matches('*') == pattern.trim_matches('*').trim())
            );
        }
    }
}
