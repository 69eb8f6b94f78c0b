//! Laws of traces: steps, totals, windows, and the CSV round trip.

use proptest::prelude::*;

use super::{AtEnd, BuildError, Format, NetworkMode, ParseError, Sample, Trace, parse, parse_auto};
use crate::trace::format::csv;

fn trace(rows: &[(f64, f64)], end_s: f64) -> Trace {
    let samples = rows.iter().map(|&(t_s, throughput_kbps)| Sample { t_s, throughput_kbps, ..Sample::default() });
    Trace::new(samples.collect(), end_s).unwrap()
}

#[test]
fn a_value_holds_from_its_row_until_the_next() {
    let link = trace(&[(10.0, 1000.0), (12.0, 0.0), (13.0, 4000.0)], 14.0);
    assert_eq!(link.duration_s(), 4.0);
    for (t_s, at_end, expected) in [
        (-1.0, AtEnd::Loop, Some(1000.0)),
        (0.0, AtEnd::Loop, Some(1000.0)),
        (1.999, AtEnd::Loop, Some(1000.0)),
        (2.0, AtEnd::Loop, Some(0.0)),
        (3.5, AtEnd::Stop, Some(4000.0)),
        (4.0, AtEnd::Stop, None),
        (4.0, AtEnd::Loop, Some(1000.0)),
        (4.0, AtEnd::Hold, Some(4000.0)),
        (402.5, AtEnd::Loop, Some(0.0)),
        (1e6, AtEnd::Hold, Some(4000.0)),
    ] {
        let got = link.at(t_s, at_end).map(|sample| sample.throughput_kbps);
        assert_eq!(got, expected, "{t_s} {at_end:?}");
    }
}

#[test]
fn finish_is_the_earliest_time_at_which_the_bits_are_through() {
    let link = trace(&[(0.0, 1000.0), (2.0, 0.0), (3.0, 4000.0)], 4.0); // 2 Mbit, outage, 4 Mbit
    for (from_s, bits, at_end, expected) in [
        (0.0, 0.0, AtEnd::Loop, Some(0.0)),
        (0.0, 1e6, AtEnd::Loop, Some(1.0)),
        (0.0, 2e6, AtEnd::Loop, Some(2.0)), // not 3.0: nothing flows in the outage
        (1.0, 2e6, AtEnd::Loop, Some(3.25)),
        (2.5, 1.0, AtEnd::Stop, Some(3.000_000_25)),
        (0.0, 6e6, AtEnd::Loop, Some(4.0)),
        (0.0, 6e6, AtEnd::Stop, Some(4.0)),
        (0.0, 6.1e6, AtEnd::Stop, None),
        (0.0, 7e6, AtEnd::Loop, Some(5.0)),
        (0.0, 12e6, AtEnd::Loop, Some(8.0)),
        (7.0, 4e6, AtEnd::Loop, Some(8.0)),
        (0.0, 10e6, AtEnd::Hold, Some(5.0)),
        (9.0, 1e6, AtEnd::Loop, Some(10.0)),
    ] {
        let got = link.finish_of(from_s, bits, at_end);
        let close = match (got, expected) {
            (Some(got), Some(expected)) => (got - expected).abs() < 1e-9,
            (got, expected) => got == expected,
        };
        assert!(close, "{bits} bits from {from_s} {at_end:?}: {got:?}, expected {expected:?}");
    }
    assert_eq!(trace(&[(0.0, 0.0)], 1.0).finish_of(0.0, 1.0, AtEnd::Loop), None);
    assert_eq!(trace(&[(0.0, 0.0)], 1.0).finish_of(0.0, 1.0, AtEnd::Hold), None);
}

