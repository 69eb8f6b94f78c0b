//! Agreement with the reference implementations `@svta/cml-cmcd` and `@svta/common-media-library`, both ways: what we
//! write they read, what they write we read, and from the same data both write the same bytes.

use crate::environment::reference_answers;
use crate::records::{self, Style, join, sample};
use headroom_wire::cmcd::{self, Cmcd, Headers, Mode, Scratch, Severity, Version, parse_json, parse_query};
use headroom_wire::{cmsd, steering};
use proptest::prelude::*;
use serde_json::{Value, json};

const CASES: usize = 150;

fn record(text: &str) -> Cmcd<'static> {
    Cmcd::parse_strict(text).unwrap_or_else(|error| panic!("{error} in {text}")).into_owned()
}

fn as_json(record: &Cmcd<'_>) -> Value {
    serde_json::from_str(&record.to_json().unwrap()).unwrap()
}

/// JSON values with numbers compared as JavaScript does, which has one number type.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

/// Texts of both versions, of requests and of events, without custom tokens, which JSON has no form for.
fn texts() -> Vec<String> {
    let style = |version, event| Style { event, plain: true, ..Style::of(version) };
    [style(Version::V1, false), style(Version::V2, false), style(Version::V2, true)]
        .into_iter()
        .flat_map(|style| sample(records::text(style), CASES))
        .collect()
}

#[test]
fn what_we_write_they_read() {
    let texts = texts();
    let jobs: Vec<_> = texts
        .iter()
        .flat_map(|text| {
            let record = record(text);
            let headers: serde_json::Map<_, _> = record
                .to_headers()
                .unwrap()
                .into_iter()
                .map(|(header, value)| (header.name().to_owned(), value.into()))
                .collect();
            [
                json!({"op": "decode", "text": record.to_text().unwrap()}),
                json!({"op": "decodeQuery", "query": record.to_query().unwrap()}),
                json!({"op": "decodeHeaders", "headers": headers}),
            ]
        })
        .collect();
    let Some(answers) = reference_answers(&jobs) else { return };
    for (text, answers) in texts.iter().zip(answers.chunks(3)) {
        let record = record(text);
        let whole = as_json(&record);
        assert!(same(&answers[0], &whole), "{text}\n{}\n{whole}", answers[0]);
        assert!(same(&answers[1], &whole), "{text}\n{}\n{whole}", answers[1]);
        if record.event.is_none() {
            assert!(same(&answers[2], &whole), "{text}\n{}\n{whole}", answers[2]);
        }
    }
}

/// Data as an application gives it, not yet rounded. The reference rounds the keys of its own list.
fn unrounded(record: &Cmcd<'_>, offset: i64) -> Value {
    let shift = |value: &mut Value| {
        let number = if value.is_object() { value.get_mut("value") } else { Some(value) };
        if let Some(number) = number
            && let Some(whole) = number.as_i64().filter(|whole| *whole >= 100)
        {
            *number = Value::from(whole + offset);
        }
    };
    let mut data = as_json(record);
    for key in ["bl", "dl", "mtp", "rtp"] {
        match data.get_mut(key) {
            Some(Value::Array(entries)) => entries.iter_mut().for_each(shift),
            Some(value) => shift(value),
            None => {}
        }
    }
    data
}

