//! Random records, made from the crate's own key table but written by hand: canonical text, so that reading and writing
//! can be held against it byte for byte.

use headroom_wire::cmcd::{
    EventType, Key, ObjectType, PlayerState, Scope, StreamType, StreamingFormat, Unit, ValueType, Version, VersionRange,
};
use proptest::prelude::*;
use proptest::strategy::{BoxedStrategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;

/// What the random records are to be like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) version: Version,
    /// With the keys of `response received` events, of which `e` then is the name.
    pub(crate) event: bool,
    /// Only what JavaScript can tell apart and the reference writes: no false, no empty string, no whole decimal, and
    /// under custom keys only strings, with names of letters, digits, dots and hyphens.
    pub(crate) plain: bool,
    /// Lists have one entry without a type, as version 1 can say.
    pub(crate) single: bool,
}

impl Style {
    pub(crate) fn of(version: Version) -> Self {
        Self { version, event: false, plain: false, single: version == Version::V1 }
    }
}

/// Members by name.
pub(crate) type Members = BTreeMap<String, String>;

/// Members of a canonical record.
pub(crate) fn members(style: Style) -> impl Strategy<Value = Members> {
    let defined = Key::ALL.iter().copied().filter(move |key| {
        let spec = key.spec();
        spec.versions.includes(style.version) && (style.event || spec.scope == Scope::Any)
    });
    let reserved: Vec<BoxedStrategy<Option<String>>> = defined
        .map(|key| {
            if let Some(value) = fixed(key, style) {
                return Just(value).boxed();
            }
            proptest::option::weighted(0.35, value(key, style)).boxed()
        })
        .collect();
    let name =
        if style.plain { "[a-z][a-z0-9.]{0,6}-[a-z0-9.-]{1,6}" } else { "[a-z][a-z0-9.]{0,6}-[a-z0-9_*.-]{1,6}" };
    let custom = proptest::collection::btree_map(name, custom_value(style.plain), 0..3);
    (reserved, custom).prop_map(|(reserved, custom)| {
        let custom =
            custom.into_iter().map(|(name, value)| if value.is_empty() { name } else { format!("{name}={value}") });
        let members = reserved.into_iter().flatten().chain(custom);
        members.map(|member| (member.split('=').next().unwrap_or_default().to_owned(), member)).collect()
    })
}

/// The text of a canonical record.
pub(crate) fn text(style: Style) -> impl Strategy<Value = String> {
    members(style).prop_map(join)
}

pub(crate) fn join(members: Members) -> String {
    members.into_values().collect::<Vec<_>>().join(",")
}

/// The same `count` values in every run.
pub(crate) fn sample<T>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("the strategy makes values").current()).collect()
}

/// Keys that are not left to chance.
fn fixed(key: Key, style: Style) -> Option<Option<String>> {
    match key {
        Key::Version if style.version == Version::V2 => Some(Some(String::from("v=2"))),
        Key::Version => Some(None),
        Key::Event if style.event => Some(Some(String::from("e=rr"))),
        Key::CustomEventName if style.plain => Some(None),
        _ => None,
    }
}

