//! What a viewer went through, out of what a page reported.

use super::origin::{Origin, TARGET_LATENCY_S};
use serde::{Deserialize, Serialize};

/// One line of the driver; a field that the event does not have is at its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    /// Milliseconds since the player was told to begin.
    at_ms: f64,
    /// `ready`, `sample`, `error` and others.
    pub(super) event: String,
    /// Of the picture on the screen; 0 before the first one.
    height: u16,
    position_s: f64,
    latency_s: Option<f64>,
    /// Time in which the playhead stood since the first picture, and how often it did for longer than 150 ms.
    frozen_s: f64,
    freezes: u32,
    /// Answers of `/v1/advice`, at the end.
    answers: u32,
    /// What went wrong.
    pub(super) text: String,
}

/// What counts in one run: from the end of the warm-up to the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Figures {
    /// From the word to begin to the first picture; the length of the run where there was none.
    pub(super) startup_s: f64,
    /// Time without a moving picture: interruptions, a start that takes longer than the warm-up, and all after a fatal error.
    pub(super) stall_s: f64,
    /// The same of the time that counts, %.
    pub(super) stall_percent: f64,
    pub(super) stalls_per_min: f64,
    /// Mean of ln(R / lowest) / ln(highest / lowest) over the media that was played, %.
    pub(super) log_quality: f64,
    /// Mean over the media that was played, Mbit/s.
    pub(super) bitrate_mbps: f64,
    /// A minute of the time that counts.
    pub(super) switches_per_min: f64,
    /// Behind live, mean over the time that counts, seconds; the target where nothing was played.
    pub(super) latency_s: f64,
    /// What the link delivered, transfers that were given up and headers included, Mbit/s.
    pub(super) egress_mbps: f64,
    /// Answers to the agent's questions of the server.
    pub(super) advice_answers: u32,
    /// Fatal errors of the player and failures of the agent.
    pub(super) errors: Vec<String>,
}

/// How long before its end a page may fall silent and still count as alive, seconds.
const SILENCE_S: f64 = 5.0;
/// Most errors kept of a run.
const MAX_ERRORS: usize = 5;

/// Judges the time from `warm_up_s` to `seconds`.
///
/// # Errors
/// When the page fell silent: then the browser has gone, and nothing is known.
pub(super) fn judge(
    reports: &[Report],
    origin: &Origin,
    warm_up_s: f64,
    seconds: f64,
    egress_mbps: f64,
) -> Result<Figures, String> {
    let samples: Vec<&Report> = reports.iter().filter(|report| report.event == "sample").collect();
    let errors: Vec<String> = reports
        .iter()
        .filter(|report| report.event == "error")
        .map(|report| report.text.clone())
        .take(MAX_ERRORS)
        .collect();
    let at = |report: &Report| report.at_ms / 1000.0;
    let last = samples.last().filter(|last| at(last) >= seconds - SILENCE_S).ok_or_else(|| {
        let said = errors.first().map_or_else(|| "nothing more".to_owned(), |error| format!("last: {error}"));
        format!("the page fell silent at {:.0} s ({said})", samples.last().map_or(0.0, |last| at(last)))
    })?;
    let first_picture_s = samples.iter().find(|sample| sample.height > 0).map_or(seconds, |sample| at(sample));
    let counted: Vec<&Report> =
        samples.iter().copied().filter(|sample| (warm_up_s..=seconds).contains(&at(sample))).collect();
    let Some(first) = counted.first() else { return Err("no report in the time that counts".to_owned()) };
    let end = counted.last().copied().unwrap_or(last);
    let watched_s = seconds - warm_up_s;
    let late_start_s = (first_picture_s.min(seconds) - warm_up_s).max(0.0);
    let stall_s = (end.frozen_s - first.frozen_s + late_start_s).clamp(0.0, watched_s);
    let played = Played::of(&counted, origin);
    let per_minute = |count: u32| f64::from(count) * 60.0 / watched_s;
    let latencies: Vec<f64> =
        counted.iter().filter(|sample| sample.height > 0).filter_map(|sample| sample.latency_s).collect();
    let latency_s = match latencies.len() {
        0 => TARGET_LATENCY_S,
        count => latencies.iter().sum::<f64>() / count as f64,
    };
    Ok(Figures {
        startup_s: rounded(first_picture_s),
        stall_s: rounded(stall_s),
        stall_percent: rounded(100.0 * stall_s / watched_s),
        stalls_per_min: rounded(per_minute(end.freezes - first.freezes + u32::from(late_start_s > 0.0))),
        log_quality: rounded(100.0 * played.mean(played.log_quality)),
        bitrate_mbps: rounded(played.mean(played.megabits)),
        switches_per_min: rounded(per_minute(played.switches)),
        latency_s: rounded(latency_s),
        egress_mbps: rounded(egress_mbps),
        advice_answers: reports.iter().map(|report| report.answers).sum(),
        errors,
    })
}

