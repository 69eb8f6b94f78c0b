//! Drives: windows of traces, one for each pair.

use super::super::abr::source::Set;
use anyhow::ensure;
use headroom_sim::trace::Trace;

/// A window of a trace.
pub(super) struct Drive {
    /// The set it comes from.
    pub(super) set: String,
    /// The trace, and where the window begins in it.
    pub(super) name: String,
    pub(super) trace: Trace,
}

/// `count` windows of `length_s` seconds. The sets take turns; within a set come the first windows of all traces, then the second ones,
/// so that any number of pairs covers all sets and as many traces as there are. Windows whose mean is below `least_kbps` are
/// left out: no rung fits into them.
pub(super) fn drives(sets: &[Set], count: usize, length_s: f64, least_kbps: f64) -> anyhow::Result<Vec<Drive>> {
    let mut queues: Vec<_> = sets.iter().map(|set| windows(set, length_s, least_kbps).into_iter()).collect();
    let available: usize = queues.iter().map(ExactSizeIterator::len).sum();
    ensure!(
        available >= count,
        "the traces have {available} windows of {length_s} s with a mean of {least_kbps} kbit/s or more; --pairs asks for {count}"
    );
    let mut drives = Vec::with_capacity(count);
    while drives.len() < count {
        drives.extend(queues.iter_mut().filter_map(Iterator::next));
    }
    drives.truncate(count);
    Ok(drives)
}

fn windows(set: &Set, length_s: f64, least_kbps: f64) -> Vec<Drive> {
    let mut found = Vec::new();
    for source in &set.sources {
        let windows = source.trace.windows(length_s).filter(|window| window.duration_s() >= length_s * 0.999);
        for (index, trace) in windows.enumerate().filter(|(_, window)| window.mean_kbps() >= least_kbps) {
            let name = format!("{} from {:.0} s", source.name, index as f64 * length_s);
            found.push((index, Drive { set: set.name.clone(), name, trace }));
        }
    }
    // Stable: within the same index in the order of the traces.
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, drive)| drive).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::abr::source::Source;
    use super::*;
    use headroom_sim::trace::Sample;

    #[test]
    fn sets_take_turns_and_first_windows_come_first() {
        let source = |name: &str, kbps: f64, seconds: f64| {
            let sample = Sample { throughput_kbps: kbps, ..Sample::default() };
            Source { name: name.to_owned(), trace: Trace::new(vec![sample], seconds).unwrap() }
        };
        let sets = [
            Set {
                name: "walks".into(),
                sources: vec![source("a", 5e3, 65.0), source("b", 5e3, 30.0), source("dead", 5.0, 60.0)],
            },
            Set { name: "drives".into(), sources: vec![source("c", 5e3, 30.0)] },
        ];
        let names = |count| {
            drives(&sets, count, 30.0, 400.0)
                .map(|drives| drives.into_iter().map(|drive| drive.name).collect::<Vec<_>>())
        };
        assert_eq!(names(4).unwrap(), ["a from 0 s", "c from 0 s", "b from 0 s", "a from 30 s"]);
        let said = names(5).unwrap_err().to_string();
        assert!(said.contains("4 windows of 30 s") && said.contains("--pairs asks for 5"), "{said}");
    }
}
