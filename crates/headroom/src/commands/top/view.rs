//! The screen: figures, viewer scores, decisions by reason, streams.

use super::frame::{Frame, bit_rate, clock, percent, printable, score};
use ratatui::{
    Frame as Canvas,
    layout::{Alignment, Constraint, Layout, Rect},
    style::{Color, Modifier, Style, Stylize},
    text::{Line, Span, Text},
    widgets::{Bar, BarChart, BarGroup, Block, Cell, Paragraph, Row, Sparkline, Table},
};
use std::collections::VecDeque;

/// Frames kept for the lines of the past: wider than any terminal.
const PAST: usize = 400;

/// What is on the screen.
pub(super) struct View {
    url: String,
    frame: Option<Frame>,
    lost: Option<String>,
    sessions: VecDeque<u64>,
    starved: VecDeque<u64>,
}

impl View {
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), frame: None, lost: None, sessions: VecDeque::new(), starved: VecDeque::new() }
    }

    /// Shows a frame from now on.
    pub(super) fn take(&mut self, frame: Frame) {
        for (past, now) in [(&mut self.sessions, frame.sessions), (&mut self.starved, frame.starved)] {
            if past.len() >= PAST {
                past.pop_front();
            }
            past.push_back(now);
        }
        self.frame = Some(frame);
        self.lost = None;
    }

    /// Says that frames have stopped coming. The last one stays.
    pub(super) fn lose(&mut self, error: &anyhow::Error) {
        self.lost = Some(error.to_string());
    }

    pub(super) fn draw(&self, canvas: &mut Canvas<'_>) {
        let [head, figures, middle, streams, foot] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(5),
            Constraint::Length(14),
            Constraint::Min(3),
            Constraint::Length(1),
        ])
        .areas(canvas.area());
        self.draw_head(canvas, head);
        let Some(frame) = &self.frame else {
            canvas.render_widget(Paragraph::new("waiting for the first frame"), figures);
            return;
        };
        self.draw_figures(canvas, figures, frame);
        let [scores, reasons] = Layout::horizontal([Constraint::Length(54), Constraint::Min(30)]).areas(middle);
        draw_scores(canvas, scores, frame);
        draw_reasons(canvas, reasons, frame);
        draw_streams(canvas, streams, frame);
        canvas.render_widget(Line::from(" q leaves").dim(), foot);
    }

    fn draw_head(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let at = self.frame.as_ref().map_or_else(String::new, |frame| format!("  {} UTC", clock(frame.at_us)));
        let state = match &self.lost {
            Some(problem) => Span::from(format!("  {problem}, trying again")).fg(Color::Yellow),
            None => Span::from(at).dim(),
        };
        canvas.render_widget(Line::from(vec![" Headroom ".bold(), Span::from(self.url.as_str()), state]), area);
    }

    fn draw_figures(&self, canvas: &mut Canvas<'_>, area: Rect, frame: &Frame) {
        let [numbers, past] = Layout::horizontal([Constraint::Min(60), Constraint::Length(36)]).areas(area);
        let stalled = match frame.stall_ratio {
            Some(ratio) if ratio >= 0.02 => Style::new().fg(Color::Red),
            Some(ratio) if ratio >= 0.005 => Style::new().fg(Color::Yellow),
            _ => Style::new(),
        };
        let late = frame.tick.decision_age_s > frame.tick.target_s * 1.25;
        let pair = |label: &'static str, value: String, style: Style| {
            vec![Span::from(format!(" {label:<14}")).dim(), Span::styled(format!("{value:<16}"), style.bold())]
        };
        let plain = Style::new();
        let three =
            |values: Option<[f64; 3]>| values.map_or_else(|| "–".to_owned(), |[_, median, _]| format!("{median:.1} s"));
        let line = |left: Vec<Span<'static>>, right: Vec<Span<'static>>| Line::from([left, right].concat());
        let age = if late { Style::new().fg(Color::Red) } else { plain };
        let text = Text::from(vec![
            line(
                pair("sessions", frame.sessions.to_string(), plain),
                pair("stalled", percent(frame.stall_ratio), stalled),
            ),
            line(
                pair("viewer score", score(frame.mos.mean), plain),
                pair("starving", frame.starved.to_string(), plain),
            ),
            line(
                pair("delivered", bit_rate(frame.played_kbps), plain),
                pair("held down", frame.held_down.to_string(), plain),
            ),
            line(pair("latency", three(frame.latency_s), plain), pair("buffer", three(frame.buffer_s), plain)),
            line(
                pair("decision age", format!("{:.2} s", frame.tick.decision_age_s), age),
                pair("tick interval", format!("{:.2} s", frame.tick.interval_s), plain),
            ),
        ]);
        canvas.render_widget(Paragraph::new(text), numbers);
        let [upper, lower] = Layout::vertical([Constraint::Length(3), Constraint::Length(2)]).areas(past);
        let newest = |past: &VecDeque<u64>, width: u16| -> Vec<u64> {
            past.iter().copied().skip(past.len().saturating_sub(usize::from(width))).collect()
        };
        let line = Sparkline::default().data(newest(&self.sessions, upper.width)).style(Style::new().fg(Color::Blue));
        canvas.render_widget(line.block(Block::new().title(Line::from("sessions").dim())), upper);
        let line = Sparkline::default().data(newest(&self.starved, lower.width)).style(Style::new().fg(Color::Red));
        canvas.render_widget(line.block(Block::new().title(Line::from("starving").dim())), lower);
    }
}

