//! A task's own time: `timeout`, and `async` where it is waited for.

use super::end::End;
use super::result::put;
use super::run::{Run, Stage};
use super::tries::{Trouble, seconds};
use crate::host::Change;
use crate::roles::load::Said;
use crate::roles::modules::Failed;
use crate::roles::value::{Key, Map, Value};
use std::time::{Duration, Instant};

/// The largest `timeout` that Ansible takes, in seconds.
const LONGEST: f64 = 100_000_000.0;

/// When a task must have ended.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    end: Instant,
}

impl Run<'_> {
    /// A number of seconds that a keyword names; `None` where it names none, or 0.
    pub(super) fn seconds_of(&self, stage: &Stage<'_>, said: Option<&Said>) -> Result<Option<f64>, Failed> {
        let Some(said) = said else { return Ok(None) };
        let value = self.view(stage).render(&said.value).map_err(|error| super::view::failed(&error))?;
        Ok(seconds(&value).filter(|seconds| *seconds > 0.0))
    }

    /// `timeout`, in seconds; `None` where the task has all the time there is.
    fn timeout(&self, stage: &Stage<'_>) -> Result<Option<f64>, Failed> {
        let Some(said) = stage.task.frame.keyword("timeout") else { return Ok(None) };
        let value = self.view(stage).render(&said.value).map_err(|error| super::view::failed(&error))?;
        let Some(seconds) = seconds(&value) else { return Ok(None) };
        if !(0.0..=LONGEST).contains(&seconds) {
            let message = format!("Timeout {seconds} is invalid, it must be between 0 and {LONGEST}.");
            return Err(Failed::new(message));
        }
        Ok(Some(seconds).filter(|seconds| *seconds > 0.0))
    }

    /// One attempt, within the task's time.
    pub(super) fn in_time(&mut self, stage: &Stage<'_>, given: Map) -> Result<End, Trouble> {
        let limit = self.timeout(stage)?;
        self.goes_on_beside(stage)?;
        let waited = match self.polled(stage)? {
            true => self.seconds_of(stage, stage.task.asynchronous.as_ref())?,
            false => None,
        };
        let Some(shortest) = [limit, waited].into_iter().flatten().reduce(f64::min) else {
            return self.invoke(stage, given);
        };
        let end = Instant::now() + Duration::from_secs_f64(shortest.min(1e8));
        self.budget = Some(Budget { end });
        let outcome = self.invoke(stage, given);
        self.budget = None;
        if matches!(outcome, Err(Trouble::Stop(_))) {
            return outcome;
        }
        let over = Instant::now() >= end;
        match (over, limit.is_some_and(|limit| limit <= shortest), waited) {
            (true, true, _) => Err(timed_out(shortest).into()),
            (true, false, Some(waited)) => Err(self.not_complete(waited).into()),
            (_, _, Some(_)) => self.complete(outcome),
            _ => outcome,
        }
    }

    /// Programs get no more time than the task has.
    pub(super) fn bound(&self, changes: &mut [Change]) {
        let Some(budget) = self.budget else { return };
        let left = budget.end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        for change in changes {
            if let Change::Run(command) = change {
                command.timeout = Some(command.timeout.map_or(left, |own| own.min(left)));
            }
        }
    }

    /// The earlier of a moment and the end of the task's time.
    pub(super) fn not_beyond(&self, moment: Instant) -> Instant {
        self.budget.map_or(moment, |budget| budget.end.min(moment))
    }
}

fn timed_out(period: f64) -> Failed {
    let mut detail = Map::new();
    put(&mut detail, "frame", "the task's `timeout`");
    #[expect(clippy::cast_possible_truncation, reason = "a keyword of whole seconds")]
    detail.insert(Key::from("period"), Value::Int(period as i64));
    let mut result = Map::new();
    put(&mut result, "timedout", Value::Map(detail.into()));
    Failed { result, ..Failed::new(format!("Timed out after {period} second(s).")) }
}
