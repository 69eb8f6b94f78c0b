//! Word error rate, and the normaliser both texts go through before they are compared.

/// Words of a reference and errors against it; sums over recordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WordErrors {
    /// Words in the references.
    pub words: usize,
    /// Least number of words to insert, delete or replace (Levenshtein).
    pub errors: usize,
}

impl WordErrors {
    /// Compares one transcript with its reference.
    #[must_use]
    pub fn of(reference: &str, transcript: &str) -> Self {
        let (reference, transcript) = (normalise(reference), normalise(transcript));
        let mut row: Vec<usize> = (0..=transcript.len()).collect();
        for (i, expected) in reference.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, got) in transcript.iter().enumerate() {
                let replaced = diagonal + usize::from(expected != got);
                diagonal = row[j + 1];
                row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
            }
        }
        Self { words: reference.len(), errors: row[transcript.len()] }
    }

    /// Errors per word; 0 where there are no words.
    #[must_use]
    pub fn rate(self) -> f64 {
        if self.words == 0 { 0.0 } else { self.errors as f64 / self.words as f64 }
    }
}

impl std::ops::AddAssign for WordErrors {
    fn add_assign(&mut self, other: Self) {
        self.words += other.words;
        self.errors += other.errors;
    }
}

/// The words that count: lower case, without punctuation, numbers below a hundred spelled out, titles and a few British
/// spellings made equal. Contractions stay one word ("don't" = "dont"). docs/speech.md lists the rules.
#[must_use]
pub fn normalise(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace(['’', '\'', '`'], "");
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .flat_map(|word| match word.parse::<usize>() {
            Ok(number) if number < 100 => spelled(number),
            _ => vec![same(word).to_owned()],
        })
        .collect()
}

fn same(word: &str) -> &str {
    match word {
        "mr" => "mister",
        "mrs" => "missus",
        "dr" => "doctor",
        "ok" => "okay",
        "metre" => "meter",
        "metres" => "meters",
        other => other,
    }
}

fn spelled(number: usize) -> Vec<String> {
    const ONES: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    if number < 20 {
        return vec![ONES[number].to_owned()];
    }
    let mut words = vec![TENS[number / 10 - 2].to_owned()];
    if !number.is_multiple_of(10) {
        words.push(ONES[number % 10].to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_the_least_edits_between_words() {
        for (reference, transcript, words, errors) in [
            ("go forward ten meters", "Go forward 10 metres.", 4, 0),
            ("seven of clubs", "Seven of Clubs", 3, 0),
            ("seven of clubs", "Seven clubs", 3, 1),
            ("ten of clubs", "then of clubs yes", 3, 2),
            ("five five", "", 2, 2),
            ("", "hello there", 0, 2),
            ("forty two", "42", 2, 0),
            ("mister john dashwood", "Mr. John Dashwood,", 3, 0),
            ("it's my 1080p stream", "its my 1080p stream", 4, 0),
        ] {
            assert_eq!(
                WordErrors::of(reference, transcript),
                WordErrors { words, errors },
                "{reference} / {transcript}"
            );
        }
        assert_eq!(WordErrors { words: 8, errors: 1 }.rate(), 0.125);
        assert_eq!(WordErrors { words: 0, errors: 2 }.rate(), 0.0);
    }
}
