//! Content Steering: which delivery pathway players should use, for HLS and DASH.
//!
//! The manifest is the same JSON for both: RFC 8216bis §7 (HLS) and ETSI TS 103 998 (DASH). Players fetch it again after
//! its TTL and say in the query what they measured; see [`Report`].

mod manifest;
mod report;
#[cfg(test)]
mod tests;

pub use manifest::{Flaw, Manifest, PathwayClone, SteeringError, UriReplacement};
pub use report::{PathwayThroughput, Protocol, Report};

/// Media type of the manifest (RFC 8216bis §7.1).
pub const MEDIA_TYPE: &str = "application/vnd.apple.steering-list";

/// Time after which players ask again when the manifest does not say, in seconds (RFC 8216bis §7.2).
pub const DEFAULT_TTL_SECONDS: u32 = 300;

/// Longest manifest read, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 256 * 1024;

/// Most pathways of a manifest, and most entries of a report.
pub const MAX_PATHWAYS: usize = 256;
