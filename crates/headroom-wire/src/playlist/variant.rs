//! The variants of a multivariant playlist and the bytes each takes.

/// `#EXT-X-STREAM-INF` with its URI.
pub(super) struct Variant<'a> {
    /// Byte of the playlist at which its tag begins.
    pub(super) start: usize,
    /// Byte behind the line of its URI.
    pub(super) end: usize,
    /// What follows the colon of the tag.
    pub(super) attributes: &'a str,
    /// The line of its URI, without blanks around.
    pub(super) uri: &'a str,
}

/// RFC 8216bis §4.4.6.2: the tag, and the next line that is neither a tag, a comment nor empty.
pub(super) fn variants(playlist: &str) -> impl Iterator<Item = Variant<'_>> {
    let mut open: Option<(usize, &str)> = None;
    let mut end = 0;
    playlist.split_inclusive('\n').filter_map(move |line| {
        let start = end;
        end += line.len();
        let content = line.trim();
        if let Some(attributes) = content.strip_prefix("#EXT-X-STREAM-INF:") {
            open = Some((start, attributes));
        } else if !content.is_empty() && !content.starts_with('#') {
            let (start, attributes) = open.take()?;
            return Some(Variant { start, end, attributes, uri: content });
        }
        None
    })
}
