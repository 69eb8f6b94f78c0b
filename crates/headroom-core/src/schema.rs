//! JSON Schemas of quantities and identifiers as the HTTP interface writes them (feature `schema`).
//!
//! Structures derive theirs; here are the types whose text on the wire is not their shape in memory.

use crate::{
    audience::{Aspect, Aspects, AuthorId, Command},
    ladder::{Ladder, Rung},
    telemetry::{SessionId, StreamId},
    time::{Duration, Timestamp},
    units::{Bitrate, Mos, Ratio},
};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ArrayBuilder, ObjectBuilder, Schema, Type},
    },
};

/// Numbers: type, JSON type, meaning with its unit, smallest, largest.
macro_rules! numbers {
    ($($name:ident $kind:ident $about:literal $least:literal $most:expr;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let most: Option<f64> = $most;
                let number = ObjectBuilder::new().schema_type(Type::$kind).description(Some($about));
                number.minimum(Some($least)).maximum(most).into()
            }
        }
        named!($name);
    )*};
}

/// Texts: type, meaning.
macro_rules! texts {
    ($($name:ident $about:literal;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).description(Some($about)).into()
            }
        }
        named!($name);
    )*};
}

macro_rules! named {
    ($name:ident) => {
        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

numbers! {
    Bitrate Number "Kilobits per second." 0.0 Some(1e9);
    Duration Number "Milliseconds." 0.0 None;
    Timestamp Integer "Microseconds since the Unix epoch." 0.0 None;
    Ratio Number "A share of a whole." 0.0 Some(1.0);
    Mos Number "Mean opinion score (ITU-T P.800): 1 bad, 5 excellent." 1.0 Some(5.0);
}

texts! {
    SessionId "Keyed hash of a session, 16 hexadecimal digits.";
    StreamId "Keyed hash of a stream, 16 hexadecimal digits.";
    AuthorId "Keyed hash of an author, 16 hexadecimal digits.";
    Command "`lower_quality`, `raise_quality`, `set_quality=720p`, `set_quality=auto`, `lower_latency`, `more_buffer` or `status`.";
}

/// Lists: type, type of an item, meaning.
macro_rules! lists {
    ($($name:ident of $item:ident $about:literal;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ArrayBuilder::new().items($item::schema()).description(Some($about)).into()
            }
        }
        named!($name);
    )*};
}

lists! {
    Ladder of Rung "Encodings of a stream, the smallest first.";
    Aspects of Aspect "Parts of the delivery that a message names.";
}
