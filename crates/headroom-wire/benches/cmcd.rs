//! Cost of reading CMCD, in nanoseconds a record: `cargo bench -p headroom-wire`.
//!
//! The payloads are what hls.js 1.7.4 and dash.js 5.2.1 sent in a recorded session. One line a case: the fastest of
//! several rounds, which is the least disturbed by other load.

#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use headroom_wire::cmcd::{self, Cmcd, Scratch};
use std::hint::black_box;

const HLS_V2: &str = "bl=(1400),br=(1264),cid=\"live-s\",d=2000,dl=1400,mtp=(9500),nor=(\"chunk-stream0-00124.m4s\"),ot=v,\
    rtp=6300,sf=h,sid=\"11111111-2222-3333-4444-555555555555\",sn=7,st=l,sta=s,su,tpb=(1264),v=2";

const DASH_V2: &str = "ab=(1200;v 64;a),bl=(1600;v),br=(1200;v),bs,cid=\"live-s\",d=2000,dl=1600,lab=(180;v 64;a),ltc=3174,\
    mtp=(27100;v),nor=(\"chunk-stream0-00145.m4s\"),ot=v,pb=(1200;v),rtp=10100,sf=d,\
    sid=\"aaaaaaaa-2222-3333-4444-555555555555\",sn=9,st=l,sta=p,tab=(1200;v 64;a),tb=(1200;v),tpb=(1200;v),v=2";

const DASH_V1: &str = "bl=1300,br=1200,cid=\"live-s\",d=2000,dl=1300,mtp=16700,ot=v,rtp=9300,sf=d,\
    sid=\"aaaaaaaa-2222-3333-4444-555555555555\",st=l,tb=1200";

fn main() {
    for (name, text) in [("hls.js v2", HLS_V2), ("dash.js v2", DASH_V2), ("dash.js v1", DASH_V1)] {
        let record = Cmcd::parse(text).expect("the payload is short").cmcd.into_owned();
        let query = record.to_query().expect("the payload is printable");
        let mut scratch = Scratch::default();
        report(name, "query, percent-encoded", || {
            black_box(cmcd::parse_query(black_box(&query), &mut scratch).expect("the payload is short"));
        });
        report(name, "text", || {
            black_box(Cmcd::parse(black_box(text)).expect("the payload is short"));
        });
        report(name, "emit text", || {
            black_box(black_box(&record).to_text().expect("the payload is printable"));
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn report(payload: &str, case: &str, mut work: impl FnMut()) {
    const CALLS: u32 = 20_000;
    let round = |work: &mut dyn FnMut()| {
        let start = std::time::Instant::now();
        for _ in 0..CALLS {
            work();
        }
        start.elapsed().as_nanos() / u128::from(CALLS)
    };
    let fastest = (0..25).map(|_| round(&mut work)).min().unwrap_or_default();
    println!("{payload:<12} {case:<24} {fastest:>6} ns");
}
