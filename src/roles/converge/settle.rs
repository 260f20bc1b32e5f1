//! What follows from a task's end: counts, the registered result, facts, notifications, a failure.

use super::arguments::{plain, truth};
use super::end::End;
use super::error::{Stop, TaskFailure};
use super::events::Status;
use super::outcome::Completed;
use super::result::{self, flag};
use super::run::Run;
use crate::roles::load::Task;
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;

impl Run<'_> {
    /// Counts, facts, notifications, the registered result; and the failure, where it is one.
    pub(super) fn settle(&mut self, task: &Arc<Task>, title: &str, end: End) -> Result<(), Stop> {
        let settled = self.follow(task, title, end);
        self.expect_nothing();
        settled
    }

    fn follow(&mut self, task: &Arc<Task>, title: &str, end: End) -> Result<(), Stop> {
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
            self.variables.set(register, end.registered());
        }
        match status {
            Status::Skipped => self.recap.skipped += 1,
            Status::Ok | Status::Changed | Status::Ignored => {
                self.recap.ok += 1;
                self.recap.changed += u32::from(flag(&end.result, "changed"));
                self.recap.ignored += u32::from(status == Status::Ignored);
            }
            Status::Failed => return Err(self.fail(task, title, &end)),
            Status::Undecided => return self.undecided(task, title, &end),
        }
        if status != Status::Ignored {
            self.learn(task, &end.result);
            if status == Status::Changed && !end.notify.is_empty() {
                self.notify(&end.notify, task.frame.notified())?;
            }
        }
        Ok(())
    }

    /// A task of a plan whose outcome is not known: neither are its facts, nor what it would notify.
    fn undecided(&mut self, task: &Arc<Task>, title: &str, end: &End) -> Result<(), Stop> {
        self.recap.undecided += 1;
        self.doubt_after(task, title);
        self.forget(task, &end.result);
        if task.action.is("set_fact") {
            let names = task.action.arguments.map.keys().map(|name| (name.clone(), Value::Unknown));
            Arc::make_mut(&mut self.variables.set).extend(names);
        }
        let notified = task.frame.notified();
        if flag(&end.result, "changed") && !end.notify.is_empty() {
            return self.notify(&end.notify, notified);
        }
        let names = self.notifications(&self.stage(task)).unwrap_or_default();
        self.notify_perhaps(&names);
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
            written: if end.hidden { None } else { end.place.clone() },
        }))
    }

    /// Facts of a result, at the precedence that its module gives them.
    fn learn(&mut self, task: &Task, result: &Map) {
        let items = result.get(&Key::from("results")).and_then(Value::as_list);
        let maps: Vec<Map> = match (&task.repeat, items) {
            (Some(_), Some(items)) => items.iter().filter_map(|item| item.as_map().cloned()).collect(),
            _ => vec![result.clone()],
        };
        let other = self.told_to(task);
        for map in maps {
            let Some(Value::Map(facts)) = map.get(&Key::from("ansible_facts")) else { continue };
            let pairs = facts.iter().map(|(key, value)| (key.clone(), value.clone()));
            if let Some(host) = &other {
                let gathered = !["set_fact", "include_vars", "debug"].iter().any(|name| task.action.is(name));
                self.inventory.learn(host, facts, gathered);
                self.variables.others = Arc::clone(self.inventory.others());
            } else if task.action.is("set_fact") {
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

impl Run<'_> {
    /// The other host whose facts a task learns: the one that it is delegated to, where `delegate_facts` says so.
    fn told_to(&self, task: &Task) -> Option<String> {
        let to = task.frame.keyword("delegate_to")?;
        let stage = self.stage(task);
        if !self.keyword(&stage, "delegate_facts") {
            return None;
        }
        let host = plain(&self.view(&stage).render(&to.value).ok()?);
        (!self.inventory.is_own(&host)).then_some(host)
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
