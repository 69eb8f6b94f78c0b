//! Table tests: what is read, what is coerced, what is left out, and what is written.

use super::*;

/// Members kept, coercions, losses, and the first problem.
type Account = (u32, u32, u32, Option<Problem>);

fn account(text: &str) -> Account {
    let Tally { kept, coerced, dropped, first } = Cmcd::parse(text).unwrap().tally;
    (kept, coerced, dropped, first.map(|(problem, _)| problem))
}

#[test]
fn reads_what_hls_js_sends_in_version_2() {
    let text = "bl=(1400),br=(1264),cid=\"live-s\",d=2000,dl=1400,mtp=(9500),nor=(\"chunk-2.m4s\"),ot=v,rtp=6300,sf=h,\
                sid=\"1111\",sn=7,st=l,sta=s,su,tpb=(1264),v=2";
    let Parsed { cmcd, tally } = Cmcd::parse(text).unwrap();
    assert_eq!(tally, Tally { kept: 17, ..Tally::default() });
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
        ("d=1e308", (0, 0, 1, Some(Syntax(crate::Syntax::TrailingCharacters)))),
        ("pr=1e308", (0, 0, 1, Some(Syntax(crate::Syntax::TrailingCharacters)))),
        ("pr=\"inf\"", (0, 0, 1, Some(OutOfRange))),
        ("d=9999999999999999", (0, 0, 1, Some(Syntax(crate::Syntax::BadNumber)))),
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
        // Syntax: reading goes on behind the next comma, but not behind an unclosed string or list.
        ("d=1,", (1, 1, 0, Some(Syntax(crate::Syntax::TrailingComma)))),
        ("d=1,,rtp=100", (2, 0, 1, Some(Syntax(crate::Syntax::BadKey)))),
        ("=,d=1", (1, 0, 1, Some(Syntax(crate::Syntax::BadKey)))),
        ("d=,rtp=100", (1, 0, 1, Some(Syntax(crate::Syntax::BadItem)))),
        ("cid=\"cut off,rtp=100", (0, 0, 1, Some(Syntax(crate::Syntax::Unterminated)))),
        ("br=(1200;v 6", (0, 0, 1, Some(Syntax(crate::Syntax::Unterminated)))),
        ("cid=\"\u{1}\",rtp=100", (1, 0, 1, Some(Syntax(crate::Syntax::BadString)))),
        ("cid=\"\u{e9}\"", (1, 0, 0, None)),
        (&many_members, (128, 0, 1, Some(TooManyMembers))),
        ("", (0, 0, 0, None)),
        ("   ", (0, 0, 0, None)),
    ];
    for (text, expected) in table {
        assert_eq!(&account(text), expected, "{text}");
    }
}
