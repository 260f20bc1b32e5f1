//! What one run did, as it is kept.

use super::process::Process;
use crate::failure::{Failure, Place, Stage};
use crate::secret::Redactor;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A run's name: when it began, and a few letters. Names sort by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A new one.
    pub fn new(now: Timestamp) -> Self {
        Self(format!("{}-{:04x}", now.strftime("%Y%m%dT%H%M%S%3fZ"), fastrand::u16(..)))
    }

    /// One that was printed before; only letters, digits and dashes, because it names a file.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= 64;
        let clean = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (fits && clean).then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It goes on, or it was stopped and nobody has noticed yet.
    Running,
    /// It ended well.
    Done,
    /// It failed and said so.
    Failed,
    /// It was stopped from outside and could not say so.
    Interrupted,
}

/// A stage of a run and the time that it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageTime {
    /// Which.
    pub stage: Stage,
    /// When it began.
    pub started: Timestamp,
    /// How long it took; absent while it goes on.
    pub seconds: Option<f64>,
}

/// What became of tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Nothing to do.
    pub ok: u64,
    /// Something was changed.
    pub changed: u64,
    /// Not applicable.
    pub skipped: u64,
    /// Failed.
    pub failed: u64,
    /// Failed and rescued.
    pub rescued: u64,
    /// Failed and ignored.
    pub ignored: u64,
}

/// A failure as it is kept: without secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureRecord {
    /// At which stage.
    pub stage: Stage,
    /// What was attempted, on what, and what happened.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where in a source text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl FailureRecord {
    /// A failure without secrets, and without the source's line, which may hold one.
    pub fn of(failure: &Failure, redactor: &Redactor) -> Self {
        let place = failure.place.clone().map(|place| Place { excerpt: None, ..place });
        let reason = failure.reason();
        // The stage is kept beside it.
        let message = reason.split_once(": ").map_or(reason.as_str(), |(_, rest)| rest);
        Self {
            stage: failure.stage,
            message: redactor.scrub(message),
            hint: failure.hint.as_deref().map(|hint| redactor.scrub(hint)),
            place,
        }
    }
}

/// What one run did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub id: RunId,
    /// What was asked for, as `muster boot`.
    pub command: String,
    /// muster's version.
    pub version: String,
    /// Which process ran it.
    pub process: Process,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub state: State,
    /// The instance's id.
    pub instance: Option<String>,
    /// The commit that ran, or `unverified DIR`.
    pub tree: Option<String>,
    /// Its stages in order.
    pub stages: Vec<StageTime>,
    /// What became of tasks.
    pub counts: Counts,
    /// Why it failed.
    pub failure: Option<FailureRecord>,
    /// The changes that it completed, in order; past a limit only their number grows.
    pub changes: Vec<String>,
    /// How many changes it completed.
    pub changes_total: u64,
    /// What should be known beside: downloads that nothing verified, roles skipped.
    pub notes: Vec<String>,
    /// Whether its outcome was told, or is safe in the outbox. The next boot tells what this one could not.
    #[serde(default = "reported_before")]
    pub reported: bool,
}

/// Of a record that was written before records said so.
fn reported_before() -> bool {
    true
}

/// More changes than these are counted, not named.
pub(crate) const MOST_CHANGES: usize = 500;

impl Record {
    /// A run that begins.
    pub fn begin(command: &str, now: Timestamp) -> Self {
        Self {
            id: RunId::new(now),
            command: command.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: Process::current(),
            started: now,
            ended: None,
            state: State::Running,
            instance: None,
            tree: None,
            stages: Vec::new(),
            counts: Counts::default(),
            failure: None,
            changes: Vec::new(),
            changes_total: 0,
            notes: Vec::new(),
            reported: false,
        }
    }

    /// The stage that it is at, or was at last.
    pub fn stage(&self) -> Option<Stage> {
        self.stages.last().map(|entry| entry.stage)
    }

    /// The exit code that it ended with; `None` while it runs.
    pub fn exit_code(&self) -> Option<u8> {
        match self.state {
            State::Running => None,
            State::Done => Some(0),
            State::Interrupted => Some(Stage::Interrupted.exit_code()),
            State::Failed => Some(self.failure.as_ref().map_or(Stage::Internal, |failure| failure.stage).exit_code()),
        }
    }

    /// Enters a stage, ending the one before.
    pub(crate) fn enter(&mut self, stage: Stage, now: Timestamp) {
        self.leave(now);
        self.stages.push(StageTime { stage, started: now, seconds: None });
    }

    pub(crate) fn leave(&mut self, now: Timestamp) {
        if let Some(last) = self.stages.last_mut()
            && last.seconds.is_none()
        {
            last.seconds = Some((now - last.started).total(jiff::Unit::Second).unwrap_or_default().max(0.0));
        }
    }

    pub(crate) fn change(&mut self, what: String) {
        self.changes_total += 1;
        if self.changes.len() < MOST_CHANGES {
            self.changes.push(what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_cannot_climb() {
        let at = |second| RunId::new(Timestamp::from_second(second).expect("time"));
        assert!(at(1_700_000_000) < at(1_800_000_000));
        assert!(RunId::parse(at(0).as_str()).is_some());
        assert_eq!((RunId::parse("../x"), RunId::parse("")), (None, None));
    }

    #[test]
    fn a_failure_is_kept_without_its_secret_and_its_line() {
        let redactor = Redactor::default();
        redactor.learn("hunter2");
        let mut failure = Failure::message(Stage::Converge, "password hunter2 is wrong").with_hint("not hunter2");
        failure.place = Some(Place { file: "a".into(), line: 1, column: 1, excerpt: Some("hunter2".into()) });
        let kept = serde_json::to_string(&FailureRecord::of(&failure, &redactor)).expect("serialises");
        assert!(!kept.contains("hunter2") && kept.contains("is wrong"), "{kept}");
    }
}
