//! How each type of value is read from a bare item and written back: one implementation a type.

use super::MAX_LIST_ITEMS;
use super::key_spec::{KeySpec, Unit, ValueType};
use super::list::{ByObjectType, NextObject, NextObjects, TextList};
use super::problem::Problem;
use super::token::{EventType, ObjectType, PlayerState, StreamType, StreamingFormat, Version};
use super::writer::{WriteError, Writer};
use crate::structured::{BareItem, MAX_INTEGER, SyntaxError};
use std::borrow::Cow;

/// The parameters that CMCD gives to an entry.
#[derive(Debug, Clone, Default)]
pub(super) struct ItemParameters<'a> {
    pub(super) object_type: Option<ObjectType>,
    pub(super) range: Option<Cow<'a, str>>,
    /// Parameters that mean nothing here were seen.
    pub(super) unexpected: bool,
}

impl<'a> ItemParameters<'a> {
    /// Takes one parameter. `;v=?0` says the same as no parameter.
    #[inline]
    pub(super) fn take(&mut self, name: &str, value: BareItem<'a>) {
        match value {
            BareItem::Flag(set) => match ObjectType::from_wire(name) {
                Some(_) if !set => {}
                Some(object_type) if self.object_type.is_none() => self.object_type = Some(object_type),
                _ => self.unexpected = true,
            },
            BareItem::Text(range) if name == "r" => self.range = Some(range),
            _ => self.unexpected = true,
        }
    }
}

/// The outcome of reading one item: read as it is, read after a coercion, or refused.
pub(super) type ReadResult = Result<Option<Problem>, Problem>;

/// A type that a field of [`super::Cmcd`] can have.
pub(super) trait Field<'a>: Sized {
    const VALUE_TYPE: ValueType;
    type Owned;

    /// Takes one item: the value itself, or one entry of an inner list.
    fn take(&mut self, item: BareItem<'a>, parameters: &mut ItemParameters<'a>, spec: &KeySpec) -> ReadResult;
    /// Takes one small number: what [`Field::take`] does, without the general form in between.
    #[inline]
    fn take_number(&mut self, value: u32, object_type: Option<ObjectType>, spec: &KeySpec) -> ReadResult {
        let mut parameters = ItemParameters { object_type, ..ItemParameters::default() };
        self.take(BareItem::Integer(value.into()), &mut parameters, spec)
    }
    /// Makes the key absent.
    fn clear(&mut self);
    fn is_present(&self) -> bool;
    /// Writes `key=value`; only called when present.
    fn write(&self, spec: &KeySpec, writer: &mut dyn Writer) -> Result<(), WriteError>;
    fn into_owned(self) -> Self::Owned;
    /// Whether numbers are multiples of the key's step.
    fn is_rounded(&self, _: &KeySpec) -> bool {
        true
    }
    /// Whether this is a flag that says false.
    fn is_false(&self) -> bool {
        false
    }
}

/// Something done to a field of any type, for change.
pub(super) trait VisitMut<'a> {
    type Output;
    fn visit<F: Field<'a>>(self, field: &mut F) -> Self::Output;
}

/// Something done to a field of any type.
pub(super) trait Visit<'a> {
    type Output;
    fn visit<F: Field<'a>>(self, field: &F) -> Self::Output;
}

/// An integer out of what was sent for one, with the coercion that took.
fn integer(item: &BareItem<'_>) -> Result<(i64, Option<Problem>), Problem> {
    match item {
        BareItem::Integer(value) => Ok((*value, None)),
        BareItem::Decimal(value) if value.abs() <= MAX_INTEGER as f64 => {
            Ok((value.round() as i64, Some(Problem::NotInteger)))
        }
        BareItem::Decimal(_) => Err(Problem::OutOfRange),
        // A digit string in quotes is a known habit of hand-written senders.
        BareItem::Text(text) if text.len() <= 15 => match text.parse() {
            Ok(value) => Ok((value, Some(Problem::WrongType))),
            Err(_) => Err(Problem::WrongType),
        },
        _ => Err(Problem::WrongType),
    }
}

/// An integer of zero or more. A negative duration means "none left"; any other negative number means nothing.
fn unsigned(item: &BareItem<'_>, spec: &KeySpec) -> Result<(u64, Option<Problem>), Problem> {
    let (value, coercion) = integer(item)?;
    match u64::try_from(value) {
        Ok(value) => Ok((value, coercion)),
        Err(_) if spec.unit == Unit::Milliseconds => Ok((0, Some(Problem::Negative))),
        Err(_) => Err(Problem::Negative),
    }
}

