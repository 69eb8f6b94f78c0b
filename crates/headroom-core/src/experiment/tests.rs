use super::*;
use crate::{
    mode::Mode,
    telemetry::{NetworkId, SessionId, StreamId},
    time::{Duration, Timestamp},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const STREAM: &str = "finals";

fn experiment(value: Value) -> Experiment {
    serde_json::from_value(value).unwrap()
}

fn two_arms(name: &str) -> Value {
    json!({ "name": name, "arms": [{ "name": "control", "mode": "observe" }, { "name": "steered" }] })
}

fn with(mut base: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        base[key] = value.clone();
    }
    base
}

fn subject(session: u64) -> Subject<'static> {
    Subject {
        session: SessionId(session),
        viewer: Some(session / 3),
        network: NetworkId(session % 50),
        stream: StreamId(session % 4),
        stream_name: STREAM,
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_796_083_200_000);

/// From the definition, by the command `printf %s SALT/UNIT | sha256sum`: first 13 digits modulo a million.
#[test]
fn the_bucket_is_what_the_definition_says() {
    let cases =
        [("smooth", "0", 860_235), ("smooth", "18446744073709551615", 623_341), ("", "", 52_594), ("ä", "1", 173_719)];
    for (salt, unit, expected) in cases {
        assert_eq!(bucket(salt, unit), expected, "{salt}/{unit}");
    }
}

proptest! {
    /// Each arm gets its share within five standard deviations of the binomial distribution, in every slice of the units.
    #[test]
    fn shares_are_honoured(salt in "[a-z]{1,12}", first in 0_u64..1 << 60, share in 0.01_f64..0.5, exposure in 0.01_f64..1.0) {
        let mut drawn = experiment(two_arms("test"));
        drawn.salt = Some(salt);
        for arm in &mut drawn.arms {
            arm.share = Some(share);
        }
        const UNITS: u64 = 4_000;
        let mut counts = [0_u64; 2];
        for session in first..first + UNITS {
            let whole = drawn.assign(&subject(session), NOW, 1.0);
            let ramped = drawn.assign(&subject(session), NOW, exposure);
            prop_assert_eq!(ramped, drawn.assign(&subject(session), NOW + Duration::from_secs(1 << 20), exposure), "stable");
            // Whoever is in at a step is in the same arm at every later one.
            prop_assert!(ramped.is_none() || ramped == whole);
            if let Some(assignment) = ramped {
                counts[assignment.arm] += 1;
            }
        }
        let expected = share.min(exposure);
        let spread = (UNITS as f64 * expected * (1.0 - expected)).sqrt();
        for count in counts {
            prop_assert!((count as f64 - UNITS as f64 * expected).abs() < 5.0 * spread + 1.0, "{counts:?} of {expected}");
        }
    }

    /// Two salts draw independently: the table of both has the products of the shares.
    #[test]
    fn salts_are_independent(one in "[a-z]{1,8}", other in "[A-Z]{1,8}") {
        const UNITS: u64 = 4_000;
        let [first, second] = [one, other].map(|salt| experiment(with(two_arms("test"), json!({ "salt": salt }))));
        let mut counts = [[0_u64; 2]; 2];
        for session in 0..UNITS {
            let arm = |experiment: &Experiment| experiment.assign(&subject(session), NOW, 1.0).unwrap().arm;
            counts[arm(&first)][arm(&second)] += 1;
        }
        let quarter = UNITS as f64 / 4.0;
        let chi_squared: f64 = counts.iter().flatten().map(|&count| (count as f64 - quarter).powi(2) / quarter).sum();
        // Three degrees of freedom: above 30 once in a million.
        prop_assert!(chi_squared < 30.0, "{counts:?}");
    }

    /// In each block every arm has one slice, whatever the start and the number of arms.
    #[test]
    fn time_slices_take_turns(arms in 2_usize..=6, start in 0_u64..1 << 31, salt in "[a-z]{1,8}") {
        let start = Timestamp::EPOCH + Duration::from_secs(start);
        let slices = TimeSlices { start, slice_s: 600, washout_s: 60, arms };
        for block in 0..20 {
            let mut seen: Vec<usize> = (0..arms as u64)
                .map(|turn| {
                    let number = block * arms as u64 + turn;
                    let begin = start + Duration::from_secs(number * 600);
                    let at = |offset| slices.at(&salt, begin + Duration::from_secs(offset)).unwrap();
                    let (first, washed, last) = (at(0), at(60), at(599));
                    assert_eq!((first.number, washed.number, last.number), (number, number, number));
                    assert_eq!((first.arm, first.arm), (washed.arm, last.arm));
                    assert_eq!((first.is_counted, at(59).is_counted, washed.is_counted), (false, false, true));
                    first.arm
                })
                .collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..arms).collect::<Vec<_>>());
        }
        if let Some(before) = start.as_micros().checked_sub(1) {
            prop_assert_eq!(slices.at(&salt, Timestamp::from_micros(before)), None);
        }
    }
}

