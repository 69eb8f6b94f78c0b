//! A PNG picture for `plotters`, without system fonts: pixels in memory, text from a font compiled in.

use std::convert::Infallible;

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontTransform};

/// Height of every text; plotters' wishes for other sizes are not met.
const TEXT: RasterHeight = RasterHeight::Size16;

/// Ink: how dark a pixel of text must be to be drawn at all. Fainter edges would only cost time.
const FAINTEST: u8 = 16;

/// Red, green and blue, row by row.
pub(super) struct Canvas<'a> {
    pixels: &'a mut [u8],
    width: u32,
    height: u32,
}

impl<'a> Canvas<'a> {
    /// `pixels` holds three bytes a pixel.
    pub(super) fn new(pixels: &'a mut [u8], width: u32, height: u32) -> Self {
        Self { pixels, width, height }
    }
}

/// Encodes pixels as PNG.
pub(super) fn png(pixels: &[u8], width: u32, height: u32) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(bytes)
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Result<(), DrawingErrorKind<Infallible>> {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return Ok(()) };
        if x >= self.width || y >= self.height {
            return Ok(());
        }
        let at = (y as usize * self.width as usize + x as usize) * 3;
        let (red, green, blue) = color.rgb;
        for (pixel, ink) in self.pixels[at..at + 3].iter_mut().zip([red, green, blue]) {
            *pixel = (f64::from(*pixel) * (1.0 - color.alpha) + f64::from(ink) * color.alpha).round() as u8;
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        position: BackendCoord,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let (width, height) = size(text);
        let anchor = style.anchor();
        let left = match anchor.h_pos {
            HPos::Left => 0,
            HPos::Center => -width / 2,
            HPos::Right => -width,
        };
        let top = match anchor.v_pos {
            VPos::Top => 0,
            VPos::Center => -height / 2,
            VPos::Bottom => -height,
        };
        let transform: FontTransform = style.transform();
        let color = style.color();
        for (index, letter) in text.chars().enumerate() {
            let raster =
                get_raster(letter, FontWeight::Regular, TEXT).or_else(|| get_raster('?', FontWeight::Regular, TEXT));
            let Some(raster) = raster else { continue };
            for (row, line) in raster.rows().enumerate() {
                for (column, &ink) in line.iter().enumerate().filter(|&(_, &ink)| ink >= FAINTEST) {
                    let from_left = left + (index * letter_width() + column) as i32;
                    let (x, y) = transform.transform(from_left, top + row as i32);
                    let color = BackendColor { alpha: color.alpha * f64::from(ink) / 255.0, ..color };
                    self.draw_pixel((position.0 + x, position.1 + y), color)?;
                }
            }
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        _: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let (width, height) = size(text);
        Ok((width.unsigned_abs(), height.unsigned_abs()))
    }
}

fn letter_width() -> usize {
    get_raster_width(FontWeight::Regular, TEXT)
}

/// Width and height of a line of text, pixels.
fn size(text: &str) -> (i32, i32) {
    ((text.chars().count() * letter_width()) as i32, TEXT.val() as i32)
}
