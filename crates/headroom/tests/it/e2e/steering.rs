//! Content Steering: one order at the control listener moves players from one pathway to another and back.

use crate::stack::{Headroom, Kind, LiveStream, Player, Report, Tool, artifacts, edge_configuration, have};
use serde_json::json;
use std::{fmt::Write, fs, net::SocketAddr, path::Path, time::Duration};

/// Seconds after which players ask again.
const TTL_S: u64 = 4;
/// Within this time a player has to be on the other pathway.
const MOVE: Duration = Duration::from_secs(3 * TTL_S);
const START: Duration = Duration::from_secs(60);

#[test]
fn hls_js_follows_the_pathway_order() {
    follows_the_order(Kind::Hls);
}

#[test]
fn dash_js_follows_the_pathway_order() {
    follows_the_order(Kind::Dash);
}

fn follows_the_order(kind: Kind) {
    if !have(&[Tool::Ffmpeg, Tool::Nginx, Tool::NginxRtmp, Tool::Browser]) {
        return;
    }
    let directory = artifacts(&format!("steering-{}", kind.name()));
    let live = LiveStream::start(&directory);
    let mut configuration = edge_configuration(live.origin());
    let mut steering = toml::toml! { pathways = ["near", "far"] };
    steering.insert("ttl_s".into(), i64::try_from(TTL_S).expect("a few seconds").into());
    configuration.insert("steering".into(), steering.into());
    let headroom = Headroom::start(&configuration, &directory);
    // The near pathway is our edge, the far one a server that knows nothing of us: the origin itself.
    let (near, far) = (headroom.public(), live.origin());
    let manifest = match kind {
        Kind::Hls | Kind::HlsAsking => steered_playlist(live.media(), near, far),
        Kind::Dash | Kind::DashAsking | Kind::Shaka | Kind::ShakaAsking => steered_mpd(live.media(), near, far),
    };
    let serves = |server: SocketAddr| move |report: &Report| report.is_segment() && report.host == server.to_string();

    let mut player = Player::start(kind, near, manifest, &directory);
    player.wait_for("a segment from the near pathway", START, serves(near));
    assert!(!player.reports().iter().any(serves(far)), "the far pathway is not asked for");

    headroom.control_request("PUT", "/v1/pathways", &json!({ "order": ["far", "near"] }));
    let (_, away) = player.wait_for("a segment from the far pathway", MOVE, serves(far));
    // Requests under way may still end on the near pathway; two segments later none is.
    player.wait_for("a second segment from the far pathway", MOVE, serves(far));
    headroom.control_request("PUT", "/v1/pathways", &json!({ "order": ["near", "far"] }));
    let (_, back) = player.wait_for("a segment from the near pathway again", MOVE, serves(near));
    println!("{kind:?}: moved away after {away:.1?}, back after {back:.1?}, TTL {TTL_S} s");

    let reports = player.finish();
    let errors: Vec<_> = reports.iter().filter(|report| report.event == "error").collect();
    assert!(errors.is_empty(), "{errors:?}");
}

/// The multivariant playlist with every variant and its audio on both pathways (rfc8216bis, section 7).
fn steered_playlist(media: &Path, near: SocketAddr, far: SocketAddr) -> &'static str {
    let master = fs::read_to_string(media.join("master.m3u8")).expect("the ladder has written it");
    let mut steered = String::from("#EXTM3U\n#EXT-X-VERSION:7\n");
    let _ = writeln!(
        steered,
        "#EXT-X-CONTENT-STEERING:SERVER-URI=\"http://{near}/v1/steering?session=hls\",PATHWAY-ID=\"near\""
    );
    for (pathway, server) in [("near", near), ("far", far)] {
        for line in master.lines().skip(2).filter(|line| !line.is_empty()) {
            let line = line
                .replace("\"group_A1\"", &format!("\"audio-{pathway}\""))
                .replace("URI=\"", &format!("URI=\"http://{server}/"));
            let _ = match line.strip_prefix("#EXT-X-STREAM-INF:") {
                Some(attributes) => writeln!(steered, "#EXT-X-STREAM-INF:PATHWAY-ID=\"{pathway}\",{attributes}"),
                None if line.starts_with('#') => writeln!(steered, "{line}"),
                None => writeln!(steered, "http://{server}/{line}"),
            };
        }
    }
    fs::write(media.join("steered.m3u8"), steered).expect("the media directory is writable");
    "steered.m3u8"
}

/// The MPD with two base URLs and the steering server (ETSI TS 103 998).
fn steered_mpd(media: &Path, near: SocketAddr, far: SocketAddr) -> &'static str {
    let mpd = fs::read_to_string(media.join("live.mpd")).expect("the ladder has written it");
    let steering = format!(
        "<BaseURL serviceLocation=\"near\">http://{near}/</BaseURL>\n\
         <BaseURL serviceLocation=\"far\">http://{far}/</BaseURL>\n\
         <ContentSteering defaultServiceLocation=\"near\" queryBeforeStart=\"true\">\
         http://{near}/v1/steering?session=dash</ContentSteering>\n<Period "
    );
    let steered = mpd.replacen("<Period ", &steering, 1);
    fs::write(media.join("steered.mpd"), steered).expect("the media directory is writable");
    "steered.mpd"
}
