//! What the observer is told of a task.

use super::arguments::plain;
use super::end::End;
use super::events::{Event, Status};
use super::result;
use super::run::Run;
use crate::roles::load::Task;
use crate::roles::modules::Diff;
use crate::roles::value::Value;
use std::sync::Arc;

impl Run<'_> {
    pub(super) fn announce(&mut self, task: &Arc<Task>) -> String {
        let title = self.title(task);
        let role = task.frame.role().map(|role| role.full_name());
        self.observer.event(&Event::Task {
            name: &title,
            role: role.as_deref(),
            place: &task.place,
            handler: task.handler,
            include: task.action.is("include_tasks") || task.action.is("include_role"),
        });
        title
    }

    /// The task's name, evaluated as far as it can be.
    pub(super) fn title(&self, task: &Arc<Task>) -> String {
        let name = match &task.frame.name {
            Some(name @ Value::Template(_)) => self.view(&self.stage(task)).render(name).map(|name| plain(&name)),
            _ => return task.title(),
        };
        name.map_or_else(|_| task.title(), |name| self.input.redactor.scrub(&name))
    }

    /// Shows why a task failed, and where it stands.
    pub(super) fn tell_error(&mut self, task: &Task, end: &End, shown: &serde_json::Value) {
        if !matches!(end.status(), Status::Failed | Status::Ignored) {
            return;
        }
        let message = ["msg", "censored"].iter().find_map(|name| shown[name].as_str()).unwrap_or("it says no reason");
        let before = match &task.place.excerpt {
            Some(_) => self.loader.lines_before(&task.place),
            None => Vec::new(),
        };
        self.observer.event(&Event::Error { message, place: &task.place, before: &before });
    }

    pub(super) fn tell(&mut self, task: &Task, end: &End, label: Option<&str>) {
        let open = task.action.is("debug") || task.action.is("assert");
        let shown = result::shown(&end.result, end.hidden, &self.input.redactor);
        let quiet = matches!(task.frame.keyword("diff"), Some(said) if !super::arguments::truth(&said.value));
        let diff: &[Diff] = if end.hidden || quiet { &[] } else { &end.diff };
        let item = label.map(|label| if end.hidden { "(censored)" } else { label });
        self.tell_error(task, end, &shown);
        self.observer.event(&Event::Result {
            status: end.status(),
            item,
            result: &shown,
            diff,
            changes: &end.changes,
            hidden: end.hidden,
            undecided: end.undecided.as_deref(),
            shown: open,
        });
    }
}
