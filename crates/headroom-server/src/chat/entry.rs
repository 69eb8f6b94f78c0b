//! Entries of the configuration that name a chat.

/// The channel and the stream of an entry, `CHANNEL` or `CHANNEL=STREAM`; without a stream, an empty one.
pub(super) fn channel_and_stream(entry: &str) -> (&str, &str) {
    entry.split_once('=').unwrap_or((entry, ""))
}
