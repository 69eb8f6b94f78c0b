//! Percent-encoding of query strings (RFC 3986 §2.1).

/// Characters JavaScript's `encodeURIComponent` leaves alone, which is what players use.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

/// Appends `text` percent-encoded.
pub(crate) fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(text.len() * 2);
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

const NOT_HEX: u8 = 0xff;

/// The value of every hexadecimal digit.
static HEX_VALUE: [u8; 256] = {
    let mut table = [NOT_HEX; 256];
    let mut digit = 0;
    while digit < 10 {
        table[b'0' as usize + digit as usize] = digit;
        digit += 1;
    }
    while digit < 16 {
        table[b'a' as usize + digit as usize - 10] = digit;
        table[b'A' as usize + digit as usize - 10] = digit;
        digit += 1;
    }
    table
};

/// Replaces the content of `out` by `encoded` decoded; the answer is the number of broken sequences, which stay as
/// they are.
///
/// With `plus_is_space`, `+` is a space: form encoding, as `URLSearchParams` writes. Whoever means a plus encodes it.
pub(crate) fn decode(encoded: &str, plus_is_space: bool, out: &mut Vec<u8>) -> u32 {
    let mut broken = 0;
    let bytes = encoded.as_bytes();
    out.clear();
    // Decoded text is never longer, so no write below reallocates.
    out.resize(bytes.len(), 0);
    let (mut from, mut to) = (0, 0);
    while let Some(&byte) = bytes.get(from) {
        from += 1;
        let decoded = match byte {
            b'%' => {
                let digit = |index: usize| bytes.get(index).map_or(NOT_HEX, |&byte| HEX_VALUE[usize::from(byte)]);
                let (high, low) = (digit(from), digit(from + 1));
                if high == NOT_HEX || low == NOT_HEX {
                    broken += 1;
                    byte
                } else {
                    from += 2;
                    high << 4 | low
                }
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        };
        out[to] = decoded;
        to += 1;
    }
    out.truncate(to);
    broken
}

/// `text` decoded; `None` when nothing in it is encoded or any of it is broken.
pub(crate) fn decode_exact(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let mut decoded = Vec::new();
    if decode(text, false, &mut decoded) > 0 {
        return None;
    }
    String::from_utf8(decoded).ok()
}

/// The first value of the parameter `name` in a query string, still encoded.
pub(crate) fn query_value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query_values(query, name).next()
}

/// Every value of the parameter `name` in a query string, still encoded.
pub(crate) fn query_values<'a>(query: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let query = query.strip_prefix('?').unwrap_or(query);
    query.split('&').filter_map(move |pair| pair.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_keeps_what_is_broken() {
        let table = [
            ("a%20b", "a b", 0),
            ("a+b", "a b", 0),
            ("%41%4a%4A", "AJJ", 0),
            ("%", "%", 1),
            ("%4", "%4", 1),
            ("%zz1", "%zz1", 1),
            ("%%41", "%A", 1),
            ("", "", 0),
        ];
        let mut out = Vec::new();
        for (encoded, decoded, broken) in table {
            assert_eq!(decode(encoded, true, &mut out), broken, "{encoded}");
            assert_eq!(out, decoded.as_bytes(), "{encoded}");
        }
        decode("a+b", false, &mut out);
        assert_eq!(out, b"a+b");
    }

    #[test]
    fn encodes_what_a_browser_encodes() {
        let mut out = String::new();
        encode("br=(1200;v),cid=\"a b\u{e9}\"", &mut out);
        assert_eq!(out, "br%3D(1200%3Bv)%2Ccid%3D%22a%20b%C3%A9%22");
    }

    #[test]
    fn finds_a_parameter_by_its_whole_name() {
        assert_eq!(query_value("?a=1&CMCD=br%3D1&b=2", "CMCD"), Some("br%3D1"));
        assert_eq!(query_value("XCMCD=1&CMCDX=2&CMCD=", "CMCD"), Some(""));
        assert_eq!(query_value("cmcd=1", "CMCD"), None);
    }
}
