//! Lists of steps, blocks with `rescue` and `always`, and roles.

use super::error::Stop;
use super::run::Run;
use crate::roles::load::{Block, Item, RoleRun, Task};
use crate::roles::value::Value;

impl Run<'_> {
    /// Runs steps in order.
    pub(super) fn items(&mut self, items: &[Item]) -> Result<(), Stop> {
        for (at, item) in items.iter().enumerate() {
            match item {
                Item::Task(task) => {
                    self.look_ahead(task, &items[at + 1..]);
                    self.task(task)?;
                }
                Item::Block(block) => self.block(block)?,
                Item::Role(role) => self.role(role)?,
                Item::Imported(items) => self.items(items)?,
            }
        }
        Ok(())
    }

    fn block(&mut self, block: &Block) -> Result<(), Stop> {
        self.rescuing.push(!block.rescue.is_empty());
        let mut end = self.items(&block.items);
        self.rescuing.pop();
        if let (Err(Stop::Failed(_)), false) = (&end, block.rescue.is_empty()) {
            end = self.items(&block.rescue);
        }
        // What ends the play or the run does so at once, as in Ansible.
        if matches!(end, Ok(()) | Err(Stop::Failed(_))) {
            // Only a block that failed asks whether it is forgiven: one within its `always` may be what forgives.
            if end.is_err() {
                self.forgiven = false;
            }
            self.items(&block.always)?;
            if end.is_err() && std::mem::take(&mut self.forgiven) {
                return Ok(());
            }
        }
        end
    }

    /// Runs a role: what it depends on, then its tasks, unless it has run with the same parameters already.
    pub(super) fn role(&mut self, run: &RoleRun) -> Result<(), Stop> {
        for dependency in &run.dependencies {
            self.role(dependency)?;
        }
        let identity = &run.role.identity;
        if self.scene.done.contains(identity) && !run.role.allow_duplicates {
            return Ok(());
        }
        let end = match self.items(&run.items) {
            Err(Stop::EndRole(which)) if which == *identity => Ok(()),
            end => end,
        };
        if end.is_ok() && self.scene.begun.contains(identity) {
            self.scene.done.insert(identity.clone());
        }
        end
    }

    /// Makes a failure known to `rescue`.
    pub(super) fn remember_failure(&mut self, task: &Task, title: &str, result: Value) {
        let name = task.frame.name.as_ref().map_or("", |_| title);
        let task = Value::map([("name", Value::str(name)), ("action", Value::str(task.action.written.as_str()))]);
        self.variables.set("ansible_failed_task", task);
        self.variables.set("ansible_failed_result", result);
    }
}
