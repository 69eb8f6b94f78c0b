//! The input log gives the decision log again, byte for byte.

use crate::support::{directory, eventually, get, metric, order, post, start, with_cmcd};
use serde_json::json;
use std::{fs, io::BufReader};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_reproduces_the_live_decisions() {
    let directory = directory("replay");
    let (inputs, decisions) = (directory.join("inputs.jsonl"), directory.join("decisions.jsonl"));
    fs::write(directory.join("live.m3u8"), "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=500000\na\n").unwrap();
    let server = start(|config| {
        config.shards = 3;
        config.edge.origin = format!("dir:{}", directory.display());
        config.log.inputs.clone_from(&inputs);
        config.log.decisions.clone_from(&decisions);
    })
    .await;
    let (public, control) = (server.public_address(), server.control_address());
    get(public, &with_cmcd("/live.m3u8", "cid=\"s\",sf=h,sid=\"m\"")).await;
    // Several writers at once, so that the order between shards is not the order of the requests.
    let players = (0..8).map(|player| {
        tokio::spawn(async move {
            for step in 0..40_u64 {
                let throughput = 700 + 137 * ((player * 7 + step * 13) % 60);
                let buffer = 400 + 311 * ((player + step) % 17);
                let record = format!("sid=\"{player}\",cid=\"c\",bl={buffer},br=3000,mtp={throughput},d=2000,ot=v");
                get(public, &with_cmcd("/decide", &record)).await;
                let sample = json!({ "session": player.to_string(), "link": { "rtt_ms": 20.125 + step as f64 / 3.0 } });
                post(public, "/v1/samples", "", sample.to_string()).await;
                tokio::time::sleep(std::time::Duration::from_millis(40)).await;
            }
        })
    });
    let players: Vec<_> = players.collect();
    order(control, "PUT", "/v1/overrides", json!({ "scope": "all", "max_bitrate_kbps": 2000.5, "for_s": 1 })).await;
    for player in players {
        player.await.unwrap();
    }
    eventually(5, async || (metric(&server, "headroom_engine_ticks_total").await > 9.0).then_some(())).await;
    server.stop().await;

    let live = fs::read(&decisions).unwrap();
    assert!(live.iter().filter(|&&byte| byte == b'\n').count() > 8, "decisions were made");
    let mut again = Vec::new();
    let replayed = headroom_server::replay(BufReader::new(fs::File::open(&inputs).unwrap()), &mut again).unwrap();
    assert_eq!(replayed.lost, 0);
    assert!(replayed.inputs > 640);
    assert_eq!(String::from_utf8(live).unwrap(), String::from_utf8(again).unwrap());
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn logs_that_cannot_be_replayed_say_why() {
    let header = r#"{"headroom_input_log":1,"shards":1,"engine":{}}"#;
    let cases = [
        (String::new(), "line 1 is not the header of an input log"),
        ("{}".into(), "line 1 is not the header of an input log"),
        (header.replace(":1,\"shards", ":9,\"shards"), "the log has format version 9, this program reads version 1"),
        (header.replace("\"shards\":1", "\"shards\":1000000"), "the header says 1000000 shards"),
        (format!("{header}\nnonsense"), "line 2 is not an input"),
        (format!("{header}\n{}", r#"{"shard":5,"tick":{"at_us":1}}"#), "line 2 names shard 5, the header says 1"),
    ];
    for (log, expected) in cases {
        let error = headroom_server::replay(log.as_bytes(), Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{log}");
    }
    let with_gap = format!("{header}\n{}\n{}", r#"{"shard":0,"tick":{"at_us":1}}"#, r#"{"lost":7}"#);
    let replayed = headroom_server::replay(with_gap.as_bytes(), Vec::new()).unwrap();
    assert_eq!((replayed.inputs, replayed.lost), (1, 7));
}
