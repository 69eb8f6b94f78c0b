//! Settings: defaults, TOML file, environment, command line.

mod check;
mod difference;
mod load;

pub(crate) use difference::differences;
pub use load::{Config, ConfigError, DEFAULT_TOML};
