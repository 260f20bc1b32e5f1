//! A run as it goes: every word of it to the record, the status, the journal and the terminal, without secrets.

use super::error::JournalError;
use super::history::History;
use super::journald::{Journald, Priority};
use super::progress::Progress;
use super::record::{Counts, FailureRecord, Record, RunId, State};
use super::status::{Status, percent};
use crate::failure::{Failure, Stage};
use crate::secret::Redactor;
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A run that goes on. It may be told things from any thread; a run that is dropped without an end says so.
#[derive(Debug)]
pub struct Run {
    inner: Mutex<Inner>,
    /// Where it is written down: its record, and the directory of the status.
    places: Option<(History, PathBuf)>,
    redactor: Redactor,
    journald: Journald,
    progress: Progress,
}

#[derive(Debug)]
struct Inner {
    record: Record,
    status: Status,
    shown: Instant,
    ended: bool,
}

/// Tasks may come faster than anyone can look.
const SHOW_EVERY: Duration = Duration::from_millis(10);

/// As many changes as a failure names; the record has more.
const NAMED: usize = 12;

impl Run {
    /// Begins: the record says that it runs before anything is done. Beside the run it gives whether that could be
    /// written: a run without a record can still tell whoever waits.
    pub fn begin(
        command: &str,
        state: &Path,
        directory: &Path,
        redactor: Redactor,
        progress: Progress,
        now: Timestamp,
    ) -> (Self, Result<(), JournalError>) {
        let history = History::open(state);
        let mut run = Self::unrecorded(command, redactor, progress, now);
        run.places = Some((history.clone(), directory.to_owned()));
        let inner = run.lock();
        let kept = history.save(&inner.record);
        if let Err(error) = history.prune() {
            run.say(&inner, Priority::Warning, &error.to_string());
        }
        let shown = inner.status.write(directory);
        run.say(&inner, Priority::Notice, &format!("{command} begins"));
        drop(inner);
        (run, kept.and(shown))
    }

    /// A run that leaves no record and no status, and forgets no earlier run: one that only says what others did must
    /// not stand in their place when somebody asks how the host is.
    pub fn unrecorded(command: &str, redactor: Redactor, progress: Progress, now: Timestamp) -> Self {
        let record = Record::begin(command, now);
        let status = Status::of(&record, now);
        let inner = Inner { record, status, shown: Instant::now(), ended: false };
        Self { inner: Mutex::new(inner), places: None, redactor, journald: Journald::of_machine(), progress }
    }

    /// The same, without systemd's journal: for tests and for roots that are not this machine.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.journald = Journald::absent();
        self
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its name.
    pub fn id(&self) -> RunId {
        self.lock().record.id.clone()
    }

    /// The stage that it is at.
    pub fn stage(&self) -> Option<Stage> {
        self.lock().record.stage()
    }

    /// Enters a stage.
    pub fn enter(&self, stage: Stage) {
        let now = Timestamp::now();
        let mut inner = self.lock();
        inner.record.enter(stage, now);
        inner.status = Status::of(&inner.record, now);
        self.keep(&inner);
        self.show(&mut inner);
        self.say(&inner, Priority::Notice, stage.name());
        self.progress.line(stage.name());
    }

    /// Says what the run waits for; `None` when it waits no more.
    pub fn waiting(&self, what: Option<&str>) {
        let what = what.map(|what| self.redactor.scrub(what));
        let mut inner = self.lock();
        if inner.status.waiting != what {
            if let Some(what) = &what {
                self.progress.passing(&format!("waiting for {what}"));
            }
            inner.status.waiting = what;
            self.show(&mut inner);
        }
    }

    /// Says which task begins, and how many of all are behind it.
    pub fn task(&self, name: &str, done: u64, total: u64) {
        let name = self.redactor.scrub(name);
        let mut inner = self.lock();
        inner.status.percent = percent(inner.record.stage(), done, total).max(inner.status.percent);
        self.progress.passing(&name);
        inner.status.task = Some(name);
        if inner.shown.elapsed() >= SHOW_EVERY {
            self.show(&mut inner);
        }
    }

    /// Says that something was changed.
    pub fn changed(&self, what: &str) {
        let what = self.redactor.scrub(what);
        let mut inner = self.lock();
        self.say(&inner, Priority::Info, &format!("changed: {what}"));
        inner.record.change(what);
        // A kill loses none of them.
        if let Some(Err(error)) = self.places.as_ref().map(|(history, _)| history.save_lightly(&inner.record)) {
            self.say(&inner, Priority::Warning, &error.to_string());
        }
        self.show(&mut inner);
    }

    /// What was completed so far, as a failure names it: the last few, and how many came before.
    pub fn completed(&self) -> Option<String> {
        let inner = self.lock();
        let (record, named) = (&inner.record, inner.record.changes.iter().rev().take(NAMED));
        let mut named: Vec<&str> = named.map(String::as_str).collect();
        named.reverse();
        let more = record.changes_total.saturating_sub(named.len() as u64);
        let more = if more > 0 { format!("{more} more, ") } else { String::new() };
        (!named.is_empty()).then(|| format!("completed before it: {more}{}", named.join(", ")))
    }

