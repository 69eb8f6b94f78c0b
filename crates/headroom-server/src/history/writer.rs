//! The thread that writes.

use super::{
    entry::{Action, Entry, Transition},
    metrics::HistoryMetrics,
    schema,
    settings::Settings,
};
use crate::{places::Places, stream::Streams};
use headroom_cluster::{
    lock::locked,
    rollup::{Cell, Key, Rollup},
};
use headroom_core::decision::Reason;
use rusqlite::{Connection, params};
use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

/// Entries held back while nothing can be written; the oldest go first.
const HELD: usize = 6_000;

/// Pauses between attempts while nothing can be written.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often what is too old or too much is deleted.
const CLEANING: Duration = Duration::from_secs(3_600);

/// Share of the size limit deleted at once when it is reached.
const EARLY: f64 = 0.1;

/// SQLite's default page size.
const PAGE: u64 = 4_096;

pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) places: Arc<Places>,
    pub(super) streams: Arc<Streams>,
    pub(super) settings: Settings,
    pub(super) degraded: Arc<Mutex<Option<String>>>,
    pub(super) metrics: HistoryMetrics,
}

impl Writer {
    /// Writes until the queue is closed.
    pub(super) fn run(self, queue: &Receiver<Entry>) {
        let mut held = VecDeque::new();
        let mut pause = FIRST_PAUSE;
        let mut open = true;
        // Opened at once, so that a disk that cannot be written is known before the first minute is over.
        let mut database = self.attempt(None, &mut held);
        let mut cleaned: Option<Instant> = None;
        while open {
            match queue.recv_timeout(if database.is_some() { CLEANING } else { pause }) {
                Ok(entry) => held.push_back(entry),
                Err(RecvTimeoutError::Timeout) => pause = (pause * 2).min(LONGEST_PAUSE),
                Err(RecvTimeoutError::Disconnected) => open = false,
            }
            held.extend(queue.try_iter());
            while held.len() > HELD {
                held.pop_front();
                self.metrics.lost.inc();
            }
            database = self.attempt(database, &mut held);
            if database.is_some() {
                pause = FIRST_PAUSE;
            }
            if let Some(open) = &mut database
                && cleaned.is_none_or(|last| last.elapsed() >= CLEANING)
            {
                cleaned = Some(Instant::now());
                if let Err(error) = self.clean(open) {
                    tracing::warn!(%error, "old history could not be deleted");
                }
            }
        }
        self.metrics.lost.inc_by(held.len() as u64);
    }

    /// Writes all that is held, in one transaction. Gives the connection back while it is good.
    fn attempt(&self, database: Option<Connection>, held: &mut VecDeque<Entry>) -> Option<Connection> {
        let written = (|| {
            let mut database = match database {
                Some(database) => database,
                None => {
                    if let Some(directory) = self.path.parent() {
                        std::fs::create_dir_all(directory).map_err(|error| error.to_string())?;
                    }
                    schema::open(&self.path, self.max_pages()).map_err(|error| error.to_string())?
                }
            };
            self.write(&mut database, held).map_err(|error| error.to_string())?;
            Ok::<_, String>(database)
        })();
        let mut degraded = locked(&self.degraded);
        match written {
            Ok(database) => {
                if degraded.take().is_some() {
                    tracing::info!("history is written again");
                }
                self.metrics.degraded.set(0);
                self.metrics.written.inc_by(held.len() as u64);
                held.clear();
                Some(database)
            }
            Err(reason) => {
                if degraded.as_ref() != Some(&reason) {
                    tracing::error!(reason, path = %self.path.display(), "history cannot be written");
                }
                *degraded = Some(reason);
                self.metrics.degraded.set(1);
                None
            }
        }
    }

    /// Room to work in above the size at which the oldest days go.
    fn max_pages(&self) -> u32 {
        let pages = u64::from(self.settings.max_megabytes) * 1024 * 1024 / PAGE;
        u32::try_from(pages + pages / 4).unwrap_or(u32::MAX)
    }