fn unsigned_32(item: &BareItem<'_>, spec: &KeySpec) -> Result<(u32, Option<Problem>), Problem> {
    let (value, coercion) = unsigned(item, spec)?;
    Ok((u32::try_from(value).map_err(|_| Problem::OutOfRange)?, coercion))
}

/// The coercion that a value suffered, or else the note that its parameters were ignored.
fn or_unexpected(coercion: Option<Problem>, unexpected: bool) -> Option<Problem> {
    coercion.or(unexpected.then_some(Problem::UnexpectedParameter))
}

impl ItemParameters<'_> {
    /// Whether anything was sent beside a value that takes no parameters.
    pub(super) fn any(&self) -> bool {
        self.unexpected || self.object_type.is_some() || self.range.is_some()
    }
}

/// Rounds half up to the step of the key, staying in the type: `Math.round(value / step) * step`.
fn rounded(value: u64, spec: &KeySpec, limit: u64) -> u64 {
    let step = u64::from(spec.round_to);
    let rounded = value.saturating_add(step / 2) / step * step;
    rounded.min(limit / step * step)
}

impl<'a> Field<'a> for ByObjectType {
    const VALUE_TYPE: ValueType = ValueType::Numbers;
    type Owned = Self;

    #[inline]
    fn take(&mut self, item: BareItem<'a>, parameters: &mut ItemParameters<'a>, spec: &KeySpec) -> ReadResult {
        if self.len() >= MAX_LIST_ITEMS {
            return Err(Problem::TooManyItems);
        }
        let (value, coercion) = unsigned_32(&item, spec)?;
        self.push(value, parameters.object_type);
        Ok(or_unexpected(coercion, parameters.unexpected || parameters.range.is_some()))
    }

