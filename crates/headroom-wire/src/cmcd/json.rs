//! CMCD as JSON: one object a record.
//!
//! CTA-5004 defines this form for version 1; CTA-5004-B drops it, yet collectors and log shippers keep using it. Values
//! have their JSON types, tokens are strings, and an entry with parameters is `{"value":1200,"params":{"v":true}}`, as
//! `@svta/common-media-library` writes.

use super::custom::{CustomValue, is_custom_name};
use super::emit::sole_number;
use super::field::ItemParameters;
use super::key::Key;
use super::key_spec::{KeySpec, ValueType};
use super::parse::{ParseSummary, ParsedRecord};
use super::problem::{EmitError, ParseError, Problem};
use super::reader::{Effect, Observer, Reader};
use super::token::{ObjectType, Version};
use super::writer::{WriteError, Writer};
use super::{Cmcd, MAX_BODY_BYTES, MAX_RECORDS};
use crate::structured::{BareItem, Leniency, MAX_INTEGER};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt;

/// Reads the records of a JSON body: an object, a list of objects, or any number of either one after the other.
///
/// Tolerant within a record, as [`Cmcd::parse`]; positions in the summary are the number of the member in its object.
///
/// # Errors
/// When the body is longer than [`MAX_BODY_BYTES`], is not JSON of that shape, or holds over [`MAX_RECORDS`] records.
pub fn parse_json(body: &[u8]) -> Result<Vec<ParsedRecord<'static>>, ParseError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(ParseError::TooLong { length: body.len(), limit: MAX_BODY_BYTES });
    }
    let mut records = Vec::new();
    for found in serde_json::Deserializer::from_slice(body).into_iter::<OneOrMany>() {
        let OneOrMany(found) = found.map_err(|error| ParseError::NotJson {
            message: error.to_string(),
            line: error.line(),
            column: error.column(),
        })?;
        records.extend(found);
        if records.len() > MAX_RECORDS {
            return Err(ParseError::TooManyRecords { limit: MAX_RECORDS });
        }
    }
    Ok(records)
}

/// The object, or the objects of the list, that stand next in a body.
struct OneOrMany(Vec<ParsedRecord<'static>>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = OneOrMany;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany, A::Error> {
        Ok(OneOrMany(vec![read_record(map)?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany, A::Error> {
        let mut records = Vec::new();
        while let Some(JsonRecord(record)) = list.next_element()? {
            records.push(record);
            if records.len() > MAX_RECORDS {
                return Err(A::Error::custom("too many records"));
            }
        }
        Ok(OneOrMany(records))
    }
}

struct JsonRecord(ParsedRecord<'static>);

impl<'de> Deserialize<'de> for JsonRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RecordVisitor;
        impl<'de> Visitor<'de> for RecordVisitor {
            type Value = JsonRecord;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<JsonRecord, A::Error> {
                read_record(map).map(JsonRecord)
            }
        }
        deserializer.deserialize_map(RecordVisitor)
    }
}

/// Reads the members of one object in the order they are sent, so that repeated names are noticed.
fn read_record<'de, A: MapAccess<'de>>(mut map: A) -> Result<ParsedRecord<'static>, A::Error> {
    let mut reader = Reader::new(Leniency::Lenient, ParseSummary::default());
    let mut position = 0;
    while let Some(name) = map.next_key::<String>()? {
        if !reader.may_read_another() {
            let _ = reader.problem("", position, Problem::TooManyMembers, Effect::Dropped);
            map.next_value::<IgnoredAny>()?;
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            break;
        }
        take_member(&mut reader, name, map.next_value()?, position);
        position += 1;
    }
    Ok(reader.finish())
}

/// Gives one member to the reader; `null` is as if it were not there.
fn take_member<L: Observer>(reader: &mut Reader<'static, L>, name: String, value: Value, position: usize) {
    if value.is_null() {
        return;
    }
    if let Some(key) = Key::from_wire(&name) {
        let kind = key.spec().value_type;
        let listed = value.is_array();
        let values = if let Value::Array(values) = value { values } else { vec![value] };
        let items = values.into_iter().map(|value| item(value, kind)).collect();
        reader.take_items(key, items, listed, position);
    } else if is_custom_name(&name) {
        let (value, _) = item(value, ValueType::Text);
        let problem = match CustomValue::from_item(value) {
            Some(value) => reader.take_custom(Cow::Owned(name.clone()), value, position),
            None => Some((Problem::WrongType, Effect::Dropped)),
        };
        if let Some((problem, effect)) = problem {
            let _ = reader.problem(&name, position, problem, effect);
        }
    } else {
        let _ = reader.problem(&name, position, Problem::UnknownKey, Effect::Dropped);
    }
}

/// A JSON value as the structured field item it stands for.
fn item(value: Value, kind: ValueType) -> (BareItem<'static>, ItemParameters<'static>) {
    let mut parameters = ItemParameters::default();
    let bare = match value {
        Value::Bool(value) => BareItem::Flag(value),
        Value::String(text) if kind == ValueType::Token => BareItem::Token(text.into()),
        Value::String(text) => BareItem::Text(text.into()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) if (-MAX_INTEGER..=MAX_INTEGER).contains(&value) => BareItem::Integer(value),
            (_, Some(value)) => BareItem::Decimal(value),
            _ => BareItem::Other,
        },
        Value::Object(mut object) => {
            if let Some(Value::Object(given)) = object.remove("params") {
                for (name, value) in given {
                    parameters.take(&name, item(value, ValueType::Text).0);
                }
            }
            match object.remove("value") {
                Some(value) if !value.is_object() => item(value, kind).0,
                _ => BareItem::Other,
            }
        }
        Value::Null | Value::Array(_) => BareItem::Other,
    };
    (bare, parameters)
}

