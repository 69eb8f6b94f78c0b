//! Table tests: what is read, what is coerced, what is left out, and what is written.

use super::*;

/// Members kept, coercions, losses, and the first problem.
type Account = (u32, u32, u32, Option<Problem>);

fn account(text: &str) -> Account {
    let ParseSummary { kept, coerced, dropped, first } = Cmcd::parse(text).unwrap().summary;
    (kept, coerced, dropped, first.map(|(problem, _)| problem))
}

#[test]
fn reads_what_hls_js_sends_in_version_2() {
    let text = "bl=(1400),br=(1264),cid=\"live-s\",d=2000,dl=1400,mtp=(9500),nor=(\"chunk-2.m4s\"),ot=v,rtp=6300,sf=h,\
                sid=\"1111\",sn=7,st=l,sta=s,su,tpb=(1264),v=2";
    let ParsedRecord { cmcd, summary } = Cmcd::parse(text).unwrap();
    assert_eq!(summary, ParseSummary { kept: 17, ..ParseSummary::default() });
    assert_eq!(cmcd.buffer_length.first(), Some(1400));
    assert_eq!(cmcd.encoded_bitrate.value_for(ObjectType::Video), Some(1264));
    assert_eq!(cmcd.content_id.as_deref(), Some("live-s"));
    assert_eq!(cmcd.startup, Some(true));
    assert_eq!(cmcd.next_objects.first().map(|next| next.path.as_ref()), Some("chunk-2.m4s"));
    assert_eq!(cmcd.stream_type, Some(StreamType::Live));
    assert_eq!(cmcd.version, Version::V2);
    assert_eq!(cmcd.to_text().unwrap(), text);
}

#[test]
fn reads_what_dash_js_sends_in_version_2() {
    let text = "ab=(1200;v 64;a),bl=(1600;v),br=(1200;v),ltc=3174,mtp=(27100;v),pr=1.362,sta=r,v=2";
    let cmcd = Cmcd::parse_strict(text).unwrap();
    assert_eq!(cmcd.aggregate_bitrate.get(ObjectType::Audio), Some(64));
    assert_eq!(cmcd.playback_rate, Some(1.362));
    assert_eq!(cmcd.to_text().unwrap(), text);
}

#[test]
fn version_1_moves_the_range_into_the_next_object_and_back() {
    let text = "bs,nor=\"..%2Fa%20b.m4s\",nrr=\"0-99\",ot=v";
    let cmcd = Cmcd::parse_strict(text).unwrap();
    let next = NextObject { path: "../a b.m4s".into(), range: Some("0-99".into()) };
    assert_eq!(cmcd.next_objects.first(), Some(&next));
    assert_eq!(cmcd.next_range, None);
    assert_eq!(cmcd.to_text().unwrap(), text);
    let mut second = cmcd.into_owned();
    second.version = Version::V2;
    assert_eq!(second.to_text().unwrap(), "bs,nor=(\"../a b.m4s\";r=\"0-99\"),ot=v,v=2");
}

