//! How the run stands now, for whoever looks: `/run/muster/status.json`.

use super::error::JournalError;
use super::process::Process;
use super::record::{Counts, FailureRecord, Record, RunId, State};
use crate::failure::Stage;
use crate::host::durable;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Which run.
    pub run: RunId,
    /// What was asked for.
    pub command: String,
    /// Which process runs it.
    pub process: Process,
    /// How it stands.
    pub state: State,
    /// The stage that it is at.
    pub stage: Option<Stage>,
    /// The task that it is at.
    pub task: Option<String>,
    /// What it waits for.
    pub waiting: Option<String>,
    /// A rough share of the whole, in percent.
    pub percent: u8,
    /// When it began.
    pub started: Timestamp,
    /// When this was written.
    pub updated: Timestamp,
    /// The process's exit code, once it ended.
    pub exit_code: Option<u8>,
    /// The commit that runs.
    pub tree: Option<String>,
    /// What became of tasks.
    pub counts: Counts,
    /// Why it failed.
    pub failure: Option<FailureRecord>,
}

/// Where in the whole a stage begins, in percent: most of the time goes to tasks and health.
const BEGINS: &[(Stage, u8)] = &[
    (Stage::Settings, 0),
    (Stage::Identity, 2),
    (Stage::Parameters, 6),
    (Stage::DeployKey, 8),
    (Stage::Repository, 10),
    (Stage::Verify, 18),
    (Stage::Parse, 20),
    (Stage::Secrets, 22),
    (Stage::Converge, 25),
    (Stage::Release, 80),
    (Stage::Health, 85),
    (Stage::Signal, 97),
];

/// A share of the whole: a stage, and how far it is.
pub(crate) fn percent(stage: Option<Stage>, done: u64, total: u64) -> u8 {
    let Some(at) = BEGINS.iter().position(|row| Some(row.0) == stage) else { return 0 };
    let (from, to) = (BEGINS[at].1, BEGINS.get(at + 1).map_or(100, |row| row.1));
    let share = (u64::from(to - from) * done.min(total)).checked_div(total).unwrap_or_default();
    from + u8::try_from(share).unwrap_or_default()
}

impl Status {
    /// As a record has it.
    pub fn of(record: &Record, now: Timestamp) -> Self {
        Self {
            run: record.id.clone(),
            command: record.command.clone(),
            process: record.process.clone(),
            state: record.state,
            stage: record.stage(),
            task: None,
            waiting: None,
            percent: if record.state == State::Done { 100 } else { percent(record.stage(), 0, 0) },
            started: record.started,
            updated: now,
            exit_code: record.exit_code(),
            tree: record.tree.clone(),
            counts: record.counts,
            failure: record.failure.clone(),
        }
    }

    /// Writes it, readable for everyone: it holds no secret.
    pub fn write(&self, directory: &Path) -> Result<(), JournalError> {
        let path = directory.join("status.json");
        let text = serde_json::to_vec(self).map_err(|error| JournalError::content(&path, error))?;
        durable::make_directory(directory, 0o755)
            .and_then(|()| durable::write_lightly(&path, &text, 0o644))
            .map_err(|error| JournalError::state("write", &path, error))
    }

    /// Reads it; `None` where nothing has run since the machine started. A run whose process is gone is interrupted.
    pub fn read(directory: &Path) -> Result<Option<Self>, JournalError> {
        let path = directory.join("status.json");
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| JournalError::state("read", &path, error))?,
        };
        let status: Self = serde_json::from_slice(&text).map_err(|error| JournalError::content(&path, error))?;
        Ok(Some(status.noticed()))
    }

    /// The same, interrupted where it says that it runs and its process is gone.
    #[must_use]
    pub fn noticed(mut self) -> Self {
        if self.state == State::Running && !self.process.is_alive() {
            self.state = State::Interrupted;
            self.exit_code = Some(Stage::Interrupted.exit_code());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_written_and_a_dead_run_is_noticed() {
        let directory = tempfile::tempdir().expect("scratch");
        assert_eq!(Status::read(directory.path()).expect("reads"), None);
        let mut record = Record::begin("muster boot", Timestamp::UNIX_EPOCH);
        let status = Status::of(&record, Timestamp::UNIX_EPOCH);
        status.write(directory.path()).expect("writes");
        assert_eq!(Status::read(directory.path()).expect("reads"), Some(status));
        record.process.started += 1;
        Status::of(&record, Timestamp::UNIX_EPOCH).write(directory.path()).expect("writes");
        let state = Status::read(directory.path()).expect("reads").map(|status| (status.state, status.exit_code));
        assert_eq!(state, Some((State::Interrupted, Some(24))));
    }

    #[test]
    fn percent_never_goes_back() {
        let shares: Vec<u8> =
            BEGINS.iter().flat_map(|row| [0, 1, 2].map(|done| percent(Some(row.0), done, 2))).collect();
        assert!(shares.is_sorted() && shares.last() == Some(&100), "{shares:?}");
    }
}
