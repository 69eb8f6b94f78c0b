//! Several edges and the autonomous systems of a table: told apart in history and alerts, by nobody else's word.

use crate::support::{directory, eventually, get, metric, send, start, with_cmcd};
use headroom_server::{Config, Server};
use http::Request;
use std::{collections::BTreeSet, net::SocketAddr, path::Path};

const TABLE: &str = "prefix,asn,name\n192.0.2.0/24,64500,Cable\n2001:db8:1::/48,64501,\"Mobile, Inc.\"\n";

/// Fires at the first round in which the odds are a thousand to one.
const RULE: &str = "[[rule]]
name = \"outlier\"
signal = \"network_outlier\"
above = 3.0
clear = 1.0
for_s = 0
hold_s = 0
predict_s = 0
min_sessions = 20
severity = \"ticket\"
summary = \"a test\"
";

/// Edges, and the first part of the addresses of each network's viewers.
const EDGES: [&str; 2] = ["eu-1", "us-1"];
const NETWORKS: [&str; 2] = ["192.0.2.", "2001:db8:1::"];
const VIEWERS: usize = 25;

async fn telling_apart(directory: &Path) -> Server {
    let (table, rules) = (directory.join("systems.csv"), directory.join("rules.toml"));
    std::fs::write(&table, TABLE).unwrap();
    std::fs::write(&rules, RULE).unwrap();
    start(|config: &mut Config| {
        config.edge.names = EDGES.map(str::to_owned).into();
        config.history.directory = directory.join("data");
        config.history.autonomous_systems_file = table;
        config.alerts.rules = rules;
    })
    .await
}

/// What a web server asks on behalf of a viewer.
async fn ask(public: SocketAddr, edge: &str, address: &str, record: &str) {
    let request = Request::get(with_cmcd("/decide", record)).header("x-headroom-edge", edge);
    let request = request.header("x-real-ip", address).body(Default::default()).unwrap();
    assert_eq!(send(public, request).await.status, http::StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn viewers_of_one_network_on_one_edge_are_told_from_the_rest() {
    let directory = directory("places");
    let server = telling_apart(&directory).await;
    let (public, control) = (server.public_address(), server.control_address());
    let alert = eventually(60, async || {
        for (edge, network) in EDGES.into_iter().flat_map(|edge| NETWORKS.map(|network| (edge, network))) {
            let stalls = if (edge, network) == (EDGES[1], NETWORKS[1]) { "bs," } else { "" };
            for viewer in 1..=VIEWERS {
                let record = format!(
                    "bl=6000,br=3000,{stalls}cid=\"s\",d=2000,mtp=9500,ot=v,sf=h,sid=\"{edge}{network}{viewer}\""
                );
                ask(public, edge, &format!("{network}{viewer}"), &record).await;
            }
        }
        get(control, "/v1/alerts").await.json()["items"].as_array()?.first().cloned()
    })
    .await;
    assert_eq!(alert["subject"], "edge=us-1,network=AS64501 Mobile, Inc.", "{alert}");
    let evidence = alert["evidence"].as_str().unwrap();
    let beginning = "viewers of AS64501 Mobile, Inc. on edge us-1 are worse off than the rest: 100.0 % of 25 stalled";
    assert!(evidence.starts_with(beginning) && evidence.contains("p ≤ 1e-"), "{evidence}");
    assert_eq!(get(control, "/v1/alerts").await.json()["total"], 1, "the others are as good as each other");

    assert!(metric(&server, "headroom_unknown_edges_total").await == 0.0);
    ask(public, "nowhere", "203.0.113.9", "cid=\"s\",sid=\"stranger\",mtp=9500,bl=6000,br=3000,sf=h").await;
    assert!(metric(&server, "headroom_unknown_edges_total").await == 1.0);
    let ticks = metric(&server, "headroom_engine_ticks_total").await;
    eventually(20, async || (metric(&server, "headroom_engine_ticks_total").await > ticks + 30.0).then_some(())).await;
    server.stop().await;

    let server = telling_apart(&directory).await;
    for (by, expected) in
        [("edge", ["eu-1", "headroom", "us-1"]), ("network", ["AS64500 Cable", "AS64501 Mobile, Inc.", "other"])]
    {
        let history = get(server.control_address(), &format!("/v1/history?by={by}")).await.json();
        let points = history["items"].as_array().unwrap();
        let groups: BTreeSet<_> = points.iter().map(|point| point["group"].as_str().unwrap()).collect();
        assert_eq!(groups, BTreeSet::from(expected), "{history}");
    }
    server.stop().await;
    for entry in std::fs::read_dir(directory.join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for address in [&b"192.0.2."[..], b"2001:db8", b"203.0.113"] {
            assert!(!bytes.windows(address.len()).any(|window| window == address), "an address is kept");
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
}

/// A player that reaches the listener itself cannot say which edge it is on.
#[tokio::test]
async fn only_web_servers_say_which_edge_they_are() {
    let server = start(|config| {
        config.edge.names = vec!["eu-1".into()];
        config.identity.forwarded_from = serde_json::from_str("\"none\"").unwrap();
    })
    .await;
    ask(server.public_address(), "nowhere", "192.0.2.1", "sid=\"a\",mtp=9500").await;
    assert!(metric(&server, "headroom_unknown_edges_total").await == 0.0, "what it says was not even read");
    server.stop().await;
}
