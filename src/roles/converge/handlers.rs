//! Handlers: who is notified, when they run, and what is still due when a run fails.

use super::arguments::plain;
use super::error::{ConvergeError, Stop};
use super::events::Event;
use super::outcome::PendingHandler;
use super::run::{Run, Stage};
use crate::roles::load::{Refusal, Role, Said, Task};
use crate::roles::value::Value;
use std::sync::Arc;

impl Run<'_> {
    /// The name of a handler, evaluated.
    fn handler_name(&self, handler: &Arc<Task>) -> Option<String> {
        let name = handler.frame.name.as_ref()?;
        match name {
            Value::Template(_) => self.view(&self.stage(handler)).render(name).ok().map(|name| plain(&name)),
            other => Some(plain(other)),
        }
    }

    /// The handlers that a notification means: the first of that name in the last list that has it, and every one that
    /// listens to it.
    pub(super) fn meant(&self, notification: &str) -> Vec<usize> {
        let mut found = Vec::new();
        let names: Vec<Option<String>> = self.scene.handlers.iter().map(|handler| self.handler_name(handler)).collect();
        for index in self.searched() {
            let handler = &self.scene.handlers[index];
            let Some(name) = &names[index] else { continue };
            let role = handler.frame.role();
            let long = role.is_some_and(|role| {
                notification == format!("{} : {name}", role.name)
                    || notification == format!("{} : {name}", role.full_name())
            });
            if name == notification || long {
                found.push(index);
                break;
            }
        }
        let mut seen: Vec<&String> = Vec::new();
        for index in self.searched() {
            let handler = &self.scene.handlers[index];
            let listens = handler.listen.iter().any(|said| match &said.value {
                Value::Template(_) => {
                    self.view(&self.stage(handler)).render(&said.value).is_ok_and(|topic| plain(&topic) == notification)
                }
                topic => plain(topic) == notification,
            });
            if !listens {
                continue;
            }
            if let Some(name) = &names[index] {
                if seen.contains(&name) {
                    continue;
                }
                seen.push(name);
            }
            found.push(index);
        }
        found
    }

    /// The order in which a name is looked for: the list of handlers that came last first, each list from its top.
    fn searched(&self) -> Vec<usize> {
        let handlers = &self.scene.handlers;
        let list = |index: usize| handlers[index].frame.role().map(Arc::as_ptr);
        let mut lists: Vec<Vec<usize>> = Vec::new();
        for index in 0..handlers.len() {
            match lists.last_mut() {
                Some(last) if list(last[0]) == list(index) => last.push(index),
                _ => lists.push(vec![index]),
            }
        }
        lists.into_iter().rev().flatten().collect()
    }

    /// Notifies handlers; one that does not exist is an error.
    pub(super) fn notify(&mut self, notifications: &[String], said: &[Said]) -> Result<(), Stop> {
        for notification in notifications {
            let meant = self.meant(notification);
            if meant.is_empty() {
                let message = format!("no handler is called `{notification}`, and none listens to it");
                let refusals = said.iter().take(1).map(|said| Refusal::new(message.as_str(), said.place.clone()));
                return Err(ConvergeError::Refused(refusals.collect()).into());
            }
            for index in &meant {
                self.scene.perhaps.remove(index);
                self.scene.recalled.remove(index);
            }
            self.scene.notified.extend(meant);
        }
        self.tell_pending();
        Ok(())
    }

    /// Before a task's first change: what it would notify is kept already, or a kill between the change and the
    /// notification would lose it. What cannot be said before its result is there is left to [`Run::notify`].
    pub(super) fn expect(&mut self, stage: &Stage<'_>) {
        if self.input.check || stage.task.frame.notified().is_empty() {
            return;
        }
        let names = self.notifications(stage).unwrap_or_default();
        let meant: Vec<usize> = names.iter().flat_map(|name| self.meant(name)).collect();
        self.scene.expected.extend(meant);
        self.tell_pending();
    }

    /// After a task: what it was expected to notify it has notified, or will not.
    pub(super) fn expect_nothing(&mut self) {
        if !self.scene.expected.is_empty() {
            self.scene.expected.clear();
            self.tell_pending();
        }
    }

    /// Notifies handlers that a plan cannot be sure of.
    pub(super) fn notify_perhaps(&mut self, notifications: &[String]) {
        for index in notifications.iter().flat_map(|name| self.meant(name)).collect::<Vec<_>>() {
            if self.scene.notified.insert(index) {
                self.scene.perhaps.insert(index);
            }
        }
    }

    /// `meta: flush_handlers` of a role, or of the play itself.
    pub(super) fn flush_of(&mut self, role: Option<&Arc<Role>>) -> Result<(), Stop> {
        let own = |index: &usize| {
            let handler = self.scene.handlers.get(*index);
            handler.is_some_and(|handler| handler.frame.role().map(Arc::as_ptr) == role.map(Arc::as_ptr))
        };
        let waiting = self.scene.recalled.iter().copied().filter(|index| !own(index)).collect();
        self.scene.recalled = waiting;
        self.flush()
    }

    /// Runs every handler that is due, in the order in which they are defined. What an earlier run left due waits until
    /// its role was there: a handler reads what the role's tasks set.
    pub(super) fn flush(&mut self) -> Result<(), Stop> {
        let mut index = 0;
        while index < self.scene.handlers.len() {
            if self.scene.notified.contains(&index) && !self.scene.recalled.contains(&index) {
                let handler = Arc::clone(&self.scene.handlers[index]);
                // It is owed until it has run.
                let perhaps = self.scene.perhaps.remove(&index);
                let end = if perhaps { self.perhaps(&handler) } else { self.handler(&handler) };
                if end.is_ok() {
                    self.scene.notified.remove(&index);
                    self.tell_pending();
                }
                end?;
            }
            index += 1;
        }
        Ok(())
    }

    /// Takes in what an earlier run left due, as far as this play has it.
    pub(super) fn recall(&mut self) {
        let owed = std::mem::take(&mut self.owed);
        for pending in owed {
            let name = match &pending.role {
                Some(role) => format!("{role} : {}", pending.name),
                None => pending.name.clone(),
            };
            let meant = self.meant(&name);
            if meant.is_empty() {
                self.owed.push(pending);
            }
            self.scene.recalled.extend(&meant);
            self.scene.notified.extend(meant);
        }
    }

    /// At a play's end: what is still due stays due.
    pub(super) fn leave(&mut self) {
        self.owed = self.pending();
        self.scene.notified.clear();
        self.scene.expected.clear();
        self.scene.recalled.clear();
    }

    /// What is due now.
    pub(super) fn pending(&self) -> Vec<PendingHandler> {
        let due = self.scene.notified.union(&self.scene.expected);
        let due = due.filter_map(|index| self.scene.handlers.get(*index));
        let due = due.map(|handler| PendingHandler {
            name: self.handler_name(handler).unwrap_or_else(|| handler.title()),
            role: handler.frame.role().map(|role| role.full_name()),
        });
        self.owed.iter().cloned().chain(due).collect()
    }

    fn tell_pending(&mut self) {
        let pending = self.pending();
        if pending != self.told {
            self.observer.event(&Event::Pending(&pending));
            self.told = pending;
        }
    }
}