#[test]
fn what_they_write_we_write_too_and_read() {
    let cases: Vec<(Style, u8, &str)> = vec![
        (Style { plain: true, single: true, ..Style::of(Version::V2) }, 1, "request"),
        (Style { plain: true, ..Style::of(Version::V2) }, 2, "request"),
        (Style { plain: true, event: true, ..Style::of(Version::V2) }, 2, "event"),
    ];
    let mut wanted = Vec::new();
    let mut jobs = Vec::new();
    for (style, version, mode) in cases {
        // The reference adds the time of day where `ts` is missing.
        let members =
            records::members(style).prop_filter("has ts", move |members| !style.event || members.contains_key("ts"));
        for (members, offset) in sample((members, -50..50_i64), CASES) {
            let data = unrounded(&record(&join(members)), offset);
            let mut ours = parse_json(data.to_string().as_bytes()).unwrap().remove(0).cmcd;
            ours.version = if version == 1 { Version::V1 } else { Version::V2 };
            wanted.push(ours);
            jobs.push(json!({"op": "encode", "data": data, "version": version, "mode": mode}));
        }
    }
    let Some(answers) = reference_answers(&jobs) else { return };
    for ((ours, job), answer) in wanted.iter().zip(&jobs).zip(&answers) {
        let text = answer["text"].as_str().unwrap_or_else(|| panic!("{job}\n{answer}"));
        assert_eq!(ours.to_text().unwrap(), text, "{job}");
        let read = record(text);
        assert_eq!(read.to_text().unwrap(), text, "{job}");
        let mut scratch = Scratch::default();
        let query = answer["query"].as_str().unwrap();
        if !text.is_empty() {
            assert_eq!(ours.to_query().unwrap(), query, "{job}");
            assert_eq!(parse_query(query, &mut scratch).unwrap().unwrap().cmcd, read, "{job}");
        }
        if job["mode"] == "request" {
            let header = |name: &str| answer["headers"].get(name).and_then(Value::as_str);
            let headers = Headers {
                object: header("CMCD-Object"),
                request: header("CMCD-Request"),
                session: header("CMCD-Session"),
                status: header("CMCD-Status"),
            };
            assert_eq!(Cmcd::parse_headers(headers).unwrap().cmcd, read, "{job}");
            for (header, value) in ours.to_headers().unwrap() {
                assert_eq!(answer["headers"][header.name()], Value::from(value), "{job}");
            }
        }
    }
}

#[test]
fn json_of_version_1_is_the_same() {
    // The older library rounds values as numbers only, so lists stay plain.
    let texts = sample(records::text(Style { plain: true, ..Style::of(Version::V1) }), CASES);
    let data: Vec<_> = texts
        .iter()
        .map(|text| {
            let mut data = as_json(&record(text));
            // It percent-encodes on its own.
            let path = record(text).next_objects.first().map(|next| next.path.to_string());
            if let Some(path) = path {
                data["nor"] = path.into();
            }
            data
        })
        .collect();
    let jobs: Vec<_> = data.iter().map(|data| json!({"op": "encodeJson", "data": data})).collect();
    let Some(answers) = reference_answers(&jobs) else { return };
    for (text, answer) in texts.iter().zip(&answers) {
        let body = answer["text"].as_str().unwrap_or_else(|| panic!("{text}\n{answer}"));
        let parsed = parse_json(body.as_bytes()).unwrap().remove(0);
        let ours = record(text);
        // An empty string is as good as none to the library.
        let mut expected = as_json(&ours);
        expected.as_object_mut().unwrap().retain(|_, value| *value != "");
        assert!(same(&as_json(&parsed.cmcd), &expected), "{text}\n{body}");
        assert_eq!((parsed.summary.coerced, parsed.summary.dropped), (0, 0), "{body}");
    }
}

/// Records with keys, shapes and versions mixed at random, so that most break some rule.
fn mixed() -> impl Strategy<Value = String> {
    let style = |version, event| Style { event, plain: true, ..Style::of(version) };
    let members = |version, event| records::members(style(version, event));
    (members(Version::V1, false), members(Version::V2, true), any::<[bool; 4]>(), 0..6_usize).prop_map(
        |(first, second, [versioned, evented, timed, mix], take)| {
            let mut record = if mix { first } else { records::Members::new() };
            record.extend(second.into_iter().filter(|(name, _)| mix || !matches!(name.as_str(), "x")).take(take * 6));
            record.remove("v");
            record.remove("e");
            // Only we say that version 2 has no `nrr`.
            record.remove("nrr");
            if versioned {
                record.insert("v".into(), "v=2".into());
            }
            if evented {
                record.insert("e".into(), ["e=rr", "e=ps", "e=t", "e=ce", "e=bc", "e=e"][take].into());
            }
            if timed {
                record.insert("ts".into(), "ts=1".into());
            }
            // Values of the standard that the reference does not list.
            record.retain(|_, member| !matches!(member.as_str(), "sf=e" | "e=h"));
            join(record)
        },
    )
}

