//! The database: its tables, how they came to be, how it is opened.

use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Time to wait for somebody else's lock.
const PATIENCE: Duration = Duration::from_secs(2);

/// Each step is applied once; `PRAGMA user_version` holds how many were. Never edit one, only add.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE minute (
        at_s INTEGER NOT NULL,
        stream INTEGER NOT NULL,
        edge TEXT NOT NULL,
        network TEXT NOT NULL,
        rung_kbps INTEGER NOT NULL,
        sessions REAL NOT NULL,
        silent REAL NOT NULL,
        watched_ms INTEGER NOT NULL,
        stalled_ms INTEGER NOT NULL,
        starvations INTEGER NOT NULL,
        played_kbit REAL NOT NULL,
        mos BLOB NOT NULL,
        throughput BLOB NOT NULL,
        latency BLOB NOT NULL,
        sinr_sum REAL NOT NULL,
        sinr_count INTEGER NOT NULL,
        reasons TEXT NOT NULL
    );
    CREATE INDEX minute_by_time ON minute (at_s);
    CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL);
    CREATE TABLE action (
        at_s INTEGER NOT NULL,
        actor TEXT NOT NULL,
        method TEXT NOT NULL,
        path TEXT NOT NULL,
        status INTEGER NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX action_by_time ON action (at_s);
    CREATE TABLE transition (
        at_s INTEGER NOT NULL,
        rule TEXT NOT NULL,
        subject TEXT NOT NULL,
        state TEXT NOT NULL,
        value REAL NOT NULL,
        detail TEXT NOT NULL
    );
    CREATE INDEX transition_by_time ON transition (at_s);
",
    "
    CREATE TABLE audience (
        at_s INTEGER NOT NULL,
        stream TEXT NOT NULL,
        messages INTEGER NOT NULL,
        messages_per_minute REAL NOT NULL,
        authors REAL NOT NULL,
        mood REAL NOT NULL,
        engagement REAL NOT NULL,
        complaints TEXT NOT NULL,
        blind_spots TEXT NOT NULL
    );
    CREATE INDEX audience_by_stream ON audience (stream, at_s);
",
];

/// Why a database is not opened for writing.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// A later version of this program wrote it.
    #[error(
        "{path} has schema {found}, of a later version of headroom; this one knows schemas up to {known}: it is left as it is"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The latest schema known here.
        known: usize,
    },
    /// SQLite refuses.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// Whether a database is damaged rather than out of reach.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Opens for writing. A damaged database is laid aside under another name, and a new one begun.
pub(super) fn open_or_lay_aside(path: &Path, max_pages: u32) -> Result<Connection, OpenError> {
    match open(path, max_pages) {
        Err(OpenError::Sqlite(error)) if is_damage(&error) => {
            let aside = lay_aside(path).map_err(|_| error)?;
            tracing::error!(path = %path.display(), kept_as = %aside.display(), "the history is damaged: it is laid aside, and a new one begun");
            open(path, max_pages)
        }
        opened => opened,
    }
}

/// Renames a database and what SQLite keeps beside it. Nothing is deleted.
pub(super) fn lay_aside(path: &Path) -> std::io::Result<PathBuf> {
    let named = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let aside = (0..1_000).map(|number| named(&format!(".damaged-{number}"))).find(|aside| !aside.exists());
    let aside = aside.ok_or(std::io::ErrorKind::AlreadyExists)?;
    std::fs::rename(path, &aside)?;
    for suffix in ["-wal", "-shm"] {
        let mut beside = aside.as_os_str().to_owned();
        beside.push(suffix);
        // Often there is none.
        let _ = std::fs::rename(named(suffix), beside);
    }
    Ok(aside)
}

/// Opens for writing, creates and migrates. `max_pages` is where SQLite itself says the disk is full.
pub(super) fn open(path: &Path, max_pages: u32) -> Result<Connection, OpenError> {
    let mut database = Connection::open(path)?;
    database.busy_timeout(PATIENCE)?;
    // Before anything is changed.
    let found: usize = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > MIGRATIONS.len() {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: MIGRATIONS.len() });
    }
    // Before the first table: deleting what is old gives pages back without rewriting the file.
    database.pragma_update(None, "auto_vacuum", "incremental")?;
    database.pragma_update(None, "journal_mode", "wal")?;
    // A commit a minute: it may as well reach the disk.
    database.pragma_update(None, "synchronous", "full")?;
    database.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    database.pragma_update(None, "max_page_count", max_pages)?;
    let transaction = database.transaction()?;
    let applied: usize = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for step in MIGRATIONS.iter().skip(applied) {
        transaction.execute_batch(step)?;
    }
    if applied < MIGRATIONS.len() {
        transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    }
    transaction.commit()?;
    Ok(database)
}

/// Opens for reading only.
pub(super) fn open_for_reading(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags)?;
    database.busy_timeout(PATIENCE)?;
    Ok(database)
}
