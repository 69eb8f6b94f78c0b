//! What meters count and a tap reads along.

use headroom_cluster::{
    clock::Clock,
    engines::Engines,
    meters::Meters,
    shard::{ClientLocation, PlayerReport, ReportingMode, Shards},
    tap::{Handover, Tap},
};
use headroom_core::{
    decision::Decision,
    engine::Config,
    telemetry::{Encoder, Player, Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::Bitrate,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

#[derive(Default)]
struct Counts {
    late: AtomicU64,
    replayed: AtomicU64,
    answers: AtomicU64,
    samples: AtomicU64,
    decisions: AtomicU64,
    handed_over: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Meters for Counts {
    fn late(&self) {
        count(&self.late);
    }
    fn replayed(&self) {
        count(&self.replayed);
    }
    fn shed_record(&self) {}
    fn decision_age(&self, _: Duration) {
        count(&self.answers);
    }
}

struct Reader(Arc<Counts>);

impl Tap for Reader {
    fn sample(&mut self, _: &Sample) {
        count(&self.0.samples);
    }
    fn decision(&mut self, _: StreamId, _: &Decision) {
        count(&self.0.decisions);
    }
    fn take(&mut self, _: Timestamp) -> Handover {
        let counts = Arc::clone(&self.0);
        Box::new(move || count(&counts.handed_over))
    }
}

fn sample(report: Report) -> Sample {
    Sample { session: SessionId(7), stream: StreamId(1), at: Timestamp::default(), report }
}

#[test]
fn watchers_learn_of_reports_decisions_and_ticks() {
    let counts = Arc::new(Counts::default());
    let tap = || Some(Box::new(Reader(Arc::clone(&counts))) as Box<dyn Tap>);
    let meters = Arc::clone(&counts) as Arc<dyn Meters>;
    let shards = Arc::new(Shards::new(1, &Config::default(), Clock::start(), meters, None, tap));
    let engines = Engines::Local(Arc::clone(&shards));
    let player = Player {
        measured_throughput: Some(Bitrate::kbps(2_000)),
        buffer_length: Some(Duration::from_secs(8)),
        ..Player::default()
    };
    for number in [1, 3, 2, 3] {
        engines.handle_player(PlayerReport {
            sample: sample(Report::Player(player.clone())),
            stream: Some(StreamId(1)),
            sequence: (ReportingMode::Request, Some(number)),
            location: ClientLocation::default(),
        });
    }
    engines.handle_dated(Sample { at: engines.now(), ..sample(Report::Encoder(Encoder::default())) });
    shards.tick(0);
    shards.close_log();
    let seen = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    assert_eq!((seen(&counts.late), seen(&counts.replayed)), (1, 1));
    assert_eq!(seen(&counts.samples), 4, "three reports of the player and the publisher's; the replayed one is none");
    assert_eq!(seen(&counts.decisions), 1, "the tick's");
    assert_eq!(seen(&counts.handed_over), 2, "after the tick and at the end");
    assert_eq!(seen(&counts.answers), 4, "one a report");
    assert!(engines.decision(SessionId(7)).is_some());
    assert_eq!(seen(&counts.answers), 5);
    assert_eq!(engines.encoders().len(), 1);
}
