//! What the standard says about a key: type, unit, rounding, header, versions and reports.

use super::token::Version;

/// Everything the standard says about one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeySpec {
    /// The name on the wire.
    pub wire: &'static str,
    /// The field of [`super::Cmcd`] that holds it.
    pub field: &'static str,
    /// Shape and type of the value.
    pub value_type: ValueType,
    /// Unit of a number.
    pub unit: Unit,
    /// Numbers are sent as multiples of this.
    pub round_to: u32,
    /// Longest string, in characters; 0 when the standard sets none.
    pub max_characters: u16,
    /// The header it travels in; `None` for keys that only event reports carry.
    pub header: Option<Header>,
    /// The versions that define it.
    pub versions: VersionRange,
    /// The reports that may carry it.
    pub scope: Scope,
}

/// Shape and type of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// Inner list of integers with object types as parameters; a plain integer in version 1.
    Numbers,
    /// Inner list of strings; a plain string in version 1.
    Texts,
    /// An integer; 15 digits at most (RFC 9651 §3.3.1).
    Integer,
    /// Decimal or integer.
    Decimal,
    /// Boolean; true is the key alone.
    Flag,
    /// A string of printable ASCII.
    Text,
    /// Token out of a closed list.
    Token,
}

impl ValueType {
    /// Whether version 2 sends the value as an inner list.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Numbers | Self::Texts)
    }
}

/// The request header a key travels in when CMCD is sent as headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Header {
    /// `CMCD-Object`: varies with the object requested.
    Object,
    /// `CMCD-Request`: varies with each request.
    Request,
    /// `CMCD-Session`: constant over the session.
    Session,
    /// `CMCD-Status`: does not vary with every request or object.
    Status,
}

impl Header {
    /// The four headers in alphabetical order.
    pub const ALL: [Self; 4] = [Self::Object, Self::Request, Self::Session, Self::Status];

    /// The header's field name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Object => "CMCD-Object",
            Self::Request => "CMCD-Request",
            Self::Session => "CMCD-Session",
            Self::Status => "CMCD-Status",
        }
    }
}

/// The versions of the standard that define a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionRange {
    /// Versions 1 and 2.
    Both,
    /// Version 1 only: version 2 moved the key into another one.
    V1,
    /// Version 2 only.
    V2,
}

impl VersionRange {
    /// Whether `version` defines the key.
    pub const fn includes(self, version: Version) -> bool {
        match self {
            Self::Both => true,
            Self::V1 => matches!(version, Version::V1),
            Self::V2 => matches!(version, Version::V2),
        }
    }
}

/// The reports that may carry a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Requests and every event.
    Any,
    /// Event reports only.
    Event,
    /// Only `response received` events.
    Response,
}

/// Unit of a number. It decides what a negative value is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The value is no number.
    None,
    /// Kilobits per second.
    KilobitsPerSecond,
    /// Milliseconds of media or wall-clock time.
    Milliseconds,
    /// Milliseconds since the Unix epoch.
    EpochMilliseconds,
    /// A count, code or sequence number.
    Count,
    /// A ratio without a unit.
    Ratio,
}
