//! Times, rates and verdicts of a plan in words.

/// A date and an hour, UTC.
pub(super) fn hour(at_s: u64) -> String {
    headroom_server::calendar::rfc3339(at_s)[..16].replace('T', " ")
}

/// A bit rate to three digits.
pub(super) fn rate(kbps: f64) -> String {
    match kbps {
        _ if kbps >= 1e6 => format!("{:.2} Gbit/s", kbps / 1e6),
        _ if kbps >= 1e3 => format!("{:.1} Mbit/s", kbps / 1e3),
        _ => format!("{kbps:.0} kbit/s"),
    }
}

/// Whether and when something no longer fits.
pub(super) fn fit(saturation: &headroom_server::plan::Saturation) -> String {
    let at = format!("{:.0} % of {}", saturation.utilisation * 100.0, rate(saturation.capacity_kbps));
    let when = match (saturation.likely_s, saturation.possible_s, saturation.weeks_of_growth) {
        (Some(likely), ..) => format!("full {} UTC", hour(likely)),
        (None, Some(possible), _) => format!("one time in ten full {} UTC", hour(possible)),
        (None, None, Some(weeks)) => format!("fits; full in {weeks:.0} weeks of such growth"),
        (None, None, None) => "fits".to_owned(),
    };
    // What load breaks it: the question behind every other.
    format!("{at}, {when}; breaks at {:.2} × these viewers", 1.0 / saturation.utilisation.max(1e-9))
}
