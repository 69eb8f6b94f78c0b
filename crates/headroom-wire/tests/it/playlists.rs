//! Playlists and manifests as they are found in the field, each standing for a kind.

use headroom_wire::playlist::{Ladder, Media, SegmentDurations, cap};
use proptest::prelude::*;

/// A multivariant playlist of `(attributes, uri)`.
fn multivariant(variants: &[(&str, &str)]) -> String {
    let lines: String = variants.iter().map(|(list, uri)| format!("#EXT-X-STREAM-INF:{list}\n{uri}\n")).collect();
    format!("#EXTM3U\n{lines}")
}

/// An MPD with `root` as attributes of its element, and `body` inside.
fn mpd(root: &str, body: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" {root}>{body}</MPD>")
}

/// An adaptation set of three video representations around `inside`.
fn video_set(inside: &str) -> String {
    format!(
        "<AdaptationSet mimeType=\"video/mp4\">{inside}<Representation id=\"l\" bandwidth=\"600000\" height=\"360\"/>\
         <Representation id=\"m\" bandwidth=\"2500000\" height=\"720\"/>\
         <Representation id=\"h\" bandwidth=\"5500000\" height=\"1080\"/></AdaptationSet>"
    )
}

/// Bitrates of at most 16 rungs, kbit/s.
fn rungs(text: &str) -> Vec<u64> {
    let ladder = Ladder::parse(text).unwrap();
    ladder.rungs(16).iter().map(|rendition| rendition.peak_bitrate_bps / 1_000).collect()
}

/// URIs of the variants that a cap leaves.
fn left(text: &str, cap_bps: u64) -> Vec<String> {
    let ladder = Ladder::parse(&cap(text, cap_bps).text).unwrap();
    ladder.renditions.into_iter().map(|rendition| rendition.id).collect()
}

#[test]
fn a_ladder_of_many_rungs_keeps_its_ends_and_merges_close_ones() {
    // Eight sizes, each with three kinds of sound.
    let video = [200_000, 500_000, 900_000, 1_600_000, 2_600_000, 3_800_000, 5_600_000, 8_000_000];
    let sound = [("mp4a.40.2", 130_000), ("ac-3", 390_000), ("ec-3", 770_000)];
    let lines: String = sound
        .iter()
        .flat_map(|(codec, more)| video.map(|bitrate| (codec, bitrate + more)))
        .map(|(codec, bitrate)| {
            format!(
                "#EXT-X-STREAM-INF:BANDWIDTH={bitrate},RESOLUTION=2x2,CODECS=\"avc1.640028,{codec}\"\n{bitrate}.m3u8\n"
            )
        })
        .collect();
    let text = format!("#EXTM3U\n{lines}");
    let found = rungs(&text);
    assert_eq!((found.len(), found.first(), found.last()), (16, Some(&330), Some(&8_770)));
    assert!(found.is_sorted());
    let widest = found.windows(2).map(|pair| pair[1] as f64 / pair[0] as f64).fold(0.0, f64::max);
    assert!(widest < 2.0, "no gap opens between the rungs that stay: {found:?}");
    assert_eq!(Ladder::parse(&text).unwrap().rungs(0).len(), 2, "the lowest and the highest always stay");
}

#[test]
fn a_cap_leaves_one_variant_for_every_kind_of_player() {
    let codecs = multivariant(&[
        ("BANDWIDTH=450000,RESOLUTION=640x360,CODECS=\"hvc1.2.4.L63.90,mp4a.40.2\"", "hevc-low"),
        ("BANDWIDTH=3600000,RESOLUTION=1920x1080,CODECS=\"hev1.2.4.L123.90,mp4a.40.5\"", "hevc-high"),
        ("BANDWIDTH=800000,RESOLUTION=640x360,CODECS=\"avc1.4d401e,mp4a.40.2\"", "avc-low"),
        ("BANDWIDTH=6000000,RESOLUTION=1920x1080,CODECS=\"avc3.640028,mp4a.40.2\"", "avc-high"),
    ]);
    assert_eq!(left(&codecs, 500_000), ["hevc-low", "avc-low"]);
    let others = multivariant(&[
        ("BANDWIDTH=900000,RESOLUTION=2x2,VIDEO-RANGE=SDR,AUDIO=\"stereo\"", "sdr-low"),
        ("BANDWIDTH=4000000,RESOLUTION=2x2,AUDIO=\"stereo\"", "sdr-high"),
        ("BANDWIDTH=3000000,RESOLUTION=2x2,VIDEO-RANGE=PQ,AUDIO=\"stereo\"", "hdr-low"),
        ("BANDWIDTH=9000000,RESOLUTION=2x2,VIDEO-RANGE=PQ,AUDIO=\"stereo\"", "hdr-high"),
        ("BANDWIDTH=1300000,RESOLUTION=2x2,AUDIO=\"surround\"", "surround-low"),
        ("BANDWIDTH=4400000,RESOLUTION=2x2,AUDIO=\"surround\"", "surround-high"),
        ("BANDWIDTH=900000,RESOLUTION=2x2,AUDIO=\"stereo\",PATHWAY-ID=\"b\"", "pathway-low"),
        ("BANDWIDTH=4000000,RESOLUTION=2x2,AUDIO=\"stereo\",PATHWAY-ID=\"b\"", "pathway-high"),
    ]);
    assert_eq!(left(&others, 1), ["sdr-low", "hdr-low", "surround-low", "pathway-low"]);
}

