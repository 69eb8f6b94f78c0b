//! What metrics are told apart by: closed sets, so that nothing from outside becomes a label.

use prometheus_client::encoding::EncodeLabelSet;

/// By what something was.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ByKind {
    pub(crate) kind: &'static str,
}

/// By where something came from.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct BySource {
    pub(crate) source: &'static str,
}

/// By why something happened.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ByReason {
    pub(crate) reason: &'static str,
}

/// By the quantile, `0.5`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ByQuantile {
    pub(crate) quantile: &'static str,
}

/// Declares an enumeration whose values are label values.
macro_rules! label_values {
    ($($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $value:ident = $label:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$meaning])* $value,)*
        }

        impl $name {
            pub(crate) const LABELS: &'static [&'static str] = &[$($label),*];
        }
    )*};
}

label_values! {
    /// What a request was for.
    RequestKind {
        /// Media or a manifest through the edge.
        Edge = "edge",
        /// A sub-request of another server.
        Decide = "decide",
        /// CMCD events.
        Cmcd = "cmcd",
        /// A batch of samples.
        Samples = "samples",
        /// A steering manifest.
        Steering = "steering",
        /// Messages of viewers.
        Feedback = "feedback",
        /// A decision or a stream of them.
        Decisions = "decisions",
        /// What to fetch next.
        Advice = "advice",
    }

    /// Where a report came from.
    ReportSource {
        /// CMCD in a query.
        Query = "cmcd_query",
        /// CMCD in headers.
        Headers = "cmcd_headers",
        /// CMCD in an event body.
        Event = "cmcd_event",
        /// A batch of samples.
        Sample = "sample",
        /// A response the edge sent.
        Transfer = "transfer",
        /// The transport of the client's connection.
        Transport = "transport",
        /// The throughput a steering request names.
        Steering = "steering",
    }

    /// Why a report, or a part of it, was not used.
    DropReason {
        /// It cannot be read.
        Malformed = "malformed",
        /// A key or entry in it cannot be read.
        Member = "member",
        /// Seen before.
        Replayed = "replayed",
        /// Overtaken by a newer one: only its throughput was used.
        Late = "late",
        /// Older than a session lives.
        Stale = "stale",
        /// A rate or duration no real player has.
        Implausible = "implausible",
        /// Throughput of a player that is paused.
        Paused = "paused",
        /// The transfer was too short to measure.
        TooShort = "too_short",
        /// The client read slower than the network delivered.
        ReceiverLimited = "receiver_limited",
        /// The server had too little to send.
        ApplicationLimited = "application_limited",
        /// The client takes many times the duration of the media to fetch it: not watching live.
        SlowerThanMedia = "slower_than_media",
        /// The client broke off.
        Aborted = "aborted",
        /// No token covers it.
        Unproven = "unproven",
    }

    /// What was turned away because a bound was reached.
    ShedKind {
        /// A connection.
        Connection = "connection",
        /// A stream of decisions.
        Subscriber = "subscriber",
        /// A line of the input or decision log.
        Record = "record",
        /// A message of a viewer.
        Message = "message",
        /// A connection or request of a client that has or makes too many.
        Client = "client",
        /// A token of a client that sent too many wrong ones.
        TokenAttempt = "token_attempt",
    }

    /// Where a message came from.
    MessageSource {
        /// `POST /v1/feedback`.
        Post = "post",
        /// The WebSocket there.
        Socket = "socket",
        /// Twitch.
        Twitch = "twitch",
        /// YouTube.
        Youtube = "youtube",
        /// A recording.
        Replay = "replay",
        /// A clip of a voice or a voice chat.
        Voice = "voice",
    }
}

impl MessageSource {
    /// Its label, which keeps the names of its authors apart from others'.
    pub(crate) fn label(self) -> &'static str {
        Self::LABELS[self as usize]
    }
}
