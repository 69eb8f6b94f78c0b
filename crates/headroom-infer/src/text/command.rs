//! From the intent the model sees to the command: the resolution is read out of the words by rule.
//!
//! The model says that a viewer wants some quality; which one is grammar ("480", "four eighty", "full hd", "4k"), and
//! grammar does not need learning. The steps of `training/sentiment/commands.py`, one for one.

use headroom_core::audience::Command;

/// What the model can ask for, in the order of its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    None,
    LowerQuality,
    RaiseQuality,
    SetQuality,
    LowerLatency,
    MoreBuffer,
    Status,
}

impl Intent {
    pub(super) const ALL: [Self; 7] = [
        Self::None,
        Self::LowerQuality,
        Self::RaiseQuality,
        Self::SetQuality,
        Self::LowerLatency,
        Self::MoreBuffer,
        Self::Status,
    ];
}

/// The command, if it can be carried out. `clean` is the normalised message.
///
/// `set_quality` without a readable resolution sets nothing. A message that opens by addressing somebody other than the
/// player ("@bob try 480p") is for that person.
pub(super) fn resolve(intent: Intent, text: &str, clean: &str) -> Option<Command> {
    let opening = text.trim_start().to_lowercase();
    if opening.starts_with('@') && !["@player", "@headroom"].iter().any(|name| opening.starts_with(name)) {
        return None;
    }
    match intent {
        Intent::None => None,
        Intent::LowerQuality => Some(Command::LowerQuality),
        Intent::RaiseQuality => Some(Command::RaiseQuality),
        Intent::SetQuality => resolution(clean).map(Command::SetQuality),
        Intent::LowerLatency => Some(Command::LowerLatency),
        Intent::MoreBuffer => Some(Command::MoreBuffer),
        Intent::Status => Some(Command::Status),
    }
}

/// Picture heights of the ladders in use.
const RUNGS: [u16; 7] = [240, 360, 480, 720, 1080, 1440, 2160];

/// Spoken heights; found anywhere in the message.
const SPOKEN: [(u16, &[&str]); 7] = [
    (
        2160,
        &[
            "twenty one sixty",
            "twenty-one sixty",
            "two thousand one hundred sixty",
            "dos mil ciento sesenta",
            "फोर के",
            "فور كي",
        ],
    ),
    (
        1440,
        &[
            "fourteen forty",
            "fourteen-forty",
            "mil cuatrocientos cuarenta",
            "mil quatrocentos e quarenta",
            "vierzehnhundertvierzig",
            "mille quatre cent quarante",
            "millequattrocentoquaranta",
            "चौदह सौ चालीस",
        ],
    ),
    (
        1080,
        &[
            "ten eighty",
            "ten-eighty",
            "mil ochenta",
            "mil e oitenta",
            "mille quatre-vingt",
            "mille quatre vingt",
            "tausendachtzig",
            "milleottanta",
            "zehn achtzig",
            "दस अस्सी",
            "एक हज़ार अस्सी",
            "ألف وثمانين",
            "الف وثمانين",
            "diez ochenta",
            "dez oitenta",
            "फुल एचडी",
            "فل اتش دي",
            "فول اتش دي",
        ],
    ),
    (
        720,
        &[
            "seven twenty",
            "seven-twenty",
            "seven hundred twenty",
            "seven hundred and twenty",
            "setecientos veinte",
            "setecentos e vinte",
            "sept cent vingt",
            "siebenhundertzwanzig",
            "settecentoventi",
            "सात सौ बीस",
            "सात बीस",
            "سبعمية وعشرين",
            "سبعمائة وعشرين",
            "siete veinte",
            "sete vinte",
            "sette venti",
            "sieben zwanzig",
        ],
    ),
    (
        480,
        &[
            "four eighty",
            "four-eighty",
            "four hundred eighty",
            "four hundred and eighty",
            "cuatrocientos ochenta",
            "quatrocentos e oitenta",
            "quatre cent quatre-vingt",
            "quatre cent quatre vingt",
            "vierhundertachtzig",
            "quattrocentottanta",
            "चार सौ अस्सी",
            "اربعمية وثمانين",
            "أربعمائة وثمانين",
            "cuatro ochenta",
            "quatro oitenta",
            "quattro ottanta",
            "vier achtzig",
        ],
    ),
    (
        360,
        &[
            "three sixty",
            "three-sixty",
            "three hundred sixty",
            "three hundred and sixty",
            "trescientos sesenta",
            "trezentos e sessenta",
            "trois cent soixante",
            "dreihundertsechzig",
            "trecentosessanta",
            "तीन सौ साठ",
            "ثلاثمية وستين",
            "ثلاثمائة وستين",
            "tres sesenta",
            "três sessenta",
            "tre sessanta",
            "drei sechzig",
        ],
    ),
    (
        240,
        &[
            "two forty",
            "two-forty",
            "two hundred forty",
            "two hundred and forty",
            "doscientos cuarenta",
            "duzentos e quarenta",
            "deux cent quarante",
            "zweihundertvierzig",
            "duecentoquaranta",
            "दो सौ चालीस",
            "ميتين واربعين",
            "مئتين وأربعين",
        ],
    ),
];