#[test]
fn the_unit_is_what_is_drawn() {
    for (unit, same) in [("viewer", (3, 5)), ("network", (7, 57)), ("stream", (5, 9))] {
        let drawn = experiment(with(two_arms("test"), json!({ "unit": unit })));
        let arm = |session| drawn.assign(&subject(session), NOW, 1.0);
        assert_eq!(arm(same.0), arm(same.1), "{unit}");
        let nobody = Subject {
            session: SessionId(1),
            viewer: None,
            network: NetworkId::UNKNOWN,
            stream: StreamId::UNKNOWN,
            stream_name: STREAM,
        };
        assert_eq!(drawn.assign(&nobody, NOW, 1.0), None, "{unit}");
    }
    let everybody = experiment(with(two_arms("test"), json!({ "unit": "time_slice" })));
    let arms: Vec<_> = (0..100).map(|session| everybody.assign(&subject(session), NOW, 1.0)).collect();
    assert!(arms.iter().all(|arm| arm.is_some() && *arm == arms[0]));
}

#[test]
fn it_runs_on_its_streams_between_start_and_end() {
    let limited = experiment(with(
        two_arms("test"),
        json!({ "streams": ["finals"], "start": "2026-12-01T00:00:00Z", "end": "2026-12-02T00:00:00Z" }),
    ));
    let other = Subject { stream_name: "other", ..subject(1) };
    assert!(limited.assign(&subject(1), NOW, 1.0).is_some());
    assert_eq!(limited.assign(&other, NOW, 1.0), None);
    assert_eq!(limited.assign(&subject(1), Timestamp::from_millis(1_796_083_199_999), 1.0), None);
    assert_eq!(limited.assign(&subject(1), NOW + Duration::from_secs(86_400), 1.0), None);
}

#[test]
fn the_holdback_comes_first_and_is_the_same_in_every_experiment() {
    let holdback = Holdback { share: 0.05, ..Holdback::default() };
    let [one, other] =
        ["one", "other"].map(|name| Experiments::new(holdback.clone(), vec![experiment(two_arms(name))]));
    let (one, other) = (one.unwrap(), other.unwrap());
    let held =
        |experiments: &Experiments, session| experiments.place(&subject(session), NOW, |_| 1.0) == Place::Holdback;
    let count = (0..20_000).filter(|&session| held(&one, session)).count();
    assert!((850..1_150).contains(&count), "{count}");
    assert!((0..20_000).all(|session| held(&one, session) == held(&other, session)));
    let none = Experiments::default();
    assert!((0..1_000).all(|session| none.place(&subject(session), NOW, |_| 1.0) == Place::Outside));
}

#[test]
fn arms_act_by_what_they_name() {
    let acting = experiment(json!({ "name": "test", "arms": [
        { "name": "control", "mode": "observe" },
        { "name": "all" },
        { "name": "some", "actuators": ["mb", "advice"] },
        { "name": "none", "actuators": [] },
    ] }));
    let acts = |arm: usize| Actuator::ALL.map(|actuator| acting.arms[arm].acts_by(actuator));
    assert_eq!(acts(0), [false; 5]);
    assert_eq!(acts(1), [true; 5]);
    assert_eq!(acts(2), [false, true, true, false, false]);
    assert_eq!(acts(3), [false; 5]);
    assert_eq!(acting.arms[0].mode, Mode::Observe);
}

