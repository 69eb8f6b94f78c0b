//! Playlists and manifests in the forms that packagers write: whoever asks nothing of the edge gets them byte for byte, and what it
//! cuts for an order still plays.

use crate::support::{directory, get, order, start};
use headroom_wire::playlist::{Ladder, PlaylistError};
use http::StatusCode;
use serde_json::json;

/// What may stand before the variants.
const HEADS: [&str; 7] = [
    "",
    "#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n",
    "## made by nobody\n\n#EXT-X-START:TIME-OFFSET=-6,PRECISE=YES\n",
    "#EXT-X-DEFINE:NAME=\"p\",VALUE=\"live\"\n#EXT-X-DEFINE:QUERYPARAM=\"tok\"\n",
    "#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer?x=1\",PATHWAY-ID=\"A\"\n",
    "#EXT-X-SESSION-DATA:DATA-ID=\"com.example.t\",VALUE=\"Title, with comma\"\n",
    "#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n",
];

/// Variants, and what belongs to them.
const LADDERS: [&str; 12] = [
    "#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nl.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2400000,RESOLUTION=1280x720\nh.m3u8\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"EN\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"a.m3u8\"\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"EN\",LANGUAGE=\"en\",CHANNELS=\"6\",URI=\"b.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO=\"a\",CODECS=\"avc1.4d401e,mp4a.40.2\",RESOLUTION=640x360\nl.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2900000,AUDIO=\"b\",CODECS=\"avc1.4d401e,ec-3\",RESOLUTION=1280x720\nh.m3u8\n",
    "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"EN\",FORCED=NO,URI=\"s.m3u8\"\n#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"EN\",INSTREAM-ID=\"CC1\"\n#EXT-X-STREAM-INF:BANDWIDTH=800000,SUBTITLES=\"s\",CLOSED-CAPTIONS=\"c\"\nl.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=5000000,SUBTITLES=\"s\",CLOSED-CAPTIONS=NONE\nh.m3u8\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nl.m3u8\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=86000,RESOLUTION=640x360,URI=\"i.m3u8\"\n#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=12000,RESOLUTION=320x180,CODECS=\"jpeg\",URI=\"t.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=6000000,RESOLUTION=1920x1080\nh.m3u8\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=900000,VIDEO-RANGE=SDR,CODECS=\"hvc1.2.4.L93.B0\"\nl.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=3000000,VIDEO-RANGE=PQ,CODECS=\"dvh1.05.03\",SUPPLEMENTAL-CODECS=\"dvh1.08.07/db4h\"\nm.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=9000000,VIDEO-RANGE=HLG,CODECS=\"hvc1.2.4.L123.B0\"\nh.m3u8\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=900000,PATHWAY-ID=\"A\",STABLE-VARIANT-ID=\"v1\"\nhttps://a.example/l.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=900000,PATHWAY-ID=\"B\",STABLE-VARIANT-ID=\"v1\"\nhttps://b.example/l.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=4000000,PATHWAY-ID=\"A\"\nhttps://a.example/h.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=4000000,PATHWAY-ID=\"B\"\nhttps://b.example/h.m3u8\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=800000,AVERAGE-BANDWIDTH=700000\nl.m3u8?tok={$tok}&sig=a%2Fb~acl=%2f*~\n#EXT-X-STREAM-INF:BANDWIDTH=6000000\n../{$p}/h.m3u8?a=b#c\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=800000,SCORE=1.5,HDCP-LEVEL=NONE\nl.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=8000000,SCORE=9,HDCP-LEVEL=TYPE-1,REQ-VIDEO-LAYOUT=\"CH-STEREO\",ALLOWED-CPC=\"com.example:A/B\"\nh.m3u8\n",
    "#EXT-X-STREAM-INF:PROGRAM-ID=1, BANDWIDTH=800000, RESOLUTION=640x360\n# a comment between\n\nl.m3u8\n#EXT-X-STREAM-INF:PROGRAM-ID=1, BANDWIDTH=2400000.0, RESOLUTION=\"1280x720\"\nh.m3u8\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\"\na.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS=\"avc1.4d401e,mp4a.40.2\"\nv.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2800000,CODECS=\"avc1.4d401f,mp4a.40.2\"\nw.m3u8\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=700000,CODECS=\"av01.0.04M.08,opus\",FRAME-RATE=59.940\nl.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1200000,CODECS=\"avc1.4d401e,mp4a.40.2,wvtt\",FRAME-RATE=\"30\"\nm.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=5200000,CODECS=\"av01.0.08M.08,opus\"\nh.m3u8\n",
    "#EXT-X-STREAM-INF:bandwidth=800000,CODECS=\"\"\nl.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS=\"\"\nl-backup.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=lots,X-COM-EXAMPLE=\"1\"\nunread.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2800000,CODECS=\"\"\nh.m3u8\n",
];