#[test]
fn sound_alone_is_no_rung_and_not_all_that_a_cap_leaves() {
    for (codecs, more) in [("", ""), (",CODECS=\"mp4a.40.2\"", ",CODECS=\"avc1.4d401f,mp4a.40.2\"")] {
        let text = multivariant(&[
            (&format!("BANDWIDTH=64000{codecs}"), "audio"),
            (&format!("BANDWIDTH=800000,RESOLUTION=640x360{more}"), "360"),
            (&format!("BANDWIDTH=2400000,RESOLUTION=1280x720{more}"), "720"),
        ]);
        assert_eq!(rungs(&text), [800, 2_400]);
        assert_eq!(left(&text, 100_000), ["audio", "360"]);
    }
    let unsaid = multivariant(&[("BANDWIDTH=800000", "a"), ("BANDWIDTH=2400000", "b")]);
    assert_eq!(rungs(&unsaid), [800, 2_400], "without any size all may show pictures");
}

#[test]
fn thumbnails_and_trick_mode_are_no_rungs() {
    let thumbnails = "<AdaptationSet mimeType=\"image/jpeg\" contentType=\"image\"><Representation id=\"t\" bandwidth=\"12288\" \
                      width=\"1024\" height=\"1152\"><EssentialProperty schemeIdUri=\"http://dashif.org/thumbnail_tile\" \
                      value=\"10x20\"/></Representation></AdaptationSet>";
    let by_representation =
        "<AdaptationSet><Representation mimeType=\"image/png\" bandwidth=\"9000\" height=\"90\"/></AdaptationSet>";
    let trick = "<AdaptationSet contentType=\"video\"><EssentialProperty schemeIdUri=\"http://dashif.org/guidelines/trickmode\" \
                 value=\"1\"/><Representation id=\"x\" bandwidth=\"100000\" height=\"360\"/></AdaptationSet>";
    for extra in [thumbnails, by_representation, trick] {
        for body in [format!("{}{extra}", video_set("")), format!("{extra}{}", video_set(""))] {
            assert_eq!(rungs(&mpd("", &format!("<Period>{body}</Period>"))), [600, 2_500, 5_500], "{body}");
        }
    }
    let ladder = Ladder::parse(&mpd("", &format!("<Period>{trick}</Period>"))).unwrap();
    assert_eq!(ladder.renditions[0].media, Media::TrickMode);
    let frames =
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000\na\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,URI=\"i\"\n";
    assert_eq!(rungs(frames), [800]);
}

