//! The short way to the vital keys: whatever it says, the whole parser says the same.

use crate::records::{Style, text};
use headroom_wire::cmcd::{Cmcd, ParsedVitals, Version, Vitals, parse_records};
use proptest::prelude::*;

fn assert_same(text: &str) {
    let whole = Cmcd::parse(text).unwrap();
    assert_eq!(Vitals::parse(text).unwrap(), ParsedVitals::from(whole), "{text}");
}

#[test]
fn odd_records_are_read_as_by_the_whole_parser() {
    let long = format!("sid=\"{}\",v=2", "s".repeat(65));
    let records = [
        "",
        ",",
        "=10,su",
        "bs",
        "bs,",
        "bs=?0,su=?1",
        "bs=1",
        "bl=(1400),br=(1264;v 64;a),v=2",
        "bl=1400,br=1264",
        "br=(1 2 3 4),v=2",
        "br=(),v=2",
        "br=( 1),v=2",
        "br=(1 ),v=2",
        "br=(1;av;v),v=2",
        "br=(1;vv),v=2",
        "br=(1;avx 2),v=2",
        "br=(1;tt 2;o),v=2",
        "br=(12.5;v),v=2",
        "br=9999999999",
        "br=-1",
        "d=2000;x",
        "d=1,d=2",
        "ltc=-5,v=2",
        "pr=1.362,v=2",
        "pr=0.1",
        "pr=1.",
        "pr=.5",
        "pr=1.2345",
        "ts=1763850000000,v=2",
        "ts=1234567890123456",
        "v=0",
        "v=3",
        "ot=zz",
        "sta=P",
        "st=v,sf=h",
        "e=rr,rc=200,url=\"a\",ttlb=40,v=2",
        "nor=(\"a\" \"b\"),v=2",
        "nor=(\"a\";r=\"0-9\"),v=2",
        "nor=\"a%20b\",nrr=\"0-9\"",
        "sid=\"a\\\"b\"",
        "sid=\"\u{e9}\"",
        "sid=\"\u{1}\"",
        "sid=\"open",
        "sid=42,cid=token",
        "sid=\"\"",
        "com.example-x=1,bs",
        "cmsddd=1",
        "abcdefghijbl=1",
        "su,zzzzzzzz",
        "Bs",
        "bs su",
        "bs, su",
        &long,
    ];
    records.into_iter().for_each(assert_same);
}

#[test]
fn a_decimal_bit_rate_of_hls_js_is_rounded() {
    let parsed = Vitals::parse("pb=(1264.5),v=2").unwrap();
    assert_eq!(parsed.vitals.playhead_bitrate.first(), Some(1265));
    assert_eq!((parsed.summary.kept, parsed.summary.coerced, parsed.summary.dropped), (2, 1, 0));
}

#[test]
fn lines_of_a_report_are_read_one_by_one() {
    let broken = b"bs,v=2\r\n\n\xff\nsid=\"x\",zz=1\nbl=(100)";
    let sound = "bs,v=2\r\n\nsid=\"\u{e9}\"\nsid=\"x\",zz=1\nbl=(100)".as_bytes();
    for body in [&broken[..], sound] {
        let whole: Vec<_> = parse_records(body).map(|record| record.parsed.map(ParsedVitals::from)).collect();
        assert_eq!(whole.len(), 4);
        assert_eq!(Vitals::parse_records(body).collect::<Vec<_>>(), whole);
    }
}

fn style() -> impl Strategy<Value = Style> {
    (prop_oneof![Just(Version::V1), Just(Version::V2)], any::<bool>())
        .prop_map(|(version, event)| Style { event: event && version == Version::V2, ..Style::of(version) })
}

proptest! {
    #[test]
    fn canonical_records_are_read_as_by_the_whole_parser(text in style().prop_flat_map(text)) {
        assert_same(&text);
    }

    /// A record with a few bytes changed: everything that can be wrong with one.
    #[test]
    fn damaged_records_are_read_as_by_the_whole_parser(
        text in style().prop_flat_map(text),
        damage in proptest::collection::vec(
            (any::<proptest::sample::Index>(), proptest::sample::select(br#"0 9"(),;=?.-av\zB"#.to_vec()), 0_usize..3),
            1..4,
        ),
    ) {
        let mut bytes = text.into_bytes();
        for (at, byte, how) in damage {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => _ = bytes.remove(at),
            }
        }
        assert_same(&String::from_utf8_lossy(&bytes));
    }
}
