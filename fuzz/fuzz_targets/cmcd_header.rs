//! Headers, event reports and validation: lines one to four are the headers, the whole is an event report.
#![no_main]

use headroom_wire::cmcd::{Cmcd, Headers, Mode, parse_records, validate, validate_headers};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for record in parse_records(bytes) {
        if let Ok(parsed) = record.parsed {
            let _ = parsed.cmcd.to_headers();
        }
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    let mut lines = text.lines();
    let headers =
        Headers { object: lines.next(), request: lines.next(), session: lines.next(), status: lines.next() };
    let _ = Cmcd::parse_headers(headers);
    let _ = validate_headers(headers);
    for mode in [Mode::Request, Mode::Event] {
        let findings = validate(text, mode);
        // What strict parsing takes has no finding before the rules between keys.
        if Cmcd::parse_strict(text).is_ok() {
            let tolerant = Cmcd::parse(text).expect("strict took it");
            assert_eq!((tolerant.summary.coerced, tolerant.summary.dropped), (0, 0));
        } else {
            assert!(findings.is_err() || findings.is_ok_and(|findings| !findings.is_empty()));
        }
    }
});
