//! What a request is answered with: one value from the engine to the header.

use headroom_core::units::Bitrate;

/// What a session should be told now; empty when nothing is known of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Answer {
    /// Bit rate of the largest rung to play.
    pub cap: Option<Bitrate>,
    /// The same as a player must hear it: with room for the audio beside it.
    pub suggested: Option<Bitrate>,
    /// Throughput to expect.
    pub expected_throughput: Option<Bitrate>,
    /// Round-trip time of the transport, ms.
    pub rtt_ms: Option<u16>,
}
