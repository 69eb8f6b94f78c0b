//! What hls.js 1.7.4 and dash.js 5.2.1 sent in recorded sessions.

use crate::environment::capture;
use expect_test::{Expect, expect};
use headroom_wire::cmcd::{Cmcd, Headers, ParsedRecord, Severity, parse_records};
use headroom_wire::cmcd::{Mode, validate};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Counts over a capture.
#[derive(Default)]
struct Summary {
    records: u32,
    kept: u32,
    coerced: u32,
    dropped: u32,
    keys: BTreeMap<String, u32>,
    findings: BTreeMap<String, u32>,
}

impl Summary {
    fn add(&mut self, parsed: ParsedRecord<'_>, text: Option<(&str, Mode)>) {
        self.records += 1;
        self.kept += parsed.summary.kept;
        self.coerced += parsed.summary.coerced;
        self.dropped += parsed.summary.dropped;
        let json: Value = serde_json::from_str(&parsed.cmcd.to_json().unwrap()).unwrap();
        for key in json.as_object().unwrap().keys() {
            *self.keys.entry(key.clone()).or_default() += 1;
        }
        let Some((text, mode)) = text else { return };
        for finding in validate(text, mode).unwrap() {
            let severity = if finding.severity() == Severity::Error { "error" } else { "warning" };
            *self.findings.entry(format!("{severity} {}: {}", finding.key, finding.problem)).or_default() += 1;
        }
        // Players write canonical text, so writing what was read gives the same bytes.
        assert_eq!(parsed.cmcd.to_text().unwrap(), text.trim_end());
    }

    fn lines(&self) -> String {
        let mut out = format!(
            "{} records, {} keys kept, {} coerced, {} dropped\n",
            self.records, self.kept, self.coerced, self.dropped
        );
        let keys: Vec<_> = self.keys.iter().map(|(key, count)| format!("{key} {count}")).collect();
        let _ = writeln!(out, "{}", keys.join(", "));
        for (finding, count) in &self.findings {
            let _ = writeln!(out, "{count} x {finding}");
        }
        out
    }
}

fn check(name: &str, expected: &Expect) {
    let Some(capture) = capture(name) else { return };
    let mut summary = Summary::default();
    for line in capture.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| entry.get(name).and_then(Value::as_str);
        if let Some(text) = field("query") {
            summary.add(Cmcd::parse(text).unwrap(), Some((text, Mode::Request)));
        }
        if let Some(body) = field("body") {
            for record in parse_records(body.as_bytes()) {
                let text = body[record.offset..].lines().next().unwrap();
                summary.add(record.parsed.unwrap(), Some((text, Mode::Event)));
            }
        }
        let headers = Headers {
            object: field("cmcd-object"),
            request: field("cmcd-request"),
            session: field("cmcd-session"),
            status: field("cmcd-status"),
        };
        if !headers.is_empty() {
            summary.add(Cmcd::parse_headers(headers).unwrap(), None);
        }
    }
    expected.assert_eq(&summary.lines());
}