#[test]
fn attributes_that_are_a_little_off_are_read() {
    type Form = dyn Fn(u32, &str) -> String;
    let forms: [&Form; 7] = [
        &|bitrate, size| format!("BANDWIDTH={bitrate}.0,RESOLUTION={size}"),
        &|bitrate, size| format!("BANDWIDTH={bitrate},RESOLUTION=\"{size}\",FRAME-RATE=\"30\""),
        &|bitrate, size| format!("BANDWIDTH={bitrate},CODECS=\"\",RESOLUTION={size}"),
        &|bitrate, size| format!("PROGRAM-ID=1, BANDWIDTH={bitrate}, RESOLUTION={size}"),
        &|bitrate, size| format!("Bandwidth={bitrate},resolution={size}"),
        &|bitrate, size| format!("BANDWIDTH = {bitrate} ,RESOLUTION= {size}\r"),
        &|bitrate, size| format!("AVERAGE-BANDWIDTH={bitrate},BANDWIDTH=,RESOLUTION={size}"),
    ];
    for form in forms {
        let rows = [form(800_000, "640x360"), form(2_400_000, "1280x720"), form(6_000_000, "1920x1080")];
        let text = multivariant(&[(&rows[0], "a"), (&rows[1], "b"), (&rows[2], "c")]);
        let ladder = Ladder::parse(&text).unwrap();
        assert_eq!(rungs(&text), [800, 2_400, 6_000], "{text}");
        let heights: Vec<_> = ladder.renditions.iter().map(|rendition| rendition.height).collect();
        assert_eq!(heights, [Some(360), Some(720), Some(1_080)], "{text}");
        assert_eq!(ladder.unread_count, 0, "{text}");
    }
    let set = "<AdaptationSet contentType=\"video\"><Representation id=\"a\" bandwidth=\"800000.0\" width=\"\" height=\" 360 \"/></AdaptationSet>";
    assert_eq!(rungs(&mpd("", &format!("<Period>{set}</Period>"))), [800]);
}

#[test]
fn attributes_that_cannot_be_read_are_named() {
    let hls = multivariant(&[("BANDWIDTH=fast,RESOLUTION=big", "a"), ("BANDWIDTH=800000,FRAME-RATE=-1", "b")]);
    let set = "<AdaptationSet contentType=\"video\"><Representation id=\"v\" bandwidth=\"much\"/></AdaptationSet>";
    let cases = [(hls, "a BANDWIDTH fast, a RESOLUTION big, b FRAME-RATE -1"), (mpd("", set), "v bandwidth much")];
    for (text, expected) in cases {
        let ladder = Ladder::parse(&text).unwrap();
        let named: Vec<_> = ladder
            .unread
            .iter()
            .map(|unread| format!("{} {} {}", unread.rendition, unread.name, unread.value))
            .collect();
        assert_eq!((named.join(", ").as_str(), ladder.unread_count), (expected, named.len()));
    }
    let many: String = (0..100).map(|id| format!("#EXT-X-STREAM-INF:BANDWIDTH={}\n{id}\n", "x".repeat(99))).collect();
    let ladder = Ladder::parse(&format!("#EXTM3U\n{many}")).unwrap();
    assert_eq!((ladder.unread.len(), ladder.unread[0].value.len(), ladder.unread_count), (8, 64, 100));
}

#[test]
fn segment_durations_are_found_wherever_they_are() {
    let template = "<SegmentTemplate timescale=\"1000\" duration=\"6000\"/>";
    let timeline = "<SegmentTemplate timescale=\"90000\"><SegmentTimeline><S t=\"0\" d=\"180000\" r=\"3\"/><S d=\"90000\"/>\
                    </SegmentTimeline></SegmentTemplate>";
    let sound = "<AdaptationSet mimeType=\"audio/mp4\"><SegmentTemplate duration=\"9\"/><Representation bandwidth=\"1\"/></AdaptationSet>";
    let by_set = |inside: &str| format!("<Period>{}{sound}</Period>", video_set(inside));
    let inside_representation = format!(
        "<Period><AdaptationSet contentType=\"video\"><SegmentTemplate timescale=\"1000\"/>\
         <Representation bandwidth=\"1\">{}</Representation></AdaptationSet></Period>",
        "<SegmentTemplate duration=\"4000\"/>"
    );
    let cases = [
        ("maxSegmentDuration=\"PT2S\"", by_set(template), Some(2.0)),
        ("maxSegmentDuration=\"P0Y0M0DT0H0M4.000S\"", by_set(""), Some(4.0)),
        ("", by_set(template), Some(6.0)),
        ("", by_set(timeline), Some(2.0)),
        ("", by_set("<SegmentList duration=\"3\"/>"), Some(3.0)),
        ("", format!("<Period>{template}{}{}</Period>", video_set(""), video_set("")), Some(6.0)),
        ("", inside_representation, Some(4.0)),
        ("", by_set(""), None),
        ("maxSegmentDuration=\"soon\"", by_set("<SegmentTemplate duration=\"0\"/>"), None),
    ];
    for (root, body, expected) in cases {
        assert_eq!(Ladder::parse(&mpd(root, &body)).unwrap().segment_duration_s, expected, "{root} {body}");
    }
    let parts = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXTINF:4.0,\ns.mp4\n\
                 #EXT-X-PART:DURATION=0.5,URI=\"s.0.mp4\"\n";
    assert_eq!(SegmentDurations::parse(parts), SegmentDurations { segment_s: Some(4.0), part_s: Some(0.5) });
    let neither = "#EXTM3U\n#EXT-X-TARGETDURATION:none\n#EXT-X-PART-INF:\n";
    assert_eq!(SegmentDurations::parse(neither), SegmentDurations::default());
}

