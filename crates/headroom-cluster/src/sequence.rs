//! Replayed and reordered reports: the sequence numbers of CMCD v2 (`sn`) against a sliding window.
//!
//! The window is that of RFC 4303 §3.4.3 (IPsec anti-replay): the highest number seen and a bit for each of the 64
//! numbers up to it. A report seen before is a replay; one that comes late but is new is out of order.

/// Numbers the window looks back over.
const WINDOW: u32 = 64;

/// What a report's number says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Newer than all before it, or the first.
    Fresh,
    /// New, but a newer one came first: its instantaneous values are history.
    Late,
    /// Seen before.
    Replayed,
    /// Far below what was seen: the player started to count again.
    Restarted,
}

/// The numbers one sender used lately in one reporting mode.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SequenceWindow {
    highest: u32,
    /// Bit `n` stands for `highest - n`; zero before the first report.
    seen: u64,
}

impl SequenceWindow {
    /// Takes note of `number`.
    pub(crate) fn admit(&mut self, number: u32) -> Arrival {
        if self.seen == 0 {
            *self = Self { highest: number, seen: 1 };
            return Arrival::Fresh;
        }
        if number > self.highest {
            let step = number - self.highest;
            let shifted = if step >= WINDOW { 0 } else { self.seen << step };
            *self = Self { highest: number, seen: shifted | 1 };
            return Arrival::Fresh;
        }
        let behind = self.highest - number;
        if behind >= WINDOW {
            *self = Self { highest: number, seen: 1 };
            return Arrival::Restarted;
        }
        let bit = 1 << behind;
        if self.seen & bit != 0 {
            return Arrival::Replayed;
        }
        self.seen |= bit;
        Arrival::Late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_fresh_late_replayed_and_restarted_apart() {
        use Arrival::{Fresh, Late, Replayed, Restarted};
        let reports: &[(u32, Arrival)] = &[
            (7, Fresh),
            (7, Replayed),
            (9, Fresh),
            (8, Late),
            (8, Replayed),
            (300, Fresh),
            (237, Late),
            (236, Restarted),
            (237, Fresh),
            (u32::MAX, Fresh),
            (u32::MAX, Replayed),
            (0, Restarted),
        ];
        let mut window = SequenceWindow::default();
        for (step, &(number, expected)) in reports.iter().enumerate() {
            assert_eq!(window.admit(number), expected, "step {step}: {number}");
        }
    }
}
