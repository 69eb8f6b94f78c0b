//! The last transfers of a session, newest last, in a small ring.

use super::Timeline;
use crate::{time::Duration, units::Bitrate};

/// One finished transfer: its mean rate and how long it took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transfer {
    /// Mean rate in kbit/s.
    pub throughput_kbps: f32,
    /// Duration in seconds.
    pub seconds: f32,
}

impl Transfer {
    /// `None` without bytes or time: no evidence.
    fn of(throughput: Bitrate, transfer_time: Duration) -> Option<Self> {
        let (throughput_kbps, seconds) = (throughput.as_kbps() as f32, transfer_time.as_secs_f64() as f32);
        (throughput_kbps > 0.0 && seconds > 0.0).then_some(Self { throughput_kbps, seconds })
    }
}

/// The last [`History::CAPACITY`] transfers that measure the link.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct History {
    timeline: Timeline,
    throughputs_kbps: [f32; Self::CAPACITY],
    /// Durations in milliseconds, the longest 65 s.
    durations_ms: [u16; Self::CAPACITY],
    len: u8,
    /// Transfers pushed, modulo 256; its remainder by the capacity is the slot to overwrite.
    pushed: u8,
}

impl History {
    /// Eight transfers: RobustMPC (Yin 2015) looks at five, and 2 s segments make eight about 16 s. A power of two, so
    /// that the count of transfers may wrap.
    pub const CAPACITY: usize = 8;

    /// Adds the newest transfer; one without bytes or time is no evidence and is ignored.
    pub fn push(&mut self, throughput: Bitrate, transfer_time: Duration) {
        self.push_after(Duration::ZERO, throughput, transfer_time);
    }

    /// Adds the newest transfer, before which nothing was transferred for `pause`.
    pub fn push_after(&mut self, pause: Duration, throughput: Bitrate, transfer_time: Duration) {
        let Some(transfer) = Transfer::of(throughput, transfer_time) else { return };
        if let Some(before) = self.newest() {
            self.timeline.extend(pause.as_secs_f64() as f32, before.throughput_kbps);
        }
        self.timeline.extend(transfer.seconds, transfer.throughput_kbps);
        self.keep(transfer);
    }

    /// Adds the newest transfer without its seconds: half the work, for who never reads [`History::timeline`].
    pub fn push_alone(&mut self, throughput: Bitrate, transfer_time: Duration) {
        if let Some(transfer) = Transfer::of(throughput, transfer_time) {
            self.keep(transfer);
        }
    }

    fn keep(&mut self, transfer: Transfer) {
        let slot = usize::from(self.pushed) % Self::CAPACITY;
        self.throughputs_kbps[slot] = transfer.throughput_kbps;
        self.durations_ms[slot] = ((transfer.seconds * 1e3).round() as u16).max(1);
        self.pushed = self.pushed.wrapping_add(1);
        self.len = (self.len + 1).min(Self::CAPACITY as u8);
    }

    /// How many transfers are known.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many transfers were ever added, modulo 256. The difference to an earlier value is the number of new ones.
    #[must_use]
    pub fn pushed(&self) -> u8 {
        self.pushed
    }

    /// The transfers, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = Transfer> + '_ {
        let newest = usize::from(self.pushed) % Self::CAPACITY + Self::CAPACITY - 1;
        (0..self.len()).map(move |age| (newest - age) % Self::CAPACITY).map(|slot| Transfer {
            throughput_kbps: self.throughputs_kbps[slot],
            seconds: f32::from(self.durations_ms[slot]) / 1e3,
        })
    }

    /// The newest transfer.
    #[must_use]
    pub fn newest(&self) -> Option<Transfer> {
        self.newest_first().next()
    }

    /// The last seconds, one value each.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Arithmetic mean in kbit/s of the newest `count` transfers.
    #[must_use]
    pub fn mean(&self, count: usize) -> Option<f64> {
        let known = self.len().min(count);
        let sum: f64 = self.newest_first().take(count).map(|transfer| f64::from(transfer.throughput_kbps)).sum();
        (known > 0).then(|| sum / known as f64)
    }

    /// Harmonic mean in kbit/s of the newest `count` transfers: robust to outliers upward (FESTIVE, Jiang 2012).
    #[must_use]
    pub fn harmonic_mean(&self, count: usize) -> Option<f64> {
        let known = self.len().min(count);
        if known == 0 {
            return None;
        }
        let reciprocals: f64 = self.newest_first().take(count).map(|t| 1.0 / f64::from(t.throughput_kbps)).sum();
        Some(known as f64 / reciprocals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest_and_ignores_empty_transfers() {
        let mut history = History::default();
        assert_eq!(history.harmonic_mean(5), None);
        for kbps in 1..=10 {
            history.push(Bitrate::kbps(kbps), Duration::from_secs(1));
        }
        history.push(Bitrate::ZERO, Duration::from_secs(1));
        history.push(Bitrate::kbps(99), Duration::ZERO);
        let seen: Vec<f32> = history.newest_first().map(|t| t.throughput_kbps).collect();
        assert_eq!(seen, [10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0]);
        assert!((history.harmonic_mean(2).unwrap() - 2.0 / (0.1 + 1.0 / 9.0)).abs() < 1e-6);
    }
}
