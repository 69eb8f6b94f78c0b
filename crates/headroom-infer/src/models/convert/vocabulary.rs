//! Whisper's tokens as bytes, from a list in GPT-2's alphabet.

use super::error::ConvertError;

/// Tokens that carry text; whisper.cpp makes the ones behind them (languages, timestamps) itself.
const TEXT_TOKENS: usize = 50_257;

/// The last text token, which stands for no bytes of text and is kept as written.
const END_OF_TEXT: &str = "<|endoftext|>";

/// The bytes of each text token, from one token a line.
pub(super) fn tokens(vocabulary: &str) -> Result<Vec<Vec<u8>>, ConvertError> {
    let tokens: Vec<Vec<u8>> = vocabulary
        .split('\n')
        .take(TEXT_TOKENS)
        .enumerate()
        .map(|(i, line)| if line == END_OF_TEXT { Some(line.into()) } else { bytes(line) }.ok_or(i))
        .collect::<Result<_, _>>()
        .map_err(ConvertError::Vocabulary)?;
    if tokens.len() == TEXT_TOKENS { Ok(tokens) } else { Err(ConvertError::Vocabulary(tokens.len())) }
}

fn bytes(token: &str) -> Option<Vec<u8>> {
    token.chars().map(byte).collect()
}

/// GPT-2 writes each byte as one visible character: printable Latin-1 as itself, the 68 others, in order, as U+0100 and
/// up.
fn byte(character: char) -> Option<u8> {
    const fn is_printable(byte: u8) -> bool {
        matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff)
    }
    match u32::from(character) {
        code @ 0..=0xff => u8::try_from(code).ok().filter(|byte| is_printable(*byte)),
        code => (0..=255).filter(|byte| !is_printable(*byte)).nth((code - 0x100) as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_character() {
        let characters = (0..0x200).filter_map(char::from_u32).filter(|c| byte(*c).is_some());
        let mut seen: Vec<u8> = characters.filter_map(byte).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..=255).collect::<Vec<_>>());
        assert_eq!(bytes("Ġhello"), Some(b" hello".to_vec()));
        assert_eq!(bytes("Ċ"), Some(b"\n".to_vec()));
        assert_eq!(bytes("中"), None);
    }

    #[test]
    fn a_short_list_is_refused() {
        assert!(matches!(tokens("a\nb"), Err(ConvertError::Vocabulary(2))));
    }
}
