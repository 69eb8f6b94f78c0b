//! Foreign formats: small tables for their rules, the real samples for the truth.
//!
//! The real samples live in the optional development data; each test that needs them says when they are absent.

use std::path::PathBuf;

use super::sigcomm24::{PlaybackKind, parse_playback, recognises_playback};
use super::{Format, Options, ParseError, csv, detect, import, mahimahi, parse, parse_auto};
use crate::trace::{AtEnd, NetworkMode, Trace};

fn rows(trace: &Trace) -> Vec<(f64, f64)> {
    trace.samples().iter().map(|sample| (sample.t_s, sample.throughput_kbps)).collect()
}

#[test]
fn each_format_is_recognised_by_its_first_line() {
    for (text, expected) in [
        ("\u{feff}t_s,throughput_kbps\n", Some(Format::Csv)),
        ("\n\nthroughput_kbps,t_s\n", Some(Format::Csv)),
        ("Timestamp,Longitude,DL_bitrate\n", Some(Format::GNetTrack)),
        ("Timestamp\tLevel\tDL_bitrate\n", Some(Format::GNetTrack)),
        ("Tput(Mbps)\tConfig\n", Some(Format::Sigcomm24)),
        ("Tput(Gbps)\tconfig\n", Some(Format::Sigcomm24)),
        ("Config\ttput\tcqi\n", Some(Format::Sigcomm24)),
        ("[\n", Some(Format::Sabre)),
        ("0.0\t2.29\n", Some(Format::Cooked)),
        ("0 88.0\n", Some(Format::Cooked)),
        ("run_num,seq_num,nrStatus,nr_ssRsrp,Throughput\n", Some(Format::Lumos5g)),
        ("1284362629 23483 59.85 10.78 53184 1004\n", Some(Format::Received)),
        ("1453120784000 1250 51.03 3.73 4182324 1000\n", Some(Format::Received)),
        ("t_s;throughput_kbps\n", Some(Format::Csv)),
        ("12\n", Some(Format::Mahimahi)),
        ("1 2 3\n", None),
        ("bitrate\tstallTime\tchkSize\n", None),
        ("{\"a\":1}\n", None),
        ("", None),
    ] {
        assert_eq!(detect(text), expected, "{text:?}");
    }
}

#[test]
fn quoted_separators_do_not_shift_columns() {
    let plmn = "\"plmn\",\"t_s\",\"throughput_kbps\"\n\"310, 410\",\"0\",\"100\"\n\"310, 411\",\"1\",\"200\"\n\"310, 412\",\"2\",\"300\"\n";
    let operator = "Timestamp,Operator,DL_bitrate\n2020.02.28_10.00.00,\"A, B\",7\n2020.02.28_10.00.01,C,8\n";
    for (text, expected) in [(plmn, [(0.0, 100.0), (1.0, 200.0)]), (operator, [(0.0, 7.0), (1.0, 8.0)])] {
        assert_eq!(rows(&parse_auto(text).unwrap().1), expected, "{text:?}");
    }
}

#[test]
fn times_since_the_epoch_start_at_zero_and_milliseconds_are_refused() {
    let text = "t_s,throughput_kbps\n1700000000,12000\n1700000001,9000\n1700000002,0\n";
    assert_eq!(rows(&parse(Format::Csv, text).unwrap()), [(0.0, 12_000.0), (1.0, 9_000.0)]);
    let milliseconds = "t_s,throughput_kbps\n1700000000000,12000\n1700000001000,9000\n";
    assert!(matches!(parse(Format::Csv, milliseconds), Err(ParseError::Implausible { line: 2, .. })));
}

#[test]
fn semicolons_decimal_commas_and_missing_values_are_read() {
    let text = "t_s;throughput_kbps;rtt_ms\n0,0;1200,5;30,5\n0,5;-;-\n1,0;900;-\n2,0;0;\n";
    let import = import(Format::Csv, text, &Options::default()).unwrap();
    assert_eq!((rows(&import.trace), import.rows_left_out), (vec![(0.0, 1_200.5), (1.0, 900.0)], 1));
    assert_eq!((import.trace.samples()[0].rtt_ms, import.trace.samples()[1].rtt_ms), (Some(30.5), None));
    let quoted = "t_s,throughput_kbps\n\"0,5\",\"1,5\"\n\"1,5\",2\n";
    assert_eq!(rows(&parse(Format::Csv, quoted).unwrap()), [(0.0, 1.5)]);
    for word in ["NA", "n/a", "null", "--"] {
        let text = format!("t_s,throughput_kbps\n0,5\n1,{word}\n2,7\n3,0\n");
        assert_eq!(rows(&parse(Format::Csv, &text).unwrap()), [(0.0, 5.0), (2.0, 7.0)], "{word}");
    }
}

