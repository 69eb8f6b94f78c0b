//! Line charts as inline SVG for reports: no script, no font, no file beside the page.

use std::fmt::Write as _;

/// One line of a chart.
pub(crate) struct Series {
    pub(crate) name: String,
    /// Points in the units of the axes, left to right.
    pub(crate) points: Vec<(f64, f64)>,
    /// CSS colour.
    pub(crate) colour: &'static str,
    /// Whether a value holds until the next point.
    pub(crate) steps: bool,
}

/// An area between two lines.
pub(crate) struct Band {
    pub(crate) name: String,
    /// Place on the axis, lower and upper edge.
    pub(crate) points: Vec<(f64, f64, f64)>,
    /// CSS colour.
    pub(crate) colour: &'static str,
}

/// A named point.
pub(crate) struct Dot {
    pub(crate) name: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// CSS colour.
    pub(crate) colour: &'static str,
}

/// A chart and its axes.
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    pub(crate) x_label: &'a str,
    pub(crate) y_label: &'a str,
    /// Left and right end of the axis; from the data when absent.
    pub(crate) x_range: Option<(f64, f64)>,
    /// Bottom of the axis; 0 or the least value when absent.
    pub(crate) y_bottom: Option<f64>,
    /// Top of the axis; from the data when absent.
    pub(crate) y_top: Option<f64>,
    pub(crate) series: Vec<Series>,
    /// Drawn below the lines.
    pub(crate) band: Option<Band>,
    /// Drawn above the lines; named in the key.
    pub(crate) dots: Vec<Dot>,
    /// How a place on the axis is written.
    pub(crate) x_text: fn(f64) -> String,
    /// Marks stand at multiples of this or of its round multiples, such as days.
    pub(crate) x_unit: f64,
}

impl Default for Chart<'_> {
    fn default() -> Self {
        let (title, x_label, y_label) = ("", "", "");
        Self {
            title,
            x_label,
            y_label,
            x_range: None,
            y_bottom: None,
            y_top: None,
            series: Vec::new(),
            band: None,
            dots: Vec::new(),
            x_text: short,
            x_unit: 0.0,
        }
    }
}

/// Colours that differ in lightness too, so that they survive printing and colour blindness (Okabe, Ito 2008).
pub(crate) const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000"];

