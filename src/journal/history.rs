//! The runs that are remembered: one file each, a bounded number, and those of which nobody has heard how they ended.

use super::error::JournalError;
use super::record::{FailureRecord, Record, RunId, State};
use crate::failure::Stage;
use crate::host::durable;
use jiff::Timestamp;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a run's tree begins with that was no commit.
pub const UNVERIFIED: &str = "unverified ";
/// Runs that are kept beside those that still matter.
const KEEP: usize = 50;
/// A host that never gets to know whom to tell must not fill its disk: beyond so many none is kept but the last good one.
const MOST: usize = 200;
const LARGEST: u64 = 4 * 1024 * 1024;

/// The runs that are remembered.
#[derive(Clone, Debug)]
pub struct History {
    directory: PathBuf,
}

/// Why nobody has heard how a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// Its process is gone and the machine is not: killed, or out of memory.
    Killed,
    /// The machine stopped: reboot, kernel panic, power loss.
    MachineStopped,
    /// It ended by itself and could tell nobody: it did not get to know whom, or could neither write nor send it.
    Untold,
}

impl Unheard {
    /// For a signal's reason.
    pub fn message(self, record: &Record) -> String {
        let what = match (self, &record.failure) {
            (Self::Killed, _) => "the run's process was killed".to_owned(),
            (Self::MachineStopped, _) => "the machine stopped (reboot, kernel panic or power loss)".to_owned(),
            (Self::Untold, Some(failure)) => {
                return format!("{}: {}; run {}, told late", failure.stage, failure.message, record.id);
            }
            (Self::Untold, None) => return format!("run {}, told late", record.id),
        };
        let stage = record
            .stage()
            .map_or_else(|| "before its first stage".into(), |stage| format!("at stage {}", stage.name()));
        format!("{what} {stage}; run {}", record.id)
    }
}

impl History {
    /// Those of a state directory.
    pub fn open(state: &Path) -> Self {
        Self { directory: state.join("runs") }
    }

    /// Writes a record down. It is whole on disk before this returns.
    pub fn save(&self, record: &Record) -> Result<(), JournalError> {
        self.put(record, durable::write)
    }

    /// The same while a run goes on: what a kill leaves, though perhaps not a loss of power.
    pub fn save_lightly(&self, record: &Record) -> Result<(), JournalError> {
        self.put(record, durable::write_lightly)
    }

