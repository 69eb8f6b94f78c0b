//! Why: a decision as a sentence, with the numbers that led to it.

use headroom_core::{decision::Reason, ladder::Ladder, session::Snapshot, units::Bitrate};

/// Below this a stall is not worth a word.
const WORTH_A_WORD: f32 = 0.01;

/// From here on the frame rate belongs to the name: 720p60.
const HIGH_FRAME_RATE: f32 = 48.0;

/// Says why the decision in force for a session is what it is. Numbers that are not known are left out.
pub(crate) fn sentence(snapshot: &Snapshot, ladder: Option<&Ladder>) -> String {
    let limit = Limit { rate: snapshot.max_bitrate, ladder };
    let (expected, buffer) = (expected(snapshot), buffer(snapshot));
    let playing = snapshot
        .playing
        .map_or_else(|| "above it".to_owned(), |rate| format!("at the {} played now", limit.rung(rate)));
    let because = match snapshot.reason {
        Reason::NoEvidence => return "The player chooses alone: nothing reliable has been measured yet.".to_owned(),
        Reason::NoPolicy => return "The player chooses alone: no policy is configured.".to_owned(),
        Reason::Stale => "telemetry is silent, so the last decision stands".to_owned(),
        Reason::Throughput => with("it is the highest rung within the measured throughput", &[expected]),
        Reason::Buffer => with("it fits the buffer", &[buffer]),
        Reason::Plan => with("it starts the best plan over the next segments", &[expected, buffer]),
        Reason::StallRisk => with(&format!("{playing} a stall would be likely"), &[expected, buffer]),
        // The engine raises a cap as far as the risk is tolerable, which may be beyond what is expected.
        Reason::RoomAbove if beyond(snapshot) => with("up to there the risk of a stall is tolerable", &[expected]),
        Reason::RoomAbove => with("the forecast leaves room for it", &[expected]),
        Reason::Starvation => with("the buffer is starving", &[buffer, expected]),
        Reason::Collapse => with("throughput collapsed", &[expected, buffer]),
        Reason::Dwell => "the last change is too recent to climb again".to_owned(),
        Reason::Override => "an operator or the viewer set this limit".to_owned(),
        Reason::Allocation => "that is its fair share of a shared bottleneck".to_owned(),
        Reason::Newcomer => "it has measured nothing yet, and others on its network get about that".to_owned(),
        Reason::RecentStalls => {
            "it stalled not long ago, and this is as high as the player would go by itself".to_owned()
        }
        Reason::Egress => "more bits than the player would fetch by itself are not sent".to_owned(),
    };
    let risk = snapshot.stall_risk.get();
    let risk = match snapshot.max_bitrate {
        Some(_) if risk >= WORTH_A_WORD => format!(" Risk of a stall there: {:.0} %.", risk * 100.0),
        _ => String::new(),
    };
    format!("{}: {because}.{risk}", limit.phrase(snapshot.reason))
}

/// The cap, in words.
struct Limit<'a> {
    rate: Option<Bitrate>,
    ladder: Option<&'a Ladder>,
}

impl Limit<'_> {
    fn phrase(&self, reason: Reason) -> String {
        let Some(rate) = self.rate else { return "No limit".to_owned() };
        let top = self.ladder.is_some_and(|ladder| rate >= ladder.bitrate(ladder.top()));
        let rung = self.rung(rate);
        match reason {
            Reason::Starvation | Reason::Collapse => format!("Down to {rung} at once"),
            Reason::Dwell | Reason::Stale => format!("Stays at {rung}"),
            _ if top => format!("Free up to the top, {rung}"),
            Reason::StallRisk => format!("Held at {rung}"),
            _ => format!("Up to {rung}"),
        }
    }

    /// A bit rate with the height of the picture, where the ladder tells it.
    fn rung(&self, rate: Bitrate) -> String {
        let height = self.ladder.and_then(|ladder| ladder.rungs().iter().find(|rung| rung.bitrate == rate));
        match height {
            Some(rung) if rung.frame_rate >= HIGH_FRAME_RATE => {
                format!("{}p{:.0} ({})", rung.height, rung.frame_rate, bit_rate(rate))
            }
            Some(rung) => format!("{}p ({})", rung.height, bit_rate(rate)),
            None => bit_rate(rate),
        }
    }
}

/// Whether the cap lies above the throughput expected.
fn beyond(snapshot: &Snapshot) -> bool {
    snapshot.max_bitrate.zip(snapshot.forecast).is_some_and(|(cap, [_, median, _])| cap > median)
}

fn expected(snapshot: &Snapshot) -> Option<String> {
    let [low, median, high] = snapshot.forecast?;
    Some(format!("{} expected ({} to {})", bit_rate(median), bare(low), bit_rate(high)))
}

fn buffer(snapshot: &Snapshot) -> Option<String> {
    snapshot.buffer_length.map(|buffer| format!("{:.1} s in the buffer", buffer.as_secs_f64()))
}

fn with(because: &str, numbers: &[Option<String>]) -> String {
    let known: Vec<&str> = numbers.iter().flatten().map(String::as_str).collect();
    match known[..] {
        [] => because.to_owned(),
        _ => format!("{because}, with {}", known.join(" and ")),
    }
}

/// Three digits are what a person compares.
fn bit_rate(rate: Bitrate) -> String {
    match rate.as_kbps() {
        kbps if kbps < 1_000.0 => format!("{kbps:.0} kbit/s"),
        _ => format!("{} Mbit/s", bare(rate)),
    }
}

