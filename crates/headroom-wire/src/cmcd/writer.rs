//! What a notation must be able to write, and why it cannot.

use super::key_spec::KeySpec;
use super::problem::EmitError;
use super::token::ObjectType;

/// Where a record is written to, in some notation.
pub(super) trait Writer {
    fn numbers(&mut self, spec: &KeySpec, entries: &[(u64, Option<ObjectType>)]) -> Result<(), Fault>;
    /// Strings with the byte range that belongs to each.
    fn texts(&mut self, key: &str, entries: &[(&str, Option<&str>)]) -> Result<(), Fault>;
    fn integer(&mut self, key: &str, value: i64) -> Result<(), Fault>;
    fn decimal(&mut self, key: &str, value: f64) -> Result<(), Fault>;
    fn flag(&mut self, key: &str, value: bool) -> Result<(), Fault>;
    fn text(&mut self, key: &str, value: &str) -> Result<(), Fault>;
    fn token(&mut self, key: &str, value: &str) -> Result<(), Fault>;
    /// An inner list given as structured field text.
    fn list(&mut self, key: &str, value: &str) -> Result<(), Fault>;
}

/// Why a value cannot be written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    Unprintable,
    Unwritable,
}

impl Fault {
    pub(super) fn of(self, key: &str) -> EmitError {
        let key = key.to_owned();
        match self {
            Self::Unprintable => EmitError::Unprintable { key },
            Self::Unwritable => EmitError::Unwritable { key },
        }
    }
}
