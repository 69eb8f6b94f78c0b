//! The live table: one line a pair, redrawn in place on a terminal, one summary line now and then elsewhere.

use super::{Link, Progress};
use headroom_core::ladder::Ladder;
use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    layout::Constraint,
    style::{Color, Modifier, Style},
    text::Text,
    widgets::{Cell, Row, Table},
};
use std::io::{IsTerminal, Stdout, Write, stdout};

/// Where progress is shown.
pub(crate) enum Screen {
    /// A terminal.
    Table(Box<Terminal<CrosstermBackend<Stdout>>>),
    /// A pipe or file.
    Lines {
        /// Calls since the last line.
        skipped: u32,
    },
}

/// What one line of the table shows.
pub(crate) struct Pair<'a> {
    pub(crate) link: &'a Link,
    pub(crate) alone: Progress,
    pub(crate) steered: Progress,
}

/// Pairs of which the table shows a line each: they fit a terminal of 24 lines.
const MOST_ROWS: usize = 16;

/// Refreshes between two summary lines where there is no terminal: every 10 s at two a second.
const LINES_EVERY: u32 = 20;

impl Screen {
    /// A table of the first of `rows` pairs on a terminal, lines elsewhere.
    pub(crate) fn new(rows: usize) -> Self {
        if !stdout().is_terminal() {
            return Self::Lines { skipped: 0 };
        }
        let viewport = Viewport::Inline(rows.min(MOST_ROWS) as u16 + 2);
        match Terminal::with_options(CrosstermBackend::new(stdout()), TerminalOptions { viewport }) {
            Ok(terminal) => Self::Table(Box::new(terminal)),
            // A terminal that does not answer the question for its cursor cannot be drawn on.
            Err(error) => {
                tracing::debug!(%error, "no table on this terminal");
                Self::Lines { skipped: 0 }
            }
        }
    }

    /// Shows the state of every pair, `seconds` into the demo.
    pub(crate) fn show(&mut self, seconds: u64, pairs: &[Pair<'_>], ladder: &Ladder) -> std::io::Result<()> {
        match self {
            Self::Table(terminal) => {
                terminal.draw(|frame| frame.render_widget(table(seconds, pairs, ladder), frame.area()))?;
            }
            Self::Lines { skipped } => {
                *skipped += 1;
                if *skipped >= LINES_EVERY {
                    *skipped = 0;
                    writeln!(stdout(), "{}", summary(seconds, pairs))?;
                }
            }
        }
        Ok(())
    }
}

fn summary(seconds: u64, pairs: &[Pair<'_>]) -> String {
    let alone: f64 = pairs.iter().map(|pair| pair.alone.stalled_s).sum();
    let steered: f64 = pairs.iter().map(|pair| pair.steered.stalled_s).sum();
    format!("{seconds:>4} s: {} pairs playing; stalled so far: alone {alone:.1} s, steered {steered:.1} s", pairs.len())
}

fn table<'a>(seconds: u64, pairs: &[Pair<'_>], ladder: &Ladder) -> Table<'a> {
    let heading = Style::new().add_modifier(Modifier::BOLD);
    let clock = format!("{seconds} s");
    let header = [clock.as_str(), "link Mbit/s", "alone", "buffer", "stalled", "steered", "cap", "buffer", "stalled"];
    let rows = pairs.iter().take(MOST_ROWS).enumerate().map(|(index, pair)| {
        let mut cells =
            vec![Cell::from(format!("pair {}", index + 1)), right(format!("{:.1}", pair.link.kbps_now() / 1e3))];
        cells.push(right(height(ladder, pair.alone.rung)));
        cells.extend(health(&pair.alone));
        cells.push(right(height(ladder, pair.steered.rung)));
        cells.push(right(height(ladder, pair.steered.cap)));
        cells.extend(health(&pair.steered));
        Row::new(cells)
    });
    let widths = [8, 11, 8, 8, 9, 9, 8, 8, 9].map(Constraint::Length);
    Table::new(rows.collect::<Vec<_>>(), widths)
        .header(Row::new(header.map(|name| right(name.to_owned())).to_vec()).style(heading))
}

fn health(progress: &Progress) -> [Cell<'static>; 2] {
    let colour = match progress.buffer_s {
        _ if progress.stalled => Color::Red,
        low if low < 2.0 => Color::Yellow,
        _ => Color::Green,
    };
    let buffer = right(format!("{:.1} s", progress.buffer_s)).style(Style::new().fg(colour));
    [buffer, right(format!("{:.1} s", progress.stalled_s))]
}

fn height(ladder: &Ladder, rung: Option<u8>) -> String {
    rung.map_or_else(|| "–".to_owned(), |rung| format!("{}p", ladder.rung(rung).height))
}

fn right(text: String) -> Cell<'static> {
    Cell::from(Text::from(text).right_aligned())
}
