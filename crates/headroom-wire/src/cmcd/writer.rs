//! What a notation of records must be able to write.

use super::key_spec::KeySpec;
use super::problem::EmitError;
use super::token::ObjectType;

/// Where a record is written to, in some notation.
pub(super) trait Writer {
    fn numbers(&mut self, spec: &KeySpec, entries: &[(u64, Option<ObjectType>)]) -> Result<(), WriteError>;
    /// Strings with the byte range that belongs to each.
    fn texts(&mut self, key: &str, entries: &[(&str, Option<&str>)]) -> Result<(), WriteError>;
    fn integer(&mut self, key: &str, value: i64) -> Result<(), WriteError>;
    fn decimal(&mut self, key: &str, value: f64) -> Result<(), WriteError>;
    fn flag(&mut self, key: &str, value: bool) -> Result<(), WriteError>;
    fn text(&mut self, key: &str, value: &str) -> Result<(), WriteError>;
    fn token(&mut self, key: &str, value: &str) -> Result<(), WriteError>;
    /// An inner list given as structured field text.
    fn list(&mut self, key: &str, value: &str) -> Result<(), WriteError>;
}

/// Why a value cannot be written.
#[derive(Debug, Clone, Copy)]
pub(super) enum WriteError {
    Unprintable,
    Unwritable,
}

impl WriteError {
    pub(super) fn of(self, key: &str) -> EmitError {
        let key = key.to_owned();
        match self {
            Self::Unprintable => EmitError::Unprintable { key },
            Self::Unwritable => EmitError::Unwritable { key },
        }
    }
}
