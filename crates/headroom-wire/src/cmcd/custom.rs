//! Keys of the application: a hyphenated name and any structured field value.

use crate::structured::{self, BareItem};
use std::borrow::Cow;

/// CTA-5004-B "Custom keys": the longest string or token value, in characters.
pub const MAX_CUSTOM_CHARACTERS: usize = 64;

/// A key the standard does not define. Its name carries a hyphen, by advice as a reverse domain name: `com.example-key`.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomKey<'a> {
    /// The whole name on the wire.
    pub name: Cow<'a, str>,
    /// What the application says under that name.
    pub value: CustomValue<'a>,
}

/// Value of a [`CustomKey`].
#[derive(Debug, Clone, PartialEq)]
pub enum CustomValue<'a> {
    /// True when the key stands alone.
    Flag(bool),
    /// An integer of at most 15 digits.
    Integer(i64),
    /// A decimal with at most 3 fraction digits.
    Decimal(f64),
    /// A string of printable ASCII.
    Text(Cow<'a, str>),
    /// A structured field token (RFC 9651 §3.3.4).
    Token(Cow<'a, str>),
    /// An inner list, as the text that was sent.
    List(Cow<'a, str>),
}

impl CustomKey<'_> {
    /// The same key with nothing borrowed.
    pub fn into_owned(self) -> CustomKey<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        CustomKey {
            name: own(self.name),
            value: match self.value {
                CustomValue::Flag(value) => CustomValue::Flag(value),
                CustomValue::Integer(value) => CustomValue::Integer(value),
                CustomValue::Decimal(value) => CustomValue::Decimal(value),
                CustomValue::Text(value) => CustomValue::Text(own(value)),
                CustomValue::Token(value) => CustomValue::Token(own(value)),
                CustomValue::List(value) => CustomValue::List(own(value)),
            },
        }
    }
}

impl<'a> CustomValue<'a> {
    /// `None` for the types a CMCD value cannot have.
    pub(crate) fn from_item(item: BareItem<'a>) -> Option<Self> {
        Some(match item {
            BareItem::Flag(value) => Self::Flag(value),
            BareItem::Integer(value) => Self::Integer(value),
            BareItem::Decimal(value) => Self::Decimal(value),
            BareItem::Text(value) => Self::Text(value),
            BareItem::Token(value) => Self::Token(value),
            BareItem::Other => return None,
        })
    }
}

/// Whether `name` is one that an application may define: a hyphen with something on both sides.
pub fn is_custom_name(name: &str) -> bool {
    name.split_once('-').is_some_and(|(prefix, rest)| !prefix.is_empty() && !rest.is_empty())
}

/// Whether `name` may also be written: RFC 9651 keys have no upper-case letters.
pub(crate) fn is_writable_name(name: &str) -> bool {
    let mut cursor = structured::Cursor::new(name, structured::Leniency::Strict);
    is_custom_name(name) && cursor.key() == Ok(name)
}