    fn write(&self, database: &mut Connection, entries: &VecDeque<Entry>) -> rusqlite::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let transaction = database.transaction()?;
        for entry in entries {
            match entry {
                Entry::Minute { at_s, rollup } => self.write_minute(&transaction, *at_s, rollup)?,
                Entry::Action(action) => write_action(&transaction, action)?,
                Entry::Transition(transition) => write_transition(&transaction, transition)?,
                Entry::Audience(audience) => audience.write(&transaction)?,
            }
        }
        transaction.commit()
    }

    fn write_minute(&self, database: &Connection, at_s: u64, rollup: &Rollup) -> rusqlite::Result<()> {
        let mut names = database.prepare_cached(
            "INSERT INTO stream (id, name, format) VALUES (?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE name <> excluded.name",
        )?;
        for listed in self.streams.page(0, usize::MAX).0 {
            names.execute(params![listed.stream.0 as i64, listed.name, listed.format])?;
        }
        let mut insert =
            database.prepare_cached("INSERT INTO minute VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        let rounds = f64::from(rollup.rounds.max(1));
        for (Key { stream, place, rung_kbps }, cell) in &rollup.cells {
            insert.execute(params![
                at_s,
                stream.0 as i64,
                self.places.edge(place.edge),
                self.places.network(place.network),
                rung_kbps,
                cell.observations as f64 / rounds,
                cell.silent as f64 / rounds,
                cell.watched_ms,
                cell.stalled_ms,
                cell.starvations,
                cell.played_kbit,
                cell.mos.encode(),
                cell.throughput.encode(),
                cell.latency.encode(),
                cell.sinr.0,
                cell.sinr.1,
                reasons_json(cell),
            ])?;
        }
        Ok(())
    }

    /// Deletes what is older than the retention, and the oldest tenth when the file is too large.
    fn clean(&self, database: &mut Connection) -> rusqlite::Result<()> {
        let newest: Option<i64> = database.query_row("SELECT max(at_s) FROM minute", [], |row| row.get(0))?;
        let Some(newest) = newest else { return Ok(()) };
        // Counted from the newest entry: a clock that was set wrong must not delete everything.
        let mut before = newest - i64::from(self.settings.retention_days) * 86_400;
        let used = |what| database.pragma_query_value(None, what, |row| row.get::<_, u64>(0));
        let megabytes = (used("page_count")? - used("freelist_count")?) * PAGE / (1024 * 1024);
        if megabytes >= u64::from(self.settings.max_megabytes) {
            let oldest: i64 = database.query_row("SELECT min(at_s) FROM minute", [], |row| row.get(0))?;
            before = before.max(oldest + ((newest - oldest) as f64 * EARLY).ceil() as i64);
            tracing::warn!(megabytes, "history has reached its size: the oldest tenth is deleted");
        }
        let transaction = database.transaction()?;
        for table in ["minute", "action", "transition", "audience"] {
            transaction.execute(&format!("DELETE FROM \"{table}\" WHERE at_s < ?"), [before])?;
        }
        transaction.commit()?;
        database.execute_batch("PRAGMA incremental_vacuum")
    }
}

/// `{"plan":12,"buffer":3}`, without the zeros.
fn reasons_json(cell: &Cell) -> String {
    let counts = Reason::ALL.iter().zip(cell.reasons).filter(|(_, count)| *count > 0);
    let object: serde_json::Map<_, _> =
        counts.map(|(reason, count)| (reason.name().to_owned(), count.into())).collect();
    serde_json::Value::Object(object).to_string()
}

fn write_action(database: &Connection, action: &Action) -> rusqlite::Result<()> {
    let mut insert = database.prepare_cached("INSERT INTO action VALUES (?, ?, ?, ?, ?, ?)")?;
    let Action { at_s, actor, method, path, status, body } = action;
    insert.execute(params![at_s, actor, method, path, status, body]).map(drop)
}

fn write_transition(database: &Connection, transition: &Transition) -> rusqlite::Result<()> {
    let mut insert = database.prepare_cached("INSERT INTO \"transition\" VALUES (?, ?, ?, ?, ?, ?)")?;
    let Transition { at_s, rule, subject, state, value, detail } = transition;
    insert.execute(params![at_s, rule, subject, state, value, detail]).map(drop)
}