    #[inline]
    fn take_number(&mut self, value: u32, object_type: Option<ObjectType>, _: &KeySpec) -> ReadResult {
        if self.len() >= MAX_LIST_ITEMS {
            return Err(Problem::TooManyItems);
        }
        self.push(value, object_type);
        Ok(None)
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn is_present(&self) -> bool {
        !self.is_empty()
    }

    fn write(&self, spec: &KeySpec, writer: &mut dyn Writer) -> Result<(), WriteError> {
        let entries: Vec<_> =
            self.iter().map(|(value, kind)| (rounded(value.into(), spec, u32::MAX.into()), kind)).collect();
        writer.numbers(spec, &entries)
    }

    fn into_owned(self) -> Self {
        self
    }

    fn is_rounded(&self, spec: &KeySpec) -> bool {
        self.iter().all(|(value, _)| value.is_multiple_of(spec.round_to))
    }
}

/// Unsigned and signed integers differ only in range and in what a negative number is.
macro_rules! integer_field {
    ($type:ty, $read:expr, $write:expr) => {
        impl<'a> Field<'a> for Option<$type> {
            const VALUE_TYPE: ValueType = ValueType::Integer;
            type Owned = Self;

            #[inline]
            fn take(&mut self, item: BareItem<'a>, parameters: &mut ItemParameters<'a>, spec: &KeySpec) -> ReadResult {
                let read: fn(&BareItem<'_>, &KeySpec) -> Result<($type, Option<Problem>), Problem> = $read;
                let (value, coercion) = read(&item, spec)?;
                *self = Some(value);
                Ok(or_unexpected(coercion, parameters.any()))
            }

            fn clear(&mut self) {
                *self = None;
            }

            fn is_present(&self) -> bool {
                self.is_some()
            }

            fn write(&self, spec: &KeySpec, writer: &mut dyn Writer) -> Result<(), WriteError> {
                let write: fn($type, &KeySpec) -> i64 = $write;
                self.map_or(Ok(()), |value| writer.integer(spec.wire, write(value, spec)))
            }

            fn into_owned(self) -> Self {
                self
            }

            fn is_rounded(&self, spec: &KeySpec) -> bool {
                self.is_none_or(|value| i128::from(value) % i128::from(spec.round_to) == 0)
            }
        }
    };
}

integer_field!(u32, unsigned_32, |value, spec| rounded(value.into(), spec, u32::MAX.into()) as i64);
integer_field!(u64, unsigned, |value, _| i64::try_from(value).unwrap_or(i64::MAX));
integer_field!(
    i32,
    |item, _| {
        let (value, coercion) = integer(item)?;
        Ok((i32::try_from(value).map_err(|_| Problem::OutOfRange)?, coercion))
    },
    |value, _| value.into()
);

impl<'a> Field<'a> for Option<f64> {
    const VALUE_TYPE: ValueType = ValueType::Decimal;
    type Owned = Self;

    fn take(&mut self, item: BareItem<'a>, parameters: &mut ItemParameters<'a>, _: &KeySpec) -> ReadResult {
        let (value, coercion) = match item {
            BareItem::Decimal(value) => (value, None),
            BareItem::Integer(value) => (value as f64, None),
            BareItem::Text(text) if text.len() <= 15 => {
                // `f64::from_str` also reads "inf" and "nan", which mean nothing here.
                let value: f64 = text.parse().map_err(|_| Problem::WrongType)?;
                (value, Some(Problem::WrongType))
            }
            _ => return Err(Problem::WrongType),
        };
        if !value.is_finite() || value.abs() >= 1e12 {
            return Err(Problem::OutOfRange);
        }
        *self = Some(value);
        Ok(or_unexpected(coercion, parameters.any()))
    }

    fn clear(&mut self) {
        *self = None;
    }

    fn is_present(&self) -> bool {
        self.is_some()
    }

    fn write(&self, spec: &KeySpec, writer: &mut dyn Writer) -> Result<(), WriteError> {
        self.map_or(Ok(()), |value| writer.decimal(spec.wire, value))
    }

    fn into_owned(self) -> Self {
        self
    }
}

impl<'a> Field<'a> for Option<bool> {
    const VALUE_TYPE: ValueType = ValueType::Flag;
    type Owned = Self;

    #[inline]
    fn take(&mut self, item: BareItem<'a>, parameters: &mut ItemParameters<'a>, _: &KeySpec) -> ReadResult {
        let (value, coercion) = match &item {
            BareItem::Flag(value) => (*value, None),
            BareItem::Integer(value @ (0 | 1)) => (*value == 1, Some(Problem::WrongType)),
            BareItem::Token(text) | BareItem::Text(text) => match text.as_ref() {
                "true" => (true, Some(Problem::WrongType)),
                "false" => (false, Some(Problem::WrongType)),
                _ => return Err(Problem::WrongType),
            },
            _ => return Err(Problem::WrongType),
        };
        *self = Some(value);
        Ok(or_unexpected(coercion, parameters.any()))
    }

    fn clear(&mut self) {
        *self = None;
    }

    fn is_present(&self) -> bool {
        self.is_some()
    }

    fn write(&self, spec: &KeySpec, writer: &mut dyn Writer) -> Result<(), WriteError> {
        self.map_or(Ok(()), |value| writer.flag(spec.wire, value))
    }

    fn into_owned(self) -> Self {
        self
    }

    fn is_false(&self) -> bool {
        *self == Some(false)
    }
}

/// The string of an item; tokens, and numbers that stand for identifiers, are taken as strings.
fn text(item: BareItem<'_>) -> Result<(Cow<'_, str>, Option<Problem>), Problem> {
    match item {
        BareItem::Text(text) => Ok((text, None)),
        BareItem::Token(text) => Ok((text, Some(Problem::WrongType))),
        BareItem::Integer(value) => Ok((value.to_string().into(), Some(Problem::WrongType))),
        _ => Err(Problem::WrongType),
    }
}

/// Cuts `text` to at most `limit` characters and says whether it did.
pub(super) fn cut(text: &mut Cow<'_, str>, limit: usize) -> bool {
    // Bytes are never fewer than characters, so the common case needs no walk.
    if text.len() <= limit {
        return false;
    }
    let Some((end, _)) = text.char_indices().nth(limit) else { return false };
    match text {
        Cow::Borrowed(text) => *text = &text[..end],
        Cow::Owned(text) => text.truncate(end),
    }
    true
}

impl<'a> Field<'a> for Option<Cow<'a, str>> {
    const VALUE_TYPE: ValueType = ValueType::Text;
    type Owned = Option<Cow<'static, str>>;

    #[inline]
    fn take(&mut self, item: BareItem<'a>, parameters: &mut ItemParameters<'a>, spec: &KeySpec) -> ReadResult {
        let (mut text, mut coercion) = text(item)?;
        if spec.max_characters > 0 && cut(&mut text, spec.max_characters.into()) {
            coercion = Some(Problem::TooLong);
        }
        *self = Some(text);
        Ok(or_unexpected(coercion, parameters.any()))
    }

    fn clear(&mut self) {
        *self = None;
    }

    fn is_present(&self) -> bool {
        self.is_some()
    }

    fn write(&self, spec: &KeySpec, writer: &mut dyn Writer) -> Result<(), WriteError> {
        self.as_ref().map_or(Ok(()), |text| writer.text(spec.wire, text))
    }

    fn into_owned(self) -> Self::Owned {
        self.map(|text| Cow::Owned(text.into_owned()))
    }
}

/// Every token type reads and writes alike.
macro_rules! token_field {
    ($($token:ty),*) => {$(
        impl<'a> Field<'a> for Option<$token> {
            const VALUE_TYPE: ValueType = ValueType::Token;
            type Owned = Self;

            #[inline]
            fn take(&mut self, item: BareItem<'a>, parameters: &mut ItemParameters<'a>, _: &KeySpec) -> ReadResult {
                let (text, coercion) = match &item {
                    BareItem::Token(text) => (text, None),
                    BareItem::Text(text) => (text, Some(Problem::WrongType)),
                    _ => return Err(Problem::WrongType),
                };
                *self = Some(<$token>::from_wire(text).ok_or(Problem::UnknownToken)?);
                Ok(or_unexpected(coercion, parameters.any()))
            }

            fn clear(&mut self) {
                *self = None;
            }

            fn is_present(&self) -> bool {
                self.is_some()
            }

            fn write(&self, spec: &KeySpec, writer: &mut dyn Writer) -> Result<(), WriteError> {
                self.map_or(Ok(()), |value| writer.token(spec.wire, value.as_wire()))
            }

            fn into_owned(self) -> Self {
                self
            }
        }
    )*};
}

token_field!(EventType, ObjectType, PlayerState, StreamType, StreamingFormat);

impl<'a> Field<'a> for Version {
    const VALUE_TYPE: ValueType = ValueType::Integer;
    type Owned = Self;