#[test]
fn the_next_change_is_where_the_sample_in_force_ends() {
    let link = trace(&[(0.0, 1.0), (2.0, 2.0)], 3.0);
    for (t_s, at_end, expected) in [
        (0.0, AtEnd::Loop, Some(2.0)),
        (2.0, AtEnd::Loop, Some(3.0)),
        (3.0, AtEnd::Loop, Some(5.0)),
        (2.0, AtEnd::Hold, None),
        (2.0, AtEnd::Stop, Some(3.0)),
        (3.0, AtEnd::Stop, None),
    ] {
        assert_eq!(link.cursor(at_end).next_change_after(t_s), expected, "{t_s} {at_end:?}");
    }
}

#[test]
fn windows_are_cut_exactly_and_a_rest_is_left_out() {
    let link = trace(&[(0.0, 1000.0), (2.0, 3000.0)], 5.0);
    let cut = link.window(1.5, 2.5).unwrap();
    assert_eq!(cut, trace(&[(0.0, 1000.0), (0.5, 3000.0)], 1.0));
    assert_eq!(link.windows(2.0).count(), 2);
    assert_eq!(link.windows(2.5).map(|w| w.total_bits()).sum::<f64>(), link.total_bits());
    assert_eq!(link.window(2.0, 2.0), None);
    assert_eq!(link.window(4.0, 5.1), None);
    assert_eq!(link.windows(0.0).count(), 0);
}

#[test]
fn rows_that_end_their_interval_move_one_step_back() {
    let rows: Vec<Sample> = [(0.0, 9.0), (1.0, 1.0), (3.0, 2.0)]
        .map(|(t_s, throughput_kbps)| Sample { t_s, throughput_kbps, ..Sample::default() })
        .into();
    assert_eq!(Trace::from_interval_ends(&rows).unwrap(), trace(&[(0.0, 1.0), (1.0, 2.0)], 3.0));
    assert_eq!(Trace::from_interval_ends(&rows[..1]), Err(BuildError::Empty));
}

#[test]
fn impossible_samples_are_refused() {
    let sample = |t_s, throughput_kbps| Sample { t_s, throughput_kbps, ..Sample::default() };
    for (samples, end_s) in [
        (vec![], 1.0),
        (vec![sample(0.0, -1.0)], 1.0),
        (vec![sample(0.0, f64::NAN)], 1.0),
        (vec![sample(0.0, 2e7 + 1.0)], 1.0),
        (vec![sample(f64::NAN, 1.0)], 1.0),
        (vec![sample(0.0, 1.0), sample(0.0, 1.0)], 1.0),
        (vec![sample(0.0, 1.0), sample(f64::INFINITY, 1.0)], f64::INFINITY),
        (vec![sample(0.0, 1.0)], 0.0),
        (vec![sample(0.0, 1.0)], 1e9),
    ] {
        assert!(Trace::new(samples.clone(), end_s).is_err(), "{samples:?} to {end_s}");
    }
}

