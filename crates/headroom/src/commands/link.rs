//! `headroom link`: real packets through a replayed trace.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use headroom_sim::netem::{Direction, Queue};
use headroom_sim::trace::{AtEnd, MAX_THROUGHPUT_KBPS};

use super::trace::Reading;
use crate::link::{self, Behaviour, Endpoint, Overrides, Plan, Settings, Source};

/// Uplink where the trace has none and the user sets none, kbit/s: the lower end of the uplink means of European
/// mid-band 5G in SIGCOMM24-5GinMidBands (22 to 97 Mbit/s).
const DEFAULT_UPLINK_KBPS: f64 = 22_000.0;

/// Emulate a network link with real packets (needs root, /dev/net/tun and `ip`).
///
/// Creates two network namespaces joined by a link that follows a trace or a fixed rate, and runs until the command
/// ends, the duration is over, or Ctrl-C. Rates count whole IP packets; delay, jitter and loss are per direction.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["trace", "rate"]))]
pub(crate) struct Arguments {
    /// Trace to replay, in any format that `headroom trace import` reads.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Fixed rate instead of a trace: 5mbit, 800kbit, or a number in kbit/s.
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    #[command(flatten)]
    reading: Reading,
    /// Fixed uplink rate [default: the uplink of the trace, else 22mbit; with --rate the same as downlink].
    #[arg(long, value_name = "RATE", value_parser = rate)]
    uplink_rate: Option<f64>,
    /// Start the trace here, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    offset: f64,
    /// Start the trace again at its end; otherwise its last value holds.
    #[arg(long = "loop")]
    repeat: bool,
    /// Multiply the rates of the trace.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    scale: f64,
    /// One-way delay, milliseconds [default: half the trace's round-trip time, else 20].
    #[arg(long, value_name = "MS")]
    delay_ms: Option<f64>,
    /// Extra delay of each packet between 0 and this, in order, milliseconds [default: the trace's, else 0].
    #[arg(long, value_name = "MS")]
    jitter_ms: Option<f64>,
    /// Loss of each direction, 0 to 1 [default: the trace's, else 0].
    #[arg(long, value_name = "RATIO")]
    loss: Option<f64>,
    /// Lose packets in bursts of this mean length (Gilbert's model) instead of one by one.
    #[arg(long, value_name = "PACKETS", requires = "loss")]
    loss_burst: Option<f64>,
    /// Queue of each direction in milliseconds at the rate in force, at least ten packets.
    #[arg(long, value_name = "MS", default_value_t = 200.0)]
    queue_ms: f64,
    /// Queue of each direction in bytes instead.
    #[arg(long, value_name = "BYTES", conflicts_with = "queue_ms")]
    queue_bytes: Option<u64>,
    /// Seed of loss and jitter.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Namespace of the server side, or `host` for the present one; created and removed again if it does not exist
    /// [default: headroom-PID-server].
    #[arg(long, value_name = "NAME")]
    server_ns: Option<String>,
    /// Namespace of the client side, likewise [default: headroom-PID-client].
    #[arg(long, value_name = "NAME")]
    client_ns: Option<String>,
    /// Address of the server side.
    #[arg(long, value_name = "IP", default_value = "10.77.0.1")]
    server_address: Ipv4Addr,
    /// Address of the client side.
    #[arg(long, value_name = "IP", default_value = "10.77.0.2")]
    client_address: Ipv4Addr,
    /// Largest packet, bytes.
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u16).range(576..=65_520))]
    mtu: u16,
    /// Change the link while it runs: a file with one JSON object, read when it changes and on SIGHUP, or `-` for JSON
    /// lines on standard input. Keys: direction rate_kbps delay_ms jitter_ms loss_ratio loss_burst queue_ms queue_bytes replay position_s.
    #[arg(long, value_name = "FILE")]
    control: Option<PathBuf>,
    /// Write statistics as JSON lines, `-` for standard output.
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
    /// Seconds between statistics.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    stats_interval: f64,
    /// End after this many seconds.
    #[arg(long, value_name = "SECONDS")]
    duration: Option<f64>,
    /// Print the line that says "ready" as JSON on standard output.
    #[arg(long)]
    json: bool,
    /// In which side the command runs.
    #[arg(long, value_enum, default_value_t = Endpoint::Client)]
    run_in: Endpoint,
    /// Run this command, and end with its exit code when it ends. Takes the rest of the line; both sides are in its
    /// environment: HEADROOM_LINK_{SERVER,CLIENT}_{ADDRESS,NETNS}.
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true)]
    run: Option<Vec<String>>,
}

