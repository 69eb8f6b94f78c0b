//! The journal: rows as JSON lines, on the disk before they are anything else.
//!
//! A file is locked while it is written, so that another process leaves it alone; once the lock is gone, by sealing or
//! by death, it can be read. A line cut short is skipped and counted: it was not promised.

use super::row::Row;
use crate::identity::random_key;
use std::{
    fs::{self, File, TryLockError},
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

const EXTENSION: &str = "jsonl";

/// A journal being written.
pub(super) struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
    rows: usize,
}

impl Journal {
    /// Starts a journal under a globally unique name, from which the names of its files are derived.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let [a, b, c, d, ..] = random_key();
        let path = directory.join(format!("{since_epoch}-{a:02x}{b:02x}{c:02x}{d:02x}.{EXTENSION}"));
        // Locked before it has the name that others look for: a moment unlocked, and they would take it for abandoned.
        let new = path.with_extension("new");
        let file = File::create_new(&new)?;
        file.lock()?;
        fs::rename(&new, &path)?;
        Ok(Self { path, file: BufWriter::with_capacity(1 << 16, file), rows: 0 })
    }

    /// Adds rows; they are the system's when this returns, and survive the process.
    pub(super) fn append(&mut self, rows: &[Row]) -> io::Result<()> {
        for row in rows {
            serde_json::to_writer(&mut self.file, row)?;
            self.file.write_all(b"\n")?;
        }
        self.rows += rows.len();
        self.file.flush()
    }

    /// Rows added.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Brings what was added to the disk itself.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.get_ref().sync_data()
    }

    /// Ends it.
    pub(super) fn seal(self) -> PathBuf {
        // What a failed append left in the buffer is not written: it was reported as lost.
        let (file, _) = self.file.into_parts();
        drop(file);
        self.path
    }
}

/// Journals without a writer, oldest first: left behind by processes that were killed.
pub(super) fn abandoned(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut journals = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let free = || match File::open(&path).map(|file| file.try_lock()) {
            Ok(Ok(())) => true,
            Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) | Err(_) => false,
        };
        if path.extension().is_some_and(|extension| extension == EXTENSION) && free() {
            journals.push(path);
        }
    }
    journals.sort();
    Ok(journals)
}

/// The rows of a journal, and how many lines are none. Whole lines that this version cannot read are kept beside it: a later
/// one may have written them.
pub(super) fn read(path: &Path) -> io::Result<(Vec<Row>, u64)> {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path)?);
    let (mut rows, mut torn, mut line, mut unread) = (Vec::new(), 0, Vec::new(), Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        match serde_json::from_slice(&line) {
            Ok(row) => rows.push(row),
            Err(_) => {
                torn += 1;
                if line.ends_with(b"\n") {
                    unread.extend_from_slice(&line);
                }
            }
        }
        line.clear();
    }
    if !unread.is_empty() {
        fs::write(path.with_extension("unread"), unread)?;
    }
    Ok((rows, torn))
}
