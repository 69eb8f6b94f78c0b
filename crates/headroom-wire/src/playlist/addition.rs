//! What a server between packager and player writes into manifests; every other byte stays as it is.
//!
//! A manifest that already says something about the same matter is left alone: the packager knows better.

use quick_xml::{Reader, escape::escape, events::Event};
use std::{fmt::Write as _, ops::Range};

/// CMCD as an MPD asks players for it (ISO/IEC 23009-1, `CMCDParameters` of DASH-IF's CTA-5004 descriptor).
#[derive(Clone, Copy, Debug)]
pub struct CmcdParameters<'a> {
    /// CMCD version, 1 or 2.
    pub version: u8,
    /// `query` or `header`.
    pub mode: &'a str,
    /// Keys to send; empty: all that the player knows.
    pub keys: &'a [String],
    /// Kinds of requests that carry them: `segment`, `mpd`, `steering`, ….
    pub include_in_requests: &'a [String],
    /// Name of the content (CMCD `cid`).
    pub content_id: &'a str,
    /// Name of the session (CMCD `sid`).
    pub session_id: &'a str,
}

/// Content Steering as a manifest announces it (RFC 8216bis §4.4.6.6, ETSI TS 103 998).
#[derive(Clone, Copy, Debug)]
pub struct SteeringAnnouncement<'a> {
    /// Where players ask.
    pub server_uri: &'a str,
    /// Pathways (service locations), best first.
    pub pathways: &'a [String],
}

/// Scheme of CMCD version 1 and of version 2 in an MPD.
const SCHEMES: [&str; 2] = ["urn:mpeg:dash:cta-5004:2023", "urn:dashif:cta-5004:2025"];

/// An MPD that asks its players for CMCD; `None` when it does so already, or is no MPD.
///
/// Players obey one service description, the last, so the request stands in each that is there, or in one of its own.
#[must_use]
pub fn with_cmcd(mpd: &str, parameters: &CmcdParameters<'_>) -> Option<String> {
    let outline = Outline::of(mpd)?;
    if outline.reports {
        return None;
    }
    let reporting = reporting(&outline.prefix, parameters);
    let prefix = &outline.prefix;
    if outline.descriptions.is_empty() {
        let alone = format!("<{prefix}ServiceDescription id=\"0\">{reporting}</{prefix}ServiceDescription>");
        return Some(spliced(mpd, &[(outline.body..outline.body, alone)]));
    }
    let edits = outline.descriptions.iter().map(|description| match description {
        Description::Open { end } => (*end..*end, reporting.clone()),
        Description::Empty { whole } => {
            let tag = mpd[whole.clone()].trim_end_matches('>').trim_end_matches('/').trim_end();
            (whole.clone(), format!("{tag}>{reporting}</{prefix}ServiceDescription>"))
        }
    });
    Some(spliced(mpd, &edits.collect::<Vec<_>>()))
}

/// A multivariant playlist or MPD that names a steering server; `None` when it does so already, or is neither.
#[must_use]
pub fn with_steering(manifest: &str, announcement: &SteeringAnnouncement<'_>) -> Option<String> {
    if manifest.strip_prefix('\u{feff}').unwrap_or(manifest).starts_with("#EXTM3U") {
        steered_playlist(manifest, announcement)
    } else {
        steered_mpd(manifest, announcement)
    }
}

fn steered_playlist(playlist: &str, announcement: &SteeringAnnouncement<'_>) -> Option<String> {
    let has = |tag: &str| playlist.lines().any(|line| line.starts_with(tag));
    if !has("#EXT-X-STREAM-INF:") || has("#EXT-X-CONTENT-STEERING:") {
        return None;
    }
    let first = playlist.find('\n')?;
    let line_end = if playlist[..first].ends_with('\r') { "\r\n" } else { "\n" };
    let mut line = String::from("#EXT-X-CONTENT-STEERING:SERVER-URI=\"");
    for character in announcement.server_uri.chars() {
        match character {
            '"' => line.push_str("%22"),
            character if character.is_control() => {}
            character => line.push(character),
        }
    }
    line.push('"');
    let known = |id: &&String| playlist.contains(&format!("PATHWAY-ID=\"{id}\""));
    if let Some(pathway) = announcement.pathways.iter().find(known) {
        // Writing to a string does not fail.
        let _ = write!(line, ",PATHWAY-ID=\"{pathway}\"");
    }
    line.push_str(line_end);
    Some(spliced(playlist, &[(first + 1..first + 1, line)]))
}

