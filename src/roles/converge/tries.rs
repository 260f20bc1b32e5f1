//! The tries of a task: its arguments, its module, `changed_when`, `failed_when`, `until`.

use super::arguments::{arguments, plain};
use super::end::End;
use super::error::{ConvergeError, Stop};
use super::events::Event;
use super::result::{self, flag, put};
use super::run::{Run, Stage};
use crate::host::{Attributes, Change, FileWrite, HostError};
use crate::roles::load::Said;
use crate::roles::modules::Failed;
use crate::roles::value::{Key, Value};
use std::path::Path;
use std::time::Duration;

impl Run<'_> {
    /// Tries until it is done, or as often as it may be.
    pub(super) fn tries(&mut self, stage: &mut Stage<'_>) -> Result<End, Trouble> {
        let task = stage.task;
        let number = |run: &Self, said: &Option<Said>| -> Result<Option<f64>, Failed> {
            let Some(said) = said else { return Ok(None) };
            let value = run.view(stage).render(&said.value).map_err(|error| super::view::failed(&error))?;
            Ok(seconds(&value))
        };
        self.local_only(stage)?;
        let retries = number(self, &task.retries)?;
        let delay = number(self, &task.delay)?.unwrap_or(5.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let tries = match retries {
            Some(more) => 1 + more.clamp(0.0, 1e6) as u64,
            None if task.until.is_empty() => 1,
            None => 4,
        };
        let mut attempt = 1;
        loop {
            let mut end = self.attempt(stage)?;
            if end.undecided.is_some() {
                return Ok(end);
            }
            if tries > 1 {
                put(&mut end.result, "attempts", i64::try_from(attempt).unwrap_or(i64::MAX));
                if let Some(register) = &task.register {
                    stage.local.insert(Key::from(register.as_str()), result::value(&end.result));
                }
            }
            self.judge(stage, &mut end)?;
            if tries == 1 || end.undecided.is_some() {
                return Ok(end);
            }
            let done = if task.until.is_empty() {
                !flag(&end.result, "failed")
            } else {
                self.all(stage, &task.until).map_err(|error| super::view::failed(&error))?
            };
            if done {
                return Ok(end);
            }
            if self.input.check {
                return Ok(End::undecided("`until` does not hold as things stand"));
            }
            if attempt == tries {
                put(&mut end.result, "attempts", i64::try_from(tries - 1).unwrap_or(i64::MAX));
                put(&mut end.result, "failed", true);
                end.hint.get_or_insert_with(|| format!("`until` did not hold after {tries} tries"));
                return Ok(end);
            }
            let title = task.title();
            self.observer.event(&Event::Retry { name: &title, left: tries - attempt });
            self.wait(Duration::from_secs_f64(if delay < 0.0 { 1.0 } else { delay.min(1e6) }), task)
                .map_err(Trouble::Stop)?;
            attempt += 1;
        }
    }

    /// Refuses what only shows when values are known: another host.
    fn local_only(&self, stage: &Stage<'_>) -> Result<(), Failed> {
        let view = self.view(stage);
        if let Some(said) = stage.task.frame.keyword("delegate_to") {
            let to = view.render(&said.value).map_err(|error| super::view::failed(&error))?;
            let to = plain(&to);
            if !self.inventory.is_here(&to) && self.keyword(stage, "ignore_unreachable") {
                let message = format!("`{to}` cannot be reached: muster works on its own host only");
                let failed = Failed::new(message).with("unreachable", true).with("skip_reason", "Host was unreachable");
                return Err(failed);
            }
            if !self.inventory.is_here(&to) {
                return Err(Failed::new(format!(
                    "`delegate_to: {to}` is not supported: muster works on its own host only"
                )));
            }
        }
        Ok(())
    }

    fn attempt(&mut self, stage: &mut Stage<'_>) -> Result<End, Trouble> {
        let given = arguments(&self.view(stage), stage.task);
        self.write_owed()?;
        let given = given?;
        let mut end = match self.in_time(stage, given) {
            Ok(end) => end,
            Err(Trouble::Failed(failed)) => self.failure(stage, failed),
            Err(stop) => return Err(stop),
        };
        if end.undecided.is_some() {
            return Ok(end);
        }
        let result = &mut end.result;
        if !result.contains_key(&Key::from("failed")) && !flag(result, "skipped") {
            let bad = matches!(result.get(&Key::from("rc")), Some(Value::Int(code)) if *code != 0);
            put(result, "failed", bad);
            if bad {
                result::note_exception(result, true);
            }
        }
        if !result.contains_key(&Key::from("changed")) {
            put(result, "changed", false);
        }
        if let Some(Value::Map(facts)) = result.get(&Key::from("ansible_facts"))
            && (stage.task.action.is("set_fact") || stage.task.action.is("include_vars"))
        {
            stage.local.extend(facts.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        if let Some(register) = &stage.task.register {
            stage.local.insert(Key::from(register.as_str()), result::value(result));
        }
        end.notify = self.notifications(stage)?;
        Ok(end)
    }

    /// Writes what lookups have made up: passwords that were not there.
    pub(super) fn write_owed(&mut self) -> Result<(), Trouble> {
        for (path, content) in self.templar.take_owed() {
            let private = |mode| Attributes { mode: Some(mode), ..Attributes::default() };
            let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
            above.retain(|above| !matches!(self.host.observe().stat(above, true), Ok(Some(_))));
            let made = above.into_iter().rev();
            let mut changes: Vec<Change> = made
                .map(|above| Change::MakeDirectory { path: above.to_owned(), attributes: private(0o700) })
                .collect();
            changes.push(Change::Write(FileWrite { attributes: private(0o600), ..FileWrite::new(&path, content) }));
            for change in &changes {
                match self.host.apply(change) {
                    Ok(_) => {}
                    Err(error @ HostError::NotReviewed { .. }) => {
                        return Err(ConvergeError::NotReviewed(error.to_string()).into());
                    }
                    Err(error) => return Err(Failed::from(error).into()),
                }
            }
        }
        Ok(())
    }

    /// A module's failure. In a plan it is none yet where a program that was not run may stand before it.
    fn failure(&self, stage: &Stage<'_>, failed: Failed) -> End {
        match &self.not_run.any {
            Some(task) if self.input.check && !stage.task.action.is("fail") && !stage.task.action.is("assert") => {
                End::undecided(format!("as things stand it fails ({}); `{task}` may change that", failed.message))
            }
            _ => End::failed(failed),
        }
    }

    pub(super) fn notifications(&self, stage: &Stage<'_>) -> Result<Vec<String>, Failed> {
        let view = self.view(stage);
        let mut names = Vec::new();
        for said in stage.task.frame.notified() {
            match view.render(&said.value).map_err(|error| super::view::failed(&error))? {
                Value::List(items) => names.extend(items.iter().map(plain)),
                Value::Omit | Value::Null => {}
                other => names.push(plain(&other)),
            }
        }
        Ok(names)
    }

    /// `changed_when`, `failed_when`.
    fn judge(&mut self, stage: &mut Stage<'_>, end: &mut End) -> Result<(), Trouble> {
        if flag(&end.result, "skipped") {
            return Ok(());
        }
        let task = stage.task;
        for (conditions, name) in [(&task.changed_when, "changed"), (&task.failed_when, "failed")] {
            if conditions.is_empty() {
                continue;
            }
            match self.all(stage, conditions) {
                Ok(truth) => {
                    put(&mut end.result, name, truth);
                    if name == "failed" {
                        put(&mut end.result, "failed_when_result", truth);
                        result::note_exception(&mut end.result, truth);
                    }
                }
                Err(error) if error.is_unknown() => {
                    end.undecided = Some(format!("`{name}_when` needs a value that is not known yet"));
                    break;
                }
                Err(error) => {
                    put(&mut end.result, "failed", true);
                    put(&mut end.result, "msg", format!("`{name}_when` could not be evaluated: {error}"));
                    put(&mut end.result, &format!("{name}_when_result"), error.to_string());
                    end.hint.clone_from(&error.hint);
                    break;
                }
            }
        }
        if let Some(register) = &task.register {
            stage.local.insert(Key::from(register.as_str()), end.registered());
        }
        Ok(())
    }
}

/// What ended an attempt.
pub(super) enum Trouble {
    /// The module failed.
    Failed(Failed),
    /// The run must end.
    Stop(Stop),
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

impl From<ConvergeError> for Trouble {
    fn from(error: ConvergeError) -> Self {
        Self::Stop(Stop::from(error))
    }
}

/// A number of seconds, or of tries.
pub(super) fn seconds(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "seconds and counts are small")]
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Str(text) => text.expose().trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}
