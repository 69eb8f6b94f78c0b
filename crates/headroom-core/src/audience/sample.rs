//! A uniform sample of authors in bounded memory: how many there are, how they feel, who comes back.
//!
//! The authors with the smallest hashes are kept (bottom-k sketch: Cohen and Kaplan, PODC 2007; the count is the
//! k-minimum-values estimate of Beyer et al., SIGMOD 2007). Up to [`AuthorSample::MOST`] authors everything is exact; beyond, the
//! standard error of the count is 1/√(k−2), 4.4 % here. An author is one voice however often it writes.

use super::AuthorId;

/// The sampled authors, by ascending hash.
#[derive(Clone, Debug, Default)]
pub(super) struct AuthorSample {
    voices: Vec<Voice>,
}

/// One author in the sample.
#[derive(Clone, Copy, Debug)]
struct Voice {
    hash: u64,
    /// Sum over its messages of attitude (−1, 0, 1) times confidence.
    attitude: f32,
    /// Sum of the confidences.
    weight: f32,
}

impl AuthorSample {
    /// Authors kept: 16 bytes each.
    pub(super) const MOST: usize = 512;

    /// Takes note of a message.
    pub(super) fn observe(&mut self, author: AuthorId, attitude: f32, weight: f32) {
        self.add(Voice { hash: mix(author.0), attitude: attitude * weight, weight });
    }

    /// Adds another sample's authors.
    pub(super) fn merge(&mut self, other: &Self) {
        let mut merged: Vec<Voice> = Vec::with_capacity(Self::MOST);
        let (mut ours, mut theirs) = (self.voices.iter().peekable(), other.voices.iter().peekable());
        while merged.len() < Self::MOST {
            let voice = match (ours.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(our), Some(their)) if our.hash == their.hash => {
                    let both = Voice {
                        hash: our.hash,
                        attitude: our.attitude + their.attitude,
                        weight: our.weight + their.weight,
                    };
                    ours.next();
                    theirs.next();
                    Some(both)
                }
                (Some(our), their) if their.is_none_or(|their| our.hash < their.hash) => ours.next().copied(),
                _ => theirs.next().copied(),
            };
            merged.extend(voice);
        }
        self.voices = merged;
    }

    fn add(&mut self, voice: Voice) {
        match self.voices.binary_search_by_key(&voice.hash, |known| known.hash) {
            Ok(position) => {
                self.voices[position].attitude += voice.attitude;
                self.voices[position].weight += voice.weight;
            }
            Err(position) if position < Self::MOST => {
                self.voices.truncate(Self::MOST - 1);
                self.voices.insert(position, voice);
            }
            Err(_) => {}
        }
    }

    /// Different authors, estimated.
    pub(super) fn authors(&self) -> f64 {
        match self.voices.last() {
            Some(last) if self.voices.len() >= Self::MOST => {
                (Self::MOST - 1) as f64 * (u64::MAX as f64 / last.hash.max(1) as f64)
            }
            _ => self.voices.len() as f64,
        }
    }

    /// Mean attitude in −1..=1, each author one voice, drawn towards 0 by `shrinkage` authors without opinion.
    pub(super) fn mood(&self, shrinkage: f64) -> f64 {
        let opinions = self.voices.iter().filter(|voice| voice.weight > 0.0);
        let (sum, count) = opinions
            .fold((0.0, 0.0), |(sum, count), voice| (sum + f64::from(voice.attitude / voice.weight), count + 1.0));
        sum / (count + shrinkage)
    }

    /// Share of the authors of `before` who are here, too; `None` when there were none.
    pub(super) fn returned(&self, before: &Self) -> Option<f64> {
        // Below the lower of both ends every author is in its sample.
        let end = |sample: &Self| match sample.voices.last() {
            Some(last) if sample.voices.len() >= Self::MOST => last.hash,
            _ => u64::MAX,
        };
        let end = end(self).min(end(before));
        let (mut known, mut back) = (0_u32, 0_u32);
        for voice in before.voices.iter().take_while(|voice| voice.hash <= end) {
            known += 1;
            back += u32::from(self.voices.binary_search_by_key(&voice.hash, |voice| voice.hash).is_ok());
        }
        (known > 0).then(|| f64::from(back) / f64::from(known))
    }
}

/// Spreads identifiers that may not be uniform (finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
fn mix(id: u64) -> u64 {
    let id = (id ^ (id >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let id = (id ^ (id >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    id ^ (id >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(authors: impl IntoIterator<Item = u64>, attitude: f32) -> AuthorSample {
        let mut sample = AuthorSample::default();
        authors.into_iter().for_each(|author| sample.observe(AuthorId(author), attitude, 1.0));
        sample
    }

    #[test]
    fn counts_are_exact_when_small_and_near_when_large() {
        assert_eq!(of((0..200).chain(0..200), 0.0).authors(), 200.0);
        for count in [1_000, 20_000, 300_000] {
            let estimate = of(1..=count, 0.0).authors();
            assert!((estimate / count as f64 - 1.0).abs() < 0.2, "{count}: {estimate}");
        }
    }

    #[test]
    fn one_author_is_one_voice() {
        let mut sample = of(0..9, 1.0);
        (0..5_000).for_each(|_| sample.observe(AuthorId(77), -1.0, 1.0));
        assert!((sample.mood(0.0) - 0.8).abs() < 1e-6, "{}", sample.mood(0.0));
    }

    #[test]
    fn who_comes_back_is_seen_through_sampling() {
        for scale in [50, 5_000] {
            let (before, now) = (of(0..scale * 10, 0.0), of(scale * 6..scale * 20, 0.0));
            let returned = now.returned(&before).unwrap();
            assert!((returned - 0.4).abs() < 0.1, "{scale}: {returned}");
        }
        assert_eq!(of(0..9, 0.0).returned(&AuthorSample::default()), None);
    }
}
