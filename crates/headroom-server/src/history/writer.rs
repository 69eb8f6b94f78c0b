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

/// A clock that jumped ahead by more than the retention is believed after this time.
const JUMP_BELIEVED_AFTER: Duration = Duration::from_secs(86_400);

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
        // What was there before this run, whose clock may be wrong.
        let known = database.as_ref().and_then(|database| newest(database).ok().flatten());
        let began = Instant::now();
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
                let now_s = now_s();
                if let Err(error) = self.clean(open, now_s, known, began.elapsed()) {
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
                    schema::open_or_lay_aside(&self.path, self.max_pages()).map_err(|error| error.to_string())?
                }
            };
            self.write(&mut database, held).map_err(|error| {
                if schema::is_damage(&error) {
                    drop(schema::lay_aside(&self.path).inspect(|aside| {
                        tracing::error!(kept_as = %aside.display(), "the history is damaged: it is laid aside");
                    }));
                }
                error.to_string()
            })?;
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
    fn clean(
        &self,
        database: &mut Connection,
        now_s: i64,
        known: Option<i64>,
        running: Duration,
    ) -> rusqlite::Result<()> {
        let Some(newest) = newest(database)? else { return Ok(()) };
        let mut before = oldest_kept(newest, now_s, self.settings.retention_days);
        // Far more time went by than the entries before tell of: the clock may have been set wrong. It is believed after a day.
        if let Some(known) = known
            && now_s > known + i64::from(self.settings.retention_days) * 86_400
            && running < JUMP_BELIEVED_AFTER
        {
            tracing::warn!("the clock stands far ahead of the newest history: age is counted from that until tomorrow");
            before = oldest_kept(known, now_s, self.settings.retention_days);
        }
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

/// The newest minute.
fn newest(database: &Connection) -> rusqlite::Result<Option<i64>> {
    database.query_row("SELECT max(at_s) FROM minute", [], |row| row.get(0))
}

/// Until when history is deleted for its age: counted from the newest entry or from now, whichever comes first. Entries of a
/// clock that ran ahead, and a clock that runs ahead, delete nothing.
fn oldest_kept(newest: i64, now_s: i64, retention_days: u32) -> i64 {
    newest.min(now_s) - i64::from(retention_days) * 86_400
}

/// Seconds since the epoch; negative before it.
fn now_s() -> i64 {
    chrono::Utc::now().timestamp()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Catalogue;

    const DAY_S: i64 = 86_400;

    fn writer(path: PathBuf) -> Writer {
        Writer {
            path,
            places: Arc::default(),
            streams: Arc::default(),
            settings: Settings { retention_days: 30, ..Settings::default() },
            degraded: Arc::default(),
            metrics: HistoryMetrics::register(&mut Catalogue::default()),
        }
    }

    fn database(name: &str, minutes: &[i64]) -> (PathBuf, Connection) {
        let path = std::env::temp_dir().join(format!("headroom-writer-{}-{name}.sqlite", std::process::id()));
        let database = schema::open(&path, 1_000_000).unwrap();
        for at_s in minutes {
            let row = "INSERT INTO minute VALUES (?, 1, '', '', 0, 1, 0, 0, 0, 0, 0, x'', x'', x'', 0, 0, '')";
            database.execute(row, [at_s]).unwrap();
        }
        (path, database)
    }

    /// A clock that ran 200 days ahead for one run, in that run and in the next.
    #[test]
    fn a_wrong_clock_deletes_nothing() {
        let today = 20_000 * DAY_S;
        let minutes: Vec<i64> = (0..20).map(|day| today - day * DAY_S).collect();
        let (path, mut database) = database("clock", &minutes);
        let writer = writer(path.clone());
        let count = |database: &Connection| -> i64 {
            database.query_row("SELECT count(*) FROM minute", [], |row| row.get(0)).unwrap()
        };
        let ahead = today + 200 * DAY_S;
        writer.clean(&mut database, ahead, Some(today), Duration::from_secs(3_600)).unwrap();
        assert_eq!(count(&database), 20, "while it is wrong");
        let row = "INSERT INTO minute VALUES (?, 1, '', '', 0, 1, 0, 0, 0, 0, 0, x'', x'', x'', 0, 0, '')";
        database.execute(row, [ahead]).unwrap();
        for now in [today + DAY_S, today - 400 * DAY_S, -5 * DAY_S] {
            writer.clean(&mut database, now, Some(ahead), Duration::from_secs(3_600)).unwrap();
            assert_eq!(count(&database), 21, "afterwards");
        }
        // A real absence: after a day the clock is believed.
        database.execute("DELETE FROM minute WHERE at_s = ?", [ahead - 1]).unwrap();
        writer.clean(&mut database, ahead, Some(today), JUMP_BELIEVED_AFTER).unwrap();
        assert_eq!(count(&database), 1);
        drop(database);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn newer_history_is_left_alone_and_damaged_is_laid_aside() {
        let (path, database) = database("schema", &[1]);
        database.pragma_update(None, "user_version", 99).unwrap();
        drop(database);
        let before = std::fs::read(&path).unwrap();
        let error = schema::open_or_lay_aside(&path, 1_000_000).err().unwrap().to_string();
        assert!(error.contains("schema 99, of a later version"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        std::fs::write(&path, vec![b'x'; 8_192]).unwrap();
        let database = schema::open_or_lay_aside(&path, 1_000_000).unwrap();
        assert_eq!(newest(&database).unwrap(), None, "a new one");
        let aside = PathBuf::from(format!("{}.damaged-0", path.display()));
        assert_eq!(std::fs::read(&aside).unwrap(), vec![b'x'; 8_192]);
        drop(database);
        std::fs::remove_file(path).unwrap();
        std::fs::remove_file(aside).unwrap();
    }
}