fn draw_scores(canvas: &mut Canvas<'_>, area: Rect, frame: &Frame) {
    let bars: Vec<Bar<'_>> = frame
        .mos
        .quarters
        .iter()
        .enumerate()
        .map(|(index, &count)| {
            let low = 1.0 + index as f64 / 4.0;
            let colour = match low {
                low if low < 2.5 => Color::Red,
                low if low < 3.5 => Color::Yellow,
                _ => Color::Green,
            };
            let label = if index % 4 == 0 { format!("{low:.0}") } else { String::new() };
            let text = if count > 0 { count.to_string() } else { String::new() };
            Bar::default().value(count).text_value(text).label(Line::from(label)).style(Style::new().fg(colour))
        })
        .collect();
    let block = Block::bordered().title(" viewer scores, 1 bad … 5 excellent ").border_style(Style::new().dim());
    let chart = BarChart::default().data(BarGroup::default().bars(&bars)).bar_width(2).bar_gap(1).block(block);
    canvas.render_widget(chart, area);
}

fn draw_reasons(canvas: &mut Canvas<'_>, area: Rect, frame: &Frame) {
    let mut reasons: Vec<_> = frame.reasons.iter().collect();
    reasons.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), name.as_str()));
    let rate: f64 = frame.decisions_per_s.values().sum();
    let rows = reasons.into_iter().map(|(name, count)| {
        let alarming = matches!(name.as_str(), "starvation" | "collapse");
        let style = if alarming { Style::new().fg(Color::Red) } else { Style::new() };
        Row::new([Cell::from(printable(&name.replace('_', " "))), right(count.to_string())]).style(style)
    });
    let title = format!(" decisions by reason, {rate:.1} a second ");
    let block = Block::bordered().title(title).border_style(Style::new().dim());
    canvas.render_widget(Table::new(rows, [Constraint::Min(18), Constraint::Length(9)]).block(block), area);
}

fn draw_streams(canvas: &mut Canvas<'_>, area: Rect, frame: &Frame) {
    let header = ["stream", "sessions", "score", "stalled", "starving", "held down", "delivered"];
    let header = header
        .iter()
        .enumerate()
        .map(|(index, name)| if index == 0 { Cell::from(*name) } else { right((*name).to_owned()) });
    let rows = frame.streams.iter().map(|stream| {
        let name = stream.name.as_deref().map_or_else(|| format!("unnamed {}", printable(&stream.stream)), printable);
        let numbers = [
            stream.sessions.to_string(),
            score(stream.mos),
            percent(stream.stall_ratio),
            stream.starved.to_string(),
            stream.held_down.to_string(),
            bit_rate(stream.played_kbps),
        ];
        Row::new(std::iter::once(Cell::from(name)).chain(numbers.into_iter().map(right)))
    });
    let widths = [20, 9, 7, 10, 9, 10, 13].map(Constraint::Length);
    let mut widths = widths.to_vec();
    widths[0] = Constraint::Min(20);
    let title = match frame.streams_total {
        total if total as usize > frame.streams.len() => format!(" the largest of {total} streams "),
        _ => " streams ".to_owned(),
    };
    let block = Block::bordered().title(title).border_style(Style::new().dim());
    let header = Row::new(header).style(Style::new().add_modifier(Modifier::DIM));
    canvas.render_widget(Table::new(rows, widths).header(header).block(block), area);
}

