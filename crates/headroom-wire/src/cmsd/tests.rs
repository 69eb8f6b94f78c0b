//! Table tests of both headers, and of what appending does to what others wrote.

use super::*;

#[test]
fn reads_and_writes_a_hop() {
    let value = "\"edge-1\";du;etp=4200;mb=3000;rd=12;rtt=40;com.example-x=\"y\"";
    let hops = parse_dynamic(value).unwrap();
    assert_eq!(hops.len(), 1);
    assert_eq!(hops[0].server, "edge-1");
    assert!(hops[0].duress);
    assert_eq!(hops[0].maximum_suggested_bitrate, Some(3000));
    assert_eq!(hops[0].to_text().unwrap(), value);
}

#[test]
fn reads_several_hops_and_leaves_out_what_it_cannot_use() {
    let value = "\"origin\";etp=100 , cdn-a;rtt=-1;mb=12.5;foo=1;du=?0 ,(a b), 7";
    let hops = parse_dynamic(value).unwrap();
    assert_eq!(hops.iter().map(|hop| hop.server.as_ref()).collect::<Vec<_>>(), ["origin", "cdn-a"]);
    assert_eq!(hops[1], Hop { server: "cdn-a".into(), ..Hop::default() });
}

#[test]
fn refuses_what_is_no_list() {
    let long = format!("\"{}\"", "x".repeat(MAX_HEADER_BYTES));
    let many = vec!["a"; MAX_MEMBERS + 1].join(",");
    let table = [
        ("\"open", "not a structured field at byte 5: string or list is not closed"),
        ("a,", "not a structured field at byte 2: comma with nothing after it"),
        ("a b", "not a structured field at byte 2: unexpected character after the value"),
        ("a;=1", "not a structured field at byte 2: not a key"),
        (&long, "header value of 8194 bytes is over the limit of 8192"),
        (&many, "more than 64 members from byte 128 on"),
    ];
    for (value, expected) in table {
        assert_eq!(parse_dynamic(value).unwrap_err().to_string(), expected, "{value}");
    }
}

#[test]
fn appends_and_keeps_what_others_wrote_byte_for_byte() {
    let ours = Hop { server: "headroom".into(), maximum_suggested_bitrate: Some(900), ..Hop::default() };
    let big = format!("\"{}\"", "x".repeat(MAX_HEADER_BYTES - 10));
    let table: &[(&[&str], &str, usize)] = &[
        (&[], "\"headroom\";mb=900", 0),
        (&[""], "\"headroom\";mb=900", 0),
        (&["\"a\" ;  etp=1,b"], "\"headroom\";mb=900", 1),
        (&["\"a\";  etp=1\t,b;x-y"], "\"a\";  etp=1\t,b;x-y, \"headroom\";mb=900", 0),
        (&["a;rtt=007", "b"], "a;rtt=007, b, \"headroom\";mb=900", 0),
        (&["a", "\"broken", "c"], "a, c, \"headroom\";mb=900", 1),
        (&["a\r\nSet-Cookie: x=1"], "\"headroom\";mb=900", 1),
        (&["\"\u{e9}\""], "\"headroom\";mb=900", 1),
        (&["a", &big], "a, \"headroom\";mb=900", 1),
    ];
    for (lines, value, discarded) in table {
        let appended = append(lines.iter().copied(), &ours).unwrap();
        assert_eq!((appended.value.as_str(), appended.discarded), (*value, *discarded), "{lines:?}");
    }
}

#[test]
fn writes_nothing_that_could_end_a_header_line() {
    for name in ["a\r\nb", "a\nb", "a\0b", "a\u{e9}b", "a\u{7f}b"] {
        let hop = Hop { server: name.into(), ..Hop::default() };
        assert!(matches!(hop.to_text(), Err(EmitError::Unprintable { .. })), "{name:?}");
    }
    let quoted = Hop { server: "a\";mb=1;x=\"".into(), ..Hop::default() };
    let text = quoted.to_text().unwrap();
    assert_eq!(text, r#""a\";mb=1;x=\"""#);
    assert_eq!(parse_dynamic(&text).unwrap(), [quoted]);
    for (name, value) in [
        ("no hyphen", CustomValue::Flag(true)),
        ("x-y\r\n", CustomValue::Flag(true)),
        ("x-y", CustomValue::Token("a\r\nb".into())),
        ("x-y", CustomValue::Text("a\r\nb".into())),
        ("x-y", CustomValue::List("(a)".into())),
        ("x-y", CustomValue::Integer(i64::MAX)),
        ("x-y", CustomValue::Decimal(f64::NAN)),
    ] {
        let custom = vec![CustomKey { name: name.into(), value }];
        let hop = Hop { custom, ..Hop::default() };
        assert!(hop.to_text().is_err(), "{hop:?}");
    }
}

#[test]
fn reads_and_writes_the_static_header() {
    let value = "at=1795368179868,br=3000,d=2000,ht=120,n=\"Origin-1\",nor=\"..%2Fnext.m4s\",nrr=\"0-99\",ot=v,sf=h,st=l,\
                 su,v=2,com.example-k=tok";
    let header = Static::parse(value).unwrap();
    assert_eq!(header.availability_time, Some(1_795_368_179_868));
    assert_eq!(header.object_type, Some(ObjectType::Video));
    assert!(header.startup);
    assert_eq!(header.to_text().unwrap(), value);
    assert_eq!(Static::parse("br=-1,d=x,zz=3,su=?0,st=qq,br=(1 2)").unwrap(), Static::default());
    assert_eq!(Static::parse("").unwrap(), Static::default());
    assert!(Static::parse("br=1,,").is_err());
}