/// Runs the emulator.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    link::run(settings(arguments)?)
}

fn settings(arguments: Arguments) -> anyhow::Result<Settings> {
    for (name, value, max) in [
        ("--delay-ms", arguments.delay_ms, 60_000.0),
        ("--jitter-ms", arguments.jitter_ms, 60_000.0),
        ("--queue-ms", Some(arguments.queue_ms), 60_000.0),
        ("--loss", arguments.loss, 1.0),
        ("--scale", Some(arguments.scale), 1e6),
        ("--offset", Some(arguments.offset), 1e9),
        ("--stats-interval", Some(arguments.stats_interval), 3600.0),
        ("--duration", arguments.duration, 1e7),
    ] {
        ensure!(value.is_none_or(|value| (0.0..=max).contains(&value)), "{name} must be 0 to {max}");
    }
    let source = match &arguments.trace {
        Some(path) => {
            let trace = arguments.reading.load(path)?.1.trace;
            let trace = if arguments.scale == 1.0 { trace } else { trace.scaled(arguments.scale)? };
            let at_end = if arguments.repeat { AtEnd::Loop } else { AtEnd::Hold };
            Some(Source { trace, at_end, offset_s: arguments.offset })
        }
        None => None,
    };
    let queue = match arguments.queue_bytes {
        Some(bytes) => Queue::Bytes(bytes),
        None => Queue::Time(Duration::from_secs_f64(arguments.queue_ms / 1000.0)),
    };
    let both = Overrides {
        rate_kbps: None,
        delay_ms: arguments.delay_ms,
        jitter_ms: arguments.jitter_ms,
        loss_ratio: arguments.loss,
        loss_burst: arguments.loss_burst,
    };
    let down = Overrides { rate_kbps: arguments.rate, ..both };
    let up = Overrides { rate_kbps: arguments.uplink_rate.or(arguments.rate), ..both };
    let place = |given: Option<String>, side: &str| match given.as_deref() {
        Some("host") => None,
        Some(_) => given,
        None => Some(format!("headroom-{}-{side}", std::process::id())),
    };
    let plan = Plan {
        server_namespace: place(arguments.server_ns, "server"),
        client_namespace: place(arguments.client_ns, "client"),
        server_address: arguments.server_address,
        client_address: arguments.client_address,
        mtu: arguments.mtu,
    };
    ensure!(plan.server_namespace != plan.client_namespace, "both ends are in the same namespace");
    Ok(Settings {
        plan,
        down: Behaviour::new(Direction::Down, source.clone(), down, 0.0, queue),
        up: Behaviour::new(Direction::Up, source, up, DEFAULT_UPLINK_KBPS, queue),
        seed: arguments.seed,
        control: arguments.control,
        statistics: arguments.stats,
        statistics_interval: Duration::from_secs_f64(arguments.stats_interval.max(0.05)),
        duration: arguments.duration.map(Duration::from_secs_f64),
        run: arguments.run.map(|command| (arguments.run_in, command)),
        json: arguments.json,
    })
}

/// Reads a rate: `5mbit`, `800kbit`, `1gbit`, or kbit/s without a unit.
fn rate(text: &str) -> Result<f64, String> {
    let lower = text.to_ascii_lowercase();
    let (number, factor) = [("gbit", 1e6), ("mbit", 1e3), ("kbit", 1.0)]
        .iter()
        .find_map(|(unit, factor)| lower.strip_suffix(unit).map(|number| (number, *factor)))
        .unwrap_or((&lower, 1.0));
    match number.trim().parse::<f64>() {
        Ok(value) if (0.0..=MAX_THROUGHPUT_KBPS).contains(&(value * factor)) => Ok(value * factor),
        _ => Err(format!("`{text}` is no rate such as 5mbit, 800kbit or 5000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_units() {
        for (text, expected) in [
            ("5mbit", Some(5000.0)),
            ("800kbit", Some(800.0)),
            ("1.5Gbit", Some(1.5e6)),
            ("250", Some(250.0)),
            ("0", Some(0.0)),
        ] {
            assert_eq!(rate(text).ok(), expected, "{text}");
        }
        for wrong in ["", "fast", "-1", "21gbit", "nan"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
