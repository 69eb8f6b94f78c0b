//! Recordings: WAV, FLAC, Vorbis and Opus (in Ogg or WebM), decoded a packet at a time.

use super::{ReadError, Resampler, Source, UnsupportedRate};
use std::fs::File;
use std::io::{Cursor, ErrorKind};
use std::path::Path;
use std::sync::LazyLock;
use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error as DecodeError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia_adapter_libopus::OpusDecoder;

/// Most channels a file may have: 7.1.4 sound has 12.
const CHANNELS_MAX: usize = 32;

/// The decoders that are compiled in, and libopus: symphonia has none for Opus, and the reference decoder is the one whose
/// failures on hostile input have been looked for longest (browsers ship it).
static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<OpusDecoder>();
    codecs
});

/// An open sound file. Channels are averaged; any rate of [`RATES`](super::RATES) is converted.
pub struct Recording {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    frames_promised: Option<u64>,
    frames_read: u64,
    rate: u32,
    resampler: Resampler,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    finished: bool,
}

/// Why a file cannot be used as sound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file is missing or unreadable.
    #[error("cannot open the file")]
    Io(#[source] std::io::Error),
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The path names a directory or device.
    #[error("not a regular file")]
    NotAFile,
    /// No known container was found, or its header is broken.
    #[error("not a readable WAV, FLAC, Ogg or WebM file ({0})")]
    Unrecognised(String),
    /// The container holds no audio that can be decoded.
    #[error("the audio inside cannot be decoded ({0}); WAV (PCM), FLAC, Vorbis and Opus can")]
    UnsupportedCodec(String),
    /// The number of channels is zero or beyond 32.
    #[error("{0} audio channels are not supported (1 to 32)")]
    UnsupportedChannels(usize),
    /// The sample rate is missing or out of range.
    #[error(transparent)]
    UnsupportedRate(#[from] UnsupportedRate),
}

impl Recording {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// When the file is not sound that can be decoded.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let file = File::open(path).map_err(OpenError::Io)?;
        let metadata = file.metadata().map_err(OpenError::Io)?;
        if !metadata.is_file() {
            return Err(OpenError::NotAFile);
        }
        if metadata.len() == 0 {
            return Err(OpenError::Empty);
        }
        Self::probe(Box::new(file))
    }

    /// Opens a file that is in memory, as an upload is, and reads its header.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, OpenError> {
        if bytes.is_empty() {
            return Err(OpenError::Empty);
        }
        Self::probe(Box::new(Cursor::new(bytes)))
    }

    fn probe(source: Box<dyn MediaSource>) -> Result<Self, OpenError> {
        let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
        let reader = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| OpenError::Unrecognised(reason(&error)))?;
        let track = reader
            .default_track(TrackType::Audio)
            .ok_or_else(|| OpenError::UnsupportedCodec("no audio track".to_owned()))?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(OpenError::UnsupportedCodec("unknown codec".to_owned()));
        };
        let rate = parameters.sample_rate.ok_or(UnsupportedRate(0))?;
        let resampler = Resampler::new(rate)?;
        if let Some(channels) = parameters.channels.as_ref().map(|channels| channels.count())
            && !(1..=CHANNELS_MAX).contains(&channels)
        {
            return Err(OpenError::UnsupportedChannels(channels));
        }
        let decoder = CODECS
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|error| OpenError::UnsupportedCodec(reason(&error)))?;
        Ok(Self {
            track: track.id,
            frames_promised: track.num_frames,
            frames_read: 0,
            rate,
            resampler,
            reader,
            decoder,
            interleaved: Vec::new(),
            mono: Vec::new(),
            finished: false,
        })
    }

    /// Samples per second in the file, before conversion.
    #[must_use]
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// Seconds that are missing at the end, once everything has been read: the header of a file that was cut off
    /// promises more than is there. Below a tenth of a second it counts as complete.
    #[must_use]
    pub fn missing_s(&self) -> Option<f64> {
        let missing = self.frames_promised?.saturating_sub(self.frames_read) as f64 / f64::from(self.rate);
        (self.finished && missing >= 0.1).then_some(missing)
    }

    fn at_s(&self) -> f64 {
        self.frames_read as f64 / f64::from(self.rate)
    }

    fn damaged(&self, reason: &'static str) -> ReadError {
        ReadError::Damaged { at_s: self.at_s(), reason }
    }

    fn finish(&mut self, samples: &mut Vec<f32>) -> Result<bool, ReadError> {
        self.finished = true;
        self.resampler.finish(samples);
        if self.frames_read == 0 { Err(ReadError::NoSamples) } else { Ok(false) }
    }
}

impl Source for Recording {
    fn read(&mut self, samples: &mut Vec<f32>) -> Result<bool, ReadError> {
        if self.finished {
            return Ok(false);
        }
        let packet = loop {
            match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => break packet,
                Ok(Some(_)) => {}
                Ok(None) => return self.finish(samples),
                // The end of a file that was cut off.
                Err(DecodeError::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                    return self.finish(samples);
                }
                Err(DecodeError::ResetRequired) => return Err(ReadError::FormatChange { at_s: self.at_s() }),
                Err(error) => return Err(self.broken(error)),
            }
        };
        match self.decoder.decode(&packet) {
            Ok(buffer) => {
                if buffer.spec().rate() != self.rate {
                    return Err(ReadError::FormatChange { at_s: self.at_s() });
                }
                self.frames_read += buffer.frames() as u64;
                average(&buffer, &mut self.interleaved, &mut self.mono);
            }
            Err(error) => return Err(self.broken(error)),
        }
        self.resampler.push(&self.mono, samples);
        Ok(true)
    }
}

impl Recording {
    fn broken(&self, error: DecodeError) -> ReadError {
        match error {
            DecodeError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
                self.damaged("a packet is cut short")
            }
            DecodeError::IoError(error) => ReadError::Io(error),
            DecodeError::DecodeError(reason) | DecodeError::Unsupported(reason) | DecodeError::LimitError(reason) => {
                self.damaged(reason)
            }
            _ => self.damaged("it cannot be decoded"),
        }
    }
}

/// Averages the channels. Samples that are not numbers count as silence, and nothing leaves -1..=1.
fn average(buffer: &GenericAudioBufferRef<'_>, interleaved: &mut Vec<f32>, mono: &mut Vec<f32>) {
    let channels = buffer.num_planes().max(1);
    interleaved.clear();
    buffer.copy_to_vec_interleaved(interleaved);
    mono.clear();
    mono.extend(interleaved.chunks_exact(channels).map(|frame| {
        let mean = frame.iter().sum::<f32>() / channels as f32;
        if mean.is_finite() { mean.clamp(-1.0, 1.0) } else { 0.0 }
    }));
}

fn reason(error: &DecodeError) -> String {
    match error {
        DecodeError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => "it ends inside its header".into(),
        other => other.to_string(),
    }
}
