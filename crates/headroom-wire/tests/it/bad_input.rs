//! Hostile and broken input: an error or a counted coercion, never a panic, and work that is linear in the input.

use headroom_wire::cmcd::{
    self, Cmcd, MAX_BODY_BYTES, MAX_MEMBERS, MAX_RECORD_BYTES, MAX_RECORDS, Mode, ParseError, Problem, Scratch,
    parse_json, parse_query, parse_records,
};
use headroom_wire::playlist::{Ladder, cap};
use headroom_wire::steering::{Manifest, Report};
use headroom_wire::{SyntaxError, cmsd};
use proptest::prelude::*;

/// Every way in, one after the other.
fn read_all(bytes: &[u8]) {
    for record in parse_records(bytes) {
        if let Ok(parsed) = record.parsed {
            // What could be read can be written again and then stays the same, unless the standard has no form for it.
            if let Ok(text) = parsed.cmcd.to_text() {
                let again = Cmcd::parse_strict(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
                assert_eq!(again.to_text().as_deref(), Ok(text.as_str()));
            }
            let _ = (parsed.cmcd.to_json(), parsed.cmcd.to_headers());
        }
    }
    let _ = parse_json(bytes);
    let _ = Manifest::parse(bytes);
    let text = String::from_utf8_lossy(bytes);
    let mut scratch = Scratch::default();
    let _ = parse_query(&text, &mut scratch);
    let _ = parse_query(&format!("CMCD={text}"), &mut scratch);
    for mode in [Mode::Request, Mode::Event] {
        let _ = cmcd::validate(&text, mode);
    }
    let _ = Report::parse(&format!("_DASH_pathway={text}&_DASH_throughput={text}"));
    if let Ok(hops) = cmsd::parse_dynamic(&text) {
        for hop in hops {
            let written = hop.to_text().unwrap();
            assert_eq!(cmsd::parse_dynamic(&written).unwrap(), [hop]);
        }
    }
    let ours = cmsd::Hop { server: "us".into(), ..cmsd::Hop::default() };
    let appended = cmsd::append([text.as_ref()], &ours).unwrap().value;
    assert!(!appended.contains(['\r', '\n']), "{appended:?}");
    let _ = cmsd::Static::parse(&text);
    let _ = Ladder::parse(&text);
    let capped = cap(&text, 1_000_000);
    assert!(capped.text.len() <= text.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }

    #[test]
    fn arbitrary_near_misses_never_panic(
        scraps in proptest::collection::vec(proptest::sample::select(vec![
            "br=", "bl=(", "nor=(\"", "sid=\"", "v=2", ",", ";", ";v", ";r=", "\"", "\\", "(", ")", " ", "=", "?0", "1", "-1", "1.5",
            "99999999999999999999", "NaN", "%", "%22", "%ff", "+", "&", "CMCD=", "\n", "\r\n", "{", "}", "[", "]", ":", "\"br\":",
            "{\"value\":1,\"params\":{\"v\":true}}", "#EXTM3U\n", "#EXT-X-STREAM-INF:BANDWIDTH=9\n", "a.m3u8\n", "<MPD>", "<Representation ",
            "bandwidth=\"9\"", "/>", "\u{e9}", "a-b=", "e=rr", "nrr=\"0-\"", "ot=v",
        ]), 0..40),
    ) {
        read_all(scraps.concat().as_bytes());
    }
}

/// Texts of the largest size that a careless parser takes quadratic time or deep recursion for.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test of time measures time")]
fn work_is_linear_in_the_input() {
    let fill = |pattern: &str| pattern.repeat(MAX_RECORD_BYTES / pattern.len());
    let patterns = [
        "\"",
        "a=\"",
        "a=\"\\",
        "(",
        "a=(",
        "a=(1 ",
        "bsd=(1 ",
        "a;",
        "a;b",
        "a-b,",
        "x-1=\"",
        ",",
        "=",
        " ",
        "\t,",
        "9",
        "-",
        "?",
        ":",
        "@",
        "\\\"",
        "{",
        "[",
        "{\"a\":",
        "<",
        "<MPD ",
        "<Period>",
        "&",
        "%",
        "%2",
        "#EXT-X-STREAM-INF:A=\"",
        "#EXTM3U\n",
        "\n",
    ];
    let start = std::time::Instant::now();
    for pattern in patterns {
        read_all(fill(pattern).as_bytes());
        read_all(format!("#EXTM3U\n#EXT-X-STREAM-INF:{}", fill(pattern)).as_bytes());
        read_all(format!("<MPD>{}", fill(pattern)).as_bytes());
    }
    // Linear work takes well below a second here; quadratic work over 64 KiB takes minutes.
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn oversized_and_overfull_payloads() {
    let long = "d".repeat(MAX_RECORD_BYTES + 1);
    let expected = ParseError::TooLong { length: long.len(), limit: MAX_RECORD_BYTES };
    assert_eq!(Cmcd::parse(&long), Err(expected.clone()));
    assert_eq!(Cmcd::parse_strict(&long), Err(expected.clone()));
    assert_eq!(cmcd::validate(&long, Mode::Request), Err(expected.clone()));
    assert_eq!(parse_query(&format!("CMCD={long}"), &mut Scratch::default()), Err(expected.clone()));
    let parsed: Vec<_> = parse_records(long.as_bytes()).collect();
    assert_eq!(parsed.len(), 1);
    assert_eq!(parsed[0].parsed, Err(expected));

    // 100,000 keys: over the limit of bytes at once, or cut at the limit of members when they are short.
    let keys: Vec<String> = (0..100_000).map(|index| format!("x-{index}")).collect();
    assert!(matches!(Cmcd::parse(&keys.join(",")), Err(ParseError::TooLong { .. })));
    let summary = Cmcd::parse(&keys[..5000].join(",")).unwrap().summary;
    assert_eq!((summary.kept, summary.dropped), (u32::try_from(MAX_MEMBERS).unwrap(), 1));
    assert_eq!(summary.first.map(|(problem, _)| problem), Some(Problem::TooManyMembers));

    let json: Vec<String> = keys[..50_000].iter().map(|key| format!("\"{key}\":1")).collect();
    let parsed = parse_json(format!("{{{}}}", json.join(",")).as_bytes()).unwrap();
    assert_eq!((parsed[0].summary.kept, parsed[0].summary.dropped), (u32::try_from(MAX_MEMBERS).unwrap(), 1));
    assert!(matches!(parse_json(&vec![b' '; MAX_BODY_BYTES + 1]), Err(ParseError::TooLong { .. })));
    assert!(parse_json("{}".repeat(MAX_RECORDS).as_bytes()).is_ok());
    let many = "{}".repeat(MAX_RECORDS + 1);
    assert_eq!(parse_json(many.as_bytes()), Err(ParseError::TooManyRecords { limit: MAX_RECORDS }));
}

#[test]
fn broken_encodings() {
    let mut scratch = Scratch::default();
    let mut read = |query: &str| {
        let parsed = parse_query(query, &mut scratch).unwrap().unwrap();
        let text = parsed.cmcd.to_json().unwrap();
        (text, parsed.summary.kept, parsed.summary.coerced, parsed.summary.dropped)
    };
    assert_eq!(read("CMCD=d%3D1%2Cbs"), (r#"{"bs":true,"d":1}"#.into(), 2, 0, 0));
    assert_eq!(read("CMCD=bl%3D(0%3Bv+0%3Ba)%2Cv%3D2").1, 2);
    assert_eq!(read("CMCD=cid%3D%22a%zz%22,d=1"), (r#"{"cid":"a%zz","d":1}"#.into(), 2, 1, 0));
    assert_eq!(read("CMCD=cid%3D%22%ff%22,d=1"), ("{\"cid\":\"\u{fffd}\",\"d\":1}".into(), 2, 1, 0));
    assert_eq!(read("CMCD=d=1%"), ("{}".into(), 0, 1, 1));
    assert_eq!(read("CMCD="), ("{}".into(), 0, 0, 0));
    assert_eq!(read("CMCD=d=1&CMCD=d=2").0, r#"{"d":1}"#);

    let records: Vec<_> = parse_records(b"d=1\r\n\xff\xfe\n\n\nd=2").collect();
    assert_eq!(records.iter().map(|record| record.offset).collect::<Vec<_>>(), [0, 5, 10]);
    assert_eq!(records[1].parsed, Err(ParseError::NotUtf8 { position: 0 }));
    assert_eq!(records[2].parsed.as_ref().unwrap().cmcd.object_duration, Some(2));
}

#[test]
fn json_with_wrong_types_and_shapes() {
    let table = [
        (r#"{"br":1200,"bl":[1400,{"value":64,"params":{"a":true}}],"ot":"v"}"#, (3, 0, 0)),
        (r#"{"br":"1200"}"#, (1, 1, 0)),
        (r#"{"br":-5,"d":2000.4,"bl":-3}"#, (2, 2, 1)),
        (r#"{"d":1e308}"#, (0, 0, 1)),
        (r#"{"ts":18446744073709551615}"#, (0, 0, 1)),
        (r#"{"ts":-9223372036854775808}"#, (0, 0, 1)),
        (r#"{"d":null,"sid":42}"#, (1, 1, 0)),
        (r#"{"br":[],"nor":{}}"#, (0, 0, 2)),
        (r#"{"br":[[1]],"d":[1,2]}"#, (1, 1, 2)),
        (r#"{"d":1,"d":2,"zz":3,"a-b":[1]}"#, (2, 0, 3)),
        (r#"{"bs":"true","su":1}"#, (2, 2, 0)),
    ];
    for (body, expected) in table {
        let summary = parse_json(body.as_bytes()).unwrap()[0].summary;
        assert_eq!((summary.kept, summary.coerced, summary.dropped), expected, "{body}");
    }
    let several = parse_json(b"[{\"d\":1},{\"d\":2}]\n{\"d\":3}").unwrap();
    assert_eq!(
        several.iter().map(|parsed| parsed.cmcd.object_duration).collect::<Vec<_>>(),
        [Some(1), Some(2), Some(3)]
    );
    for body in ["1", "\"x\"", "{", "[1]", "{\"d\":}", "{\"d\":1}}", "[{}", "\u{1}"] {
        assert!(matches!(parse_json(body.as_bytes()), Err(ParseError::NotJson { .. })), "{body}");
    }
    assert!(parse_json("[".repeat(100_000).as_bytes()).is_err());
    assert!(parse_json(format!("{{\"br\":{}", "[".repeat(100_000)).as_bytes()).is_err());
    assert_eq!(parse_json(b""), Ok(Vec::new()));
}

#[test]
fn truncation_at_every_byte_keeps_what_is_whole() {
    let text = "bl=(1400;v 900;a),br=(1264;v),cid=\"live, s\",d=2000,nor=(\"a.m4s\";r=\"0-9\"),su,v=2";
    for end in 0..=text.len() {
        let parsed = Cmcd::parse(&text[..end]).unwrap();
        // A list or string that was cut is left out; only a bare number or name can be cut unnoticed.
        assert!(parsed.cmcd.buffer_length.is_empty() || parsed.cmcd.buffer_length.len() == 2, "{end}");
        assert!(matches!(parsed.cmcd.content_id.as_deref(), None | Some("live, s")), "{end}");
        assert!(parsed.summary.dropped <= 1, "{end}");
    }
    let error = Cmcd::parse_strict("br=(1264;v").unwrap_err();
    let expected = Problem::Syntax(SyntaxError::Unterminated);
    assert_eq!(error, ParseError::Member { key: "br".into(), position: 10, problem: expected });
}