#[test]
fn periods_and_advertisements_do_not_change_the_ladder() {
    let content = |head: &str| format!("<Period {head}>{}</Period>", video_set(""));
    let advertisement = |head: &str| {
        format!(
            "<Period {head}><AdaptationSet contentType=\"video\"><Representation id=\"ad\" bandwidth=\"1234000\"/></AdaptationSet></Period>"
        )
    };
    for body in [
        format!("{}{}", content("start=\"PT0S\""), content("start=\"PT600S\"")),
        format!("{}{}{}", content("duration=\"PT600S\""), advertisement("duration=\"PT30S\""), content("")),
        format!("{}{}", advertisement("start=\"PT0S\" duration=\"PT15S\""), content("")),
        format!("<Period xlink:href=\"https://ads.example/\" duration=\"PT99S\"/>{}", content("")),
    ] {
        assert_eq!(rungs(&mpd("type=\"dynamic\"", &body)), [600, 2_500, 5_500], "{body}");
    }
}

#[test]
fn what_is_rich_and_right_stays_as_it_is() {
    let text = "\u{feff}#EXTM3U\n#EXT-X-VERSION:12\n#EXT-X-DEFINE:NAME=\"p\",VALUE=\"live/x\"\n\
        #EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer?x=1\",PATHWAY-ID=\"A\"\n\
        #EXT-X-SESSION-DATA:DATA-ID=\"com.example.t\",VALUE=\"Title, with comma\"\n\
        #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"EN\",INSTREAM-ID=\"CC1\"\n\
        #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"EN\",FORCED=NO,URI=\"s.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS=\"avc1.4d401e,mp4a.40.2\",\
        SUPPLEMENTAL-CODECS=\"dvh1.08.07/db4h,lvc1\",VIDEO-RANGE=SDR,REQ-VIDEO-LAYOUT=\"CH-MONO\",SCORE=1.5,PATHWAY-ID=\"A\"\n\
        https://cdn.example/{$p}/360.m3u8?sig=a%2Fb~acl=%2f*~\n\
        #EXT-X-STREAM-INF:BANDWIDTH=6000000,RESOLUTION=1920x1080,CODECS=\"avc1.640028,mp4a.40.2\",SCORE=9,PATHWAY-ID=\"A\"\n\
        https://cdn.example/{$p}/1080.m3u8\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=150000,URI=\"if.m3u8\"\n";
    assert_eq!(rungs(text), [800, 6_000]);
    assert_eq!(cap(text, u64::MAX).text, text);
    let (start, end) =
        (text.find("#EXT-X-STREAM-INF:BANDWIDTH=6000000").unwrap(), text.find("#EXT-X-I-FRAME").unwrap());
    assert_eq!(cap(text, 1_000_000).text, format!("{}{}", &text[..start], &text[end..]));
    let prefixed = "<mpd:MPD xmlns:mpd=\"urn:mpeg:dash:schema:mpd:2011\" maxSegmentDuration=\"PT4S\"><mpd:Period>\
        <mpd:EventStream><mpd:Event id=\"1\"/></mpd:EventStream><mpd:AdaptationSet contentType=\"video\">\
        <mpd:Representation id=\"x\" bandwidth=\"1000000\"/></mpd:AdaptationSet></mpd:Period></mpd:MPD>";
    assert_eq!((rungs(prefixed), Ladder::parse(prefixed).unwrap().segment_duration_s), (vec![1_000], Some(4.0)));
}