/// Names of heights, found as whole words.
const NAMED: [(u16, &[&str]); 3] = [
    (2160, &["4k", "4 k", "four k", "uhd", "ultra hd", "quattro k", "vier k", "cuatro k", "quatre k", "quatro k"]),
    (1440, &["2k", "2 k", "qhd", "wqhd", "quad hd", "two k"]),
    (1080, &["full hd", "fullhd", "fhd", "volles hd", "pieno hd"]),
];

/// "Automatic", found anywhere (`auto` at the start of a word).
const AUTOMATIC: [&str; 9] =
    ["automati", "otomatic", "player decide", "player choose", "स्वचालित", "ऑटो", "تلقائي", "اوتو", "أوتو"];

/// The picture height a message names; `Some(None)` for automatic. The last of several digits counts ("not 480, 720").
fn resolution(clean: &str) -> Option<Option<u16>> {
    let lower: String = clean.to_lowercase().chars().map(western).collect();
    let mut digits = lower.split(|c: char| !c.is_ascii_digit()).filter_map(|run| run.parse().ok());
    if let Some(height) = digits.rfind(|height| RUNGS.contains(height)) {
        return Some(Some(height));
    }
    if let Some((height, _)) = SPOKEN.iter().find(|(_, phrases)| phrases.iter().any(|phrase| lower.contains(phrase))) {
        return Some(Some(*height));
    }
    if let Some((height, _)) = NAMED.iter().find(|(_, names)| names.iter().any(|name| has_word(&lower, name))) {
        return Some(Some(*height));
    }
    let starts_auto = lower.match_indices("auto").any(|(at, _)| !ends_in_word(&lower[..at]));
    if starts_auto || AUTOMATIC.iter().any(|word| lower.contains(word)) {
        return Some(None);
    }
    has_word(&lower, "hd").then_some(Some(720))
}

/// Devanagari and Arabic digits as 0 to 9.
fn western(character: char) -> char {
    let zero = [0x0966, 0x0660, 0x06f0].into_iter().find(|zero| (*zero..*zero + 10).contains(&u32::from(character)));
    zero.and_then(|zero| char::from_digit(u32::from(character) - zero, 10)).unwrap_or(character)
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let after = text[at + word.len()..].chars().next();
        !ends_in_word(&text[..at]) && !after.is_some_and(is_word)
    })
}

fn ends_in_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_word)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_read_in_eight_languages() {
        let cases: [(&str, Option<Option<u16>>); 23] = [
            ("480 please", Some(Some(480))),
            ("not 480, 720p60!", Some(Some(720))),
            ("full hd", Some(Some(1080))),
            ("4K on", Some(Some(2160))),
            ("give me 4 k", Some(Some(2160))),
            ("Switch to seven twenty p.", Some(Some(720))),
            ("mets en 1080", Some(Some(1080))),
            ("pon setecientos veinte", Some(Some(720))),
            ("siebenhundertzwanzig bitte", Some(Some(720))),
            ("सात सौ बीस पर करो", Some(Some(720))),
            ("४८० कर दो", Some(Some(480))),
            ("خلها ٧٢٠", Some(Some(720))),
            ("2k", Some(Some(1440))),
            ("cuatro ochenta por favor", Some(Some(480))),
            ("ابغى فل اتش دي", Some(Some(1080))),
            ("hd", Some(Some(720))),
            ("let the player decide", Some(None)),
            ("back to auto", Some(None)),
            ("wieder automatisch", Some(None)),
            ("bring me a 44k", None),
            ("10800 viewers", None),
            ("best quality", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(resolution(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_said_to_others_commands_nothing() {
        let resolve = |text| resolve(Intent::SetQuality, text, text);
        assert_eq!(resolve("@bob try 480p"), None);
        assert_eq!(resolve(" @Player 480p"), Some(Command::SetQuality(Some(480))));
        assert_eq!(resolve("some quality"), None, "nothing that could be set");
    }
}
