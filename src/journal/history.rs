//! The runs that are remembered: one file each, a bounded number, and those that ended without a word.

use super::error::JournalError;
use super::record::{FailureRecord, Record, RunId, State};
use crate::failure::Stage;
use crate::host::durable;
use jiff::Timestamp;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Runs that are kept beside the newest unfinished ones.
const KEEP: usize = 50;
const LARGEST: u64 = 4 * 1024 * 1024;

/// The runs that are remembered.
#[derive(Clone, Debug)]
pub struct History {
    directory: PathBuf,
}

/// How a run ended that could not say so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Its process is gone and the machine is not: killed, or out of memory.
    Killed,
    /// The machine stopped: reboot, kernel panic, power loss.
    MachineStopped,
}

impl Interruption {
    /// For a signal's reason.
    pub fn message(self, record: &Record) -> String {
        let what = match self {
            Self::Killed => "the run's process was killed",
            Self::MachineStopped => "the machine stopped (reboot, kernel panic or power loss)",
        };
        let stage = record.stage().map_or("before its first stage", Stage::name);
        format!("{what} at stage {stage}; run {}", record.id)
    }
}

impl History {
    /// Those of a state directory.
    pub fn open(state: &Path) -> Self {
        Self { directory: state.join("runs") }
    }

    /// Writes a record down. It is whole on disk before this returns.
    pub fn save(&self, record: &Record) -> Result<(), JournalError> {
        let path = self.path(&record.id);
        let failed = |error| JournalError::state("write", &path, error);
        durable::make_directory(&self.directory, 0o700).map_err(failed)?;
        let text = serde_json::to_vec_pretty(record).map_err(|error| JournalError::content(&path, error))?;
        durable::write(&path, &text, 0o600).map_err(failed)
    }

    fn path(&self, id: &RunId) -> PathBuf {
        self.directory.join(format!("{id}.json"))
    }

    /// The names of all runs, the oldest first.
    pub fn ids(&self) -> Result<Vec<RunId>, JournalError> {
        let failed = |error| JournalError::state("list", &self.directory, error);
        let entries = match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(failed)?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            ids.extend(name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(RunId::parse));
        }
        ids.sort();
        Ok(ids)
    }

    /// One run's record.
    pub fn read(&self, id: &RunId) -> Result<Record, JournalError> {
        let path = self.path(id);
        let mut text = Vec::new();
        std::fs::File::open(&path)
            .and_then(|file| file.take(LARGEST).read_to_end(&mut text))
            .map_err(|error| JournalError::state("read", &path, error))?;
        serde_json::from_slice(&text).map_err(|error| JournalError::content(&path, error))
    }

    /// The newest run that can be read.
    pub fn newest(&self) -> Result<Option<Record>, JournalError> {
        Ok(self.ids()?.iter().rev().find_map(|id| self.read(id).ok()))
    }

    /// The last run that ended well and ran a tree.
    pub fn last_done(&self) -> Result<Option<Record>, JournalError> {
        let mut records = self.ids()?.into_iter().rev().filter_map(|id| self.read(&id).ok());
        Ok(records.find(|record| record.state == State::Done && record.tree.is_some()))
    }

    /// Runs that ended without a word, the oldest first. Whoever reports one says so with [`History::settle`]
    /// *after* the report is safe in the outbox: a kill between the two reports it twice, never not at all.
    pub fn interrupted(&self) -> Result<Vec<(Record, Interruption)>, JournalError> {
        let mut found = Vec::new();
        for id in self.ids()? {
            let Ok(record) = self.read(&id) else { continue };
            if record.state == State::Running && !record.process.is_alive() {
                let how = if record.process.same_boot() { Interruption::Killed } else { Interruption::MachineStopped };
                found.push((record, how));
            }
        }
        Ok(found)
    }

    /// Says of an interrupted run that it was noticed.
    pub fn settle(&self, mut record: Record, how: Interruption, now: Timestamp) -> Result<(), JournalError> {
        let message = how.message(&record);
        record.failure = Some(FailureRecord { stage: Stage::Interrupted, message, hint: None, place: None });
        record.state = State::Interrupted;
        record.ended = Some(now);
        self.save(&record)
    }

    /// Forgets the oldest runs, but none that still has to be noticed.
    pub fn prune(&self) -> Result<(), JournalError> {
        let ids = self.ids()?;
        for id in &ids[..ids.len().saturating_sub(KEEP)] {
            if self.read(id).is_ok_and(|record| record.state == State::Running) {
                continue;
            }
            let path = self.path(id);
            durable::remove(&path).map_err(|error| JournalError::state("remove", &path, error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(second: i64) -> Record {
        Record::begin("muster boot", Timestamp::from_second(second).expect("time"))
    }

    #[test]
    fn a_run_without_an_end_is_noticed_once() {
        let state = tempfile::tempdir().expect("scratch");
        let history = History::open(state.path());
        let mut killed = record(1);
        killed.process.started += 1;
        killed.enter(Stage::Converge, Timestamp::UNIX_EPOCH);
        let mut stopped = record(2);
        stopped.process.boot = "the boot before".into();
        let alive = record(3);
        let mut done = record(4);
        (done.state, done.process) = (State::Done, killed.process.clone());
        for record in [&killed, &stopped, &alive, &done] {
            history.save(record).expect("saves");
        }
        let found = history.interrupted().expect("reads");
        let how: Vec<Interruption> = found.iter().map(|(_, how)| *how).collect();
        assert_eq!(how, [Interruption::Killed, Interruption::MachineStopped]);
        assert!(how[0].message(&killed).contains("killed at stage converge"));
        for (record, how) in found {
            history.settle(record, how, Timestamp::UNIX_EPOCH).expect("settles");
        }
        assert!(history.interrupted().expect("reads").is_empty());
        let settled = history.read(&killed.id).expect("reads");
        assert_eq!((settled.state, settled.exit_code()), (State::Interrupted, Some(24)));
    }

    #[test]
    fn old_runs_are_forgotten_and_unfinished_ones_are_not() {
        let state = tempfile::tempdir().expect("scratch");
        let history = History::open(state.path());
        for second in 0..60 {
            let mut record = record(1000 + second);
            record.state = if second == 0 { State::Running } else { State::Done };
            history.save(&record).expect("saves");
        }
        history.prune().expect("prunes");
        let ids = history.ids().expect("lists");
        assert_eq!(ids.len(), KEEP + 1);
        assert_eq!(history.read(&ids[0]).expect("reads").state, State::Running);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests set the stage")]
    fn a_damaged_record_hides_no_other() {
        let state = tempfile::tempdir().expect("scratch");
        let history = History::open(state.path());
        history.save(&record(1)).expect("saves");
        std::fs::write(state.path().join("runs/99991231T000000000Z-0000.json"), b"{").expect("writes");
        assert!(history.newest().expect("reads").is_some());
    }
}
