//! The query argument: any bytes are read; what was read and can be written is read back the same.
#![no_main]

use headroom_wire::cmcd::{Cmcd, Scratch, parse_query};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    let mut scratch = Scratch::default();
    let Ok(Some(parsed)) = parse_query(query, &mut scratch) else { return };
    let Ok(written) = parsed.cmcd.to_query() else { return };
    let mut again = Scratch::default();
    let read = parse_query(&written, &mut again).expect("short").expect("has the argument");
    assert_eq!((read.summary.coerced, read.summary.dropped), (0, 0));
    assert_eq!(read.cmcd.to_query().as_deref(), Ok(written.as_str()));
    assert_eq!(Cmcd::parse_strict(&read.cmcd.to_text().expect("was written before")), Ok(read.cmcd));
});
