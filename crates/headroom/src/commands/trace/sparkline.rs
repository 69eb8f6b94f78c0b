//! A trace on one line of a terminal.

use headroom_sim::trace::{AtEnd, Trace};

/// Eighths of a line, from nothing much to full.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Mean throughput of `width` equal parts, kbit/s.
pub(super) fn means(trace: &Trace, width: usize) -> Vec<f64> {
    let mut cursor = trace.cursor(AtEnd::Hold);
    let part_s = trace.duration_s() / width as f64;
    (0..width)
        .map(|index| {
            let from_s = index as f64 * part_s;
            (cursor.bits_until(from_s + part_s) - cursor.bits_until(from_s)) / part_s / 1000.0
        })
        .collect()
}

/// Bars for values from 0 to their greatest. With colour, the lowest quarter is red and the next one yellow.
pub(super) fn draw(values: &[f64], colour: bool) -> String {
    let top = values.iter().copied().fold(0.0, f64::max);
    let mut text = String::new();
    let mut now = "";
    for value in values {
        let share = if top > 0.0 { value / top } else { 0.0 };
        let wanted = match share {
            _ if !colour => "",
            share if share < 0.25 => "\x1b[31m",
            share if share < 0.5 => "\x1b[33m",
            _ => "\x1b[32m",
        };
        if wanted != now {
            text.push_str(wanted);
            now = wanted;
        }
        text.push(BARS[((share * 8.0) as usize).min(7)]);
    }
    if colour {
        text.push_str("\x1b[0m");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_follow_the_values() {
        assert_eq!(draw(&[0.0, 1.0, 4.0, 8.0], false), "▁▂▅█");
        assert_eq!(draw(&[0.0, 0.0], false), "▁▁");
        assert_eq!(draw(&[1.0, 8.0, 8.0], true), "\x1b[31m▂\x1b[32m██\x1b[0m");
        let halves = Trace::constant(1000.0).unwrap();
        assert!(means(&halves, 4).iter().all(|mean| (mean - 1000.0).abs() < 1e-9));
    }
}