    fn put(
        &self,
        record: &Record,
        write: fn(&std::path::Path, &[u8], u32) -> std::io::Result<()>,
    ) -> Result<(), JournalError> {
        let path = self.path(&record.id);
        let failed = |error| JournalError::state("write", &path, error);
        durable::make_directory(&self.directory, 0o700).map_err(failed)?;
        let text = serde_json::to_vec_pretty(record).map_err(|error| JournalError::content(&path, error))?;
        write(&path, &text, 0o600).map_err(failed)
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

    /// The last run that ended well and ran a commit; a local tree says nothing of the repository's.
    pub fn last_done(&self) -> Result<Option<Record>, JournalError> {
        let mut records = self.ids()?.into_iter().rev().filter_map(|id| self.read(&id).ok());
        Ok(records.find(|record| {
            record.state == State::Done && record.tree.as_ref().is_some_and(|tree| !tree.starts_with(UNVERIFIED))
        }))
    }

    /// Runs of which nobody has heard how they ended, the oldest first. Whoever reports one says so with
    /// [`History::settle`] *after* the report is safe in the outbox: a kill between the two reports it twice, never not
    /// at all.
    pub fn unheard(&self) -> Result<Vec<(Record, Unheard)>, JournalError> {
        let mut found = Vec::new();
        for id in self.ids()? {
            let Ok(record) = self.read(&id) else { continue };
            let why = match record.state {
                State::Running if record.process.is_alive() => continue,
                State::Running if record.process.same_boot() => Unheard::Killed,
                State::Running => Unheard::MachineStopped,
                _ if record.reported => continue,
                _ => Unheard::Untold,
            };
            found.push((record, why));
        }
        Ok(found)
    }

    /// Says of such a run that its end was told, and of one that was interrupted how it ended.
    pub fn settle(&self, mut record: Record, why: Unheard, now: Timestamp) -> Result<(), JournalError> {
        if why != Unheard::Untold {
            let message = why.message(&record);
            record.failure = Some(FailureRecord { stage: Stage::Interrupted, message, hint: None, place: None });
            record.state = State::Interrupted;
            record.ended = Some(now);
        }
        record.reported = true;
        self.save(&record)
    }

    /// Forgets the oldest runs, but none whose end still has to be told, and not the last that ended well: without its
    /// commit the next run would take itself for the first, and let a branch go back.
    pub fn prune(&self) -> Result<(), JournalError> {
        let ids = self.ids()?;
        let old = &ids[..ids.len().saturating_sub(KEEP)];
        if old.is_empty() {
            return Ok(());
        }
        let last_done = self.last_done()?.map(|record| record.id);
        let too_old = ids.len().saturating_sub(MOST);
        for (index, id) in old.iter().enumerate() {
            let matters = |record: Record| record.state == State::Running || !record.reported;
            if last_done.as_ref() == Some(id) || (index >= too_old && self.read(id).is_ok_and(matters)) {
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
    fn a_run_of_which_nobody_heard_is_told_once() {
        let state = tempfile::tempdir().expect("scratch");
        let history = History::open(state.path());
        let mut killed = record(1);
        killed.process.started += 1;
        killed.enter(Stage::Converge, Timestamp::UNIX_EPOCH);
        let mut stopped = record(2);
        stopped.process.boot = "the boot before".into();
        let alive = record(3);
        let mut done = record(4);
        (done.state, done.process, done.reported) = (State::Done, killed.process.clone(), true);
        let mut untold = record(5);
        (untold.state, untold.process) = (State::Failed, killed.process.clone());
        let (stage, message) = (Stage::Settings, "unknown key `rols`".to_owned());
        untold.failure = Some(FailureRecord { stage, message, hint: None, place: None });
        for record in [&killed, &stopped, &alive, &done, &untold] {
            history.save(record).expect("saves");
        }
        let found = history.unheard().expect("reads");
        let why: Vec<Unheard> = found.iter().map(|(_, why)| *why).collect();
        assert_eq!(why, [Unheard::Killed, Unheard::MachineStopped, Unheard::Untold]);
        assert!(why[0].message(&killed).contains("killed at stage converge"));
        assert!(why[2].message(&untold).starts_with("settings: unknown key `rols`; run "));
        for (record, why) in found {
            history.settle(record, why, Timestamp::UNIX_EPOCH).expect("settles");
        }
        assert!(history.unheard().expect("reads").is_empty());
        let settled = history.read(&killed.id).expect("reads");
        assert_eq!((settled.state, settled.exit_code()), (State::Interrupted, Some(24)));
        let settled = history.read(&untold.id).expect("reads");
        assert_eq!((settled.state, settled.exit_code(), settled.reported), (State::Failed, Some(10), true));
    }

    #[test]
    fn a_record_from_before_the_flag_is_taken_for_told() {
        let mut written = serde_json::to_value(record(1)).expect("serialises");
        written.as_object_mut().expect("a mapping").shift_remove("reported");
        assert!(serde_json::from_value::<Record>(written).expect("reads").reported);
    }

    #[test]
    fn old_runs_are_forgotten_and_unfinished_ones_are_not() {
        let state = tempfile::tempdir().expect("scratch");
        let history = History::open(state.path());
        for second in 0..60 {
            let mut record = record(1000 + second);
            record.state = if second == 0 { State::Running } else { State::Done };
            record.reported = second != 1;
            history.save(&record).expect("saves");
        }
        history.prune().expect("prunes");
        let ids = history.ids().expect("lists");
        assert_eq!(ids.len(), KEEP + 2);
        assert_eq!(history.read(&ids[0]).expect("reads").state, State::Running);
        assert!(!history.read(&ids[1]).expect("reads").reported);
    }

    #[test]
    fn runs_that_never_find_anybody_to_tell_are_bounded_too() {
        let state = tempfile::tempdir().expect("scratch");
        let history = History::open(state.path());
        for second in 0..205 {
            let mut record = record(1000 + second);
            record.state = State::Failed;
            history.save(&record).expect("saves");
        }
        history.prune().expect("prunes");
        assert_eq!(history.ids().expect("lists").len(), MOST);
    }

    #[test]
    fn the_last_good_run_outlives_any_number_of_failed_ones() {
        let state = tempfile::tempdir().expect("scratch");
        let history = History::open(state.path());
        for second in 0..80 {
            let mut record = record(1000 + second);
            record.state = if second < 10 { State::Done } else { State::Failed };
            (record.tree, record.reported) = (Some(format!("commit-{second}")), true);
            history.save(&record).expect("saves");
            history.prune().expect("prunes");
        }
        let last = history.last_done().expect("reads").expect("it is kept");
        assert_eq!(last.tree.as_deref(), Some("commit-9"));
        assert_eq!(history.ids().expect("lists").len(), KEEP + 1, "and no other beside the newest");
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
