//! Both CMSD headers, and appending to what others wrote.
#![no_main]

use headroom_wire::cmsd::{Hop, Static, append, parse_dynamic};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &str| {
    if let Ok(hops) = parse_dynamic(value) {
        for hop in hops {
            let written = hop.to_text().expect("what was read can be written");
            assert_eq!(parse_dynamic(&written).expect("was written"), [hop]);
        }
    }
    if let Ok(header) = Static::parse(value) {
        let written = header.to_text().expect("what was read can be written");
        assert_eq!(Static::parse(&written).expect("was written"), header);
    }
    let ours = Hop { server: "us".into(), maximum_suggested_bitrate: Some(1), ..Hop::default() };
    let appended = append(value.lines(), &ours).expect("ours can be written");
    assert!(appended.value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')));
    if let Ok(hops) = parse_dynamic(&appended.value) {
        assert_eq!(hops.last(), Some(&ours));
    }
});