/// Six decimals: more than is measured, and few enough that a state file gives back the very same number.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Sums over the media that was played.
#[derive(Default)]
struct Played {
    media_s: f64,
    log_quality: f64,
    megabits: f64,
    switches: u32,
}

impl Played {
    fn of(samples: &[&Report], origin: &Origin) -> Self {
        let ladder = origin.ladder();
        let bps = |rung| ladder.bitrate(rung).as_bps() as f64;
        let span = (bps(ladder.top()) / bps(0)).ln().max(f64::MIN_POSITIVE);
        let mut played = Self::default();
        let mut before = None;
        for pair in samples.windows(2) {
            let [earlier, later] = [pair[0], pair[1]];
            let Some(rung) = origin.rung_of(later.height) else { continue };
            played.switches += u32::from(before.replace(rung).is_some_and(|before| before != rung));
            // A jump towards live is not played.
            let wall_s = (later.at_ms - earlier.at_ms) / 1000.0;
            let media_s = (later.position_s - earlier.position_s).clamp(0.0, 1.2 * wall_s.max(0.0));
            played.media_s += media_s;
            played.log_quality += media_s * (bps(rung) / bps(0)).ln() / span;
            played.megabits += media_s * bps(rung) / 1e6;
        }
        played
    }

    /// Zero where nothing was played: the worst there is.
    fn mean(&self, sum: f64) -> f64 {
        if self.media_s > 0.0 { sum / self.media_s } else { 0.0 }
    }
}

/// One line of a link's statistics.
#[derive(Deserialize)]
struct LinkLine {
    t_s: f64,
    direction: String,
    position_s: Option<f64>,
    delivered_kbps: f64,
}

