//! Media whose bit rate is filler: fragmented MP4 (ISO/IEC 14496-12) of tiny pictures, padded with `free` boxes, which every player
//! skips.

use super::picture::{PROFILE, Size, key_picture, picture_parameters, same_picture, sequence_parameters};

/// Pictures a second: enough for a clock that moves, few to decode and to paint.
pub(super) const FRAME_RATE: u32 = 10;
/// Ticks a second.
const TIMESCALE: u32 = 1_000;
const TICKS_PER_FRAME: u32 = TIMESCALE / FRAME_RATE;
/// `sample_flags` of a picture that others depend on and that depends on none, and of one that depends on others.
const KEY: u32 = 0x0200_0000;
const DEPENDENT: u32 = 0x0101_0000;
/// The matrix that neither scales nor turns.
const UNITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// One rung's media.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rendition {
    /// Position in the ladder, lowest first.
    rung: u8,
    size: Size,
}

impl Rendition {
    /// Rungs differ in height, so that a page can tell which one is on the screen.
    pub(super) fn new(rung: u8) -> Self {
        Self { rung, size: Size::new(8, u16::from(rung) + 2) }
    }

    /// Samples across.
    pub(super) fn width(self) -> u16 {
        self.size.width()
    }

    /// Samples down; the rung is told from it.
    pub(super) fn height(self) -> u16 {
        self.size.height()
    }

    /// RFC 6381.
    pub(super) fn codec() -> String {
        let [profile, constraints, level] = PROFILE;
        format!("avc1.{profile:02X}{constraints:02X}{level:02X}")
    }

    /// The initialisation segment.
    pub(super) fn initialisation(self) -> Vec<u8> {
        let brands = [&b"iso6"[..], &word(0), b"iso6", b"isom", b"dash"];
        let mut bytes = boxed(b"ftyp", &brands);
        bytes.extend(boxed(b"moov", &[&movie_header(), &self.track(), &boxed(b"mvex", &[&track_defaults()])]));
        bytes
    }

    /// Segment `number`, which lasts `seconds`, padded to `length` bytes where it is shorter.
    pub(super) fn segment(self, number: u64, seconds: f64, length: usize) -> Vec<u8> {
        let frames = ((seconds * f64::from(FRAME_RATE)).round() as u32).max(1);
        let mut samples = vec![key_picture(self.size, self.rung, number)];
        samples.extend((1..frames).map(|index| same_picture(self.size, index)));
        let start = number * u64::from(frames) * u64::from(TICKS_PER_FRAME);
        let sizes: Vec<u32> = samples.iter().map(|sample| sample.len() as u32 + 4).collect();
        let mut media = Vec::new();
        for sample in samples {
            media.extend(word(sample.len() as u32));
            media.extend(sample);
        }
        // The offset of the samples counts from the first byte of `moof`, whose length does not depend on it.
        let head = movie_fragment(number, start, &sizes, 0).len() as u32 + 8;
        let mut bytes = Vec::with_capacity(length);
        bytes.extend(movie_fragment(number, start, &sizes, head));
        bytes.extend(boxed(b"mdat", &[&media]));
        if let Some(filler) = length.checked_sub(bytes.len()).filter(|filler| *filler >= 8) {
            bytes.extend(word(filler as u32));
            bytes.extend(b"free");
            bytes.resize(length, 0);
        }
        bytes
    }

    fn track(self) -> Vec<u8> {
        let (width, height) = (self.width(), self.height());
        let mut header = [word(0), word(0), word(1), word(0), word(0), word(0), word(0), word(0), word(0)].concat();
        header.extend(UNITY.into_iter().flat_map(word));
        header.extend([word(u32::from(width) << 16), word(u32::from(height) << 16)].concat());
        let media_header = [word(0), word(0), word(TIMESCALE), word(0), word(0x55C4_0000)].concat();
        let handler = [&word(0)[..], b"vide", &[0; 12], b"filler\0"].concat();
        let tables = [&b"stts"[..], b"stsc", b"stco"].map(|kind| full(kind, 0, &word(0)));
        let table = boxed(
            b"stbl",
            &[
                &full(b"stsd", 0, &[&word(1)[..], &self.sample_entry()].concat()),
                &tables.concat(),
                &full(b"stsz", 0, &[0; 8]),
            ],
        );
        let reference = full(b"dref", 0, &[&word(1)[..], &full(b"url ", 1, &[])].concat());
        let information = boxed(b"minf", &[&full(b"vmhd", 1, &[0; 8]), &boxed(b"dinf", &[&reference]), &table]);
        let media = boxed(b"mdia", &[&full(b"mdhd", 0, &media_header), &full(b"hdlr", 0, &handler), &information]);
        boxed(b"trak", &[&full(b"tkhd", 3, &header), &media])
    }

