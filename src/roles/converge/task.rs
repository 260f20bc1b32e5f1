//! One task: its loop, its tries, its result, and what follows from it (ansible-core `executor/task_executor.py`).

use super::arguments::plain;
use super::end::End;
use super::error::Stop;
use super::events::{Event, Status};
use super::repeat::Loop;
use super::result::{self, flag, put};
use super::run::{Run, Stage};
use super::tries::{Trouble, seconds};
use crate::roles::load::Task;
use crate::roles::modules::Failed;
use crate::roles::template::TemplateError;
use crate::roles::value::{Key, Template, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
        self.look_ahead(task, &[]);
        self.carry_out(task)
    }

    /// A handler that only undecided tasks have notified.
    pub(super) fn perhaps(&mut self, task: &Arc<Task>) -> Result<(), Stop> {
        let title = self.announce(task);
        let end = End::undecided("it runs where an undecided task changes something");
        self.tell(task, &end, None);
        self.settle(task, &title, end)
    }

    fn carry_out(&mut self, task: &Arc<Task>) -> Result<(), Stop> {
        self.outside_limits(&format!("before task `{}`", task.title()))?;
        if task.action.is("meta") {
            return self.meta(task);
        }
        let title = self.announce(task);
        if task.action.is_templated() {
            return self.carry_out_named(task, &title);
        }
        if task.action.is("include_tasks") || task.action.is("include_role") {
            return self.include(task, &title);
        }
        let end = self.execute(task)?;
        // What a condition or a loop has asked for is written although the task was skipped.
        let end = match self.write_owed() {
            Ok(()) => end,
            Err(Trouble::Failed(failed)) => End::failed(failed),
            Err(Trouble::Stop(stop)) => return Err(stop),
        };
        self.settle(task, &title, end)
    }

    /// Carries out a task whose module a template names.
    fn carry_out_named(&mut self, task: &Arc<Task>, title: &str) -> Result<(), Stop> {
        let stage = self.stage(task);
        let template = Template::new(task.action.written.as_str(), task.place.clone());
        let action = match self.view(&stage).render(&Value::Template(Arc::new(template))) {
            Ok(name) => task
                .action
                .named(&plain(&name), &task.place)
                .map_err(|refusal| Failed { hint: refusal.hint, ..Failed::new(refusal.message) }),
            Err(error) => Err(super::view::failed(&error)),
        };
        let end = match (action, self.condition_end(&stage)) {
            (Ok(action), _) => self.execute(&Task { action, ..(**task).clone() })?,
            (Err(_), Some(end)) => {
                self.tell(task, &end, None);
                end
            }
            (Err(failed), None) => {
                let end = End { ignored: self.keyword(&stage, "ignore_errors"), ..End::failed(failed) };
                self.tell(task, &end, None);
                end
            }
        };
        self.settle(task, title, end)
    }

    pub(super) fn selected(&self, task: &Arc<Task>) -> Result<bool, Stop> {
        let tags = self.tags_of(task)?;
        Ok(super::tags::Selection { only: &self.input.tags, skip: &self.input.skip_tags }.selects(&tags))
    }

    /// A task's tags, with those that it inherits.
    pub(super) fn tags_of(&self, task: &Arc<Task>) -> Result<BTreeSet<String>, Stop> {
        Ok(self.rendered_tags(task.frame.all_tags(), |tag| self.view(&self.stage(task)).render(tag))?)
    }

    /// Tags as texts: each may be a template, a list, or several with commas.
    pub(super) fn rendered_tags<'t>(
        &self,
        written: impl IntoIterator<Item = &'t Value>,
        render: impl Fn(&Value) -> Result<Value, TemplateError>,
    ) -> Result<BTreeSet<String>, TemplateError> {
        let mut tags = BTreeSet::new();
        for tag in written {
            let value = match tag {
                Value::Template(_) => render(tag)?,
                plain => plain.clone(),
            };
            let texts = match &value {
                Value::List(items) => items.iter().map(plain).collect(),
                other => vec![plain(other)],
            };
            tags.extend(texts.iter().flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()));
        }
        Ok(tags)
    }

    fn execute(&mut self, task: &Task) -> Result<End, Stop> {
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
        let (mut results, mut notify, mut ignored) = (Vec::new(), Vec::new(), true);
        let (mut undecided, mut hint, mut place) = (None, None, None);
        for (index, item) in repeat.items.iter().enumerate() {
            if index > 0 {
                self.pause_between(stage)?;
            }
            let own = repeat.variables(index);
            stage.local.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
            self.items_ahead(stage.task, repeat, index);
            let mut end = self.once(stage)?;
            end.hidden = hidden;
            end.result.extend(own);
            let label = self.label(stage, item).unwrap_or_else(|error| {
                put(&mut end.result, "failed", true);
                put(&mut end.result, "msg", format!("Failed to template loop_control.label: {error}"));
                end.ignored = self.keyword(stage, "ignore_errors");
                String::new()
            });
            self.tell(stage.task, &end, Some(&label));
            if end.status() == Status::Failed {
                ignored = false;
                hint = hint.or(end.hint);
                place = place.or(end.place);
            }
            notify.extend(end.notify);
            undecided = undecided.or(end.undecided);
            results.push(end.result);
            if self.breaks(stage)? {
                break;
            }
        }
        let result = result::of_items(&results);
        let end = End { notify, ignored, hidden, hint, place, undecided, ..End::new(result) };
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
        if result::failed(&end.result) {
            let unreachable = flag(&end.result, "unreachable") && self.keyword(stage, "ignore_unreachable");
            end.ignored = unreachable || self.keyword(stage, "ignore_errors");
        }
        if let Some(register) = &stage.task.register {
            stage.local.insert(Key::from(register.as_str()), end.registered());
        }
        Ok(end)
    }

    /// Waits, while watching the deadline.
    pub(super) fn wait(&mut self, time: Duration, task: &Task) -> Result<(), Stop> {
        if time.is_zero() || self.input.check {
            return Ok(());
        }
        self.observer.event(&Event::Wait { time });
        let until = self.not_beyond(Instant::now() + time);
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
}
