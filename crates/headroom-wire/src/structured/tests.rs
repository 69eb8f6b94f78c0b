//! The cursor against the examples and limits of RFC 9651.

use super::*;

fn item(text: &str) -> Result<BareItem<'_>, SyntaxError> {
    let mut cursor = Cursor::new(text, Leniency::Strict);
    let item = cursor.bare_item()?;
    if cursor.at_end() { Ok(item) } else { Err(SyntaxError::TrailingCharacters) }
}

#[test]
fn reads_every_bare_item_type() {
    let table: &[(&str, Result<BareItem<'_>, SyntaxError>)] = &[
        ("42", Ok(BareItem::Integer(42))),
        ("-0", Ok(BareItem::Integer(0))),
        ("-999999999999999", Ok(BareItem::Integer(-MAX_INTEGER))),
        ("1000000000000000", Err(SyntaxError::BadNumber)),
        ("0000000000000001", Err(SyntaxError::BadNumber)),
        ("-", Err(SyntaxError::BadNumber)),
        ("1.5", Ok(BareItem::Decimal(1.5))),
        ("-1.125", Ok(BareItem::Decimal(-1.125))),
        ("1.", Err(SyntaxError::BadNumber)),
        ("1.2345", Err(SyntaxError::BadNumber)),
        ("1234567890123.0", Err(SyntaxError::BadNumber)),
        ("1e308", Err(SyntaxError::TrailingCharacters)),
        ("NaN", Ok(BareItem::Token("NaN".into()))),
        (r#""a\"b\\c""#, Ok(BareItem::Text(r#"a"b\c"#.into()))),
        (r#""a\n""#, Err(SyntaxError::BadString)),
        ("\"a\u{e9}\"", Err(SyntaxError::BadString)),
        ("\"open", Err(SyntaxError::Unterminated)),
        ("\"open\\", Err(SyntaxError::Unterminated)),
        ("*t/o:k%en", Ok(BareItem::Token("*t/o:k%en".into()))),
        ("?1", Ok(BareItem::Flag(true))),
        ("?0", Ok(BareItem::Flag(false))),
        ("?2", Err(SyntaxError::BadItem)),
        (":aGk=:", Ok(BareItem::Other)),
        (":aGk=", Err(SyntaxError::Unterminated)),
        ("@1659578233", Ok(BareItem::Other)),
        ("@1.5", Err(SyntaxError::BadNumber)),
        ("%\"caf%c3%a9\"", Ok(BareItem::Other)),
        ("", Err(SyntaxError::BadItem)),
        ("(", Err(SyntaxError::BadItem)),
    ];
    for (text, expected) in table {
        assert_eq!(&item(text), expected, "{text}");
    }
}

#[test]
fn lenient_takes_upper_case_keys_and_text_beyond_ascii() {
    let mut cursor = Cursor::new("Com.Example-Key", Leniency::Lenient);
    assert_eq!(cursor.key(), Ok("Com.Example-Key"));
    let mut cursor = Cursor::new("\"\u{e9}t\u{e9}\"", Leniency::Lenient);
    assert_eq!(cursor.bare_item(), Ok(BareItem::Text("\u{e9}t\u{e9}".into())));
}

#[test]
fn writes_decimals_as_the_rfc_does() {
    let table = [
        (1.0, Some("1.0")),
        (1.08, Some("1.08")),
        (0.0015, Some("0.002")),
        (0.0025, Some("0.002")),
        (-2.5, Some("-2.5")),
        (999_999_999_999.0, Some("999999999999.0")),
        (1e12, None),
        (1e308, None),
        (f64::NAN, None),
        (f64::INFINITY, None),
    ];
    for (value, expected) in table {
        let mut out = String::new();
        let written = write_decimal(value, &mut out).then_some(out);
        assert_eq!(written.as_deref(), expected, "{value}");
    }
}
