//! Writing records: structured field text, the query argument and the four headers, keys in alphabetical order.

use super::Cmcd;
use super::custom::{CustomKey, CustomValue, is_writable_name};
use super::field::{Field, Visit};
use super::key::Key;
use super::key_spec::{Header, KeySpec};
use super::list::NextObject;
use super::problem::EmitError;
use super::token::{ObjectType, Version};
use super::writer::{WriteError, Writer};
use crate::percent;
use crate::structured::{self, MAX_INTEGER};
use std::borrow::Cow;
use std::fmt::Write as _;

impl Cmcd<'_> {
    /// The record as one structured field dictionary: what the query argument holds and what a line of an event report
    /// is.
    ///
    /// Canonical: keys sorted, numbers rounded as their keys want. Written in the record's own [`Cmcd::version`]:
    /// version 1 leaves out the keys it does not know and sends the one entry of a list that speaks for the object.
    ///
    /// # Errors
    /// When a string, number or custom key cannot be expressed as a structured field.
    pub fn to_text(&self) -> Result<String, EmitError> {
        let mut writer = TextWriter::new(self);
        self.write(&mut writer, |_| true)?;
        Ok(writer.out)
    }

    /// The record as query argument, `CMCD=…`, percent-encoded.
    ///
    /// # Errors
    /// As [`Cmcd::to_text`].
    pub fn to_query(&self) -> Result<String, EmitError> {
        let mut query = String::from("CMCD=");
        percent::encode(&self.to_text()?, &mut query);
        Ok(query)
    }

    /// The record as request headers, those that have something to say, in alphabetical order.
    ///
    /// Keys of event reports have no header and are left out; custom keys go into `CMCD-Request`.
    ///
    /// # Errors
    /// As [`Cmcd::to_text`].
    pub fn to_headers(&self) -> Result<Vec<(Header, String)>, EmitError> {
        let mut headers = Vec::new();
        for header in Header::ALL {
            let mut writer = TextWriter::new(self);
            self.write(&mut writer, |key| key.map_or(Some(Header::Request), |key| key.spec().header) == Some(header))?;
            if !writer.out.is_empty() {
                headers.push((header, writer.out));
            }
        }
        Ok(headers)
    }

    /// Writes the present keys that `select` wants, sorted by name; `None` stands for a custom key.
    pub(super) fn write(&self, writer: &mut dyn Writer, select: impl Fn(Option<Key>) -> bool) -> Result<(), EmitError> {
        let record = self.in_own_version();
        let mut custom: Vec<&CustomKey<'_>> = record.custom.iter().filter(|_| select(None)).collect();
        custom.sort_by(|left, right| left.name.cmp(&right.name));
        let mut custom = custom.into_iter().peekable();
        for &key in Key::ALL {
            let spec = key.spec();
            while let Some(entry) = custom.next_if(|entry| entry.name.as_ref() < spec.wire) {
                write_custom(entry, writer)?;
            }
            if spec.versions.includes(record.version) && select(Some(key)) {
                record.field(key, WriteTo { spec, writer }).map_err(|error| error.of(spec.wire))?;
            }
        }
        custom.try_for_each(|entry| write_custom(entry, writer))
    }

    /// Version 1 keeps one next object, percent-encoded, and its range under a key of its own.
    fn in_own_version(&self) -> Cow<'_, Self> {
        if self.version != Version::V1 || self.next_objects.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut record = self.clone();
        if let Some(NextObject { path, range }) = self.next_objects.first() {
            let mut encoded = String::new();
            percent::encode(path, &mut encoded);
            record.next_objects = [NextObject { path: encoded.into(), range: None }].into_iter().collect();
            record.next_range = range.clone().or(record.next_range);
        }
        Cow::Owned(record)
    }
}

fn write_custom(entry: &CustomKey<'_>, writer: &mut dyn Writer) -> Result<(), EmitError> {
    let name = entry.name.as_ref();
    if !is_writable_name(name) {
        return Err(EmitError::BadCustomKey { key: name.to_owned() });
    }
    match &entry.value {
        CustomValue::Flag(value) => writer.flag(name, *value),
        CustomValue::Integer(value) => writer.integer(name, *value),
        CustomValue::Decimal(value) => writer.decimal(name, *value),
        CustomValue::Text(value) => writer.text(name, value),
        CustomValue::Token(value) => writer.token(name, value),
        CustomValue::List(value) => writer.list(name, value),
    }
    .map_err(|error| error.of(name))
}