#[test]
fn logs_of_what_arrived_are_rates_of_the_time_before() {
    // Seconds since 1970 in one, milliseconds in the other; the second row of the first repeats a time.
    let oslo = "1284362629 23000 59.85 10.78 125000 1000\n1284362629 23000 59.85 10.78 9 1000\n1284362631 25000 59.85 10.78 500000 2000\n";
    let ghent = "1453120784000 1000 51.03 3.73 125000 1000\n1453120785000 1000 51.03 3.73 7 0\n1453120786000 3000 51.03 3.73 500000 2000\n";
    for text in [oslo, ghent] {
        let import = import(Format::Received, text, &Options::default()).unwrap();
        assert_eq!((rows(&import.trace), import.rows_left_out), (vec![(0.0, 1_000.0), (1.0, 2_000.0)], 1), "{text}");
        assert_eq!(import.trace.duration_s(), 3.0);
    }
}

#[test]
fn lumos5g_tables_hold_many_runs() {
    let text = "run_num,seq_num,abstractSignalStr,nr_ssRsrp,nr_ssRsrq,nr_ssSinr,Throughput,mobility_mode\n\
        1,1,2,-82,-11,16,46.5,driving\n1,2,2,-82.0,-11,16,-,driving\n1,3,2,,-11,,900,driving\n2,1,2,-82,-11,16,5,walking\n";
    let error = parse(Format::Lumos5g, text).unwrap_err().to_string();
    assert_eq!(error, "line 5: recording `2` follows `1` in one file: select one of them");
    let options = |run: &str| Options { select: Some(run.into()), step_s: None };
    let one = import(Format::Lumos5g, text, &options("1")).unwrap();
    assert_eq!((rows(&one.trace), one.rows_left_out), (vec![(0.0, 46_500.0), (2.0, 900_000.0)], 1));
    let [first, second] = one.trace.samples() else { panic!("two samples") };
    assert_eq!((first.rsrp_dbm, first.sinr_db, second.rsrp_dbm), (Some(-82.0), Some(16.0), None));
    let millis = "timestamp,throughput_mbps,rtt\n1700000000000,5,1\n1700000001500,7,1\n";
    assert_eq!(rows(&parse_auto(millis).unwrap().1), [(0.0, 5_000.0), (1.5, 7_000.0)]);
}

