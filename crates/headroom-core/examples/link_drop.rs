//! A viewer on a link that drops from 12 to 1.2 Mbit/s for 20 seconds: every decision with its reason, one a line.
//! `cargo run -p headroom-core --example link_drop`

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use headroom_core::{
    engine::{Config, Engine, Input, Output},
    telemetry::{Player, Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::Bitrate,
};

fn main() {
    let mut engine = Engine::new(Config::default());
    for second in (0..80).step_by(2) {
        let at = Timestamp::from_millis(second * 1_000);
        let dropped = (30..50).contains(&second);
        engine.handle_input(Input::Sample(Sample {
            session: SessionId(7),
            stream: StreamId(1),
            at,
            report: Report::Player(Player {
                encoded_bitrate: Some(Bitrate::kbps(if dropped { 800 } else { 5_000 })),
                measured_throughput: Some(Bitrate::kbps(if dropped { 1_200 } else { 12_000 })),
                transfer_time: Some(Duration::from_millis(900)),
                buffer_length: Some(Duration::from_secs(if dropped { 2 } else { 5 })),
                live_latency: Some(Duration::from_secs(5)),
                ..Player::default()
            }),
        }));
        engine.handle_input(Input::Tick { at });
        while let Some(output) = engine.poll_output() {
            let Output::Decision(decision) = output else { continue };
            let cap = decision.max_bitrate.map_or_else(|| "no limit".to_owned(), |rate| rate.to_string());
            println!(
                "{second:>3} s  {cap:<12} latency {:.1} s  rate {:.2}  {}",
                decision.target_latency.as_secs_f64(),
                decision.playback_rate,
                decision.reason,
            );
        }
    }
}