impl Cmcd<'_> {
    /// The record as one JSON object, keys sorted.
    ///
    /// # Errors
    /// When a number is not finite, or a custom key is not a key or holds a list, which has no JSON form here.
    pub fn to_json(&self) -> Result<String, EmitError> {
        let mut writer = JsonWriter { out: String::from("{"), version: self.version, object_type: self.object_type };
        self.write(&mut writer, |_| true)?;
        writer.out.push('}');
        Ok(writer.out)
    }
}

struct JsonWriter {
    out: String,
    version: Version,
    object_type: Option<ObjectType>,
}

impl JsonWriter {
    fn member(&mut self, key: &str, value: impl Into<Value>) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        self.out.push_str(&Value::from(key).to_string());
        self.out.push(':');
        self.out.push_str(&value.into().to_string());
    }
}

impl Writer for JsonWriter {
    fn numbers(&mut self, spec: &KeySpec, entries: &[(u64, Option<ObjectType>)]) -> Result<(), WriteError> {
        if self.version == Version::V1 {
            if let Some(value) = sole_number(entries, self.object_type) {
                self.member(spec.wire, value);
            }
            return Ok(());
        }
        let entry = |&(value, kind): &(u64, Option<ObjectType>)| match kind {
            Some(kind) => json!({"value": value, "params": {kind.as_wire(): true}}),
            None => Value::from(value),
        };
        self.member(spec.wire, entries.iter().map(entry).collect::<Vec<_>>());
        Ok(())
    }

    fn texts(&mut self, key: &str, entries: &[(&str, Option<&str>)]) -> Result<(), WriteError> {
        if self.version == Version::V1 {
            if let Some(&(text, _)) = entries.first() {
                self.member(key, text);
            }
            return Ok(());
        }
        let entry = |&(text, range): &(&str, Option<&str>)| match range {
            Some(range) => json!({"value": text, "params": {"r": range}}),
            None => Value::from(text),
        };
        self.member(key, entries.iter().map(entry).collect::<Vec<_>>());
        Ok(())
    }

    fn integer(&mut self, key: &str, value: i64) -> Result<(), WriteError> {
        self.member(key, value);
        Ok(())
    }

    fn decimal(&mut self, key: &str, value: f64) -> Result<(), WriteError> {
        if !value.is_finite() {
            return Err(WriteError::Unwritable);
        }
        self.member(key, value);
        Ok(())
    }

    fn flag(&mut self, key: &str, value: bool) -> Result<(), WriteError> {
        self.member(key, value);
        Ok(())
    }

    fn text(&mut self, key: &str, value: &str) -> Result<(), WriteError> {
        self.member(key, value);
        Ok(())
    }

    fn token(&mut self, key: &str, value: &str) -> Result<(), WriteError> {
        self.member(key, value);
        Ok(())
    }

    fn list(&mut self, _: &str, _: &str) -> Result<(), WriteError> {
        Err(WriteError::Unwritable)
    }
}