const MEDIA: [&str; 6] = [
    "#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\ns1.ts\n#EXTINF:3.96,a title, with comma\ns2.ts\n",
    "#EXT-X-TARGETDURATION:6\n#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"700@0\"\n#EXTINF:6,\n#EXT-X-BYTERANGE:9000@700\nall.mp4\n#EXT-X-ENDLIST\n",
    "#EXT-X-TARGETDURATION:4\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5,CAN-SKIP-UNTIL=24\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXT-X-PART:DURATION=0.5,URI=\"p.mp4\",INDEPENDENT=YES\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"q.mp4\"\n#EXT-X-RENDITION-REPORT:URI=\"../b.m3u8\",LAST-MSN=1,LAST-PART=0\n",
    "#EXT-X-TARGETDURATION:2\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x00\n#EXTINF:2,\ns.ts\n#EXT-X-GAP\n#EXTINF:2,\ngap.ts\n",
    "#EXT-X-TARGETDURATION:2\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXT-X-DATERANGE:ID=\"ad\",START-DATE=\"2026-01-01T00:00:00Z\",SCTE35-OUT=0xFC\n#EXT-X-CUE-OUT:30\n#EXTINF:2,\ns.ts\n",
    "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-BITRATE:900\n#EXT-X-I-FRAMES-ONLY\n",
];

const ROOTS: [&str; 5] = [
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT1M\">BODY</MPD>",
    "<MPD type=\"dynamic\" maxSegmentDuration=\"P0Y0M0DT0H0M2.000S\" minimumUpdatePeriod='PT2S'>\r\n<!-- a > comment -->BODY</MPD>\r\n",
    "\u{feff}<?xml version='1.0'?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"><ProgramInformation><Title><![CDATA[a & b]]></Title></ProgramInformation>BODY</MPD>",
    "<MPD><ContentSteering defaultServiceLocation=\"a\" queryBeforeStart=\"true\">https://s.example/st?a=1&amp;b=2</ContentSteering><BaseURL serviceLocation=\"a\">https://a.example/</BaseURL>BODY</MPD>",
    "<MPD><PatchLocation ttl=\"60\">p.mpp</PatchLocation><ServiceDescription id=\"0\"><Latency target=\"3000\"/></ServiceDescription>BODY<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-xsdate:2014\" value=\"t\"/></MPD>",
];

const VIDEO: &str = "<Representation id=\"l\" bandwidth=\"600000\" width=\"640\" height=\"360\"/><Representation id=\"h\" bandwidth=\"2500000\" width=\"1280\" height=\"720\"/>";

