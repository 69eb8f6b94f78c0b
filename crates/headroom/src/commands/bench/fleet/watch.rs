//! What the server says of itself meanwhile: its metrics, and whether the dashboard stays live.

use anyhow::{Context, ensure};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Between two looks at the memory.
const STEP: Duration = Duration::from_secs(2);

/// One reading of `/metrics`.
pub(super) struct Metrics(Vec<(String, f64)>);

impl Metrics {
    pub(super) fn read(control: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = ask(control, "/metrics", "1.0")?;
        let mut text = String::new();
        stream.read_to_string(&mut text).context("the server ended its answer early")?;
        ensure!(text.starts_with("HTTP/1.0 200") || text.starts_with("HTTP/1.1 200"), "no metrics from {control}");
        let lines = text.lines().filter(|line| line.starts_with("headroom_"));
        let values = lines
            .filter_map(|line| line.rsplit_once(' '))
            .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
        Ok(Self(values.collect()))
    }

    /// The sum of all series of a name.
    pub(super) fn sum(&self, name: &str) -> f64 {
        let series = |full: &str| full.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('{'));
        self.0.iter().filter(|(full, _)| series(full)).map(|(_, value)| value).sum()
    }

    /// What was added to a histogram since `before`.
    pub(super) fn histogram(&self, name: &str, before: &Self) -> Histogram {
        let prefix = format!("{name}_bucket{{le=\"");
        let bucket = |(full, value): &(String, f64)| {
            let bound = full.strip_prefix(&prefix)?.strip_suffix("\"}")?;
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
            Some((bound, value - before.sum(full)))
        };
        let mut buckets: Vec<(f64, f64)> = self.0.iter().filter_map(bucket).collect();
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Histogram { buckets }
    }
}

/// Observations by their upper bounds, each bucket with all below it.
pub(super) struct Histogram {
    buckets: Vec<(f64, f64)>,
}

impl Histogram {
    /// The value below which the share `level` lies, straight lines between the bounds (as PromQL's
    /// `histogram_quantile`).
    pub(super) fn quantile(&self, level: f64) -> f64 {
        let total = self.buckets.last().map_or(0.0, |(_, count)| *count);
        let rank = level * total;
        let (mut lower, mut below) = (0.0, 0.0);
        for &(bound, count) in &self.buckets {
            if count >= rank && count > below {
                return if bound.is_finite() {
                    lower + (bound - lower) * (rank - below) / (count - below)
                } else {
                    lower
                };
            }
            (lower, below) = (bound, count);
        }
        f64::NAN
    }
}

/// What was seen in the background.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Frames of the dashboard, and the longest time without one.
    pub(super) frames: u64,
    pub(super) longest_gap: Duration,
    /// Resident memory, bytes, every [`STEP`].
    pub(super) memory: Vec<f64>,
}

/// Follows the dashboard and the memory until it is ended.
pub(super) struct Watch {
    seen: Arc<Mutex<Seen>>,
    ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Watch {
    pub(super) fn start(control: SocketAddr) -> anyhow::Result<Self> {
        let (seen, ended) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicBool>::default());
        let frames = BufReader::new(ask(control, "/v1/live", "1.1")?);
        let follow = {
            let (seen, ended) = (Arc::clone(&seen), Arc::clone(&ended));
            thread::spawn(move || follow(frames, &seen, &ended))
        };
        let weigh = {
            let (seen, ended) = (Arc::clone(&seen), Arc::clone(&ended));
            thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    let bytes = Metrics::read(control)?.sum("headroom_resident_memory_bytes");
                    seen.lock().unwrap_or_else(PoisonError::into_inner).memory.push(bytes);
                    thread::sleep(STEP);
                }
                Ok(())
            })
        };
        Ok(Self { seen, ended, threads: vec![follow, weigh] })
    }

    pub(super) fn end(self) -> anyhow::Result<Seen> {
        self.ended.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().map_err(|_| anyhow::anyhow!("a watching thread panicked"))??;
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(seen)
    }
}

fn follow(frames: BufReader<TcpStream>, seen: &Mutex<Seen>, ended: &AtomicBool) -> anyhow::Result<()> {
    let mut last = Instant::now();
    for line in frames.lines() {
        let line = line.context("the dashboard's stream broke off")?;
        if ended.load(Ordering::Relaxed) {
            return Ok(());
        }
        if line.starts_with("data:") {
            let gap = std::mem::replace(&mut last, Instant::now()).elapsed();
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            // The first frame is there at once; the gap before it is no gap between two.
            if seen.frames > 0 {
                seen.longest_gap = seen.longest_gap.max(gap);
            }
            seen.frames += 1;
        }
    }
    anyhow::bail!("the server ended the dashboard's stream")
}

fn ask(server: SocketAddr, path: &str, version: &str) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(server).context("the control listener refused a connection")?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(stream, "GET {path} HTTP/{version}\r\nHost: {server}\r\n\r\n")?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_bounds() {
        let read = |counts: [f64; 4]| {
            let bounds = ["1.0", "2.0", "4.0", "+Inf"];
            Metrics(bounds.iter().zip(counts).map(|(le, n)| (format!("t_bucket{{le=\"{le}\"}}"), n)).collect())
        };
        let histogram = read([10.0, 110.0, 110.0, 110.0]).histogram("t", &read([10.0, 10.0, 10.0, 10.0]));
        assert_eq!((histogram.quantile(0.5), histogram.quantile(0.99)), (1.5, 1.99));
        let beyond = read([0.0, 0.0, 1.0, 9.0]).histogram("t", &read([0.0; 4]));
        assert_eq!(beyond.quantile(0.99), 4.0);
        assert_eq!(read([1.0, 2.0, 3.0, 4.0]).sum("t"), 0.0);
    }
}