proptest! {
    /// Whatever is cut, what remains is a playlist with the head, the tags and the order of the whole, and the lowest
    /// variant with pictures is still there.
    #[test]
    fn a_cut_playlist_plays(
        variants in prop::collection::vec((1_u64..20_000_000, 0_usize..4, any::<bool>(), 0_usize..2), 1..30),
        cap_bps in 0_u64..20_000_000,
    ) {
        let codecs = ["", ",CODECS=\"avc1.64001f,mp4a.40.2\"", ",CODECS=\"hvc1.1.6.L93,ec-3\"", ",CODECS=\"mp4a.40.2\""];
        let rows: Vec<String> = variants
            .iter()
            .map(|&(bitrate, codec, sized, pathway)| {
                let size = if sized && codec != 3 { ",RESOLUTION=640x360" } else { "" };
                format!("BANDWIDTH={bitrate}{}{size},PATHWAY-ID=\"{pathway}\"", codecs[codec])
            })
            .collect();
        let names: Vec<String> = (0..rows.len()).map(|at| format!("v{at}.m3u8")).collect();
        let pairs: Vec<_> = rows.iter().map(String::as_str).zip(names.iter().map(String::as_str)).collect();
        let text = format!("{}#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i\"\n", multivariant(&pairs));
        let capped = cap(&text, cap_bps);
        prop_assert_eq!(capped.kept + capped.removed, rows.len());
        prop_assert!(capped.text.starts_with("#EXTM3U\n") && capped.text.ends_with("URI=\"i\"\n"));
        let lines: Vec<_> = capped.text.lines().collect();
        let mut all = text.lines();
        prop_assert!(lines.iter().all(|line| all.any(|known| known == *line)), "order and bytes stay");
        let (before, after) = (Ladder::parse(&text).unwrap(), Ladder::parse(&capped.text).unwrap());
        for pathway in ["0", "1"] {
            let lowest = |ladder: &Ladder| {
                let own = ladder.renditions.iter().filter(|rendition| rendition.pathway.as_deref() == Some(pathway));
                own.filter(|rendition| rendition.media == Media::Video).map(|rendition| rendition.peak_bitrate_bps).min()
            };
            prop_assert_eq!(lowest(&before), lowest(&after));
        }
        prop_assert_eq!(cap(&capped.text, cap_bps).removed, 0, "once is enough");
    }

    /// Every kind of player finds something: of each codec family, dynamic range, pathway, layout and audio group that offers what
    /// no other does, a variant stays, and it is the lowest of its kind.
    #[test]
    fn a_cut_leaves_something_for_every_kind_of_player(
        variants in prop::collection::vec((1_u64..20_000_000, 0_usize..4, 0_usize..3, 0_usize..2, 0_usize..4, any::<bool>()), 1..40),
        cap_bps in 0_u64..20_000_000,
    ) {
        let codecs = ["avc1.64001f,mp4a.40.2", "hvc1.1.6.L93,mp4a.40.2", "av01.0.04M.08,opus", "vvc1.1.L51,ec-3"];
        let (ranges, layouts) = (["SDR", "PQ", "HLG"], ["CH-MONO", "CH-STEREO"]);
        // The last differs from the first in bitrate alone.
        let groups = [("lo", "en\",NAME=\"EN\",CHANNELS=\"2"), ("de", "de\",NAME=\"DE\",CHANNELS=\"2"),
            ("sur", "en\",NAME=\"EN\",CHANNELS=\"6"), ("hi", "en\",NAME=\"EN\",CHANNELS=\"2")];
        let media: String = groups
            .iter()
            .map(|(group, offers)| format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",LANGUAGE=\"{offers}\",URI=\"{group}\"\n"))
            .collect();
        let kinds: Vec<_> = variants.iter().map(|&(_, codec, range, pathway, group, stereo)| (codec, range, pathway, group % 3, stereo)).collect();
        let rows: Vec<String> = variants
            .iter()
            .map(|&(bitrate, codec, range, pathway, group, stereo)| {
                let (codec, range, layout, group) = (codecs[codec], ranges[range], layouts[usize::from(stereo)], groups[group].0);
                format!("BANDWIDTH={bitrate},CODECS=\"{codec}\",VIDEO-RANGE={range},PATHWAY-ID=\"{pathway}\",REQ-VIDEO-LAYOUT=\"{layout}\",AUDIO=\"{group}\"")
            })
            .collect();
        let names: Vec<String> = (0..rows.len()).map(|at| format!("v{at}")).collect();
        let pairs: Vec<_> = rows.iter().map(String::as_str).zip(names.iter().map(String::as_str)).collect();
        let text = multivariant(&pairs).replacen('\n', &format!("\n{media}"), 1);
        let stays = left(&text, cap_bps);
        for (at, kind) in kinds.iter().enumerate() {
            let alike = |other: &usize| kinds[*other] == *kind;
            let lowest = (0..kinds.len()).filter(alike).map(|other| variants[other].0).min();
            let expected = variants[at].0 <= cap_bps || Some(variants[at].0) == lowest;
            prop_assert_eq!(stays.contains(&names[at]), expected, "{} of {}", names[at], text);
        }
    }
}
