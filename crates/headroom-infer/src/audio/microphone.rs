//! Live audio from an input device of this machine.

use super::{ReadError, Resampler, Source};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{Error, ErrorKind, FromSample, Sample, SampleFormat, SizedSample, StreamConfig};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Blocks the device may be ahead of the reader. At the usual 10 to 100 ms a block this is more than three seconds, so
/// only a stuck reader loses sound; what is lost is counted.
const BLOCKS: usize = 384;

/// How long [`Microphone::read`](Source::read) waits for sound before it gives the caller a turn.
const TURN: Duration = Duration::from_millis(100);

/// An input device, as [`devices`] lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Identifies the device to [`Microphone::open`]; stays the same as long as the device keeps its place.
    pub id: String,
    /// What the system calls it.
    pub name: String,
    /// Whether it is the one used where none is named.
    pub is_default: bool,
}

/// Why no microphone can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The machine has no input device, or the sound system is not running.
    #[error("no microphone found")]
    None,
    /// No input device has the asked-for id or name.
    #[error("no microphone named {0:?}")]
    Unknown(String),
    /// The device is there and refuses: busy, forbidden, or of a format that is not supported.
    #[error("cannot open the microphone: {0}")]
    Refused(String),
}

/// The input devices of this machine, the default one first.
///
/// # Errors
/// When the sound system cannot be asked.
pub fn devices() -> Result<Vec<Device>, DeviceError> {
    quiet();
    let host = cpal::default_host();
    let default = host.default_input_device().and_then(|device| device.id().ok()).map(|id| id.to_string());
    let mut found: Vec<Device> = host
        .input_devices()
        .map_err(|_| DeviceError::None)?
        .filter_map(|device| {
            let id = device.id().ok()?.to_string();
            let name = device.description().map_or_else(|_| id.clone(), |text| text.name().to_owned());
            Some(Device { is_default: Some(&id) == default.as_ref(), id, name })
        })
        .collect();
    found.sort_by_key(|device| !device.is_default);
    Ok(found)
}

/// A running capture. Dropping it stops the device.
pub struct Microphone {
    blocks: Receiver<Block>,
    lost: Arc<AtomicU64>,
    resampler: Resampler,
    name: String,
    _stream: cpal::Stream,
}

type Block = Result<Vec<f32>, String>;

impl Microphone {
    /// Starts capture from the device with this id, or whose name contains this text; from the default one without.
    ///
    /// # Errors
    /// When there is no such device or it refuses.
    pub fn open(wanted: Option<&str>) -> Result<Self, DeviceError> {
        quiet();
        let device = find(wanted)?;
        let name = device.description().map_or_else(|_| "microphone".to_owned(), |text| text.name().to_owned());
        let config = device.default_input_config().map_err(|error| match error.kind() {
            // ALSA always has a "default"; without a sound card it leads nowhere.
            ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable if wanted.is_none() => DeviceError::None,
            _ => DeviceError::Refused(error.to_string()),
        })?;
        let resampler =
            Resampler::new(config.sample_rate()).map_err(|error| DeviceError::Refused(error.to_string()))?;
        let (sender, blocks) = sync_channel(BLOCKS);
        let lost = Arc::new(AtomicU64::new(0));
        let blocks_out =
            BlockSender { sender, lost: Arc::clone(&lost), channels: usize::from(config.channels()).max(1) };
        let stream = match config.sample_format() {
            SampleFormat::F32 => capture::<f32>(&device, config.config(), blocks_out),
            SampleFormat::I16 => capture::<i16>(&device, config.config(), blocks_out),
            SampleFormat::U16 => capture::<u16>(&device, config.config(), blocks_out),
            SampleFormat::I32 => capture::<i32>(&device, config.config(), blocks_out),
            SampleFormat::I8 => capture::<i8>(&device, config.config(), blocks_out),
            SampleFormat::U8 => capture::<u8>(&device, config.config(), blocks_out),
            other => return Err(DeviceError::Refused(format!("its sample format {other} is not supported"))),
        };
        let stream = stream.and_then(|stream| stream.play().map(|()| stream));
        let stream = stream.map_err(|error| DeviceError::Refused(error.to_string()))?;
        Ok(Self { blocks, lost, resampler, name, _stream: stream })
    }

    /// What the system calls the device.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Blocks of sound that were thrown away because the reader was late.
    #[must_use]
    pub fn lost_blocks(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Source for Microphone {
    fn read(&mut self, samples: &mut Vec<f32>) -> Result<bool, ReadError> {
        match self.blocks.recv_timeout(TURN) {
            Ok(Ok(block)) => self.resampler.push(&block, samples),
            Ok(Err(error)) => return Err(ReadError::Device(error)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(false),
        }
        Ok(true)
    }
}

/// ALSA's library writes a page about every device it fails to open to standard error; what matters comes back as an
/// error anyway.
fn quiet() {
    #[cfg(target_os = "linux")]
    {
        // Without the handler there is only more text.
        let _ = alsa::Output::local_error_handler();
    }
}

fn find(wanted: Option<&str>) -> Result<cpal::Device, DeviceError> {
    let host = cpal::default_host();
    let Some(wanted) = wanted else { return host.default_input_device().ok_or(DeviceError::None) };
    let unknown = || DeviceError::Unknown(wanted.to_owned());
    let mut by_name = None;
    for device in host.input_devices().map_err(|_| DeviceError::None)? {
        if device.id().is_ok_and(|id| id.to_string() == wanted) {
            return Ok(device);
        }
        if by_name.is_none() && device.description().is_ok_and(|text| text.name().contains(wanted)) {
            by_name = Some(device);
        }
    }
    by_name.ok_or_else(unknown)
}

/// What the device's own thread needs to hand blocks over without ever waiting.
struct BlockSender {
    sender: SyncSender<Block>,
    lost: Arc<AtomicU64>,
    channels: usize,
}

fn capture<T>(device: &cpal::Device, config: StreamConfig, blocks_out: BlockSender) -> Result<cpal::Stream, Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let errors = blocks_out.sender.clone();
    device.build_input_stream(
        config,
        move |interleaved: &[T], _| {
            let mono = interleaved.chunks_exact(blocks_out.channels).map(|frame| {
                let sum = frame.iter().map(|sample| f32::from_sample(*sample)).sum::<f32>();
                (sum / blocks_out.channels as f32).clamp(-1.0, 1.0)
            });
            if let Err(TrySendError::Full(_)) = blocks_out.sender.try_send(Ok(mono.collect())) {
                blocks_out.lost.fetch_add(1, Ordering::Relaxed);
            }
        },
        move |error: Error| {
            // An overrun loses a moment of sound and a changed route loses nothing: capture goes on after both.
            if !matches!(error.kind(), ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied) {
                // A full queue means that the reader is stuck anyway.
                let _ = errors.try_send(Err(error.to_string()));
            }
        },
        Some(Duration::from_secs(5)),
    )
}