fn steered_mpd(mpd: &str, announcement: &SteeringAnnouncement<'_>) -> Option<String> {
    let outline = Outline::of(mpd)?;
    if outline.steers {
        return None;
    }
    let prefix = &outline.prefix;
    let known = |id: &&String| mpd.contains(&format!("serviceLocation=\"{id}\""));
    let first = announcement.pathways.iter().find(known);
    let first = first.map(|id| format!(" defaultServiceLocation=\"{}\"", escape(id.as_str()))).unwrap_or_default();
    // Players do not wait for the answer: playback must not depend on it.
    let element = format!(
        "<{prefix}ContentSteering{first} queryBeforeStart=\"false\">{}</{prefix}ContentSteering>",
        escape(announcement.server_uri)
    );
    Some(spliced(mpd, &[(outline.body..outline.body, element)]))
}

fn reporting(prefix: &str, parameters: &CmcdParameters<'_>) -> String {
    let CmcdParameters { version, mode, keys, include_in_requests, content_id, session_id } = parameters;
    let scheme = SCHEMES[usize::from(*version > 1)];
    let mut text = format!(
        "<{prefix}ClientDataReporting schemeIdUri=\"{scheme}\"><{prefix}CMCDParameters schemeIdUri=\"{scheme}\" \
         version=\"{version}\" mode=\"{}\" includeInRequests=\"{}\" contentID=\"{}\" sessionID=\"{}\"",
        escape(*mode),
        escape(include_in_requests.join(" ")),
        escape(*content_id),
        escape(*session_id)
    );
    if !keys.is_empty() {
        // Writing to a string does not fail.
        let _ = write!(text, " keys=\"{}\"", escape(keys.join(" ")));
    }
    text + &format!("/></{prefix}ClientDataReporting>")
}

/// `text` with each range replaced; ranges stand in order and apart.
fn spliced(text: &str, edits: &[(Range<usize>, String)]) -> String {
    let mut whole = String::with_capacity(text.len() + edits.iter().map(|(_, new)| new.len()).sum::<usize>());
    let mut at = 0;
    for (range, new) in edits {
        whole.push_str(&text[at..range.start]);
        whole.push_str(new);
        at = range.end;
    }
    whole + &text[at..]
}

/// A service description of the presentation.
enum Description {
    /// `<ServiceDescription>…`, with where its end tag begins.
    Open { end: usize },
    /// `<ServiceDescription/>`.
    Empty { whole: Range<usize> },
}

/// Where things stand in an MPD, up to its first period.
struct Outline {
    /// Prefix of the names of elements, with its colon.
    prefix: String,
    /// Where descriptions of the whole presentation go: before the first of the elements that follow them in the schema.
    body: usize,
    descriptions: Vec<Description>,
    /// A description asks for reports already.
    reports: bool,
    /// A steering server is named already.
    steers: bool,
}

impl Outline {
    /// Elements that service descriptions and steering come before (ISO/IEC 23009-1, type `MPDtype`).
    const LATER: [&str; 7] = [
        "ServiceDescription",
        "InitializationSet",
        "InitializationGroup",
        "InitializationPresentation",
        "ContentProtection",
        "Preselection",
        "Period",
    ];

