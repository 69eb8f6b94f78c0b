//! Structured field syntax (RFC 8941, RFC 9651): the cursor that CMCD and CMSD are read with.
//!
//! The cursor only moves forward and every method is linear in the bytes it passes, so work is bounded by the length of
//! the input whatever it holds. Text and tokens are borrowed; a string is copied only when it holds an escape.

use std::borrow::Cow;
use std::fmt;

/// RFC 9651 §3.3.1: an integer has at most 15 digits.
pub(crate) const MAX_INTEGER: i64 = 999_999_999_999_999;
/// RFC 9651 §3.3.2: a decimal has at most 12 digits before the point …
const MAX_DECIMAL_INTEGER_DIGITS: usize = 12;
/// … and at most 3 after it.
const MAX_DECIMAL_FRACTION_DIGITS: usize = 3;

/// One bare item, RFC 9651 §3.3.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BareItem<'a> {
    Integer(i64),
    Decimal(f64),
    Text(Cow<'a, str>),
    Token(Cow<'a, str>),
    Flag(bool),
    /// A byte sequence, date or display string: legal syntax that no CMCD or CMSD key has as its type.
    Other,
}

/// Why text is not a structured field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxError {
    /// A key must start with a lower-case letter or `*` and go on with letters, digits and `_-.*`.
    BadKey,
    /// The value is none of the bare item types.
    BadItem,
    /// A number has too many digits or lacks digits where they must be.
    BadNumber,
    /// A string holds a control character or a bad escape.
    BadString,
    /// A string or an inner list is not closed before the end of the text.
    Unterminated,
    /// Something other than a comma follows a value.
    TrailingCharacters,
    /// A comma with nothing after it.
    TrailingComma,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadKey => "not a key",
            Self::BadItem => "not a structured field value",
            Self::BadNumber => "not a number of at most 15 digits",
            Self::BadString => "string holds a control character or a bad escape",
            Self::Unterminated => "string or list is not closed",
            Self::TrailingCharacters => "unexpected character after the value",
            Self::TrailingComma => "comma with nothing after it",
        })
    }
}

/// Whether a cursor holds to the letter of the RFC or takes what senders are known to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leniency {
    /// RFC 9651.
    Strict,
    /// Also upper-case letters in keys (CMCD v1 predates structured fields) and text beyond ASCII in strings.
    Lenient,
}

