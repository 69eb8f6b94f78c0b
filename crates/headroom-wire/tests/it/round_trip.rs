//! Reading undoes writing, in every form, for every key of the table.

use crate::records::{self, Style};
use headroom_wire::cmcd::{
    self, Cmcd, CustomValue, Header, Headers, Key, ParseSummary, Scope, Scratch, Version, parse_json, parse_query,
    parse_records,
};
use proptest::prelude::*;

const VERSIONS: [Version; 2] = [Version::V1, Version::V2];

fn any_style() -> impl Strategy<Value = Style> {
    (proptest::sample::select(&VERSIONS), any::<bool>()).prop_map(|(version, event)| {
        // Version 1 has no events.
        Style { event: event && version == Version::V2, ..Style::of(version) }
    })
}

fn any_text() -> impl Strategy<Value = String> {
    any_style().prop_flat_map(records::text)
}

proptest! {
    #[test]
    fn text_survives(text in any_text()) {
        let record = Cmcd::parse_strict(&text).map_err(|error| TestCaseError::fail(format!("{error} in {text}")))?;
        prop_assert_eq!(record.to_text().unwrap(), text.as_str());
        let tolerant = Cmcd::parse(&text).unwrap();
        prop_assert_eq!(&tolerant.cmcd, &record);
        prop_assert_eq!((tolerant.summary.coerced, tolerant.summary.dropped), (0, 0));
        prop_assert_eq!(record.clone().into_owned(), record);
    }

    #[test]
    fn the_query_argument_survives(text in any_text()) {
        let record = Cmcd::parse_strict(&text).unwrap();
        let query = format!("a=1&{}&b=2", record.to_query().unwrap());
        let mut scratch = Scratch::default();
        let parsed = parse_query(&query, &mut scratch).unwrap().unwrap();
        prop_assert_eq!(parsed.cmcd, record);
        prop_assert_eq!((parsed.summary.coerced, parsed.summary.dropped), (0, 0));
    }

    #[test]
    fn headers_survive(text in proptest::sample::select(&VERSIONS).prop_flat_map(|version| records::text(Style::of(version)))) {
        let record = Cmcd::parse_strict(&text).unwrap();
        let headers = record.to_headers().unwrap();
        let value = |wanted| headers.iter().find(|(header, _)| *header == wanted).map(|(_, value)| value.as_str());
        let headers = Headers {
            object: value(Header::Object),
            request: value(Header::Request),
            session: value(Header::Session),
            status: value(Header::Status),
        };
        prop_assert_eq!(Cmcd::parse_headers(headers).unwrap().cmcd, record);
    }

    #[test]
    fn json_survives(text in any_style().prop_flat_map(|style| records::text(Style { plain: true, ..style }))) {
        let record = Cmcd::parse_strict(&text).unwrap();
        let parsed = parse_json(record.to_json().unwrap().as_bytes()).unwrap();
        prop_assert_eq!(parsed.len(), 1);
        prop_assert_eq!(&parsed[0].cmcd, &record);
        prop_assert_eq!((parsed[0].summary.coerced, parsed[0].summary.dropped), (0, 0));
    }

    #[test]
    fn event_reports_survive(texts in proptest::collection::vec(any_text().prop_filter("not empty", |text| !text.is_empty()), 0..5)) {
        let records: Vec<_> = texts.iter().map(|text| Cmcd::parse_strict(text).unwrap()).collect();
        let body = cmcd::to_body(&records).unwrap();
        let read: Vec<_> = parse_records(body.as_bytes()).map(|record| record.parsed.unwrap().cmcd).collect();
        prop_assert_eq!(read, records);
    }
}

