//! Table tests of manifests and reports.

use super::*;

#[test]
fn reads_and_writes_a_manifest() {
    let body = r#"{"VERSION":1,"TTL":4,"RELOAD-URI":"/steer?x=1","PATHWAY-PRIORITY":["A","B"],"PATHWAY-CLONES":[{"BASE-ID":"A","ID":"B","URI-REPLACEMENT":{"HOST":"cdn-b.example","PARAMS":{"token":"1"}}}]}"#;
    let manifest = Manifest::parse(body.as_bytes()).unwrap();
    assert_eq!(manifest.pathway_priority, ["A", "B"]);
    assert_eq!(manifest.pathway_clones[0].uri_replacement.host.as_deref(), Some("cdn-b.example"));
    assert_eq!(manifest.to_json().unwrap(), body);
    assert_eq!(
        Manifest::new(10, vec![String::from("A")]).to_json().unwrap(),
        r#"{"VERSION":1,"TTL":10,"PATHWAY-PRIORITY":["A"]}"#
    );
}

#[test]
fn refuses_what_players_would_refuse() {
    let clone = |id: &str, base: &str, host: &str| {
        format!(
            r#"{{"VERSION":1,"PATHWAY-PRIORITY":["A"],"PATHWAY-CLONES":[{{"BASE-ID":"{base}","ID":"{id}","URI-REPLACEMENT":{{"HOST":"{host}"}}}}]}}"#
        )
    };
    let many: Vec<_> = (0..=MAX_PATHWAYS).map(|index| format!("\"P{index}\"")).collect();
    let table = [
        (r#"{"VERSION":2,"PATHWAY-PRIORITY":["A"]}"#.to_owned(), "VERSION is 2, not 1"),
        (r#"{"VERSION":1,"TTL":0,"PATHWAY-PRIORITY":["A"]}"#.to_owned(), "TTL is zero"),
        (r#"{"VERSION":1,"PATHWAY-PRIORITY":[]}"#.to_owned(), "PATHWAY-PRIORITY is empty"),
        (r#"{"VERSION":1,"PATHWAY-PRIORITY":["A","A"]}"#.to_owned(), "pathway `A` is named more than once"),
        (r#"{"VERSION":1,"PATHWAY-PRIORITY":["A B"]}"#.to_owned(), "pathway identifier `A B` holds other"),
        (format!(r#"{{"VERSION":1,"PATHWAY-PRIORITY":[{}]}}"#, many.join(",")), "more than 256 pathways"),
        (clone("B", "B", "x"), "pathway clone `B` is its own base"),
        (clone("B", "A", "x/../y"), "pathway clone `B` replaces by an impossible host"),
        (r#"{"VERSION":1}"#.to_owned(), "missing field `PATHWAY-PRIORITY`"),
        (r#"{"VERSION":1,"TTL":-4,"PATHWAY-PRIORITY":["A"]}"#.to_owned(), "invalid value: integer `-4`"),
        (r#"{"VERSION":1,"TTL":1e308,"PATHWAY-PRIORITY":["A"]}"#.to_owned(), "invalid type: floating point"),
        (r#"{"VERSION":1,"PATHWAY-PRIORITY":"A"}"#.to_owned(), "invalid type: string"),
        ("[]".to_owned(), "not a steering manifest"),
        ("[".repeat(100_000), "not a steering manifest"),
        (" ".repeat(MAX_MANIFEST_BYTES + 1), "over the limit"),
    ];
    for (body, expected) in table {
        let error = Manifest::parse(body.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(Manifest::parse(br#"{"VERSION":1,"PATHWAY-PRIORITY":["A"]}"#).unwrap().ttl_seconds, 300);
}

#[test]
fn reads_what_players_report() {
    let entry = |pathway: &str, throughput_bps| PathwayThroughput { pathway: pathway.to_owned(), throughput_bps };
    let report = |protocol, pathways: Vec<_>| Some(Report { protocol, pathways });
    let table = [
        // hls.js 1.7.4
        (
            "?a=1&_HLS_pathway=CDN-A&_HLS_throughput=5140000",
            report(Protocol::Hls, vec![entry("CDN-A", Some(5_140_000))]),
        ),
        // dash.js 5.2.1
        (
            "_DASH_pathway=%22beta%2Calpha%22&_DASH_throughput=5000000%2C",
            report(Protocol::Dash, vec![entry("beta", Some(5_000_000)), entry("alpha", None)]),
        ),
        ("_HLS_throughput=12.6", report(Protocol::Hls, vec![entry("", Some(13))])),
        ("_HLS_pathway=A&_HLS_throughput=NaN", report(Protocol::Hls, vec![entry("A", None)])),
        ("_HLS_pathway=A&_HLS_throughput=1e308", report(Protocol::Hls, vec![entry("A", None)])),
        ("_HLS_pathway=A&_HLS_throughput=-1", report(Protocol::Hls, vec![entry("A", None)])),
        ("_HLS_pathway=%ff%", report(Protocol::Hls, vec![entry("\u{fffd}%", None)])),
        ("other=1", None),
        ("", None),
    ];
    for (query, expected) in table {
        assert_eq!(Report::parse(query), expected, "{query}");
    }
    let dash = Report { protocol: Protocol::Dash, pathways: vec![entry("a", Some(1)), entry("b", None)] };
    assert_eq!(dash.to_query(), "_DASH_pathway=%22a%2Cb%22&_DASH_throughput=1%2C");
    assert_eq!(Report::parse(&dash.to_query()), Some(dash));
    assert_eq!(Report::parse(&format!("_HLS_pathway={}", ",".repeat(100_000))).unwrap().pathways.len(), MAX_PATHWAYS);
}
