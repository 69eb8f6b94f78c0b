//! Table tests of ladder discovery and of the cap.

use super::*;

const MULTIVARIANT: &str = "#EXTM3U\r
#EXT-X-VERSION:7\r
# a comment, kept\r
#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer?a=1,2\",PATHWAY-ID=\"A\"\r
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aud\",NAME=\"main\",DEFAULT=YES,URI=\"audio.m3u8\"\r
#EXT-X-STREAM-INF:BANDWIDTH=6000000,AVERAGE-BANDWIDTH=5000000,RESOLUTION=1920x1080,FRAME-RATE=60.000,CODECS=\"avc1.64002a,mp4a.40.2\",AUDIO=\"aud\",PATHWAY-ID=\"A\"\r
hd.m3u8\r
#EXT-X-STREAM-INF:CODECS=\"avc1,BANDWIDTH=1,mp4a\",BANDWIDTH=900000,RESOLUTION=640x360,PATHWAY-ID=\"A\"\r
\r
sd.m3u8\r
#EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720,PATHWAY-ID=\"B\"\r
b/md.m3u8\r
#EXT-X-STREAM-INF:BANDWIDTH=7000000,RESOLUTION=1920x1080,PATHWAY-ID=\"B\"\r
b/hd.m3u8\r
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=8000000,URI=\"iframe.m3u8\"\r
#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\",PATHWAY-ID=\"A\"\r
audio-only.m3u8";

const MPD: &str = r#"<?xml version="1.0"?><!-- c --><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" publishTime="not a date">
<ContentSteering defaultServiceLocation="alpha" queryBeforeStart="true">https://steer.example/m?a=1&amp;b=2</ContentSteering>
<Period><AdaptationSet contentType="video" frameRate="30000/1001" width="1280" height="720" codecs="avc1.64001f">
<Representation id="v0" bandwidth="3000000"/><Representation id="v1" bandwidth="900000" width="640" height="360" frameRate="25"></Representation>
</AdaptationSet><AdaptationSet><Representation id="a0" mimeType="audio/mp4" bandwidth="64000" codecs="mp4a.40.2"/></AdaptationSet>
<AdaptationSet><Representation id="t0" bandwidth="nan" codecs="wvtt"/></AdaptationSet></Period>
<Period><AdaptationSet contentType="video" frameRate="30000/1001" width="1280" height="720" codecs="avc1.64001f">
<Representation id="v0" bandwidth="3000000"/></AdaptationSet></Period></MPD>"#;

/// One rendition a line: id, media, peak, average, size, rate, codecs, pathway.
fn table(ladder: &Ladder) -> String {
    let size = |value: Option<u32>| value.map_or(String::from("-"), |value| value.to_string());
    let line = |rendition: &Rendition| {
        format!(
            "{} {:?} {} {} {}x{} {} {} {}\n",
            rendition.id,
            rendition.media,
            rendition.peak_bitrate_bps,
            rendition.average_bitrate_bps.map_or(String::from("-"), |value| value.to_string()),
            size(rendition.width),
            size(rendition.height),
            rendition.frame_rate.map_or(String::from("-"), |value| format!("{value:.3}")),
            rendition.codecs.as_deref().unwrap_or("-"),
            rendition.pathway.as_deref().unwrap_or("-"),
        )
    };
    ladder.renditions.iter().map(line).collect()
}

#[test]
fn reads_a_multivariant_playlist() {
    let ladder = Ladder::parse(MULTIVARIANT).unwrap();
    let steering =
        SteeringServer { uri: "/steer?a=1,2".into(), default_pathway: Some("A".into()), query_before_start: false };
    assert_eq!(ladder.steering, Some(steering));
    expect_test::expect![[r#"
        hd.m3u8 Video 6000000 5000000 1920x1080 60.000 avc1.64002a,mp4a.40.2 A
        sd.m3u8 Video 900000 - 640x360 - avc1,BANDWIDTH=1,mp4a A
        b/md.m3u8 Video 3000000 - 1280x720 - - B
        b/hd.m3u8 Video 7000000 - 1920x1080 - - B
        audio-only.m3u8 Audio 64000 - -x- - mp4a.40.2 A
    "#]]
    .assert_eq(&table(&ladder));
}

#[test]
fn reads_an_mpd() {
    let ladder = Ladder::parse(MPD).unwrap();
    let steering = SteeringServer {
        uri: "https://steer.example/m?a=1&b=2".into(),
        default_pathway: Some("alpha".into()),
        query_before_start: true,
    };
    assert_eq!(ladder.steering, Some(steering));
    expect_test::expect![[r#"
        v0 Video 3000000 - 1280x720 29.970 avc1.64001f -
        v1 Video 900000 - 640x360 25.000 avc1.64001f -
        a0 Audio 64000 - -x- - mp4a.40.2 -
        t0 Text 0 - -x- - wvtt -
    "#]]
    .assert_eq(&table(&ladder));
}

#[test]
fn refuses_what_has_no_ladder() {
    let table = [
        ("", "neither an HLS playlist nor a DASH MPD"),
        ("hello", "neither an HLS playlist nor a DASH MPD"),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n", "an HLS media playlist, which has no variants"),
        ("<html></html>", "malformed Dash document: no MPD element"),
        ("<MPD><Period></MPD>", "malformed Dash document"),
        ("<MPD", "malformed Dash document"),
    ];
    for (text, expected) in table {
        let error = Ladder::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    let long = format!("#EXTM3U\n{}", "#".repeat(MAX_PLAYLIST_BYTES));
    assert!(matches!(Ladder::parse(&long), Err(PlaylistError::TooLong { .. })));
}

#[test]
fn bounds_the_renditions_and_the_depth() {
    let many: String = (0..3 * MAX_RENDITIONS).map(|id| format!("<Representation id=\"{id}\"/>")).collect();
    assert_eq!(Ladder::parse(&format!("<MPD>{many}</MPD>")).unwrap().renditions.len(), MAX_RENDITIONS);
    let deep = format!("<MPD>{}", "<Period>".repeat(200_000));
    assert!(Ladder::parse(&deep).is_err() || Ladder::parse(&deep).unwrap().renditions.is_empty());
}

#[test]
fn caps_a_playlist_and_keeps_the_rest_byte_for_byte() {
    let lines: Vec<&str> = MULTIVARIANT.split_inclusive('\n').collect();
    // Lines of the playlist that each cap leaves out.
    let table: [(u64, &[usize], usize); 4] = [
        (u64::MAX, &[], 0),
        (6_500_000, &[12, 13], 1),
        (1_000_000, &[5, 6, 12, 13], 2),
        // The lowest of each pathway stays: 900 kbit/s and sound alone on A, 3 Mbit/s on B.
        (0, &[5, 6, 12, 13], 2),
    ];
    for (cap_bps, without, removed) in table {
        let expected: String =
            lines.iter().enumerate().filter(|(index, _)| !without.contains(index)).map(|(_, line)| *line).collect();
        let capped = cap(MULTIVARIANT, cap_bps);
        assert_eq!((capped.text.as_ref(), capped.removed), (expected.as_str(), removed), "cap {cap_bps}");
        assert_eq!(capped.kept, 5 - removed);
    }
    for other in ["", "#EXTM3U\n#EXTINF:2,\na.ts\n", "#EXT-X-STREAM-INF:BANDWIDTH=9\n", "#EXT-X-STREAM-INF:X=1\na\n"] {
        assert_eq!(cap(other, 0), CappedPlaylist { text: other.into(), kept: 0, removed: 0 }, "{other}");
    }
}
