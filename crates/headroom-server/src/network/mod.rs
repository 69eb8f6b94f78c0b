//! Networks of viewers, by the operator's names for address prefixes and by autonomous system. No address is kept.

mod networks;
mod prefix;
mod ranges;
mod table;

pub(crate) use networks::Networks;
pub(crate) use prefix::Prefix;
pub(crate) use table::Table;
pub use table::TableError;