/// The coercions and losses that `docs/cmcd.md` promises, one row each: text, kept, coerced, dropped, first problem.
#[test]
fn coerces_and_drops_as_documented() {
    use Problem::*;
    let long_sid = format!("sid=\"{}\"", "s".repeat(65));
    let long_custom = format!("com.example-k=\"{}\"", "c".repeat(65));
    let many_items = format!("bsd=({})", "1 ".repeat(40));
    let many_members = (0..200).map(|index| format!("x-{index:03}")).collect::<Vec<_>>().join(",");
    let table: &[(&str, Account)] = &[
        // Shapes: both versions' are taken, a list where none belongs gives its first entry.
        ("bl=1400,br=(64;a)", (2, 0, 0, None)),
        ("rtp=(6300)", (1, 1, 0, Some(WrongType))),
        ("rtp=(6300 700)", (1, 1, 1, Some(WrongType))),
        ("br=()", (0, 0, 1, Some(EmptyList))),
        ("br=(1200 x 64)", (1, 0, 1, Some(WrongType))),
        ("br=(x)", (0, 0, 1, Some(WrongType))),
        (&many_items, (1, 0, 8, Some(TooManyItems))),
        // Numbers.
        ("d=2000.4", (1, 1, 0, Some(NotInteger))),
        ("d=\"2000\"", (1, 1, 0, Some(WrongType))),
        ("d=\"two\"", (0, 0, 1, Some(WrongType))),
        ("d=NaN", (0, 0, 1, Some(WrongType))),
        ("d=1e308", (0, 0, 1, Some(Syntax(crate::SyntaxError::TrailingCharacters)))),
        ("pr=1e308", (0, 0, 1, Some(Syntax(crate::SyntaxError::TrailingCharacters)))),
        ("pr=\"inf\"", (0, 0, 1, Some(OutOfRange))),
        ("d=9999999999999999", (0, 0, 1, Some(Syntax(crate::SyntaxError::BadNumber)))),
        ("br=999999999999999", (0, 0, 1, Some(OutOfRange))),
        ("bl=-100", (1, 1, 0, Some(Negative))),
        ("br=-100", (0, 0, 1, Some(Negative))),
        ("ltc=-100", (1, 0, 0, None)),
        ("d", (0, 0, 1, Some(WrongType))),
        // Flags.
        ("bs=?0", (1, 0, 0, None)),
        ("bs=true,su=1", (2, 2, 0, Some(WrongType))),
        ("bs=2", (0, 0, 1, Some(WrongType))),
        // Tokens and strings.
        ("ot=\"v\"", (1, 1, 0, Some(WrongType))),
        ("ot=zz", (0, 0, 1, Some(UnknownToken))),
        ("cid=live,sid=42", (2, 2, 0, Some(WrongType))),
        (&long_sid, (1, 1, 0, Some(TooLong))),
        (&long_custom, (1, 1, 0, Some(TooLong))),
        // Names.
        ("Com.Example-Key=1", (1, 0, 0, None)),
        ("zzz=1,d=1", (1, 0, 1, Some(UnknownKey))),
        ("d=1,d=2", (2, 0, 1, Some(Duplicate))),
        ("a-b=1,a-b=2", (2, 0, 1, Some(Duplicate))),
        ("com.example-list=(a b)", (1, 0, 0, None)),
        // Parameters.
        ("d=2000;foo", (1, 1, 0, Some(UnexpectedParameter))),
        ("br=(1200;v;a)", (1, 1, 0, Some(UnexpectedParameter))),
        ("br=(1200;v=?0)", (1, 0, 0, None)),
        // Version.
        ("v=3", (1, 1, 0, Some(OutOfRange))),
        ("v=0", (0, 0, 1, Some(OutOfRange))),
        // SyntaxError: reading goes on behind the next comma, but not behind an unclosed string or list.
        ("bs ,su\t,d=1 , rtp=100", (4, 0, 0, None)),
        ("d=1,", (1, 1, 0, Some(Syntax(crate::SyntaxError::TrailingComma)))),
        ("d=1,,rtp=100", (2, 0, 1, Some(Syntax(crate::SyntaxError::BadKey)))),
        ("=,d=1", (1, 0, 1, Some(Syntax(crate::SyntaxError::BadKey)))),
        ("d=,rtp=100", (1, 0, 1, Some(Syntax(crate::SyntaxError::BadItem)))),
        ("cid=\"cut off,rtp=100", (0, 0, 1, Some(Syntax(crate::SyntaxError::Unterminated)))),
        ("br=(1200;v 6", (0, 0, 1, Some(Syntax(crate::SyntaxError::Unterminated)))),
        ("cid=\"\u{1}\",rtp=100", (1, 0, 1, Some(Syntax(crate::SyntaxError::BadString)))),
        ("cid=\"\u{e9}\"", (1, 0, 0, None)),
        (&many_members, (128, 0, 1, Some(TooManyMembers))),
        ("", (0, 0, 0, None)),
        ("   ", (0, 0, 0, None)),
    ];
    for (text, expected) in table {
        assert_eq!(&account(text), expected, "{text}");
    }
}

