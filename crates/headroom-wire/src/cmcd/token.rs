//! The token values of CMCD: what `ot`, `sf`, `st`, `sta` and `e` may say.

/// Declares one enumeration whose values are short tokens on the wire.
macro_rules! tokens {
    ($($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $value:ident = $wire:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$meaning])* $value,)*
        }

        impl $name {
            /// Every value, in the order of the standard.
            pub const ALL: &'static [Self] = &[$(Self::$value),*];

            /// The value written on the wire.
            pub const fn as_wire(self) -> &'static str {
                match self {
                    $(Self::$value => $wire,)*
                }
            }

            /// The value a token stands for; `None` for a token the standard does not list.
            pub fn from_wire(token: &str) -> Option<Self> {
                Self::from_bytes(token.as_bytes())
            }

            /// The same of bytes that nobody has looked at yet.
            #[inline]
            pub(super) fn from_bytes(token: &[u8]) -> Option<Self> {
                match token {
                    $(_ if token == $wire.as_bytes() => Some(Self::$value),)*
                    _ => None,
                }
            }
        }
    )*};
}

tokens! {
    /// Type of the media object a request is for, and the parameter that types an entry of a version 2 list.
    ObjectType {
        /// Text file such as a manifest or playlist.
        Manifest = "m",
        /// Audio only.
        Audio = "a",
        /// Video only.
        Video = "v",
        /// Muxed audio and video.
        Muxed = "av",
        /// Initialisation segment.
        Init = "i",
        /// Caption or subtitle.
        Caption = "c",
        /// ISOBMFF timed text track.
        TimedText = "tt",
        /// Cryptographic key, licence or certificate.
        Key = "k",
        /// Anything else.
        Other = "o",
    }

    /// Streaming format of the request.
    StreamingFormat {
        /// MPEG-DASH.
        Dash = "d",
        /// HTTP Live Streaming.
        Hls = "h",
        /// High Efficiency Streaming Protocol; version 2 only.
        Hesp = "e",
        /// Smooth Streaming.
        Smooth = "s",
        /// Anything else.
        Other = "o",
    }

    /// Whether segments are all there or appear over time.
    StreamType {
        /// All segments are available.
        Vod = "v",
        /// Segments become available over time.
        Live = "l",
        /// Live with low latency; version 2 only.
        LowLatency = "ll",
    }

    /// Playback state as the viewer perceives it; version 2 only.
    PlayerState {
        /// Told to play, nothing rendered yet.
        Starting = "s",
        /// Media is being rendered.
        Playing = "p",
        /// The playhead is being moved.
        Seeking = "k",
        /// Rendering stopped because the buffer ran out.
        Rebuffering = "r",
        /// Paused by the viewer or the player.
        Paused = "a",
        /// Waiting for a user action or another event. Players send it; the text of CTA-5004-B does not list it.
        Waiting = "w",
        /// The media played to its end.
        Ended = "e",
        /// Playback ended in an error that cannot be recovered from.
        FatalError = "f",
        /// The viewer left before the end.
        Quit = "q",
        /// Loading ahead of a start that will come later.
        Preloading = "d",
    }

    /// What an event report is about; version 2 only.
    EventType {
        /// The selected bitrate changed.
        BitrateChange = "bc",
        /// The playback state changed.
        PlayState = "ps",
        /// The playback rate changed.
        PlaybackRate = "pr",
        /// A player error.
        Error = "e",
        /// The reporting interval elapsed.
        TimeInterval = "t",
        /// The content identifier changed.
        ContentId = "c",
        /// The player went to the background or came back.
        BackgroundedMode = "b",
        /// The hostname media comes from changed.
        HostnameChange = "h",
        /// Sound was switched off.
        Mute = "m",
        /// Sound was switched on.
        Unmute = "um",
        /// The player was expanded.
        PlayerExpand = "pe",
        /// The player was collapsed.
        PlayerCollapse = "pc",
        /// A media response was received or failed.
        ResponseReceived = "rr",
        /// An advertisement began.
        AdStart = "as",
        /// An advertisement ended.
        AdEnd = "ae",
        /// A break for advertisements began.
        AdBreakStart = "abs",
        /// A break for advertisements ended.
        AdBreakEnd = "abe",
        /// The viewer skipped.
        Skip = "sk",
        /// An event named by the application in `custom_event_name`.
        Custom = "ce",
    }
}

/// The version of CTA-5004 a payload is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Version {
    /// CTA-5004 (2020): what a payload without `v` is.
    #[default]
    V1,
    /// CTA-5004-B.
    V2,
}

impl Version {
    /// The number written on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}