    fn of(mpd: &str) -> Option<Self> {
        let mut reader = Reader::from_str(mpd);
        let (mut depth, mut prefix) = (0_usize, None);
        let (mut body, mut descriptions, mut reports, mut steers) = (None, Vec::new(), false, false);
        let mut in_description = false;
        loop {
            let start = usize::try_from(reader.buffer_position()).ok()?;
            let event = reader.read_event().ok()?;
            match event {
                Event::Start(tag) | Event::Empty(tag) if depth == 0 => {
                    let before = tag.name().into_inner().strip_suffix("MPD")?.to_owned();
                    prefix = Some(Some(before).filter(|prefix| prefix.is_empty() || prefix.ends_with(':'))?);
                    depth = 1;
                }
                Event::Start(tag) => {
                    let name = tag.local_name().into_inner();
                    if depth == 1 && Self::LATER.contains(&name) {
                        body = body.or(Some(start));
                    }
                    match name {
                        "Period" if depth == 1 => break,
                        "ServiceDescription" if depth == 1 => in_description = true,
                        "ClientDataReporting" if in_description => reports = true,
                        "ContentSteering" => steers = true,
                        _ => {}
                    }
                    depth += 1;
                }
                Event::Empty(tag) => {
                    let name = tag.local_name().into_inner();
                    if depth == 1 && Self::LATER.contains(&name) {
                        body = body.or(Some(start));
                    }
                    match name {
                        "Period" if depth == 1 => break,
                        "ServiceDescription" if depth == 1 => {
                            let end = usize::try_from(reader.buffer_position()).ok()?;
                            descriptions.push(Description::Empty { whole: start..end });
                        }
                        "ClientDataReporting" if in_description => reports = true,
                        "ContentSteering" => steers = true,
                        _ => {}
                    }
                }
                Event::End(_) => {
                    depth = depth.checked_sub(1)?;
                    if depth == 1 && in_description {
                        in_description = false;
                        descriptions.push(Description::Open { end: start });
                    }
                    if depth == 0 {
                        break;
                    }
                }
                Event::Eof => return None,
                _ => {}
            }
        }
        Some(Self { prefix: prefix?, body: body?, descriptions, reports, steers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTS: &[&str] = &["segment", "mpd"];

    fn asked(mpd: &str) -> Option<String> {
        let requests: Vec<String> = REQUESTS.iter().map(|&request| request.to_owned()).collect();
        let parameters = CmcdParameters {
            version: 2,
            mode: "query",
            keys: &[],
            include_in_requests: &requests,
            content_id: "a&b",
            session_id: "s1",
        };
        with_cmcd(mpd, &parameters)
    }

    const REPORTING: &str = "<ClientDataReporting schemeIdUri=\"urn:dashif:cta-5004:2025\"><CMCDParameters \
        schemeIdUri=\"urn:dashif:cta-5004:2025\" version=\"2\" mode=\"query\" includeInRequests=\"segment mpd\" \
        contentID=\"a&amp;b\" sessionID=\"s1\"/></ClientDataReporting>";

    #[test]
    fn an_mpd_asks_for_cmcd_and_every_other_byte_stays() {
        let own = format!("<ServiceDescription id=\"0\">{REPORTING}</ServiceDescription>");
        // `@` marks where something is written.
        let cases = [
            (
                "<?xml version=\"1.0\"?>\r\n<!-- <Period> --><MPD a='1'>\r\n <BaseURL>x</BaseURL>\r\n @<Period/></MPD>\n",
                &own,
            ),
            ("<MPD><BaseURL/>@<InitializationSet/><Period><a/></Period></MPD>", &own),
            (
                "<MPD><ServiceDescription id='7'><Latency target='3'/>@</ServiceDescription><Period/></MPD>",
                &REPORTING.to_owned(),
            ),
        ];
        for (marked, written) in cases {
            let plain = marked.replace('@', "");
            assert_eq!(asked(&plain).as_deref(), Some(marked.replace('@', written).as_str()), "{marked}");
        }
        let empty = "<MPD><ServiceDescription id=\"1\" /><ServiceDescription/><Period/></MPD>";
        let open = |tag: &str| format!("{tag}{REPORTING}</ServiceDescription>");
        let both = [open("<ServiceDescription id=\"1\">"), open("<ServiceDescription>")].concat();
        assert_eq!(asked(empty), Some(format!("<MPD>{both}<Period/></MPD>")));
        let prefixed = asked("<d:MPD xmlns:d='x'><d:Period/></d:MPD>").unwrap();
        assert!(prefixed.contains("'x'><d:ServiceDescription id=\"0\"><d:ClientDataReporting"), "{prefixed}");
        assert!(prefixed.ends_with("</d:ClientDataReporting></d:ServiceDescription><d:Period/></d:MPD>"), "{prefixed}");
        for left in [
            "<MPD><ServiceDescription><ClientDataReporting/></ServiceDescription><Period/></MPD>",
            "<MPD></MPD>",
            "<MPD/>",
            "<MPD><Period",
            "<XMPD><Period/></XMPD>",
            "#EXTM3U\n",
            "",
        ] {
            assert_eq!(asked(left), None, "{left}");
        }
    }

    #[test]
    fn a_steering_server_is_announced_once() {
        let pathways = ["b".to_owned(), "a".to_owned()];
        let announcement = SteeringAnnouncement { server_uri: "/v1/steering?session=x&y=\"1\"", pathways: &pathways };
        let variant = "#EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID=\"a\"\nlow.m3u8\n";
        let playlist = with_steering(&format!("#EXTM3U\r\n{variant}"), &announcement).unwrap();
        let tag = "#EXT-X-CONTENT-STEERING:SERVER-URI=\"/v1/steering?session=x&y=%221%22\",PATHWAY-ID=\"a\"\r\n";
        assert_eq!(playlist, format!("#EXTM3U\r\n{tag}{variant}"));
        assert_eq!(with_steering(&playlist, &announcement), None, "said already");
        assert_eq!(with_steering("#EXTM3U\n#EXTINF:2,\na.ts\n", &announcement), None, "a media playlist");
        let mpd = "<MPD><BaseURL serviceLocation=\"b\">x/</BaseURL><ServiceDescription/><Period/></MPD>";
        let steered = with_steering(mpd, &announcement).unwrap();
        let element = "<ContentSteering defaultServiceLocation=\"b\" queryBeforeStart=\"false\">\
                       /v1/steering?session=x&amp;y=&quot;1&quot;</ContentSteering>";
        assert_eq!(steered, mpd.replace("<ServiceDescription/>", &format!("{element}<ServiceDescription/>")));
        assert_eq!(with_steering(&steered, &announcement), None, "said already");
    }
}