#[test]
fn what_does_not_fit_is_one_clear_error() {
    let arms = |arms: Value| json!({ "name": "test", "arms": arms });
    let shared = |one: f64, other: f64| arms(json!([{ "name": "a", "share": one }, { "name": "b", "share": other }]));
    let both = |changes: Value| json!([two_arms("one"), with(two_arms("two"), changes)]);
    let alone = |changes: Value| json!([with(two_arms("test"), changes)]);
    let cases = [
        (
            both(json!({})),
            "experiments one and two overlap: both run on every stream at one time; end one before the other starts, or name other streams",
        ),
        (both(json!({ "streams": ["finals"] })), "both run on finals at one time"),
        (both(json!({ "name": "one" })), "experiment one: the name is taken by another experiment"),
        (json!([shared(0.6, 0.5)]), "experiment test: the shares add up to 1.1; at most 1"),
        (json!([shared(1.5, 0.5)]), "experiment test: the share of a is 1.5; above 0 and at most 1"),
        (json!([shared(0.5, -0.5)]), "experiment test: the share of b is -0.5; above 0 and at most 1"),
        (
            json!([arms(json!([{ "name": "a", "share": 0.5 }, { "name": "b" }]))]),
            "some arms have a share and b has none",
        ),
        (json!([arms(json!([{ "name": "a" }]))]), "experiment test: 1 arms; 2 to 6, the first is the control"),
        (json!([arms(json!([{ "name": "a" }, { "name": "a" }]))]), "experiment test: two arms are called a"),
        (
            json!([arms(json!([{ "name": "a" }, { "name": "b", "policy": "soda" }]))]),
            "experiment test: no policy is called \"soda\"; known are none, throughput",
        ),
        (alone(json!({ "name": "Big Test" })), "\"Big Test\" is no name"),
        (
            alone(json!({ "start": "2026-12-02T00:00:00Z", "end": "2026-12-01T00:00:00Z" })),
            "experiment test: it ends before it starts",
        ),
        (alone(json!({ "start": 5, "end": 5 })), "experiment test: it ends before it starts"),
        (alone(json!({ "slice_s": 600 })), "experiment test: slice_s and washout_s belong to unit = \"time_slice\""),
        (
            alone(json!({ "unit": "time_slice", "slice_s": 60 })),
            "experiment test: slice_s is 60 and washout_s 120; a slice is 30 s or more, its washout shorter",
        ),
        (alone(json!({ "unit": "time_slice", "ramp": [0.1] })), "leave it out"),
        (alone(json!({ "ramp": [0.5, 0.1] })), "experiment test: a ramp has 1 to 16 ascending shares"),
        (
            alone(json!({ "guardrails": [{ "metric": "latency", "tolerance": -1 }] })),
            "experiment test: guardrail latency: tolerance is -1; 0 to 100",
        ),
        (
            alone(
                json!({ "guardrails": [{ "metric": "latency", "tolerance": 1 }, { "metric": "latency", "tolerance": 2 }] }),
            ),
            "two guardrails watch latency",
        ),
        (alone(json!({ "salt": "" })), "experiment test: salt is 1 to 256 characters"),
        (alone(json!({ "streams": [""] })), "or one without a name"),
    ];
    for (experiments, expected) in cases {
        let read: Vec<Experiment> = serde_json::from_value(experiments.clone()).unwrap();
        let error = Experiments::new(Holdback::default(), read).unwrap_err().to_string();
        assert!(error.contains(expected), "{experiments}\n{error}");
        assert!(!error.contains('\n'));
    }
    for share in [-0.1, 0.6, f64::NAN] {
        assert!(Experiments::new(Holdback { share, ..Holdback::default() }, vec![]).is_err());
    }
    let unit = Unit::TimeSlice;
    assert!(Experiments::new(Holdback { unit, ..Holdback::default() }, vec![]).is_err());
}

#[test]
fn what_fits_is_taken_and_written_as_it_was_read() {
    let full = json!({
        "name": "smooth-2026", "salt": "again", "unit": "viewer", "streams": ["finals"],
        "arms": [
            { "name": "control", "share": 0.5, "mode": "off" },
            { "name": "steered", "share": 0.5, "mode": "steer", "policy": "headroom", "objective": "smooth", "actuators": ["etp", "mb", "advice", "steering", "stretch"] },
        ],
        "start": "2026-12-01T00:00:00Z", "end": "2026-12-15T00:00:00Z",
        "primary": "stall_ratio", "guardrails": [{ "metric": "stall_ratio", "tolerance": 0.1 }],
        "ramp": [0.01, 0.05, 0.5], "ramp_hold_s": 3600,
    });
    let read = experiment(full.clone());
    assert_eq!(read.check(), Ok(()));
    assert_eq!(serde_json::to_value(&read).unwrap(), full);
    assert_eq!([0, 1, 2, 3].map(|step| read.exposure(step)), [0.01, 0.05, 0.5, 0.5]);
    // One after the other, and beside each other on other streams.
    let later = with(two_arms("later"), json!({ "streams": ["finals"], "start": "2026-12-15T00:00:00Z" }));
    let beside = with(two_arms("beside"), json!({ "streams": ["other"] }));
    let all = vec![read, experiment(later), experiment(beside)];
    assert!(Experiments::new(Holdback::default(), all).is_ok());
    for bad in [json!({ "unit": "planet" }), json!({ "start": "soon" }), json!({ "colour": 1 }), json!({ "start": -1 })]
    {
        assert!(serde_json::from_value::<Experiment>(with(two_arms("test"), bad)).is_err());
    }
}
