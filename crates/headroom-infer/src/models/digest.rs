//! SHA-256 of files and streams.

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Result, Write};
use std::path::Path;

/// Digest of a file in lower-case hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256(path: &Path) -> Result<String> {
    let mut writer = DigestWriter::new(std::io::sink());
    let mut file = File::open(path)?;
    copy(&mut file, &mut writer, |_| {})?;
    Ok(writer.finish().1)
}

/// A writer that computes the SHA-256 digest of what passes through.
pub(super) struct DigestWriter<W> {
    inner: W,
    sum: Sha256,
}

impl<W> DigestWriter<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, sum: Sha256::new() }
    }

    /// The writer and the digest in lower-case hexadecimal.
    pub(super) fn finish(self) -> (W, String) {
        let hex = self.sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        (self.inner, hex)
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let count = self.inner.write(bytes)?;
        self.sum.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}

/// Copies to the end in pieces of 128 kB and tells after each how much it has copied.
pub(super) fn copy(from: &mut impl Read, to: &mut impl Write, mut tell: impl FnMut(u64)) -> Result<u64> {
    let mut buffer = vec![0; 128 * 1024];
    let mut total = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(&buffer[..count])?;
        total += count as u64;
        tell(total);
    }
}