/// The shortest record with a key, in every version and form that has it.
#[test]
fn every_key_is_read_written_and_placed() {
    for &key in Key::ALL {
        let spec = key.spec();
        for version in VERSIONS.into_iter().filter(|version| spec.versions.includes(*version)) {
            let style = Style { event: spec.scope != Scope::Any, ..Style::of(version) };
            let texts = records::sample(records::members(style), 60);
            let member = texts.iter().find_map(|members| members.get(spec.wire));
            let Some(member) = member else {
                assert_eq!((key, version), (Key::Version, Version::V1));
                continue;
            };
            let text = match (version, key) {
                (Version::V2, Key::Version) | (Version::V1, _) => member.clone(),
                (Version::V2, _) if spec.wire > "v" => format!("v=2,{member}"),
                (Version::V2, _) => format!("{member},v=2"),
            };
            let record = Cmcd::parse_strict(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
            let empty = Cmcd { version: if key == Key::Version { Version::V1 } else { version }, ..Cmcd::default() };
            assert_ne!(record, empty, "{key:?} is read from {text}");
            assert_eq!(record.to_text().unwrap(), text);
            let headers = record.to_headers().unwrap();
            let placed =
                headers.iter().find(|(_, value)| value.split(',').any(|part| part.starts_with(member.as_str())));
            if !member.contains(',') {
                assert_eq!(placed.map(|(header, _)| *header), spec.header, "{text}");
            }
        }
    }
}

#[test]
fn the_table_is_sorted_and_found_by_name() {
    let names: Vec<_> = Key::ALL.iter().map(|key| key.wire()).collect();
    assert!(names.is_sorted());
    for &key in Key::ALL {
        assert_eq!(Key::from_wire(key.wire()), Some(key));
        assert_eq!(key.spec().wire, key.wire());
    }
    for name in ["", "x", "vv", "brr", "cmsddd", "\u{e9}", "B", "bR"] {
        assert_eq!(Key::from_wire(name), None, "{name}");
    }
    // 18 keys of version 1 (CTA-5004); 50 of version 2, all but `nrr`.
    let defined = |version| Key::ALL.iter().filter(|key| key.spec().versions.includes(version)).count();
    assert_eq!((defined(Version::V1), defined(Version::V2)), (18, 50));
}

#[test]
fn a_record_that_cannot_be_written_says_why() {
    let text = |value: &'static str| CustomValue::Text(value.into());
    let custom = |name: &'static str, value| Cmcd {
        custom: vec![cmcd::CustomKey { name: name.into(), value }],
        ..Cmcd::default()
    };
    let table = [
        (Cmcd { content_id: Some("a\r\nX: y".into()), ..Cmcd::default() }, "key `cid` holds a character outside"),
        (Cmcd { playback_rate: Some(f64::NAN), ..Cmcd::default() }, "key `pr` holds a value that this notation"),
        (Cmcd { playback_rate: Some(1e308), ..Cmcd::default() }, "key `pr` holds a value that this notation"),
        (
            Cmcd { timestamp: Some(u64::MAX), version: Version::V2, ..Cmcd::default() },
            "key `ts` holds a value that this notation",
        ),
        (custom("nohyphen", text("x")), "custom key `nohyphen` is not"),
        (custom("a-b=1,c", text("x")), "custom key `a-b=1,c` is not"),
        (custom("a-b", text("\n")), "key `a-b` holds a character outside"),
        (custom("a-b", CustomValue::Token("x y".into())), "key `a-b` holds a value that this notation"),
        (custom("a-b", CustomValue::List("(a".into())), "key `a-b` holds a value that this notation"),
        (custom("a-b", CustomValue::Integer(i64::MIN)), "key `a-b` holds a value that this notation"),
    ];
    for (record, expected) in table {
        let error = record.to_text().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn the_largest_numbers_stay_in_range() {
    let record = Cmcd { deadline: Some(u32::MAX), ..Cmcd::default() };
    let text = record.to_text().unwrap();
    assert_eq!(text, "dl=4294967200");
    assert_eq!(Cmcd::parse(&text).unwrap().summary, ParseSummary { kept: 1, ..ParseSummary::default() });
}
