//! How busy the machine is.

use std::fs;

/// Processor time since the machine started, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ProcessorTime {
    busy: u64,
    all: u64,
}

impl ProcessorTime {
    /// Of all processors together; what a hypervisor takes away counts as busy.
    pub(super) fn now() -> Self {
        Self::parse(&fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    /// The first line of proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal. Guests are in user.
    fn parse(text: &str) -> Self {
        let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
        let ticks: Vec<u64> = fields.take(8).filter_map(|field| field.parse().ok()).collect();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        let all = ticks.iter().sum();
        Self { busy: all - idle, all }
    }

    /// Share of the time since `earlier` in which processors were busy.
    pub(super) fn busy_since(self, earlier: Self) -> f64 {
        let all = self.all.saturating_sub(earlier.all).max(1);
        self.busy.saturating_sub(earlier.busy) as f64 / all as f64
    }
}

/// The first figure of /proc/loadavg: processes that run or wait, mean of the last minute.
pub(super) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}

/// What the kernel sends with: both arms share it.
pub(super) fn congestion_control() -> String {
    let name = fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control").unwrap_or_default();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_for_disks_are_not_busy() {
        let at = |text: &str| ProcessorTime::parse(text);
        let (before, after) = (at("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1"), at("cpu  150 0 60 900 80 0 0 10 0 0\n"));
        assert!((after.busy_since(before) - 70.0 / 200.0).abs() < 1e-9);
        assert_eq!(ProcessorTime::parse(""), ProcessorTime::default());
    }
}