    /// Says what became of tasks, all together so far.
    pub fn counts(&self, counts: Counts) {
        let mut inner = self.lock();
        (inner.record.counts, inner.status.counts) = (counts, counts);
    }

    /// Says which instance this is.
    pub fn instance(&self, id: &str) {
        self.lock().record.instance = Some(id.to_owned());
    }

    /// Says which tree runs: a commit, or `unverified DIR`.
    pub fn tree(&self, tree: &str) {
        let mut inner = self.lock();
        inner.record.tree = Some(tree.to_owned());
        inner.status.tree = Some(tree.to_owned());
        self.keep(&inner);
    }

    /// Says that its outcome was told, or is safe in the outbox.
    pub fn reported(&self) {
        let mut inner = self.lock();
        inner.record.reported = true;
        self.keep(&inner);
    }

    /// Says what should be known beside the outcome; it is kept with the run.
    pub fn note(&self, text: &str) {
        let text = self.redactor.scrub(text);
        let mut inner = self.lock();
        self.say(&inner, Priority::Warning, &text);
        self.progress.line(&text);
        if inner.record.notes.len() < super::record::MOST_CHANGES {
            inner.record.notes.push(text);
        }
    }

    /// Shows a line, and keeps it nowhere but in systemd's journal.
    pub fn line(&self, text: &str) {
        let text = self.redactor.scrub(text);
        self.say(&self.lock(), Priority::Info, &text);
        self.progress.line(&text);
    }

    /// Ends it, well or with its failure, and gives what is kept of it.
    pub fn end(&self, outcome: Result<(), &Failure>) -> Result<Record, JournalError> {
        let now = Timestamp::now();
        let failure = outcome.err().map(|failure| FailureRecord::of(failure, &self.redactor));
        let mut inner = self.lock();
        inner.ended = true;
        inner.record.leave(now);
        inner.record.ended = Some(now);
        inner.record.state = if failure.is_some() { State::Failed } else { State::Done };
        inner.record.failure = failure;
        let percent = inner.status.percent;
        inner.status = Status::of(&inner.record, now);
        inner.status.percent = inner.status.percent.max(percent);
        let record = inner.record.clone();
        // Both are tried: where the disk is full, the status in /run still tells.
        let (kept, shown) = match &self.places {
            Some((history, directory)) => (history.save(&record), inner.status.write(directory)),
            None => (Ok(()), Ok(())),
        };
        match &record.failure {
            // The failure itself is printed once, by the command.
            Some(failure) => self.progress.line(&format!("failed at {}", failure.stage)),
            None => self.progress.line("done"),
        }
        let Counts { ok, changed, .. } = record.counts;
        let (priority, text) = match &record.failure {
            Some(failure) => (Priority::Error, format!("failed at {}: {}", failure.stage, failure.message)),
            None => (Priority::Notice, format!("done: {ok} ok, {changed} changed")),
        };
        self.say(&inner, priority, &text);
        kept.and(shown).map(|()| record)
    }

    fn say(&self, inner: &Inner, priority: Priority, text: &str) {
        self.journald.send(&[
            ("MESSAGE", text),
            ("PRIORITY", &(priority as u8).to_string()),
            ("SYSLOG_IDENTIFIER", "muster"),
            ("MUSTER_RUN", inner.record.id.as_str()),
            ("MUSTER_STAGE", inner.record.stage().map_or("", Stage::name)),
            ("MUSTER_TASK", inner.status.task.as_deref().unwrap_or_default()),
        ]);
    }

    fn keep(&self, inner: &Inner) {
        if let Some(Err(error)) = self.places.as_ref().map(|(history, _)| history.save(&inner.record)) {
            self.say(inner, Priority::Warning, &error.to_string());
        }
    }