struct WriteTo<'w> {
    spec: &'static KeySpec,
    writer: &'w mut dyn Writer,
}

impl<'a> Visit<'a> for WriteTo<'_> {
    type Output = Result<(), WriteError>;

    fn visit<F: Field<'a>>(self, field: &F) -> Self::Output {
        if field.is_present() { field.write(self.spec, self.writer) } else { Ok(()) }
    }
}

/// The one number that version 1 sends: the one for the requested object's type, else the first.
pub(super) fn sole_number(entries: &[(u64, Option<ObjectType>)], requested: Option<ObjectType>) -> Option<u64> {
    let own = entries.iter().find(|(_, kind)| kind.is_some() && *kind == requested);
    own.or(entries.first()).map(|&(value, _)| value)
}

/// Writes a structured field dictionary.
struct TextWriter {
    out: String,
    version: Version,
    object_type: Option<ObjectType>,
}

impl TextWriter {
    fn new(record: &Cmcd<'_>) -> Self {
        Self { out: String::new(), version: record.version, object_type: record.object_type }
    }

    fn key(&mut self, key: &str) {
        if !self.out.is_empty() {
            self.out.push(',');
        }
        self.out.push_str(key);
    }

    fn number(&mut self, value: impl TryInto<i64>) -> Result<(), WriteError> {
        let value = value.try_into().map_err(|_| WriteError::Unwritable)?;
        if !(-MAX_INTEGER..=MAX_INTEGER).contains(&value) {
            return Err(WriteError::Unwritable);
        }
        // Writing into a string cannot fail.
        let _ = write!(self.out, "{value}");
        Ok(())
    }

    fn string(&mut self, value: &str) -> Result<(), WriteError> {
        if structured::write_string(value, &mut self.out) { Ok(()) } else { Err(WriteError::Unprintable) }
    }
}

impl Writer for TextWriter {
    fn numbers(&mut self, spec: &KeySpec, entries: &[(u64, Option<ObjectType>)]) -> Result<(), WriteError> {
        self.key(spec.wire);
        self.out.push('=');
        if self.version == Version::V1 {
            return sole_number(entries, self.object_type).map_or(Ok(()), |value| self.number(value));
        }
        self.out.push('(');
        for (index, &(value, kind)) in entries.iter().enumerate() {
            if index > 0 {
                self.out.push(' ');
            }
            self.number(value)?;
            if let Some(kind) = kind {
                self.out.push(';');
                self.out.push_str(kind.as_wire());
            }
        }
        self.out.push(')');
        Ok(())
    }

    fn texts(&mut self, key: &str, entries: &[(&str, Option<&str>)]) -> Result<(), WriteError> {
        self.key(key);
        self.out.push('=');
        if self.version == Version::V1 {
            return entries.first().map_or(Ok(()), |&(value, _)| self.string(value));
        }
        self.out.push('(');
        for (index, &(value, range)) in entries.iter().enumerate() {
            if index > 0 {
                self.out.push(' ');
            }
            self.string(value)?;
            if let Some(range) = range {
                self.out.push_str(";r=");
                self.string(range)?;
            }
        }
        self.out.push(')');
        Ok(())
    }

    fn integer(&mut self, key: &str, value: i64) -> Result<(), WriteError> {
        self.key(key);
        self.out.push('=');
        self.number(value)
    }

    fn decimal(&mut self, key: &str, value: f64) -> Result<(), WriteError> {
        self.key(key);
        self.out.push('=');
        if structured::write_decimal(value, &mut self.out) { Ok(()) } else { Err(WriteError::Unwritable) }
    }

    fn flag(&mut self, key: &str, value: bool) -> Result<(), WriteError> {
        self.key(key);
        if !value {
            self.out.push_str("=?0");
        }
        Ok(())
    }

    fn text(&mut self, key: &str, value: &str) -> Result<(), WriteError> {
        self.key(key);
        self.out.push('=');
        self.string(value)
    }

    fn token(&mut self, key: &str, value: &str) -> Result<(), WriteError> {
        self.key(key);
        self.out.push('=');
        if !structured::is_token(value) {
            return Err(WriteError::Unwritable);
        }
        self.out.push_str(value);
        Ok(())
    }

    fn list(&mut self, key: &str, value: &str) -> Result<(), WriteError> {
        self.key(key);
        self.out.push('=');
        if !structured::is_inner_list(value) {
            return Err(WriteError::Unwritable);
        }
        self.out.push_str(value);
        Ok(())
    }
}