/// A place in a text that moves forward over structured field elements.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    leniency: Leniency,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str, leniency: Leniency) -> Self {
        Self { text, at: 0, leniency }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Moves over `byte` when it is next.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn skip_spaces(&mut self) {
        while self.eat(b' ') {}
    }

    /// Spaces and tabs, as RFC 9651 §4.2.2 allows around the commas of a list or dictionary.
    pub(crate) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// The text from `start` to the current position.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// Moves to the next comma or the end: where reading goes on after a fault.
    pub(crate) fn skip_to_comma(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|&byte| byte == b',').unwrap_or(rest.len());
    }

    pub(crate) fn skip_to_end(&mut self) {
        self.at = self.text.len();
    }

    /// RFC 9651 §4.2.3.3.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<&'a str, SyntaxError> {
        let lenient = self.leniency == Leniency::Lenient;
        let bytes = self.text.as_bytes();
        let start = self.at;
        match self.peek() {
            Some(b'a'..=b'z' | b'*') => {}
            Some(b'A'..=b'Z') if lenient => {}
            _ => return Err(SyntaxError::BadKey),
        }
        let wanted = if lenient { KEY_BYTE | UPPER_CASE } else { KEY_BYTE };
        while bytes.get(self.at).is_some_and(|&byte| CLASS[usize::from(byte)] & wanted != 0) {
            self.at += 1;
        }
        Ok(self.since(start))
    }

    /// A key of one to seven lower-case letters, packed into a word with the first one highest: the short way for the
    /// reserved names of CMCD. Where it gives none, the position is not defined.
    #[inline]
    pub(crate) fn short_name(&mut self) -> Option<u64> {
        let start = self.at;
        let mut packed = 0;
        while let Some(letter @ b'a'..=b'z') = self.peek() {
            packed = packed << 8 | u64::from(letter);
            self.at += 1;
        }
        let ends = matches!(self.peek(), None | Some(b'=' | b',' | b';'));
        (ends && (1..=7).contains(&(self.at - start))).then_some(packed)
    }

    /// RFC 9651 §4.2.3.1.
    #[inline]
    pub(crate) fn bare_item(&mut self) -> Result<BareItem<'a>, SyntaxError> {
        match self.peek() {
            Some(b'0'..=b'9' | b'-') => self.number(),
            Some(b'"') => self.string().map(BareItem::Text),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'*') => Ok(BareItem::Token(Cow::Borrowed(self.token()))),
            Some(b'?') => self.flag(),
            Some(b':') => self.byte_sequence(),
            Some(b'@') => self.date(),
            Some(b'%') => self.display_string(),
            _ => Err(SyntaxError::BadItem),
        }
    }

    /// RFC 9651 §4.2.4.
    #[inline]
    fn number(&mut self) -> Result<BareItem<'a>, SyntaxError> {
        let start = self.at;
        let negative = self.eat(b'-');
        let first_digit = self.at;
        let mut magnitude: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            // Saturating keeps the scan linear over absurdly long digits; the length check below rejects them.
            magnitude = magnitude.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
            self.at += 1;
        }
        let digits = self.at - first_digit;
        if digits == 0 {
            return Err(SyntaxError::BadNumber);
        }
        if self.peek() != Some(b'.') {
            if magnitude > MAX_INTEGER || digits > 15 {
                return Err(SyntaxError::BadNumber);
            }
            return Ok(BareItem::Integer(if negative { -magnitude } else { magnitude }));
        }
        self.at += 1;
        let first_fraction = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        let fraction = self.at - first_fraction;
        if digits > MAX_DECIMAL_INTEGER_DIGITS || !(1..=MAX_DECIMAL_FRACTION_DIGITS).contains(&fraction) {
            return Err(SyntaxError::BadNumber);
        }
        self.since(start).parse().map(BareItem::Decimal).map_err(|_| SyntaxError::BadNumber)
    }

    /// A number of at most nine digits without sign or fraction, when that is what is next: the short way for what
    /// players send most. Does not move when it is not.
    #[inline]
    pub(crate) fn small_number(&mut self) -> Option<u32> {
        let rest = &self.text.as_bytes()[self.at..];
        let mut value = 0;
        for (index, &byte) in rest.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                if index == 0 || byte == b'.' {
                    return None;
                }
                self.at += index;
                return Some(value);
            }
            if index == 9 {
                return None;
            }
            value = value * 10 + u32::from(digit);
        }
        if rest.is_empty() {
            return None;
        }
        self.at += rest.len();
        Some(value)
    }

    /// Whether the text ends here or a comma is next.
    #[inline]
    pub(crate) fn at_comma_or_end(&self) -> bool {
        self.peek().is_none_or(|byte| byte == b',')
    }

    /// Goes back to an earlier [`Cursor::position`].
    #[inline]
    pub(crate) fn rewind(&mut self, position: usize) {
        self.at = position;
    }

    /// RFC 9651 §4.2.5.
    fn string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let bytes = self.text.as_bytes();
        self.at += 1;
        let start = self.at;
        let mut unescaped: Option<String> = None;
        let mut run = start;
        loop {
            let Some(&byte) = bytes.get(self.at) else { return Err(SyntaxError::Unterminated) };
            match byte {
                b'"' => {
                    let last = &self.text[run..self.at];
                    self.at += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(last),
                        Some(mut text) => {
                            text.push_str(last);
                            Cow::Owned(text)
                        }
                    });
                }
                b'\\' => {
                    unescaped.get_or_insert_default().push_str(&self.text[run..self.at]);
                    match bytes.get(self.at + 1) {
                        None => return Err(SyntaxError::Unterminated),
                        Some(b'"' | b'\\') => {}
                        Some(_) => return Err(SyntaxError::BadString),
                    }
                    // The escaped character itself begins the next run.
                    run = self.at + 1;
                    self.at += 2;
                }
                0x20..=0x7e => self.at += 1,
                0x80.. if self.leniency == Leniency::Lenient => self.at += 1,
                _ => return Err(SyntaxError::BadString),
            }
        }
    }

    /// RFC 9651 §4.2.6; the first character is known to be right.
    fn token(&mut self) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(is_token_byte) {
            self.at += 1;
        }
        self.since(start)
    }

    /// RFC 9651 §4.2.8.
    fn flag(&mut self) -> Result<BareItem<'a>, SyntaxError> {
        self.at += 1;
        match self.peek() {
            Some(digit @ (b'0' | b'1')) => {
                self.at += 1;
                Ok(BareItem::Flag(digit == b'1'))
            }
            _ => Err(SyntaxError::BadItem),
        }
    }

    /// RFC 9651 §4.2.7. Only the alphabet is checked: no key of ours has this type.
    fn byte_sequence(&mut self) -> Result<BareItem<'a>, SyntaxError> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b':') => {
                    self.at += 1;
                    return Ok(BareItem::Other);
                }
                Some(b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=') => self.at += 1,
                Some(_) => return Err(SyntaxError::BadItem),
                None => return Err(SyntaxError::Unterminated),
            }
        }
    }

    /// RFC 9651 §4.2.9.
    fn date(&mut self) -> Result<BareItem<'a>, SyntaxError> {
        self.at += 1;
        match self.number()? {
            BareItem::Integer(_) => Ok(BareItem::Other),
            _ => Err(SyntaxError::BadNumber),
        }
    }

    /// RFC 9651 §4.2.10. Only the shape is checked: no key of ours has this type.
    fn display_string(&mut self) -> Result<BareItem<'a>, SyntaxError> {
        self.at += 1;
        if !self.eat(b'"') {
            return Err(SyntaxError::BadItem);
        }
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(BareItem::Other);
                }
                Some(0x20..=0x7e) => self.at += 1,
                Some(_) => return Err(SyntaxError::BadString),
                None => return Err(SyntaxError::Unterminated),
            }
        }
    }

    /// The key of a parameter, `;key` or `;key=value`, when one is next (RFC 9651 §4.2.3.2).
    #[inline]
    pub(crate) fn parameter_key(&mut self) -> Result<Option<&'a str>, SyntaxError> {
        if !self.eat(b';') {
            return Ok(None);
        }
        self.skip_spaces();
        self.key().map(Some)
    }

    /// What follows a key: `=value`, or nothing, which is true.
    #[inline]
    pub(crate) fn parameter_value(&mut self) -> Result<BareItem<'a>, SyntaxError> {
        if self.eat(b'=') { self.bare_item() } else { Ok(BareItem::Flag(true)) }
    }

    /// Moves over all parameters that are next.
    pub(crate) fn skip_parameters(&mut self) -> Result<(), SyntaxError> {
        while self.parameter_key()?.is_some() {
            self.parameter_value()?;
        }
        Ok(())
    }
}

