//! The result on a terminal.

use headroom_sim::comparison::Row;

/// Prints the rows of one set.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn print(rows: &[Row]) {
    let Some(first) = rows.first() else { return };
    println!("{}, profile {}: {} windows of {} traces", first.set, first.profile, first.windows, first.traces);
    println!(
        "{:24} {:>6} {:>6} {:>22} {:>6} {:>6} {:>22} {:>5} {:>6} {:>6} {:>7} {:>7} {:>6} {:>7}",
        "policy",
        "stall%",
        "/min",
        "× client alone (95 %)",
        "b/w",
        "log%",
        "± client alone (95 %)",
        "MOS",
        "sw/min",
        "×",
        "lat s",
        "±",
        "Mbit/s",
        "recov s",
    );
    for row in rows {
        let delta = row.delta.as_ref();
        let times = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |times| format!("{times:.2}"));
        println!(
            "{:24} {:6.2} {:6.2} {:>22} {:>6} {:6.1} {:>22} {:5.2} {:6.1} {:>6} {:7.2} {:>7} {:6.2} {:>7}",
            label(row),
            row.stall_ratio * 100.0,
            row.stall_events_per_min,
            delta.map_or_else(|| "-".to_owned(), |delta| with_interval(delta.stall_times, delta.stall_times_ci95, 2)),
            row.traces_better.zip(row.traces_worse).map_or_else(|| "-".to_owned(), |(b, w)| format!("{b}/{w}")),
            row.log_quality,
            delta.map_or_else(
                || "-".to_owned(),
                |delta| format!(
                    "{:+.1} ({:+.1} to {:+.1})",
                    delta.log_quality, delta.log_quality_ci95[0], delta.log_quality_ci95[1]
                )
            ),
            row.mos,
            row.switches,
            times(delta.and_then(|delta| delta.switches_times)),
            row.latency_s,
            delta.map_or_else(|| "-".to_owned(), |delta| format!("{:+.2}", delta.latency_s)),
            row.egress_mbps,
            row.recovery_s.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1}")),
        );
    }
    if rows.iter().any(|row| row.gap_closed.is_some()) {
        print_gaps(rows);
    }
    println!();
}

/// Prints the linear QoE and how much of the gap to the oracle each row closes.
#[expect(clippy::print_stdout, reason = "the result of the command")]
fn print_gaps(rows: &[Row]) {
    println!("{:24} {:>7} {:>17} {:>7} {:>17} {:>7} {:>7}", "policy", "QoE", "95 %", "gain", "95 %", "Mbit/s", "gap");
    for row in rows {
        let interval = |[low, high]: [f64; 2]| format!("{low:.2} to {high:.2}");
        println!(
            "{:24} {:7.3} {:>17} {:7.3} {:>17} {:7.2} {:>7}",
            label(row),
            row.qoe_mean,
            interval(row.qoe_ci95),
            row.qoe_gain,
            interval(row.qoe_gain_ci95),
            row.bitrate_mbps,
            row.gap_closed.map_or_else(|| "-".to_owned(), |gap| format!("{gap:.3}")),
        );
    }
}

/// What a row is called: the policy, and the client where it runs on a server.
pub(super) fn label(row: &Row) -> String {
    row.client.as_ref().map_or_else(|| row.policy.clone(), |client| format!("{} > {client}", row.policy))
}

/// A value and its interval; a dash where there is none.
pub(super) fn with_interval(value: Option<f64>, interval: Option<[f64; 2]>, decimals: usize) -> String {
    match (value, interval) {
        (Some(value), Some([low, high])) => format!("{value:.decimals$} ({low:.decimals$} to {high:.decimals$})"),
        _ => "-".to_owned(),
    }
}