fn bare(rate: Bitrate) -> String {
    match rate.as_mbps() {
        mbps if mbps < 1.0 => format!("{:.0} kbit/s", rate.as_kbps()),
        mbps if mbps < 10.0 => format!("{mbps:.1}"),
        mbps => format!("{mbps:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_core::{
        objective::Objective,
        telemetry::{SessionId, StreamId},
        time::{Duration, Timestamp},
        units::Ratio,
    };

    fn snapshot(reason: Reason) -> Snapshot {
        Snapshot {
            session: SessionId(1),
            stream: StreamId(1),
            started: Timestamp::EPOCH,
            last_seen: Timestamp::EPOCH,
            buffer_length: Some(Duration::from_millis(1_250)),
            live_latency: None,
            objective: Objective::default(),
            playing: Some(Bitrate::kbps(5_000)),
            max_bitrate: Some(Bitrate::kbps(1_600)),
            forecast: Some([980, 2_140, 13_400].map(Bitrate::kbps)),
            mos: None,
            stall_risk: Ratio::clamped(0.124),
            reason,
            rtt: None,
            jitter: None,
            loss_ratio: None,
            rsrp_dbm: None,
            rsrq_db: None,
            sinr_db: None,
            starvations: 0,
            stalled: Duration::ZERO,
        }
    }

    #[test]
    fn every_reason_is_a_sentence_with_its_numbers() {
        let sentences: Vec<String> =
            Reason::ALL.into_iter().map(|reason| sentence(&snapshot(reason), Some(&Ladder::default()))).collect();
        expect_test::expect![[r#"
            The player chooses alone: nothing reliable has been measured yet.
            Up to 480p (1.6 Mbit/s): it is the highest rung within the measured throughput, with 2.1 Mbit/s expected (980 kbit/s to 13 Mbit/s). Risk of a stall there: 12 %.
            Up to 480p (1.6 Mbit/s): it fits the buffer, with 1.2 s in the buffer. Risk of a stall there: 12 %.
            Up to 480p (1.6 Mbit/s): it starts the best plan over the next segments, with 2.1 Mbit/s expected (980 kbit/s to 13 Mbit/s) and 1.2 s in the buffer. Risk of a stall there: 12 %.
            Held at 480p (1.6 Mbit/s): at the 720p60 (5.0 Mbit/s) played now a stall would be likely, with 2.1 Mbit/s expected (980 kbit/s to 13 Mbit/s) and 1.2 s in the buffer. Risk of a stall there: 12 %.
            Up to 480p (1.6 Mbit/s): the forecast leaves room for it, with 2.1 Mbit/s expected (980 kbit/s to 13 Mbit/s). Risk of a stall there: 12 %.
            Down to 480p (1.6 Mbit/s) at once: the buffer is starving, with 1.2 s in the buffer and 2.1 Mbit/s expected (980 kbit/s to 13 Mbit/s). Risk of a stall there: 12 %.
            Down to 480p (1.6 Mbit/s) at once: throughput collapsed, with 2.1 Mbit/s expected (980 kbit/s to 13 Mbit/s) and 1.2 s in the buffer. Risk of a stall there: 12 %.
            Stays at 480p (1.6 Mbit/s): the last change is too recent to climb again. Risk of a stall there: 12 %.
            Stays at 480p (1.6 Mbit/s): telemetry is silent, so the last decision stands. Risk of a stall there: 12 %.
            Up to 480p (1.6 Mbit/s): an operator or the viewer set this limit. Risk of a stall there: 12 %.
            Up to 480p (1.6 Mbit/s): that is its fair share of a shared bottleneck. Risk of a stall there: 12 %.
            Up to 480p (1.6 Mbit/s): it has measured nothing yet, and others on its network get about that. Risk of a stall there: 12 %.
            The player chooses alone: no policy is configured.
            Up to 480p (1.6 Mbit/s): it stalled not long ago, and this is as high as the player would go by itself. Risk of a stall there: 12 %.
            Up to 480p (1.6 Mbit/s): more bits than the player would fetch by itself are not sent. Risk of a stall there: 12 %."#]].assert_eq(&sentences.join("\n"));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let bare = |reason| Snapshot {
            buffer_length: None,
            playing: None,
            forecast: None,
            stall_risk: Ratio::ZERO,
            ..snapshot(reason)
        };
        let higher = Snapshot { max_bitrate: Some(Bitrate::kbps(3_000)), ..snapshot(Reason::RoomAbove) };
        assert!(sentence(&higher, None).contains("tolerable, with 2.1 Mbit/s expected"), "room is not promised");
        let top = Ladder::default().bitrate(Ladder::default().top());
        let cases = [
            sentence(&bare(Reason::StallRisk), None),
            sentence(&bare(Reason::Plan), None),
            sentence(&Snapshot { max_bitrate: None, ..bare(Reason::Override) }, None),
            sentence(&Snapshot { max_bitrate: Some(top), ..bare(Reason::RoomAbove) }, Some(&Ladder::default())),
        ];
        expect_test::expect![[r#"
            Held at 1.6 Mbit/s: above it a stall would be likely.
            Up to 1.6 Mbit/s: it starts the best plan over the next segments.
            No limit: an operator or the viewer set this limit.
            Free up to the top, 2160p60 (20 Mbit/s): the forecast leaves room for it."#]]
        .assert_eq(&cases.join("\n"));
    }
}
