//! The state file: one line for the settings, one for each pair that was played.

use super::{
    arguments::{AdviceFrom, PlayerName},
    pair::{PairRecord, PairState},
};
use anyhow::{Context, ensure};
use headroom_core::objective::Objective;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

/// What makes pairs comparable: a state file holds pairs of one kind only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) version: String,
    pub(super) seconds: u16,
    pub(super) warm_up: u16,
    pub(super) ladder_kbps: Vec<u64>,
    pub(super) advice: AdviceFrom,
    pub(super) objective: Objective,
    /// The sets the drives come from.
    pub(super) sets: Vec<String>,
    /// Congestion control of the kernel.
    pub(super) congestion_control: String,
}

/// Pairs played so far, here and in earlier runs.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    records: Vec<PairRecord>,
}

impl Journal {
    /// Opens the file, or begins it.
    pub(super) fn open(path: &Path, settings: &Settings) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        // A line that was cut short when the last run was killed is played again.
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let mut lines = whole.lines();
        let records = match lines.next() {
            None => Vec::new(),
            Some(first) => {
                let of_before: Settings = serde_json::from_str(first).with_context(|| {
                    format!("{} is no state file of bench players: name another with --state", path.display())
                })?;
                ensure!(
                    of_before == *settings,
                    "{} holds pairs of other settings ({first}): give the same arguments, or another --state",
                    path.display()
                );
                lines
                    .map(|line| serde_json::from_str(line).with_context(|| format!("{}: {line}", path.display())))
                    .collect::<anyhow::Result<_>>()?
            }
        };
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("writing {}", path.display()))?;
        file.set_len(whole.len() as u64)?;
        let mut journal = Self { path: path.to_owned(), file, records };
        if whole.is_empty() {
            journal.write(settings)?;
        }
        Ok(journal)
    }

    /// All pairs, in the order in which they were played.
    pub(super) fn records(&self) -> &[PairRecord] {
        &self.records
    }

    /// Adds a pair.
    pub(super) fn add(&mut self, record: PairRecord) -> anyhow::Result<()> {
        self.write(&record)?;
        self.records.push(record);
        Ok(())
    }

    /// Whether a pair need not be played: it counts, or was tried as often as may be.
    pub(super) fn is_done(&self, player: PlayerName, number: usize, attempts: usize) -> bool {
        let tried = || self.records.iter().filter(|record| record.player == player && record.number == number);
        tried().any(|record| record.state == PairState::Kept) || tried().count() >= attempts
    }

    fn write(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.file.write_all(&line).with_context(|| format!("writing {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair::Arm;
    use super::*;

    #[test]
    fn a_run_goes_on_where_it_was_killed() {
        let path = std::env::temp_dir().join(format!("headroom-players-{}/state.jsonl", std::process::id()));
        let _ = fs::remove_file(&path);
        let settings = Settings {
            version: "1".into(),
            seconds: 20,
            warm_up: 4,
            ladder_kbps: vec![400],
            advice: AdviceFrom::Server,
            objective: Objective::default(),
            sets: vec!["walks".into()],
            congestion_control: "bbr".into(),
        };
        let record = |number, state| PairRecord {
            player: PlayerName::Hls,
            number,
            set: "walks".into(),
            drive: "a".into(),
            first: Arm::Alone,
            state,
            alone: None,
            agent: None,
            failures: Vec::new(),
            busy: [0.5; 2],
            load: [1.0; 2],
            ended_s: 0,
        };
        let mut journal = Journal::open(&path, &settings).unwrap();
        journal.add(record(0, PairState::Kept)).unwrap();
        journal.add(record(1, PairState::MachineBusy)).unwrap();
        drop(journal);
        let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
        torn.write_all(b"{\"player\":\"hls\",\"num").unwrap();
        let mut journal = Journal::open(&path, &settings).unwrap();
        assert_eq!(journal.records().len(), 2);
        // (number, attempts allowed, done)
        for (number, attempts, done) in [(0, 3, true), (1, 2, false), (1, 1, true), (2, 1, false)] {
            assert_eq!(journal.is_done(PlayerName::Hls, number, attempts), done, "{number} {attempts}");
        }
        assert!(!journal.is_done(PlayerName::Dash, 0, 1));
        journal.add(record(2, PairState::Kept)).unwrap();
        assert_eq!(Journal::open(&path, &settings).unwrap().records().len(), 3);
        let others = Settings { seconds: 30, ..settings };
        let said = Journal::open(&path, &others).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("other settings") && said.contains("--state"), "{said}");
        fs::write(&path, "no state\n").unwrap();
        assert!(Journal::open(&path, &others).is_err());
        fs::remove_file(&path).unwrap();
    }
}