    /// A version after 2 is read as version 2: keys it added are unknown, the others keep their meaning.
    fn take(&mut self, item: BareItem<'a>, parameters: &mut ItemParameters<'a>, spec: &KeySpec) -> ReadResult {
        let (number, coercion) = unsigned(&item, spec)?;
        let coercion = match number {
            0 => return Err(Problem::OutOfRange),
            1 => {
                *self = Self::V1;
                coercion
            }
            2 => {
                *self = Self::V2;
                coercion
            }
            _ => {
                *self = Self::V2;
                Some(Problem::OutOfRange)
            }
        };
        Ok(or_unexpected(coercion, parameters.any()))
    }

    fn clear(&mut self) {
        *self = Self::V1;
    }

    /// Version 1 is written by leaving the key out.
    fn is_present(&self) -> bool {
        *self != Self::V1
    }

    fn write(&self, spec: &KeySpec, writer: &mut dyn Writer) -> Result<(), WriteError> {
        writer.integer(spec.wire, self.number().into())
    }

    fn into_owned(self) -> Self {
        self
    }
}

impl<'a> Field<'a> for NextObjects<'a> {
    const VALUE_TYPE: ValueType = ValueType::Texts;
    type Owned = NextObjects<'static>;

    fn take(&mut self, item: BareItem<'a>, parameters: &mut ItemParameters<'a>, _: &KeySpec) -> ReadResult {
        if self.len() >= MAX_LIST_ITEMS {
            return Err(Problem::TooManyItems);
        }
        let (path, coercion) = text(item)?;
        let unexpected = parameters.unexpected || parameters.object_type.is_some();
        self.push(NextObject { path, range: parameters.range.take() });
        Ok(or_unexpected(coercion, unexpected))
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn is_present(&self) -> bool {
        !self.is_empty()
    }

    fn write(&self, spec: &KeySpec, writer: &mut dyn Writer) -> Result<(), WriteError> {
        let entries: Vec<_> = self.iter().map(|entry| (entry.path.as_ref(), entry.range.as_deref())).collect();
        writer.texts(spec.wire, &entries)
    }

    fn into_owned(self) -> Self::Owned {
        self.map(|entry| NextObject {
            path: Cow::Owned(entry.path.into_owned()),
            range: entry.range.map(|range| Cow::Owned(range.into_owned())),
        })
    }
}

impl<'a> Field<'a> for TextList<'a> {
    const VALUE_TYPE: ValueType = ValueType::Texts;
    type Owned = TextList<'static>;

    fn take(&mut self, item: BareItem<'a>, parameters: &mut ItemParameters<'a>, _: &KeySpec) -> ReadResult {
        if self.len() >= MAX_LIST_ITEMS {
            return Err(Problem::TooManyItems);
        }
        let (entry, coercion) = text(item)?;
        self.push(entry);
        Ok(or_unexpected(coercion, parameters.any()))
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn is_present(&self) -> bool {
        !self.is_empty()
    }

    fn write(&self, spec: &KeySpec, writer: &mut dyn Writer) -> Result<(), WriteError> {
        let entries: Vec<_> = self.iter().map(|entry| (entry.as_ref(), None)).collect();
        writer.texts(spec.wire, &entries)
    }

    fn into_owned(self) -> Self::Owned {
        self.map(|entry| Cow::Owned(entry.into_owned()))
    }
}

impl From<SyntaxError> for Problem {
    fn from(syntax: SyntaxError) -> Self {
        Self::Syntax(syntax)
    }
}
