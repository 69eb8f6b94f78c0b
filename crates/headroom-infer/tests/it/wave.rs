//! Writes sound files for the tests: RIFF WAVE with any sample format, rate and number of channels.

use std::io::Write;

/// Sample formats by their WAVE tag and width.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Format {
    U8,
    S16,
    S24,
    F32,
}

/// A file of `channels` equal channels from mono samples; `only` leaves the others silent.
pub(crate) fn wave(format: Format, rate: u32, channels: u16, only: Option<u16>, samples: &[f32]) -> Vec<u8> {
    let mut data = Vec::new();
    for sample in samples {
        for channel in 0..channels {
            let value = if only.is_none_or(|only| only == channel) { *sample } else { 0.0 };
            match format {
                Format::U8 => data.push((value * 127.0 + 128.0) as u8),
                Format::S16 => data.extend(((value * 32_767.0) as i16).to_le_bytes()),
                Format::S24 => data.extend(&((value * 8_388_607.0) as i32).to_le_bytes()[..3]),
                Format::F32 => data.extend(value.to_le_bytes()),
            }
        }
    }
    let mut file = header(format, rate, channels, data.len() as u32);
    file.extend(data);
    file
}

/// The header alone, promising `length` bytes of samples.
pub(crate) fn header(format: Format, rate: u32, channels: u16, length: u32) -> Vec<u8> {
    let (tag, bytes) = match format {
        Format::U8 => (1_u16, 1_u16),
        Format::S16 => (1, 2),
        Format::S24 => (1, 3),
        Format::F32 => (3, 4),
    };
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(tag.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(channels) * u32::from(bytes)).to_le_bytes());
    file.extend((channels * bytes).to_le_bytes());
    file.extend((bytes * 8).to_le_bytes());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file
}

/// A file in the system's temporary directory, removed on drop.
pub(crate) struct Temporary(pub(crate) std::path::PathBuf);

impl Temporary {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("headroom-speech-{}-{name}", std::process::id()));
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
