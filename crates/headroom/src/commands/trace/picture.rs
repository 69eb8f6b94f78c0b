//! Traces as a picture: throughput on top, and for a single trace what else it says below.

use std::path::Path;

use anyhow::bail;
use headroom_sim::trace::{AtEnd, Sample, Trace};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::canvas::{self, Canvas};

/// Size of a picture, pixels.
const SIZE: (u32, u32) = (1200, 640);

/// Most points drawn for one line: two a pixel. Longer traces are drawn as the least and greatest value of equal parts.
const MAX_POINTS: usize = 2 * SIZE.0 as usize;

/// Colours that the colour-blind can tell apart (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// A trace and the name it has in the picture.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) trace: Trace,
}

/// Draws as SVG or PNG, by the ending of the name; returns the bytes of the file.
pub(super) fn draw(traces: &[Named], path: &Path) -> anyhow::Result<Vec<u8>> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => {
            let mut text = String::new();
            draw_on(SVGBackend::with_string(&mut text, SIZE).into_drawing_area(), traces)?;
            Ok(text.into_bytes())
        }
        Some("png") => {
            let mut pixels = vec![255; (SIZE.0 * SIZE.1 * 3) as usize];
            draw_on(Canvas::new(&mut pixels, SIZE.0, SIZE.1).into_drawing_area(), traces)?;
            canvas::png(&pixels, SIZE.0, SIZE.1)
        }
        _ => bail!("{}: a picture ends in .svg or .png", path.display()),
    }
}

/// A line below the throughput, where the trace has the column.
struct Panel {
    label: &'static str,
    value: fn(&Sample) -> Option<f64>,
}

const PANELS: [Panel; 3] = [
    Panel { label: "RTT ms", value: |sample| sample.rtt_ms },
    Panel { label: "SINR dB", value: |sample| sample.sinr_db },
    Panel { label: "RSRP dBm", value: |sample| sample.rsrp_dbm },
];

fn draw_on<B: DrawingBackend>(area: DrawingArea<B, Shift>, traces: &[Named]) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    area.fill(&WHITE)?;
    let panels: Vec<&Panel> = match traces {
        [only] => {
            PANELS.iter().filter(|panel| only.trace.samples().iter().filter_map(panel.value).nth(1).is_some()).collect()
        }
        _ => Vec::new(),
    };
    let (top, below) = area.split_vertically(SIZE.1 - 130 * panels.len() as u32);
    throughput(&top, traces)?;
    if let [only] = traces {
        for (panel, part) in panels.iter().zip(below.split_evenly((panels.len().max(1), 1))) {
            self::panel(&part, panel, &only.trace)?;
        }
    }
    area.present()?;
    Ok(())
}

fn throughput<B: DrawingBackend>(area: &DrawingArea<B, Shift>, traces: &[Named]) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    let lines: Vec<Vec<(f64, f64)>> = traces.iter().map(|named| steps(&named.trace)).collect();
    let end_s = traces.iter().map(|named| named.trace.duration_s()).fold(0.0, f64::max);
    let top = lines.iter().flatten().map(|&(_, mbps)| mbps).fold(0.0, f64::max).max(1e-3) * 1.05;
    let title = match traces {
        [only] => only.name.as_str(),
        _ => "throughput",
    };
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20))
        .margin(8)
        .margin_right(32)
        .x_label_area_size(40)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..end_s, 0.0..top)?;
    chart.configure_mesh().x_desc("s").y_desc("Mbit/s").light_line_style(WHITE).draw()?;
    for (index, (named, line)) in traces.iter().zip(lines).enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let drawn = if traces.len() == 1 {
            chart.draw_series(AreaSeries::new(line, 0.0, colour.mix(0.25)).border_style(colour))?
        } else {
            chart.draw_series(LineSeries::new(line, colour))?
        };
        if traces.len() > 1 {
            drawn
                .label(named.name.as_str())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        }
    }
    if traces.len() > 1 {
        chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3)).draw()?;
    }
    Ok(())
}

fn panel<B: DrawingBackend>(area: &DrawingArea<B, Shift>, panel: &Panel, trace: &Trace) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    let points: Vec<(f64, f64)> =
        trace.samples().iter().filter_map(|sample| Some((sample.t_s, (panel.value)(sample)?))).collect();
    let (low, high) = points
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &(_, value)| (low.min(value), high.max(value)));
    let space = ((high - low) * 0.05).max(0.5);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(32)
        .x_label_area_size(16)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..trace.duration_s(), low - space..high + space)?;
    chart.configure_mesh().y_labels(4).y_desc(panel.label).x_labels(0).light_line_style(WHITE).draw()?;
    chart.draw_series(LineSeries::new(points, COLOURS[1]))?;
    Ok(())
}

/// Corners of the steps of throughput, Mbit/s; for a long trace the extremes of equal parts.
fn steps(trace: &Trace) -> Vec<(f64, f64)> {
    let samples = trace.samples();
    if samples.len() * 2 <= MAX_POINTS {
        let corners = samples.iter().enumerate().filter_map(|(index, sample)| {
            let (from_s, to_s) = trace.bounds_of(index)?;
            let mbps = sample.throughput_kbps / 1000.0;
            Some([(from_s, mbps), (to_s, mbps)])
        });
        return corners.flatten().collect();
    }
    let parts = MAX_POINTS / 2;
    let part_s = trace.duration_s() / parts as f64;
    let mut cursor = trace.cursor(AtEnd::Hold);
    let mut points = Vec::with_capacity(MAX_POINTS);
    for part in 0..parts {
        let (from_s, to_s) = (part as f64 * part_s, (part + 1) as f64 * part_s);
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        let mut at_s = from_s;
        while at_s < to_s {
            let mbps = cursor.throughput_kbps_at(at_s) / 1000.0;
            (low, high) = (low.min(mbps), high.max(mbps));
            // The next change is always later, so this ends.
            at_s = cursor.next_change_after(at_s).unwrap_or(to_s).max(at_s + part_s * 1e-6);
        }
        points.extend([(from_s, low), (from_s, high)]);
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_sim::trace::synth::{Preset, generate};

    fn named(seed: u64, duration_s: f64) -> Named {
        Named { name: format!("seed {seed}"), trace: generate(Preset::Driving, seed, duration_s, 1.0).unwrap() }
    }

    #[test]
    fn pictures_are_what_their_name_says() {
        for traces in [vec![named(1, 300.0)], vec![named(1, 60.0), named(2, 9000.0)]] {
            let svg = String::from_utf8(draw(&traces, Path::new("a.svg")).unwrap()).unwrap();
            assert!(svg.starts_with("<svg") && svg.contains("Mbit/s") && svg.trim_end().ends_with("</svg>"));
            assert_eq!(svg.contains("SINR dB"), traces.len() == 1);

            let png = draw(&traces, Path::new("a.png")).unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut pixels).unwrap();
            assert_eq!((reader.info().width, reader.info().height), SIZE);
            let inked = pixels.chunks(3).filter(|pixel| pixel.iter().any(|&part| part < 200)).count();
            assert!(inked > 2000, "only {inked} pixels are drawn");
        }
        assert!(draw(&[named(1, 10.0)], Path::new("a.gif")).is_err());
    }

    #[test]
    fn long_traces_keep_their_extremes() {
        let long = named(3, 20_000.0).trace;
        let points = steps(&long);
        assert!(points.len() <= MAX_POINTS);
        let top = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
        let drawn = top(&mut points.iter().map(|point| point.1));
        let real = top(&mut long.samples().iter().map(|sample| sample.throughput_kbps / 1000.0));
        assert_eq!(drawn, real);
    }
}