#[test]
fn our_csv_reads_and_says_where_it_is_wrong() {
    let text =
        "t_s,throughput_kbps,rtt_ms,loss_ratio,network_mode,speed\n0,5000,40,0.01,5G,3\n1.5,2500,,,LTE,\n3,0,1,,,\n";
    let (format, link) = parse_auto(text).unwrap();
    assert_eq!(format, Format::Csv);
    assert_eq!(link.duration_s(), 3.0);
    assert_eq!(link.samples()[0].rtt_ms, Some(40.0));
    assert_eq!(link.samples()[0].network_mode, Some(NetworkMode::FiveG));
    assert_eq!(link.samples()[1].loss_ratio, None);
    assert_eq!(parse(Format::CsvIntervalEnds, text).unwrap(), {
        let mut moved = trace(&[(0.0, 2500.0), (1.5, 0.0)], 3.0).samples().to_vec();
        moved[0].network_mode = Some(NetworkMode::Lte);
        moved[1].rtt_ms = Some(1.0);
        Trace::new(moved, 3.0).unwrap()
    });
    assert_eq!(parse(Format::Csv, "t_s,throughput_kbps\n0,5000\n").unwrap(), trace(&[(0.0, 5000.0)], 1.0));

    for (text, expected) in [
        ("", "line 1: not a trace format known here"),
        ("t_s,kbps\n0,1\n", "line 1: the header has no column `throughput_kbps`"),
        ("t_s,throughput_kbps\n", "a trace needs at least one sample"),
        ("t_s,throughput_kbps\n0,1\n\n1\n", "line 4: the row has 1 fields, the column `throughput_kbps` is number 2"),
        ("t_s,throughput_kbps\n0,abc\n", "line 2: `abc` in column `throughput_kbps` is not a number"),
        ("t_s,throughput_kbps\n0,NaN\n", "line 2: `NaN` in column `throughput_kbps` is not a number"),
        ("t_s,throughput_kbps\n0,1e308\n", "is outside 0 to 20000000: wrong unit?"),
        ("t_s,throughput_kbps\n0,1\n0,1\n", "line 3: time 0 s does not come after 0 s"),
        ("t_s,throughput_kbps,loss_ratio\n0,1,5\n", "line 2: 5 in column `loss_ratio` is outside 0 to 1: wrong unit?"),
        (
            "t_s,throughput_kbps,rsrp_dbm\n0,1,95\n",
            "line 2: 95 in column `rsrp_dbm` is outside -156 to -31: wrong unit?",
        ),
    ] {
        let error = parse(Format::Csv, text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?} says {error:?}, not {expected:?}");
    }
    let noted = csv::emit_with_note(&trace(&[(0.0, 5000.0)], 2.0), "synthetic:\nseed 7");
    assert_eq!(csv::note(&noted), Some("synthetic: seed 7"));
    assert_eq!(parse_auto(&noted).unwrap(), (Format::Csv, trace(&[(0.0, 5000.0)], 2.0)));
    assert!(matches!(parse_auto("hello\n"), Err(ParseError::Unrecognised { line: 1 })));
}

prop_compose! {
    fn any_trace()(steps in prop::collection::vec((0.001..100.0f64, 0.0..1e5f64, prop::option::of(0.0..500.0f64)), 1..40)) -> Trace {
        let mut t_s = 0.0;
        let mut samples = Vec::new();
        for (length_s, throughput_kbps, rtt_ms) in steps {
            // Every third outage or so is a real one.
            let throughput_kbps = if throughput_kbps < 3e4 { 0.0 } else { throughput_kbps };
            samples.push(Sample { t_s, throughput_kbps, rtt_ms, ..Sample::default() });
            t_s += length_s;
        }
        Trace::new(samples, t_s).unwrap()
    }
}

proptest! {
    #[test]
    fn csv_round_trips(link in any_trace()) {
        prop_assert_eq!(csv::parse(&csv::emit(&link)).unwrap(), link);
    }

    #[test]
    fn finish_inverts_the_running_total(link in any_trace(), from_s in 0.0..5000.0f64, bits in 1.0..1e9f64) {
        let mut cursor = link.cursor(AtEnd::Loop);
        if let Some(finish_s) = cursor.finish_of(from_s, bits) {
            let carried = cursor.bits_until(finish_s) - cursor.bits_until(from_s);
            prop_assert!((carried - bits).abs() <= 1e-6 * cursor.bits_until(finish_s), "{} of {}", carried, bits);
            prop_assert!(finish_s >= from_s);
        } else {
            prop_assert_eq!(link.total_bits(), 0.0);
        }
    }

    #[test]
    fn a_moved_cursor_answers_like_a_fresh_one(link in any_trace(), times in prop::collection::vec(-10.0..1e4f64, 1..60)) {
        for at_end in [AtEnd::Loop, AtEnd::Hold, AtEnd::Stop] {
            let mut moved = link.cursor(at_end);
            for &t_s in &times {
                prop_assert_eq!(moved.sample_at(t_s), link.at(t_s, at_end));
                prop_assert_eq!(moved.finish_of(t_s, 1e6), link.finish_of(t_s, 1e6, at_end));
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "\\PC*") {
        let _ = parse_auto(&text);
        let _ = parse(Format::Csv, &format!("t_s,throughput_kbps,rtt_ms\n{text}"));
    }
}