#[test]
fn we_call_the_same_records_valid() {
    let texts = sample(mixed(), 3 * CASES);
    let modes = [(Mode::Request, "request"), (Mode::Event, "event")];
    let jobs: Vec<_> = texts
        .iter()
        .flat_map(|text| modes.map(|(_, mode)| json!({"op": "validate", "text": text, "mode": mode})))
        .collect();
    let Some(answers) = reference_answers(&jobs) else { return };
    let mut valid = 0;
    for (text, answers) in texts.iter().zip(answers.chunks(2)) {
        for ((mode, _), theirs) in modes.into_iter().zip(answers) {
            let findings = cmcd::validate(text, mode).unwrap();
            let ours = findings.iter().all(|finding| finding.severity() == Severity::Warning);
            assert_eq!(Value::from(ours), *theirs, "{mode:?} {text}\n{findings:#?}");
            valid += usize::from(ours);
        }
    }
    assert!(valid > 15 && valid < jobs.len() - 15, "{valid} of {} are valid: the mix shows nothing", jobs.len());
}

/// Hops with everything a hop can say.
fn hop() -> impl Strategy<Value = cmsd::Hop<'static>> {
    let number = || proptest::option::of(0..=u32::MAX);
    let custom = proptest::collection::vec(("[a-z]{1,4}-[a-z]{1,4}", "[ -~]{0,20}"), 0..2);
    ("[ -~]{0,20}", any::<bool>(), number(), number(), number(), number(), custom).prop_map(
        |(server, duress, throughput, bitrate, delay, trip, mut custom)| {
            custom.dedup_by(|left, right| left.0 == right.0);
            cmsd::Hop {
                server: server.into(),
                duress,
                estimated_throughput: throughput,
                maximum_suggested_bitrate: bitrate,
                response_delay: delay,
                round_trip_time: trip,
                custom: custom
                    .into_iter()
                    .map(|(name, value)| cmsd::CustomKey {
                        name: name.into(),
                        value: cmsd::CustomValue::Text(value.into()),
                    })
                    .collect(),
            }
        },
    )
}

fn hop_as_json(hop: &cmsd::Hop<'_>) -> Value {
    let mut params = serde_json::Map::new();
    if hop.duress {
        params.insert("du".into(), true.into());
    }
    let numbers = [
        ("etp", hop.estimated_throughput),
        ("mb", hop.maximum_suggested_bitrate),
        ("rd", hop.response_delay),
        ("rtt", hop.round_trip_time),
    ];
    for (key, value) in numbers {
        if let Some(value) = value {
            params.insert(key.into(), value.into());
        }
    }
    for custom in &hop.custom {
        if let cmsd::CustomValue::Text(text) = &custom.value {
            params.insert(custom.name.to_string(), text.as_ref().into());
        }
    }
    if params.is_empty() { json!({"value": hop.server}) } else { json!({"value": hop.server, "params": params}) }
}