/// What [`validate()`] says of one record in each mode: `key@position problem`, joined by semicolons.
fn findings(text: &str, mode: Mode) -> String {
    let found = validate(text, mode).unwrap();
    let line = |finding: &Finding| format!("{}@{} {}", finding.key, finding.position, finding.problem);
    found.iter().map(line).collect::<Vec<_>>().join("; ")
}

#[test]
fn validates_request_records() {
    let table = [
        ("bl=1400,br=1200,ot=v", ""),
        ("bl=(1400),br=(1200;v),ot=v,v=2", ""),
        ("bl=(1400),ot=v", "bl@0 version 1 sends a plain value here, not a list"),
        ("bl=1400,v=2", "bl@0 version 2 sends a list here"),
        (
            "bl=(1450),dl=1499,v=2",
            "bl@0 number is not rounded as the key wants; dl@10 number is not rounded as the key wants",
        ),
        ("ltc=100", "ltc@0 key does not exist in this version"),
        ("nor=(\"a\"),nrr=\"0-9\",v=2", "nrr@10 key does not exist in this version"),
        ("e=t,ts=1,v=2", "e@0 key is only for event reports; ts@4 key is only for event reports"),
        ("rc=200,v=2", "rc@0 key is only for event reports"),
        (
            "bs=?0,pr=1.0,v=1",
            "bs@0 false is expressed by leaving the key out; pr@6 a playback rate of 1 is expressed by leaving the key out; v@13 version 1 should leave this key out",
        ),
        ("d=2000.5", "d@2 an integer is wanted"),
        ("Com.Example-x=1", "@0 not a key"),
        ("cid=\"\u{e9}\"", "cid@5 string holds a control character or a bad escape"),
        ("d=1,d=2,zz=3", "d@4 key occurs more than once; zz@8 unknown key"),
        ("ot=zz,br=-5", "ot@5 token is not in the list for this key; br@11 negative number"),
    ];
    for (text, expected) in table {
        assert_eq!(findings(text, Mode::Request), expected, "{text}");
    }
}

#[test]
fn validates_event_records() {
    let table = [
        ("e=t,ts=1,v=2", ""),
        ("v=2", "e@0 required key is missing; ts@0 required key is missing"),
        ("e=ps,ts=1,v=2", "sta@0 required key is missing"),
        ("e=ce,ts=1,v=2", "cen@0 required key is missing"),
        ("cen=\"x\",e=t,ts=1,v=2", "cen@0 key is only for custom events"),
        ("e=rr,rc=200,ts=1,v=2", "url@0 required key is missing"),
        ("e=t,rc=200,ts=1,v=2", "rc@4 key is only for response received events"),
        ("bg=?0,e=b,ts=1,v=2", ""),
        ("e=pr,pr=1.0,ts=1,v=2", ""),
        ("e=e,ts=1,v=2", "ec@0 required key is missing"),
    ];
    for (text, expected) in table {
        assert_eq!(findings(text, Mode::Event), expected, "{text}");
    }
}

#[test]
fn validates_the_placement_in_headers() {
    let headers = Headers { object: Some("ot=v,bl=100"), status: Some("bs"), ..Headers::default() };
    let found = validate_headers(headers).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].key.as_str(), found[0].header), ("bl", Some(Header::Object)));
    assert_eq!((found[0].position, found[0].problem), (5, Problem::WrongHeader));
}

#[test]
fn strict_parsing_names_key_and_byte() {
    let error = Cmcd::parse_strict("br=(1200;v),ot=zz").unwrap_err();
    assert_eq!(error.to_string(), "key `ot` at byte 17: token is not in the list for this key");
}