fn right(text: String) -> Cell<'static> {
    Cell::from(Text::from(text).alignment(Alignment::Right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::{Terminal, backend::TestBackend};

    const FRAME: &str = r#"{"at_us":1795389677244185,"sessions":24,"starved":1,"paused":0,"starting":0,"held_down":4,
        "played_kbps":413200.0,"stall_ratio":0.021,"mos":{"mean":4.166,"quarters":[0,1,0,0,0,0,0,2,1,1,0,0,0,19,0,0]},
        "buffer_s":[4.0,4.3,4.9],"latency_s":[6.0,6.3,6.9],"reasons":{"dwell":2,"plan":19,"starvation":3},
        "decisions_per_s":{"dwell":0.4,"plan":7.2},"tick":{"target_s":2.0,"interval_s":2.0,"decision_age_s":1.98},
        "streams":[{"stream":"6322017b7130d8ec","name":"\u001b[2Jdemo","sessions":24,"mos":4.17,"stall_ratio":0.021,
        "played_kbps":413200.0}],"streams_total":1,"from_a_later_version":true}"#;

    #[test]
    fn a_frame_fills_the_screen() {
        let mut view = View::new("http://127.0.0.1:8081");
        view.take(Frame::parse(FRAME).unwrap());
        let mut terminal = Terminal::new(TestBackend::new(100, 27)).unwrap();
        terminal.draw(|canvas| view.draw(canvas)).unwrap();
        expect_test::expect![[r#"
            " Headroom http://127.0.0.1:8081  23:21:17 UTC                                                       "
            " sessions      24               stalled       2.10 %            sessions                            "
            " viewer score  4.17             starving      1                 █                                   "
            " delivered     413.2 Mbit/s     held down     4                 █                                   "
            " latency       6.3 s            buffer        4.3 s             starving                            "
            " decision age  1.98 s           tick interval 2.00 s            █                                   "
            "┌ viewer scores, 1 bad … 5 excellent ────────────────┐┌ decisions by reason, 7.6 a second ─────────┐"
            "│                                       ██           ││plan                                      19│"
            "│                                       ██           ││starvation                                 3│"
            "│                                       ██           ││dwell                                      2│"
            "│                                       ██           ││                                            │"
            "│                                       ██           ││                                            │"
            "│                                       ██           ││                                            │"
            "│                                       ██           ││                                            │"
            "│                                       ██           ││                                            │"
            "│                                       ██           ││                                            │"
            "│                     ▁▁                ██           ││                                            │"
            "│   1▄                2█ 1▄ 1▄          19           ││                                            │"
            "│1           2           3           4               ││                                            │"
            "└────────────────────────────────────────────────────┘└────────────────────────────────────────────┘"
            "┌ streams ─────────────────────────────────────────────────────────────────────────────────────────┐"
            "│stream                              sessions   score    stalled  starving  held down     delivered│"
            "│�[2Jdemo                                  24    4.17     2.10 %         0          0  413.2 Mbit/s│"
            "│                                                                                                  │"
            "│                                                                                                  │"
            "└──────────────────────────────────────────────────────────────────────────────────────────────────┘"
            " q leaves                                                                                           "
        "#]]
        .assert_eq(&terminal.backend().to_string());
        view.lose(&anyhow::anyhow!("the connection broke"));
        terminal.draw(|canvas| view.draw(canvas)).unwrap();
        assert!(terminal.backend().to_string().contains("the connection broke, trying again"));
    }

    #[test]
    fn any_size_of_terminal_will_do() {
        let mut view = View::new("x");
        for step in 0..2 {
            for (width, height) in [(1, 1), (20, 4), (79, 11), (300, 90)] {
                let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
                terminal.draw(|canvas| view.draw(canvas)).unwrap();
            }
            if step == 0 {
                view.take(Frame::parse(FRAME).unwrap());
            }
        }
    }

    #[test]
    fn a_frame_fits_a_line() {
        let line = Frame::parse(FRAME).unwrap().line();
        expect_test::expect!["23:21:17  24 sessions, score 4.17, stalled 2.10 %, 1 starving, 4 held down, 413.2 Mbit/s, decision age 2.0 s"].assert_eq(&line);
        assert!(Frame::parse("{}").unwrap().line().contains("score –"));
    }
}
