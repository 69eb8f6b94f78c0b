//! Viewers of one network help each other: what they measured is known to the next one at its first request.

use crate::support::{Answer, eventually, send, start, with_cmcd};
use http::Request;
use http_body_util::Full;
use std::{net::SocketAddr, time::Duration};

/// A request of a viewer at `address`, through a proxy on this machine.
async fn ask(public: SocketAddr, address: &str, record: &str) -> Answer {
    let request = Request::get(with_cmcd("/decide", record)).header("x-forwarded-for", address);
    send(public, request.body(Full::default()).unwrap()).await
}

fn expected_kbps(answer: &Answer) -> Option<u32> {
    let hops = headroom_wire::cmsd::parse_dynamic(answer.header("cmsd-dynamic")).unwrap();
    hops.last()?.estimated_throughput
}

#[tokio::test]
async fn a_newcomer_is_told_at_once_what_its_neighbours_get() {
    let server = start(|_| {}).await;
    let public = server.public_address();
    // Twenty viewers over four shards, three averages each: enough for all together, for no shard alone.
    for average in [9_500, 8_500, 10_500] {
        for viewer in 0..20 {
            let record =
                format!("bl=(5000),br=(3000;v),cid=\"s\",mtp=({average}),ot=v,sf=d,sid=\"v{viewer}\",st=l,sta=p,v=2");
            ask(public, &format!("203.0.113.{viewer}"), &record).await;
        }
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    let newcomer = |number: u32| format!("bl=(0),cid=\"s\",ot=v,sf=d,sid=\"late{number}\",st=l,sta=s,su,v=2");
    let mut number = 0;
    let told = eventually(15, async || {
        number += 1;
        Some(ask(public, "203.0.113.250", &newcomer(number)).await).filter(|answer| expected_kbps(answer).is_some())
    })
    .await;
    assert!(expected_kbps(&told).is_some_and(|kbps| (8_000..=11_000).contains(&kbps)), "{:?}", told.headers);
    assert!(told.suggested_kbps().is_some_and(|kbps| kbps >= 5_000), "{:?}", told.headers);
    let stranger = ask(public, "198.51.100.1", &newcomer(1_000)).await;
    assert_eq!(expected_kbps(&stranger), None, "elsewhere nobody knows");
    server.stop().await;
}
