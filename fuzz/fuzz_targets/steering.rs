//! Steering manifests and the reports of players.
#![no_main]

use headroom_wire::steering::{Manifest, Report};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(manifest) = Manifest::parse(bytes) {
        let written = manifest.to_json().expect("it was held to the rules");
        assert_eq!(Manifest::parse(written.as_bytes()), Ok(manifest));
    }
    let Ok(query) = str::from_utf8(bytes) else { return };
    if let Some(report) = Report::parse(query) {
        assert!(Report::parse(&report.to_query()).is_some());
    }
});
