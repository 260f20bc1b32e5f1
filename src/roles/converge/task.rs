//! One task: its loop, its tries, its result, and what follows from it (ansible-core `executor/task_executor.py`).

use super::arguments::{arguments, plain, truth};
use super::error::{ConvergeError, Stop, TaskFailure};
use super::events::{Event, Status};
use super::outcome::Completed;
use super::repeat::Loop;
use super::result::{self, flag, put};
use super::run::{Run, Stage};
use crate::failure::Place;
use crate::roles::load::{Said, Task};
use crate::roles::modules::{Diff, Failed};
use crate::roles::template::TemplateError;
use crate::roles::value::{Key, Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a task, or one item of it, ended.
pub(super) struct End {
    pub(super) result: Map,
    pub(super) notify: Vec<String>,
    pub(super) ignored: bool,
    pub(super) hidden: bool,
    pub(super) hint: Option<String>,
    pub(super) diff: Vec<Diff>,
}

impl End {
    pub(super) fn new(result: Map) -> Self {
        Self { result, notify: Vec::new(), ignored: false, hidden: false, hint: None, diff: Vec::new() }
    }

    fn failed(failed: Failed) -> Self {
        let hint = failed.hint.clone();
        Self { hint, ..Self::new(result::of_failure(failed)) }
    }

    pub(super) fn status(&self) -> Status {
        if flag(&self.result, "failed") {
            if self.ignored { Status::Ignored } else { Status::Failed }
        } else if flag(&self.result, "skipped") {
            Status::Skipped
        } else if flag(&self.result, "changed") {
            Status::Changed
        } else {
            Status::Ok
        }
    }
}

impl Run<'_> {
    /// Runs a task, if tags select it.
    pub(super) fn task(&mut self, task: &Arc<Task>) -> Result<(), Stop> {
        if !self.selected(task)? {
            return Ok(());
        }
        self.carry_out(task)
    }

    /// Runs a handler. Tags do not matter.
    pub(super) fn handler(&mut self, task: &Arc<Task>) -> Result<(), Stop> {
        self.carry_out(task)
    }

    fn carry_out(&mut self, task: &Arc<Task>) -> Result<(), Stop> {
        self.within_limits(task)?;
        if task.action.is("meta") {
            return self.meta(task);
        }
        let title = self.title(task);
        let role = task.frame.role().map(|role| role.full_name());
        let event = Event::Task { name: &title, role: role.as_deref(), place: &task.place, handler: task.handler };
        self.observer.event(&event);
        if task.action.is("include_tasks") || task.action.is("include_role") {
            return self.include(task, &title);
        }
        let end = self.execute(task)?;
        self.settle(task, &title, end)
    }

    /// The task's name, evaluated as far as it can be.
    pub(super) fn title(&self, task: &Arc<Task>) -> String {
        let name = match &task.frame.name {
            Some(name @ Value::Template(_)) => self.view(&self.stage(task)).render(name).map(|name| plain(&name)),
            _ => return task.title(),
        };
        name.map_or_else(|_| task.title(), |name| self.input.redactor.scrub(&name))
    }

    pub(super) fn selected(&self, task: &Arc<Task>) -> Result<bool, Stop> {
        let mut tags = BTreeSet::new();
        for tag in task.frame.all_tags() {
            let value = match tag {
                Value::Template(_) => self.view(&self.stage(task)).render(tag)?,
                plain => plain.clone(),
            };
            let texts = match &value {
                Value::List(items) => items.iter().map(plain).collect(),
                other => vec![plain(other)],
            };
            tags.extend(texts.iter().flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()));
        }
        Ok(super::tags::Selection { only: &self.input.tags, skip: &self.input.skip_tags }.selects(&tags))
    }

    fn execute(&mut self, task: &Arc<Task>) -> Result<End, Stop> {
        let mut stage = self.stage(task);
        let hidden = self.keyword(&stage, "no_log");
        match self.repeat(&stage) {
            Ok(None) => {
                let mut end = self.once(&mut stage)?;
                end.hidden = hidden;
                self.tell(task, &end, None);
                Ok(end)
            }
            Ok(Some(repeat)) => self.each(&mut stage, &repeat, hidden),
            // What the items depend on may not exist where the task would be skipped anyway.
            Err(error) => {
                let mut end = match self.skipped(&stage) {
                    Ok(Some(condition)) => End::new(result::of_skip(&condition)),
                    _ => End::failed(super::view::failed(&error)),
                };
                end.hidden = hidden;
                end.ignored = flag(&end.result, "failed") && self.keyword(&stage, "ignore_errors");
                self.tell(task, &end, None);
                Ok(end)
            }
        }
    }

    fn each(&mut self, stage: &mut Stage<'_>, repeat: &Loop, hidden: bool) -> Result<End, Stop> {
        if repeat.items.is_empty() {
            let end = End { hidden, ..End::new(result::of_nothing()) };
            self.observer.event(&Event::Loop { status: Status::Skipped, message: "No items in the list" });
            return Ok(end);
        }
        let (mut results, mut notify, mut ignored, mut hint) = (Vec::new(), Vec::new(), true, None);
        for (index, item) in repeat.items.iter().enumerate() {
            if index > 0 {
                self.pause_between(stage)?;
            }
            let own = repeat.variables(index);
            stage.local.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
            let label = self.label(stage, item);
            let mut end = self.once(stage)?;
            end.hidden = hidden;
            end.result.extend(own);
            self.tell(stage.task, &end, Some(&label));
            if end.status() == Status::Failed {
                ignored = false;
                hint = hint.or(end.hint);
            }
            notify.extend(end.notify);
            results.push(end.result);
            if self.breaks(stage)? {
                break;
            }
        }
        let result = result::of_items(&results);
        let end = End { notify, ignored, hidden, hint, ..End::new(result) };
        let message = result::text(&end.result, "msg").unwrap_or_default();
        self.observer.event(&Event::Loop { status: end.status(), message });
        Ok(end)
    }

    fn pause_between(&mut self, stage: &Stage<'_>) -> Result<(), Stop> {
        let Some(said) = &stage.task.control.pause else { return Ok(()) };
        let seconds = seconds(&self.view(stage).render(&said.value)?).unwrap_or(0.0);
        self.wait(Duration::from_secs_f64(seconds.clamp(0.0, 1e6)), stage.task)
    }

    fn breaks(&self, stage: &Stage<'_>) -> Result<bool, Stop> {
        let conditions = &stage.task.control.break_when;
        Ok(!conditions.is_empty() && self.all(stage, conditions)?)
    }

    fn all(&self, stage: &Stage<'_>, conditions: &[Said]) -> Result<bool, TemplateError> {
        let view = self.view(stage);
        for said in conditions {
            if !view.condition(&said.value, &said.place)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The condition that does not hold, where there is one.
    pub(super) fn skipped(&self, stage: &Stage<'_>) -> Result<Option<Value>, Box<(TemplateError, Place)>> {
        let view = self.view(stage);
        for said in stage.task.frame.conditions() {
            match view.condition(&said.value, &said.place) {
                Ok(true) => {}
                Ok(false) => return Ok(Some(said.value.clone())),
                Err(error) => return Err(Box::new((error, said.place.clone()))),
            }
        }
        Ok(None)
    }

    /// The result where a condition does not hold or cannot be evaluated; `None` where the task runs.
    pub(super) fn condition_end(&self, stage: &Stage<'_>) -> Option<End> {
        match self.skipped(stage) {
            Ok(None) => None,
            Ok(Some(condition)) => Some(End::new(result::of_skip(&condition))),
            Err(trouble) => {
                let (error, place) = *trouble;
                let mut failed = super::view::failed(&error);
                failed.message = format!("the condition at {place} could not be evaluated: {error}");
                Some(End::failed(failed))
            }
        }
    }

    /// One item, or the task without a loop: condition, arguments, tries.
    fn once(&mut self, stage: &mut Stage<'_>) -> Result<End, Stop> {
        let end = match self.condition_end(stage) {
            Some(end) => Ok(end),
            None => self.tries(stage),
        };
        let mut end = match end {
            Ok(end) => end,
            Err(Trouble::Stop(stop)) => return Err(stop),
            Err(Trouble::Failed(failed)) => End::failed(failed),
        };
        if flag(&end.result, "failed") {
            end.ignored = self.keyword(stage, "ignore_errors");
        }
        if let Some(register) = &stage.task.register {
            stage.local.insert(Key::from(register.as_str()), result::value(&end.result));
        }
        Ok(end)
    }

    fn tries(&mut self, stage: &mut Stage<'_>) -> Result<End, Trouble> {
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
            if tries > 1 {
                put(&mut end.result, "attempts", i64::try_from(attempt).unwrap_or(i64::MAX));
            }
            self.judge(stage, &mut end)?;
            if tries == 1 {
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

    /// Refuses what only shows when values are known: another host, check mode.
    fn local_only(&self, stage: &Stage<'_>) -> Result<(), Failed> {
        let view = self.view(stage);
        if let Some(said) = stage.task.frame.keyword("delegate_to") {
            let to = view.render(&said.value).map_err(|error| super::view::failed(&error))?;
            let to = plain(&to);
            if !to.is_empty() && !crate::roles::load::is_local(&to) && to != self.input.hostname {
                return Err(Failed::new(format!(
                    "`delegate_to: {to}` is not supported: muster works on its own host only"
                )));
            }
        }
        let check = stage.task.frame.keyword("check_mode").map(|said| view.render(&said.value));
        if check.is_some_and(|value| value.is_ok_and(|value| truth(&value))) {
            return Err(Failed::new("`check_mode: true` is not supported: check mode comes with plans"));
        }
        Ok(())
    }

    fn attempt(&mut self, stage: &mut Stage<'_>) -> Result<End, Trouble> {
        let given = arguments(&self.view(stage), stage.task)?;
        let mut end = match self.invoke(stage, given) {
            Ok(end) => end,
            Err(Trouble::Failed(failed)) => End::failed(failed),
            Err(stop) => return Err(stop),
        };
        let result = &mut end.result;
        if !result.contains_key(&Key::from("failed")) && !flag(result, "skipped") {
            let bad = matches!(result.get(&Key::from("rc")), Some(Value::Int(code)) if *code != 0);
            put(result, "failed", bad);
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

    fn notifications(&self, stage: &Stage<'_>) -> Result<Vec<String>, Failed> {
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
                    }
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
            stage.local.insert(Key::from(register.as_str()), result::value(&end.result));
        }
        Ok(())
    }

    /// Waits, while watching the deadline.
    pub(super) fn wait(&mut self, time: Duration, task: &Task) -> Result<(), Stop> {
        if time.is_zero() {
            return Ok(());
        }
        self.observer.event(&Event::Wait { time });
        let until = Instant::now() + time;
        loop {
            self.within_limits(task)?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let slice = left.min(Duration::from_millis(500));
            let change = crate::host::Change::Wait(slice);
            if self.host.apply(&change).is_err() {
                return Ok(());
            }
        }
    }

    fn tell(&mut self, task: &Task, end: &End, label: Option<&str>) {
        let open = task.action.is("debug");
        let shown = result::shown(&end.result, end.hidden, &self.input.redactor);
        let diff: &[Diff] = if end.hidden { &[] } else { &end.diff };
        let item = label.map(|label| if end.hidden { "(censored)" } else { label });
        self.observer.event(&Event::Result { status: end.status(), item, result: &shown, diff, shown: open });
    }

    /// Counts, facts, notifications, the registered result; and the failure, where it is one.
    fn settle(&mut self, task: &Arc<Task>, title: &str, end: End) -> Result<(), Stop> {
        let status = end.status();
        let role = task.frame.role();
        if let (true, Some(role)) = (status != Status::Skipped, role) {
            self.scene.begun.insert(role.identity.clone());
        }
        if flag(&end.result, "changed") {
            let role = role.map(|role| role.full_name());
            self.completed.push(Completed { task: title.to_owned(), role, place: task.place.clone() });
        }
        if let Some(register) = &task.register {
            self.variables.set(register, result::value(&end.result));
        }
        match status {
            Status::Skipped => self.recap.skipped += 1,
            Status::Ok | Status::Changed | Status::Ignored => {
                self.recap.ok += 1;
                self.recap.changed += u32::from(flag(&end.result, "changed"));
                self.recap.ignored += u32::from(status == Status::Ignored);
            }
            Status::Failed => return Err(self.fail(task, title, &end)),
        }
        if status != Status::Ignored {
            self.learn(task, &end.result);
            if status == Status::Changed && !end.notify.is_empty() {
                self.notify(&end.notify, task.frame.notified())?;
            }
        }
        Ok(())
    }

    /// A failure: counted, and remembered for `rescue`.
    pub(super) fn fail(&mut self, task: &Arc<Task>, title: &str, end: &End) -> Stop {
        if self.rescuing.contains(&true) {
            self.recap.rescued += 1;
            self.remember_failure(task, title, result::value(&end.result));
        } else {
            self.recap.failed += 1;
        }
        let message = if end.hidden {
            "its output is hidden by `no_log`".to_owned()
        } else {
            self.input.redactor.scrub(&message(&end.result))
        };
        Stop::Failed(Box::new(TaskFailure {
            task: title.to_owned(),
            role: task.frame.role().map(|role| role.full_name()),
            message,
            hint: if end.hidden { None } else { end.hint.clone() },
            place: task.place.clone(),
        }))
    }

    /// Facts of a result, at the precedence that its module gives them.
    fn learn(&mut self, task: &Task, result: &Map) {
        let items = result.get(&Key::from("results")).and_then(Value::as_list);
        let maps: Vec<Map> = match (&task.repeat, items) {
            (Some(_), Some(items)) => items.iter().filter_map(|item| item.as_map().cloned()).collect(),
            _ => vec![result.clone()],
        };
        for map in maps {
            let Some(Value::Map(facts)) = map.get(&Key::from("ansible_facts")) else { continue };
            let pairs = facts.iter().map(|(key, value)| (key.clone(), value.clone()));
            if task.action.is("set_fact") {
                Arc::make_mut(&mut self.variables.set).extend(pairs);
                if task.action.arguments.get("cacheable").is_some_and(truth) {
                    self.variables.facts.add(facts);
                }
            } else if task.action.is("include_vars") {
                Arc::make_mut(&mut self.variables.included).extend(pairs);
            } else if !task.action.is("debug") {
                self.variables.facts.add(facts);
            }
        }
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

/// The message of a failed result; for a loop that of its first failed item.
fn message(result: &Map) -> String {
    let items = result.get(&Key::from("results")).and_then(Value::as_list).unwrap_or_default();
    let first = items.iter().filter_map(Value::as_map).find(|item| flag(item, "failed"));
    let result = first.unwrap_or(result);
    let text = |name: &str| result::text(result, name).map(str::trim).filter(|text| !text.is_empty());
    let mut message = text("msg").unwrap_or("it failed").to_owned();
    if let Some(stderr) = text("stderr").filter(|stderr| !message.contains(stderr)) {
        let tail: String = stderr.chars().rev().take(400).collect::<Vec<_>>().into_iter().rev().collect();
        message.push_str(": ");
        message.push_str(&tail);
    }
    message
}

fn seconds(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "seconds and counts are small")]
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Str(text) => text.expose().trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}
