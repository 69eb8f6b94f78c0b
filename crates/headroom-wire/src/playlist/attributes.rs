//! Attribute lists of HLS tags (RFC 8216bis §4.2), read as they are found in the field.

/// Attributes in the order of the tag: name, and value without its quotes. Blanks around either are left out.
///
/// What has no `=` is passed over; a quoted value that is not closed ends the list.
pub(super) fn attributes(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = list;
    std::iter::from_fn(move || {
        loop {
            let (name, after) = rest.split_once('=')?;
            // A piece without a value may stand before the name.
            let name = name.rsplit_once(',').map_or(name, |(_, name)| name).trim();
            let after = after.trim_start();
            let (value, behind) = match after.strip_prefix('"') {
                Some(quoted) => {
                    let (value, behind) = quoted.split_once('"')?;
                    (value, behind.split_once(',').map_or("", |(_, behind)| behind))
                }
                None => after.split_once(',').unwrap_or((after, "")),
            };
            rest = behind;
            if !name.is_empty() {
                return Some((name, value.trim()));
            }
        }
    })
}

/// The value of one attribute; case of the name does not matter. The first of several counts.
pub(super) fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    attributes(list).find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_they_are_found() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("A=1,B=\"x,y=z\",C=2", &[("A", "1"), ("B", "x,y=z"), ("C", "2")]),
            ("A=1, B=2 ,C = 3", &[("A", "1"), ("B", "2"), ("C", "3")]),
            ("A=\"\",B=", &[("A", ""), ("B", "")]),
            ("A=1,junk,B=2", &[("A", "1"), ("B", "2")]),
            ("A= \" 1 \" ,B=2", &[("A", "1"), ("B", "2")]),
            ("A=1,B=\"open", &[("A", "1")]),
            ("=1,,=2,A=3", &[("A", "3")]),
        ];
        for (list, expected) in cases {
            assert_eq!(attributes(list).collect::<Vec<_>>(), *expected, "{list}");
        }
        assert_eq!(attribute("bandwidth=5,BANDWIDTH=6", "BANDWIDTH"), Some("5"));
    }
}