impl<'a> Cursor<'a> {
    /// Moves over one inner list without its own parameters and gives its text (RFC 9651 §4.2.1.2).
    pub(crate) fn inner_list(&mut self) -> Result<&'a str, SyntaxError> {
        let start = self.at;
        if !self.eat(b'(') {
            return Err(SyntaxError::BadItem);
        }
        loop {
            self.skip_spaces();
            if self.eat(b')') {
                return Ok(self.since(start));
            }
            if self.at_end() {
                return Err(SyntaxError::Unterminated);
            }
            self.bare_item()?;
            self.skip_parameters()?;
            self.end_of_list_item()?;
        }
    }

    /// A space or the end of the list must follow an item of an inner list.
    pub(crate) fn end_of_list_item(&self) -> Result<(), SyntaxError> {
        match self.peek() {
            Some(b' ' | b')') => Ok(()),
            Some(_) => Err(SyntaxError::TrailingCharacters),
            None => Err(SyntaxError::Unterminated),
        }
    }
}

/// Whether `text` is a token and nothing else.
pub(crate) fn is_token(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '*') && text.bytes().all(is_token_byte)
}

/// Whether `text` is an inner list and nothing else.
pub(crate) fn is_inner_list(text: &str) -> bool {
    let mut cursor = Cursor::new(text, Leniency::Strict);
    cursor.inner_list().is_ok() && cursor.at_end()
}

/// A byte may occur in a key.
const KEY_BYTE: u8 = 1;
/// An upper-case letter, which lenient reading also allows in a key.
const UPPER_CASE: u8 = 2;
/// A byte may follow the first of a token (RFC 9651 §3.3.4).
const TOKEN_BYTE: u8 = 4;

/// What each byte may be part of.
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let byte = index as u8;
        if matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*') {
            table[index] |= KEY_BYTE;
        }
        if byte.is_ascii_uppercase() {
            table[index] |= UPPER_CASE;
        }
        if byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
                    | b':'
                    | b'/'
            )
        {
            table[index] |= TOKEN_BYTE;
        }
        index += 1;
    }
    table
};

fn is_token_byte(byte: u8) -> bool {
    CLASS[usize::from(byte)] & TOKEN_BYTE != 0
}

/// Appends a quoted string; false when `text` holds what a structured field string cannot.
#[must_use]
pub(crate) fn write_string(text: &str, out: &mut String) -> bool {
    if !text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return false;
    }
    out.push('"');
    let mut plain = text;
    while let Some(at) = plain.find(['"', '\\']) {
        out.push_str(&plain[..at]);
        out.push('\\');
        out.push_str(&plain[at..=at]);
        plain = &plain[at + 1..];
    }
    out.push_str(plain);
    out.push('"');
    true
}

/// Appends a decimal with one to three fraction digits; false when it is not finite or has over 12 integer digits.
#[must_use]
pub(crate) fn write_decimal(value: f64, out: &mut String) -> bool {
    // RFC 9651 §4.1.5: round to three digits, half to even.
    let thousandths = (value * 1000.0).round_ties_even();
    if !thousandths.is_finite() || thousandths.abs() >= 1e15 {
        return false;
    }
    let text = format!("{:.3}", thousandths / 1000.0);
    let trimmed = text.trim_end_matches('0');
    out.push_str(trimmed);
    if trimmed.ends_with('.') {
        out.push('0');
    }
    true
}

#[cfg(test)]
mod tests;
