//! JSON bodies: any bytes are read; what was read and can be written is read back the same.
#![no_main]

use headroom_wire::cmcd::parse_json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(records) = parse_json(body) else { return };
    for parsed in records {
        let _ = parsed.cmcd.to_text();
        let Ok(written) = parsed.cmcd.to_json() else { continue };
        let read = parse_json(written.as_bytes()).expect("was written").remove(0);
        assert_eq!(read.summary.dropped, 0, "{written}");
        assert_eq!(read.cmcd.to_json(), Ok(written));
    }
});
