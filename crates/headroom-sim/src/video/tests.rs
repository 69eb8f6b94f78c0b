use super::*;

#[test]
fn envivio_holds_its_bit_rates_on_average() {
    let video = Video::envivio();
    assert_eq!((video.segments(), video.ladder().rungs().len()), (49, 6));
    // Published sizes of the first and the last segment, bytes.
    assert_eq!(video.bits(0, 0), 181_801.0 * 8.0);
    assert_eq!(video.bits(48, 5), 1_433_658.0 * 8.0);
    for rung in 0..6 {
        let bits: f64 = (0..48).map(|segment| video.bits(segment, rung)).sum();
        let kbps = bits / (48.0 * 4.0) / 1_000.0;
        let nominal = video.ladder().bitrate(rung).as_kbps();
        assert!((kbps / nominal - 1.0).abs() < 0.07, "rung {rung}: {kbps} against {nominal}");
    }
}

#[test]
fn jitter_is_seeded_and_centred() {
    let make = |seed| Video::jittered(Ladder::default(), Duration::from_secs(2), 2_000, 0.2, seed).unwrap();
    assert_eq!(make(7), make(7));
    assert_ne!(make(7), make(8));
    let video = make(7);
    let nominal = 2.0 * video.ladder().bitrate(3).as_bps() as f64;
    let logs: Vec<f64> = (0..2_000).map(|segment| (video.bits(segment, 3) / nominal).ln()).collect();
    let mean = logs.iter().sum::<f64>() / 2_000.0;
    let spread = (logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / 2_000.0).sqrt();
    assert!(mean.abs() < 0.02 && (spread - 0.2).abs() < 0.01, "{mean} {spread}");
}

#[test]
fn refuses_what_is_no_video() {
    let two = ladder_of_kbps(&[400, 800]).unwrap();
    let second = Duration::from_secs(1);
    assert_eq!(Video::new(two.clone(), second, vec![]), Err(VideoError::Empty));
    assert_eq!(Video::new(two.clone(), Duration::ZERO, vec![vec![1.0, 2.0]]), Err(VideoError::NoDuration));
    for bad in [vec![1.0], vec![1.0, 0.0], vec![1.0, f64::NAN]] {
        assert_eq!(Video::new(two.clone(), second, vec![vec![1.0, 2.0], bad]), Err(VideoError::BadSize(1)));
    }
}