/// Style of a report and its charts.
pub(crate) const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}\
td,th{padding:.2em .55em;white-space:nowrap;font-size:13px;text-align:right;border-bottom:1px solid #ddd}.w{white-space:normal;text-align:left}td:first-child,th:first-child{text-align:left}\
svg{width:100%;height:auto;margin:1em 0}.t{font-size:14px;font-weight:600}.x,.y,.k{font-size:11px;fill:#444}\
.x{text-anchor:middle}.y{text-anchor:end}.g{stroke:#e3e3e3}";

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 45.0;
/// Marks on an axis, at most.
const TICKS: f64 = 6.0;

impl Chart<'_> {
    /// The chart as an `svg` element.
    pub(crate) fn svg(&self) -> String {
        let edges = || self.band.iter().flat_map(|band| band.points.iter());
        let xs = || {
            let lines = self.series.iter().flat_map(|series| series.points.iter().map(|point| point.0));
            lines.chain(edges().map(|point| point.0)).chain(self.dots.iter().map(|dot| dot.x))
        };
        let ys = || {
            let lines = self.series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
            lines.chain(edges().map(|point| point.2)).chain(self.dots.iter().map(|dot| dot.y))
        };
        let (x_low, x_high) = self.x_range.unwrap_or_else(|| (least(xs()), most(xs())));
        let y_low = self.y_bottom.unwrap_or_else(|| least(ys()).min(0.0));
        let y_step = step(self.y_top.unwrap_or_else(|| most(ys())) - y_low, 0.0);
        let y_high = self.y_top.unwrap_or_else(|| (most(ys()) / y_step - 1e-9).ceil() * y_step);
        let x_span = (x_high - x_low).max(1e-9);
        let y_span = (y_high - y_low).max(1e-9);
        let x_of = |x: f64| LEFT + (x.clamp(x_low, x_high) - x_low) / x_span * (WIDTH - LEFT - RIGHT);
        let y_of = |y: f64| HEIGHT - BOTTOM - (y.clamp(y_low, y_high) - y_low) / y_span * (HEIGHT - TOP - BOTTOM);

        let mut svg = format!(
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}"><text x="{LEFT}" y="16" class="t">{}</text>"#,
            escape(self.title),
            escape(self.title)
        );
        for y in multiples(y_low, y_high, y_step) {
            let at_y = y_of(y);
            let _ = write!(
                svg,
                r#"<path d="M{LEFT} {at_y:.1}H{:.1}" class="g"/><text x="{:.1}" y="{:.1}" class="y">{}</text>"#,
                WIDTH - RIGHT,
                LEFT - 6.0,
                at_y + 4.0,
                mark(y, y_step)
            );
        }
        for x in multiples(x_low, x_high, step(x_span, self.x_unit)) {
            let (at_x, at_y) = (x_of(x), HEIGHT - BOTTOM + 16.0);
            let _ = write!(svg, r#"<text x="{at_x:.1}" y="{at_y:.1}" class="x">{}</text>"#, (self.x_text)(x));
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
        if let Some(band) = &self.band {
            let upper = band.points.iter().map(|&(x, _, high)| (x, high));
            let lower = band.points.iter().rev().map(|&(x, low, _)| (x, low));
            let corners: Vec<String> =
                upper.chain(lower).map(|(x, y)| format!("{:.1} {:.1}", x_of(x), y_of(y))).collect();
            let key_y = TOP + 8.0 + 17.0 * self.series.len() as f64;
            let key_x = WIDTH - RIGHT + 12.0;
            let _ = write!(
                svg,
                r#"<path d="M{}Z" fill="{colour}" fill-opacity=".2"/><path d="M{key_x} {key_y}h16" stroke="{colour}" stroke-opacity=".3" stroke-width="9"/><text x="{:.1}" y="{:.1}" class="k">{}</text>"#,
                corners.join("L"),
                key_x + 21.0,
                key_y + 4.0,
                escape(&band.name),
                colour = band.colour
            );
        }
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
        for (index, dot) in self.dots.iter().enumerate() {
            let key_y = TOP + 8.0 + 17.0 * (self.series.len() + index) as f64;
            let key_x = WIDTH - RIGHT + 20.0;
            let _ = write!(
                svg,
                r#"<circle cx="{:.1}" cy="{:.1}" r="5" fill="{colour}"/><circle cx="{key_x}" cy="{key_y}" r="5" fill="{colour}"/><text x="{:.1}" y="{:.1}" class="k">{}</text>"#,
                x_of(dot.x),
                y_of(dot.y),
                key_x + 13.0,
                key_y + 4.0,
                escape(&dot.name),
                colour = dot.colour
            );
        }
        svg.push_str("</svg>");
        svg
    }
}

/// The cumulative distribution of values: at each value the share of values not above it.
pub(crate) fn distribution(values: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    sorted.into_iter().enumerate().map(|(index, value)| (value, (index + 1) as f64 / count)).collect()
}

/// Text that cannot be markup.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::INFINITY, f64::min)
}

fn most(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NEG_INFINITY, f64::max)
}

/// A round distance between the marks of an axis that spans so much: 1, 2 or 5 times a power of ten, or times `unit`.
fn step(span: f64, unit: f64) -> f64 {
    let span = if span.is_finite() { span.max(1e-9) } else { 1.0 };
    let least = span / TICKS;
    if unit > 0.0 && least <= unit {
        return unit;
    }
    let base = if unit > 0.0 { unit } else { 1.0 };
    let power = base * 10_f64.powf((least / base).log10().floor());
    [1.0, 2.0, 5.0].map(|factor| factor * power).into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// Multiples of `step` from `low` to `high`.
fn multiples(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = (low / step - 1e-9).ceil();
    let count = ((high / step + 1e-9).floor() - first).max(0.0) as usize;
    (0..=count).map(move |number| (first + number as f64) * step)
}

/// A value on an axis with as many decimals as its marks need.
fn mark(value: f64, step: f64) -> String {
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    format!("{value:.decimals$}")
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
    fn marks_are_round() {
        for (span, unit, expected) in
            [(116_270.0, 0.0, 20_000.0), (0.9, 0.0, 0.2), (6.0, 0.0, 1.0), (21.0, 1.0, 5.0), (2.0, 1.0, 1.0)]
        {
            assert!((step(span, unit) / expected - 1.0_f64).abs() < 1e-9, "{span}: {}", step(span, unit));
        }
        assert_eq!(multiples(-0.5, 2.1, 1.0).collect::<Vec<_>>(), [0.0, 1.0, 2.0]);
        assert_eq!((mark(0.4, 0.2), mark(40_000.0, 20_000.0)), ("0.4".to_owned(), "40000".to_owned()));
    }

    #[test]
    fn names_cannot_break_out_of_the_picture() {
        let series =
            Series { name: "<script>".into(), points: vec![(0.0, 0.0), (1.0, 2.0)], colour: COLOURS[0], steps: true };
        let band = Band { name: "<b>".into(), points: vec![(0.0, 1.0, 2.0), (1.0, 1.0, 3.0)], colour: COLOURS[0] };
        let chart = Chart {
            band: Some(band),
            title: "a & b",
            x_label: "x",
            y_label: "y",
            series: vec![series],
            ..Chart::default()
        };
        let svg = chart.svg();
        assert!(
            svg.contains("a &amp; b")
                && svg.contains("&lt;script&gt;")
                && !svg.contains("<script")
                && !svg.contains("<b>")
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
