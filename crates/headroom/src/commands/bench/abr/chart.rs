//! Line charts as inline SVG: no script, no font, no file beside the page.

use std::fmt::Write as _;

/// One line of a chart.
pub(super) struct Series {
    pub(super) name: String,
    /// Points in the units of the axes, left to right.
    pub(super) points: Vec<(f64, f64)>,
    /// CSS colour.
    pub(super) colour: &'static str,
    /// Whether a value holds until the next point.
    pub(super) steps: bool,
}

/// A chart and its axes.
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    pub(super) x_label: &'a str,
    pub(super) y_label: &'a str,
    /// Left and right end of the axis; from the data when absent.
    pub(super) x_range: Option<(f64, f64)>,
    /// Top of the axis, which starts at 0 or the least value; from the data when absent.
    pub(super) y_top: Option<f64>,
    pub(super) series: Vec<Series>,
}

/// Colours that differ in lightness too, so that they survive printing and colour blindness (Okabe, Ito 2008).
pub(super) const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000"];

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 45.0;
const TICKS: usize = 5;

impl Chart<'_> {
    /// The chart as an `svg` element.
    pub(super) fn svg(&self) -> String {
        let xs = || self.series.iter().flat_map(|series| series.points.iter().map(|point| point.0));
        let ys = || self.series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
        let (x_low, x_high) = self.x_range.unwrap_or_else(|| (least(xs()), most(xs())));
        let y_low = least(ys()).min(0.0);
        let y_high = self.y_top.unwrap_or_else(|| most(ys()));
        let x_span = (x_high - x_low).max(1e-9);
        let y_span = (y_high - y_low).max(1e-9);
        let x_of = |x: f64| LEFT + (x.clamp(x_low, x_high) - x_low) / x_span * (WIDTH - LEFT - RIGHT);
        let y_of = |y: f64| HEIGHT - BOTTOM - (y.clamp(y_low, y_high) - y_low) / y_span * (HEIGHT - TOP - BOTTOM);

        let mut svg = format!(
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}"><text x="{LEFT}" y="16" class="t">{}</text>"#,
            escape(self.title),
            escape(self.title)
        );
        for tick in 0..=TICKS {
            let share = tick as f64 / TICKS as f64;
            let (x, y) = (x_low + share * x_span, y_low + share * y_span);
            let (at_x, at_y) = (x_of(x), y_of(y));
            let _ = write!(
                svg,
                r#"<path d="M{LEFT} {at_y:.1}H{:.1}" class="g"/><text x="{:.1}" y="{:.1}" class="y">{}</text><text x="{at_x:.1}" y="{:.1}" class="x">{}</text>"#,
                WIDTH - RIGHT,
                LEFT - 6.0,
                at_y + 4.0,
                short(y),
                HEIGHT - BOTTOM + 16.0,
                short(x)
            );
        }
        let _ = write!(
            svg,
            r#"<text x="{:.1}" y="{:.1}" class="x">{}</text><text x="14" y="{:.1}" class="x" transform="rotate(-90 14 {:.1})">{}</text>"#,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 8.0,
            escape(self.x_label),
            HEIGHT / 2.0,
            HEIGHT / 2.0,
            escape(self.y_label)
        );
        for (index, series) in self.series.iter().enumerate() {
            let mut path = String::new();
            for (number, &(x, y)) in series.points.iter().enumerate() {
                let (x, y) = (x_of(x), y_of(y));
                let _ = match (number, series.steps) {
                    (0, _) => write!(path, "M{x:.1} {y:.1}"),
                    (_, true) => write!(path, "H{x:.1}V{y:.1}"),
                    (_, false) => write!(path, "L{x:.1} {y:.1}"),
                };
            }
            // The colours come round: dashes tell the second round from the first.
            let dash = if index < COLOURS.len() { "" } else { " stroke-dasharray=\"5 3\"" };
            let key_y = TOP + 8.0 + 17.0 * index as f64;
            let key_x = WIDTH - RIGHT + 12.0;
            let _ = write!(
                svg,
                r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/><path d="M{key_x} {key_y}h16" stroke="{colour}" stroke-width="3"{dash}/><text x="{:.1}" y="{:.1}" class="k">{}</text>"#,
                key_x + 21.0,
                key_y + 4.0,
                escape(&series.name),
                colour = series.colour
            );
        }
        svg.push_str("</svg>");
        svg
    }
}

/// The cumulative distribution of values: at each value the share of values not above it.
pub(super) fn distribution(values: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    sorted.into_iter().enumerate().map(|(index, value)| (value, (index + 1) as f64 / count)).collect()
}

/// Text that cannot be markup.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::INFINITY, f64::min)
}

fn most(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NEG_INFINITY, f64::max)
}

fn short(value: f64) -> String {
    if value.abs() >= 10.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distribution_rises_to_one() {
        assert_eq!(distribution([3.0, 1.0].into_iter()), [(1.0, 0.5), (3.0, 1.0)]);
    }

    #[test]
    fn names_cannot_break_out_of_the_picture() {
        let series =
            Series { name: "<script>".into(), points: vec![(0.0, 0.0), (1.0, 2.0)], colour: COLOURS[0], steps: true };
        let chart =
            Chart { title: "a & b", x_label: "x", y_label: "y", x_range: None, y_top: None, series: vec![series] };
        let svg = chart.svg();
        assert!(svg.contains("a &amp; b") && svg.contains("&lt;script&gt;") && !svg.contains("<script"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
