//! Which periods of an MPD are the content, and which are advertisements between them.

use super::ladder::{Media, Rendition};

/// Weight of a period whose end is not known, seconds: longer than an advertisement, shorter than a programme.
const OPEN_PERIOD_S: f64 = 60.0;

/// Most encodings of one presentation that are told apart, the content and its advertisements; more count for
/// nothing, so that the search stays short.
const MAX_ENCODINGS: usize = 64;

/// What a period offers and how long it lasts.
#[derive(Default)]
pub(super) struct Period {
    /// `@start`, seconds.
    pub(super) start_s: Option<f64>,
    /// `@duration`, seconds.
    pub(super) duration_s: Option<f64>,
    /// Longest video segment, seconds.
    pub(super) segment_s: Option<f64>,
    /// Its representations.
    pub(super) renditions: Vec<Rendition>,
}

impl Period {
    /// The video bitrates, ascending: periods that share them are of one encoding, so of one content.
    fn bitrates(&self) -> Vec<u64> {
        let pictures = |rendition: &&Rendition| matches!(rendition.media, Media::Video | Media::Unknown);
        let mut bitrates: Vec<_> =
            self.renditions.iter().filter(pictures).map(|rendition| rendition.peak_bitrate_bps).collect();
        bitrates.sort_unstable();
        bitrates.dedup();
        bitrates
    }
}

/// The periods that make up most of the presentation: those of the bitrates that last longest together, the earlier where
/// two last equally long. `presentation_s` is the length of the whole, where it is known.
pub(super) fn of_main_content(periods: Vec<Period>, presentation_s: Option<f64>) -> Vec<Period> {
    let mut encodings: Vec<(Vec<u64>, f64)> = Vec::new();
    let mut start_s = 0.0;
    for (index, period) in periods.iter().enumerate() {
        start_s = period.start_s.unwrap_or(start_s);
        let next_s = periods.get(index + 1).map_or(presentation_s, |next| next.start_s);
        let lasts_s = period.duration_s.or(next_s.map(|end_s| end_s - start_s)).unwrap_or(OPEN_PERIOD_S).max(0.0);
        start_s += lasts_s;
        let bitrates = period.bitrates();
        if bitrates.is_empty() {
            continue;
        }
        if let Some((_, sum)) = encodings.iter_mut().find(|(known, _)| *known == bitrates) {
            *sum += lasts_s;
        } else if encodings.len() < MAX_ENCODINGS {
            encodings.push((bitrates, lasts_s));
        }
    }
    let longest = encodings.iter().map(|(_, sum)| *sum).fold(0.0, f64::max);
    let Some((main, _)) = encodings.into_iter().find(|(_, sum)| *sum >= longest) else { return periods };
    periods.into_iter().filter(|period| period.bitrates() == main).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(bitrate: u64, start_s: Option<f64>, duration_s: Option<f64>) -> Period {
        let rendition = Rendition { peak_bitrate_bps: bitrate, media: Media::Video, ..Rendition::new("v".into()) };
        Period { start_s, duration_s, segment_s: None, renditions: vec![rendition] }
    }

    #[test]
    fn advertisements_are_told_from_the_content_by_their_length() {
        let (main, ad) = (1, 2);
        let cases = [
            (vec![period(main, None, None)], None, main),
            (
                vec![period(main, Some(0.0), None), period(ad, Some(600.0), Some(30.0)), period(main, None, None)],
                None,
                main,
            ),
            (vec![period(ad, None, Some(30.0)), period(main, Some(30.0), None)], None, main),
            (vec![period(main, Some(0.0), None), period(ad, Some(600.0), None)], None, main),
            (vec![period(ad, Some(0.0), None), period(main, Some(20.0), None)], Some(3_600.0), main),
        ];
        for (index, (periods, presentation_s, expected)) in cases.into_iter().enumerate() {
            let kept = of_main_content(periods, presentation_s);
            assert!(!kept.is_empty() && kept.iter().all(|period| period.bitrates() == [expected]), "case {index}");
        }
        let silent = of_main_content(vec![Period::default()], None);
        assert_eq!(silent.len(), 1, "a presentation without pictures stays as it is");
    }
}
