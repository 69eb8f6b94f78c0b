//! Rules that a client follows by itself, as vectors for the player agent: `npm test` in `agent/` holds its copies of them to the
//! same file. `UPDATE_EXPECT=1` writes it anew.

use expect_test::expect_file;
use headroom_core::{
    forecast::{Forecast, History},
    ladder::Ladder,
    policy::{Abandonment, Guidance, Progress, Segments, View, Weights},
    stretch::Stretch,
    time::{Duration, Timestamp},
    units::Bitrate,
};
use serde_json::{Value, json};

/// Ladders in Mbit/s, as services have them.
const LADDERS: [&[f64]; 3] = [&[0.4, 0.8, 1.6, 3.0, 5.0, 8.0, 12.0, 20.0], &[0.3, 0.65, 1.4, 3.0, 6.0], &[1.0, 8.0]];

/// What is given up for what: one line a case.
#[test]
fn the_agent_gives_up_what_the_engine_would() {
    let mut lines = Vec::new();
    for mbps in LADDERS {
        let top = mbps.len() - 1;
        for (rung, segment_s) in [(0, 2.0), (top / 2, 2.0), (top, 2.0), (top, 1.0)] {
            for elapsed_s in [1.1, 1.3, 2.5] {
                for share in [0.0, 0.1, 0.4, 0.9] {
                    for (buffer_s, given_up) in [(0.0, 0), (0.8, 0), (2.5, 1), (2.5, 2)] {
                        let bits = mbps[rung] * 1e6 * segment_s;
                        let progress = Progress {
                            rung: rung as u8,
                            bits,
                            received_bits: share * bits,
                            elapsed_s,
                            first_byte_s: 0.08,
                        };
                        let lower = lower(mbps, segment_s, buffer_s, &progress, given_up);
                        lines.push(case(mbps, segment_s, buffer_s, &progress, given_up, lower).to_string());
                    }
                }
            }
        }
    }
    let outcomes = lines.iter().filter(|line| !line.contains("\"lower\":null")).count();
    assert!((100..lines.len() - 100).contains(&outcomes), "{outcomes} of {} are given up", lines.len());
    expect_file!["../../../../agent/test/vectors/abandonment.jsonl"].assert_eq(&format!("{}\n", lines.join("\n")));
}

fn lower(mbps: &[f64], segment_s: f64, buffer_s: f64, progress: &Progress, given_up: u8) -> Option<u8> {
    let bitrates: Vec<Bitrate> = mbps.iter().map(|mbps| Bitrate::from_kbps_f64(mbps * 1e3)).collect();
    let ladder = Ladder::from_bitrates(&bitrates).expect("an ascending ladder");
    let view = View {
        now: Timestamp::EPOCH,
        ladder: &ladder,
        segment_duration: Duration::from_secs_f64(segment_s),
        segments: Segments::Nominal,
        buffer_length: Duration::from_secs_f64(buffer_s),
        buffer_capacity: Duration::from_secs(30),
        current: Some(progress.rung),
        live_latency: None,
        history: &History::default(),
        forecast: &Forecast::UNKNOWN,
        weights: Weights::default(),
        guidance: Guidance::default(),
    };
    Abandonment::ADVISED.lower(&view, progress, given_up)
}

/// How fast a short buffer is played.
#[test]
fn the_agent_stretches_as_the_engine_would() {
    let mut lines = Vec::new();
    for target_s in [0.0, 2.0, 3.0, 4.5, 6.0, 10.0] {
        for buffer_s in [0.0, 0.7, 1.0, 1.5, 2.0, 2.9, 3.5, 4.0, 6.0, 12.0] {
            let (buffer, target) = (Duration::from_secs_f64(buffer_s), Duration::from_secs_f64(target_s));
            let rate = Stretch::default().rate(1.0, buffer, target);
            lines.push(json!({ "bufferS": buffer_s, "targetS": target_s, "rate": rate }).to_string());
        }
    }
    let slow = lines.iter().filter(|line| !line.contains("\"rate\":1.0")).count();
    assert!((15..45).contains(&slow), "{slow} of {} are slow", lines.len());
    expect_file!["../../../../agent/test/vectors/stretch.jsonl"].assert_eq(&format!("{}\n", lines.join("\n")));
}

/// As `lowerRung` of the agent takes it.
fn case(mbps: &[f64], segment_s: f64, buffer_s: f64, progress: &Progress, given_up: u8, lower: Option<u8>) -> Value {
    let Progress { rung, bits, received_bits, elapsed_s, first_byte_s } = progress;
    json!({
        "transfer": {
            "ladder": mbps.iter().map(|mbps| (mbps * 1e6).round()).collect::<Vec<_>>(),
            "rung": rung,
            "bits": bits,
            "receivedBits": received_bits,
            "elapsedS": elapsed_s,
            "firstByteS": first_byte_s,
            "bufferS": buffer_s,
            "segmentS": segment_s,
            "givenUp": given_up,
        },
        "lower": lower,
    })
}
