//! What a request is answered with: one value from the engine to the header.

use headroom_core::units::Bitrate;

/// What a session should be told now; empty when nothing is known of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Answer {
    /// Bit rate of the largest rung to play.
    pub(crate) cap: Option<Bitrate>,
    /// The same as a player must hear it: with room for the audio beside it.
    pub(crate) suggested: Option<Bitrate>,
    /// Throughput to expect.
    pub(crate) expected_throughput: Option<Bitrate>,
    /// Round-trip time of the transport.
    pub(crate) rtt_ms: Option<u16>,
}