#[test]
fn hops_agree() {
    let lists = sample(proptest::collection::vec(hop(), 1..4), CASES);
    let written: Vec<_> = lists
        .iter()
        .map(|hops| hops.iter().fold(String::new(), |line, hop| cmsd::append([line.as_str()], hop).unwrap().value))
        .collect();
    let jobs: Vec<_> = lists
        .iter()
        .zip(&written)
        .flat_map(|(hops, text)| {
            let data: Vec<_> = hops.iter().map(hop_as_json).collect();
            [json!({"op": "decodeDynamic", "text": text}), json!({"op": "encodeDynamic", "data": data})]
        })
        .collect();
    let Some(answers) = reference_answers(&jobs) else { return };
    for ((hops, text), answers) in lists.iter().zip(&written).zip(answers.chunks(2)) {
        let expected = Value::from(hops.iter().map(hop_as_json).collect::<Vec<_>>());
        assert!(same(&answers[0], &expected), "{text}\n{}", answers[0]);
        let theirs = answers[1].as_str().unwrap_or_else(|| panic!("{}", answers[1]));
        assert_eq!(&cmsd::parse_dynamic(theirs).unwrap(), hops, "{theirs}");
        assert_eq!(&cmsd::parse_dynamic(text).unwrap(), hops, "{text}");
    }
}

#[test]
fn static_headers_agree() {
    let texts = [
        "at=1795368179868,br=3000,d=2000,ht=120,n=\"Origin-1\",nor=\"..%2Fnext.m4s\",nrr=\"0-99\",ot=v,sf=h,st=l,su,v=2",
        "br=64,ot=a",
        "com.example-k=\"v\"",
        "su",
    ];
    let jobs: Vec<_> = texts.iter().map(|text| json!({"op": "decodeStatic", "text": text})).collect();
    let Some(decoded) = reference_answers(&jobs) else { return };
    let jobs: Vec<_> = decoded.iter().map(|data| json!({"op": "encodeStatic", "data": data})).collect();
    let Some(encoded) = reference_answers(&jobs) else { return };
    for ((text, data), answer) in texts.iter().zip(&decoded).zip(&encoded) {
        let ours = cmsd::Static::parse(text).unwrap();
        assert_eq!(ours.to_text().unwrap(), *text);
        assert_eq!(answer, text, "{data}");
        assert_eq!(data.get("br").and_then(Value::as_u64), ours.encoded_bitrate.map(u64::from));
        assert_eq!(data.get("n").and_then(Value::as_str), ours.intermediary.as_deref());
        assert_eq!(data.get("ot").and_then(Value::as_str), ours.object_type.map(cmsd::ObjectType::as_wire));
    }
}

#[test]
fn steering_manifests_agree() {
    // Both call these good or bad; where the standard says more than the library checks, only we do.
    let bodies = [
        r#"{"VERSION":1,"TTL":4,"PATHWAY-PRIORITY":["A","B"]}"#,
        r#"{"VERSION":1,"TTL":4,"PATHWAY-PRIORITY":["A"],"PATHWAY-CLONES":[{"BASE-ID":"A","ID":"B","URI-REPLACEMENT":{"HOST":"x"}}]}"#,
        r#"{"VERSION":2,"TTL":4,"PATHWAY-PRIORITY":["A"]}"#,
        r#"{"VERSION":1,"TTL":0,"PATHWAY-PRIORITY":["A"]}"#,
        r#"{"VERSION":1,"TTL":4,"PATHWAY-PRIORITY":[]}"#,
        r#"{"VERSION":1,"TTL":4,"PATHWAY-PRIORITY":["A","A"]}"#,
        r#"{"VERSION":1,"TTL":4}"#,
        r#"{"VERSION":1,"TTL":4,"PATHWAY-PRIORITY":["A"],"PATHWAY-CLONES":[{"ID":"B"}]}"#,
    ];
    let jobs: Vec<_> = bodies
        .iter()
        .map(|body| json!({"op": "steering", "data": serde_json::from_str::<Value>(body).unwrap()}))
        .collect();
    let Some(answers) = reference_answers(&jobs) else { return };
    for (body, theirs) in bodies.iter().zip(&answers) {
        let ours = steering::Manifest::parse(body.as_bytes());
        assert_eq!(Value::from(ours.is_ok()), *theirs, "{body}: {ours:?}");
        if let Ok(manifest) = ours {
            assert_eq!(manifest.to_json().unwrap(), *body);
        }
    }
}