#[test]
fn names_of_formats_read_back() {
    for (name, format) in
        [("csv", Format::Csv), ("ucc5g", Format::GNetTrack), ("lumos5g", Format::Cooked), ("ghent", Format::Received)]
    {
        assert_eq!(name.parse(), Ok(format));
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    assert!("pcap".parse::<Format>().is_err());
}

#[test]
fn cooked_values_end_at_their_row() {
    let import = import(Format::Cooked, "1.0 300\n2.0 100\n2.0 7\n4.0 50\n", &Options::default()).unwrap();
    assert_eq!(rows(&import.trace), [(0.0, 100_000.0), (1.0, 50_000.0)]);
    assert_eq!((import.trace.duration_s(), import.rows_left_out), (3.0, 1));
}

#[test]
fn gnettrack_reads_both_dialects_across_midnight() {
    let text = "Timestamp,NetworkMode,RSRP,RSRQ,SNR,CQI,DL_bitrate,UL_bitrate,PINGAVG,PINGSTDEV,PINGLOSS\n\
        2020.02.28_23.59.59,5G,-99,-15,6.0,12,7,1,-,-,-\n\
        2020.02.28_23.59.59,5G,-99,-15,6.0,12,9,1,-,-,-\n\
        2020.02.29_00.00.01,LTE,-340,-15,-,-,8,-,82.0,3.0,25.0\n";
    let import = import(Format::GNetTrack, text, &Options::default()).unwrap();
    assert_eq!(rows(&import.trace), [(0.0, 7.0), (2.0, 8.0)]);
    assert_eq!((import.trace.duration_s(), import.rows_left_out), (3.0, 1));
    let [first, second] = import.trace.samples() else { panic!("two samples") };
    assert_eq!((first.network_mode, first.rsrp_dbm, first.rtt_ms), (Some(NetworkMode::FiveG), Some(-99.0), None));
    assert_eq!((second.rsrp_dbm, second.sinr_db, second.uplink_kbps), (None, None, None));
    assert_eq!((second.rtt_ms, second.jitter_ms, second.loss_ratio), (Some(82.0), Some(3.0), Some(0.25)));

    let tabs = "Timestamp\tLevel\tQual\tSNR\tDL_bitrate\n2024.05.01 10:00:00\t-90\t-11\t12\t5000\n";
    let trace = parse(Format::GNetTrack, tabs).unwrap();
    assert_eq!((trace.samples()[0].rsrp_dbm, trace.samples()[0].rsrq_db), (Some(-90.0), Some(-11.0)));
}

#[test]
fn sigcomm24_needs_one_recording_and_takes_a_step() {
    let text = "Tput(Mbps)\tConfig\n1.5\tA\n2\tA\n3\tB\n";
    let error = parse(Format::Sigcomm24, text).unwrap_err();
    assert_eq!(error.to_string(), "line 4: recording `B` follows `A` in one file: select one of them");
    let options = |select: &str, step_s| Options { select: Some(select.into()), step_s };
    let a = import(Format::Sigcomm24, text, &options("A", None)).unwrap().trace;
    assert_eq!((rows(&a), a.duration_s()), (vec![(0.0, 1500.0), (1.0, 2000.0)], 2.0));
    let b = import(Format::Sigcomm24, text, &options("B", Some(0.25))).unwrap().trace;
    assert_eq!((rows(&b), b.duration_s()), (vec![(0.0, 3000.0)], 0.25));
    assert!(import(Format::Sigcomm24, text, &options("C", None)).is_err());
    assert_eq!(parse(Format::Sigcomm24, "Tput(Gbps)\tconfig\n1\tA\n").unwrap().samples()[0].throughput_kbps, 1e6);
}

#[test]
fn sabre_steps_add_up() {
    let text = "[\n {\"duration_ms\": 500, \"bandwidth_kbps\": 1000, \"latency_ms\": 20},\n {\"duration_ms\": 250, \"bandwidth_kbps\": 0}]";
    let trace = parse(Format::Sabre, text).unwrap();
    assert_eq!((rows(&trace), trace.duration_s()), (vec![(0.0, 1000.0), (0.5, 0.0)], 0.75));
    assert_eq!(trace.samples()[0].rtt_ms, Some(20.0));
    let error = parse(Format::Sabre, &text.replace("250", "-1")).unwrap_err().to_string();
    assert_eq!(error, "line 3: step 1: duration_ms -1 is out of range");
}

#[test]
fn mahimahi_counts_opportunities_and_writes_them_back() {
    // 10 packets in the first 100 ms, none in the second, 1 at its end: 1.2 Mbit/s, then 0.12.
    let text = "10\n20\n30\n40\n50\n60\n70\n80\n90\n100\n200\n";
    let trace = parse(Format::Mahimahi, text).unwrap();
    assert_eq!((rows(&trace), trace.duration_s()), (vec![(0.0, 1200.0), (0.1, 120.0)], 0.2));
    assert_eq!(mahimahi::emit(&trace).unwrap(), text);

    let outage = csv::parse("t_s,throughput_kbps\n0,1200\n0.1,0\n0.25,0\n").unwrap();
    let written = mahimahi::emit(&outage).unwrap();
    assert_eq!(written.lines().last(), Some("250"), "the period is kept");
    assert_eq!(written.lines().count(), 11);
    assert!(mahimahi::emit(&Trace::constant(2e7).unwrap().window(0.0, 1.0).unwrap()).is_ok());
    assert!(mahimahi::emit(&csv::parse("t_s,throughput_kbps\n0,20000000\n60,0\n").unwrap()).is_err());
}

#[test]
fn every_parser_names_the_line() {
    for (format, text, expected) in [
        (Format::Cooked, "0 1\n1 x\n", "line 2: `x` in column `Mbit/s` is not a number"),
        (Format::Cooked, "0 1\n1\n", "line 2: the row has 1 fields, the column `Mbit/s` is number 2"),
        (Format::Cooked, "0 1\n1 2 3\n", "line 2: more than two fields"),
        (Format::Cooked, "0 1\n1 5000000\n", "line 2: 5000000 in column `Mbit/s` is outside 0 to 20000: wrong unit?"),
        (Format::GNetTrack, "Timestamp,DL_bitrate\nnoon,1\n", "line 2: `noon` is not a time like 2019.12.14_10.16.30"),
        (
            Format::GNetTrack,
            "Timestamp,DL_bitrate\n2019.12.14_10.16.30,x\n",
            "line 2: `x` in column `DL_bitrate` is not a number",
        ),
        (Format::Received, "1284362629 1 2 3 4\n", "line 1: 5 fields where six belong"),
        (Format::Lumos5g, "run_num,seq_num\n1,2\n", "line 1: the header has no column `Throughput`"),
        (Format::GNetTrack, "Timestamp,bitrate\n", "line 1: the header has no column `DL_bitrate`"),
        (Format::Sigcomm24, "MCS\tlayers\n1\t2\n", "line 1: the header has no column `Tput(Mbps)`"),
        (Format::Sabre, "[\n{\"duration_ms\": 1,\n\"bandwidth_kbps\": x}]", "line 3: "),
        (Format::Mahimahi, "5\n4\n", "line 2: time 0.004 s does not come after 0.005 s"),
        (Format::Mahimahi, "5\n-4\n", "line 2: `-4` is not a whole number of milliseconds"),
        (Format::Mahimahi, "5\n99999999999999\n", "line 2: 99999999999999 in column `milliseconds` is outside"),
    ] {
        let error = parse(format, text).unwrap_err().to_string();
        assert!(error.contains(expected), "{format} {text:?} says {error:?}, not {expected:?}");
    }
}

#[test]
fn bytes_of_any_kind_never_panic() {
    let nasty = [
        "[",
        "[{}]",
        "[{\"duration_ms\":1e308,\"bandwidth_kbps\":1}]",
        "0 0\n1e308 1\n",
        "1\n18446744073709551615\n",
        "Timestamp,DL_bitrate\n9999.99.99_99.99.99,1\n",
        "Timestamp,DL_bitrate\n9223372036854775808.1.1_1.1.1,1\n",
        "Tput(Mbps)\tconfig\n\t\t\n",
        "Tput(Mbps)\tconfig\n1\t\n",
        "t_s,throughput_kbps\n\u{0},\u{0}\n",
        "\u{feff}",
    ];
    for text in nasty {
        for format in [
            Format::Csv,
            Format::Cooked,
            Format::GNetTrack,
            Format::Sigcomm24,
            Format::Sabre,
            Format::Lumos5g,
            Format::Received,
            Format::Mahimahi,
        ] {
            let _ = parse(format, text);
        }
        let _ = parse_playback(text);
    }
}

/// A file of the development data, or a message why the test ends here.
#[expect(clippy::disallowed_methods, reason = "test data; the crate itself reads no files and no environment")]
fn shared(path: &str) -> Option<String> {
    let root = std::env::var_os("HEADROOM_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let text = std::fs::read_to_string(root.join("data").join(path)).ok();
    if text.is_none() {
        println!("skipped: development data without {path}");
    }
    text
}

/// The raw file and the CSV that others made from the same file must be the same link, for as long as both last:
/// the CSV ends at the start of its last row.
#[test]
fn raw_samples_agree_with_the_reference_conversion() {
    for (raw, converted, meaning) in [
        ("ucc5g/Download_Driving_B_2019.12.14_10.16.30.csv", "ucc5g-download/driving-20191214-101630.csv", Format::Csv),
        ("ucc5g/Download_Static_B_2020.02.14_13.21.26.csv", "ucc5g-download/static-20200214-132126.csv", Format::Csv),
        ("lumos5g/4G_4g_trace_driving_50032_dr", "lumos5g-4g/driving-50032-dr.csv", Format::CsvIntervalEnds),
        ("lumos5g/5G_5g_trace_101_walking", "lumos5g-5g-walking/101.csv", Format::CsvIntervalEnds),
        ("lumos5g/5G_5g_trace_103_driving", "lumos5g-5g-driving/103.csv", Format::CsvIntervalEnds),
        (
            "pensieve/bus.ljansbakken-oslo-report.2010-09-28_1407CEST.log",
            "pensieve-hsdpa-train/bus-ljansbakken-oslo-2010-09-28-1407cest.csv",
            Format::CsvIntervalEnds,
        ),
        ("sabre/3Glogs_report.2010-09-13_1003CEST.json", "sabre-3g/2010-09-13-1003cest.csv", Format::Csv),
        ("sabre/4Glogs_report_bus_0010.json", "sabre-4g/bus-0010.csv", Format::Csv),
        ("sigcomm24/Sec5-Channel-Variability/CuratedData/O_Sp_100Mhz.txt", "sigcomm24-1s/o-sp-100mhz.csv", Format::Csv),
        (
            "sigcomm24/Sec5-Channel-Variability/CuratedData/Tput_V_Sp_90Mhz.txt",
            "sigcomm24-100ms/v-sp-90mhz.csv",
            Format::Csv,
        ),
    ] {
        let (Some(raw_text), Some(csv_text)) = (shared(&format!("raw/{raw}")), shared(&format!("traces/{converted}")))
        else {
            continue;
        };
        let (format, link) = parse_auto(&raw_text).unwrap_or_else(|error| panic!("{raw}: {error}"));
        let reference = parse(meaning, &csv_text).unwrap_or_else(|error| panic!("{converted}: {error}"));
        assert_ne!(format, Format::Csv);
        assert!((0.0..=1.001).contains(&(link.duration_s() - reference.duration_s())), "{raw}: lengths differ");
        for (ours, theirs) in link.samples().iter().zip(reference.samples()) {
            assert!((ours.t_s - theirs.t_s).abs() < 1e-3, "{raw} at {} s: {} s", ours.t_s, theirs.t_s);
            assert!((ours.throughput_kbps - theirs.throughput_kbps).abs() < 1e-2, "{raw} at {} s", ours.t_s);
            assert_eq!(ours.rsrp_dbm, theirs.rsrp_dbm, "{raw} at {} s", ours.t_s);
            assert_eq!((ours.rsrq_db, ours.sinr_db, ours.cqi), (theirs.rsrq_db, theirs.sinr_db, theirs.cqi));
            assert_eq!((ours.uplink_kbps, ours.network_mode), (theirs.uplink_kbps, theirs.network_mode));
            assert_eq!(
                (ours.rtt_ms, ours.jitter_ms, ours.loss_ratio),
                (theirs.rtt_ms, theirs.jitter_ms, theirs.loss_ratio)
            );
        }
    }
}

#[test]
fn the_other_raw_samples_read_with_the_figures_of_their_source() {
    let dir = "raw/sigcomm24/Sec4-Mid-Band-PhyPerformance/CuratedData";
    if let Some(text) = shared(&format!("{dir}/EU_Phy_DL_All.txt")) {
        assert!(matches!(parse_auto(&text), Err(ParseError::Malformed { .. })), "five operators in one file");
        // Operator means 600 to 811 Mbit/s, as the data notes say.
        for (select, count) in [("O_Fr", 4765), ("O_Sp_90Mhz", 6491), ("T_Ge", 1714)] {
            let options = Options { select: Some(select.into()), step_s: None };
            let link = import(Format::Sigcomm24, &text, &options).unwrap().trace;
            assert_eq!(link.samples().len(), count);
            assert!((590e3..820e3).contains(&link.mean_kbps()), "{select}: {}", link.mean_kbps());
        }
    }
    if let Some(text) = shared(&format!("{dir}/UL_Tput_cqiless.txt")) {
        let options = Options { select: Some("100".into()), step_s: None };
        let link = import(Format::Sigcomm24, &text, &options).unwrap().trace;
        assert!(link.samples().iter().all(|sample| sample.cqi.is_some_and(|cqi| cqi < 12.0)));
        assert!((3.6e3..13.1e3).contains(&link.mean_kbps()), "{}", link.mean_kbps());
    }
    let dir = "raw/sigcomm24/Sec6-Mid-Band-VideoSteaming/CuratedData";
    if let Some(text) = shared(&format!("{dir}/Tput.txt")) {
        let (format, link) = parse_auto(&text).unwrap();
        assert_eq!((format, link.samples().len()), (Format::Sigcomm24, 248));
        let first = link.at(0.0, AtEnd::Stop).unwrap().throughput_kbps;
        assert!((first - 636_695.36).abs() < 0.01, "{first}");
    }
    if let Some(text) = shared(&format!("{dir}/App_QoE_Details.txt")) {
        assert!(recognises_playback(&text) && detect(&text).is_none());
        let events = parse_playback(&text).unwrap();
        let count = |kind: fn(&PlaybackKind) -> bool| events.iter().filter(|event| kind(&event.kind)).count();
        assert_eq!(count(|kind| *kind == PlaybackKind::LoadingStarted), 104);
        assert_eq!(count(|kind| *kind == PlaybackKind::LoadingCompleted), 104);
        assert_eq!(count(|kind| *kind == PlaybackKind::BufferEmpty), 15);
        assert_eq!(count(|kind| matches!(kind, PlaybackKind::Report { rung: 0..=6, .. })), 247);
        assert!((246.0..249.0).contains(&events.last().unwrap().t_s));
    }
    if let Some(text) = shared("raw/pensieve/trace_10322_http---edition.cnn.com") {
        let link = parse_auto(&text).unwrap().1;
        assert_eq!(rows(&link)[0], (0.0, 888.12));
    }
}