#[test]
fn hls_js_version_1() {
    check(
        "hlsjs_v1_query.jsonl",
        &expect![[r#"
        40 records, 384 keys kept, 0 coerced, 0 dropped
        bl 35, br 39, bs 2, cid 40, d 21, dl 19, mtp 40, nor 1, ot 40, rtp 19, sf 40, sid 40, st 37, su 11
    "#]],
    );
    check(
        "hlsjs_v1_header.jsonl",
        &expect![[r#"
        24 records, 230 keys kept, 0 coerced, 0 dropped
        bl 19, br 23, bs 1, cid 24, d 13, dl 11, mtp 24, nor 1, ot 24, rtp 11, sf 24, sid 24, st 21, su 10
    "#]],
    );
    check(
        "ns_hlsjs_query_5M_500k_5M.jsonl",
        &expect![[r#"
        98 records, 941 keys kept, 0 coerced, 0 dropped
        bl 93, br 97, bs 4, cid 98, d 50, dl 46, mtp 98, nor 5, ot 98, rtp 46, sf 98, sid 98, st 95, su 15
    "#]],
    );
}

#[test]
fn hls_js_version_2() {
    check(
        "hlsjs_v2_query.jsonl",
        &expect![[r#"
        32 records, 426 keys kept, 0 coerced, 0 dropped
        bl 27, br 31, cid 32, d 17, dl 15, mtp 32, nor 1, ot 32, pb 12, rtp 15, sf 32, sid 32, sn 32, st 29, sta 32, su 8, tpb 15, v 32
    "#]],
    );
    check(
        "hlsjs_v2_events.jsonl",
        &expect![[r#"
        27 records, 376 keys kept, 0 coerced, 0 dropped
        bl 20, br 24, cid 27, e 27, mtp 25, rc 17, sf 27, sid 27, sn 27, st 24, sta 26, ts 27, ttfb 17, ttlb 17, url 17, v 27
    "#]],
    );
}

#[test]
fn dash_js_version_1() {
    check(
        "dashjs_v1_query.jsonl",
        &expect![[r#"
        39 records, 480 keys kept, 0 coerced, 0 dropped
        bl 35, br 35, bs 4, cid 39, d 35, dl 35, mtp 33, nor 2, ot 39, pr 31, rtp 35, sf 38, sid 39, st 38, su 7, tb 35
    "#]],
    );
    check(
        "dashjs_v1_modeheader_actually_query.jsonl",
        &expect![[r#"
        32 records, 389 keys kept, 0 coerced, 0 dropped
        bl 28, br 28, bs 4, cid 32, d 28, dl 28, mtp 26, nor 2, ot 32, pr 24, rtp 28, sf 31, sid 32, st 31, su 7, tb 28
    "#]],
    );
    check(
        "ab_dash_base_cmcd.jsonl",
        &expect![[r#"
        52 records, 657 keys kept, 0 coerced, 0 dropped
        bl 46, br 46, bs 8, cid 52, d 46, dl 46, mtp 44, nor 15, ot 52, pr 43, rtp 46, sf 51, sid 52, st 51, su 13, tb 46
    "#]],
    );
}

#[test]
fn dash_js_version_2() {
    check(
        "dashjs_v2_query.jsonl",
        &expect![[r#"
        44 records, 922 keys kept, 0 coerced, 0 dropped
        ab 40, bl 40, br 40, bs 4, bsd 1, cid 44, d 40, dl 40, lab 40, ltc 43, msd 1, mtp 38, nor 2, ot 44, pb 40, pr 36, rtp 40, sf 43, sid 44, sn 44, st 43, sta 44, su 7, tab 40, tb 40, tpb 40, v 44
    "#]],
    );
    check(
        "dashjs_v2_events.jsonl",
        &expect![[r#"
        54 records, 162 keys kept, 0 coerced, 0 dropped
        e 54, ts 54, v 54
        3 x error sta: required key is missing
        44 x error url: required key is missing
    "#]],
    );
    check(
        "dashjs_v2_events_enabledKeys.jsonl",
        &expect![[r#"
        12 records, 116 keys kept, 0 coerced, 0 dropped
        bl 3, br 2, cid 12, e 12, ltc 2, msd 1, mtp 1, pb 2, sf 10, sid 12, sn 12, st 10, sta 11, tb 2, ts 12, v 12
    "#]],
    );
}

#[test]
fn long_mixed_sessions() {
    check(
        "cmcd_requests.jsonl",
        &expect![[r#"
        936 records, 12142 keys kept, 0 coerced, 0 dropped
        ab 201, bl 858, br 900, bs 39, bsd 2, cid 936, d 667, dl 642, lab 201, ltc 209, msd 2, mtp 899, nor 59, ot 936, pb 201, pr 387, rtp 642, sf 931, sid 936, sn 211, st 904, sta 211, su 153, tab 201, tb 402, tpb 201, v 211
    "#]],
    );
    check(
        "loop_tests.jsonl",
        &expect![[r#"
        175 records, 1961 keys kept, 0 coerced, 0 dropped
        bl 160, br 168, bs 8, cid 175, d 137, dl 132, mtp 168, nor 4, ot 175, pr 53, rtp 132, sf 174, sid 175, st 168, su 31, tb 101
    "#]],
    );
}
