//! Ladders and the cap: the first byte is the cap in Mbit/s, the rest the playlist.
#![no_main]

use headroom_wire::playlist::{Ladder, cap};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&limit, rest)) = bytes.split_first() else { return };
    let Ok(text) = str::from_utf8(rest) else { return };
    let _ = Ladder::parse(text);
    let cap_bps = u64::from(limit) * 1_000_000;
    let capped = cap(text, cap_bps);
    // Capping once is enough, and somebody always stays.
    let again = cap(&capped.text, cap_bps);
    assert_eq!((again.removed, again.kept), (0, capped.kept));
    assert!(capped.removed == 0 || capped.kept > 0);
});