/// Mean rate that a link delivered between two positions of its trace, Mbit/s.
pub(super) fn egress(statistics: &str, from_s: f64, to_s: f64) -> f64 {
    let lines = statistics.lines().filter_map(|line| serde_json::from_str::<LinkLine>(line).ok());
    let down: Vec<LinkLine> = lines.filter(|line| line.direction == "down").collect();
    // The position goes back where the drive begins; before that the browser started.
    let begun = down.windows(2).rposition(|pair| pair[1].position_s < pair[0].position_s).map_or(0, |index| index + 1);
    let (mut kilobits, mut covered_s) = (0.0, 0.0);
    for pair in down[begun..].windows(2) {
        let inside = |line: &LinkLine| line.position_s.is_some_and(|position| (from_s..=to_s).contains(&position));
        if inside(&pair[0]) && inside(&pair[1]) {
            let length_s = pair[1].t_s - pair[0].t_s;
            kilobits += pair[1].delivered_kbps * length_s;
            covered_s += length_s;
        }
    }
    if covered_s > 0.0 { kilobits / covered_s / 1000.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::media::Rendition;
    use super::*;
    use headroom_core::ladder::Ladder;

    /// Two samples a second: the picture begins at `starts_s` and stands from `stands` on for its length; the rung changes at 60 s.
    fn story(starts_s: f64, stands: (f64, f64), end_s: f64) -> Vec<Report> {
        let (low, high) = (Rendition::new(0).height(), Rendition::new(7).height());
        let sample = |half: u32| {
            let at_s = f64::from(half) / 2.0;
            let stood = (at_s - stands.0).clamp(0.0, stands.1);
            Report {
                at_ms: at_s * 1000.0,
                event: "sample".into(),
                height: if at_s < starts_s {
                    0
                } else if at_s < 60.0 {
                    low
                } else {
                    high
                },
                position_s: 1_000.0 + (at_s - starts_s).max(0.0) - stood,
                latency_s: Some(6.0 + stood),
                frozen_s: stood,
                freezes: u32::from(stood > 0.0),
                ..Report::default()
            }
        };
        (1..=(end_s * 2.0) as u32).map(sample).collect()
    }

    #[test]
    fn what_a_viewer_saw_is_counted_from_the_warm_up_on() {
        let origin = Origin::new(Ladder::default()).unwrap();
        // (first picture, (stands from, for), stall s, stalls a minute)
        for (starts_s, stands, stall_s, stalls) in [
            (2.0, (1e9, 0.0), 0.0, 0.0),
            (2.0, (30.0, 4.0), 4.0, 0.6),
            (2.0, (3.0, 2.0), 0.0, 0.0),
            (30.0, (1e9, 0.0), 20.0, 0.6),
            (2.0, (70.0, 1e9), 40.0, 0.6),
        ] {
            let figures = judge(&story(starts_s, stands, 110.0), &origin, 10.0, 110.0, 3.0).unwrap();
            assert!((figures.stall_s - stall_s).abs() < 0.51, "{starts_s} {stands:?}: {figures:?}");
            assert!((figures.stalls_per_min - stalls).abs() < 1e-9, "{starts_s} {stands:?}: {figures:?}");
            assert!((figures.startup_s - starts_s).abs() < 1e-9);
            assert!((figures.switches_per_min - 0.6).abs() < 1e-9, "{figures:?}");
        }
        let figures = judge(&story(2.0, (1e9, 0.0), 110.0), &origin, 10.0, 110.0, 3.0).unwrap();
        assert!((figures.log_quality - 50.0).abs() < 1.0 && (figures.bitrate_mbps - 10.2).abs() < 0.2, "{figures:?}");
        let nothing = judge(&story(1e9, (1e9, 0.0), 110.0), &origin, 10.0, 110.0, 0.0).unwrap();
        assert_eq!((nothing.stall_percent, nothing.log_quality), (100.0, 0.0));
        let silent = judge(&story(2.0, (1e9, 0.0), 80.0), &origin, 10.0, 110.0, 3.0).unwrap_err();
        assert!(silent.contains("silent at 80 s"), "{silent}");
    }

    #[test]
    fn egress_is_the_mean_between_two_positions() {
        let line = |t_s: f64, position_s: f64, kbps: f64| {
            format!(
                "{{\"t_s\":{t_s},\"direction\":\"down\",\"position_s\":{position_s},\"delivered_kbps\":{kbps}}}\n\
                     {{\"t_s\":{t_s},\"direction\":\"up\",\"position_s\":{position_s},\"delivered_kbps\":9}}\n"
            )
        };
        // The browser starts for 9 s, then the drive begins.
        let text = [
            line(8.0, 8.0, 1.0),
            line(9.0, 9.0, 1.0),
            line(10.0, 0.5, 700.0),
            line(11.0, 1.5, 1_000.0),
            line(13.0, 3.5, 4_000.0),
        ];
        assert!((egress(&text.concat(), 0.0, 5.0) - 3.0).abs() < 1e-9);
        assert_eq!(egress("", 0.0, 5.0), 0.0);
    }
}