    fn show(&self, inner: &mut Inner) {
        inner.shown = Instant::now();
        inner.status.updated = Timestamp::now();
        if let Some(Err(error)) = self.places.as_ref().map(|(_, directory)| inner.status.write(directory)) {
            self.say(inner, Priority::Warning, &error.to_string());
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.lock().ended {
            let lost = Failure::message(Stage::Internal, "the run ended without an outcome");
            let _ = self.end(Err(&lost));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    struct Scratch {
        directory: tempfile::TempDir,
        seen: Arc<Mutex<Vec<u8>>>,
        redactor: Redactor,
    }

    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("sink").write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Scratch {
        fn new() -> Self {
            let redactor = Redactor::default();
            redactor.learn("hunter2");
            Self { directory: tempfile::tempdir().expect("scratch"), seen: Arc::default(), redactor }
        }

        fn run(&self) -> Run {
            let path = self.directory.path();
            let progress = Progress::to(Box::new(Sink(Arc::clone(&self.seen))), true);
            let (run, kept) =
                Run::begin("muster boot", &path.join("state"), path, self.redactor.clone(), progress, Timestamp::now());
            kept.expect("is kept");
            run.apart()
        }

        fn everything(&self) -> String {
            let mut text = String::from_utf8(self.seen.lock().expect("sink").clone()).expect("text");
            let status = self.directory.path().join("status.json");
            text += &std::fs::read_to_string(status).expect("status");
            let history = History::open(&self.directory.path().join("state"));
            text + &serde_json::to_string(&history.newest().expect("reads")).expect("serialises")
        }
    }

    #[test]
    fn a_run_is_told_everywhere_and_no_secret_is() {
        let scratch = Scratch::new();
        let run = scratch.run();
        run.enter(Stage::Converge);
        run.task("set hunter2", 1, 2);
        run.waiting(Some("hunter2's lock"));
        run.changed("wrote hunter2");
        run.note("downloaded hunter2");
        run.counts(Counts { changed: 1, ..Counts::default() });
        let status = Status::read(scratch.directory.path()).expect("reads").expect("there");
        assert_eq!((status.state, status.stage), (State::Running, Some(Stage::Converge)));
        assert_eq!((status.waiting.as_deref(), status.percent), (Some("********'s lock"), 52));
        let failure = Failure::message(Stage::Converge, "task `set hunter2` failed");
        let record = run.end(Err(&failure)).expect("ends");
        assert_eq!((record.exit_code(), record.changes.len(), record.notes.len()), (Some(19), 1, 1));
        assert!(record.stages[0].seconds.is_some());
        let everything = scratch.everything();
        assert!(!everything.contains("hunter2"), "{everything}");
        let status = Status::read(scratch.directory.path()).expect("reads").expect("there");
        assert_eq!((status.state, status.exit_code, status.percent), (State::Failed, Some(19), 52));
    }

    #[test]
    fn a_kill_loses_no_change_and_whoever_looks_sees_each() {
        let scratch = Scratch::new();
        let run = scratch.run();
        run.enter(Stage::Converge);
        for count in 1..=3 {
            run.counts(Counts { changed: count, ..Counts::default() });
            run.changed(&format!("change {count}"));
            let status = Status::read(scratch.directory.path()).expect("reads").expect("there");
            assert_eq!(status.counts.changed, count);
        }
        // As on disk when the process is killed now.
        let history = History::open(&scratch.directory.path().join("state"));
        let record = history.newest().expect("reads").expect("there");
        assert_eq!((record.changes.len(), record.counts.changed), (3, 3));
        run.end(Ok(())).expect("ends");
    }

    #[test]
    fn a_run_that_is_dropped_says_so() {
        let scratch = Scratch::new();
        let run = scratch.run();
        run.enter(Stage::Parse);
        drop(run);
        let record = History::open(&scratch.directory.path().join("state")).newest().expect("reads").expect("there");
        assert_eq!((record.state, record.exit_code()), (State::Failed, Some(70)));
        assert!(record.failure.expect("why").message.contains("without an outcome"));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests set the stage")]
    fn a_run_that_cannot_be_written_goes_on_and_says_so() {
        let scratch = tempfile::tempdir().expect("scratch");
        std::fs::write(scratch.path().join("state"), b"no directory").expect("writes");
        let (state, directory) = (scratch.path().join("state"), scratch.path().join("run"));
        let (run, kept) =
            Run::begin("muster boot", &state, &directory, Redactor::default(), Progress::silent(), Timestamp::now());
        assert!(kept.expect_err("no record").to_string().contains("state"));
        let run = run.apart();
        run.enter(Stage::Identity);
        let failure = Failure::message(Stage::State, "no record");
        run.end(Err(&failure)).expect_err("and no end of one");
        let status = Status::read(&directory).expect("reads").expect("there");
        assert_eq!((status.state, status.exit_code), (State::Failed, Some(25)), "the status still tells");
    }

    #[test]
    fn an_unrecorded_run_stands_in_nobody_s_place() {
        let scratch = Scratch::new();
        let failure = Failure::message(Stage::Converge, "a task failed");
        scratch.run().end(Err(&failure)).expect("ends");
        let (history, before) = (History::open(&scratch.directory.path().join("state")), scratch.everything());
        let report =
            Run::unrecorded("muster boot --report-only", Redactor::default(), Progress::silent(), Timestamp::now());
        let report = report.apart();
        report.enter(Stage::Signal);
        report.end(Ok(())).expect("ends");
        assert_eq!((history.ids().expect("lists").len(), scratch.everything()), (1, before));
    }

    #[test]
    fn a_run_that_ends_well_is_done() {
        let scratch = Scratch::new();
        let record = scratch.run().end(Ok(())).expect("ends");
        assert_eq!((record.state, record.exit_code()), (State::Done, Some(0)));
        let status = Status::read(scratch.directory.path()).expect("reads").expect("there");
        assert_eq!((status.state, status.percent), (State::Done, 100));
    }
}