const PERIODS: [&str; 6] = [
    "<Period><AdaptationSet mimeType=\"video/mp4\"><SegmentTemplate timescale=\"1000\" duration=\"2000\" media=\"$RepresentationID$/$Number$.m4s\"/>VIDEO</AdaptationSet></Period>",
    "<Period start=\"PT0S\"><AdaptationSet contentType=\"video\"><SegmentTemplate timescale=\"90000\"><SegmentTimeline><S t=\"0\" d=\"180000\" r=\"9\"/></SegmentTimeline></SegmentTemplate>VIDEO</AdaptationSet></Period>",
    "<Period><AdaptationSet mimeType=\"video/mp4\"><SegmentList duration=\"4\"><SegmentURL media=\"1.m4s\"/></SegmentList>VIDEO</AdaptationSet><AdaptationSet mimeType=\"audio/mp4\" lang=\"en\"><Representation id=\"a\" bandwidth=\"96000\"/></AdaptationSet></Period>",
    "<Period duration=\"PT30S\"><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"ad\" bandwidth=\"900000\" height=\"480\"/></AdaptationSet></Period><Period duration=\"PT600S\"><AdaptationSet mimeType=\"video/mp4\">VIDEO</AdaptationSet></Period>",
    "<Period><AdaptationSet mimeType=\"video/mp4\"><ContentProtection schemeIdUri=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\"><x:pssh xmlns:x=\"urn:mpeg:cenc:2013\">AAAA</x:pssh></ContentProtection>VIDEO</AdaptationSet><AdaptationSet mimeType=\"image/jpeg\"><Representation id=\"t\" bandwidth=\"12288\"/></AdaptationSet></Period>",
    "<Period><EventStream schemeIdUri=\"urn:scte:scte35:2013:xml\"><Event id=\"1\"/></EventStream><AdaptationSet mimeType=\"video/mp4\"><SegmentTemplate availabilityTimeOffset=\"1.5\" availabilityTimeComplete=\"false\" duration=\"2\"/>VIDEO</AdaptationSet></Period>",
];

/// File names and their content.
fn forms() -> Vec<(String, String)> {
    let mut forms = Vec::new();
    for (index, head) in HEADS.iter().enumerate() {
        for (ladder, variants) in LADDERS.iter().enumerate() {
            let text = format!("#EXTM3U\n{head}{variants}");
            // Line ends, a mark at the beginning and a missing last line end go round.
            let text = match (index + ladder) % 4 {
                0 => text,
                1 => text.replace('\n', "\r\n"),
                2 => format!("\u{feff}{text}"),
                _ => text.trim_end().to_owned(),
            };
            forms.push((format!("master-{index}-{ladder}.m3u8"), text));
        }
    }
    for (index, media) in MEDIA.iter().enumerate() {
        forms.push((format!("media-{index}.m3u8"), format!("#EXTM3U\n#EXT-X-VERSION:9\n{media}")));
    }
    for (index, root) in ROOTS.iter().enumerate() {
        for (period, body) in PERIODS.iter().enumerate() {
            forms.push((format!("live-{index}-{period}.mpd"), root.replace("BODY", body).replace("VIDEO", VIDEO)));
        }
    }
    forms
}

#[tokio::test]
async fn every_form_passes_byte_for_byte_and_what_is_cut_still_plays() {
    let forms = forms();
    assert!(forms.len() >= 100, "{}", forms.len());
    let directory = directory("forms");
    for (name, text) in &forms {
        std::fs::write(directory.join(name), text).unwrap();
    }
    let server = start(|config| config.edge.origin = format!("dir:{}", directory.display())).await;
    let (public, control) = (server.public_address(), server.control_address());
    for (name, text) in &forms {
        let answer = get(public, &format!("/{name}")).await;
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, text.as_bytes()), "{name}");
        assert_eq!(answer.header("content-length").parse(), Ok(text.len()), "{name}");
    }
    let body = json!({ "scope": "all", "max_bitrate_kbps": 1 });
    assert_eq!(order(control, "PUT", "/v1/overrides", body).await.status, StatusCode::OK);
    for (name, text) in &forms {
        let answer = get(public, &format!("/{name}")).await;
        match (Ladder::parse(text), Ladder::parse(answer.text())) {
            (Ok(whole), Ok(left)) => {
                assert!(!left.renditions.is_empty(), "{name}");
                let pictures = |ladder: &Ladder| !ladder.rungs(16).is_empty();
                assert_eq!(pictures(&whole), pictures(&left), "{name}");
                let stays = |line: &str| text.lines().any(|before| before.trim_end() == line.trim_end());
                assert!(answer.text().lines().all(stays), "{name}: only whole lines are taken out");
            }
            (Err(PlaylistError::MediaPlaylist), Err(PlaylistError::MediaPlaylist)) => {
                assert_eq!(answer.text(), text, "{name}");
            }
            (whole, left) => panic!("{name}: {whole:?} {left:?}"),
        }
    }
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}
