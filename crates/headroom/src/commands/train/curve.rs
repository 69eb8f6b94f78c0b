//! A learning curve as a picture.

use std::fmt::Write;

/// One value for each round.
#[derive(Default)]
pub(super) struct Curve {
    values: Vec<f64>,
}

/// Size of the picture and its margins, pixels.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const MARGIN: f64 = 48.0;

impl Curve {
    /// Adds the value of the next round.
    pub(super) fn push(&mut self, value: f64) {
        self.values.push(value);
    }

    /// The curve as SVG, from zero to its highest value, with the last value written beside it.
    pub(super) fn svg(&self, x_axis: &str, y_axis: &str) -> String {
        let highest = self.values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let count = self.values.len().saturating_sub(1).max(1) as f64;
        let mut points = String::new();
        for (round, value) in self.values.iter().enumerate() {
            let x = MARGIN + (WIDTH - 2.0 * MARGIN) * round as f64 / count;
            let y = HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * value / highest;
            // Writing to a string cannot fail.
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
        let (right, bottom) = (WIDTH - MARGIN, HEIGHT - MARGIN);
        let last = self.values.last().copied().unwrap_or(0.0);
        let rounds = self.values.len();
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">
<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>
<path d="M{MARGIN} {MARGIN}V{bottom}H{right}" fill="none" stroke="#444"/>
<text x="{MARGIN}" y="{top}">{y_axis}: highest {highest:.3}, last {last:.3}</text>
<text x="{right}" y="{below}" text-anchor="end">{x_axis} {rounds}</text>
<polyline points="{points}" fill="none" stroke="#1f6fb2" stroke-width="1.5"/>
</svg>
"##,
            top = MARGIN - 12.0,
            below = bottom + 18.0,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_value_is_at_the_top_and_zero_at_the_bottom() {
        let mut curve = Curve::default();
        [2.0, 1.0, 0.0].into_iter().for_each(|value| curve.push(value));
        let svg = curve.svg("round", "loss");
        assert!(svg.contains("points=\"48.0,48.0 320.0,160.0 592.0,272.0 \""), "{svg}");
    }
}