fn value(key: Key, style: Style) -> BoxedStrategy<String> {
    let spec = key.spec();
    let wire = spec.wire;
    let step = spec.round_to;
    let typed = !style.single;
    let shortest = usize::from(style.plain);
    let whole = (0..=9_999_999_u32).prop_map(move |value| value / step * step);
    match spec.value_type {
        ValueType::Numbers if typed => {
            let object_type = proptest::option::of(proptest::sample::select(ObjectType::ALL));
            let entry = (whole, object_type).prop_map(|(value, kind)| match kind {
                Some(kind) => format!("{value};{}", kind.as_wire()),
                None => value.to_string(),
            });
            proptest::collection::vec(entry, 1..6).prop_map(move |list| format!("{wire}=({})", list.join(" "))).boxed()
        }
        ValueType::Numbers if style.version == Version::V2 => {
            whole.prop_map(move |value| format!("{wire}=({value})")).boxed()
        }
        ValueType::Numbers => whole.prop_map(move |value| format!("{wire}={value}")).boxed(),
        ValueType::Texts if style.version == Version::V2 => {
            let range = proptest::option::of("[0-9]{1,3}-[0-9]{0,3}");
            let range = if key == Key::NextObjects { range.boxed() } else { Just(None).boxed() };
            let entry = (string(shortest, 20), range).prop_map(|(text, range)| match range {
                Some(range) => format!("{text};r=\"{range}\""),
                None => text,
            });
            let count = if typed { 1..4 } else { 1..2 };
            proptest::collection::vec(entry, count).prop_map(move |list| format!("{wire}=({})", list.join(" "))).boxed()
        }
        ValueType::Texts => (if style.plain { "[ -~]{1,20}" } else { "[ -~]{0,20}" })
            .prop_map(move |path| format!("{wire}=\"{}\"", encode_uri_component(&path)))
            .boxed(),
        ValueType::Integer if key == Key::LiveLatency => {
            any::<i32>().prop_map(move |value| format!("{wire}={value}")).boxed()
        }
        ValueType::Integer if spec.unit == Unit::EpochMilliseconds || key == Key::PlayheadTime => {
            (0..=999_999_999_999_999_u64).prop_map(move |value| format!("{wire}={value}")).boxed()
        }
        ValueType::Integer => whole.prop_map(move |value| format!("{wire}={value}")).boxed(),
        ValueType::Decimal => {
            let fraction = i64::from(style.plain);
            (-99_000..=99_000_i64, fraction..=999)
                .prop_map(move |(whole, fraction)| decimal(wire, whole, fraction))
                .boxed()
        }
        ValueType::Flag if style.plain => Just(wire.to_owned()).boxed(),
        ValueType::Flag => prop_oneof![Just(wire.to_owned()), Just(format!("{wire}=?0"))].boxed(),
        ValueType::Text if spec.versions == VersionRange::V1 => {
            "[0-9]{1,3}-[0-9]{0,3}".prop_map(move |range| format!("{wire}=\"{range}\"")).boxed()
        }
        ValueType::Text => string(shortest, usize::from(spec.max_characters).clamp(8, 64))
            .prop_map(move |text| format!("{wire}={text}"))
            .boxed(),
        ValueType::Token => {
            proptest::sample::select(tokens(key)).prop_map(move |token| format!("{wire}={token}")).boxed()
        }
    }
}

/// As `JSON.stringify` and RFC 9651 both write it: no trailing zeros, at least one fraction digit.
fn decimal(wire: &str, whole: i64, fraction: i64) -> String {
    let digits = format!("{fraction:03}");
    let digits = digits.trim_end_matches('0');
    format!("{wire}={whole}.{}", if digits.is_empty() { "0" } else { digits })
}

/// A quoted string of printable ASCII.
fn string(shortest: usize, longest: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[ -~]{{{shortest},{longest}}}"))
        .expect("the expression is right")
        .prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// What follows the name of a custom key; empty for true.
fn custom_value(plain: bool) -> BoxedStrategy<String> {
    if plain {
        return string(usize::from(plain), 64).boxed();
    }
    prop_oneof![
        Just(String::new()),
        Just(String::from("?0")),
        string(usize::from(plain), 64),
        "[a-zA-Z*][a-zA-Z0-9:/!#$&'*+.^_`|~-]{0,20}",
        (-999_999_999_999_999..=999_999_999_999_999_i64).prop_map(|value| value.to_string()),
        (0..=99_000_i64, 0..=999_i64).prop_map(|(whole, fraction)| decimal("", whole, fraction)[1..].to_owned()),
        Just(String::from("(a \"b\";c=1 2.5)")),
    ]
    .boxed()
}

fn tokens(key: Key) -> Vec<&'static str> {
    match key {
        Key::ObjectType => ObjectType::ALL.iter().map(|token| token.as_wire()).collect(),
        Key::StreamingFormat => StreamingFormat::ALL.iter().map(|token| token.as_wire()).collect(),
        Key::StreamType => StreamType::ALL.iter().map(|token| token.as_wire()).collect(),
        Key::PlayerState => PlayerState::ALL.iter().map(|token| token.as_wire()).collect(),
        Key::Event => EventType::ALL.iter().map(|token| token.as_wire()).collect(),
        other => unreachable!("{other:?} is no token"),
    }
}

fn encode_uri_component(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.!~*'()".contains(character);
    text.chars()
        .map(|character| if plain(character) { character.to_string() } else { format!("%{:02X}", character as u32) })
        .collect()
}