    fn sample_entry(self) -> Vec<u8> {
        let (sequence, picture) = (sequence_parameters(self.size), picture_parameters());
        let mut configuration = vec![1];
        configuration.extend(PROFILE);
        // Lengths of four bytes; one set of each kind.
        configuration.extend([0xFF, 0xE1]);
        configuration.extend((sequence.len() as u16).to_be_bytes());
        configuration.extend(sequence);
        configuration.push(1);
        configuration.extend((picture.len() as u16).to_be_bytes());
        configuration.extend(picture);
        let resolution = word(0x48_0000);
        boxed(
            b"avc1",
            &[
                &[0, 0, 0, 0, 0, 0, 0, 1],
                &[0; 16],
                &self.width().to_be_bytes(),
                &self.height().to_be_bytes(),
                &resolution,
                &resolution,
                &word(0),
                &1_u16.to_be_bytes(),
                &[0; 32],
                &[0, 0x18, 0xFF, 0xFF],
                &boxed(b"avcC", &[&configuration]),
            ],
        )
    }
}

fn movie_header() -> Vec<u8> {
    let mut header = [word(0), word(0), word(TIMESCALE), word(0), word(0x1_0000)].concat();
    header.extend([1, 0]);
    header.extend([0; 10]);
    header.extend(UNITY.into_iter().flat_map(word));
    header.extend([0; 24]);
    header.extend(word(2));
    full(b"mvhd", 0, &header)
}

fn track_defaults() -> Vec<u8> {
    full(b"trex", 0, &[word(1), word(1), word(0), word(0), word(0)].concat())
}

fn movie_fragment(number: u64, start: u64, sizes: &[u32], offset: u32) -> Vec<u8> {
    let header = full(b"mfhd", 0, &word(number as u32));
    // default-base-is-moof, default sample duration and flags
    let defaults = full(b"tfhd", 0x02_0028, &[word(1), word(TICKS_PER_FRAME), word(DEPENDENT)].concat());
    let time = full(b"tfdt", 1 << 24, &start.to_be_bytes());
    let mut run = [word(sizes.len() as u32), word(offset), word(KEY)].concat();
    run.extend(sizes.iter().copied().flat_map(word));
    // data offset, flags of the first sample, sizes
    let run = full(b"trun", 0x205, &run);
    boxed(b"moof", &[&header, &boxed(b"traf", &[&defaults, &time, &run])])
}

fn word(value: u32) -> [u8; 4] {
    value.to_be_bytes()
}

/// A box with version and flags.
fn full(kind: &[u8], version_and_flags: u32, content: &[u8]) -> Vec<u8> {
    boxed(kind, &[&word(version_and_flags), content])
}

fn boxed(kind: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let length = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(word(length as u32));
    bytes.extend(kind);
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds and lengths of the boxes at the top.
    fn top(mut bytes: &[u8]) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        while let Some((head, _)) = bytes.split_at_checked(8) {
            let length = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
            found.push((String::from_utf8_lossy(&head[4..]).into_owned(), length));
            bytes = &bytes[length..];
        }
        found
    }

    #[test]
    fn segments_are_exactly_as_long_as_asked() {
        for length in [30_000, 100_000, 5_000_000] {
            let bytes = Rendition::new(0).segment(9, 2.0, length);
            assert_eq!(bytes.len(), length);
            let kinds: Vec<String> = top(&bytes).into_iter().map(|(kind, _)| kind).collect();
            assert_eq!(kinds, ["moof", "mdat", "free"]);
        }
        let unpadded = Rendition::new(7).segment(0, 2.0, 0);
        assert!(top(&unpadded).len() == 2 && unpadded.len() < 40_000, "{} bytes", unpadded.len());
    }

    #[test]
    fn boxes_add_up_and_heights_tell_rungs_apart() {
        let mut heights = std::collections::BTreeSet::new();
        for rung in 0..16 {
            let rendition = Rendition::new(rung);
            let bytes = rendition.initialisation();
            assert_eq!(top(&bytes).iter().map(|(_, length)| length).sum::<usize>(), bytes.len());
            heights.insert(rendition.height());
        }
        assert_eq!(heights.len(), 16);
    }
}
